/* The HTTP client and owners who change their mind: cancels at every stage, in the middle of a
 * piece too; requests and pools that are freed or started again from where they are told. */
#include "tests/unit/loop/http_bench.h"

static void wake_fired(struct timer *t, void *owner)
{
	(void)owner;
	timer_start(t, 1);
}

/* Some turns, even if nothing happens in them. */
static void turn_briefly(struct bench *b)
{
	struct timer wake;

	timer_init(&wake, b->loop, wake_fired, NULL);
	timer_start(&wake, 1);
	for (int i = 0; i < 10; i++)
		loop_turn(b->loop);
	timer_stop(&wake);
}

/* ---- cancel ---- */

static void never_done(struct task *t, void *owner)
{
	(void)t;
	(void)owner;
	fail_msg("done() was called after a cancel");
}

/* Before it is handed over, while connecting, sent, in the middle of the answer. */
static void test_cancel_at_each_stage(void **state)
{
	struct bench *b = *state;
	struct timer wake; /* bounds the turns of a peer that says nothing more */

	timer_init(&wake, b->loop, wake_fired, NULL);
	timer_start(&wake, 1);
	for (int turns = 0; turns < 16; turns++) {
		struct http_req r = {.url = url_of(b, turns % 2 ? "/half" : "/never")};

		http_start(b->pool, &r, never_done, b);
		for (int i = 0; i < turns; i++)
			loop_turn(b->loop);
		http_cancel(&r);
		assert_false(r.task.busy);
		http_cancel(&r);
		http_req_reset(&r);
	}
	timer_stop(&wake);
	assert_true(b->peer.requests > 4);
	assert_int_equal(exchange(b, "GET", "/ok")->status, 200);
}

/* The exchange is over but done() was not called yet. */
static void test_cancel_between_end_and_done(void **state)
{
	struct bench *b = *state;
	struct http_req r = {.url = "nonsense://x"};

	http_start(b->pool, &r, never_done, b);
	loop_turn(b->loop);
	assert_null(r.transfer);
	assert_true(r.task.busy);
	http_cancel(&r);
	assert_false(r.task.busy);
	turn_briefly(b);
	http_req_reset(&r);
}

static void cancel_timer_fired(struct timer *t, void *owner)
{
	struct bench *b = owner;

	(void)t;
	http_cancel(&b->req);
	b->done++;
}

static void test_cancel_during_answer(void **state)
{
	struct bench *b = *state;
	struct timer t;

	timer_init(&t, b->loop, cancel_timer_fired, b);
	timer_start(&t, 100);
	b->req.url = url_of(b, "/half");
	http_start(b->pool, &b->req, never_done, b);
	turn_until(b, 1, 3000);
	assert_int_equal(b->done, 1);
	assert_int_equal(b->req.answer.len, 0);
}

/* ---- streaming ---- */

static void piece_came(struct http_req *r, const char *data, size_t len)
{
	struct bench *b = LIST_OF(r, struct bench, req);

	(void)data;
	b->piece_bytes += len;
	if (b->cancel_piece == 1)
		http_cancel(r);
	if (b->cancel_piece == 2)
		http_cancel(&b->other);
}

static void test_pieces(void **state)
{
	struct bench *b = *state;

	b->req.piece = piece_came;
	const struct http_req *r = exchange(b, "GET", "/bigraw");
	assert_int_equal(r->status, 200);
	assert_int_equal(b->piece_bytes, 9990);
	assert_int_equal(r->answer.len, 0);
}

static void test_cancel_itself_in_piece(void **state)
{
	struct bench *b = *state;

	b->req.piece = piece_came;
	b->cancel_piece = 1;
	b->req.url = url_of(b, "/bigraw");
	http_start(b->pool, &b->req, never_done, b);
	for (int i = 0; i < 100 && b->req.task.busy; i++)
		loop_turn(b->loop);
	assert_false(b->req.task.busy);
	http_req_reset(&b->req);
	assert_int_equal(exchange(b, "GET", "/ok")->status, 200);
}

static void test_cancel_other_in_piece(void **state)
{
	struct bench *b = *state;

	b->other.url = url_of(b, "/never");
	http_start(b->pool, &b->other, never_done, b);
	b->req.piece = piece_came;
	b->cancel_piece = 2;
	assert_int_equal(exchange(b, "GET", "/bigraw")->status, 200);
	assert_false(b->other.task.busy);
	http_req_reset(&b->other);
	assert_int_equal(exchange(b, "GET", "/ok")->status, 200);
}

/* ---- owners ---- */

static void freed_done(struct task *t, void *owner)
{
	struct bench *b = owner;
	struct http_req *r = (struct http_req *)(void *)t;

	http_req_reset(r);
	free(r);
	b->done++;
}

static void test_freed_in_done(void **state)
{
	struct bench *b = *state;
	struct http_req *r = mem_alloc(sizeof(*r));

	r->url = url_of(b, "/ok");
	http_start(b->pool, r, freed_done, b);
	turn_until(b, 1, 3000);
	assert_int_equal(b->done, 1);
}

static void test_restarted_in_done(void **state)
{
	struct bench *b = *state;

	b->restarts = 3;
	b->req.url = url_of(b, "/ok");
	http_start(b->pool, &b->req, req_done, b);
	turn_until(b, 4, 3000);
	assert_int_equal(b->done, 4);
	assert_int_equal(b->peer.requests, 4);
	assert_string_equal(buf_text(&b->req.answer), "hello");
}

static void pool_freed_done(struct task *t, void *owner)
{
	struct bench *b = owner;

	(void)t;
	http_free(steal(&b->pool));
	b->done++;
}

/* One is being told, one flies. */
static void test_pool_freed_in_done(void **state)
{
	struct bench *b = *state;
	struct http_req flying = {.url = url_of(b, "/never")};

	http_start(b->pool, &flying, never_done, b);
	b->req.url = url_of(b, "/ok");
	http_start(b->pool, &b->req, pool_freed_done, b);
	turn_until(b, 1, 3000);
	assert_int_equal(b->done, 1);
	assert_false(flying.task.busy);
	turn_briefly(b);
	http_cancel(&flying);
	http_req_reset(&flying);
}

static void test_pool_freed_early(void **state)
{
	struct bench *b = *state;
	struct http_req reqs[12];

	for (int i = 0; i < 12; i++) {
		reqs[i] = (struct http_req){.url = i % 3 ? url_of(b, "/never") : "bad url"};
		http_start(b->pool, &reqs[i], never_done, b);
	}
	loop_turn(b->loop); /* some fly, some wait, the bad ones have ended untold */
	http_free(steal(&b->pool));
	for (int i = 0; i < 12; i++)
		assert_false(reqs[i].task.busy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_cancel_at_each_stage),   TEST(test_cancel_between_end_and_done),
		TEST(test_cancel_during_answer),   TEST(test_pieces),
		TEST(test_cancel_itself_in_piece), TEST(test_cancel_other_in_piece),
		TEST(test_freed_in_done),          TEST(test_restarted_in_done),
		TEST(test_pool_freed_in_done),     TEST(test_pool_freed_early),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
