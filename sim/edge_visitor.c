/*
 * Visitors: HTTP/1.1 of our own rather than loop/server, because a tunnel carries every header and
 * both bodies as they are. Keep-alive, no pipelining ahead of the answer; bodies stream.
 */
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/secret.h"
#include "sim/edge_private.h"

enum { LINK_FULL = 1 << 20, MOST_WAITING = 64 << 20, LINGER_MS = 1000 };

static void guest_doom(struct guest *g)
{
	g->doomed = true;
	io_stop(&g->io);
	edge_sweep_soon(g->edge);
}

/* The request has ended, well or not; its frames no longer concern us. */
static void guest_leave(struct guest *g)
{
	struct link *l = g->link;

	timer_stop(&g->timer);
	g->link = NULL;
	if (l)
		link_request_over(l);
}

void guest_free(struct guest *g)
{
	if (g->link)
		link_send(g->link, WIRE_CANCEL, g->id, NULL, 0);
	guest_leave(g);
	io_stop(&g->io);
	close(g->io.fd);
	buf_free(&g->in);
	buf_free(&g->head);
	buf_free(&g->out.bytes);
	list_remove(&g->node);
	free(g);
}

/* Reads the next request's head, or this one's body while its link has room. */
static void guest_watch(struct guest *g)
{
	bool full = g->link && outq_len(&g->link->out) >= LINK_FULL;
	int events = outq_len(&g->out) ? IO_WRITE : 0;

	if (g->state != GUEST_DELAYED && (g->state != GUEST_BODY || !full))
		events |= IO_READ;
	if (!g->doomed)
		io_start(&g->io, events);
}

/* What the peer still sends is read and dropped: closing over unread bytes resets the connection,
 * and the peer may lose the answer. */
static void guest_linger(struct guest *g)
{
	if (g->state != GUEST_CLOSING || outq_len(&g->out))
		return;
	g->state = GUEST_LINGER;
	shutdown(g->io.fd, SHUT_WR);
	timer_start(&g->timer, LINGER_MS);
}

static void guest_flush(struct guest *g)
{
	if (outq_flush(&g->out, g->io.fd) < 0 || outq_len(&g->out) > MOST_WAITING) {
		guest_doom(g);
		return;
	}
	guest_linger(g);
	guest_watch(g);
}

/* The answer is complete. A body that was not read to its end costs the connection. */
static void guest_done(struct guest *g)
{
	bool whole = g->state == GUEST_ANSWER;

	guest_leave(g);
	g->state = whole && g->keep ? GUEST_HEAD : GUEST_CLOSING;
	g->answering = false;
	guest_flush(g);
	/* The next request may be here already; by the timer, so that no chain of them nests. */
	if (g->state == GUEST_HEAD && g->in.len && !g->doomed)
		timer_start(&g->timer, 0);
}

/* The edge answers by itself. */
static void guest_say(struct guest *g, int status, const char *words, const char *body)
{
	if (status >= 500)
		g->edge->failures++;
	g->keep = g->keep && g->body.framing == HTTP1_NO_BODY;
	if (g->keep)
		g->state = GUEST_ANSWER;
	buf_printf(&g->out.bytes,
		   "HTTP/1.1 %d %s\r\nServer: adit-sim-edge\r\nContent-Type: text/plain\r\n"
		   "Content-Length: %zu\r\nConnection: %s\r\n\r\n%s",
		   status, words, strlen(body), g->keep ? "keep-alive" : "close",
		   g->head_only ? "" : body);
	guest_done(g);
}

/* The request fails where it is: an answer that has begun can only be cut. */
static void guest_fail(struct guest *g, int status, const char *words, const char *body)
{
	if (g->link)
		link_send(g->link, WIRE_CANCEL, g->id, NULL, 0);
	if (!g->answering) {
		guest_say(g, status, words, body);
		return;
	}
	g->edge->failures++;
	guest_leave(g);
	guest_doom(g);
}

/* ---- the request ---- */

