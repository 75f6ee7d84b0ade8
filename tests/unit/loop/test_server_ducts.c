/* Lines by descriptors that the peer handed over: what it is told, and every way in which they end.
 */
#include <signal.h>

#include "server_fixture.h"

#include "descriptors.h"
#include "loop/duct.h"

#define UPGRADE                                                                                    \
	"GET /lines HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: test-ducts\r\n\r\n"
#define MAX_LINE 1000

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

struct dx {
	struct fx f;
	struct server_lines *lines; /* the last one; NULL after gone */
	struct buf told;            /* every line, each with | behind it */
	int n_lines, ended, gones;
	bool greet, keeps_end;
};

/* The client of one session. */
struct client {
	int conn;
	int in, out; /* its ends */
	int give[2]; /* what it hands over */
	struct buf said, got;
};

static void dx_line(struct server_lines *l, const char *text, size_t len, void *owner)
{
	struct dx *x = owner;
	AUTO(buf_t) out = {0};

	x->n_lines++;
	if (x->told.len < 65536) {
		buf_add(&x->told, text, len);
		buf_char(&x->told, '|');
	}
	buf_printf(&out, "re:%s\n", text);
	assert_int_equal(server_lines_push(l, out.data, out.len), 0);
}

static void dx_ended(struct server_lines *l, void *owner)
{
	struct dx *x = owner;

	x->ended++;
	if (!x->keeps_end)
		server_lines_end(l);
}

static void dx_gone(struct server_lines *l, void *owner)
{
	struct dx *x = owner;

	(void)l;
	x->gones++;
	x->lines = NULL;
}

static void dx_request(struct server_req *r, void *owner)
{
	struct dx *x = owner;
	const struct server_lines_handler h = {
		.line = dx_line, .input_ended = dx_ended, .gone = dx_gone, .owner = x};

	x->lines = server_upgrade_ducts(r, "test-ducts", MAX_LINE, &h);
	assert_non_null(x->lines);
	if (x->greet)
		assert_int_equal(server_lines_push(x->lines, "hello\n", 6), 0);
}

static void dx_start(struct dx *x, const struct server_limits *limits)
{
	memset(x, 0, sizeof(*x));
	fx_start(&x->f, limits);
	x->f.lines = dx_request;
	x->f.lines_owner = x;
}

static void dx_stop(struct dx *x)
{
	fx_stop(&x->f);
	buf_free(&x->told);
}

/* ---- a client ---- */

static void ends_make(struct client *k, bool sockets)
{
	int in[2], out[2];

	if (sockets) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in), 0);
		k->in = in[1];
		k->out = dup(in[1]);
		k->give[0] = in[0];
		k->give[1] = dup(in[0]);
	} else {
		assert_int_equal(pipe2(in, O_CLOEXEC | O_NONBLOCK), 0);
		assert_int_equal(pipe2(out, O_CLOEXEC | O_NONBLOCK), 0);
		k->in = in[1];
		k->out = out[0];
		k->give[0] = in[0];
		k->give[1] = out[1];
	}
	fcntl(k->in, F_SETFL, O_NONBLOCK);
	fcntl(k->out, F_SETFL, O_NONBLOCK);
}

static void give_close(struct client *k)
{
	fd_t_cleanup(&k->give[0]);
	fd_t_cleanup(&k->give[1]);
}

static void client_upgrade(struct dx *x, struct client *k)
{
	*k = (struct client){.conn = fx_unix(&x->f), .in = -1, .out = -1, .give = {-1, -1}};
	assert_true(fx_send(&x->f, k->conn, UPGRADE));
	assert_true(fx_expect(&x->f, k->conn, &k->said, "\r\n\r\n"));
	assert_true(str_starts(buf_text(&k->said), "HTTP/1.1 101 "));
	buf_reset(&k->said);
	assert_non_null(x->lines);
}

