/* Questions on kept connections against a peer that misbehaves: each ends once, in time and within
 * its limits, and a connection is kept only after an answer that allows it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "loop/ask.h"
#include "tests/unit/loop/raw_peer.h"

struct bench {
	struct loop *loop;
	struct raw_peer raw;
	struct asker *asker;
	struct ask_peer peer;
	struct ask ask;
	int done, turns;
	const char *next; /* asked from inside done() */
	struct timer guard;
};

static void guard_fired(struct timer *t, void *owner)
{
	(void)t;
	(void)owner;
	fail_msg("nothing happened any more");
}

static int bench_open(void **state)
{
	struct bench *b = mem_alloc(sizeof(*b));

	b->loop = loop_new();
	peer_open(&b->raw, b->loop, NULL);
	b->asker = asker_new(b->loop);
	timer_init(&b->guard, b->loop, guard_fired, NULL);
	timer_start(&b->guard, 15000);
	*state = b;
	return 0;
}

static int bench_close(void **state)
{
	struct bench *b = *state;

	timer_stop(&b->guard);
	ask_peer_close(&b->peer);
	ask_peer_close(&b->peer);
	ask_reset(&b->ask);
	asker_free(b->asker);
	peer_shut(&b->raw);
	loop_free(b->loop);
	free(b);
	return 0;
}

static void answered(struct ask *a, void *owner)
{
	struct bench *b = owner;

	assert_ptr_equal(a, &b->ask);
	assert_false(a->busy);
	b->done++;
	if (!b->next)
		return;
	b->ask.path = steal(&b->next);
	ask_start(b->asker, &b->peer, b->raw.port, &b->ask, answered, b);
}

static void turn_for(struct bench *b, int done, int64_t ms)
{
	int64_t end = clock_mono_ms() + ms;

	for (b->turns = 0; b->done < done && clock_mono_ms() < end && b->turns < 20000; b->turns++)
		loop_turn(b->loop);
}

static void start(struct bench *b, const char *path, int64_t timeout_ms)
{
	b->ask.path = path;
	b->ask.timeout_ms = timeout_ms;
	b->ask.max_body = 5000;
	b->done = 0;
	ask_start(b->asker, &b->peer, b->raw.port, &b->ask, answered, b);
	assert_int_equal(b->done, 0);
}

static const struct ask *exchange(struct bench *b, const char *path)
{
	start(b, path, 4000);
	turn_for(b, 1, 8000);
	assert_int_equal(b->done, 1);
	return &b->ask;
}

/* Something is always due soon, so that turns do not wait for ever. */
static void tick(struct timer *t, void *owner)
{
	(void)owner;
	timer_start(t, 10);
}

static void idle_for(struct bench *b, int64_t ms)
{
	struct timer t;
	int64_t end = clock_mono_ms() + ms;

	timer_init(&t, b->loop, tick, NULL);
	timer_start(&t, 10);
	while (clock_mono_ms() < end)
		loop_turn(b->loop);
	timer_stop(&t);
}

/* ---- answers ---- */

static void test_one_connection(void **state)
{
	struct bench *b = *state;
	const struct ask *a = exchange(b, "/ok");
	char request[128];

	assert_int_equal(a->failed, ERR_NONE);
	assert_int_equal(a->status, 200);
	assert_string_equal(buf_text(&a->answer), "hello");
	snprintf(request, sizeof(request),
		 "GET /ok HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUser-Agent: adit/%s\r\n\r\n",
		 b->raw.port, ADIT_VERSION);
	assert_string_equal(buf_text(&b->raw.last), request);
	for (int i = 0; i < 20; i++)
		assert_int_equal(exchange(b, i % 2 ? "/404" : "/chunked")->failed, ERR_NONE);
	assert_int_equal(b->raw.accepted, 1);
	assert_int_equal(b->raw.requests, 21);
}

static void test_answers(void **state)
{
	static const struct {
		const char *path;
		int status;
		const char *body;
		bool kept;
	} table[] = {
		{"/404", 404, "gone", true},        {"/204", 204, "", true},
		{"/chunked", 200, "abcdefg", true}, {"/interim", 200, "ok", true},
		{"/redirect", 302, "", true},       {"/old", 200, "up to the end", false},
		{"/oldlength", 200, "ok", false},   {"/toend", 200, "up to the end", false},
		{"/close", 200, "ok", false},       {"/twice", 200, "ok", false},
	};
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const struct ask *a = exchange(b, table[i].path);

		assert_int_equal(a->failed, ERR_NONE);
		assert_int_equal(a->status, table[i].status);
		assert_string_equal(buf_text(&a->answer), table[i].body);
		assert_int_equal(b->peer.open, table[i].kept);
	}
}

/* ---- failures ---- */

