/*
 * A server and raw sockets on one loop. The handler answers by path; what it saw is counted, so
 * that every test ends by checking that each request it knew of was told gone exactly once.
 */
#ifndef TESTS_SERVER_FIXTURE_H
#define TESTS_SERVER_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "loop/server.h"

#define FX          __attribute__((unused)) static
#define FX_REQS     128
#define FX_DEADLINE 8000

struct fx {
	struct loop *loop;
	struct server *server;
	struct timer tick; /* keeps a turn short */
	char folder[64], path[96];
	int port;
	int heads, requests, gones, drains;
	struct server_req *open[FX_REQS]; /* requests that were not told gone */
	struct server_req *waiting;       /* the last of /later or /stream */
	char last_body[4096];
	size_t last_body_len;
	bool refuse_all;
	/* What /lines is for, where the test sets it. */
	void (*lines)(struct server_req *r, void *owner);
	void *lines_owner;
};

FX void fx_tick(struct timer *t, void *owner)
{
	(void)owner;
	timer_start(t, 2);
}

FX void fx_note(struct fx *f, struct server_req *r)
{
	for (size_t i = 0; i < FX_REQS; i++) {
		if (f->open[i] == r)
			return;
		if (!f->open[i]) {
			f->open[i] = r;
			return;
		}
	}
	fail_msg("too many open requests");
}

FX int fx_head(struct server_req *r, void *owner)
{
	struct fx *f = owner;

	f->heads++;
	fx_note(f, r);
	if (!str_starts(server_req_path(r), "/refuse"))
		return 0;
	server_reply(r, 401, "text/plain", "who are you", 11,
		     (const char *const[]){"WWW-Authenticate: Bearer", NULL});
	return 1;
}

FX void fx_drained(struct server_req *r, void *owner)
{
	struct fx *f = owner;

	assert_true(server_req_context(r) == f);
	f->drains++;
}

FX void fx_describe(struct server_req *r, struct buf *out)
{
	const char *name, *value;

	buf_printf(out, "%s %s", server_req_method(r), server_req_path(r));
	for (size_t i = 0; server_req_query(r, i, &name, &value); i++)
		buf_printf(out, " [%s=%s]", name, value);
	buf_printf(out, " door=%d local=%s", server_req_door(r), server_req_local(r));
}

FX void fx_describe_peer(struct server_req *r, struct buf *out)
{
	const struct peer *p = server_req_peer(r);

	buf_printf(out, "valid=%d pid=%d uid=%u gid=%u groups=%zu port=%d", p->valid, p->pid,
		   (unsigned)p->uid, (unsigned)p->gid, p->n_groups, server_req_peer_port(r) != 0);
}

FX void fx_request(struct server_req *r, void *owner)
{
	struct fx *f = owner;
	const char *path = server_req_path(r);
	const struct buf *body = server_req_body(r);
	AUTO(buf_t) out = {0};

	f->requests++;
	fx_note(f, r);
	f->last_body_len = body->len;
	memcpy(f->last_body, buf_text(body),
	       body->len < sizeof(f->last_body) ? body->len : sizeof(f->last_body));
	if (f->lines && str_equal(path, "/lines")) {
		f->lines(r, f->lines_owner);
		return;
	}
	if (str_starts(path, "/later")) {
		f->waiting = r;
		return;
	}
	if (str_starts(path, "/stream")) {
		f->waiting = r;
		server_req_set_context(r, f);
		server_stream_begin(r, 200, "text/event-stream", NULL, fx_drained, f);
		return;
	}
	if (str_equal(path, "/peer"))
		fx_describe_peer(r, &out);
	else if (str_equal(path, "/big"))
		for (int i = 0; i < 300000; i++)
			buf_str(&out, "0123456789");
	else if (str_equal(path, "/header"))
		buf_str(&out,
			server_req_header(r, "x-test") ? server_req_header(r, "X-Test") : "(none)");
	else if (body->len)
		buf_add(&out, body->data, body->len);
	else
		fx_describe(r, &out);
	server_reply(r, 200, "text/plain", out.data, out.len,
		     (const char *const[]){"X-One: 1", NULL});
}

FX void fx_gone(struct server_req *r, void *owner)
{
	struct fx *f = owner;

	f->gones++;
	assert_int_equal(strlen(server_req_id(r)), 12);
	assert_non_null(server_req_path(r));
	if (f->waiting == r)
		f->waiting = NULL;
	for (size_t i = 0; i < FX_REQS; i++) {
		if (f->open[i] == r) {
			f->open[i] = NULL;
			return;
		}
	}
	fail_msg("gone for a request that was not open");
}

