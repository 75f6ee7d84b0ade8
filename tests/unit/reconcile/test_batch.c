/* Which actions go together: by zone and kind, as many as the zone's plan allows, and nothing is
 * lost or doubled on the way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reconcile/batch.h"

#define ZONE_A "0123456789abcdef0123456789abcdea"
#define ZONE_B "0123456789abcdef0123456789abcdeb"
#define MOST   1200

struct bench {
	struct world *w;
	struct action actions[MOST];
	size_t n;
	struct batch_groups groups;
};

static int begin(void **state)
{
	struct bench *b = mem_alloc(sizeof(*b));
	b->w = world_new();
	world_add_zone(b->w, zone_new(ZONE_A, "example.com"));
	world_add_zone(b->w, zone_new(ZONE_B, "example.net"));
	*state = b;
	return 0;
}

static int end(void **state)
{
	struct bench *b = *state;
	batch_groups_t_cleanup(&b->groups);
	world_free(b->w);
	free(b);
	return 0;
}

static struct record *due(struct bench *b, enum action_kind kind, const char *zone)
{
	AUTO(str_t) name = str_format("n%zu.%s", b->n, zone);
	struct record *r = record_new(name, "A");
	world_add_record(b->w, r);
	b->actions[b->n] = (struct action){.kind = kind, .reason = "test"};
	(void)str_copy(b->actions[b->n++].object_id, ID_SIZE, r->id);
	return r;
}

static void many(struct bench *b, size_t n, enum action_kind kind, const char *zone)
{
	for (size_t i = 0; i < n; i++)
		(void)due(b, kind, zone);
}

/* Each action is in just one group; how many groups there are of that kind. */
static size_t grouped(struct bench *b, enum batch_kind kind)
{
	bool seen[MOST] = {false};
	size_t n = 0, all = 0;
	batch_groups_t_cleanup(&b->groups);
	batch_group(b->w, b->actions, b->n, &b->groups);
	for (size_t i = 0; i < b->groups.n; i++) {
		const struct batch_group *g = &b->groups.items[i];
		n += g->kind == kind;
		assert_true(g->n > 0 && (g->kind != BATCH_NONE || g->n == 1));
		for (size_t k = 0; k < g->n; k++, all++) {
			assert_true(g->members[k] < b->n && !seen[g->members[k]]);
			seen[g->members[k]] = true;
		}
	}
	assert_int_equal(all, b->n);
	return n;
}

static void one_goes_alone_and_two_go_together(void **state)
{
	struct bench *b = *state;
	assert_int_equal(grouped(b, BATCH_NONE), 0);
	(void)due(b, ACT_RECORD_CREATE, "example.com");
	assert_int_equal(grouped(b, BATCH_NONE), 1);
	(void)due(b, ACT_RECORD_DELETE, "example.com");
	assert_int_equal(grouped(b, BATCH_WRITES), 1);
	assert_int_equal(b->groups.n, 1);
}

static void zones_and_kinds_stay_apart(void **state)
{
	struct bench *b = *state;
	for (size_t i = 0; i < 3; i++) {
		(void)due(b, ACT_RECORD_PATCH, "example.com");
		(void)due(b, ACT_RECORD_FIND, "example.com");
		(void)due(b, ACT_RECORD_CREATE, "example.net");
		(void)due(b, ACT_RECORD_READ, "example.net");
	}
	assert_int_equal(grouped(b, BATCH_WRITES), 2);
	assert_int_equal(grouped(b, BATCH_LOOKS), 2);
	assert_int_equal(b->groups.n, 4);
}

static void two_looks_go_alone(void **state)
{
	struct bench *b = *state;
	(void)due(b, ACT_RECORD_FIND, "example.com");
	(void)due(b, ACT_RECORD_READ, "example.com");
	assert_int_equal(grouped(b, BATCH_NONE), 2);
	(void)due(b, ACT_RECORD_READ, "example.com");
	assert_int_equal(grouped(b, BATCH_LOOKS), 1);
}

static void a_large_zone_is_not_listed_for_a_few(void **state)
{
	struct bench *b = *state;
	many(b, 5, ACT_RECORD_FIND, "example.com");
	world_zone(b->w, ZONE_A)->records = LISTED_MOST;
	assert_int_equal(grouped(b, BATCH_LOOKS), 1);
	world_zone(b->w, ZONE_A)->records = LISTED_MOST + 1;
	assert_int_equal(grouped(b, BATCH_NONE), 5);
}

static void a_batch_has_as_many_steps_as_the_plan_allows(void **state)
{
	static const struct {
		const char *plan;
		size_t groups;
	} plans[] = {{NULL, 3}, {"free", 3}, {"pro", 1}, {"Business Website", 1}, {"odd", 3}};
	struct bench *b = *state;
	many(b, 450, ACT_RECORD_CREATE, "example.com");
	for (size_t i = 0; i < ARRAY_LEN(plans); i++) {
		str_set(&world_zone(b->w, ZONE_A)->plan, plans[i].plan);
		assert_int_equal(grouped(b, BATCH_WRITES), plans[i].groups);
		for (size_t k = 0; !plans[i].plan && k < b->groups.n; k++)
			assert_true(b->groups.items[k].steps <= 200);
	}
}

static void what_is_replaced_counts(void **state)
{
	struct bench *b = *state;
	for (size_t i = 0; i < 100; i++)
		strlist_add(&due(b, ACT_RECORD_REPLACE, "example.com")->observed.taking, ZONE_A);
	assert_int_equal(grouped(b, BATCH_WRITES), 2);
	for (size_t k = 0; k < b->groups.n; k++)
		assert_true(b->groups.items[k].steps <= 200);
}

static void what_is_no_records_business_keeps_its_place(void **state)
{
	struct bench *b = *state;
	b->actions[b->n++] = (struct action){.kind = ACT_TUNNEL_CREATE, .object_id = "t1"};
	many(b, 3, ACT_RECORD_CREATE, "example.com");
	b->actions[b->n++] = (struct action){.kind = ACT_ZONES_LIST, .object_id = "d0"};
	(void)due(b, ACT_RECORD_FORGET, "example.com");
	(void)due(b, ACT_RECORD_CREATE, "example.org");
	assert_int_equal(grouped(b, BATCH_NONE), 4);
	assert_int_equal(b->groups.items[0].members[0], 0);
	assert_int_equal(b->groups.items[1].kind, BATCH_WRITES);
	assert_int_equal(b->groups.items[1].n, 3);
	assert_int_equal(b->groups.items[2].members[0], 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_goes_alone_and_two_go_together, begin, end),
		cmocka_unit_test_setup_teardown(zones_and_kinds_stay_apart, begin, end),
		cmocka_unit_test_setup_teardown(two_looks_go_alone, begin, end),
		cmocka_unit_test_setup_teardown(a_large_zone_is_not_listed_for_a_few, begin, end),
		cmocka_unit_test_setup_teardown(a_batch_has_as_many_steps_as_the_plan_allows, begin,
						end),
		cmocka_unit_test_setup_teardown(what_is_replaced_counts, begin, end),
		cmocka_unit_test_setup_teardown(what_is_no_records_business_keeps_its_place, begin,
						end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
