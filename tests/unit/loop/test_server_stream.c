/* Streams: pushed bytes arrive in order, a slow reader is bounded, a leaving one is noticed. */
#include "server_fixture.h"

static struct server_req *stream_open(struct fx *f, int fd, struct buf *in)
{
	assert_true(fx_send(f, fd, FX_GET("/stream")));
	assert_true(FX_UNTIL(f, f->waiting));
	assert_true(fx_expect(f, fd, in, "\r\n\r\n"));
	assert_non_null(strstr(in->data, "Content-Type: text/event-stream\r\n"));
	buf_reset(in);
	return f->waiting;
}

/* Chunks to plain bytes; true when the last chunk was seen. */
static bool dechunk(const struct buf *in, struct buf *out)
{
	const char *p = buf_text(in), *end = p + in->len;

	buf_reset(out);
	while (p < end) {
		char *after = NULL;
		size_t n = strtoul(p, &after, 16);

		assert_true(str_starts(after, "\r\n"));
		if (!n)
			return true;
		if ((size_t)(end - after) < n + 4)
			return false;
		buf_add(out, after + 2, n);
		p = after + 2 + n + 2;
	}
	return false;
}

static void test_thousand_events(void **state)
{
	struct fx f;

	(void)state;
	fx_start(&f, NULL);
	for (int door = 0; door < 2; door++) {
		AUTO(fd_t) fd = fx_connect(&f, door);
		AUTO(buf_t) in = {0}, out = {0}, want = {0};
		struct server_req *r = stream_open(&f, fd, &in);

		for (int i = 0; i < 1000; i++) {
			AUTO(str_t) event = str_format("data: %d\n\n", i);

			buf_str(&want, event);
			assert_int_equal(server_stream_push(r, event, strlen(event)), 0);
			if (i % 3 == 0)
				fx_turn(&f);
			fx_read(fd, &in);
		}
		server_stream_end(r);
		assert_true(FX_UNTIL(&f, (fx_read(fd, &in), dechunk(&in, &out))));
		assert_int_equal(out.len, want.len);
		assert_memory_equal(out.data, want.data, want.len);
		assert_true(FX_UNTIL(&f, f.gones == 2 * door + 1));
		/* The connection can be used again. */
		buf_reset(&in);
		fx_send(&f, fd, FX_GET("/next"));
		assert_true(fx_expect(&f, fd, &in, "GET /next"));
		assert_true(FX_UNTIL(&f, f.gones == 2 * door + 2));
	}
	fx_stop(&f);
}

static void test_drained(void **state)
{
	struct fx f;

	(void)state;
	fx_start(&f, NULL);

	AUTO(fd_t) fd = fx_unix(&f);
	AUTO(buf_t) in = {0};
	struct server_req *r = stream_open(&f, fd, &in);

	fx_spin(&f, 20);
	assert_int_equal(f.drains, 0);
	for (int i = 1; i <= 3; i++) {
		server_stream_push(r, "abc", 3);
		assert_int_equal(f.drains, i - 1);
		assert_true(FX_UNTIL(&f, f.drains == i));
	}
	fx_spin(&f, 20);
	assert_int_equal(f.drains, 3);
	fx_stop(&f);
}

static void test_slow_reader(void **state)
{
	const struct server_limits limits = {.max_stream = 10000, .idle_ms = 300};
	struct fx f;

	(void)state;
	fx_start(&f, &limits);
	for (int door = 0; door < 2; door++) {
		AUTO(fd_t) fd = fx_connect(&f, door);
		AUTO(buf_t) in = {0};
		struct server_req *r = stream_open(&f, fd, &in);
		char event[1000];
		size_t pushed = 0;

		memset(event, 'e', sizeof(event));
		assert_int_equal(server_stream_push(r, event, 10001 - 10000), 0);
		while (pushed < ((size_t)64 << 20) &&
		       !server_stream_push(r, event, sizeof(event))) {
			pushed += sizeof(event);
			if (pushed % 10000 == 0)
				fx_turn(&f);
		}
		assert_in_range(pushed, 9000, (size_t)32 << 20);
		/* Nothing was added by the refused push. */
		assert_int_equal(server_stream_push(r, event, sizeof(event)), -1);
		/* It reads again: there is room again. */
		f.drains = 0;
		assert_true(FX_UNTIL(&f, (fx_read(fd, &in), f.drains > 0)));
		assert_int_equal(server_stream_push(r, event, sizeof(event)), 0);
		assert_true(FX_UNTIL(&f, (fx_read(fd, &in), in.len > pushed + sizeof(event))));
		/* It stops reading for good: it is cut off. */
		while (f.waiting) {
			server_stream_push(r, event, sizeof(event));
			fx_turn(&f);
		}
		assert_int_equal(f.gones, door + 1);
	}
	fx_stop(&f);
}

static void test_too_big_at_once(void **state)
{
	const struct server_limits limits = {.max_stream = 100};
	struct fx f;
	char event[101] = {0};

	(void)state;
	fx_start(&f, &limits);

	AUTO(fd_t) fd = fx_unix(&f);
	AUTO(buf_t) in = {0};
	struct server_req *r = stream_open(&f, fd, &in);

	assert_int_equal(server_stream_push(r, event, 101), -1);
	assert_int_equal(server_stream_push(r, event, SIZE_MAX), -1);
	assert_int_equal(server_stream_push(r, event, 100), 0);
	assert_int_equal(server_stream_push(r, event, 1), -1);
	fx_stop(&f);
}

