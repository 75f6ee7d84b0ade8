/*
 * Requests that came in by a connection, on their way to an origin and back: matched against the
 * rules, sent on with "Connection: close", the answer's body passed in pieces. An origin that
 * cannot be reached is a 502 and the log line that people know.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "sim/stub/stub.h"

enum { MOST_WAITING = 32 << 20, LINK_FULL = 4 << 20, CONNECT_MS = 30000 };

static struct stream *find(struct stub *s, int link, uint32_t id)
{
	for (size_t i = 0; i < s->n_streams; i++)
		if (s->streams[i].used && s->streams[i].link == link && s->streams[i].id == id)
			return &s->streams[i];
	return NULL;
}

static struct stream *find_free(struct stub *s)
{
	for (size_t i = 0; i < s->n_streams; i++)
		if (!s->streams[i].used)
			return &s->streams[i];
	if (s->n_streams == MAX_STREAMS)
		return NULL;
	s->streams[s->n_streams].fd = -1;
	return &s->streams[s->n_streams++];
}

int origins_open(const struct stub *s)
{
	int n = 0;

	for (size_t i = 0; i < s->n_streams; i++)
		n += s->streams[i].used;
	return n;
}

static void stream_end(struct stream *st)
{
	if (st->fd >= 0)
		close(st->fd);
	bytes_free(&st->in);
	bytes_free(&st->out);
	*st = (struct stream){.fd = -1};
}

static void answer(struct stub *s, int link, uint32_t id, int status, const char *words,
		   const char *type, const char *body)
{
	char head[256];
	int n = snprintf(head, sizeof(head),
			 "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n",
			 status, words, type, strlen(body));

	link_send(s, link, WIRE_RESPONSE, id, head, (size_t)n);
	if (*body)
		link_send(s, link, WIRE_RESPONSE_PART, id, body, strlen(body));
	link_send(s, link, WIRE_RESPONSE_END, id, NULL, 0);
}

static void origin_failed(struct stub *s, struct stream *st, const char *why)
{
	char error[512];
	const struct kv kv[] = {{"connIndex", NULL, st->link},
				{"error", error, 0},
				{"event", NULL, 1},
				{"ingressRule", NULL, st->rule},
				{"originService", st->service, 0},
				st->ray[0] ? (struct kv){"cfRay", st->ray, 0} : (struct kv){0},
				{0}};

	snprintf(error, sizeof(error),
		 "Unable to reach the origin service. The service may be down or it may not be "
		 "responding to traffic from cloudflared: %s",
		 why);
	log_say(&s->log, LEVEL_ERROR, NULL, kv);
	s->request_errors++;
	if (st->answered)
		link_send(s, st->link, WIRE_CANCEL, st->id, NULL, 0);
	else
		answer(s, st->link, st->id, 502, "Bad Gateway", "text/plain", "error code: 502");
	stream_end(st);
}

/* ---- the request ---- */

struct place {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr_un unix_path;
	} at;
	socklen_t len;
	char text[128]; /* as Go prints it */
};

static bool place_of_host(const char *host, unsigned port, struct place *out)
{
	const char *literal = strcmp(host, "localhost") ? host : "127.0.0.1";

	if (inet_pton(AF_INET, literal, &out->at.v4.sin_addr) == 1) {
		out->at.v4.sin_family = AF_INET;
		out->at.v4.sin_port = htons((uint16_t)port);
		out->len = sizeof(out->at.v4);
		snprintf(out->text, sizeof(out->text), "dial tcp %.100s:%u", literal, port);
		return true;
	}
	if (inet_pton(AF_INET6, literal, &out->at.v6.sin6_addr) == 1) {
		out->at.v6.sin6_family = AF_INET6;
		out->at.v6.sin6_port = htons((uint16_t)port);
		out->len = sizeof(out->at.v6);
		snprintf(out->text, sizeof(out->text), "dial tcp [%.100s]:%u", literal, port);
		return true;
	}
	return false;
}

/* Where a service is: scheme://host:port or unix:/path; false with the reason. */
static bool place_of(const char *service, struct place *out, char *why, size_t size)
{
	const char *at = strstr(service, "://");
	char host[256];
	size_t n;
	unsigned port;

	*out = (struct place){0};
	if (!strncmp(service, "unix:", 5)) {
		out->at.unix_path.sun_family = AF_UNIX;
		snprintf(out->at.unix_path.sun_path, sizeof(out->at.unix_path.sun_path), "%s",
			 service + 5);
		out->len = sizeof(out->at.unix_path);
		snprintf(out->text, sizeof(out->text), "dial unix %.100s", service + 5);
		return true;
	}
	if (!at || (strncmp(service, "http://", 7) && strncmp(service, "ws://", 5))) {
		snprintf(why, size, "the stub speaks plain HTTP only, not to %.200s", service);
		return false;
	}
	at += 3;
	n = *at == '[' ? strcspn(at, "]") : strcspn(at, ":/");
	snprintf(host, sizeof(host), "%.*s", at_most(n - (*at == '['), 255), at + (*at == '['));
	at += n + (*at == '[');
	port = *at == ':' ? (unsigned)strtoul(at + 1, NULL, 10) : 80;
	if (place_of_host(host, port, out))
		return true;
	snprintf(why, size, "dial tcp: lookup %.200s: no such host", host);
	return false;
}