/* The Host header: port off, lower case. */
static bool host_of(const struct guest *g, char *out, size_t size)
{
	if (!http1_header(buf_text(&g->head), g->head.len, "host", out, size) || !*out)
		return false;
	if (out[0] != '[' && strchr(out, ':'))
		*strchr(out, ':') = '\0';
	for (char *p = out; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	return true;
}

/* The head for the connector: one hop's headers off, the edge's own on. */
static void head_for_connector(const struct guest *g, struct buf *out)
{
	const char *head = g->head.data, *end = memmem(head, g->head.len, "\r\n", 2);
	struct http1_line l;

	buf_add(out, head, (size_t)(end - head) + 2);
	for (size_t at = 0; http1_next_line(head, g->head.len, &at, &l);)
		if (!http1_hop_by_hop(&l) && strncasecmp(l.start, "cf-", 3) != 0)
			buf_add(out, l.start, l.size);
	if (g->body.framing == HTTP1_CHUNKED)
		buf_str(out, "Transfer-Encoding: chunked\r\n");
	buf_printf(out,
		   "Cf-Ray: %016" PRIx64 "-SIM\r\nCf-Connecting-Ip: 127.0.0.1\r\n"
		   "X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\n\r\n",
		   random_u64());
}

static void guest_send_body(struct guest *g)
{
	struct http1_piece piece;

	do {
		if (http1_body_next(&g->body, buf_text(&g->in), g->in.len, &piece) < 0) {
			guest_fail(g, 400, "Bad Request", "the body's framing is broken\n");
			return;
		}
		for (size_t at = 0; at < piece.len; at += WIRE_PIECE) {
			size_t n = piece.len - at < WIRE_PIECE ? piece.len - at : WIRE_PIECE;

			link_send(g->link, WIRE_REQUEST_PART, g->id, piece.data + at, n);
		}
		buf_consume(&g->in, piece.used);
	} while (piece.used && !piece.done);
	if (!piece.done)
		return;
	g->state = GUEST_ANSWER;
	link_send(g->link, WIRE_REQUEST_END, g->id, NULL, 0);
}

static void guest_dispatch(struct guest *g)
{
	struct edge *e = g->edge;
	AUTO(buf_t) head = {0};
	AUTO(str_t) body = NULL;
	char host[300] = "";
	bool known = false;
	const char *tunnel;
	struct link *l;

	host_of(g, host, sizeof(host));
	tunnel = edge_tunnel_of(e, host, &known);
	if (!known) {
		body = str_format("This is the simulated edge of adit-sim: no name %s.\n", host);
		guest_say(g, 404, "Not Found", body);
		return;
	}
	l = *tunnel ? link_pick(e, tunnel) : NULL;
	if (!l) {
		guest_say(g, 530, "Argo Tunnel error", "error code: 1033");
		return;
	}
	g->link = l;
	l->open++;
	g->id = ++e->next_id ? e->next_id : ++e->next_id;
	g->state = GUEST_BODY;
	timer_start(&g->timer, e->timeout_ms);
	head_for_connector(g, &head);
	link_send(l, WIRE_REQUEST, g->id, head.data, head.len);
	guest_send_body(g);
}

/* What the head says of the connection and the body; false = it was refused. */
static bool guest_read_head(struct guest *g)
{
	const char *head = g->head.data, *end = memmem(head, g->head.len, "\r\n", 2);
	char value[128], host[300];

	g->old = end - head >= 8 && !memcmp(end - 8, "HTTP/1.0", 8);
	g->head_only = !strncmp(head, "HEAD ", 5);
	http1_header(head, g->head.len, "connection", value, sizeof(value));
	g->keep = g->old ? strcasestr(value, "keep-alive") != NULL : !strcasestr(value, "close");
	if (http1_body_init(&g->body, head, g->head.len, HTTP1_NO_BODY) < 0 || end - head < 14 ||
	    memcmp(end - 9, " HTTP/1.", 8) != 0 || !host_of(g, host, sizeof(host))) {
		g->keep = false;
		guest_say(g, 400, "Bad Request", "the simulated edge cannot read this request\n");
		return false;
	}
	if (http1_header(head, g->head.len, "expect", value, sizeof(value)))
		buf_str(&g->out.bytes, "HTTP/1.1 100 Continue\r\n\r\n");
	return true;
}

static void guest_begin(struct guest *g, size_t head_len)
{
	buf_reset(&g->head);
	buf_add(&g->head, g->in.data, head_len);
	buf_consume(&g->in, head_len);
	g->edge->requests++;
	g->body = (struct http1_body){0};
	if (!guest_read_head(g))
		return;
	if (g->edge->delay_ms) {
		g->state = GUEST_DELAYED;
		timer_start(&g->timer, g->edge->delay_ms);
	} else {
		guest_dispatch(g);
	}
}

/* Do what the bytes allow. */
static void guest_go_on(struct guest *g)
{
	size_t len;

	if (g->state == GUEST_BODY && g->link) {
		guest_send_body(g);
	} else if (g->state == GUEST_HEAD) {
		len = http1_head_len(buf_text(&g->in), g->in.len);
		if (len && len <= HTTP1_MAX_HEAD)
			guest_begin(g, len);
		else if (g->in.len > HTTP1_MAX_HEAD)
			guest_say(g, 431, "Request Header Fields Too Large", "too large\n");
	}
	if (!g->doomed)
		guest_watch(g);
}

static void guest_timer(struct timer *t, void *owner)
{
	struct guest *g = owner;

	(void)t;
	if (g->doomed)
		return;
	if (g->state == GUEST_DELAYED)
		guest_dispatch(g);
	else if (g->state == GUEST_HEAD)
		guest_go_on(g);
	else if (g->state == GUEST_LINGER)
		guest_doom(g);
	else if (g->link)
		guest_fail(g, 524, "A Timeout Occurred", "error code: 524");
	if (!g->doomed)
		guest_watch(g);
}

static void guest_ready(struct io *io, int events, void *owner)
{
	struct guest *g = owner;

	if (events & IO_READ) {
		int got = socket_fill(&g->in, io->fd);

		/* More than a head ahead of its turn is nothing that a browser does. */
		if (got == 0 || got == -2 ||
		    (g->state == GUEST_ANSWER && g->in.len > 4 * HTTP1_MAX_HEAD)) {
			guest_doom(g);
			return;
		}
		if (g->state == GUEST_CLOSING || g->state == GUEST_LINGER)
			buf_reset(&g->in);
		guest_go_on(g);
	}
	if (!g->doomed)
		guest_flush(g);
}

void guest_accept(struct edge *e, int fd)
{
	struct guest *g = mem_alloc(sizeof(*g));
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	g->edge = e;
	list_append(&e->guests, &g->node);
	timer_init(&g->timer, e->loop, guest_timer, g);
	io_init(&g->io, e->loop, fd, guest_ready, g);
	guest_watch(g);
}

/* ---- the answer ---- */

static void answer_head(struct guest *g, const struct wire_frame *f)
{
	char value[64];
	int status = f->len > 12 ? (int)strtol(f->payload + 9, NULL, 10) : 0;
	size_t len = http1_head_len(f->payload, f->len);

	if (len != f->len || status < 200 || g->answering) {
		guest_fail(g, 502, "Bad Gateway", "error code: 502");
		return;
	}
	if (status >= 500)
		g->edge->failures++;
	g->answering = true;
	g->chunked = !http1_header(f->payload, len, "content-length", value, sizeof(value)) &&
		     !g->head_only && status != 204 && status != 304;
	if (g->chunked && g->old) {
		g->chunked = false;
		g->keep = false;
	}
	buf_add(&g->out.bytes, f->payload, len - 2);
	buf_printf(&g->out.bytes, "%sConnection: %s\r\n\r\n",
		   g->chunked ? "Transfer-Encoding: chunked\r\n" : "",
		   g->keep ? "keep-alive" : "close");
}

static void answer_part(struct guest *g, const struct wire_frame *f)
{
	if (!g->answering || !f->len)
		return;
	if (g->chunked)
		buf_printf(&g->out.bytes, "%zx\r\n", f->len);
	buf_add(&g->out.bytes, f->payload, f->len);
	if (g->chunked)
		buf_str(&g->out.bytes, "\r\n");
}

static struct guest *guest_of(const struct link *l, uint32_t id)
{
	LIST_EACH (it, &l->edge->guests) {
		struct guest *g = LIST_OF(it, struct guest, node);

		if (g->link == l && g->id == id && !g->doomed)
			return g;
	}
	return NULL;
}

void guest_frame(struct link *l, const struct wire_frame *f)
{
	struct guest *g = guest_of(l, f->id);

	if (!g)
		return;
	timer_start(&g->timer, g->edge->timeout_ms);
	if (f->type == WIRE_RESPONSE) {
		answer_head(g, f);
	} else if (f->type == WIRE_RESPONSE_PART) {
		answer_part(g, f);
	} else if (f->type == WIRE_RESPONSE_END && g->answering) {
		if (g->chunked)
			buf_str(&g->out.bytes, "0\r\n\r\n");
		guest_done(g);
		return;
	} else {
		guest_fail(g, 502, "Bad Gateway", "error code: 502");
		return;
	}
	if (!g->doomed)
		guest_flush(g);
}

void guest_link_gone(struct link *l)
{
	LIST_EACH (it, &l->edge->guests) {
		struct guest *g = LIST_OF(it, struct guest, node);

		if (g->link != l)
			continue;
		l->open--;
		g->link = NULL;
		if (!g->doomed)
			guest_fail(g, 502, "Bad Gateway", "error code: 502");
	}
}

void guest_link_drained(struct link *l)
{
	LIST_EACH (it, &l->edge->guests) {
		struct guest *g = LIST_OF(it, struct guest, node);

		if (g->link == l && g->state == GUEST_BODY)
			guest_watch(g);
	}
}