/* The two are closed here once they are handed over, unless they are kept. */
static void client_open(struct dx *x, struct client *k, bool sockets)
{
	client_upgrade(x, k);
	ends_make(k, sockets);
	assert_int_equal(ducts_hand(k->conn, k->give[0], k->give[1]), 0);
	assert_true(FX_UNTIL(&x->f, (fx_read(k->conn, &k->said), k->said.len > 0)));
	assert_string_equal(buf_text(&k->said), "t");
	buf_reset(&k->said);
}

static void client_close(struct client *k)
{
	give_close(k);
	fd_t_cleanup(&k->conn);
	fd_t_cleanup(&k->in);
	fd_t_cleanup(&k->out);
	buf_free(&k->said);
	buf_free(&k->got);
}

static void client_write(const struct client *k, const char *text)
{
	assert_int_equal(write(k->in, text, strlen(text)), strlen(text));
}

static bool out_holds(struct client *k, const char *text)
{
	char room[4096];
	ssize_t n;

	while ((n = read(k->out, room, sizeof(room))) > 0)
		buf_add(&k->got, room, (size_t)n);
	return str_ends(buf_text(&k->got), text);
}

static bool conn_says(struct client *k, const char *text)
{
	fx_read(k->conn, &k->said);
	return str_ends(buf_text(&k->said), text);
}

/* ---- tests ---- */

static void test_both_ways(void **state)
{
	struct dx x;

	(void)state;
	dx_start(&x, NULL);
	x.greet = true;
	for (int sockets = 0; sockets < 2; sockets++) {
		int before = open_count();
		struct client k;

		client_open(&x, &k, sockets);
		give_close(&k);
		assert_true(FX_UNTIL(&x.f, out_holds(&k, "hello\n")));
		client_write(&k, "one\ntwo\r\n\n\r\nthr");
		assert_true(FX_UNTIL(&x.f, out_holds(&k, "hello\nre:one\nre:two\n")));
		client_write(&k, "ee\n");
		assert_true(FX_UNTIL(&x.f, out_holds(&k, "re:three\n")));
		/* What comes by the connection is nobody's. */
		assert_true(fx_send(&x.f, k.conn, "no line\n"));
		fx_spin(&x.f, 20);
		assert_string_equal(x.told.data, "one|two|three|");
		server_lines_push(x.lines, "bye\n", 4);
		server_lines_end(x.lines);
		assert_true(FX_UNTIL(&x.f, out_holds(&k, "re:three\nbye\n")));
		assert_true(fx_expect_end(&x.f, k.conn, &k.said));
		assert_int_equal(k.said.len, 0);
		assert_true(FX_UNTIL(&x.f, x.gones == sockets + 1));
		client_close(&k);
		assert_true(FX_UNTIL(&x.f, open_count() == before));
		buf_reset(&x.told);
	}
	dx_stop(&x);
}

/* Refused: the connection carries the lines, and what was said before waits for that word. */
static void test_refused(void **state)
{
	struct dx x;

	(void)state;
	dx_start(&x, NULL);
	x.greet = true;
	for (int how = 0; how < 3; how++) {
		struct client k;
		int wrong[2] = {open("/dev/null", O_RDWR | O_CLOEXEC), -1};

		client_upgrade(&x, &k);
		fx_spin(&x.f, 20);
		assert_false(conn_says(&k, "\n"));
		ends_make(&k, false);
		if (how == 0)
			assert_true(fx_send(&x.f, k.conn, "\n"));
		else if (how == 1)
			assert_int_equal(ducts_hand(k.conn, k.give[0], wrong[0]), 0);
		else
			assert_int_equal(ducts_hand(k.conn, k.give[1], k.give[0]), 0);
		assert_true(FX_UNTIL(&x.f, conn_says(&k, "rhello\n")));
		assert_true(fx_send(&x.f, k.conn, "one\n"));
		assert_true(FX_UNTIL(&x.f, conn_says(&k, "rhello\nre:one\n")));
		client_write(&k, "unseen\n");
		/* No second time. */
		assert_int_equal(ducts_hand(k.conn, k.give[0], k.give[1]), 0);
		assert_true(fx_send(&x.f, k.conn, "two\n"));
		assert_true(FX_UNTIL(&x.f, conn_says(&k, "re:one\nre:two\n")));
		client_close(&k);
		close(wrong[0]);
		assert_true(FX_UNTIL(&x.f, x.gones == how + 1));
	}
	assert_string_equal(x.told.data, "one|two|one|two|one|two|");
	dx_stop(&x);
}

