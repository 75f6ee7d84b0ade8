/*
 * The server as a whole: one instance of the library without threads and without a listening
 * socket of its own, run from our loop. We accept ourselves: the peer is known before a byte is
 * read, a full server can still say so, and running out of descriptors pauses instead of spinning.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "loop/duct.h"
#include "loop/server_private.h"

/* Room in the library's memory pool beside the header: its own records and our answer's header. */
#define POOL_EXTRA 8192
/* Runs of the library before other watchers get their turn. */
#define RUNS_PER_TURN 4

static void limits_fill(struct server_limits *l, const struct server_limits *from)
{
	if (from)
		*l = *from;
	l->max_header = l->max_header ? l->max_header : 16384;
	l->max_body = l->max_body ? l->max_body : (size_t)1 << 20;
	l->max_connections = l->max_connections > 0 ? l->max_connections : 512;
	l->header_ms = l->header_ms > 0 ? l->header_ms : 10000;
	l->body_ms = l->body_ms > 0 ? l->body_ms : 30000;
	l->idle_ms = l->idle_ms > 0 ? l->idle_ms : 60000;
	l->max_stream = l->max_stream ? l->max_stream : (size_t)1 << 20;
}

static int64_t sweep_interval(const struct server_limits *l)
{
	int64_t ms = l->header_ms < l->body_ms ? l->header_ms : l->body_ms;

	ms = (l->idle_ms < ms ? l->idle_ms : ms) / 4;
	return ms < 10 ? 10 : ms > 1000 ? 1000 : ms;
}

/* Our own watch is read first: it notes what the library's reading would hide. */
static void server_run(struct server *s)
{
	MHD_UNSIGNED_LONG_LONG ms = 0;

	for (int i = 0; i < RUNS_PER_TURN && !ms; i++) {
		watch_drain(s);
		MHD_run(s->mhd);
		if (MHD_get_timeout(s->mhd, &ms) != MHD_YES) {
			timer_stop(&s->pending);
			return;
		}
	}
	timer_start(&s->pending, (int64_t)(ms < 3600000 ? ms : 3600000));
}

static void server_ready(struct io *io, int events, void *owner)
{
	(void)io;
	(void)events;
	server_run(owner);
}

static void server_pending(struct timer *t, void *owner)
{
	(void)t;
	server_run(owner);
}

static void server_kicked(struct deferred *d, void *owner)
{
	(void)d;
	server_run(owner);
}

static struct MHD_Daemon *library_start(struct server *s)
{
	return MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET |
					MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE,
				0, NULL, NULL, req_came, s, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
				s->limits.max_header + POOL_EXTRA, MHD_OPTION_CONNECTION_LIMIT,
				1U << 20, MHD_OPTION_CONNECTION_TIMEOUT, 0U,
				MHD_OPTION_NOTIFY_COMPLETED, req_completed, s,
				MHD_OPTION_NOTIFY_CONNECTION, conn_notified, s,
				MHD_OPTION_UNESCAPE_CALLBACK, req_unescape, s, MHD_OPTION_END);
}

static int library_fd(struct server *s)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(s->mhd, MHD_DAEMON_INFO_EPOLL_FD);

	return info ? info->epoll_fd : -1;
}

struct server *server_new(struct loop *l, const struct server_limits *limits,
			  const struct server_handler *handler)
{
	struct server *s = mem_alloc(sizeof(*s));

	s->loop = l;
	s->handler = *handler;
	limits_fill(&s->limits, limits);
	s->sweep_ms = sweep_interval(&s->limits);
	list_init(&s->listeners);
	list_init(&s->conns);
	s->mhd = library_start(s);
	s->watch_fd = epoll_create1(EPOLL_CLOEXEC);
	if (!s->mhd || s->watch_fd < 0 || library_fd(s) < 0 || sluice_open(s->sluice) < 0) {
		log_error("The HTTP server cannot start: no descriptors or memory are left.");
		abort();
	}
	io_init(&s->io, l, library_fd(s), server_ready, s);
	io_start(&s->io, IO_READ);
	io_init(&s->watch, l, s->watch_fd, server_ready, s);
	io_start(&s->watch, IO_READ);
	timer_init(&s->pending, l, server_pending, s);
	timer_init(&s->sweep, l, sweep_fired, s);
	deferred_init(&s->kick, l, server_kicked, s);
	return s;
}

