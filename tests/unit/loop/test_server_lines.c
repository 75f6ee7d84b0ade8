/* Connections of lines: both directions, their limits, and every way in which they end. */
#include "server_fixture.h"

#define UPGRADE                                                                                    \
	"POST /lines HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: test-lines\r\n"        \
	"Content-Length: 0\r\n\r\n"
#define MAX_LINE 1000

struct lx {
	struct fx f;
	struct server_lines *lines; /* the last one; NULL after gone */
	struct buf told;            /* every line, each with | behind it */
	int n_lines, too_long, ended, gones, began;
	bool echo, end_on_input, hears_end, hears_long, greet;
	bool refuse_push; /* some push was refused */
};

static void lx_line(struct server_lines *l, const char *text, size_t len, void *owner)
{
	struct lx *x = owner;
	AUTO(buf_t) out = {0};

	assert_true(server_lines_context(l) == x);
	assert_int_equal(text[len], '\0');
	x->n_lines++;
	if (x->told.len < 65536) {
		buf_add(&x->told, text, len);
		buf_char(&x->told, '|');
	}
	if (!x->echo)
		return;
	buf_printf(&out, "re:%s\n", text);
	if (server_lines_push(l, out.data, out.len) < 0)
		x->refuse_push = true;
}

static void lx_too_long(struct server_lines *l, void *owner)
{
	struct lx *x = owner;

	x->too_long++;
	server_lines_push(l, "long\n", 5);
}

static void lx_ended(struct server_lines *l, void *owner)
{
	struct lx *x = owner;

	x->ended++;
	if (x->end_on_input)
		server_lines_end(l);
}

static void lx_gone(struct server_lines *l, void *owner)
{
	struct lx *x = owner;

	assert_true(x->lines == l || !x->lines);
	assert_int_equal(strlen(server_req_id(server_lines_req(l))), 12);
	x->gones++;
	x->lines = NULL;
}

static void lx_request(struct server_req *r, void *owner)
{
	struct lx *x = owner;
	struct server_lines_handler h = {.line = lx_line, .gone = lx_gone, .owner = x};

	if (x->hears_long)
		h.too_long = lx_too_long;
	if (x->hears_end)
		h.input_ended = lx_ended;
	x->lines = server_upgrade_lines(r, "test-lines", MAX_LINE, &h);
	if (!x->lines) {
		server_reply(r, 426, "text/plain", NULL, 0, NULL);
		return;
	}
	x->began++;
	server_lines_set_context(x->lines, x);
	if (x->greet)
		assert_int_equal(server_lines_push(x->lines, "hello\n", 6), 0);
}

static void lx_start(struct lx *x, const struct server_limits *limits)
{
	memset(x, 0, sizeof(*x));
	fx_start(&x->f, limits);
	x->f.lines = lx_request;
	x->f.lines_owner = x;
}

static void lx_stop(struct lx *x)
{
	fx_stop(&x->f);
	assert_int_equal(x->gones, x->began);
	buf_free(&x->told);
}

static void lx_open(struct lx *x, int fd, struct buf *in)
{
	assert_true(fx_send(&x->f, fd, UPGRADE));
	assert_true(fx_expect(&x->f, fd, in, "\r\n\r\n"));
	assert_true(str_starts(buf_text(in), "HTTP/1.1 101 "));
	assert_non_null(strcasestr(in->data, "\r\nUpgrade: test-lines\r\n"));
	assert_non_null(strcasestr(in->data, "\r\nConnection: Upgrade\r\n"));
	assert_null(strcasestr(in->data, "Content-Length"));
	assert_true(FX_UNTIL(&x->f, x->lines));
}

static void test_both_ways(void **state)
{
	struct lx x;

	(void)state;
	lx_start(&x, NULL);
	x.echo = x.greet = true;
	for (int door = 0; door < 2; door++) {
		AUTO(fd_t) fd = fx_connect(&x.f, door);
		AUTO(buf_t) in = {0};

		lx_open(&x, fd, &in);
		assert_true(fx_expect(&x.f, fd, &in, "\r\n\r\nhello\n"));
		fx_send(&x.f, fd, "one\ntwo\r\n\n\r\nthr");
		assert_true(fx_expect(&x.f, fd, &in, "re:one\nre:two\n"));
		fx_spin(&x.f, 20);
		fx_send(&x.f, fd, "ee\n");
		assert_true(fx_expect(&x.f, fd, &in, "re:three\n"));
		assert_string_equal(x.told.data, "one|two|three|");
		server_lines_push(x.lines, "bye\n", 4);
		server_lines_end(x.lines);
		server_lines_end(x.lines);
		assert_int_equal(server_lines_push(x.lines, "late\n", 5), 0);
		assert_int_equal(x.gones, door);
		assert_true(fx_expect_end(&x.f, fd, &in));
		assert_true(str_ends(buf_text(&in), "re:three\nbye\n"));
		assert_true(FX_UNTIL(&x.f, x.gones == door + 1));
		assert_true(FX_UNTIL(&x.f, server_connections(x.f.server) == 0));
		buf_reset(&x.told);
	}
	lx_stop(&x);
	assert_int_equal(x.f.gones, 2);
}

