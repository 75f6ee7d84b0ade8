/*
 * The relay. A link joins a caller's socket and one to the server behind, with a buffer each way.
 * Callers do not pipeline: the first byte that comes back after a byte went up begins an answer.
 */
#include "sim/front.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"

#define PIECE      (64UL * 1024)
#define MAX_BUFFER (1024UL * 1024)
#define MAX_HEADER (64UL * 1024)
#define TICK_MS    50

struct front {
	struct loop *loop;
	struct io listener;
	struct sockaddr_un inner;
	socklen_t inner_len;
	struct list links;
};

enum phase {
	ANSWER_OPEN,   /* bytes pass */
	ANSWER_HEADER, /* an answer begins: its header is gathered first */
	ANSWER_SLOW,   /* body in ticks */
	ANSWER_CUT     /* body until the allowance is used up */
};

struct end {
	struct io io;
	int fd;
	struct buf out; /* waits to be written to this end */
	bool finished;  /* it sends no more */
};

struct link {
	struct list node;
	struct front *front;
	struct end caller, server;
	struct buf held; /* the answer's header so far; the body of a slow one */
	struct timer tick;
	enum phase phase;
	int64_t allowance; /* ANSWER_CUT: body bytes still to pass; ANSWER_SLOW: bytes a second */
};

static void link_free(struct link *k)
{
	list_remove(&k->node);
	timer_stop(&k->tick);
	io_stop(&k->caller.io);
	io_stop(&k->server.io);
	close(k->caller.fd);
	close(k->server.fd);
	buf_free(&k->caller.out);
	buf_free(&k->server.out);
	buf_free(&k->held);
	free(k);
}