/* A TCP socket that is full and lingers: whoever closes it last waits for that long. *peer is the
 * other end. */
static int lingering(int *peer, int seconds)
{
	struct linger linger = {.l_onoff = 1, .l_linger = seconds};
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int door = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	static const char much[65536];

	assert_int_equal(bind(door, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(door, 1), 0);
	assert_int_equal(getsockname(door, (struct sockaddr *)&a, &len), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_true((*peer = accept4(door, NULL, NULL, SOCK_CLOEXEC)) >= 0);
	close(door);
	while (send(fd, much, sizeof(much), MSG_DONTWAIT) > 0)
		;
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
	return fd;
}

static bool kernel_can_refuse(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), value;
	socklen_t len = sizeof(value);
	bool can = getsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &value, &len) == 0;

	close(fd);
	return can;
}

/* Who was not let in, or was already served, cannot make the loop close what takes long. */
static void test_unasked(void **state)
{
	int peer;
	struct dx x;

	(void)state;
	if (!kernel_can_refuse())
		skip();
	dx_start(&x, NULL);
	for (int how = 0; how < 3; how++) {
		struct client k = {.conn = -1, .in = -1, .out = -1, .give = {-1, -1}};
		int fd = lingering(&peer, 3);

		if (how == 0)
			k.conn = fx_unix(&x.f);
		else if (how == 1)
			client_open(&x, &k, true);
		else
			client_upgrade(&x, &k);
		if (how == 2) {
			assert_true(fx_send(&x.f, k.conn, "\n"));
			assert_true(FX_UNTIL(&x.f, conn_says(&k, "r")));
		}
		assert_int_equal(ducts_hand(k.conn, fd, fd), 0);
		close(fd);

		int64_t began = clock_mono_ms();

		fx_spin(&x.f, 20);
		client_close(&k);
		fx_spin(&x.f, 20);
		assert_true(clock_mono_ms() - began < 2000);
		close(peer);
	}
	dx_stop(&x);
}

/* Whoever does not wait for the 101 has lost them. */
static void test_same_packet(void **state)
{
	struct dx x;
	AUTO(buf_t) in = {0};

	(void)state;
	dx_start(&x, NULL);

	AUTO(fd_t) fd = fx_unix(&x.f);

	assert_true(send(fd, UPGRADE "\none\n", strlen(UPGRADE "\none\n"), 0) > 0);
	assert_true(fx_expect(&x.f, fd, &in, "\r\n\r\nrre:one\n"));
	dx_stop(&x);
}

static void test_input_ends(void **state)
{
	struct dx x;

	(void)state;
	dx_start(&x, NULL);
	for (int how = 0; how < 4; how++) {
		struct client k;
		bool sockets = how & 1;

		x.keeps_end = how & 2;
		client_open(&x, &k, sockets);
		give_close(&k);
		client_write(&k, "one\ntwo");
		if (sockets)
			shutdown(k.in, SHUT_WR);
		fd_t_cleanup(&k.in);
		assert_true(FX_UNTIL(&x.f, conn_says(&k, "e")));
		assert_true(FX_UNTIL(&x.f, out_holds(&k, "re:one\nre:two\n")));
		if (x.keeps_end) {
			fx_spin(&x.f, 30);
			assert_int_equal(x.gones, how);
			server_lines_push(x.lines, "late\n", 5);
			server_lines_end(x.lines);
			assert_true(FX_UNTIL(&x.f, out_holds(&k, "re:two\nlate\n")));
		}
		assert_true(fx_expect_end(&x.f, k.conn, &k.said));
		assert_string_equal(buf_text(&k.said), "e");
		assert_true(FX_UNTIL(&x.f, x.gones == how + 1));
		assert_int_equal(x.ended, how + 1);
		client_close(&k);
	}
	dx_stop(&x);
}

