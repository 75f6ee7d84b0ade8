/* Edits on the world: what is to be written to Cloudflare after them, and what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reconcile/apply.h"

struct bench {
	struct world *w;
	struct plan *p;
	struct record *record;
	struct route *route;
};

static int begin(void **state)
{
	struct bench *b = mem_alloc(sizeof(*b));
	struct tunnel *t = tunnel_new("web");
	b->w = world_new();
	b->p = plan_new("route_set", "uid 0 (root)", NULL);
	b->record = record_new("app.example.com", "CNAME");
	b->route = route_new();
	world_add_tunnel(b->w, t);
	(void)str_copy(b->record->tunnel_id, ID_SIZE, t->id);
	(void)str_copy(b->route->tunnel_id, ID_SIZE, t->id);
	b->record->proxied = true;
	str_set(&b->route->hostname, "app.example.com");
	str_set(&b->route->service, "http://127.0.0.1:8080");
	world_add_record(b->w, b->record);
	world_add_route(b->w, b->route);
	b->record->applied_generation = b->record->generation;
	b->route->applied_generation = b->route->generation;
	*state = b;
	return 0;
}

static int end(void **state)
{
	struct bench *b = *state;
	plan_free(b->p);
	world_free(b->w);
	free(b);
	return 0;
}

static bool record_is_due(const struct bench *b)
{
	return b->record->applied_generation != b->record->generation;
}

static bool route_is_due(const struct bench *b)
{
	return b->route->applied_generation != b->route->generation;
}

static void what_only_adit_knows_is_written_nowhere(void **state)
{
	struct bench *b = *state;
	int64_t before = b->record->generation;
	str_set(&plan_put_record(b->p, b->record)->manifest, "site");
	str_set(&plan_put_route(b->p, b->route)->drift, "ignore");
	apply_world(b->w, b->p);
	assert_int_equal(b->record->generation, before + 1);
	assert_string_equal(b->record->manifest, "site");
	assert_int_equal(b->route->drift, DRIFT_IGNORE);
	assert_false(record_is_due(b));
	assert_false(route_is_due(b));
}

static void the_same_again_is_written_again(void **state)
{
	struct bench *b = *state;
	(void)plan_put_record(b->p, b->record);
	(void)plan_put_route(b->p, b->route);
	apply_world(b->w, b->p);
	assert_true(record_is_due(b));
	assert_true(route_is_due(b));
}

static void what_changes_beside_it_is_written(void **state)
{
	struct bench *b = *state;
	struct edit *ed = plan_put_record(b->p, b->record);
	str_set(&ed->manifest, "site");
	ed->proxied = false;
	ed = plan_put_route(b->p, b->route);
	str_set(&ed->manifest, "site");
	str_set(&ed->service, "http://127.0.0.1:8081");
	apply_world(b->w, b->p);
	assert_true(record_is_due(b));
	assert_true(route_is_due(b));
}

static void what_is_still_due_stays_due(void **state)
{
	struct bench *b = *state;
	b->record->applied_generation = b->route->applied_generation = 0;
	str_set(&plan_put_record(b->p, b->record)->manifest, "site");
	str_set(&plan_put_route(b->p, b->route)->manifest, "site");
	apply_world(b->w, b->p);
	assert_true(record_is_due(b));
	assert_true(route_is_due(b));
}

static void what_is_to_give_way_is_written_over(void **state)
{
	struct bench *b = *state;
	struct edit *ed = plan_put_record(b->p, b->record);
	str_set(&ed->manifest, "site");
	str_set(&ed->takes, "[]");
	ed = plan_put_route(b->p, b->route);
	str_set(&ed->manifest, "site");
	str_set(&ed->takes, "[]");
	apply_world(b->w, b->p);
	assert_true(record_is_due(b));
	assert_true(route_is_due(b));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(what_only_adit_knows_is_written_nowhere),
		TEST(the_same_again_is_written_again),
		TEST(what_changes_beside_it_is_written),
		TEST(what_is_still_due_stays_due),
		TEST(what_is_to_give_way_is_written_over),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
