/* Requests and answers: forms of sending, answers now and later, refusals, the end of the server
 * in every state. Deadlines and limits are in test_server_limits.c. */
#include "server_fixture.h"

static void test_get(void **state)
{
	struct fx f;

	(void)state;
	fx_start(&f, NULL);
	for (int door = 0; door < 2; door++) {
		AUTO(fd_t) fd = fx_connect(&f, door);
		AUTO(buf_t) in = {0};
		char local[64] = "local=";

		if (door)
			snprintf(local, sizeof(local), "door=2 local=127.0.0.1:%d", f.port);
		fx_send(&f, fd, FX_GET("/a%2Fb%20c"));
		assert_true(fx_expect(&f, fd, &in, local));
		assert_true(str_starts(buf_text(&in), "HTTP/1.1 200 OK\r\n"));
		assert_non_null(strstr(in.data, "X-One: 1\r\n"));
		assert_non_null(strstr(in.data, "Content-Type: text/plain\r\n"));
		assert_non_null(strstr(in.data, "\r\n\r\nGET /a/b c"));
	}
	assert_int_equal(f.requests, 2);
	assert_true(FX_UNTIL(&f, f.gones == 2));
	fx_stop(&f);
	assert_int_equal(f.gones, 2);
}

static void test_keep_alive(void **state)
{
	struct fx f;

	(void)state;
	fx_start(&f, NULL);

	AUTO(fd_t) fd = fx_unix(&f);

	for (int i = 0; i < 20; i++) {
		AUTO(buf_t) in = {0};

		fx_send(&f, fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
		assert_true(fx_expect(&f, fd, &in, "\r\n\r\nhello"));
	}
	assert_int_equal(f.requests, 20);
	assert_int_equal(server_connections(f.server), 1);
	fd_t_cleanup(&fd);
	fd = -1;
	assert_true(FX_UNTIL(&f, server_connections(f.server) == 0));
	fx_stop(&f);
}

static void test_pipelined(void **state)
{
	struct fx f;

	(void)state;
	fx_start(&f, NULL);
	for (int door = 0; door < 2; door++) {
		AUTO(fd_t) fd = fx_connect(&f, door);
		AUTO(buf_t) in = {0};

		fx_send(&f, fd, FX_GET("/one") FX_GET("/later") FX_GET("/three"));
		assert_true(FX_UNTIL(&f, f.waiting));
		fx_spin(&f, 10);
		fx_read(fd, &in);
		assert_int_equal(fx_count(&in, "HTTP/1.1 200"), 1);
		server_reply(f.waiting, 200, "text/plain", "two", 3, NULL);
		assert_true(fx_expect_n(&f, fd, &in, "HTTP/1.1 200", 3));
		assert_true(fx_expect(&f, fd, &in, "/three"));
		assert_true(strstr(in.data, "/one") < strstr(in.data, "\r\n\r\ntwo"));
		assert_true(strstr(in.data, "\r\n\r\ntwo") < strstr(in.data, "/three"));
	}
	fx_stop(&f);
	assert_int_equal(f.gones, 6);
}

static void test_byte_by_byte(void **state)
{
	static const char text[] =
		"POST /echo?x=1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
		"chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n" FX_GET("/next");
	struct fx f;

	(void)state;
	fx_start(&f, NULL);

	AUTO(fd_t) fd = fx_unix(&f);
	AUTO(buf_t) in = {0};

	for (const char *p = text; *p; p++)
		assert_true(fx_send_n(&f, fd, p, 1));
	assert_true(fx_expect(&f, fd, &in, "GET /next"));
	assert_non_null(strstr(in.data, "\r\n\r\nabcde"));
	fx_stop(&f);
}

static void test_query(void **state)
{
	static const struct {
		const char *target, *seen;
	} rows[] = {
		{"/q?a=1&b=two%20words&a=3", "/q [a=1] [b=two words] [a=3]"},
		{"/q?a+b=c+d&e", "/q [a b=c d] [e=]"},
		{"/q?x=%26%3D%25", "/q [x=&=%]"},
		{"/q?", "/q door"},
		{"/%C3%A4?x=%C3%A4", "/\xc3\xa4 [x=\xc3\xa4]"},
	};
	struct fx f;

	(void)state;
	fx_start(&f, NULL);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(fd_t) fd = fx_unix(&f);
		AUTO(buf_t) in = {0};
		AUTO(str_t) get = str_format("GET %s HTTP/1.1\r\nHost: x\r\n\r\n", rows[i].target);

		fx_send(&f, fd, get);
		if (!fx_expect(&f, fd, &in, rows[i].seen))
			fail_msg("%s: %s", rows[i].target, buf_text(&in));
	}
	fx_stop(&f);
}