static void test_failures(void **state)
{
	static const struct {
		const char *path, *word;
	} table[] = {
		{"/cut", "lost before the answer was whole"},
		{"/cutchunk", "lost before the answer was whole"},
		{"/headcut", "lost before the answer was whole"},
		{"/interimcut", "lost before the answer was whole"},
		{"/lost", "lost before the answer was whole"},
		{"/garbage", "no HTTP answer"},
		{"/switch", "no HTTP answer"},
		{"/badlength", "no HTTP answer"},
		{"/hugelength", "no HTTP answer"},
		{"/bothlengths", "no HTTP answer"},
		{"/badchunk", "no HTTP answer"},
		{"/big", "the answer is too large"},
		{"/bigraw", "the answer is too large"},
		{"/extension", "the answer is too large"},
		{"/trailers", "the answer is too large"},
		{"/hugeheader", "header of the answer is too large"},
		{"/interims", "header of the answer is too large"},
	};
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const struct ask *a = exchange(b, table[i].path);

		assert_int_equal(a->failed, ERR_UPSTREAM);
		if (!strstr(a->why, table[i].word))
			fail_msg("%s: %s", table[i].path, a->why);
		assert_int_equal(a->status, 0);
		assert_int_equal(a->answer.len, 0);
		assert_false(b->peer.open);
	}
	assert_int_equal(exchange(b, "/ok")->status, 200);
}

static void test_deadlines(void **state)
{
	static const char *const paths[] = {"/never", "/half", "/drip", "/noend"};
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		int64_t began = clock_mono_ms();

		start(b, paths[i], 150);
		turn_for(b, 1, 5000);
		assert_int_equal(b->done, 1);
		assert_int_equal(b->ask.failed, ERR_TIMEOUT);
		assert_non_null(strstr(b->ask.why, "no complete answer in time"));
		assert_in_range(clock_mono_ms() - began, 149, 3000);
		assert_false(b->peer.open);
		assert_int_equal(b->ask.answer.len, 0);
		if (strcmp(paths[i], "/drip") != 0)
			assert_true(b->turns < 30);
	}
}

/* One timer for all: each has its own deadline nevertheless, and the first of them wakes us. */
static void one_done(struct ask *a, void *owner)
{
	struct bench *b = owner;

	(void)a;
	b->done++;
}

static void test_many_deadlines(void **state)
{
	struct bench *b = *state;
	struct ask asks[10] = {0};
	struct ask_peer peers[10] = {0};
	int64_t began = clock_mono_ms();

	for (int i = 0; i < 10; i++) {
		asks[i].path = i == 5 ? "/ok" : "/never";
		asks[i].timeout_ms = 400 - 30 * i;
		asks[i].max_body = 100;
		ask_start(b->asker, &peers[i], b->raw.port, &asks[i], one_done, b);
	}
	turn_for(b, 1, 5000);
	assert_int_equal(asks[5].status, 200);
	turn_for(b, 2, 5000);
	assert_int_equal(asks[9].failed, ERR_TIMEOUT);
	assert_true(asks[0].busy);
	turn_for(b, 10, 5000);
	assert_int_equal(b->done, 10);
	assert_true(clock_mono_ms() - began >= 399);
	for (int i = 0; i < 10; i++) {
		ask_peer_close(&peers[i]);
		ask_reset(&asks[i]);
	}
}

static void test_refused(void **state)
{
	struct bench *b = *state;
	struct raw_peer gone;
	int port = b->raw.port;

	peer_open(&gone, b->loop, NULL);
	peer_shut(&gone);
	b->raw.port = gone.port;
	assert_int_equal(exchange(b, "/ok")->failed, ERR_UPSTREAM);
	assert_non_null(strstr(b->ask.why, "no connection"));
	b->raw.port = port;
	assert_int_equal(exchange(b, "/ok")->status, 200);
}

/* A listener whose queue is full: the kernel answers nothing at all. */
static void test_no_connection(void **state)
{
	struct bench *b = *state;
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), full[3], port = b->raw.port;

	assert_int_equal(bind(fd, (struct sockaddr *)&in, len), 0);
	assert_int_equal(listen(fd, 0), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	for (size_t i = 0; i < ARRAY_LEN(full); i++) {
		full[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)connect(full[i], (struct sockaddr *)&in, len);
	}
	b->raw.port = ntohs(in.sin_port);
	start(b, "/ok", 200);
	turn_for(b, 1, 5000);
	assert_int_equal(b->ask.failed, ERR_TIMEOUT);
	assert_non_null(strstr(b->ask.why, "no connection in time"));
	b->raw.port = port;
	for (size_t i = 0; i < ARRAY_LEN(full); i++)
		close(full[i]);
	close(fd);
}

