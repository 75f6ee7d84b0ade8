/*
 * The four connections to the edge. The first comes alone; when it is registered the others
 * follow in steps. A refusal or a loss is retried for ever, as in real life, with a backoff whose
 * exponent --retries caps. What plays QUIC notices silence; what plays HTTP/2 does not.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sim/stub/stub.h"

enum { RPC_MS = 5000, IDLE_MS = 5000, PING_MS = 1000 };

static bool plays_quic(const struct stub *s)
{
	return !strcmp(s->protocol, "quic");
}

int links_up(const struct stub *s)
{
	int n = 0;

	for (int i = 0; i < LINKS; i++)
		n += s->links[i].state == LINK_UP && !s->links[i].closing;
	return n;
}

bool links_wait(const struct stub *s)
{
	for (int i = 0; i < LINKS; i++)
		if (s->links[i].state == LINK_HELLO)
			return true;
	return false;
}

bool links_closed(const struct stub *s)
{
	for (int i = 0; i < LINKS; i++)
		if (s->links[i].fd >= 0)
			return false;
	return true;
}

static void link_say(struct stub *s, const struct link *l, const char *message, const char *error)
{
	const struct kv kv[] = {{"connIndex", NULL, l->index},
				{"event", NULL, 0},
				{"ip", "127.0.0.1", 0},
				error ? (struct kv){"error", error, 0} : (struct kv){0},
				{0}};

	log_say(&s->log, links_up(s) ? LEVEL_WARN : LEVEL_ERROR, message, kv);
}

static void link_reset(struct stub *s, struct link *l)
{
	origin_cancel(s, l->index, 0);
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
	l->state = LINK_IDLE;
	l->closing = false;
	bytes_free(&l->in);
	bytes_free(&l->out);
}

/* Try again after a delay drawn from the next step of the backoff. */
static void link_retry(struct stub *s, struct link *l)
{
	int exponent = l->attempts < s->retries ? l->attempts : s->retries;
	int64_t most =
		(plays_quic(s) ? 2000 : 10000) * ((int64_t)1 << (exponent < 16 ? exponent : 16));
	char message[64];
	const struct kv kv[] = {
		{"connIndex", NULL, l->index}, {"event", NULL, 0}, {"ip", "127.0.0.1", 0}, {0}};

	link_reset(s, l);
	if (s->stopping_at) {
		l->at = INT64_MAX;
		return;
	}
	l->attempts++;
	snprintf(message, sizeof(message), "Retrying connection in up to %llds",
		 (long long)(most / 1000));
	log_say(&s->log, LEVEL_INFO, message, kv);
	most = most * s->mode.backoff_percent / 100;
	l->at = now_ms() + (int64_t)(random_number() % (uint64_t)(most > 0 ? most + 1 : 1));
}

static void link_lost(struct stub *s, struct link *l, const char *why)
{
	bool was_up = l->state == LINK_UP;

	if (l->closing || s->stopping_at) {
		const struct kv kv[] = {{"connIndex", NULL, l->index},
					{"event", NULL, 0},
					{"ip", "127.0.0.1", 0},
					{0}};

		if (was_up)
			log_say(&s->log, LEVEL_INFO, "Unregistered tunnel connection", kv);
		link_reset(s, l);
		l->at = INT64_MAX;
		return;
	}
	l->state = LINK_IDLE; /* so that the level counts the others */
	if (was_up) {
		if (!plays_quic(s))
			link_say(s, l, "Lost connection with the edge", NULL);
		link_say(s, l, "Serve tunnel error", why);
		link_say(s, l, "Connection terminated", why);
	} else {
		link_say(s, l,
			 plays_quic(s) ? "Failed to dial a quic connection"
				       : "Unable to establish connection with Cloudflare edge",
			 why);
	}
	link_retry(s, l);
}

