/* What the tests of the HTTP client share: a loop, a peer, a pool and one request. */
#ifndef TESTS_UNIT_LOOP_HTTP_BENCH_H
#define TESTS_UNIT_LOOP_HTTP_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "loop/http.h"
#include "tests/unit/loop/raw_peer.h"

struct bench {
	struct loop *loop;
	struct raw_peer peer;
	struct http *pool;
	struct http_req req;
	char url[128];
	int done, turns;
	int restarts;     /* done() starts the request again */
	int cancel_piece; /* 1 = cancel itself in piece(), 2 = cancel other */
	struct http_req other;
	size_t piece_bytes;
	struct timer guard; /* a loop that has gone to sleep for good is a failure */
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
	peer_open(&b->peer, b->loop, NULL);
	b->pool = http_new(b->loop, NULL);
	timer_init(&b->guard, b->loop, guard_fired, NULL);
	timer_start(&b->guard, 15000);
	*state = b;
	return 0;
}

static int bench_close(void **state)
{
	struct bench *b = *state;

	timer_stop(&b->guard);
	http_free(b->pool);
	peer_shut(&b->peer);
	if (!b->req.task.busy)
		http_req_reset(&b->req);
	loop_free(b->loop);
	free(b);
	return 0;
}

static const char *url_of(struct bench *b, const char *path)
{
	snprintf(b->url, sizeof(b->url), "http://127.0.0.1:%d%s", b->peer.port, path);
	return b->url;
}

static void req_done(struct task *t, void *owner)
{
	struct bench *b = owner;

	assert_ptr_equal(t->owner, owner);
	assert_false(t->busy);
	b->done++;
	if (b->restarts-- > 0)
		http_start(b->pool, &b->req, req_done, b);
}

/* Turn the loop until n are done, or for limit_ms. */
static void turn_until(struct bench *b, int n, int64_t limit_ms)
{
	int64_t end = clock_mono_ms() + limit_ms;

	for (b->turns = 0; b->done < n && clock_mono_ms() < end && b->turns < 20000; b->turns++)
		loop_turn(b->loop);
}

static struct http_req *exchange(struct bench *b, const char *method, const char *path)
{
	b->req.method = method;
	b->req.url = url_of(b, path);
	http_start(b->pool, &b->req, req_done, b);
	assert_int_equal(b->done, 0);
	turn_until(b, 1, 8000);
	assert_int_equal(b->done, 1);
	b->done = 0;
	return &b->req;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_open, bench_close)

#endif
