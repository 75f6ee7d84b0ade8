/*
 * Connections that left HTTP for lines. The library hands over the descriptor and waits for our
 * word to close it; reading, writing and their limits are ours from then on. Each turn of the loop
 * takes a bounded number of lines, so that a packet of ten thousand leaves room for others, and
 * none while much of what was answered waits for the peer.
 *
 * Nothing here is freed or told to be gone from inside a call of the handler's: that waits for the
 * deferred step, and the memory goes with the request, when the library says that it is over.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "loop/server_private.h"

#define LINES_PER_TURN 64
#define READ_SIZE      65536

struct server_lines {
	struct server_req *req;
	struct server_lines_handler handler;
	void *context;
	size_t max_line;
	struct MHD_UpgradeResponseHandle *handle; /* NULL = the 101 has not been sent yet */
	struct io io;
	int watched; /* events that io waits for */
	struct deferred step;
	struct buf in;   /* in[taken..] waits to be told */
	size_t taken;    /* bytes of in that were told */
	size_t searched; /* bytes after those that hold no line's end */
	bool more;       /* there may be whole lines in it: nothing is read before they are told */
	struct buf out;
	size_t out_sent;
	int64_t moved_ms;            /* when the peer last took something, or began to owe it */
	bool skipping;               /* the rest of a line that was too long */
	bool input_over, input_told; /* the peer sends no more; the handler knows */
	bool ended, held, aborted, closed;
};

static size_t out_waiting(const struct server_lines *l)
{
	return l->out.len - l->out_sent;
}

static bool may_take(const struct server_lines *l)
{
	return !l->ended && !l->held && !l->aborted &&
	       out_waiting(l) <= l->req->conn->server->limits.max_stream / 2;
}

static bool may_read(const struct server_lines *l)
{
	return may_take(l) && !l->more && !l->input_over;
}

void lines_noticed(struct server_lines *l)
{
	if (!l->closed && l->handle)
		deferred_start(&l->step);
}

/* ---- out ---- */

