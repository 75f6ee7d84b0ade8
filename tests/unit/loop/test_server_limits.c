/* What a client may not do: too much, too slowly, too often. */
#include <sys/resource.h>

#include "server_fixture.h"

static const struct server_limits fast = {.max_header = 2048,
					  .max_body = 4096,
					  .max_connections = 8,
					  .header_ms = 120,
					  .body_ms = 120,
					  .idle_ms = 400,
					  .max_stream = 4096};

/* Between our limit and the library's room the refusal is ours, above it the library's. */
static void test_header_too_large(void **state)
{
	static const struct {
		size_t size;
		const char *answer, *body;
	} rows[] = {
		{1000, "HTTP/1.1 200", "GET /"},
		{3000, "HTTP/1.1 431", "{\"status\":431"},
		{40000, "HTTP/1.1 431", ""},
	};
	struct fx f;

	(void)state;
	fx_start(&f, &fast);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(fd_t) fd = fx_unix(&f);
		AUTO(buf_t) out = {0}, in = {0};

		buf_str(&out, "GET / HTTP/1.1\r\nHost: x\r\n");
		for (int n = 0; out.len < rows[i].size; n++)
			buf_printf(&out, "X-%d: %040d\r\n", n, n);
		buf_str(&out, "Connection: close\r\n\r\n");
		fx_send_n(&f, fd, out.data, out.len);
		assert_true(fx_expect_end(&f, fd, &in));
		assert_true(str_starts(buf_text(&in), rows[i].answer));
		assert_non_null(strstr(in.data, rows[i].body));
	}
	assert_int_equal(f.requests, 1);
	fx_stop(&f);
}

static void test_one_long_line(void **state)
{
	struct fx f;
	char *text = mem_alloc(100000);

	(void)state;
	fx_start(&f, &fast);
	memset(text, 'a', 99999);
	memcpy(text, "GET /", 5);

	AUTO(fd_t) fd = fx_unix(&f);
	AUTO(buf_t) in = {0};

	fx_send(&f, fd, text);
	assert_true(fx_expect_end(&f, fd, &in));
	assert_int_equal(f.requests, 0);
	fx_stop(&f);
	free(text);
}