FX const char *fx_refusal(int status, const char *what, struct buf *body, void *owner)
{
	(void)owner;
	buf_printf(body, "{\"status\":%d,\"what\":\"%s\"}", status, what);
	return "application/json";
}

FX bool fx_accepted(const struct peer *peer, int door, int peer_port, void *owner)
{
	const struct fx *f = owner;

	assert_true(door == 1 ? peer->valid && !peer_port : !peer->valid && peer_port);
	return !f->refuse_all;
}

FX void fx_start(struct fx *f, const struct server_limits *limits)
{
	struct server_handler h = {fx_head, fx_request, fx_gone, fx_refusal, f, fx_accepted};
	struct sockaddr_in a;
	socklen_t len = sizeof(a);
	struct err e;
	int fd = -1;

	memset(f, 0, sizeof(*f));
	strcpy(f->folder, "/tmp/adit-server-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->path, sizeof(f->path), "%s/sock", f->folder);
	f->loop = loop_new();
	timer_init(&f->tick, f->loop, fx_tick, f);
	timer_start(&f->tick, 2);
	f->server = server_new(f->loop, limits, &h);
	assert_int_equal(server_socket_unix(f->path, 0600, (gid_t)-1, &fd, &e), 0);
	assert_int_equal(server_listen(f->server, fd, 1, &e), 0);
	assert_int_equal(server_socket_tcp("127.0.0.1:0", &fd, &e), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	f->port = ntohs(a.sin_port);
	assert_int_equal(server_listen(f->server, fd, 2, &e), 0);
}

FX void fx_turn(struct fx *f)
{
	loop_turn(f->loop);
}

FX void fx_spin(struct fx *f, int64_t ms)
{
	int64_t end = clock_mono_ms() + ms;

	while (clock_mono_ms() < end)
		fx_turn(f);
}

/* Turn the loop until the condition holds; false = it never did. */
#define FX_UNTIL(f, condition)                                                                     \
	__extension__({                                                                            \
		int64_t end_ = clock_mono_ms() + FX_DEADLINE;                                      \
		while (!(condition) && clock_mono_ms() < end_)                                     \
			fx_turn(f);                                                                \
		(condition);                                                                       \
	})

/* Ends the test: all that was open is told gone, at the latest by the server's end. */
FX void fx_stop(struct fx *f)
{
	server_free(f->server);
	for (size_t i = 0; i < FX_REQS; i++)
		assert_null(f->open[i]);
	timer_stop(&f->tick);
	loop_free(f->loop);
	unlink(f->path);
	rmdir(f->folder);
}

/* ---- raw clients ---- */

FX int fx_unix(struct fx *f)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(a.sun_path, f->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

FX int fx_tcp(struct fx *f)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)f->port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

/* door 0 = Unix, 1 = TCP: many tests run on both. */
FX int fx_connect(struct fx *f, int door)
{
	return door ? fx_tcp(f) : fx_unix(f);
}

/* Sends all, turning the loop while the socket is full; false = the server closed. */
FX bool fx_send_n(struct fx *f, int fd, const char *data, size_t len)
{
	int64_t end = clock_mono_ms() + FX_DEADLINE;

	while (len && clock_mono_ms() < end) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			return false;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
		fx_turn(f);
	}
	return !len;
}

FX bool fx_send(struct fx *f, int fd, const char *text)
{
	return fx_send_n(f, fd, text, strlen(text));
}

/* Read what is there; 1 = open, 0 = ended, -1 = reset. */
FX int fx_read(int fd, struct buf *in)
{
	char room[65536];

	for (;;) {
		ssize_t n = recv(fd, room, sizeof(room), 0);

		if (n > 0)
			buf_add(in, room, (size_t)n);
		else
			return !n ? 0 : errno == EAGAIN ? 1 : -1;
	}
}

FX int fx_count(const struct buf *in, const char *what)
{
	int n = 0;

	for (const char *p = buf_text(in); (p = strstr(p, what)); p++)
		n++;
	return n;
}

/* Read until the text was seen n times. */
FX bool fx_expect_n(struct fx *f, int fd, struct buf *in, const char *what, int n)
{
	return FX_UNTIL(f, (fx_read(fd, in), fx_count(in, what) >= n));
}

FX bool fx_expect(struct fx *f, int fd, struct buf *in, const char *what)
{
	return fx_expect_n(f, fd, in, what, 1);
}

/* Read until the server has closed. */
FX bool fx_expect_end(struct fx *f, int fd, struct buf *in)
{
	return FX_UNTIL(f, fx_read(fd, in) <= 0);
}

#define FX_GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

#endif