/* The head for the origin: hop-by-hop headers are gone already, the Host header may be ours. */
static void send_head(struct stream *st, const char *head, size_t len, const char *host_header)
{
	struct http1_line l;
	const char *end = memmem(head, len, "\r\n", 2);

	bytes_add(&st->out, head, (size_t)(end - head) + 2);
	for (size_t at = 0; http1_next_line(head, len, &at, &l);) {
		if (http1_name_is(&l, "connection"))
			continue;
		if (http1_name_is(&l, "host") && *host_header)
			bytes_printf(&st->out, "Host: %s\r\n", host_header);
		else
			bytes_add(&st->out, l.start, l.size);
	}
	bytes_printf(&st->out, "Connection: close\r\n\r\n");
}

static void dial(struct stub *s, struct stream *st, const char *head, size_t len,
		 const char *host_header)
{
	struct place place;
	char why[256], value[64];

	if (!place_of(st->service, &place, why, sizeof(why))) {
		origin_failed(s, st, why);
		return;
	}
	send_head(st, head, len, host_header);
	st->chunked_up = http1_header(head, len, "transfer-encoding", value, sizeof(value));
	st->fd = socket(place.at.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	st->connecting = true;
	st->started = now_ms();
	if (st->fd < 0 || (connect(st->fd, &place.at.any, place.len) < 0 && errno != EINPROGRESS)) {
		snprintf(why, sizeof(why), "%s: connect: %s", place.text,
			 errno == ECONNREFUSED ? "connection refused"
					       : "no such file or directory");
		origin_failed(s, st, why);
	}
}

static void serve(struct stub *s, struct stream *st, const struct rule *rule, const char *head,
		  size_t len)
{
	int status;

	if (!rule) {
		answer(s, st->link, st->id, 503, "Service Unavailable", "text/plain", "");
		s->codes[503]++;
	} else if (sscanf(rule->service, "http_status:%d", &status) == 1 && status >= 100 &&
		   status < 600) {
		answer(s, st->link, st->id, status, "Status", "text/plain", "");
		s->codes[status]++;
	} else if (!strcmp(rule->service, "hello_world") || !strcmp(rule->service, "hello-world")) {
		answer(s, st->link, st->id, 200, "OK", "text/html",
		       "<!DOCTYPE html><title>Cloudflare Tunnel Connection</title>"
		       "<h1>Congrats! You created a tunnel!</h1>");
		s->codes[200]++;
	} else {
		snprintf(st->service, sizeof(st->service), "%s", rule->service);
		dial(s, st, head, len, rule->host_header);
		return;
	}
	stream_end(st);
}

void origin_request(struct stub *s, int link, uint32_t id, const char *head, size_t len)
{
	struct stream *st = find_free(s);
	char host[512], target[2048];
	const char *space = memchr(head, ' ', len);
	size_t n;

	s->requests++;
	if (!st || !space || http1_head_len(head, len) != len) {
		answer(s, link, id, st ? 400 : 503, "Refused", "text/plain", "");
		return;
	}
	*st = (struct stream){.fd = -1, .used = true, .link = link, .id = id};
	snprintf(st->method, sizeof(st->method), "%.*s", at_most((size_t)(space - head), 15), head);
	n = strcspn(space + 1, " ?#\r");
	snprintf(target, sizeof(target), "%.*s", at_most(n, 2047), space + 1);
	http1_header(head, len, "cf-ray", st->ray, sizeof(st->ray));
	http1_header(head, len, "host", host, sizeof(host));
	if (host[0] != '[' && strchr(host, ':'))
		*strchr(host, ':') = '\0';
	serve(s, st, rules_match(&s->rules, host, target, &st->rule), head, len);
}

void origin_part(struct stub *s, int link, uint32_t id, const char *data, size_t len)
{
	struct stream *st = find(s, link, id);

	if (!st || !len)
		return;
	if (st->chunked_up)
		bytes_printf(&st->out, "%zx\r\n", len);
	bytes_add(&st->out, data, len);
	if (st->chunked_up)
		bytes_add(&st->out, "\r\n", 2);
	if (st->out.len > MOST_WAITING)
		origin_failed(s, st, "the origin does not read its request");
}

void origin_end(struct stub *s, int link, uint32_t id)
{
	struct stream *st = find(s, link, id);

	if (st && st->chunked_up)
		bytes_add(&st->out, "0\r\n\r\n", 5);
}

void origin_cancel(struct stub *s, int link, uint32_t id)
{
	for (size_t i = 0; i < s->n_streams; i++) {
		struct stream *st = &s->streams[i];

		if (st->used && st->link == link && (!id || st->id == id))
			stream_end(st);
	}
}

/* ---- the answer ---- */

static void pass_head(struct stub *s, struct stream *st, size_t len)
{
	const char *head = bytes_at(&st->in), *end = memmem(head, len, "\r\n", 2);
	struct bytes out = {0};
	struct http1_line l;
	int status = 0;

	sscanf(head, "HTTP/%*d.%*d %d", &status);
	if (status < 100 || status > 599 ||
	    http1_body_init(&st->body, head, len, HTTP1_UNTIL_CLOSE) < 0) {
		origin_failed(s, st,
			      "net/http: HTTP/1.x transport connection broken: malformed "
			      "HTTP response");
		return;
	}
	if (!strcmp(st->method, "HEAD") || status == 204 || status == 304)
		st->body.framing = HTTP1_NO_BODY;
	bytes_add(&out, head, (size_t)(end - head) + 2);
	for (size_t at = 0; http1_next_line(head, len, &at, &l);)
		if (!http1_hop_by_hop(&l))
			bytes_add(&out, l.start, l.size);
	bytes_add(&out, "\r\n", 2);
	bytes_take(&st->in, len);
	/* An interim answer (100, 103) is dropped; the real one follows. */
	if (status >= 200) {
		s->codes[status]++;
		st->answered = true;
		link_send(s, st->link, WIRE_RESPONSE, st->id, bytes_at(&out), out.len);
	}
	bytes_free(&out);
}

static void pass_body(struct stub *s, struct stream *st)
{
	struct http1_piece piece;

	do {
		if (http1_body_next(&st->body, bytes_at(&st->in), st->in.len, &piece) < 0) {
			origin_failed(s, st, "malformed chunked encoding");
			return;
		}
		if (piece.len)
			link_send(s, st->link, WIRE_RESPONSE_PART, st->id, piece.data, piece.len);
		bytes_take(&st->in, piece.used);
	} while (piece.used && !piece.done);
	if (piece.done) {
		link_send(s, st->link, WIRE_RESPONSE_END, st->id, NULL, 0);
		stream_end(st);
	}
}

static void take_answer(struct stub *s, struct stream *st)
{
	size_t len;

	while (st->used && !st->answered) {
		len = http1_head_len(bytes_at(&st->in), st->in.len);
		if (!len && st->in.len > HTTP1_MAX_HEAD)
			origin_failed(s, st, "net/http: server response headers exceeded limit");
		if (!len)
			return;
		pass_head(s, st, len);
	}
	if (st->used)
		pass_body(s, st);
}

static void origin_closed(struct stub *s, struct stream *st, int got)
{
	if (st->answered && st->body.framing == HTTP1_UNTIL_CLOSE && !got) {
		link_send(s, st->link, WIRE_RESPONSE_END, st->id, NULL, 0);
		stream_end(st);
	} else {
		origin_failed(s, st, got ? "read: connection reset by peer" : "EOF");
	}
}

static bool connected(struct stub *s, struct stream *st)
{
	int error = 0;
	socklen_t len = sizeof(error);
	struct place place;
	char why[256] = "";

	getsockopt(st->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	st->connecting = false;
	if (!error)
		return true;
	if (place_of(st->service, &place, why, sizeof(why)))
		snprintf(why, sizeof(why), "%s: connect: %s", place.text,
			 error == ECONNREFUSED ? "connection refused" : "no route to host");
	origin_failed(s, st, why);
	return false;
}

static void stream_ready(struct stub *s, void *item, int fd, short events)
{
	struct stream *st = item;
	int got;

	if (st->fd != fd || (st->connecting && !connected(s, st)))
		return;
	/* An origin may answer and close before it has read all: its answer counts. */
	if (bytes_drain(&st->out, fd) < 0)
		bytes_free(&st->out);
	if (!(events & (POLLIN | POLLHUP | POLLERR)))
		return;
	got = bytes_fill(&st->in, fd);
	if (got == 1)
		take_answer(s, st);
	else if (got != -1)
		origin_closed(s, st, got);
}

void origins_prepare(struct stub *s)
{
	for (size_t i = 0; i < s->n_streams; i++) {
		struct stream *st = &s->streams[i];
		short events = 0;

		if (st->fd < 0 || !st->used)
			continue;
		if (st->connecting || st->out.len)
			events |= POLLOUT;
		/* A slow edge holds the origin back. */
		if (!st->connecting && s->links[st->link].out.len < LINK_FULL)
			events |= POLLIN;
		watch(s, st->fd, events, stream_ready, st);
		if (st->connecting)
			wake_by(s, st->started + CONNECT_MS);
	}
}

void origins_tick(struct stub *s)
{
	int64_t now = now_ms();

	for (size_t i = 0; i < s->n_streams; i++) {
		struct stream *st = &s->streams[i];

		if (st->used && st->connecting && now - st->started >= CONNECT_MS)
			origin_failed(s, st, "dial tcp: i/o timeout");
	}
}