static void test_output_goes(void **state)
{
	struct dx x;

	(void)state;
	dx_start(&x, NULL);
	for (int sockets = 0; sockets < 2; sockets++) {
		struct client k;

		client_open(&x, &k, sockets);
		give_close(&k);
		client_write(&k, "one\n");
		assert_true(FX_UNTIL(&x.f, out_holds(&k, "re:one\n")));
		if (!sockets)
			client_write(&k, "two\n");
		fd_t_cleanup(&k.out);
		if (sockets)
			fd_t_cleanup(&k.in);
		server_lines_push(x.lines, "three\n", 6);
		assert_true(fx_expect_end(&x.f, k.conn, &k.said));
		assert_true(str_ends(buf_text(&k.said), "g"));
		assert_true(FX_UNTIL(&x.f, x.gones == sockets + 1));
		client_close(&k);
	}
	dx_stop(&x);
}

/* In each state; all that was handed over is closed. */
static void test_peer_leaves(void **state)
{
	struct dx x;

	(void)state;
	dx_start(&x, NULL);
	for (int how = 0; how < 10; how++) {
		int before = open_count();
		struct client k;

		if (how < 8)
			client_open(&x, &k, how & 1);
		else
			client_upgrade(&x, &k);
		if (how / 2 == 1)
			server_lines_hold(x.lines, true);
		if (how / 2 == 2)
			client_write(&k, "never answered in ti");
		if (how / 2 == 3) {
			AUTO(str_t) much = mem_alloc(600000);

			memset(much, 'x', 599999);
			assert_int_equal(server_lines_push(x.lines, much, 599999), 0);
			fx_spin(&x.f, 10);
		}
		if (how == 9)
			shutdown(k.conn, SHUT_WR);
		else
			fd_t_cleanup(&k.conn);
		assert_true(FX_UNTIL(&x.f, x.gones == how + 1));
		client_close(&k);
		assert_true(FX_UNTIL(&x.f, open_count() == before));
	}
	dx_stop(&x);
}

/* It does not read: nothing more is taken from it, and at last it is cut. */
static void test_slow_reader(void **state)
{
	struct server_limits limits = {.max_stream = 100000, .idle_ms = 200};
	struct dx x;

	(void)state;
	dx_start(&x, &limits);
	for (int sockets = 0; sockets < 2; sockets++) {
		struct client k;
		char text[MAX_LINE];
		int before = x.n_lines, stopped;

		memset(text, 'x', sizeof(text));
		text[MAX_LINE - 1] = '\n';
		client_open(&x, &k, sockets);
		for (int64_t end = clock_mono_ms() + 150; clock_mono_ms() < end;) {
			(void)!write(k.in, text, sizeof(text));
			fx_turn(&x.f);
		}
		stopped = x.n_lines - before;
		assert_true(stopped > 50 && stopped < 2000);
		assert_non_null(x.lines);
		/* It reads again, and gets each line as it was. */
		for (int64_t end = clock_mono_ms() + 400; clock_mono_ms() < end;) {
			out_holds(&k, "");
			fx_turn(&x.f);
		}
		assert_non_null(x.lines);
		assert_true(x.n_lines - before > stopped);
		assert_int_equal(k.got.len, (x.n_lines - before) * (MAX_LINE + 3));
		for (size_t i = 0; i < k.got.len; i += MAX_LINE + 3) {
			assert_memory_equal(k.got.data + i, "re:x", 4);
			assert_int_equal(k.got.data[i + MAX_LINE + 2], '\n');
		}
		/* And stops for good. */
		for (int64_t end = clock_mono_ms() + 100; clock_mono_ms() < end;) {
			(void)!write(k.in, text, sizeof(text));
			fx_turn(&x.f);
		}
		assert_true(FX_UNTIL(&x.f, x.gones == sockets + 1));
		assert_true(fx_expect_end(&x.f, k.conn, &k.said));
		client_close(&k);
	}
	dx_stop(&x);
}

