/* One small question over and over: what is an answer, when the connection is kept, what ends it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loop/ask.h"
#include "tests/unit/loop/raw_peer.h"

struct bench {
	struct loop *loop;
	struct raw_peer peer;
	struct ask ask;
	int done;
	bool stops; /* in done() */
};

static int bench_open(void **state)
{
	struct bench *b = mem_alloc(sizeof(*b));

	b->loop = loop_new();
	peer_open(&b->peer, b->loop, NULL);
	*state = b;
	return 0;
}

static int bench_close(void **state)
{
	struct bench *b = *state;

	ask_stop(&b->ask);
	ask_stop(&b->ask);
	peer_shut(&b->peer);
	loop_free(b->loop);
	free(b);
	return 0;
}

static void told(struct task *t, void *owner)
{
	struct bench *b = owner;

	assert_ptr_equal(t, &b->ask.task);
	b->done++;
	if (b->stops)
		ask_stop(&b->ask);
}

/* Starts and waits for done(). */
static enum err_kind ask_for(struct bench *b, const char *path)
{
	int before = b->done;

	ask_start(&b->ask, b->loop, b->peer.port, path, 200, told, b);
	assert_int_equal(b->done, before);
	while (b->done == before && loop_turn(b->loop))
		;
	assert_int_equal(b->done, before + 1);
	return b->ask.task.err.kind;
}

static const struct {
	const char *path;
	enum err_kind kind;
	int status;
	const char *body;
	int connections; /* of two such questions, one after the other */
} rows[] = {
	{"/ok", ERR_NONE, 200, "hello", 1},     {"/404", ERR_NONE, 404, "gone", 1},
	{"/204", ERR_NONE, 204, "", 1},         {"/once", ERR_NONE, 200, "ok", 2},
	{"/chunked", ERR_UPSTREAM, 0, NULL, 2}, {"/interim", ERR_UPSTREAM, 0, NULL, 2},
	{"/redirect", ERR_NONE, 302, "", 1},    {"/cut", ERR_UPSTREAM, 0, NULL, 2},
	{"/lost", ERR_UPSTREAM, 0, NULL, 2},    {"/garbage", ERR_UPSTREAM, 0, NULL, 2},
	{"/half", ERR_TIMEOUT, 0, NULL, 2},     {"/never", ERR_TIMEOUT, 0, NULL, 2},
	{"/slow", ERR_TIMEOUT, 0, NULL, 2},     {"/hugeheader", ERR_UPSTREAM, 0, NULL, 2},
	{"/big", ERR_NONE, 200, NULL, 1},       {"/bigraw", ERR_NONE, 200, NULL, 2},
};

static void test_answers(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct bench *b;

		bench_close(state);
		bench_open(state);
		b = *state;
		for (int turn = 0; turn < 2; turn++) {
			enum err_kind kind = ask_for(b, rows[i].path);

			if (kind != rows[i].kind || b->ask.status != rows[i].status)
				fail_msg("%s: %d %s", rows[i].path, b->ask.status,
					 b->ask.task.err.message);
			if (rows[i].body) {
				assert_int_equal(b->ask.len, strlen(rows[i].body));
				assert_memory_equal(b->ask.body, rows[i].body, b->ask.len);
			}
			ask_forget(&b->ask);
			assert_int_equal(b->ask.len, 0);
		}
		if (b->peer.accepted != rows[i].connections)
			fail_msg("%s: %d connections", rows[i].path, b->peer.accepted);
	}
}

static void test_nobody_listens(void **state)
{
	struct bench *b = *state;

	peer_shut(&b->peer);
	assert_int_equal(ask_for(b, "/ok"), ERR_UPSTREAM);
	assert_non_null(strstr(b->ask.task.err.message, "refused"));
	peer_open(&b->peer, b->loop, NULL);
	assert_int_equal(ask_for(b, "/ok"), ERR_NONE);
}

/* The process behind a port is another one: its connection is gone, or the port is another. */
static void test_another_peer(void **state)
{
	struct bench *b = *state;
	int port = b->peer.port;

	assert_int_equal(ask_for(b, "/ok"), ERR_NONE);
	for (int i = 0; i < PEER_CONNS; i++)
		peer_close(&b->peer.conns[i]);
	assert_int_equal(ask_for(b, "/ok"), ERR_NONE);
	assert_int_equal(b->peer.accepted, 2);
	peer_shut(&b->peer);
	peer_open(&b->peer, b->loop, NULL);
	assert_int_not_equal(b->peer.port, port);
	assert_int_equal(ask_for(b, "/404"), ERR_NONE);
	assert_int_equal(b->ask.status, 404);
	assert_int_equal(b->peer.accepted, 1);
}

static void woken(struct timer *t, void *owner)
{
	(void)t;
	*(bool *)owner = true;
}

/* Whatever the loop has to do in that time. */
static void idle(struct bench *b, int64_t ms)
{
	struct timer t;
	bool over = false;

	timer_init(&t, b->loop, woken, &over);
	timer_start(&t, ms);
	while (!over && loop_turn(b->loop))
		;
}

static void test_stop(void **state)
{
	struct bench *b = *state;

	for (int turns = 0; turns < 4; turns++) {
		ask_start(&b->ask, b->loop, b->peer.port, turns == 3 ? "/never" : "/ok", 200, told,
			  b);
		if (turns == 1)
			loop_turn(b->loop);
		if (turns == 3)
			idle(b, 50);
		ask_stop(&b->ask);
		assert_false(b->ask.task.busy);
	}
	idle(b, 300);
	assert_int_equal(b->done, 0);
	b->stops = true;
	assert_int_equal(ask_for(b, "/ok"), ERR_NONE);
	assert_false(b->ask.open);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_answers, bench_open, bench_close),
		cmocka_unit_test_setup_teardown(test_nobody_listens, bench_open, bench_close),
		cmocka_unit_test_setup_teardown(test_another_peer, bench_open, bench_close),
		cmocka_unit_test_setup_teardown(test_stop, bench_open, bench_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
