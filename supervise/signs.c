#include "supervise/signs.h"

#include <stdlib.h>

#include "base/mem.h"

void signs_begin(struct signs *s)
{
	signs_free(s);
	*s = (struct signs){.edge_listed = -1, .rss_bytes = -1, .open_fds = -1};
}

void signs_free(struct signs *s)
{
	free(s->losses);
	s->losses = NULL;
}

int signs_losses(const struct signs *s, int64_t now_ms)
{
	return s->losses ? losses_count(s->losses, now_ms) : 0;
}

/* ---- by its probe ---- */

static void note_lost(struct signs *s, int n, int64_t now_ms)
{
	if (!s->losses)
		s->losses = mem_alloc(sizeof(*s->losses));
	losses_add(s->losses, n, now_ms);
}

static void note_edge(struct signs *s, const struct probe *p, int64_t now_ms)
{
	int16_t edge = p->edge > 0 ? p->edge : 0;

	if (edge < s->edge_before)
		note_lost(s, s->edge_before - edge, now_ms);
	/* A list from before tells nothing of what it has now. */
	if (edge != s->edge_before) {
		s->edge_ms = now_ms;
		s->edge_listed = -1;
	}
	s->edge_before = edge;
	if (edge == 0)
		s->connected_ms = s->missed_since_ms = s->missed_ms = 0;
	else if (!s->connected_ms)
		s->connected_ms = now_ms;
}

static void note_config(struct signs *s, const struct probe *p, int64_t now_ms)
{
	bool behind = p->edge > 0 && p->version_wanted > 0 && p->config_version < p->version_wanted;

	if (!behind)
		s->behind_since_ms = 0;
	else if (!s->behind_since_ms)
		s->behind_since_ms = now_ms;
}

static void note_resources(struct signs *s, const struct probe *p, pid_t pid, int64_t now_ms)
{
	struct resources r;

	if (s->resources_ms &&
	    now_ms - s->resources_ms < RESOURCES_INTERVALS * p->terms->interval_ms)
		return;
	s->resources_ms = now_ms;
	resources_read(pid, &r);
	s->rss_bytes = r.rss_bytes;
	s->open_fds = (int)r.open_fds;
	s->over = resources_over(&r) ? s->over + 1 : 0;
}

void signs_probed(struct signs *s, const struct probe *p, pid_t pid, int64_t now_ms)
{
	if (p->failures == 0)
		note_edge(s, p, now_ms);
	note_config(s, p, now_ms);
	note_resources(s, p, pid, now_ms);
}

/* ---- by Cloudflare's list ---- */

void signs_listed(struct signs *s, const struct probe *p, const struct tunnel *t,
		  int64_t settled_ms)
{
	int64_t asked = t->observed.clients_asked_ms;
	const struct tunnel_client *mine;
	char id[UUID_SIZE];

	if (!asked || asked == s->look_ms || !uuid_known(&p->connector_id) || !s->connected_ms)
		return;
	mine = tunnel_connections_find(&t->observed.clients, uuid_format(&p->connector_id, id));
	if (mine && mine->connections > 0)
		s->missed_since_ms = s->missed_ms = 0;
	else if (asked < s->connected_ms + settled_ms)
		return;
	s->look_ms = asked;
	s->edge_listed = asked < s->edge_ms ? -1 : mine ? (int)mine->connections : 0;
	if (mine && mine->connections > 0)
		return;
	s->missed_ms = asked;
	if (!s->missed_since_ms)
		s->missed_since_ms = asked;
}

bool signs_want_list(const struct signs *s, int64_t settled_ms, int64_t apart_ms, int64_t now_ms)
{
	if (!s->connected_ms || now_ms < s->connected_ms + settled_ms)
		return false;
	if (s->missed_since_ms)
		return s->missed_ms < s->missed_since_ms + apart_ms &&
		       now_ms >= s->missed_since_ms + apart_ms;
	return s->look_ms < s->connected_ms + settled_ms;
}
