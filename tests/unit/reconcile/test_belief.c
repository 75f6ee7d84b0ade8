/* Doubts and holds over observations and restarts: what a person accepted, by which token objects
 * were seen, and which unknown records with our mark hold writes. */
#include "reconcile/belief.h"
#include "tests/unit/reconcile/bench.h"

#define UNKNOWN "0123456789abcdef0123456789abcdef"

/* An observation in which so many of so many are missing, beside those that are known to be gone.
 */
static bool listing_with(struct belief *b, const char *scope, size_t known, size_t missing,
			 size_t gone)
{
	struct seen_listing l = {.known = known, .gone = gone};
	for (size_t i = 0; i < missing; i++)
		strlist_add(&l.missing, "d0000000000");
	bool look = belief_listed(b, scope, "records", &l);
	seen_listing_free(&l);
	return look;
}

static bool listing(struct belief *b, const char *scope, size_t known, size_t missing)
{
	return listing_with(b, scope, known, missing, 0);
}

static bool doubted(const struct bench *b, const char *scope)
{
	return notices_find(&b->world->system.notices, scope) != NULL;
}

static bool observed(struct belief *b, size_t known, size_t missing)
{
	belief_begin(b);
	bool look = listing(b, "zone z", known, missing);
	belief_end(b);
	return look;
}

static void begin(struct bench *b, struct belief *x)
{
	belief_init(x, b->world, b->store, b->cf);
}

static void again(struct bench *b, struct belief *x)
{
	belief_fini(x);
	begin(b, x);
}

static void what_was_accepted_outlives_a_restart_and_ends_when_seen(void **state)
{
	struct bench *b = *state;
	struct belief x;
	struct err e;
	size_t n = 0;
	begin(b, &x);
	assert_false(observed(&x, 5, 5));
	assert_true(doubted(b, "zone z"));
	assert_int_equal(belief_accept(&x, &n, &e), 0);
	assert_int_equal(n, 1);
	assert_false(doubted(b, "zone z"));
	assert_true(observed(&x, 5, 5));
	again(b, &x);
	assert_true(observed(&x, 5, 5));
	/* It was about what is not shown. */
	assert_true(observed(&x, 5, 1));
	assert_false(observed(&x, 5, 5));
	again(b, &x);
	assert_false(observed(&x, 5, 5));
	belief_fini(&x);
}

/* Each is looked at by its id, some after each listing. */
static bool looked_at(struct belief *b, size_t all, size_t missing, size_t gone)
{
	belief_begin(b);
	bool look = listing_with(b, "zone z", all - gone, missing, gone);
	belief_end(b);
	return look;
}

static void a_part_is_accepted_once_however_long_the_looks_take(void **state)
{
	struct bench *b = *state;
	struct belief x;
	struct err e;
	size_t n = 0;
	begin(b, &x);
	assert_false(looked_at(&x, 100, 80, 0));
	assert_int_equal(belief_accept(&x, &n, &e), 0);
	assert_int_equal(n, 1);
	for (size_t gone = 0; gone < 80; gone += 40)
		assert_true(looked_at(&x, 100, 80 - gone, gone));
	assert_false(looked_at(&x, 100, 0, 80)); /* nothing is left to be looked at */
	assert_false(doubted(b, "zone z"));
	again(b, &x); /* that they are gone is found anew */
	assert_true(looked_at(&x, 100, 80, 0));
	/* One more was not accepted. */
	assert_false(looked_at(&x, 100, 1 + 40, 40));
	assert_true(doubted(b, "zone z"));
	assert_int_equal(belief_accept(&x, &n, &e), 0);
	assert_true(looked_at(&x, 100, 81, 0));
	/* Half of them are there again: it is over. */
	assert_true(looked_at(&x, 100, 50, 0));
	assert_false(looked_at(&x, 100, 80, 0));
	again(b, &x);
	assert_false(looked_at(&x, 100, 80, 0));
	belief_fini(&x);
}

static void what_the_disk_does_not_take_is_not_accepted(void **state)
{
	struct bench *b = *state;
	struct belief x;
	struct err e;
	size_t n = 7;
	begin(b, &x);
	assert_false(observed(&x, 5, 5));
	bench_full(b, true);
	assert_int_equal(belief_accept(&x, &n, &e), -1);
	assert_int_equal(n, 7);
	bench_full(b, false);
	assert_true(doubted(b, "zone z"));
	assert_false(observed(&x, 5, 5));
	assert_int_equal(belief_accept(&x, &n, &e), 0);
	assert_int_equal(n, 1);
	belief_fini(&x);
}

static void another_token(struct bench *b, const char *text)
{
	AUTO(secret_t) token = {0};
	secret_set(&token, text, strlen(text));
	cf_set_token(b->cf, &token);
}

