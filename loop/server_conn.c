/*
 * Connections: accept and its limits, deadlines, our own refusals, and the notice of a peer that
 * left. The library neither sees a peer leave while a request waits nor counts anything but
 * inactivity, so a private epoll set watches every connection's descriptor beside the library's.
 *
 * What counts as gone: closed in both directions always (a Unix peer that closed, a TCP reset).
 * The end of the peer's sending alone ends a stream, for TCP cannot tell it from a close and MCP
 * cancels that way; a plain request goes on, as the client may be one that shuts its sending side
 * after the request and reads the answer.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "loop/server_private.h"

#define ACCEPTS_PER_TURN 16
#define WATCH_EVENTS     64
#define COMPLAIN_MS      60000

void conn_enter(struct conn *c, enum conn_phase phase)
{
	c->phase = phase;
	c->since_ms = clock_mono_ms();
}

/* ---- accept ---- */

static bool listener_full(const struct listener *l)
{
	return l->connections >= l->server->limits.max_connections + LISTENER_SPARE;
}

static void listener_pause(struct listener *l)
{
	l->paused = true;
	io_stop(&l->io);
	sweep_arm(l->server);
}

static void listener_go_on(struct listener *l)
{
	if (!l->paused || l->fd < 0 || listener_full(l))
		return;
	l->paused = false;
	io_start(&l->io, IO_READ);
}

void listener_close(struct listener *l)
{
	if (l->fd < 0)
		return;
	io_stop(&l->io);
	close(l->fd);
	l->fd = -1;
}

void listener_let_go(struct listener *l)
{
	if (l->fd >= 0 || l->connections)
		return;
	list_remove(&l->node);
	free(l);
}

bool conn_is_last(const struct conn *c)
{
	return c->listener->fd < 0;
}

static void complain(struct server *s, int error)
{
	int64_t now = clock_mono_ms();

	if (s->complained_ms && now - s->complained_ms < COMPLAIN_MS)
		return;
	s->complained_ms = now;
	log_warning(
		"No connection can be accepted for now: error %d. Raise the limit of open files "
		"(LimitNOFILE) when this stays.",
		error);
}

/* A full listener gives up the connection that has been idle longest for the new one. */
static bool idle_evict(struct listener *l)
{
	struct conn *longest = NULL;

	LIST_EACH (it, &l->server->conns) {
		struct conn *c = LIST_OF(it, struct conn, node);

		if (c->listener == l && c->phase == CONN_IDLE &&
		    (!longest || c->since_ms < longest->since_ms))
			longest = c;
	}
	if (longest)
		conn_kill(longest);
	return longest;
}

static struct conn *conn_new(struct listener *l, int fd, const struct sockaddr_storage *a)
{
	struct conn *c = mem_alloc(sizeof(*c));

	c->server = l->server;
	c->listener = l;
	c->fd = fd;
	list_init(&c->node);
	if (a->ss_family == AF_UNIX)
		peer_read(fd, &c->peer);
	else if (a->ss_family == AF_INET)
		c->peer_port = ntohs(((const struct sockaddr_in *)(const void *)a)->sin_port);
	else if (a->ss_family == AF_INET6)
		c->peer_port = ntohs(((const struct sockaddr_in6 *)(const void *)a)->sin6_port);
	if (c->peer_port && l->server->handler.accepted)
		c->peer.socket = peer_socket(fd);
	return c;
}

static void conn_free(struct conn *c)
{
	peer_free(&c->peer);
	free(c);
}

static void conn_hand_over(struct conn *c, const struct sockaddr_storage *a, socklen_t len)
{
	struct server *s = c->server;

	s->arriving = c;
	MHD_add_connection(s->mhd, c->fd, (const struct sockaddr *)(const void *)a, len);
	/* Refused before it was taken; the descriptor is closed already. */
	if (s->arriving) {
		s->arriving = NULL;
		conn_free(c);
	}
}

