/* The planner, about records that may give way and records whose type changes: what is due, fact by
 * fact. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reconcile/planner.h"

#define NOW     1700000000000LL
#define ZONE    "0123456789abcdef0123456789abcdef"
#define ID      "11111111111111111111111111111111"
#define OTHER   "22222222222222222222222222222222"
#define REFUSED (-1)
#define NOTHING ACTION_KINDS

struct bench {
	struct world *w;
	struct record *r;
};

static int begin(void **state)
{
	struct bench *b = mem_alloc(sizeof(*b));
	b->w = world_new();
	b->w->system.zones_listed_ms = NOW;
	world_add_zone(b->w, zone_new(ZONE, "example.com"));
	b->r = record_new("app.example.com", "A");
	str_set(&b->r->content, "192.0.2.1");
	b->r->proxied = false;
	b->r->generation = 2;
	b->r->applied_generation = 1;
	world_add_record(b->w, b->r);
	*state = b;
	return 0;
}

static int end(void **state)
{
	struct bench *b = *state;
	world_free(b->w);
	free(b);
	return 0;
}

static int due(const struct bench *b, int64_t now)
{
	struct work k;
	plan_next(b->w, now, &k);
	assert_true(k.n_actions + k.n_refusals <= 1);
	int found = k.n_refusals ? REFUSED : k.n_actions ? (int)k.actions[0].kind : NOTHING;
	work_free(&k);
	return found;
}

/* It is at Cloudflare with this type, marked or not. */
static void show(struct record *r, const char *type, bool marked)
{
	(void)str_copy(r->remote_id, CF_ID_SIZE, ID);
	(void)str_copy(r->zone_id, CF_ID_SIZE, ZONE);
	r->observed.looked_ms = NOW;
	r->observed.found = true;
	r->observed.marked = marked;
	r->observed.ttl = 1;
	str_set(&r->observed.type, type);
	str_set(&r->observed.content, "192.0.2.9");
}

static void name_it(struct record *r)
{
	char seen[SHA256_HEX_SIZE];
	record_observed_hash(r, seen);
	record_takes_add(&r->takes, ID, seen, "it");
}

static void what_gives_way_is_replaced(void **state)
{
	struct bench *b = *state;
	b->r->observed.looked_ms = NOW;
	assert_int_equal(due(b, NOW), ACT_RECORD_CREATE);
	strlist_add(&b->r->observed.taking, OTHER);
	assert_int_equal(due(b, NOW), ACT_RECORD_REPLACE);
	assert_int_equal(due(b, NOW + FRESH_MS + 1), ACT_RECORD_FIND);
	str_set(&b->r->observed.conflict, "AAAA (not adit's)");
	assert_int_equal(due(b, NOW), REFUSED);
}

static void what_is_replaced_waits_for_a_deletion_under_way(void **state)
{
	struct bench *b = *state;
	struct record *own = record_new("app.example.com", "AAAA");
	show(b->r, "A", true);
	str_set(&b->r->type, "CNAME");
	b->r->observed.named_ms = NOW;
	show(own, "AAAA", true);
	(void)str_copy(own->remote_id, CF_ID_SIZE, OTHER);
	own->want = WANT_ABSENT;
	own->create_sent_ms = own->observed.deleting_ms = NOW;
	world_add_record(b->w, own);
	assert_int_equal(due(b, NOW), NOTHING);
	str_set(&own->type, "TXT");
	assert_int_equal(due(b, NOW), ACT_RECORD_REPLACE);
}

static void what_waits_for_one_of_ours_to_go_is_no_problem(void **state)
{
	struct bench *b = *state;
	struct record *own = record_new("app.example.com", "CNAME");
	str_set(&own->content, "192.0.2.9");
	show(own, "CNAME", true);
	own->proxied = false;
	own->generation = own->applied_generation = 1;
	world_add_record(b->w, own);
	b->r->observed.looked_ms = NOW;
	str_set(&b->r->observed.conflict, "CNAME (adit's own)");
	assert_int_equal(due(b, NOW), REFUSED);
	own->want = WANT_ABSENT;
	assert_int_equal(due(b, NOW), ACT_RECORD_DELETE);
	own->want = WANT_PRESENT;
	own->generation++;
	str_set(&own->type, "AAAA");
	assert_int_equal(due(b, NOW), ACT_RECORD_FIND);
}

