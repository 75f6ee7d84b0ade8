/*
 * Connections that left HTTP for lines. The library hands over the descriptor and waits for our
 * word to close it; reading, writing and their limits are ours from then on. Where the lines come
 * from and go to is a duct each: the connection itself, or descriptors that its peer handed over.
 * Each turn of the loop takes a bounded number of lines, so that a packet of ten thousand leaves
 * room for others, and none while much of what was answered waits for the peer.
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
#include "loop/duct.h"
#include "loop/server_private.h"

#define LINES_PER_TURN 64
#define READ_SIZE      65536

struct server_lines {
	struct server_req *req;
	struct server_lines_handler handler;
	void *context;
	size_t max_line;
	struct MHD_UpgradeResponseHandle *handle; /* NULL = the 101 has not been sent yet */
	struct duct from, to;
	struct io from_io, to_io;
	int watched;    /* events that they wait for */
	bool ducts_due; /* the peer has not handed them over yet: nothing is read or written */
	bool handed;    /* they are the peer's; what ends them is said on the connection */
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

/* ---- ducts ---- */

/* Nothing else is on its way there, so it fits, or the peer is none of ours. */
static void word_say(struct server_lines *l, enum duct_word word)
{
	char c = (char)word;

	if (send(l->req->conn->fd, &c, 1, MSG_DONTWAIT | MSG_NOSIGNAL) != 1)
		l->aborted = true;
}

static void lines_ready(struct io *io, int events, void *owner);

static void ducts_watch(struct server_lines *l)
{
	struct loop *loop = l->req->conn->server->loop;

	io_init(&l->from_io, loop, l->from.fd, lines_ready, l);
	io_init(&l->to_io, loop, l->to.fd, lines_ready, l);
	l->watched = 0;
}

static void ducts_settled(struct server_lines *l)
{
	l->ducts_due = false;
	ducts_allow(l->req->conn->fd, false);
}

static void ducts_refused(struct server_lines *l)
{
	ducts_settled(l);
	word_say(l, DUCTS_REFUSED);
}

static void ducts_came(struct server_lines *l)
{
	const struct conn *c = l->req->conn;
	int taken = ducts_take(c->fd, c->peer.uid, c->server->sluice, &l->from, &l->to);

	if (taken < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (taken < 0) {
		l->aborted = true;
		return;
	}
	if (!taken) {
		ducts_refused(l);
		return;
	}
	ducts_settled(l);
	l->handed = true;
	io_stop(&l->from_io);
	io_stop(&l->to_io);
	ducts_watch(l);
	word_say(l, DUCTS_TAKEN);
}

/* ---- out ---- */

static void out_failed(struct server_lines *l)
{
	l->aborted = true;
	if (l->handed)
		word_say(l, DUCT_OUTPUT_GONE);
}

static void out_flush(struct server_lines *l)
{
	while (out_waiting(l) && !l->aborted && !l->ducts_due) {
		ssize_t n = duct_write(&l->to, l->out.data + l->out_sent, out_waiting(l));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
			out_failed(l);
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

static void in_over(struct server_lines *l)
{
	l->input_over = true;
	if (l->handed)
		word_say(l, DUCT_INPUT_ENDED);
}

static void in_read(struct server_lines *l)
{
	static char piece[READ_SIZE]; /* a release zeroes what is on the stack, each time */
	ssize_t n = duct_read(&l->from, piece, sizeof(piece));

	if (n > 0)
		buf_add(&l->in, piece, (size_t)n);
	else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return;
	else if (n == 0 || l->handed)
		in_over(l);
	else
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
	bool writes = out_waiting(l) && !l->ducts_due;
	int events = (may_read(l) ? IO_READ : 0) | (writes ? IO_WRITE : 0);

	if (events == l->watched)
		return;
	l->watched = events;
	io_start(&l->from_io, events & IO_READ);
	io_start(&l->to_io, events & IO_WRITE);
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
	if (events & IO_READ && l->ducts_due)
		ducts_came(l);
	else if (events & IO_READ && may_read(l))
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
	io_stop(&l->from_io);
	io_stop(&l->to_io);
	deferred_stop(&l->step);
	if (l->handed) {
		duct_close(&l->from);
		duct_close(&l->to);
	}
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
	l->from = l->to = duct_of_socket(fd);
	ducts_watch(l);
	/* The library read on, and whatever came with it is closed. */
	if (l->ducts_due && len)
		ducts_refused(l);
	buf_add(&l->in, extra, len);
	watch_leaving(l->req->conn);
	lines_noticed(l);
}

static struct server_lines *upgrade(struct server_req *r, const char *protocol, size_t max_line,
				    const struct server_lines_handler *h, bool ducts)
{
	struct server *s = r->conn->server;
	struct server_lines *l = NULL;

	if (r->answered || r->in_head || r->aborted || conn_is_last(r->conn) || !r->is_1_1)
		return NULL;
	l = mem_alloc(sizeof(*l));
	l->req = r;
	l->handler = *h;
	l->max_line = max_line;
	l->ducts_due = ducts;
	deferred_init(&l->step, s->loop, step_due, l);
	r->lines = l;
	if (ducts)
		ducts_allow(r->conn->fd, true);
	if (reply_upgrade(r, protocol, lines_began, l) == 0)
		return l;
	r->lines = NULL;
	lines_free(l);
	return NULL;
}

struct server_lines *server_upgrade_lines(struct server_req *r, const char *protocol,
					  size_t max_line, const struct server_lines_handler *h)
{
	return upgrade(r, protocol, max_line, h, false);
}

struct server_lines *server_upgrade_ducts(struct server_req *r, const char *protocol,
					  size_t max_line, const struct server_lines_handler *h)
{
	return upgrade(r, protocol, max_line, h, true);
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