/* Refused at the header: the answer comes without the body, and also when the body is sent. */
static void test_length_too_large(void **state)
{
	struct fx f;

	(void)state;
	fx_start(&f, &fast);
	for (int i = 0; i < 4; i++) {
		AUTO(fd_t) fd = fx_connect(&f, i % 2);
		AUTO(buf_t) in = {0};
		char piece[4096] = {0};

		fx_send(&f, fd,
			"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
		for (int n = 0; i >= 2 && n < 244; n++)
			fx_send_n(&f, fd, piece, sizeof(piece));
		assert_true(fx_expect(&f, fd, &in, "{\"status\":413"));
		assert_true(str_starts(in.data, "HTTP/1.1 413"));
		assert_non_null(strstr(in.data, "Connection: close\r\n"));
		assert_non_null(strstr(in.data, "application/json"));
		assert_true(fx_expect_end(&f, fd, &in));
	}
	assert_int_equal(f.heads, 4);
	assert_int_equal(f.requests, 0);
	assert_true(FX_UNTIL(&f, !server_connections(f.server)));
	fx_stop(&f);
}

/* Who may not come in is told that, whatever he announced. */
static void test_refused_before_its_size(void **state)
{
	struct fx f;
	char piece[4000] = {0};

	(void)state;
	fx_start(&f, &fast);
	for (int i = 0; i < 4; i++) {
		AUTO(fd_t) fd = fx_connect(&f, i % 2);
		AUTO(buf_t) in = {0};

		fx_send(&f, fd, "POST /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n");
		fx_send(&f, fd, i < 2 ? "\r\n" : "Expect: 100-continue\r\n\r\n");
		for (int n = 0; i < 2 && n < 250; n++)
			assert_true(fx_send_n(&f, fd, piece, sizeof(piece)));
		assert_true(fx_expect(&f, fd, &in, "who are you"));
		assert_true(str_starts(in.data, "HTTP/1.1 401"));
	}
	assert_int_equal(f.requests, 0);
	fx_stop(&f);
}

/* A client that sends its whole body before it reads is not cut off while it sends, and the end of
 * the answer does not wait for anything. */
static void test_refusal_reaches_sender(void **state)
{
	struct fx f;
	char *body = mem_alloc(3 << 20);

	(void)state;
	fx_start(&f, NULL);
	for (int door = 0; door < 2; door++) {
		AUTO(fd_t) fd = fx_connect(&f, door);
		AUTO(buf_t) in = {0};
		int64_t began = clock_mono_ms();

		fx_send(&f, fd, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3145728\r\n\r\n");
		assert_true(fx_send_n(&f, fd, body, 3 << 20));
		assert_true(fx_expect_end(&f, fd, &in));
		assert_true(str_starts(buf_text(&in), "HTTP/1.1 413"));
		assert_in_range(clock_mono_ms() - began, 0, 1500);
	}
	for (int door = 0; door < 2; door++) {
		AUTO(fd_t) fd = fx_connect(&f, door);
		AUTO(buf_t) in = {0};
		int64_t began = clock_mono_ms();

		fx_send(&f, fd, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3145728\r\n\r\n");
		assert_true(fx_expect_end(&f, fd, &in));
		assert_in_range(clock_mono_ms() - began, 0, 1000);
	}
	fx_stop(&f);
	free(body);
}

static void test_chunks_too_large(void **state)
{
	struct fx f;
	char chunk[1030] = "400\r\n";

	(void)state;
	memset(chunk + 5, 'x', 1024);
	strcpy(chunk + 1024 + 3, "\r\n");
	memcpy(chunk, "3fe\r\n", 5);
	fx_start(&f, &fast);
	for (int door = 0; door < 2; door++) {
		AUTO(fd_t) fd = fx_connect(&f, door);
		AUTO(buf_t) in = {0};

		fx_send(&f, fd,
			"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
		for (int i = 0; i < 20; i++)
			fx_send_n(&f, fd, chunk, strlen(chunk));
		fx_send(&f, fd, "0\r\n\r\n");
		assert_true(fx_expect_end(&f, fd, &in));
		assert_true(str_starts(buf_text(&in), "HTTP/1.1 413"));
	}
	assert_int_equal(f.requests, 0);
	assert_true(FX_UNTIL(&f, f.gones == 2 && !server_connections(f.server)));
	fx_stop(&f);
}

/* A client that goes on sending after its refusal is cut off, in bytes and in time. */
static void test_linger_is_bounded(void **state)
{
	struct fx f;
	char *piece = mem_alloc(1 << 20);

	(void)state;
	fx_start(&f, &fast);

	AUTO(fd_t) fd = fx_unix(&f);
	AUTO(fd_t) silent = fx_unix(&f);
	int sent = 0;

	fx_send(&f, fd, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n");
	fx_send(&f, silent, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n");
	while (sent < 64 && fx_send_n(&f, fd, piece, 1 << 20))
		sent++;
	assert_in_range(sent, 0, 12);
	assert_true(FX_UNTIL(&f, !server_connections(f.server)));
	fx_stop(&f);
	free(piece);
}

static void test_body_at_the_limit(void **state)
{
	struct fx f;
	char body[4097];

	(void)state;
	memset(body, 'b', 4096);
	body[4096] = '\0';
	fx_start(&f, &fast);

	AUTO(fd_t) fd = fx_unix(&f);
	AUTO(buf_t) in = {0};

	fx_send(&f, fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4096\r\n\r\n");
	fx_send(&f, fd, body);
	assert_true(fx_expect(&f, fd, &in, body));
	assert_int_equal(f.last_body_len, 4096);
	fx_stop(&f);
}

/* Trickling keeps no connection: the deadline counts from the first byte, not from the last. */
static void test_slow(void **state)
{
	static const struct {
		const char *start, *drop, *answer;
	} rows[] = {
		{"GET / HT", "T", "HTTP/1.1 408"},
		{"GET / HTTP/1.1\r\nHost: x\r\nX-A: ", "a", "HTTP/1.1 408"},
		{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4000\r\n\r\n", "b", "HTTP/1.1 408"},
		{"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\na\r\n",
		 "HTTP/1.1 408"},
		{"POST /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 4000\r\n\r\n", "b",
		 "HTTP/1.1 408"},
	};
	struct fx f;

	(void)state;
	fx_start(&f, &fast);
	for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
		AUTO(fd_t) fd = fx_connect(&f, (int)(i % 2));
		AUTO(buf_t) in = {0};
		int64_t began = clock_mono_ms();

		fx_send(&f, fd, rows[i / 2].start);
		while (clock_mono_ms() - began < 2000 &&
		       fx_send_n(&f, fd, rows[i / 2].drop, strlen(rows[i / 2].drop)) &&
		       fx_read(fd, &in) == 1)
			fx_spin(&f, 10);
		assert_in_range(clock_mono_ms() - began, 100, 1000);
		fx_expect_end(&f, fd, &in);
		if (!str_starts(buf_text(&in), rows[i / 2].answer))
			fail_msg("%s -> %s", rows[i / 2].start, buf_text(&in));
		assert_true(FX_UNTIL(&f, !server_connections(f.server)));
	}
	assert_int_equal(f.requests, 0);
	fx_stop(&f);
}

/* The second request on a connection has a deadline as well, whenever its first byte came. */
static void test_slow_second(void **state)
{
	struct fx f;

	(void)state;
	fx_start(&f, &fast);

	AUTO(fd_t) fd = fx_unix(&f);
	AUTO(fd_t) early = fx_unix(&f);
	AUTO(buf_t) in = {0}, in2 = {0};

	fx_send(&f, fd, FX_GET("/"));
	assert_true(fx_expect(&f, fd, &in, "GET /"));
	fx_send(&f, fd, "GET /");
	assert_true(fx_expect_end(&f, fd, &in));
	assert_int_equal(fx_count(&in, "HTTP/1.1 408"), 1);

	fx_send(&f, early, FX_GET("/later"));
	assert_true(FX_UNTIL(&f, f.waiting));
	fx_send(&f, early, "GET /");
	fx_spin(&f, 300);
	assert_non_null(f.waiting);
	server_reply(f.waiting, 200, "text/plain", "x", 1, NULL);
	assert_true(fx_expect_end(&f, early, &in2));
	assert_int_equal(fx_count(&in2, "HTTP/1.1 408"), 1);
	fx_stop(&f);
}

static void test_idle(void **state)
{
	struct fx f;

	(void)state;
	fx_start(&f, &fast);

	AUTO(fd_t) silent = fx_unix(&f);
	AUTO(fd_t) used = fx_tcp(&f);
	AUTO(buf_t) in = {0}, in2 = {0};
	int64_t began = clock_mono_ms();

	fx_send(&f, used, FX_GET("/"));
	assert_true(fx_expect_end(&f, silent, &in));
	assert_int_equal(in.len, 0);
	assert_true(fx_expect_end(&f, used, &in2));
	assert_int_equal(fx_count(&in2, "HTTP/1.1"), 1);
	assert_in_range(clock_mono_ms() - began, 350, 2000);
	fx_stop(&f);
}

/* A handler may take as long as it likes. */
static void test_waiting_has_no_deadline(void **state)
{
	struct fx f;

	(void)state;
	fx_start(&f, &fast);

	AUTO(fd_t) fd = fx_unix(&f);
	AUTO(buf_t) in = {0};

	fx_send(&f, fd, FX_GET("/later"));
	fx_spin(&f, 700);
	assert_non_null(f.waiting);
	server_reply(f.waiting, 200, "text/plain", "slow", 4, NULL);
	assert_true(fx_expect(&f, fd, &in, "slow"));
	fx_stop(&f);
}

static void test_answer_not_taken(void **state)
{
	struct fx f;

	(void)state;
	fx_start(&f, &fast);
	for (int door = 0; door < 2; door++) {
		AUTO(fd_t) fd = fx_connect(&f, door);
		int small = 4096;

		f.gones = 0;
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
		for (int i = 0; i < 3; i++)
			fx_send(&f, fd, FX_GET("/big"));
		assert_true(FX_UNTIL(&f, f.requests > 0));
		assert_true(FX_UNTIL(&f, !server_connections(f.server)));
		assert_int_equal(f.gones, f.requests);
		f.requests = 0;
	}
	fx_stop(&f);
}

/* Busy connections up to the limit; the next client gets an answer, not silence. */
static void test_too_many(void **state)
{
	struct fx f;
	int fd[8];

	(void)state;
	fx_start(&f, &fast);
	for (int i = 0; i < 8; i++) {
		fd[i] = fx_unix(&f);
		fx_send(&f, fd[i], FX_GET("/later"));
	}
	assert_true(FX_UNTIL(&f, f.requests == 8));

	AUTO(fd_t) more = fx_unix(&f);
	AUTO(fd_t) other_door = fx_tcp(&f);
	AUTO(buf_t) in = {0}, in2 = {0};

	fx_send(&f, more, FX_GET("/"));
	assert_true(fx_expect_end(&f, more, &in));
	assert_true(str_starts(buf_text(&in), "HTTP/1.1 503"));
	fx_send(&f, other_door, FX_GET("/"));
	assert_true(fx_expect(&f, other_door, &in2, "HTTP/1.1 200"));
	for (int i = 0; i < 8; i++)
		close(fd[i]);
	assert_true(FX_UNTIL(&f, server_connections(f.server) == 1));

	AUTO(fd_t) again = fx_unix(&f);

	buf_reset(&in);
	fx_send(&f, again, FX_GET("/"));
	assert_true(fx_expect(&f, again, &in, "HTTP/1.1 200"));
	fx_stop(&f);
}

/* Idle connections do not keep others out. */
static void test_idle_make_room(void **state)
{
	struct fx f;
	int fd[40];

	(void)state;
	fx_start(&f, &fast);
	for (size_t i = 0; i < ARRAY_LEN(fd); i++) {
		fd[i] = fx_unix(&f);
		fx_turn(&f);
	}
	for (int i = 0; i < 5; i++) {
		AUTO(fd_t) more = fx_unix(&f);
		AUTO(buf_t) in = {0};

		fx_send(&f, more, FX_GET("/"));
		assert_true(fx_expect(&f, more, &in, "HTTP/1.1 200"));
	}
	assert_in_range(server_connections(f.server), 1, 16);
	for (size_t i = 0; i < ARRAY_LEN(fd); i++)
		close(fd[i]);
	fx_stop(&f);
}

/* Without descriptors the server waits; with some again it goes on by itself, and never spins. */
static void test_no_descriptors(void **state)
{
	struct fx f;
	struct rlimit old, tight;
	int fd = -1;
	AUTO(buf_t) in = {0};

	(void)state;
	fx_start(&f, &fast);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	fd = fx_unix(&f);
	tight = old;
	tight.rlim_cur = (rlim_t)fd + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
	send(fd, FX_GET("/"), strlen(FX_GET("/")), 0);

	int turns = 0;

	for (int64_t end = clock_mono_ms() + 200; clock_mono_ms() < end; turns++)
		fx_turn(&f);
	assert_int_equal(f.requests, 0);
	assert_in_range(turns, 1, 400);
	setrlimit(RLIMIT_NOFILE, &old);
	assert_true(fx_expect(&f, fd, &in, "HTTP/1.1 200"));
	close(fd);
	fx_stop(&f);
}

/* Nothing to do is nothing done: an idle server does not wake the loop. */
static void test_idle_loop_sleeps(void **state)
{
	struct fx f;

	(void)state;
	fx_start(&f, NULL);

	AUTO(fd_t) fd = fx_unix(&f);
	int turns = 0;

	fx_send(&f, fd, FX_GET("/later"));
	assert_true(FX_UNTIL(&f, f.waiting));
	fx_spin(&f, 50);
	for (int64_t end = clock_mono_ms() + 300; clock_mono_ms() < end; turns++)
		fx_turn(&f);
	/* The tick alone gives about 150. */
	assert_in_range(turns, 1, 200);
	fx_stop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header_too_large),
		cmocka_unit_test(test_one_long_line),
		cmocka_unit_test(test_length_too_large),
		cmocka_unit_test(test_refused_before_its_size),
		cmocka_unit_test(test_refusal_reaches_sender),
		cmocka_unit_test(test_chunks_too_large),
		cmocka_unit_test(test_linger_is_bounded),
		cmocka_unit_test(test_body_at_the_limit),
		cmocka_unit_test(test_slow),
		cmocka_unit_test(test_slow_second),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_waiting_has_no_deadline),
		cmocka_unit_test(test_answer_not_taken),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_idle_make_room),
		cmocka_unit_test(test_no_descriptors),
		cmocka_unit_test(test_idle_loop_sleeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
