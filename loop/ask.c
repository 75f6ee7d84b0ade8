/*
 * One connection for each peer, kept for the next question: then it is looked at first, since the
 * other side may have closed it, or spoken unasked. The library is fed from one buffer and says
 * through its callbacks what it found; whether an answer is whole, and whether its connection can
 * be kept, is decided after each feeding, never inside of it.
 */
#include "loop/ask.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <http_parser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

#define READ_SIZE   ((size_t)16 << 10)
#define HEAD_MOST   ((size_t)16 << 10) /* of the header, interim answers included */
#define REQUEST_MAX 256

struct asker {
	struct loop *loop;
	struct timer timer; /* for the first of the deadlines, or one that was before it */
	int64_t timer_ms;   /* monotonic: when it fires */
	struct list flying; /* of struct ask */
	char data[READ_SIZE];
};

_Static_assert(sizeof(http_parser) <= sizeof(((struct ask *)0)->parser) &&
		       _Alignof(http_parser) <= 8,
	       "struct ask has no room for the parser");

static http_parser *parser_of(struct ask *a)
{
	return (http_parser *)(void *)a->parser;
}

/* ---- the end of a question ---- */

static void peer_shut(struct ask_peer *p)
{
	if (!p->open)
		return;
	if (p->ask)
		io_stop(&p->ask->io);
	close(p->fd);
	p->open = p->connecting = false;
}

static void ask_leave(struct ask *a)
{
	io_stop(&a->io);
	a->peer->ask = NULL;
	a->peer = NULL;
	list_remove(&a->node);
	if (list_empty(&a->all->flying))
		timer_stop(&a->all->timer);
}

static void ask_end(struct ask *a)
{
	ask_leave(a);
	if (a->failed != ERR_NONE) {
		a->status = 0;
		buf_free(&a->answer);
	}
	deferred_start(&a->finish);
}

static void ask_ended(struct deferred *d, void *owner)
{
	struct ask *a = owner;

	(void)d;
	a->busy = false;
	a->done(a, a->owner);
}

static void ask_fail(struct ask *a, enum err_kind kind, const char *why)
{
	a->failed = kind;
	a->why = why;
	peer_shut(a->peer);
	ask_end(a);
}

/* ---- what the parser tells ---- */

static int message_began(http_parser *parser)
{
	struct ask *a = parser->data;

	a->more = a->complete;
	return a->more;
}

static int head_ended(http_parser *parser)
{
	struct ask *a = parser->data;

	a->head_over = parser->status_code >= 200;
	/* Nobody asked for another protocol. */
	return parser->status_code == 101 ? -1 : 0;
}

static int body_came(http_parser *parser, const char *data, size_t len)
{
	struct ask *a = parser->data;

	a->too_large = len > a->max_body - a->answer.len;
	return a->too_large ? -1 : buf_add(&a->answer, data, len);
}

static int message_ended(http_parser *parser)
{
	struct ask *a = parser->data;

	if (!a->head_over)
		return 0;
	a->complete = true;
	a->status = parser->status_code;
	return 0;
}

/* len 0 = the peer closed the connection: some answers end so. False when what came is no HTTP, or
 * ends in the middle. */
static bool parser_feed(struct ask *a, const char *data, size_t len)
{
	static const http_parser_settings settings = {
		.on_message_begin = message_began,
		.on_headers_complete = head_ended,
		.on_body = body_came,
		.on_message_complete = message_ended,
	};
	http_parser *parser = parser_of(a);

	http_parser_execute(parser, &settings, data, len);
	a->bytes += len;
	/* What follows a whole answer is no part of it. */
	return a->complete || HTTP_PARSER_ERRNO(parser) == HPE_OK;
}

/* ---- the connection ---- */

static void question_send(struct ask *a);
static void peer_ready(struct io *io, int events, void *owner);

static void peer_watch(struct ask *a, int events)
{
	io_init(&a->io, a->all->loop, a->peer->fd, peer_ready, a);
	io_start(&a->io, events);
}

static void peer_connect(struct ask *a)
{
	struct ask_peer *p = a->peer;
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)p->port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	a->kept = false;
	if (fd < 0) {
		ask_fail(a, ERR_INTERNAL, "there is no socket for it");
		return;
	}
	p->fd = fd;
	p->open = p->connecting = true;
	if (connect(fd, (const struct sockaddr *)&at, sizeof(at)) && errno != EINPROGRESS) {
		ask_fail(a, ERR_UPSTREAM, "no connection");
		return;
	}
	peer_watch(a, IO_WRITE);
}

static void peer_connected(struct ask *a)
{
	int wrong = 0;
	socklen_t len = sizeof(wrong);

	if (getsockopt(a->peer->fd, SOL_SOCKET, SO_ERROR, &wrong, &len) || wrong) {
		ask_fail(a, ERR_UPSTREAM, "no connection");
		return;
	}
	a->peer->connecting = false;
	io_start(&a->io, IO_READ);
	question_send(a);
}

/* It broke. Who closes a kept connection may not have seen the question. */
static void peer_lost(struct ask *a)
{
	if (!a->kept || a->bytes > 0) {
		ask_fail(a, ERR_UPSTREAM, "the connection was lost before the answer was whole");
		return;
	}
	peer_shut(a->peer);
	peer_connect(a);
}