static void test_invalid(void **state)
{
	static const char *const paths[] = {"", "ready", "/a b", "/a\r\nX: y", "/\x7f", NULL};
	static const int ports[] = {0, -1, 65536};
	struct bench *b = *state;
	int port = b->raw.port;

	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		assert_int_equal(exchange(b, paths[i])->failed, ERR_INVALID);
	for (size_t i = 0; i < ARRAY_LEN(ports); i++) {
		b->raw.port = ports[i];
		assert_int_equal(exchange(b, "/ok")->failed, ERR_INVALID);
	}
	b->raw.port = port;
	assert_int_equal(b->raw.requests, 0);
}

/* ---- the kept connection ---- */

static void test_asked_once_more(void **state)
{
	struct bench *b = *state;

	assert_int_equal(exchange(b, "/once")->status, 200);
	assert_int_equal(exchange(b, "/once")->status, 200);
	assert_int_equal(b->raw.accepted, 2);
	assert_int_equal(b->raw.requests, 3);
	/* Once: who closes the new one as well has failed. */
	assert_int_equal(exchange(b, "/lost")->failed, ERR_UPSTREAM);
	assert_int_equal(b->raw.accepted, 3);
	assert_int_equal(b->raw.requests, 5);
	/* Half an answer is not repeated. */
	assert_int_equal(exchange(b, "/ok")->status, 200);
	assert_int_equal(exchange(b, "/cut")->failed, ERR_UPSTREAM);
	assert_int_equal(b->raw.accepted, 4);
	assert_int_equal(b->raw.requests, 7);
}

static void test_closed_while_idle(void **state)
{
	struct bench *b = *state;

	assert_int_equal(exchange(b, "/bye")->status, 200);
	idle_for(b, 50);
	assert_int_equal(exchange(b, "/ok")->status, 200);
	assert_int_equal(b->raw.accepted, 2);
}

static void test_talks_while_idle(void **state)
{
	struct bench *b = *state;

	assert_int_equal(exchange(b, "/ok")->status, 200);
	assert_true(b->peer.open);
	peer_say(&b->raw.conns[0], "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nlie");
	idle_for(b, 50);
	assert_string_equal(buf_text(&exchange(b, "/ok")->answer), "hello");
	assert_int_equal(b->raw.accepted, 2);
}

/* The next process has another port: nothing of the old one's is used. */
static void test_another_port(void **state)
{
	struct bench *b = *state;
	struct raw_peer other;
	int port = b->raw.port;

	peer_open(&other, b->loop, NULL);
	assert_int_equal(exchange(b, "/ok")->status, 200);
	b->raw.port = other.port;
	assert_int_equal(exchange(b, "/404")->status, 404);
	b->raw.port = port;
	assert_int_equal(b->raw.requests, 1);
	assert_int_equal(other.requests, 1);
	peer_shut(&other);
}

/* ---- the contract of tasks ---- */

static void test_cancel(void **state)
{
	static const char *const paths[] = {"/never", "/ok", "/half", "/drip", "/lost", "bad"};
	struct bench *b = *state;

	for (int i = 0; i < 60; i++) {
		start(b, paths[i % 6], 2000);
		for (int turns = 0; turns < i / 6 && !b->done; turns++) {
			struct timer t;

			timer_init(&t, b->loop, tick, NULL);
			timer_start(&t, 1);
			loop_turn(b->loop);
			timer_stop(&t);
		}
		int done = b->done;

		ask_cancel(&b->ask);
		ask_cancel(&b->ask);
		assert_false(b->ask.busy);
		idle_for(b, 5);
		assert_int_equal(b->done, done);
	}
	assert_string_equal(buf_text(&exchange(b, "/ok")->answer), "hello");
}

static void test_closed_under_way(void **state)
{
	struct bench *b = *state;

	start(b, "/never", 2000);
	idle_for(b, 20);
	ask_peer_close(&b->peer);
	assert_false(b->ask.busy);
	idle_for(b, 20);
	assert_int_equal(b->done, 0);
}

static void test_again_from_done(void **state)
{
	struct bench *b = *state;

	b->next = "/404";
	start(b, "/ok", 2000);
	turn_for(b, 2, 5000);
	assert_int_equal(b->done, 2);
	assert_int_equal(b->ask.status, 404);
	assert_int_equal(b->raw.accepted, 1);
}

/* Nothing is left to wait for but the connection and the peer's. */
static void test_sleeps(void **state)
{
	struct bench *b = *state;
	const struct ask *a = exchange(b, "/slow");

	assert_string_equal(buf_text(&a->answer), "late");
	assert_true(b->turns < 30);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_open, bench_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_one_connection),   TEST(test_answers),
		TEST(test_failures),         TEST(test_deadlines),
		TEST(test_many_deadlines),   TEST(test_refused),
		TEST(test_no_connection),    TEST(test_invalid),
		TEST(test_asked_once_more),  TEST(test_closed_while_idle),
		TEST(test_talks_while_idle), TEST(test_another_port),
		TEST(test_cancel),           TEST(test_closed_under_way),
		TEST(test_again_from_done),  TEST(test_sleeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
