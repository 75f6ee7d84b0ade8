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

static void record_content_changes(struct edit *ed)
{
	str_set(&ed->content, "192.0.2.2");
}
static void record_comment_changes(struct edit *ed)
{
	str_set(&ed->comment, "mine");
}
static void record_ttl_changes(struct edit *ed)
{
	ed->ttl = 300;
}
static void record_priority_changes(struct edit *ed)
{
	ed->priority = 5;
}
static void record_type_changes(struct edit *ed)
{
	str_set(&ed->type, "A");
}
static void tunnel_changes(struct edit *ed)
{
	ed->tunnel_id[0] = '\0';
}
static void name_changes(struct edit *ed)
{
	str_set(&ed->name, "www.example.com");
}
static void is_taken(struct edit *ed)
{
	str_set(&ed->takes, "[]");
}
static void is_adopted(struct edit *ed)
{
	str_set(&ed->remote_id, "0123456789abcdef0123456789abcdef");
}
static void is_made_anew(struct edit *ed)
{
	ed->anew = true;
}
static void path_changes(struct edit *ed)
{
	str_set(&ed->path, "^/api");
}
static void options_change(struct edit *ed)
{
	str_set(&ed->origin, "{\"noTLSVerify\":true}");
}

/* Each field that Cloudflare holds, alone beside what it does not. */
static void each_field_beside_it_is_written(void **state)
{
	static void (*const on_record[])(struct edit *) = {
		record_content_changes,
		record_comment_changes,
		record_ttl_changes,
		record_priority_changes,
		record_type_changes,
		tunnel_changes,
		name_changes,
		is_taken,
		is_adopted,
		is_made_anew,
	};
	static void (*const on_route[])(struct edit *) = {path_changes, options_change,
							  tunnel_changes, name_changes, is_taken};
	for (size_t i = 0; i < ARRAY_LEN(on_record) + ARRAY_LEN(on_route); i++) {
		void *own = NULL;
		(void)begin(&own);
		struct bench *b = own;
		bool record = i < ARRAY_LEN(on_record);
		struct edit *ed =
			record ? plan_put_record(b->p, b->record) : plan_put_route(b->p, b->route);
		str_set(&ed->manifest, "site");
		(record ? on_record[i] : on_route[i - ARRAY_LEN(on_record)])(ed);
		apply_world(b->w, b->p);
		if (record ? !record_is_due(b) : !route_is_due(b))
			fail_msg("field %zu", i);
		(void)end(&own);
	}
	(void)state;
}

/* It was to go, and nothing of it changed but that it stays. */
static void what_was_to_go_and_stays_is_due(void **state)
{
	struct bench *b = *state;
	b->record->want = WANT_ABSENT;
	str_set(&plan_put_record(b->p, b->record)->manifest, "site");
	apply_world(b->w, b->p);
	assert_int_equal(b->record->want, WANT_PRESENT);
	assert_true(record_is_due(b));
}

static void what_was_seen_was_about_the_old_wish(void **state)
{
	struct bench *b = *state;
	b->route->observed.seen = ROUTE_REMOVED;
	b->record->observed.looked_ms = b->record->observed.named_ms = 5;
	(void)plan_put_route(b->p, b->route);
	(void)plan_put_record(b->p, b->record);
	apply_world(b->w, b->p);
	assert_int_equal(b->route->observed.seen, ROUTE_UNSEEN);
	assert_int_equal(b->record->observed.looked_ms + b->record->observed.named_ms, 0);
}

/* Nothing of the one that was deleted is the new one's: its connectors need another token. */
static void a_tunnel_made_anew_has_nothing_of_the_old_one(void **state)
{
	struct bench *b = *state;
	struct tunnel *t = b->w->tunnels.items[0];
	(void)str_copy(t->remote_id, UUID_SIZE, "11111111-2222-4333-8444-555555555555");
	t->token_generation = 2;
	t->config_version = 7;
	t->applied_generation = t->generation;
	t->adopted = t->observed.gone = true;
	plan_put_tunnel(b->p, t)->anew = true;
	apply_world(b->w, b->p);
	assert_string_equal(t->remote_id, "");
	assert_true(t->token_stale);
	assert_false(t->adopted || t->observed.gone);
	assert_int_equal(t->config_version + t->applied_generation, 0);
	assert_int_equal(t->token_generation, 2);
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
		cmocka_unit_test(each_field_beside_it_is_written),
		TEST(what_was_to_go_and_stays_is_due),
		TEST(what_was_seen_was_about_the_old_wish),
		TEST(a_tunnel_made_anew_has_nothing_of_the_old_one),
		TEST(what_is_still_due_stays_due),
		TEST(what_is_to_give_way_is_written_over),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