/* What comes in one packet with the request belongs to the lines. */
static void test_same_packet(void **state)
{
	struct lx x;

	(void)state;
	lx_start(&x, NULL);
	x.echo = true;

	AUTO(fd_t) fd = fx_unix(&x.f);
	AUTO(buf_t) in = {0};

	fx_send(&x.f, fd, UPGRADE "first\nsec");
	assert_true(fx_expect(&x.f, fd, &in, "re:first\n"));
	fx_send(&x.f, fd, "ond\n");
	assert_true(fx_expect(&x.f, fd, &in, "re:second\n"));
	lx_stop(&x);
	assert_int_equal(x.f.gones, 1);
}

static void test_byte_by_byte(void **state)
{
	static const char text[] = UPGRADE "ab\ncde\nf\n";
	struct lx x;

	(void)state;
	lx_start(&x, NULL);

	AUTO(fd_t) fd = fx_unix(&x.f);

	for (const char *p = text; *p; p++)
		assert_true(fx_send_n(&x.f, fd, p, 1));
	assert_true(FX_UNTIL(&x.f, x.n_lines == 3));
	assert_string_equal(x.told.data, "ab|cde|f|");
	lx_stop(&x);
}

/* Others get their turn while ten thousand lines of one packet are told. */
static void test_ten_thousand(void **state)
{
	struct lx x;
	int seen_at = -1;

	(void)state;
	lx_start(&x, NULL);
	x.echo = true;

	AUTO(fd_t) fd = fx_unix(&x.f);
	AUTO(fd_t) other = fx_unix(&x.f);
	AUTO(buf_t) in = {0}, many = {0}, answer = {0};
	int sending = 400000;

	lx_open(&x, fd, &in);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &sending, sizeof(sending));
	for (int i = 0; i < 10000; i++)
		buf_printf(&many, "%d\n", i);
	assert_true(send(fd, many.data, many.len, 0) > 0);
	assert_true(send(other, FX_GET("/x"), strlen(FX_GET("/x")), 0) > 0);
	assert_true(FX_UNTIL(&x.f, (fx_read(other, &answer), answer.len > 0)));
	seen_at = x.n_lines;
	assert_true(FX_UNTIL(&x.f, (fx_read(fd, &in), x.n_lines == 10000)));
	assert_true(seen_at < 5000);
	assert_true(fx_expect(&x.f, fd, &in, "re:9999\n"));
	assert_int_equal(fx_count(&in, "re:"), 10000);
	lx_stop(&x);
}

static void test_too_long(void **state)
{
	static const size_t sizes[] = {MAX_LINE, MAX_LINE + 1, MAX_LINE * 100, MAX_LINE * 300};
	struct lx x;

	(void)state;
	lx_start(&x, NULL);
	x.hears_long = x.echo = true;

	AUTO(fd_t) fd = fx_unix(&x.f);
	AUTO(buf_t) in = {0};

	lx_open(&x, fd, &in);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		AUTO(buf_t) text = {0};

		for (size_t n = 0; n < sizes[i]; n++)
			buf_char(&text, 'x');
		buf_str(&text, "\nafter\n");
		buf_reset(&in);
		assert_true(fx_send_n(&x.f, fd, text.data, text.len));
		assert_true(fx_expect(&x.f, fd, &in, "re:after\n"));
		assert_int_equal(x.too_long, i);
		assert_int_equal(fx_count(&in, "long\n"), i ? 1 : 0);
	}
	assert_int_equal(x.n_lines, 5);
	lx_stop(&x);

	/* Nobody hears of it: the connection ends. */
	lx_start(&x, NULL);
	fd_t_cleanup(&fd);
	fd = fx_unix(&x.f);
	buf_reset(&in);
	lx_open(&x, fd, &in);
	for (int i = 0; i < MAX_LINE + 1; i++)
		fx_send(&x.f, fd, "x");
	assert_true(fx_expect_end(&x.f, fd, &in));
	assert_int_equal(x.n_lines, 0);
	lx_stop(&x);
}