static void a_lost_replacement_is_not_repeated_while_it_may_land(void **state)
{
	struct bench *b = *state;
	b->r->create_sent_ms = NOW - 1;
	b->r->observed.looked_ms = NOW;
	strlist_add(&b->r->observed.taking, OTHER);
	assert_int_equal(due(b, NOW), NOTHING);
	assert_int_equal(due(b, NOW + 3000), ACT_RECORD_FIND);
	b->r->observed.looked_ms = NOW + SETTLE_MS;
	assert_int_equal(due(b, NOW + SETTLE_MS), ACT_RECORD_REPLACE);
}

static void an_unmarked_record_is_written_to_only_as_it_was_shown(void **state)
{
	struct bench *b = *state;
	show(b->r, "A", false);
	assert_int_equal(due(b, NOW), REFUSED);
	name_it(b->r);
	assert_int_equal(due(b, NOW), ACT_RECORD_PATCH);
	assert_int_equal(due(b, NOW + FRESH_MS + 1), ACT_RECORD_READ);
	b->r->observed.locked = true;
	assert_int_equal(due(b, NOW), REFUSED);
	b->r->observed.locked = false;
	str_set(&b->r->observed.content, "192.0.2.10");
	assert_int_equal(due(b, NOW), REFUSED);
}

static void what_never_became_ours_is_forgotten(void **state)
{
	struct bench *b = *state;
	show(b->r, "A", false);
	b->r->want = WANT_ABSENT;
	assert_int_equal(due(b, NOW), REFUSED);
	name_it(b->r);
	assert_int_equal(due(b, NOW), ACT_RECORD_FORGET);
	b->r->create_sent_ms = NOW - 1;
	assert_int_equal(due(b, NOW), NOTHING);
	assert_int_equal(due(b, NOW + 3000), ACT_RECORD_FIND);
}

static void a_type_changes_by_replacement_after_a_look_at_the_name(void **state)
{
	struct bench *b = *state;
	show(b->r, "CNAME", true);
	assert_int_equal(due(b, NOW), ACT_RECORD_FIND);
	b->r->observed.named_ms = NOW;
	assert_int_equal(due(b, NOW), ACT_RECORD_REPLACE);
	assert_int_equal(due(b, NOW + FRESH_MS + 1), ACT_RECORD_FIND);
	b->r->observed.marked = false;
	assert_int_equal(due(b, NOW), REFUSED);
	b->r->observed.marked = true;
	b->r->create_sent_ms = NOW - 1;
	assert_int_equal(due(b, NOW), NOTHING);
	b->r->create_sent_ms = 0;
	b->r->observed.found = false;
	assert_int_equal(due(b, NOW), ACT_RECORD_READ);
}

static void what_is_ours_by_now_is_read_once_more(void **state)
{
	struct bench *b = *state;
	show(b->r, "A", true);
	name_it(b->r);
	str_set(&b->r->observed.content, "192.0.2.1");
	b->r->applied_generation = b->r->generation;
	assert_int_equal(due(b, NOW), ACT_RECORD_READ);
	str_set(&b->r->takes, NULL);
	assert_int_equal(due(b, NOW), NOTHING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_gives_way_is_replaced, begin, end),
		cmocka_unit_test_setup_teardown(what_is_replaced_waits_for_a_deletion_under_way,
						begin, end),
		cmocka_unit_test_setup_teardown(what_waits_for_one_of_ours_to_go_is_no_problem,
						begin, end),
		cmocka_unit_test_setup_teardown(
			a_lost_replacement_is_not_repeated_while_it_may_land, begin, end),
		cmocka_unit_test_setup_teardown(
			an_unmarked_record_is_written_to_only_as_it_was_shown, begin, end),
		cmocka_unit_test_setup_teardown(what_never_became_ours_is_forgotten, begin, end),
		cmocka_unit_test_setup_teardown(
			a_type_changes_by_replacement_after_a_look_at_the_name, begin, end),
		cmocka_unit_test_setup_teardown(what_is_ours_by_now_is_read_once_more, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
