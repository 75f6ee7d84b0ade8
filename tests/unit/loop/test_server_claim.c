/* What whoever stands before the handler needs: whose connections these are, and doors that close
 * and open again while others go on. */
#include "server_fixture.h"

/* A door that is left: its idle connections end, a request under way is answered and is the last,
 * the other door goes on, and it can be opened again. */
static void test_unlisten(void **state)
{
	struct fx f;
	struct err e;
	int fd = -1;

	(void)state;
	fx_start(&f, NULL);

	AUTO(fd_t) idle = fx_tcp(&f);
	AUTO(fd_t) busy = fx_tcp(&f);
	AUTO(fd_t) other = fx_unix(&f);
	AUTO(buf_t) in = {0};

	fx_send(&f, idle, FX_GET("/a"));
	assert_true(fx_expect(&f, idle, &in, "GET /a"));
	fx_send(&f, busy, FX_GET("/later"));
	assert_true(FX_UNTIL(&f, f.waiting));
	server_unlisten(f.server, 2);
	assert_true(fx_expect_end(&f, idle, &in));
	fx_spin(&f, 20);
	assert_non_null(f.waiting);
	server_reply(f.waiting, 200, "text/plain", "late", 4, NULL);
	buf_reset(&in);
	assert_true(fx_expect_end(&f, busy, &in));
	assert_non_null(strstr(buf_text(&in), "Connection: close\r\n"));
	assert_true(str_ends(in.data, "late"));
	buf_reset(&in);
	fx_send(&f, other, FX_GET("/b"));
	assert_true(fx_expect(&f, other, &in, "GET /b"));
	AUTO(str_t) address = str_format("127.0.0.1:%d", f.port);
	assert_int_equal(server_socket_tcp(address, &fd, &e), 0);
	assert_int_equal(server_listen(f.server, fd, 2, &e), 0);
	AUTO(fd_t) again = fx_tcp(&f);
	buf_reset(&in);
	fx_send(&f, again, FX_GET("/c"));
	assert_true(fx_expect(&f, again, &in, "GET /c"));
	fx_stop(&f);
}

static void test_claim(void **state)
{
	struct fx f;
	int fds[4];

	(void)state;
	fx_start(&f, NULL);
	for (int i = 0; i < 4; i++) {
		AUTO(buf_t) in = {0};

		fds[i] = fx_connect(&f, i % 2);
		for (int twice = 0; twice < 2; twice++) {
			f.waiting = NULL;
			fx_send(&f, fds[i], FX_GET("/later"));
			assert_true(FX_UNTIL(&f, f.waiting));
			assert_int_equal(server_req_claim(f.waiting, i == 3 ? 9 : 7),
					 i == 3 ? 1 : i + 1);
			assert_null(server_req_guard(f.waiting));
			server_req_set_guard(f.waiting, &f);
			assert_null(server_req_context(f.waiting));
			assert_true(server_req_guard(f.waiting) == &f);
			assert_false(server_req_streams(f.waiting));
			server_reply(f.waiting, 200, "text/plain", "x", 1, NULL);
			assert_true(FX_UNTIL(&f, !f.waiting));
		}
	}
	close(fds[0]);
	assert_true(FX_UNTIL(&f, server_connections(f.server) == 3));
	fx_send(&f, fds[1], FX_GET("/later"));
	assert_true(FX_UNTIL(&f, f.waiting));
	assert_int_equal(server_req_claim(f.waiting, 7), 2);
	for (int i = 1; i < 4; i++)
		close(fds[i]);
	fx_stop(&f);
}

/* Over TCP the peer's socket is known at accept: it is one of ours here. */
struct seen {
	struct fx *f;
	uint64_t socket;
};

static bool accepted_noted(const struct peer *peer, int door, int peer_port, void *owner)
{
	struct seen *s = owner;

	(void)door;
	(void)peer_port;
	s->socket = peer->socket;
	return false;
}

static void test_peer_socket(void **state)
{
	static const char *const addresses[] = {"127.0.0.1:0", "[::1]:0"};
	struct fx f;

	(void)state;
	fx_start(&f, NULL);
	for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
		struct seen s = {.f = &f, .socket = 0};
		struct server_handler h = {.accepted = accepted_noted, .owner = &s};
		struct server *server = server_new(f.loop, NULL, &h);
		struct sockaddr_in6 a = {.sin6_family = AF_INET6};
		socklen_t len = sizeof(a);
		struct err e;
		int fd = -1;

		if (server_socket_tcp(addresses[i], &fd, &e) < 0) {
			server_free(server); /* no IPv6 here */
			continue;
		}
		assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
		assert_int_equal(server_listen(server, fd, 1, &e), 0);

		AUTO(fd_t) peer = socket(a.sin6_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		AUTO(fd_t) other = socket(a.sin6_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

		assert_int_equal(connect(peer, (struct sockaddr *)&a, len), 0);
		assert_true(FX_UNTIL(&f, s.socket));
		assert_true(process_holds_socket(getpid(), s.socket));
		assert_false(process_holds_socket(getpid(), s.socket + 1000000));
		assert_false(process_holds_socket(getpid(), 0));
		assert_false(process_holds_socket(1 << 30, s.socket));
		close(peer);
		peer = -1;
		assert_false(process_holds_socket(getpid(), s.socket));
		server_free(server);
	}
	fx_stop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unlisten),
		cmocka_unit_test(test_claim),
		cmocka_unit_test(test_peer_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