/* The last line may lack its end; who half closes still reads what is owed. */
static void test_half_close(void **state)
{
	struct lx x;

	(void)state;
	for (int hears = 0; hears < 2; hears++) {
		lx_start(&x, NULL);
		x.echo = true;
		x.hears_end = hears;
		for (int door = 0; door < 2; door++) {
			AUTO(fd_t) fd = fx_connect(&x.f, door);
			AUTO(buf_t) in = {0};

			lx_open(&x, fd, &in);
			fx_send(&x.f, fd, "one\ntwo");
			shutdown(fd, SHUT_WR);
			if (hears) {
				assert_true(FX_UNTIL(&x.f, x.ended == door + 1));
				fx_spin(&x.f, 30);
				assert_int_equal(x.gones, door);
				server_lines_push(x.lines, "late\n", 5);
				server_lines_end(x.lines);
			}
			assert_true(fx_expect_end(&x.f, fd, &in));
			assert_true(str_ends(buf_text(&in), hears ? "re:one\nre:two\nlate\n"
								  : "re:one\nre:two\n"));
			assert_true(FX_UNTIL(&x.f, x.gones == door + 1));
			assert_int_equal(x.ended, hears ? door + 1 : 0);
		}
		lx_stop(&x);
	}
}

static void test_end_in_the_packet(void **state)
{
	struct lx x;

	(void)state;
	lx_start(&x, NULL);
	x.echo = true;

	AUTO(fd_t) fd = fx_unix(&x.f);
	AUTO(buf_t) in = {0};

	assert_true(send(fd, UPGRADE "only", strlen(UPGRADE "only"), 0) > 0);
	shutdown(fd, SHUT_WR);
	assert_true(fx_expect_end(&x.f, fd, &in));
	assert_true(str_ends(buf_text(&in), "re:only\n"));
	lx_stop(&x);
}

/* A peer that leaves is told at once, also while it is held or has not taken what waits. */
static void test_peer_leaves(void **state)
{
	struct lx x;

	(void)state;
	lx_start(&x, NULL);
	for (int how = 0; how < 4; how++) {
		int fd = fx_unix(&x.f);
		AUTO(buf_t) in = {0};

		lx_open(&x, fd, &in);
		if (how == 1)
			server_lines_hold(x.lines, true);
		if (how == 2)
			fx_send(&x.f, fd, "never taken\n");
		if (how == 3) {
			AUTO(str_t) much = mem_alloc(600000);

			memset(much, 'x', 599999);
			assert_int_equal(server_lines_push(x.lines, much, 599999), 0);
			fx_spin(&x.f, 10);
		}
		close(fd);
		assert_true(FX_UNTIL(&x.f, x.gones == how + 1));
	}
	assert_true(FX_UNTIL(&x.f, server_connections(x.f.server) == 0));
	lx_stop(&x);
	assert_int_equal(x.f.gones, 4);
}

/* One that is gone before the 101 is there is told as well. */
static void test_leaves_at_once(void **state)
{
	struct lx x;

	(void)state;
	lx_start(&x, NULL);
	for (int i = 0; i < 20; i++) {
		int fd = fx_connect(&x.f, i % 2);

		assert_true(send(fd, UPGRADE, strlen(UPGRADE), 0) > 0);
		for (int turns = 0; turns < i / 2; turns++)
			fx_turn(&x.f);
		close(fd);
		assert_true(FX_UNTIL(&x.f, server_connections(x.f.server) == 0));
	}
	lx_stop(&x);
}

static void test_slow_reader(void **state)
{
	struct server_limits limits = {.max_stream = 100000, .idle_ms = 200};
	struct lx x;
	int small = 4096;

	(void)state;
	lx_start(&x, &limits);
	x.echo = true;

	AUTO(fd_t) fd = fx_unix(&x.f);
	AUTO(buf_t) in = {0}, text = {0};

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	lx_open(&x, fd, &in);
	for (int i = 0; i < MAX_LINE; i++)
		buf_char(&text, 'x');
	buf_char(&text, '\n');
	/* It sends and does not read: no more lines are taken, and nothing was refused. */
	for (int64_t end = clock_mono_ms() + 150; clock_mono_ms() < end;) {
		(void)send(fd, text.data, text.len, MSG_NOSIGNAL);
		fx_turn(&x.f);
	}
	assert_true(x.n_lines > 50 && x.n_lines < 1000);
	assert_false(x.refuse_push);
	assert_non_null(x.lines);
	/* More than may wait is refused, not queued. */
	AUTO(str_t) much = mem_alloc(100000);
	assert_int_equal(server_lines_push(x.lines, much, 100000), -1);
	assert_int_equal(server_lines_push(x.lines, much, 200000), -1);
	/* It reads again. */
	int before = x.n_lines;
	for (int64_t end = clock_mono_ms() + 400; clock_mono_ms() < end;) {
		fx_read(fd, &in);
		(void)send(fd, "y\n", 2, MSG_NOSIGNAL);
		fx_turn(&x.f);
	}
	assert_true(x.n_lines > before);
	assert_non_null(x.lines);
	/* And stops for good. */
	for (int64_t end = clock_mono_ms() + 100; clock_mono_ms() < end;) {
		(void)send(fd, text.data, text.len, MSG_NOSIGNAL);
		fx_turn(&x.f);
	}
	assert_true(FX_UNTIL(&x.f, x.gones == 1));
	lx_stop(&x);
}

