/* The edge's side of a connector's connection: registration, configuration, frames. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sim/edge_private.h"

enum { LINK_FULL = 1 << 20 };

void link_doom(struct link *l)
{
	l->doomed = true;
	io_stop(&l->io);
	edge_sweep_soon(l->edge);
}

void link_free(struct link *l)
{
	guest_link_gone(l);
	if (l->registered)
		cloud_edge_unregister(l->edge->cloud, l->tunnel, l->connector, l->index);
	timer_stop(&l->answer);
	free(l->hello);
	io_stop(&l->io);
	close(l->io.fd);
	buf_free(&l->in);
	buf_free(&l->out.bytes);
	list_remove(&l->node);
	free(l);
}

void link_watch(struct link *l)
{
	int events = IO_READ | (outq_len(&l->out) ? IO_WRITE : 0);

	if (!l->doomed)
		io_start(&l->io, edge_frozen(l->edge, l->tunnel) ? 0 : events);
}

void link_half_open(struct link *l)
{
	if (l->registered)
		cloud_edge_unregister(l->edge->cloud, l->tunnel, l->connector, l->index);
	l->registered = false;
	l->lost = true;
	timer_stop(&l->answer);
	guest_link_gone(l);
}

void link_send(struct link *l, enum wire_type type, uint32_t id, const void *data, size_t len)
{
	unsigned char head[WIRE_HEAD];

	if (l->doomed || l->lost)
		return;
	wire_head(head, type, id, len);
	buf_add(&l->out.bytes, head, sizeof(head));
	buf_add(&l->out.bytes, data, len);
	link_watch(l);
}

bool link_matches(const struct link *l, const struct json *which)
{
	const char *tunnel = json_get_string(which, "tunnel");
	const char *connector = json_get_string(which, "connector");

	return (!tunnel || str_equal(tunnel, l->tunnel)) &&
	       (!connector || str_equal(connector, l->connector)) &&
	       json_get_int(which, "index", l->index) == l->index;
}

static bool link_serves(const struct link *l, const char *tunnel)
{
	return l->registered && !l->draining && !l->doomed && str_equal(l->tunnel, tunnel);
}

struct link *link_pick(struct edge *e, const char *tunnel)
{
	size_t n = 0, wanted;

	LIST_EACH (it, &e->links)
		n += link_serves(LIST_OF(it, struct link, node), tunnel);
	if (!n)
		return NULL;
	wanted = e->turn++ % n;
	LIST_EACH (it, &e->links) {
		struct link *l = LIST_OF(it, struct link, node);

		if (link_serves(l, tunnel) && !wanted--)
			return l;
	}
	return NULL;
}

void link_request_over(struct link *l)
{
	l->open--;
	if (l->draining && !l->open)
		link_doom(l);
}

/* ---- configuration ---- */

static void digest_text(struct buf *out, const char *text, char end)
{
	for (; text && *text; text++)
		buf_char(out, (unsigned char)*text < 0x20 ? '?' : *text);
	buf_char(out, end);
}

static int digest(const char *config, struct buf *out)
{
	AUTO(json_doc_t) doc = NULL;
	struct err err;

	if (json_parse(config, strlen(config), NULL, &doc, &err) < 0)
		return -1;
	JSON_EACH (rule, json_get(json_root(doc), "ingress")) {
		const struct json *origin = json_get(rule, "originRequest");

		digest_text(out, json_get_string(rule, "hostname"), '\t');
		digest_text(out, json_get_string(rule, "path"), '\t');
		digest_text(out, json_get_string(rule, "service"), '\t');
		digest_text(out, json_get_string(origin, "httpHostHeader"), '\n');
	}
	return 0;
}

void link_push_config(struct link *l)
{
	AUTO(buf_t) rules = {0};
	AUTO(buf_t) all = {0};
	int64_t version;
	const char *config = cloud_edge_config(l->edge->cloud, l->tunnel, &version);

	if (!config || digest(config, &rules) < 0)
		return;
	buf_printf(&all, "%lld\n%zu\n", (long long)version, rules.len);
	buf_str(&all, buf_text(&rules));
	buf_str(&all, config);
	link_send(l, WIRE_CONFIG, 0, all.data, all.len);
}

/* ---- registration ---- */

static void link_refuse(struct link *l, const char *words, bool permanent)
{
	AUTO(buf_t) text = {0};

	l->edge->refused++;
	buf_printf(&text, "%s\n%s", permanent ? "permanent" : "retry", words);
	link_send(l, WIRE_REFUSED, 0, text.data, text.len);
	l->draining = true;
	outq_flush(&l->out, l->io.fd);
	link_doom(l);
}

/* An older connection of the same connector and index has been replaced: it goes silently. */
static void supersede(const struct link *l)
{
	LIST_EACH (it, &l->edge->links) {
		struct link *old = LIST_OF(it, struct link, node);

		if (old == l || !old->registered || old->index != l->index ||
		    !str_equal(old->connector, l->connector))
			continue;
		old->registered = false;
		link_doom(old);
	}
}

