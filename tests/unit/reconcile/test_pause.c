/* What Cloudflare said of waiting outlasts a restart, and holds for no longer than it was said. */
#include "bench.h"

#include "reconcile/pause.h"

#define SAID   1700000000000
#define MINUTE 60000

static void what_is_left_is_never_more_than_was_said(void **state)
{
	static const struct {
		int64_t said, until, now, left;
	} cases[] = {
		{SAID, SAID + MINUTE, SAID, MINUTE},
		{SAID, SAID + MINUTE, SAID + 1000, MINUTE - 1000},
		{SAID, SAID + MINUTE, SAID + MINUTE, 0},
		{SAID, SAID + MINUTE, SAID + 10 * MINUTE, 0},
		{SAID, SAID + MINUTE, SAID - 60 * MINUTE, MINUTE}, /* a clock that was set back */
		{SAID, SAID + 60 * MINUTE, SAID, PAUSE_MOST_MS},
		{SAID, SAID, SAID - 1, 0},
		{SAID, SAID - MINUTE, SAID - 2 * MINUTE, 0},
		{0, SAID, SAID - 1, 0},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(pause_left(cases[i].said, cases[i].until, cases[i].now),
				 cases[i].left);
}

static void turn(struct bench *b)
{
	for (int i = 0; i < 3; i++)
		(void)loop_turn(b->loop);
}

/* Another client, as after a restart, with that token. */
static void restart(struct bench *b, const char *token_text)
{
	AUTO(secret_t) token = {0};
	cf_free(b->cf);
	b->world->system.budget_remaining = -1;
	b->world->system.paused_until_ms = 0;
	bench_open_client(b);
	secret_set(&token, token_text, strlen(token_text));
	cf_set_token(b->cf, &token);
}

static bool is_paused(const struct bench *b)
{
	return b->world->system.paused_until_ms > clock_wall_ms();
}

static void a_pause_is_obeyed_after_a_restart(void **state)
{
	struct bench *b = *state;
	struct pause *p = pause_new(b->loop, b->world, b->store, b->cf);
	assert_false(is_paused(b));
	cf_pause(b->cf, MINUTE);
	turn(b);
	pause_free(p);
	restart(b, "a-token-for-the-bench");
	int64_t before = clock_wall_ms();
	p = pause_new(b->loop, b->world, b->store, b->cf);
	assert_true(is_paused(b));
	assert_true(b->world->system.paused_until_ms <= before + MINUTE);
	pause_free(p);
	/* Another token was not told to wait. */
	restart(b, "another-token-for-the-bench");
	p = pause_new(b->loop, b->world, b->store, b->cf);
	assert_false(is_paused(b));
	pause_free(p);
}

static void what_cannot_be_read_is_no_pause(void **state)
{
	static const char *const texts[] = {
		"", "x", "1", "1 2", "99999999999999999999 1 x", "1700000000000 9999999999999 "};
	struct bench *b = *state;
	struct err e;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (store_begin(b->store, &e) < 0 ||
		    store_set_meta(b->store, "pause", texts[i], &e) < 0 ||
		    store_commit(b->store, &e) < 0)
			fail_msg("%s", e.message);
		struct pause *p = pause_new(b->loop, b->world, b->store, b->cf);
		assert_false(is_paused(b));
		pause_free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_left_is_never_more_than_was_said),
		cmocka_unit_test_setup_teardown(a_pause_is_obeyed_after_a_restart, bench_open,
						bench_close),
		cmocka_unit_test_setup_teardown(what_cannot_be_read_is_no_pause, bench_open,
						bench_close),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