static void link_reset(struct link *k)
{
	struct linger hard = {.l_onoff = 1, .l_linger = 0};

	setsockopt(k->caller.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
	link_free(k);
}

/* ---- writing ---- */

static int end_write(struct end *to)
{
	while (to->out.len > 0) {
		ssize_t n = send(to->fd, to->out.data, to->out.len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -1;
		buf_consume(&to->out, (size_t)n);
	}
	return 0;
}

static void end_watch(struct end *e, const struct end *other, size_t held)
{
	int events = 0;

	if (!e->finished && other->out.len + held < MAX_BUFFER)
		events |= IO_READ;
	if (e->out.len > 0)
		events |= IO_WRITE;
	io_start(&e->io, events);
}

/* Write what waits and choose what to wait for; false when the link has ended (and is freed). */
static bool link_settle(struct link *k)
{
	if (end_write(&k->caller) < 0 || end_write(&k->server) < 0) {
		link_free(k);
		return false;
	}
	bool answered = k->server.finished && k->caller.out.len == 0 && k->held.len == 0;
	if (answered || k->caller.finished) {
		link_free(k);
		return false;
	}
	end_watch(&k->caller, &k->server, 0);
	end_watch(&k->server, &k->caller, k->phase == ANSWER_HEADER ? 0 : k->held.len);
	return true;
}

/* ---- what the server ordered ---- */

/* Take the order's header line out of held; the order's text goes to out. */
static bool take_order(struct buf *held, char out[32])
{
	static const char name[] = "\r\n" RELAY_HEADER ": ";
	char *at = strcasestr(held->data, name);
	char *value = at ? at + sizeof name - 1 : NULL;
	char *end = value ? strstr(value, "\r\n") : NULL;

	if (!end || (size_t)(end - value) >= 32)
		return false;
	memcpy(out, value, (size_t)(end - value));
	out[end - value] = '\0';
	size_t rest = held->len - (size_t)(end - held->data);
	memmove(at, end, rest + 1);
	held->len -= (size_t)(end - at);
	return true;
}

/* Pass body bytes by the phase; false when the link was freed. */
static bool pass_body(struct link *k, const char *data, size_t len)
{
	if (k->phase == ANSWER_SLOW) {
		buf_add(&k->held, data, len);
		if (!timer_active(&k->tick))
			timer_start(&k->tick, TICK_MS);
		return true;
	}
	if (k->phase == ANSWER_CUT && (int64_t)len >= k->allowance) {
		buf_add(&k->caller.out, data, (size_t)k->allowance);
		end_write(&k->caller);
		link_free(k);
		return false;
	}
	if (k->phase == ANSWER_CUT)
		k->allowance -= (int64_t)len;
	buf_add(&k->caller.out, data, len);
	return true;
}

static bool header_complete(struct link *k, size_t header_len)
{
	char order[32];

	k->phase = ANSWER_OPEN;
	if (take_order(&k->held, order)) {
		header_len = (size_t)(strstr(k->held.data, "\r\n\r\n") - k->held.data) + 4;
		if (str_equal(order, "drop")) {
			link_free(k);
			return false;
		}
		if (str_equal(order, "reset")) {
			link_reset(k);
			return false;
		}
		if (str_starts(order, "cut "))
			k->phase = ANSWER_CUT;
		if (str_starts(order, "slow "))
			k->phase = ANSWER_SLOW;
		k->allowance = strtol(order + strcspn(order, " "), NULL, 10);
	}
	size_t body_len = k->held.len - header_len;
	AUTO(str_t) body = mem_alloc(body_len + 1);
	memcpy(body, k->held.data + header_len, body_len);
	buf_add(&k->caller.out, k->held.data, header_len);
	buf_reset(&k->held);
	return body_len == 0 || pass_body(k, body, body_len);
}

static bool pass_answer(struct link *k, const char *data, size_t len)
{
	if (k->phase != ANSWER_HEADER)
		return pass_body(k, data, len);
	buf_add(&k->held, data, len);
	const char *end = strstr(k->held.data, "\r\n\r\n");
	if (!end && k->held.len < MAX_HEADER)
		return true;
	return header_complete(k, end ? (size_t)(end - k->held.data) + 4 : k->held.len);
}

static void ticked(struct timer *t, void *owner)
{
	struct link *k = owner;
	size_t n = (size_t)(k->allowance * TICK_MS / 1000);

	if (n == 0)
		n = 1;
	if (n > k->held.len)
		n = k->held.len;
	buf_add(&k->caller.out, k->held.data, n);
	buf_consume(&k->held, n);
	if (k->held.len > 0)
		timer_start(t, TICK_MS);
	link_settle(k);
}

/* ---- reading ---- */

/* >0 bytes, 0 nothing now, -1 this end has ended. */
static ssize_t end_read(struct end *from, char *piece)
{
	ssize_t n = recv(from->fd, piece, PIECE, 0);

	if (n > 0)
		return n;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	from->finished = true;
	return -1;
}

static void caller_ready(struct io *io, int events, void *owner)
{
	struct link *k = owner;
	char piece[PIECE];

	(void)io;
	ssize_t n = events & IO_READ ? end_read(&k->caller, piece) : 0;
	if (n > 0) {
		buf_add(&k->server.out, piece, (size_t)n);
		if (k->held.len == 0)
			k->phase = ANSWER_HEADER;
	}
	link_settle(k);
}

static void server_ready(struct io *io, int events, void *owner)
{
	struct link *k = owner;
	char piece[PIECE];

	(void)io;
	ssize_t n = events & IO_READ ? end_read(&k->server, piece) : 0;
	if (n > 0 && !pass_answer(k, piece, (size_t)n))
		return;
	link_settle(k);
}

/* ---- links ---- */

static int connect_inner(const struct front *f)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	if (connect(fd, (const struct sockaddr *)&f->inner, f->inner_len) == 0)
		return fd;
	close(fd);
	return -1;
}

static void link_start(struct front *f, int caller)
{
	int server = connect_inner(f);

	if (server < 0) {
		close(caller);
		return;
	}
	struct link *k = mem_alloc(sizeof *k);
	k->front = f;
	k->caller.fd = caller;
	k->server.fd = server;
	io_init(&k->caller.io, f->loop, caller, caller_ready, k);
	io_init(&k->server.io, f->loop, server, server_ready, k);
	timer_init(&k->tick, f->loop, ticked, k);
	list_init(&k->node);
	list_append(&f->links, &k->node);
	link_settle(k);
}

static void caller_came(struct io *io, int events, void *owner)
{
	(void)events;
	for (int i = 0; i < 64; i++) {
		int fd = accept4(io->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0)
			return;
		link_start(owner, fd);
	}
}

/* A socket in the abstract name space: no file to make, find or remove. */
static int listen_inner(struct front *f, int *out, struct err *e)
{
	sa_family_t family = AF_UNIX;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	f->inner = (struct sockaddr_un){.sun_family = AF_UNIX};
	f->inner_len = sizeof f->inner;
	if (fd < 0 || bind(fd, (const struct sockaddr *)&f->inner, sizeof family) < 0 ||
	    listen(fd, 4096) < 0 ||
	    getsockname(fd, (struct sockaddr *)&f->inner, &f->inner_len) < 0) {
		err_errno(e, "cannot listen behind the API's socket");
		if (fd >= 0)
			close(fd);
		return -1;
	}
	*out = fd;
	return 0;
}

int front_new(struct loop *l, int fd, struct front **out, int *inner_fd, struct err *e)
{
	struct front *f = mem_alloc(sizeof *f);

	f->loop = l;
	list_init(&f->links);
	if (listen_inner(f, inner_fd, e) < 0) {
		free(f);
		return -1;
	}
	io_init(&f->listener, l, fd, caller_came, f);
	io_start(&f->listener, IO_READ);
	*out = f;
	return 0;
}

void front_free(struct front *f)
{
	if (!f)
		return;
	io_stop(&f->listener);
	close(f->listener.fd);
	LIST_EACH (it, &f->links) {
		link_free(LIST_OF(it, struct link, node));
	}
	free(f);
}