static void out_flush(struct server_lines *l)
{
	int fd = l->req->conn->fd;

	while (out_waiting(l) && !l->aborted) {
		ssize_t n = send(fd, l->out.data + l->out_sent, out_waiting(l),
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
			l->aborted = true;
		if (n <= 0)
			return;
		l->out_sent += (size_t)n;
		l->moved_ms = clock_mono_ms();
		/* Moving the rest down only when it is the smaller part keeps this linear. */
		if (l->out_sent >= l->out.len - l->out_sent) {
			buf_consume(&l->out, l->out_sent);
			l->out_sent = 0;
		}
	}
}

int server_lines_push(struct server_lines *l, const void *data, size_t len)
{
	size_t max = l->req->conn->server->limits.max_stream;

	if (l->ended || l->aborted || l->closed)
		return 0;
	if (len > max || out_waiting(l) > max - len)
		return -1;
	if (!out_waiting(l))
		l->moved_ms = clock_mono_ms();
	buf_add(&l->out, data, len);
	lines_noticed(l);
	return 0;
}

void server_lines_end(struct server_lines *l)
{
	if (!out_waiting(l))
		l->moved_ms = clock_mono_ms();
	l->ended = true;
	lines_noticed(l);
}

void server_lines_hold(struct server_lines *l, bool held)
{
	l->held = held;
	lines_noticed(l);
}

bool lines_stuck(const struct server_lines *l, int64_t now)
{
	return out_waiting(l) && now - l->moved_ms >= l->req->conn->server->limits.idle_ms;
}

/* ---- in ---- */

static void in_read(struct server_lines *l)
{
	static char piece[READ_SIZE]; /* a release zeroes what is on the stack, each time */
	ssize_t n = recv(l->req->conn->fd, piece, sizeof(piece), MSG_DONTWAIT);

	if (n > 0)
		buf_add(&l->in, piece, (size_t)n);
	else if (n == 0)
		l->input_over = true;
	else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
		l->aborted = true;
}

static void line_told(struct server_lines *l, char *text, size_t len)
{
	if (len && text[len - 1] == '\r')
		len--;
	text[len] = '\0';
	if (len)
		l->handler.line(l, text, len, l->handler.owner);
}

static void line_too_long(struct server_lines *l)
{
	if (l->skipping)
		return;
	l->skipping = true;
	if (l->handler.too_long)
		l->handler.too_long(l, l->handler.owner);
	else
		server_lines_end(l);
}

/* What is left of a line that is not complete: kept, unless it is too long already. */
static bool line_unfinished(struct server_lines *l, size_t waits)
{
	l->searched = waits;
	if (waits > l->max_line)
		line_too_long(l);
	if (!l->skipping)
		return false;
	l->taken += waits;
	l->searched = 0;
	return false;
}

/* The next line; false when none is complete. */
static bool line_next(struct server_lines *l)
{
	size_t waits = l->in.len - l->taken;

	if (!waits)
		return false;

	char *start = l->in.data + l->taken;
	char *end = memchr(start + l->searched, '\n', waits - l->searched);
	size_t len = end ? (size_t)(end - start) : waits;

	if (!end && !l->input_over)
		return line_unfinished(l, waits);
	if (len > l->max_line)
		line_too_long(l);
	l->taken += len + (end ? 1 : 0);
	l->searched = 0;
	if (!l->skipping)
		line_told(l, start, len);
	l->skipping = false;
	return true;
}

static void lines_take(struct server_lines *l)
{
	int left = LINES_PER_TURN;

	while (left && may_take(l) && line_next(l))
		left--;
	l->more = !left || !may_take(l);
	/* Moving the rest down only when it is the smaller part keeps this linear. */
	if (l->taken >= l->in.len - l->taken) {
		buf_consume(&l->in, l->taken);
		l->taken = 0;
	}
}

static void input_told(struct server_lines *l)
{
	if (l->input_told || !l->input_over || l->more || l->in.len > l->taken)
		return;
	l->input_told = true;
	if (l->handler.input_ended)
		l->handler.input_ended(l, l->handler.owner);
	else
		server_lines_end(l);
}

/* ---- both ---- */

static bool lines_over(const struct server_lines *l)
{
	return l->aborted || l->req->conn->hung_up || (l->ended && !out_waiting(l));
}

static void lines_watch(struct server_lines *l)
{
	int events = (may_read(l) ? IO_READ : 0) | (out_waiting(l) ? IO_WRITE : 0);

	if (events == l->watched)
		return;
	l->watched = events;
	io_start(&l->io, events);
}

static void lines_step(struct server_lines *l)
{
	lines_take(l);
	input_told(l);
	out_flush(l);
	deferred_stop(&l->step); /* all that was noticed meanwhile has been seen to */
	if (lines_over(l)) {
		lines_close(l);
		return;
	}
	lines_watch(l);
	if (l->more && may_take(l))
		deferred_start(&l->step);
}

static void step_due(struct deferred *d, void *owner)
{
	(void)d;
	lines_step(owner);
}

static void lines_ready(struct io *io, int events, void *owner)
{
	struct server_lines *l = owner;

	(void)io;
	if (events & IO_READ && may_read(l))
		in_read(l);
	lines_step(l);
}

/* ---- life ---- */

void lines_abort(struct server_lines *l)
{
	l->aborted = true;
	lines_noticed(l);
}

static void lines_tell_gone(struct server_lines *l)
{
	l->closed = true;
	io_stop(&l->io);
	deferred_stop(&l->step);
	l->handler.gone(l, l->handler.owner);
}

void lines_close(struct server_lines *l)
{
	struct conn *c = l->req->conn;

	if (l->closed)
		return;
	lines_tell_gone(l);
	if (!l->handle)
		return;
	conn_enter(c, CONN_CLOSING);
	MHD_upgrade_action(l->handle, MHD_UPGRADE_ACTION_CLOSE);
	if (!c->server->closing)
		deferred_start(&c->server->kick);
}

void lines_free(struct server_lines *l)
{
	if (!l->closed)
		lines_tell_gone(l);
	buf_free(&l->in);
	buf_free(&l->out);
	free(l);
}

static void tcp_at_once(int fd)
{
	int on = 1;

	/* Fails on a Unix socket, which does not hold small pieces back anyway. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/* The library's: the 101 has been sent, and what follows is ours. */
static void lines_began(void *cls, struct MHD_Connection *mhd, void *slot, const char *extra,
			size_t len, MHD_socket fd, struct MHD_UpgradeResponseHandle *handle)
{
	struct server_lines *l = cls;

	(void)mhd;
	(void)slot;
	l->handle = handle;
	l->moved_ms = clock_mono_ms();
	(void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	tcp_at_once(fd);
	if (l->req->conn->phase == CONN_CLOSING)
		l->aborted = true;
	else
		conn_enter(l->req->conn, CONN_LINES);
	buf_add(&l->in, extra, len);
	io_init(&l->io, l->req->conn->server->loop, fd, lines_ready, l);
	watch_leaving(l->req->conn);
	lines_noticed(l);
}

struct server_lines *server_upgrade_lines(struct server_req *r, const char *protocol,
					  size_t max_line, const struct server_lines_handler *h)
{
	struct server *s = r->conn->server;
	struct server_lines *l = NULL;

	if (r->answered || r->in_head || r->aborted || conn_is_last(r->conn) || !r->is_1_1)
		return NULL;
	l = mem_alloc(sizeof(*l));
	l->req = r;
	l->handler = *h;
	l->max_line = max_line;
	deferred_init(&l->step, s->loop, step_due, l);
	r->lines = l;
	if (reply_upgrade(r, protocol, lines_began, l) == 0)
		return l;
	r->lines = NULL;
	lines_free(l);
	return NULL;
}

void server_lines_set_context(struct server_lines *l, void *context)
{
	l->context = context;
}

void *server_lines_context(const struct server_lines *l)
{
	return l->context;
}

struct server_req *server_lines_req(const struct server_lines *l)
{
	return l->req;
}