static void conn_take(struct listener *l, int fd, const struct sockaddr_storage *a, socklen_t len)
{
	struct server *s = l->server;
	struct conn *c = conn_new(l, fd, a);

	if (s->handler.accepted &&
	    !s->handler.accepted(&c->peer, l->door, c->peer_port, s->handler.owner)) {
		close(fd);
		conn_free(c);
		return;
	}
	c->over_limit = l->connections >= s->limits.max_connections && !idle_evict(l);
	conn_hand_over(c, a, len);
}

static bool out_of_descriptors(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

void listener_accept(struct listener *l)
{
	for (int i = 0; i < ACCEPTS_PER_TURN && l->fd >= 0; i++) {
		struct sockaddr_storage a = {0};
		socklen_t len = sizeof(a);

		if (listener_full(l)) {
			listener_pause(l);
			return;
		}

		int fd = accept4(l->fd, (struct sockaddr *)&a, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0 && out_of_descriptors(errno)) {
			complain(l->server, errno);
			listener_pause(l);
			return;
		}
		if (fd < 0 && errno != ECONNABORTED && errno != EINTR)
			return;
		if (fd >= 0)
			conn_take(l, fd, &a, len);
	}
}

/* ---- life ---- */

static void conn_began(struct server *s, struct MHD_Connection *mhd, void **context)
{
	struct conn *c = s->arriving;
	struct epoll_event ev = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.ptr = c};

	s->arriving = NULL;
	*context = c;
	c->mhd = mhd;
	list_append(&s->conns, &c->node);
	s->connections++;
	c->listener->connections++;
	conn_enter(c, CONN_IDLE);
	if (epoll_ctl(s->watch_fd, EPOLL_CTL_ADD, c->fd, &ev) < 0)
		conn_kill(c);
	sweep_arm(s);
}

static void conn_ended(struct server *s, struct conn *c)
{
	epoll_ctl(s->watch_fd, EPOLL_CTL_DEL, c->fd, NULL);
	list_remove(&c->node);
	s->connections--;
	c->listener->connections--;
	listener_go_on(c->listener);
	listener_let_go(c->listener);
	conn_free(c);
}

void conn_notified(void *cls, struct MHD_Connection *mhd, void **socket_context,
		   enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		conn_began(cls, mhd, socket_context);
	} else if (*socket_context) {
		conn_ended(cls, *socket_context);
		*socket_context = NULL;
	}
}

void conn_kill(struct conn *c)
{
	shutdown(c->fd, SHUT_RDWR);
	conn_enter(c, CONN_CLOSING);
	if (c->req)
		req_abort(c->req);
	if (c->req && c->req->lines)
		lines_abort(c->req->lines);
}

void server_req_cut(struct server_req *r)
{
	conn_kill(r->conn);
	sweep_arm(r->conn->server);
}

/* ---- refusals ---- */

static void refusal_write(struct conn *c, int status, const char *what, struct buf *out)
{
	const struct server_handler *h = &c->server->handler;
	AUTO(buf_t) body = {0};
	const char *type = h->refusal ? h->refusal(status, what, &body, h->owner) : NULL;

	if (!type) {
		type = "text/plain; charset=utf-8";
		buf_reset(&body);
		buf_printf(&body, "%s\n", what);
	}
	buf_printf(out,
		   "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
		   "Connection: close\r\n\r\n",
		   status, MHD_get_reason_phrase_for((unsigned)status), type, body.len);
	buf_add(out, buf_text(&body), body.len);
}

void conn_refuse(struct conn *c, int status, const char *what)
{
	AUTO(buf_t) out = {0};

	refusal_write(c, status, what, &out);
	/* Nothing else is on its way, so it fits, or the client does not read at all. */
	if (send(c->fd, out.data, out.len, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)out.len)
		log_debug("A refusal (%d) could not be sent.", status);
	shutdown(c->fd, SHUT_WR);
	conn_enter(c, CONN_LINGER);
}