/* A refusal that was ordered by command. */
static bool link_ordered_away(struct link *l)
{
	struct refusal *r = &l->edge->refusal;

	if (!r->words || !r->times || (r->tunnel && !str_equal(r->tunnel, l->tunnel)))
		return false;
	if (r->times > 0)
		r->times--;
	if (*r->words)
		link_refuse(l, r->words, r->permanent);
	return true;
}

static void link_register(struct timer *t, void *owner)
{
	struct link *l = owner;
	const char *why = "";

	(void)t;
	if (l->doomed || link_ordered_away(l))
		return;
	if (cloud_edge_register(l->edge->cloud, l->account, l->tunnel, l->secret, l->connector,
				l->index, l->version_text, &why) < 0) {
		link_refuse(l, why, str_starts(why, "Unauthorized"));
		return;
	}
	l->registered = true;
	l->edge->registered++;
	supersede(l);
	link_send(l, WIRE_OK, 0, "sim01", 5);
	link_push_config(l);
}

/* account, tunnel, secret, connector id, index, version: a line each. */
static int link_hello(struct link *l, const struct wire_frame *f)
{
	char *fields[6], *save = NULL;

	l->hello = str_ndup(f->payload, f->len);
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		fields[i] = strtok_r(i ? NULL : l->hello, "\n", &save);
		if (!fields[i])
			return -1;
	}
	if (!str_copy(l->tunnel, sizeof(l->tunnel), fields[1]) ||
	    !str_copy(l->connector, sizeof(l->connector), fields[3]))
		return -1;
	l->account = fields[0];
	l->secret = fields[2];
	l->index = (int)strtol(fields[4], NULL, 10);
	l->version_text = fields[5];
	l->greeted = true;
	if (l->edge->register_delay_ms)
		timer_start(&l->answer, l->edge->register_delay_ms);
	else
		link_register(NULL, l);
	return 0;
}

/* ---- frames ---- */

static void link_running(struct link *l, const struct wire_frame *f)
{
	AUTO(str_t) text = str_ndup(f->payload, f->len);

	l->version = strtoll(text, NULL, 10);
	if (l->registered)
		cloud_edge_running(l->edge->cloud, l->tunnel, l->connector, l->version);
}

static void link_unregister(struct link *l)
{
	l->draining = true;
	if (l->registered)
		cloud_edge_unregister(l->edge->cloud, l->tunnel, l->connector, l->index);
	l->registered = false;
	if (!l->open)
		link_doom(l);
}

static int link_frame(struct link *l, const struct wire_frame *f)
{
	if (!l->greeted)
		return f->type == WIRE_HELLO ? link_hello(l, f) : -1;
	switch (f->type) {
	case WIRE_RUNNING:
		link_running(l, f);
		return 0;
	case WIRE_RESPONSE:
	case WIRE_RESPONSE_PART:
	case WIRE_RESPONSE_END:
	case WIRE_CANCEL:
		guest_frame(l, f);
		return 0;
	case WIRE_UNREGISTER:
		link_unregister(l);
		return 0;
	case WIRE_PING:
		link_send(l, WIRE_PONG, 0, NULL, 0);
		return 0;
	default:
		return -1;
	}
}

static void link_frames(struct link *l)
{
	struct wire_frame f;
	size_t done = 0;
	int got = 0;

	while (!l->doomed && !edge_frozen(l->edge, l->tunnel)) {
		got = wire_read(buf_text(&l->in) + done, l->in.len - done, &f);
		if (got <= 0)
			break;
		if (link_frame(l, &f) < 0)
			got = -1;
		if (got < 0)
			break;
		done += f.size;
	}
	buf_consume(&l->in, done);
	if (got < 0)
		link_doom(l);
}

void link_thaw(struct link *l)
{
	if (!l->doomed)
		link_frames(l);
	link_watch(l);
}

static void link_ready(struct io *io, int events, void *owner)
{
	struct link *l = owner;
	int got;

	if (events & IO_READ) {
		got = socket_fill(&l->in, io->fd);
		if (got == 0 || got == -2) {
			link_doom(l);
			return;
		}
		if (l->lost)
			buf_reset(&l->in);
		link_frames(l);
	}
	if (l->doomed)
		return;
	if (outq_flush(&l->out, io->fd) < 0) {
		link_doom(l);
		return;
	}
	link_watch(l);
	if (outq_len(&l->out) < LINK_FULL)
		guest_link_drained(l);
}

void link_accept(struct edge *e, int fd)
{
	struct link *l = mem_alloc(sizeof(*l));
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	l->edge = e;
	l->version = -1;
	list_append(&e->links, &l->node);
	timer_init(&l->answer, e->loop, link_register, l);
	io_init(&l->io, e->loop, fd, link_ready, l);
	link_watch(l);
}