/* So short that it goes out at once or not at all. */
static void question_send(struct ask *a)
{
	char text[REQUEST_MAX];
	int len = snprintf(text, sizeof(text),
			   "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
			   "User-Agent: adit/" ADIT_VERSION "\r\n\r\n",
			   a->path, a->peer->port);
	ssize_t sent = send(a->peer->fd, text, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (sent != len)
		peer_lost(a);
}

/* ---- answers ---- */

static void answer_whole(struct ask *a)
{
	if (!http_should_keep_alive(parser_of(a)) || a->more)
		peer_shut(a->peer);
	ask_end(a);
}

static void answer_judge(struct ask *a, bool fine)
{
	if (fine && a->complete)
		answer_whole(a);
	else if (a->too_large || (a->head_over && a->bytes > HEAD_MOST + 2 * a->max_body))
		ask_fail(a, ERR_UPSTREAM, "the answer is too large");
	else if (!a->head_over && a->bytes > HEAD_MOST)
		ask_fail(a, ERR_UPSTREAM, "the header of the answer is too large");
	else if (!fine)
		ask_fail(a, ERR_UPSTREAM, "no HTTP answer");
}

static void answer_read(struct ask *a)
{
	ssize_t n = recv(a->peer->fd, a->all->data, READ_SIZE, MSG_DONTWAIT);

	if (n > 0)
		answer_judge(a, parser_feed(a, a->all->data, (size_t)n));
	else if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	else if (n == 0 && a->bytes > 0 && parser_feed(a, NULL, 0) && a->complete)
		answer_whole(a);
	else
		peer_lost(a);
}

static void peer_ready(struct io *io, int events, void *owner)
{
	struct ask *a = owner;

	(void)io;
	(void)events;
	if (a->peer->connecting)
		peer_connected(a);
	else
		answer_read(a);
}

/* ---- deadlines ---- */

static void timer_set(struct asker *k, int64_t at_ms)
{
	int64_t left = at_ms - clock_mono_ms();

	k->timer_ms = at_ms;
	timer_start(&k->timer, left > 0 ? left : 0);
}

static void deadline_came(struct timer *t, void *owner)
{
	struct asker *k = owner;
	int64_t now = clock_mono_ms(), next = INT64_MAX;

	(void)t;
	LIST_EACH (it, &k->flying) {
		struct ask *a = LIST_OF(it, struct ask, node);

		if (a->deadline_ms <= now)
			ask_fail(a, ERR_TIMEOUT,
				 a->peer->connecting ? "no connection in time"
						     : "no complete answer in time");
		else if (a->deadline_ms < next)
			next = a->deadline_ms;
	}
	if (next != INT64_MAX)
		timer_set(k, next);
}

/* ---- for owners ---- */

struct asker *asker_new(struct loop *l)
{
	struct asker *k = mem_alloc(sizeof(*k));

	k->loop = l;
	list_init(&k->flying);
	timer_init(&k->timer, l, deadline_came, k);
	return k;
}

void asker_free(struct asker *k)
{
	if (!k)
		return;
	assert(list_empty(&k->flying));
	free(k);
}

static bool path_valid(const char *path)
{
	size_t len = path ? strlen(path) : 0;

	for (size_t i = 0; i < len; i++)
		if (path[i] <= ' ' || path[i] > '~')
			return false;
	return len > 0 && *path == '/' && len < REQUEST_MAX / 2;
}

/* Nothing waits on its connection: neither its end nor what nobody asked for. */
static bool peer_quiet(const struct ask_peer *p)
{
	char any;

	return recv(p->fd, &any, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

static void ask_go(struct ask *a, int port)
{
	struct ask_peer *p = a->peer;

	if (port < 1 || port > UINT16_MAX || !path_valid(a->path)) {
		ask_fail(a, ERR_INVALID, "the port or the path cannot be asked");
		return;
	}
	if (p->open && (p->port != port || !peer_quiet(p)))
		peer_shut(p);
	p->port = (uint16_t)port;
	a->kept = p->open;
	if (!p->open) {
		peer_connect(a);
		return;
	}
	peer_watch(a, IO_READ);
	question_send(a);
}

void ask_start(struct asker *k, struct ask_peer *p, int port, struct ask *a, ask_done_fn *done,
	       void *owner)
{
	assert(!p->ask && !a->busy);
	a->done = done;
	a->owner = owner;
	a->busy = true;
	a->failed = ERR_NONE;
	a->why = NULL;
	deferred_init(&a->finish, k->loop, ask_ended, a);
	buf_free(&a->answer);
	a->status = 0;
	a->bytes = 0;
	a->head_over = a->complete = a->more = a->too_large = false;
	http_parser_init(parser_of(a), HTTP_RESPONSE);
	parser_of(a)->data = a;
	a->all = k;
	a->peer = p;
	p->ask = a;
	list_init(&a->node);
	list_append(&k->flying, &a->node);
	a->deadline_ms = clock_mono_ms() + a->timeout_ms;
	if (!timer_active(&k->timer) || a->deadline_ms < k->timer_ms)
		timer_set(k, a->deadline_ms);
	ask_go(a, port);
}

void ask_cancel(struct ask *a)
{
	if (a->peer) {
		peer_shut(a->peer);
		ask_leave(a);
	}
	deferred_stop(&a->finish);
	a->busy = false;
}

void ask_peer_close(struct ask_peer *p)
{
	if (p->ask)
		ask_cancel(p->ask);
	peer_shut(p);
}

void ask_reset(struct ask *a)
{
	assert(!a->busy);
	buf_free(&a->answer);
	memset(a, 0, sizeof(*a));
}