/* What two readers could understand differently is refused, and the connection ends. */
static void test_malformed(void **state)
{
	static const struct {
		const char *text, *answer;
		bool garbled; /* the library's own answer: it sends the header twice */
	} rows[] = {
		{"GET /a%00b HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 400"},
		{"GET /a%zz HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 400"},
		{"GET /a?b=%4 HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 400"},
		{"GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 400"},
		{"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400"},
		{"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", "HTTP/1.1 400"},
		{"GET / HTTP/1.1\r\nHost: x\r\nContent-Length : 3\r\n\r\nabc", "HTTP/1.1 400"},
		{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
		 "HTTP/1.1 400"},
		{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: "
		 "chunked\r\n\r\n0\r\n\r\n",
		 "HTTP/1.1 400"},
		{"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "
		 "chunked\r\n\r\n0\r\n\r\n",
		 "HTTP/1.1 400"},
		{"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
		 "HTTP/1.1 501"},
		{"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "HTTP/1.1 400"},
		{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 400", true},
		{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
		 "HTTP/1.1 413", true},
		{"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		 "HTTP/1.1 400"},
	};
	struct fx f;

	(void)state;
	fx_start(&f, NULL);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(fd_t) fd = fx_tcp(&f);
		AUTO(buf_t) in = {0};

		fx_send(&f, fd, rows[i].text);
		shutdown(fd, SHUT_WR);
		if (!fx_expect_end(&f, fd, &in) || !str_starts(buf_text(&in), rows[i].answer) ||
		    (!rows[i].garbled && fx_count(&in, "Content-Length") != 1))
			fail_msg("%s -> %s", rows[i].text, buf_text(&in));
	}
	assert_int_equal(f.requests, 0);
	fx_stop(&f);
}

static void test_http10(void **state)
{
	struct fx f;

	(void)state;
	fx_start(&f, NULL);

	AUTO(fd_t) fd = fx_unix(&f);
	AUTO(buf_t) in = {0};

	fx_send(&f, fd, "POST /echo HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi");
	assert_true(fx_expect_end(&f, fd, &in));
	assert_non_null(strstr(buf_text(&in), "\r\n\r\nhi"));
	fx_stop(&f);
}

static void test_expect_continue(void **state)
{
	struct fx f;

	(void)state;
	fx_start(&f, NULL);

	AUTO(fd_t) fd = fx_unix(&f);
	AUTO(buf_t) in = {0};

	fx_send(&f, fd,
		"POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: "
		"2\r\n\r\n");
	assert_true(fx_expect(&f, fd, &in, "HTTP/1.1 100"));
	fx_send(&f, fd, "hi");
	assert_true(fx_expect(&f, fd, &in, "\r\n\r\nhi"));
	fx_stop(&f);
}

static void test_header_lookup(void **state)
{
	struct fx f;

	(void)state;
	fx_start(&f, NULL);

	AUTO(fd_t) fd = fx_unix(&f);
	AUTO(buf_t) in = {0};

	fx_send(&f, fd, "GET /header HTTP/1.1\r\nHost: x\r\nX-TEST:   value one\r\n\r\n");
	assert_true(fx_expect(&f, fd, &in, "\r\n\r\nvalue one"));
	fx_send(&f, fd, FX_GET("/header"));
	assert_true(fx_expect(&f, fd, &in, "\r\n\r\n(none)"));
	fx_stop(&f);
}

/* A refusal in head: the body is thrown away, and the connection goes on where that is cheap. */
static void test_refuse_in_head(void **state)
{
	static const struct {
		const char *text;
		bool goes_on;
	} rows[] = {
		{FX_GET("/refuse"), true},
		{"POST /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", true},
		{"POST /refuse HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
		 "chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
		 true},
		{"POST /refuse HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: "
		 "3\r\n\r\n",
		 false},
	};
	struct fx f;

	(void)state;
	fx_start(&f, NULL);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(fd_t) fd = fx_tcp(&f);
		AUTO(buf_t) in = {0};

		fx_send(&f, fd, rows[i].text);
		assert_true(fx_expect(&f, fd, &in, "who are you"));
		assert_true(str_starts(in.data, "HTTP/1.1 401"));
		assert_non_null(strstr(in.data, "WWW-Authenticate: Bearer\r\n"));
		assert_int_equal(fx_count(&in, "100 Continue"), 0);
		if (rows[i].goes_on) {
			fx_send(&f, fd, FX_GET("/after"));
			assert_true(fx_expect(&f, fd, &in, "GET /after"));
		} else {
			assert_true(fx_expect_end(&f, fd, &in));
		}
	}
	assert_int_equal(f.requests, 3);
	fx_stop(&f);
	assert_int_equal(f.gones, 7);
}

static void test_late_reply(void **state)
{
	struct fx f;

	(void)state;
	fx_start(&f, NULL);
	for (int door = 0; door < 2; door++) {
		AUTO(fd_t) fd = fx_connect(&f, door);
		AUTO(buf_t) in = {0};

		fx_send(&f, fd, "POST /later HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi");
		assert_true(FX_UNTIL(&f, f.waiting));
		fx_spin(&f, 20);
		assert_int_equal(f.gones, door);
		server_reply(f.waiting, 202, NULL, NULL, 0, NULL);
		assert_true(fx_expect(&f, fd, &in, "HTTP/1.1 202"));
		assert_true(FX_UNTIL(&f, f.gones == door + 1));
		fx_send(&f, fd, FX_GET("/next"));
		assert_true(fx_expect(&f, fd, &in, "/next"));
		assert_true(FX_UNTIL(&f, f.gones == door + 2));
		f.gones = door + 1;
	}
	fx_stop(&f);
}

/* A client that shuts its sending side after the request gets its answer, now or later. */
static void test_half_closed(void **state)
{
	struct fx f;

	(void)state;
	fx_start(&f, NULL);

	/* The library treats its oldest connection better than others. */
	AUTO(fd_t) oldest = fx_unix(&f);

	fx_spin(&f, 10);
	for (int door = 0; door < 2; door++) {
		AUTO(fd_t) now = fx_connect(&f, door);
		AUTO(fd_t) later = fx_connect(&f, door);
		AUTO(buf_t) in = {0};
		int64_t began = clock_mono_ms();

		send(now, FX_GET("/now"), strlen(FX_GET("/now")), 0);
		shutdown(now, SHUT_WR);
		assert_true(fx_expect_end(&f, now, &in));
		assert_non_null(strstr(buf_text(&in), "GET /now"));
		assert_in_range(clock_mono_ms() - began, 0, 500);

		send(later, FX_GET("/later"), strlen(FX_GET("/later")), 0);
		shutdown(later, SHUT_WR);
		assert_true(FX_UNTIL(&f, f.waiting));
		fx_spin(&f, 30);
		assert_non_null(f.waiting);
		server_reply(f.waiting, 200, "text/plain", "still here", 10, NULL);
		buf_reset(&in);
		assert_true(fx_expect_end(&f, later, &in));
		assert_non_null(strstr(buf_text(&in), "still here"));
	}
	fx_stop(&f);
	assert_int_equal(f.gones, 4);
}

/* A peer that leaves while its request waits is noticed, once, without an answer. */
static void test_peer_leaves(void **state)
{
	struct fx f;

	(void)state;
	fx_start(&f, NULL);
	for (int door = 0; door < 2; door++) {
		int fd = fx_connect(&f, door);

		f.gones = 0;
		fx_send(&f, fd, FX_GET("/later"));
		assert_true(FX_UNTIL(&f, f.waiting));
		/* On TCP only a reset says more than the end of sending. */
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0},
			   sizeof(struct linger));
		close(fd);
		assert_true(FX_UNTIL(&f, f.gones == 1));
		fx_spin(&f, 20);
		assert_int_equal(f.gones, 1);
		assert_null(f.waiting);
		assert_int_equal(server_connections(f.server), 0);
	}
	fx_stop(&f);
}