/* ---- the private watch ---- */

static void conn_input(struct conn *c)
{
	if (c->phase == CONN_IDLE)
		conn_enter(c, CONN_HEADER);
	else if (c->phase == CONN_WAITING || c->phase == CONN_ANSWER || c->phase == CONN_STREAM)
		c->input_waits = true;
}

static void conn_noticed(struct conn *c, uint32_t events)
{
	if (events & EPOLLIN)
		conn_input(c);
	if (events & EPOLLRDHUP)
		c->half_closed = true;
	if (events & (EPOLLHUP | EPOLLERR))
		c->hung_up = true;
	if (c->req && c->req->lines)
		lines_noticed(c->req->lines);
	if (!c->req || !(c->hung_up || (c->half_closed && c->req->streaming)))
		return;
	req_abort(c->req);
}

void watch_leaving(struct conn *c)
{
	struct epoll_event ev = {.events = EPOLLRDHUP | EPOLLET, .data.ptr = c};

	if (epoll_ctl(c->server->watch_fd, EPOLL_CTL_MOD, c->fd, &ev) < 0)
		conn_kill(c);
}

void watch_drain(struct server *s)
{
	struct epoll_event ev[WATCH_EVENTS];
	int n = WATCH_EVENTS;

	while (n == WATCH_EVENTS) {
		n = epoll_wait(s->watch_fd, ev, WATCH_EVENTS, 0);
		for (int i = 0; i < n; i++)
			conn_noticed(ev[i].data.ptr, ev[i].events);
	}
}

/* ---- deadlines ---- */

static int64_t phase_limit(const struct conn *c)
{
	const struct server_limits *l = &c->server->limits;

	switch (c->phase) {
	case CONN_HEADER:
		return l->header_ms;
	case CONN_BODY:
		return l->body_ms;
	case CONN_IDLE:
	case CONN_ANSWER:
		return l->idle_ms;
	case CONN_LINGER:
		return l->body_ms < LINGER_MS ? l->body_ms : LINGER_MS;
	case CONN_WAITING:
	case CONN_STREAM:
	case CONN_LINES:
	case CONN_CLOSING:
		break;
	}
	return INT64_MAX;
}

/* The library waits for an edge of its epoll descriptor, and the end of the peer's sending, when it
 * came together with the last bytes, is an edge that it has had already. This makes a new one;
 * bytes that were not read yet stay readable. */
void conn_nudge(struct conn *c)
{
	if (c->half_closed)
		shutdown(c->fd, SHUT_RD);
}

static void conn_check(struct conn *c, int64_t now)
{
	if (c->phase == CONN_IDLE || c->phase == CONN_HEADER || c->phase == CONN_BODY)
		conn_nudge(c);
	if ((c->phase == CONN_STREAM && c->req && stream_stuck(c->req, now)) ||
	    (c->phase == CONN_LINES && c->req && lines_stuck(c->req->lines, now)))
		conn_kill(c);
	if (now - c->since_ms < phase_limit(c))
		return;
	if (c->phase == CONN_HEADER)
		conn_refuse(c, 408, "The request's header did not arrive in time.");
	else if (c->phase == CONN_BODY)
		conn_refuse(c, 408, "The request's body did not arrive in time.");
	conn_kill(c);
}

void sweep_arm(struct server *s)
{
	if (!s->closing && !timer_active(&s->sweep))
		timer_start(&s->sweep, s->sweep_ms);
}

void sweep_fired(struct timer *t, void *owner)
{
	struct server *s = owner;
	int64_t now = clock_mono_ms();

	(void)t;
	LIST_EACH (it, &s->conns)
		conn_check(LIST_OF(it, struct conn, node), now);
	LIST_EACH (it, &s->listeners)
		listener_go_on(LIST_OF(it, struct listener, node));
	if (!list_empty(&s->conns))
		sweep_arm(s);
}