/* The library refuses to stop while something is suspended, or upgraded and not given back. It then
 * ends every request, which tells its handler. */
static void conns_resume(struct server *s)
{
	LIST_EACH (it, &s->conns) {
		struct conn *c = LIST_OF(it, struct conn, node);

		if (c->req && c->req->lines)
			lines_close(c->req->lines);
		if (c->req)
			req_resume(c->req);
	}
}

void server_free(struct server *s)
{
	if (!s)
		return;
	s->closing = true;
	server_stop_accepting(s);
	io_stop(&s->io);
	conns_resume(s);
	MHD_stop_daemon(s->mhd);
	io_stop(&s->watch);
	close(s->watch_fd);
	close(s->sluice[0]);
	close(s->sluice[1]);
	timer_stop(&s->pending);
	timer_stop(&s->sweep);
	deferred_stop(&s->kick);
	LIST_EACH (it, &s->listeners)
		free(LIST_OF(it, struct listener, node));
	free(s);
}

static void address_format(int fd, char *out, size_t size)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr_storage room;
	} a = {.room = {0}};
	socklen_t len = sizeof(a);
	char text[INET6_ADDRSTRLEN] = "";

	out[0] = '\0';
	if (getsockname(fd, &a.any, &len) < 0)
		return;
	if (a.any.sa_family == AF_INET) {
		inet_ntop(AF_INET, &a.v4.sin_addr, text, sizeof(text));
		snprintf(out, size, "%s:%d", text, ntohs(a.v4.sin_port));
	} else if (a.any.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &a.v6.sin6_addr, text, sizeof(text));
		snprintf(out, size, "[%s]:%d", text, ntohs(a.v6.sin6_port));
	}
}

static void listener_ready(struct io *io, int events, void *owner)
{
	(void)io;
	(void)events;
	listener_accept(owner);
}

int server_listen(struct server *s, int fd, int door, struct err *e)
{
	int listening = 0;
	socklen_t len = sizeof(listening);

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) < 0 || !listening) {
		if (fd >= 0)
			close(fd);
		return err_set(e, ERR_INVALID, "Descriptor %d is not a listening socket.", fd);
	}
	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
		err_errno(e, "Descriptor %d", fd);
		close(fd);
		return -1;
	}

	struct listener *l = mem_alloc(sizeof(*l));

	ducts_allow(fd, false);
	l->server = s;
	l->fd = fd;
	l->door = door;
	address_format(fd, l->local, sizeof(l->local));
	list_init(&l->node);
	list_append(&s->listeners, &l->node);
	io_init(&l->io, s->loop, fd, listener_ready, l);
	io_start(&l->io, IO_READ);
	return 0;
}

void server_stop_accepting(struct server *s)
{
	LIST_EACH (it, &s->listeners)
		listener_close(LIST_OF(it, struct listener, node));
}

static void idle_close(struct server *s, int door)
{
	LIST_EACH (it, &s->conns) {
		struct conn *c = LIST_OF(it, struct conn, node);

		if (c->listener->door == door && c->listener->fd < 0 && c->phase == CONN_IDLE)
			conn_kill(c);
	}
}

void server_unlisten(struct server *s, int door)
{
	LIST_EACH (it, &s->listeners) {
		struct listener *l = LIST_OF(it, struct listener, node);

		if (l->door != door)
			continue;
		listener_close(l);
		listener_let_go(l);
	}
	idle_close(s, door);
}

int server_connections(const struct server *s)
{
	return s->connections;
}