/* The peer left, but the answer comes before the loop has told: nothing breaks. */
static void test_reply_to_nobody(void **state)
{
	struct fx f;

	(void)state;
	fx_start(&f, NULL);
	for (int door = 0; door < 2; door++) {
		int fd = fx_connect(&f, door);

		f.gones = 0;
		fx_send(&f, fd, FX_GET("/later"));
		assert_true(FX_UNTIL(&f, f.waiting));
		close(fd);
		server_reply(f.waiting, 200, "text/plain", "x", 1, NULL);
		assert_true(FX_UNTIL(&f, f.gones == 1 && !server_connections(f.server)));
	}
	fx_stop(&f);
}

static void test_leaves_mid_body(void **state)
{
	struct fx f;

	(void)state;
	fx_start(&f, NULL);

	int fd = fx_unix(&f);

	fx_send(&f, fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc");
	assert_true(FX_UNTIL(&f, f.heads == 1));
	close(fd);
	assert_true(FX_UNTIL(&f, f.gones == 1));
	assert_int_equal(f.requests, 0);
	fx_stop(&f);
}

static void test_big_answer(void **state)
{
	struct fx f;

	(void)state;
	fx_start(&f, NULL);
	for (int door = 0; door < 2; door++) {
		AUTO(fd_t) fd = fx_connect(&f, door);
		AUTO(buf_t) in = {0};

		fx_send(&f, fd, FX_GET("/big"));
		assert_true(FX_UNTIL(&f, (fx_read(fd, &in), in.len > 3000000)));
		assert_true(FX_UNTIL(&f, f.gones == door + 1));
	}
	fx_stop(&f);
}

static void test_answered_twice(void **state)
{
	struct fx f;

	(void)state;
	fx_start(&f, NULL);

	AUTO(fd_t) fd = fx_unix(&f);
	AUTO(buf_t) in = {0};

	fx_send(&f, fd, FX_GET("/later"));
	assert_true(FX_UNTIL(&f, f.waiting));
	server_reply(f.waiting, 200, "text/plain", "first", 5, NULL);
	server_reply(f.waiting, 200, "text/plain", "second", 6, NULL);
	assert_true(fx_expect(&f, fd, &in, "first"));
	fx_spin(&f, 10);
	fx_read(fd, &in);
	assert_int_equal(fx_count(&in, "second"), 0);
	fx_stop(&f);
}

/* A value with a line break must not become a header of its own. */
static void test_header_injection(void **state)
{
	struct fx f;

	(void)state;
	fx_start(&f, NULL);

	AUTO(fd_t) fd = fx_unix(&f);
	AUTO(buf_t) in = {0};

	fx_send(&f, fd, FX_GET("/later"));
	assert_true(FX_UNTIL(&f, f.waiting));
	server_reply(f.waiting, 200, "text/plain", "x", 1,
		     (const char *const[]){"X-A: b\r\nX-Evil: 1", "X-B: c", NULL});
	assert_true(fx_expect(&f, fd, &in, "\r\n\r\nx"));
	assert_null(strstr(in.data, "X-Evil"));
	assert_non_null(strstr(in.data, "X-B: c\r\n"));
	fx_stop(&f);
}

static void test_many_at_once(void **state)
{
	enum { N = 50 };
	struct fx f;
	int fd[N];
	struct buf in[N] = {0};

	(void)state;
	fx_start(&f, NULL);
	for (int i = 0; i < N; i++)
		fd[i] = fx_connect(&f, i % 2);
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < N; i++) {
			AUTO(str_t)
			text = str_format("GET /%d?r=%d HTTP/1.1\r\nHost: x\r\n\r\n", i, round);

			send(fd[i], text, strlen(text), 0);
		}
		for (int i = 0; i < N; i++) {
			AUTO(str_t) want = str_format("GET /%d [r=%d]", i, round);

			assert_true(fx_expect(&f, fd[i], &in[i], want));
		}
	}
	assert_int_equal(f.requests, 5 * N);
	assert_int_equal(server_connections(f.server), N);
	for (int i = 0; i < N; i++) {
		close(fd[i]);
		buf_free(&in[i]);
	}
	assert_true(FX_UNTIL(&f, f.gones == 5 * N && !server_connections(f.server)));
	fx_stop(&f);
}