/* On TCP the end of sending is all that a close shows, so for a stream it means gone. */
static void test_reader_leaves(void **state)
{
	struct fx f;

	(void)state;
	fx_start(&f, NULL);
	for (int i = 0; i < 4; i++) {
		int fd = fx_connect(&f, i % 2);
		AUTO(buf_t) in = {0};
		struct server_req *r = stream_open(&f, fd, &in);

		server_stream_push(r, "x", 1);
		fx_spin(&f, 10);
		if (i < 2)
			close(fd);
		else
			shutdown(fd, SHUT_WR);
		assert_true(FX_UNTIL(&f, f.gones == i + 1));
		assert_null(f.waiting);
		if (i >= 2) {
			assert_true(fx_expect_end(&f, fd, &in));
			close(fd);
		}
	}
	assert_true(FX_UNTIL(&f, !server_connections(f.server)));
	fx_stop(&f);
}

/* Pushes and the end between the peer's leaving and our notice of it do no harm. */
static void test_push_to_nobody(void **state)
{
	struct fx f;

	(void)state;
	fx_start(&f, NULL);
	for (int i = 0; i < 4; i++) {
		int fd = fx_connect(&f, i % 2);
		AUTO(buf_t) in = {0};
		struct server_req *r = stream_open(&f, fd, &in);

		close(fd);
		server_stream_push(r, "x", 1);
		if (i >= 2)
			server_stream_end(r);
		assert_true(FX_UNTIL(&f, f.gones == i + 1));
	}
	fx_stop(&f);
}

static void test_left_before_begin(void **state)
{
	struct fx f;

	(void)state;
	fx_start(&f, NULL);
	for (int i = 0; i < 2; i++) {
		AUTO(fd_t) fd = fx_connect(&f, i);
		AUTO(buf_t) in = {0};

		send(fd, FX_GET("/stream"), strlen(FX_GET("/stream")), 0);
		shutdown(fd, SHUT_WR);
		assert_true(fx_expect_end(&f, fd, &in));
		assert_true(FX_UNTIL(&f, f.gones == i + 1));
	}
	fx_stop(&f);
}

/* HTTP/1.0 knows no chunks: plain bytes until the connection ends. */
static void test_http10(void **state)
{
	struct fx f;

	(void)state;
	fx_start(&f, NULL);

	AUTO(fd_t) fd = fx_unix(&f);
	AUTO(buf_t) in = {0};

	fx_send(&f, fd, "GET /stream HTTP/1.0\r\n\r\n");
	assert_true(FX_UNTIL(&f, f.waiting));
	server_stream_push(f.waiting, "one ", 4);
	assert_true(fx_expect(&f, fd, &in, "\r\n\r\none "));
	server_stream_push(f.waiting, "two", 3);
	assert_true(fx_expect(&f, fd, &in, "one two"));
	server_stream_end(f.waiting);
	assert_true(fx_expect_end(&f, fd, &in));
	assert_true(FX_UNTIL(&f, f.gones == 1));
	fx_stop(&f);
}

static void test_head(void **state)
{
	struct fx f;

	(void)state;
	fx_start(&f, NULL);

	AUTO(fd_t) fd = fx_unix(&f);
	AUTO(buf_t) in = {0};

	fx_send(&f, fd, "HEAD /stream HTTP/1.1\r\nHost: x\r\n\r\n" FX_GET("/next"));
	assert_true(fx_expect(&f, fd, &in, "GET /next"));
	assert_true(FX_UNTIL(&f, f.gones == 2));
	fx_stop(&f);
}

static void test_many_streams(void **state)
{
	enum { N = 40 };
	struct fx f;
	int fd[N];
	struct server_req *r[N];
	struct buf in[N] = {0};

	(void)state;
	fx_start(&f, NULL);
	for (int i = 0; i < N; i++) {
		fd[i] = fx_connect(&f, i % 2);
		f.waiting = NULL;
		r[i] = stream_open(&f, fd[i], &in[i]);
	}
	for (int n = 0; n < 50; n++) {
		for (int i = 0; i < N; i++)
			assert_int_equal(server_stream_push(r[i], "event\n", 6), 0);
		fx_turn(&f);
	}
	for (int i = 0; i < N; i++) {
		AUTO(buf_t) out = {0};

		assert_true(FX_UNTIL(
			&f, (fx_read(fd[i], &in[i]), dechunk(&in[i], &out), out.len == 50 * 6)));
	}
	fx_stop(&f);
	assert_int_equal(f.gones, N);
	for (int i = 0; i < N; i++) {
		close(fd[i]);
		buf_free(&in[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_thousand_events),
		cmocka_unit_test(test_drained),
		cmocka_unit_test(test_slow_reader),
		cmocka_unit_test(test_too_big_at_once),
		cmocka_unit_test(test_reader_leaves),
		cmocka_unit_test(test_push_to_nobody),
		cmocka_unit_test(test_left_before_begin),
		cmocka_unit_test(test_http10),
		cmocka_unit_test(test_head),
		cmocka_unit_test(test_many_streams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