void link_send(struct stub *s, int index, enum wire_type type, uint32_t id, const void *payload,
	       size_t len)
{
	struct link *l = &s->links[index];
	unsigned char head[WIRE_HEAD];

	if (l->fd < 0 || s->mode.dead)
		return;
	wire_head(head, type, id, len);
	bytes_add(&l->out, head, sizeof(head));
	if (len)
		bytes_add(&l->out, payload, len);
}

static void say_hello(struct stub *s, struct link *l)
{
	char text[1024];
	int n = snprintf(text, sizeof(text), "%s\n%s\n%s\n%s\n%d\n%s\n", s->token.account,
			 s->token.tunnel, s->token.secret, s->connector_id, l->index, STUB_VERSION);

	l->state = LINK_HELLO;
	link_send(s, l->index, WIRE_HELLO, 0, text,
		  (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

static void send_running(struct stub *s, int index)
{
	char text[32];
	int64_t version = s->mode.report ? s->mode.report_version : s->rules.version;
	int n = snprintf(text, sizeof(text), "%lld", (long long)version);

	link_send(s, index, WIRE_RUNNING, 0, text, (size_t)n);
}

void links_running(struct stub *s)
{
	for (int i = 0; i < LINKS; i++)
		if (s->links[i].state == LINK_UP)
			send_running(s, i);
}

static void link_unregister(struct stub *s, struct link *l)
{
	link_send(s, l->index, WIRE_UNREGISTER, 0, NULL, 0);
	l->closing = true;
}

static void link_registered(struct stub *s, struct link *l, const struct wire_frame *f)
{
	char location[32];
	int64_t now = now_ms();
	const struct kv kv[] = {{"connIndex", NULL, l->index},
				{"connection", s->connector_id, 0},
				{"event", NULL, 0},
				{"ip", "127.0.0.1", 0},
				{"location", location, 0},
				{"protocol", s->protocol, 0},
				{0}};

	snprintf(location, sizeof(location), "%.*s", at_most(f->len, 31), f->payload);
	l->state = LINK_UP;
	l->attempts = 0;
	s->registered++;
	log_say(&s->log, LEVEL_INFO, "Registered tunnel connection", kv);
	stub_registered(s);
	if (s->stopping_at) /* it was on its way when the signal came */
		link_unregister(s, l);
	for (int i = 1; i < LINKS && !l->index; i++)
		if (s->links[i].fd < 0 && s->links[i].at == INT64_MAX)
			s->links[i].at = now + (i - 1) * s->mode.step_ms;
}

/* By QUIC the edge's words are lost on the way to the log. */
static void say_refused(struct stub *s, const struct link *l, const char *words)
{
	static const char masked[] = "control stream encountered a failure while serving";

	if (plays_quic(s)) {
		link_say(s, l, "failed to serve tunnel connection", masked);
		link_say(s, l, "Serve tunnel error", masked);
	} else {
		link_say(s, l, "Register tunnel error from server side", words);
	}
}

/* Permanent or not, only HTTP/2's first connection gives up, and not on Unauthorized. */
static void link_refused(struct stub *s, struct link *l, const struct wire_frame *f)
{
	const char *line = memchr(f->payload, '\n', f->len);
	char words[256];

	if (!line)
		line = f->payload - 1;
	snprintf(words, sizeof(words), "%.*s",
		 at_most(f->len - (size_t)(line + 1 - f->payload), 255), line + 1);
	s->refused++;
	l->state = LINK_IDLE;
	say_refused(s, l, words);
	if (!s->was_ready && !plays_quic(s) && strncmp(words, "Unauthorized", 12) != 0) {
		log_text(&s->log, LEVEL_ERROR, "Initiating shutdown");
		die(1, "%s", words);
	}
	link_retry(s, l);
}

static void take_mode(struct stub *s, const struct wire_frame *f)
{
	char text[512], *value;

	snprintf(text, sizeof(text), "%.*s", at_most(f->len, 511), f->payload);
	value = strchr(text, ' ');
	if (value)
		*value++ = '\0';
	mode_set(s, text, value ? value : "1");
}

/* false = the edge talks nonsense. */
static bool take_frame(struct stub *s, struct link *l, const struct wire_frame *f)
{
	switch (f->type) {
	case WIRE_CONFIG:
		rules_push(s, f->payload, f->len);
		return true;
	case WIRE_REQUEST:
		origin_request(s, l->index, f->id, f->payload, f->len);
		return true;
	case WIRE_REQUEST_PART:
		origin_part(s, l->index, f->id, f->payload, f->len);
		return true;
	case WIRE_REQUEST_END:
		origin_end(s, l->index, f->id);
		return true;
	case WIRE_CANCEL:
		if (f->id)
			origin_cancel(s, l->index, f->id);
		return true;
	case WIRE_MODE:
		take_mode(s, f);
		return true;
	case WIRE_PONG:
		return true;
	default:
		return false;
	}
}

/* The buffer may be gone after a frame: a refusal or a mode ends the connection. */
static void take_frames(struct stub *s, struct link *l)
{
	struct wire_frame f;
	int got = 0, fd = l->fd;

	while (l->fd == fd && (got = wire_read(bytes_at(&l->in), l->in.len, &f)) > 0) {
		bool fine = true;

		if (s->mode.dead && f.type != WIRE_MODE)
			;
		else if (l->state == LINK_HELLO && f.type == WIRE_OK)
			link_registered(s, l, &f);
		else if (l->state == LINK_HELLO && f.type == WIRE_REFUSED)
			link_refused(s, l, &f);
		else
			fine = take_frame(s, l, &f);
		if (!fine)
			link_lost(s, l, "control stream encountered a failure while serving");
		if (l->fd == fd)
			bytes_take(&l->in, f.size);
	}
	if (got < 0 && l->fd == fd)
		link_lost(s, l, "control stream encountered a failure while serving");
}

static void link_connected(struct stub *s, struct link *l)
{
	int error = 0, on = 1;
	socklen_t len = sizeof(error);
	char why[128];

	getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error) {
		snprintf(why, sizeof(why), "dial tcp %s: connect: connection refused",
			 s->token.edge);
		link_lost(s, l, why);
		return;
	}
	setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	say_hello(s, l);
}

static void link_ready(struct stub *s, void *item, int fd, short events)
{
	struct link *l = item;
	int got;

	if (l->fd != fd)
		return;
	if (l->state == LINK_CONNECTING) {
		link_connected(s, l);
		return;
	}
	if (events & (POLLIN | POLLHUP | POLLERR)) {
		got = bytes_fill(&l->in, fd);
		if (got == 0 || got == -2) {
			link_lost(s, l,
				  plays_quic(s) ? "timeout: no recent network activity"
						: "connection with edge closed");
			return;
		}
		l->heard = now_ms();
		take_frames(s, l);
	}
	if (l->fd == fd && bytes_drain(&l->out, fd) < 0)
		link_lost(s, l, "connection with edge closed");
}

/* "127.0.0.1:port"; false when the token names no edge that can be reached. */
static bool edge_address(const struct stub *s, struct sockaddr_in *out)
{
	char host[64];
	const char *colon = s->token.edge ? strrchr(s->token.edge, ':') : NULL;

	*out = (struct sockaddr_in){.sin_family = AF_INET};
	if (!colon || (size_t)(colon - s->token.edge) >= sizeof(host))
		return false;
	snprintf(host, sizeof(host), "%.*s", (int)(colon - s->token.edge), s->token.edge);
	out->sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
	return inet_pton(AF_INET, host, &out->sin_addr) == 1;
}

static void link_open(struct stub *s, struct link *l)
{
	struct sockaddr_in to;

	l->at = l->heard = l->pinged = now_ms();
	if (!edge_address(s, &to) || s->mode.never_ready ||
	    (s->mode.quic_blocked && plays_quic(s))) {
		link_lost(s, l,
			  plays_quic(s) ? "failed to dial to edge with quic: timeout: no recent "
					  "network activity"
					: "DialContext error: dial tcp: i/o timeout");
		return;
	}
	l->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	l->state = LINK_CONNECTING;
	if (l->fd < 0 ||
	    (connect(l->fd, (struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS))
		link_lost(s, l, "dial tcp: connect: network is unreachable");
}

void links_init(struct stub *s)
{
	for (int i = 0; i < LINKS; i++)
		s->links[i] = (struct link){.fd = -1, .index = i, .at = INT64_MAX};
}

void links_start(struct stub *s)
{
	s->links[0].at = now_ms() + s->mode.ready_after_ms;
}

static int64_t ping_at(const struct link *l)
{
	return (l->heard > l->pinged ? l->heard : l->pinged) + PING_MS;
}

void links_prepare(struct stub *s)
{
	for (int i = 0; i < LINKS; i++) {
		struct link *l = &s->links[i];

		if (l->fd < 0 && l->at != INT64_MAX)
			wake_by(s, l->at);
		if (l->fd < 0)
			continue;
		watch(s, l->fd,
		      l->state == LINK_CONNECTING ? POLLOUT
						  : (short)(POLLIN | (l->out.len ? POLLOUT : 0)),
		      link_ready, l);
		if (plays_quic(s) && !s->mode.dead)
			wake_by(s, l->state == LINK_UP ? ping_at(l) : l->heard + RPC_MS);
	}
}

/* The silence that QUIC notices; HTTP/2 waits for ever, an answer to its registration too. */
static void link_tick_quic(struct stub *s, struct link *l, int64_t now)
{
	if (s->mode.dead)
		return;
	if (l->state == LINK_UP && now >= ping_at(l)) {
		link_send(s, l->index, WIRE_PING, 0, NULL, 0);
		l->pinged = now;
	}
	if (now - l->heard >= (l->state == LINK_UP ? IDLE_MS : RPC_MS))
		link_lost(s, l, "timeout: no recent network activity");
}

void links_tick(struct stub *s)
{
	int64_t now = now_ms();

	for (int i = 0; i < LINKS; i++) {
		struct link *l = &s->links[i];

		if (l->fd < 0 && l->at <= now && !s->stopping_at)
			link_open(s, l);
		else if (l->fd >= 0 && plays_quic(s))
			link_tick_quic(s, l, now);
	}
}

void links_flap(struct stub *s)
{
	int64_t now = now_ms(), every = s->mode.quic_flap_ms;

	if (!every || !plays_quic(s))
		return;
	if (!s->flapped_at)
		s->flapped_at = now;
	wake_by(s, s->flapped_at + every);
	if (now < s->flapped_at + every)
		return;
	s->flapped_at = now;
	for (int i = LINKS - 1; i >= 0; i--)
		if (s->links[i].state == LINK_UP)
			link_lost(s, &s->links[i],
				  "failed to accept QUIC stream: timeout: no recent network "
				  "activity");
}

void links_lose(struct stub *s, int n, int64_t back_ms)
{
	for (int i = LINKS - 1; i >= 0 && n > 0; i--) {
		struct link *l = &s->links[i];

		if (l->fd < 0)
			continue;
		link_lost(s, l, "connection with edge closed");
		n--;
	}
	for (int i = 0; i < LINKS && back_ms >= 0; i++)
		if (s->links[i].fd < 0 && s->links[i].at != INT64_MAX)
			s->links[i].at = now_ms() + back_ms;
}

void links_unregister(struct stub *s)
{
	for (int i = 0; i < LINKS; i++) {
		struct link *l = &s->links[i];

		if (l->state == LINK_UP) {
			link_unregister(s, l);
		} else if (l->state != LINK_HELLO) {
			link_reset(s, l);
			l->at = INT64_MAX;
		}
	}
}