static void test_stop_accepting(void **state)
{
	struct fx f;
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	(void)state;
	fx_start(&f, NULL);

	AUTO(fd_t) fd = fx_unix(&f);
	AUTO(fd_t) late = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	AUTO(buf_t) in = {0};

	fx_send(&f, fd, FX_GET("/later"));
	assert_true(FX_UNTIL(&f, f.waiting));
	server_stop_accepting(f.server);
	strcpy(a.sun_path, f.path);
	assert_int_equal(connect(late, (struct sockaddr *)&a, sizeof(a)), -1);
	server_reply(f.waiting, 200, "text/plain", "bye", 3, NULL);
	assert_true(fx_expect_end(&f, fd, &in));
	assert_non_null(strstr(buf_text(&in), "Connection: close\r\n"));
	assert_non_null(strstr(buf_text(&in), "\r\n\r\nbye"));
	fx_stop(&f);
}

static void test_accept_refused(void **state)
{
	struct fx f;

	(void)state;
	fx_start(&f, NULL);
	f.refuse_all = true;
	for (int door = 0; door < 2; door++) {
		AUTO(fd_t) fd = fx_connect(&f, door);
		AUTO(buf_t) in = {0};

		fx_send(&f, fd, FX_GET("/"));
		assert_true(fx_expect_end(&f, fd, &in));
		assert_int_equal(in.len, 0);
	}
	assert_int_equal(server_connections(f.server), 0);
	fx_stop(&f);
}

