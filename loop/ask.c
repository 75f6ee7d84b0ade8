/* A question is one write and, as a rule, one read. A kept connection may have been closed by the
 * other end meanwhile: before a byte of the answer came, the question is asked once more. */
#include "loop/ask.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD_END "\r\n\r\n"

static void hang_up(struct ask *a)
{
	if (!a->open)
		return;
	io_stop(&a->io);
	close(a->io.fd);
	a->open = false;
}

static void over(struct ask *a)
{
	timer_stop(&a->limit);
	if (a->open)
		io_stop(&a->io);
	task_finish(&a->task);
}

static void fail(struct ask *a, enum err_kind kind, const char *why)
{
	hang_up(a);
	a->status = 0;
	err_set(&a->task.err, kind, "port %d of this machine: %s", a->port, why);
	over(a);
}

/* ---- the answer ---- */

/* The value of a header, up to its line's end; NULL = there is none. */
static const char *header(const char *head, size_t len, const char *name)
{
	size_t n = strlen(name);
	const char *end = head + len;

	for (const char *p = head; p && p < end; p = memchr(p, '\n', (size_t)(end - p))) {
		p += *p == '\n';
		if ((size_t)(end - p) > n && !strncasecmp(p, name, n) && p[n] == ':')
			return p + n + 1 + strspn(p + n + 1, " \t");
	}
	return NULL;
}

static bool says_close(const char *head, size_t len)
{
	const char *value = header(head, len, "connection");

	return !memcmp(head, "HTTP/1.0", 8) || (value && !strncasecmp(value, "close", 5));
}

/* Bytes of the body by its head; -1 = up to the end of the connection, -2 = not understood. */
static long body_size(const char *head, size_t len)
{
	const char *value = header(head, len, "content-length");
	unsigned long size;
	char *end;

	if (header(head, len, "transfer-encoding"))
		return -2;
	if (!value)
		return -1;
	if (*value < '0' || *value > '9')
		return -2;
	size = strtoul(value, &end, 10);
	return size > ASK_ANSWER_MAX || (*end != '\r' && *end != '\n') ? -2 : (long)size;
}

/* true: the whole answer is there, or it is none. */
static bool answered(struct ask *a, bool at_end)
{
	const char *text = buf_text(&a->in), *stop = strstr(text, HEAD_END);
	size_t head = stop ? (size_t)(stop - text) + strlen(HEAD_END) : 0;
	long size;

	if (!stop)
		return false;
	size = body_size(text, head);
	a->status = (int)strtol(text + strcspn(text, " "), NULL, 10);
	if (strncmp(text, "HTTP/1.", 7) != 0 || size == -2 || a->status < 200) {
		fail(a, ERR_UPSTREAM, "an answer that is not understood");
		return true;
	}
	if (a->status == 204)
		size = 0;
	if (size < 0 ? !at_end : a->in.len - head < (size_t)size)
		return false;
	a->body = text + head;
	a->len = size < 0 ? a->in.len - head : (size_t)size;
	/* What nobody asked for makes the next answer doubtful. */
	if (size < 0 || says_close(text, head) || a->in.len > head + (size_t)size)
		hang_up(a);
	over(a);
	return true;
}

/* ---- the question ---- */

static void reach(struct ask *a);

/* The connection broke: once more, if it was an old one and nothing came by it. */
static void broken(struct ask *a, const char *why)
{
	bool again = a->kept && !a->in.len;

	hang_up(a);
	if (again)
		reach(a);
	else
		fail(a, ERR_UPSTREAM, why);
}

static void listen_to(struct ask *a)
{
	char piece[4096];
	ssize_t n = read(a->io.fd, piece, sizeof(piece));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0 && !buf_add(&a->in, piece, (size_t)n)) {
		if (!answered(a, false) && a->in.len > ASK_ANSWER_MAX)
			fail(a, ERR_UPSTREAM, "an answer that is too large");
		return;
	}
	if (n < 0 || !a->in.len || !answered(a, true))
		broken(a, n < 0 ? strerrordesc_np(errno) : "closed before the answer was whole");
}

/* One that cannot be sent whole is none that is kept: it fits the smallest buffer there is. */
static void say(struct ask *a)
{
	char text[128];
	int len = snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n",
			   a->path, a->port);

	if (send(a->io.fd, text, (size_t)len, MSG_NOSIGNAL) != len) {
		broken(a, strerrordesc_np(errno));
		return;
	}
	a->sent = true;
	io_start(&a->io, IO_READ);
}

static void moved(struct io *io, int events, void *owner)
{
	struct ask *a = owner;

	(void)io;
	(void)events;
	if (a->sent)
		listen_to(a);
	else
		say(a);
}

static void reach(struct ask *a)
{
	const struct sockaddr_in to = {.sin_family = AF_INET,
				       .sin_port = htons((uint16_t)a->port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	a->kept = a->sent = false;
	if (fd < 0) {
		fail(a, ERR_UPSTREAM, strerrordesc_np(errno));
		return;
	}
	io_init(&a->io, a->loop, fd, moved, a);
	a->open = true;
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) && errno != EINPROGRESS) {
		fail(a, ERR_UPSTREAM, strerrordesc_np(errno));
		return;
	}
	io_start(&a->io, IO_WRITE);
}

static void too_late(struct timer *t, void *owner)
{
	(void)t;
	fail(owner, ERR_TIMEOUT, "no answer in time");
}

/* ---- the owner's side ---- */

void ask_start(struct ask *a, struct loop *l, int port, const char *path, int64_t timeout_ms,
	       task_done_fn *done, void *owner)
{
	task_begin(&a->task, l, done, owner);
	ask_forget(a);
	if (a->open && a->port != port)
		hang_up(a);
	a->loop = l;
	a->port = port;
	a->path = path;
	a->status = 0;
	a->sent = false;
	timer_init(&a->limit, l, too_late, a);
	timer_start(&a->limit, timeout_ms);
	a->kept = a->open;
	if (a->open)
		say(a);
	else
		reach(a);
}

void ask_forget(struct ask *a)
{
	buf_free(&a->in);
	a->body = NULL;
	a->len = 0;
}

void ask_stop(struct ask *a)
{
	if (a->task.busy)
		task_abandon(&a->task);
	timer_stop(&a->limit);
	hang_up(a);
	ask_forget(a);
}