/* Its descriptions are made to wait after they were taken: ours is not the process that waits. */
static void test_flags_change(void **state)
{
	struct dx x;

	(void)state;
	dx_start(&x, NULL);
	alarm(20);
	for (int sockets = 0; sockets < 2; sockets++) {
		struct client k;
		AUTO(str_t) much = mem_alloc(900000);

		client_open(&x, &k, sockets);
		fcntl(k.give[0], F_SETFL, 0);
		fcntl(k.give[1], F_SETFL, 0);
		client_write(&k, "one\n");
		assert_true(FX_UNTIL(&x.f, out_holds(&k, "re:one\n")));
		memset(much, 'x', 899999);
		assert_int_equal(server_lines_push(x.lines, much, 899999), 0);
		fx_spin(&x.f, 50);
		server_lines_push(x.lines, "end\n", 4);
		assert_true(FX_UNTIL(&x.f, out_holds(&k, "xend\n")));
		assert_int_equal(k.got.len, 899999 + strlen("re:one\nend\n"));
		client_close(&k);
		assert_true(FX_UNTIL(&x.f, x.gones == sockets + 1));
	}
	alarm(0);
	dx_stop(&x);
}

/* The description outlives the session and has something to say: the loop does not spin for it. */
static void test_left_behind(void **state)
{
	struct dx x;
	struct client k, next;
	int turns = 0;

	(void)state;
	dx_start(&x, NULL);
	client_open(&x, &k, true);
	client_write(&k, "one\n");
	assert_true(FX_UNTIL(&x.f, out_holds(&k, "re:one\n")));
	fd_t_cleanup(&k.conn);
	assert_true(FX_UNTIL(&x.f, x.gones == 1));
	client_write(&k, "two\n");
	/* Descriptors of the same numbers. */
	client_open(&x, &next, true);
	client_write(&next, "three\n");
	assert_true(FX_UNTIL(&x.f, out_holds(&next, "re:three\n")));
	for (int64_t end = clock_mono_ms() + 200; clock_mono_ms() < end; turns++)
		fx_turn(&x.f);
	assert_true(turns < 300);
	assert_string_equal(x.told.data, "one|three|");
	client_write(&next, "four\n");
	assert_true(FX_UNTIL(&x.f, out_holds(&next, "re:four\n")));
	client_close(&k);
	client_close(&next);
	dx_stop(&x);
}

/* It is held, and what it was told by then is enough. */
static void test_hold_and_cut(void **state)
{
	struct dx x;
	struct client k;

	(void)state;
	dx_start(&x, NULL);
	client_open(&x, &k, false);
	server_lines_hold(x.lines, true);
	client_write(&k, "one\n");
	fx_spin(&x.f, 50);
	assert_int_equal(x.n_lines, 0);
	server_lines_hold(x.lines, false);
	assert_true(FX_UNTIL(&x.f, out_holds(&k, "re:one\n")));
	server_lines_push(x.lines, "secret\n", 7);
	server_req_cut(server_lines_req(x.lines));
	assert_true(fx_expect_end(&x.f, k.conn, &k.said));
	assert_true(FX_UNTIL(&x.f, x.gones == 1));
	assert_true(out_holds(&k, "re:one\n"));
	client_close(&k);
	dx_stop(&x);
}

static void test_server_ends(void **state)
{
	struct dx x;
	struct client due, open, ended;
	int before = open_count();

	(void)state;
	dx_start(&x, NULL);
	client_upgrade(&x, &due);
	client_open(&x, &open, false);
	client_write(&open, "half a li");
	client_open(&x, &ended, true);
	server_lines_end(x.lines);
	dx_stop(&x);
	assert_int_equal(x.gones, 3);
	client_close(&due);
	client_close(&open);
	client_close(&ended);
	assert_int_equal(open_count(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ways),    cmocka_unit_test(test_refused),
		cmocka_unit_test(test_unasked),      cmocka_unit_test(test_same_packet),
		cmocka_unit_test(test_input_ends),   cmocka_unit_test(test_output_goes),
		cmocka_unit_test(test_peer_leaves),  cmocka_unit_test(test_slow_reader),
		cmocka_unit_test(test_flags_change), cmocka_unit_test(test_left_behind),
		cmocka_unit_test(test_hold_and_cut), cmocka_unit_test(test_server_ends),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