static void test_hold(void **state)
{
	struct lx x;

	(void)state;
	lx_start(&x, NULL);

	AUTO(fd_t) fd = fx_unix(&x.f);
	AUTO(buf_t) in = {0};

	lx_open(&x, fd, &in);
	server_lines_hold(x.lines, true);
	fx_send(&x.f, fd, "one\ntwo\n");
	shutdown(fd, SHUT_WR);
	fx_spin(&x.f, 50);
	assert_int_equal(x.n_lines, 0);
	assert_int_equal(x.gones, 0);
	server_lines_hold(x.lines, false);
	assert_true(FX_UNTIL(&x.f, x.gones == 1));
	assert_string_equal(x.told.data, "one|two|");
	lx_stop(&x);
}

/* An idle one outlives the limits of requests. */
static void test_idle(void **state)
{
	struct server_limits limits = {.header_ms = 50, .body_ms = 50, .idle_ms = 50};
	struct lx x;

	(void)state;
	lx_start(&x, &limits);
	x.echo = true;

	AUTO(fd_t) fd = fx_unix(&x.f);
	AUTO(buf_t) in = {0};

	lx_open(&x, fd, &in);
	fx_spin(&x.f, 300);
	fx_send(&x.f, fd, "still\n");
	assert_true(fx_expect(&x.f, fd, &in, "re:still\n"));
	lx_stop(&x);
}

static void test_cut(void **state)
{
	struct lx x;

	(void)state;
	lx_start(&x, NULL);

	AUTO(fd_t) fd = fx_unix(&x.f);
	AUTO(fd_t) plain = fx_unix(&x.f);
	AUTO(buf_t) in = {0};

	lx_open(&x, fd, &in);
	server_lines_push(x.lines, "secret\n", 7);
	server_req_cut(server_lines_req(x.lines));
	assert_true(fx_expect_end(&x.f, fd, &in));
	assert_null(strstr(in.data, "secret"));
	assert_true(FX_UNTIL(&x.f, x.gones == 1));

	fx_send(&x.f, plain, FX_GET("/later"));
	assert_true(FX_UNTIL(&x.f, x.f.waiting));
	server_req_cut(x.f.waiting);
	assert_true(fx_expect_end(&x.f, plain, &in));
	assert_true(FX_UNTIL(&x.f, x.f.gones == 2));
	lx_stop(&x);
}

static void test_not_upgraded(void **state)
{
	struct lx x;

	(void)state;
	lx_start(&x, NULL);

	AUTO(fd_t) fd = fx_unix(&x.f);
	AUTO(fd_t) late = fx_unix(&x.f);
	AUTO(buf_t) in = {0};

	fx_send(&x.f, fd, "GET /lines HTTP/1.0\r\nHost: x\r\n\r\n");
	assert_true(fx_expect(&x.f, fd, &in, " 426 "));
	fx_send(&x.f, late, "POST /lines HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n");
	fx_spin(&x.f, 20);
	server_stop_accepting(x.f.server);
	fx_send(&x.f, late, "x");
	buf_reset(&in);
	assert_true(fx_expect(&x.f, late, &in, " 426 "));
	lx_stop(&x);
	assert_int_equal(x.began, 0);
}

/* The server's end closes what is open, in every state. */
static void test_server_ends(void **state)
{
	struct lx x;

	(void)state;
	lx_start(&x, NULL);

	AUTO(fd_t) open = fx_unix(&x.f);
	AUTO(fd_t) begun = fx_tcp(&x.f);
	AUTO(fd_t) ended = fx_unix(&x.f);
	AUTO(buf_t) in = {0};

	lx_open(&x, open, &in);
	fx_send(&x.f, open, "half a li");
	x.lines = NULL;
	buf_reset(&in);
	lx_open(&x, ended, &in);
	server_lines_end(x.lines);
	x.lines = NULL;
	assert_true(send(begun, UPGRADE, strlen(UPGRADE), 0) > 0);
	for (int i = 0; i < 1000 && x.began < 3; i++)
		fx_turn(&x.f);
	x.lines = NULL;
	lx_stop(&x);
	assert_int_equal(x.began, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ways),
		cmocka_unit_test(test_same_packet),
		cmocka_unit_test(test_byte_by_byte),
		cmocka_unit_test(test_ten_thousand),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_half_close),
		cmocka_unit_test(test_end_in_the_packet),
		cmocka_unit_test(test_peer_leaves),
		cmocka_unit_test(test_leaves_at_once),
		cmocka_unit_test(test_slow_reader),
		cmocka_unit_test(test_hold),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_not_upgraded),
		cmocka_unit_test(test_server_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