/* One of one: gone to the token that saw it, doubted to one that never did. */
static void another_token_that_shows_none_is_doubted_until_it_shows_them(void **state)
{
	struct bench *b = *state;
	struct belief x;
	begin(b, &x);
	assert_true(observed(&x, 1, 1));
	another_token(b, "another-token-for-it");
	assert_false(observed(&x, 1, 1));
	/* A doubt is no sight: it is still the other token's word. */
	assert_false(observed(&x, 1, 1));
	again(b, &x);
	assert_false(observed(&x, 1, 1));
	assert_false(observed(&x, 1, 0));
	assert_true(observed(&x, 1, 1));
	belief_fini(&x);
}

static void a_zone_that_is_not_shown_is_doubted_until_accepted(void **state)
{
	struct bench *b = *state;
	struct belief x;
	struct err e;
	size_t n;
	begin(b, &x);
	belief_begin(&x);
	assert_false(belief_zone_lost(&x, "zone q", "app.example.com", 3));
	belief_end(&x);
	assert_true(doubted(b, "zone q"));
	assert_int_equal(belief_accept(&x, &n, &e), 0);
	assert_true(belief_zone_lost(&x, "zone q", "app.example.com", 3));
	assert_false(doubted(b, "zone q"));
	assert_false(belief_zone_lost(&x, "zone q", "app.example.com", 4));
	assert_int_equal(belief_accept(&x, &n, &e), 0);
	assert_true(belief_zone_lost(&x, "zone q", "app.example.com", 4));
	belief_fini(&x);
}

/* ---- records with our mark that are not known ---- */

static const char *held_after(struct bench *b, struct belief *x, bool shown)
{
	belief_begin(x);
	if (shown)
		strlist_add(&x->unknown, UNKNOWN " app.example.com");
	belief_end(x);
	return b->world->system.writes_held;
}

static void an_unknown_mark_holds_writes_until_it_is_explained(void **state)
{
	struct bench *b = *state;
	struct belief x;
	struct err e;
	size_t n;
	begin(b, &x);
	assert_non_null(strstr(held_after(b, &x, true), "app.example.com"));
	assert_null(held_after(b, &x, false));
	assert_non_null(held_after(b, &x, true));
	assert_int_equal(belief_accept(&x, &n, &e), 0);
	assert_int_equal(n, 1);
	assert_null(b->world->system.writes_held);
	assert_null(held_after(b, &x, true));
	again(b, &x);
	assert_null(held_after(b, &x, true));
	belief_fini(&x);
}

static void what_was_ours_a_moment_ago_is_explained(void **state)
{
	struct bench *b = *state;
	struct tunnel *t = bench_tunnel(b, true);
	struct record *r = bench_record(b, t, true);
	struct belief x;
	(void)str_copy(r->remote_id, CF_ID_SIZE, UNKNOWN);
	begin(b, &x);
	AUTO(str_t) id = str_dup(r->id);
	assert_true(world_drop(b->world, OBJECT_RECORD, id));
	belief_record(&x, id);
	assert_null(held_after(b, &x, true));
	x.went_ms[0] -= 601 * 1000; /* but not for ever */
	assert_non_null(held_after(b, &x, true));
	belief_fini(&x);
}

static void what_is_being_made_is_explained(void **state)
{
	struct bench *b = *state;
	struct tunnel *t = bench_tunnel(b, true);
	struct record *r = bench_record(b, t, false);
	struct belief x;
	begin(b, &x);
	r->create_sent_ms = 1;
	assert_null(held_after(b, &x, true));
	r->create_sent_ms = 0;
	assert_non_null(held_after(b, &x, true));
	belief_fini(&x);
}

static void who_else_holds_writes_keeps_them_held(void **state)
{
	struct bench *b = *state;
	struct belief x;
	begin(b, &x);
	str_set(&b->world->system.writes_held, "another machine");
	assert_string_equal(held_after(b, &x, true), "another machine");
	assert_string_equal(held_after(b, &x, false), "another machine");
	belief_fini(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_accepted_outlives_a_restart_and_ends_when_seen),
		TEST(a_part_is_accepted_once_however_long_the_looks_take),
		TEST(what_the_disk_does_not_take_is_not_accepted),
		TEST(another_token_that_shows_none_is_doubted_until_it_shows_them),
		TEST(a_zone_that_is_not_shown_is_doubted_until_accepted),
		TEST(an_unknown_mark_holds_writes_until_it_is_explained),
		TEST(what_was_ours_a_moment_ago_is_explained),
		TEST(what_is_being_made_is_explained),
		TEST(who_else_holds_writes_keeps_them_held),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