/* The server ends while connections are in every state there is. */
static void test_free_in_all_states(void **state)
{
	static const char *const texts[] = {
		"",
		"GET /ha",
		"GET / HTTP/1.1\r\nHost",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nab",
		"POST /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nab",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\nab",
		FX_GET("/later"),
		FX_GET("/later") FX_GET("/later"),
		FX_GET("/stream"),
		FX_GET("/big"),
		FX_GET("/done"),
	};
	struct fx f;
	int fd[2 * ARRAY_LEN(texts)];

	(void)state;
	fx_start(&f, NULL);
	for (size_t i = 0; i < ARRAY_LEN(fd); i++) {
		fd[i] = fx_connect(&f, (int)(i % 2));
		assert_true(fx_send(&f, fd[i], texts[i / 2]));
	}
	fx_spin(&f, 30);
	if (f.waiting)
		assert_int_equal(server_stream_push(f.waiting, "left", 4), 0);
	fx_stop(&f);
	for (size_t i = 0; i < ARRAY_LEN(fd); i++)
		close(fd[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_get),
		cmocka_unit_test(test_keep_alive),
		cmocka_unit_test(test_pipelined),
		cmocka_unit_test(test_byte_by_byte),
		cmocka_unit_test(test_query),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_http10),
		cmocka_unit_test(test_expect_continue),
		cmocka_unit_test(test_header_lookup),
		cmocka_unit_test(test_refuse_in_head),
		cmocka_unit_test(test_late_reply),
		cmocka_unit_test(test_half_closed),
		cmocka_unit_test(test_peer_leaves),
		cmocka_unit_test(test_reply_to_nobody),
		cmocka_unit_test(test_leaves_mid_body),
		cmocka_unit_test(test_big_answer),
		cmocka_unit_test(test_answered_twice),
		cmocka_unit_test(test_header_injection),
		cmocka_unit_test(test_many_at_once),
		cmocka_unit_test(test_stop_accepting),
		cmocka_unit_test(test_accept_refused),
		cmocka_unit_test(test_free_in_all_states),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
