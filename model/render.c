/* Objects as JSON. What several rooms must agree on, such as the one word for a tunnel's state, is
 * derived here and nowhere else. */
#include "model/render.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/untrusted.h"
#include "model/edge_probe.h"
#include "model/leaving.h"

/* ---- small values ---- */

/* NULL and "" are both: not known. */
static void put_text(struct json_writer *out, const char *key, const char *s)
{
	if (s && *s)
		json_put_string(out, key, s);
}

static void put_time(struct json_writer *out, const char *key, int64_t wall_ms)
{
	if (wall_ms)
		json_put_time(out, key, wall_ms);
}

/* A number that is left out when it has the value that means: not known. */
static void put_known(struct json_writer *out, const char *key, int64_t v, int64_t unknown)
{
	if (v != unknown)
		json_put_int(out, key, v);
}

static void put_next_try(struct json_writer *out, int64_t next_try_ms)
{
	int64_t left_ms = next_try_ms - clock_mono_ms();

	if (next_try_ms)
		json_put_int(out, "next_try_s", left_ms > 0 ? (left_ms + 999) / 1000 : 0);
}

static void put_problem(struct json_writer *out, const struct problem *p)
{
	if (!p)
		return;
	json_write_key(out, "problem");
	render_problem(p, out);
}

static const char *want_name(enum want want)
{
	static const char *const names[] = {
		[WANT_PRESENT] = "present",
		[WANT_ABSENT] = "absent",
		[WANT_RELEASED] = "released",
	};
	return names[want];
}

static const char *tunnel_name_of(const struct world *w, const char *tunnel_id)
{
	const struct tunnel *t = *tunnel_id ? world_tunnel(w, tunnel_id) : NULL;

	return t ? t->name : NULL;
}

void render_problem_members(const struct problem *p, struct json_writer *out)
{
	json_put_err(out, &p->err);
	put_time(out, "since", p->since_ms);
	json_put_int(out, "attempts", p->attempts);
	put_next_try(out, p->next_try_ms);
}

void render_problem(const struct problem *p, struct json_writer *out)
{
	if (!p) {
		json_write_null(out);
		return;
	}
	json_object_begin(out);
	render_problem_members(p, out);
	json_object_end(out);
}

/* ---- tunnels ---- */

struct tally {
	int64_t routes, serving, ready;
};

static struct tally tally_of(const struct group *g)
{
	struct tally n = {.routes = (int64_t)g->routes.n};

	TABLE_EACH (i, struct connector, c, &g->connectors) {
		if (!connector_serving(c))
			continue;
		n.serving++;
		n.ready += c->state == CONNECTOR_READY;
	}
	return n;
}

/* No connector runs here: Cloudflare's word has to do. "inactive" is a tunnel that never had any;
 * a word that we do not know is not passed on. */
static const char *remote_state(const struct tunnel *t)
{
	static const char *const words[] = {"healthy", "degraded", "down"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_equal(t->observed.status, words[i]))
			return words[i];
	return str_equal(t->observed.status, "inactive") ? "down" : "pending";
}

static const char *tunnel_state(const struct tunnel *t, const struct tally *n)
{
	if (t->want != WANT_PRESENT)
		return t->want == WANT_ABSENT ? "deleting" : "releasing";
	if (t->problem || t->observed.gone)
		return "problem";
	if (!*t->remote_id || !tunnel_configured(t, n->routes > 0))
		return "pending";
	if (t->replicas == 0)
		return remote_state(t);
	if (n->serving == 0)
		return "down";
	return n->ready < t->replicas ? "degraded" : "healthy";
}

const char *render_tunnel_state(struct groups *x, const struct tunnel *t)
{
	struct tally n = tally_of(group_of(x, t->id));
	return tunnel_state(t, &n);
}

static void put_connectors(struct json_writer *out, const struct tunnel *t, const struct tally *n)
{
	json_write_key(out, "connectors");
	json_object_begin(out);
	json_put_int(out, "ready", n->serving);
	json_put_int(out, "total", t->replicas);
	json_object_end(out);
}

static void put_remote(struct json_writer *out, const struct tunnel *t)
{
	json_write_key(out, "remote");
	json_object_begin(out);
	put_text(out, "status", t->observed.status);
	put_known(out, "connections", t->observed.connections, -1);
	put_time(out, "seen", t->observed.seen_ms);
	json_object_end(out);
}

void render_tunnel(struct groups *x, const struct tunnel *t, struct json_writer *out)
{
	struct tally n = tally_of(group_of(x, t->id));

	json_object_begin(out);
	json_put_string(out, "id", t->id);
	json_put_string(out, "name", t->name);
	put_text(out, "remote_id", t->remote_id);
	json_put_string(out, "want", want_name(t->want));
	json_put_string(out, "state", tunnel_state(t, &n));
	if (t->joined)
		json_put_bool(out, "joined", true);
	if (t->rotating)
		json_put_bool(out, "rotating", true);
	if (t->observed.config_local || t->observed.config_version > 0)
		json_put_string(out, "configured", t->observed.config_local ? "local" : "remote");
	json_put_int(out, "replicas", t->replicas);
	json_put_int(out, "routes", n.routes);
	put_connectors(out, t, &n);
	json_put_int(out, "config_version", t->config_version);
	json_put_int(out, "generation", t->generation);
	json_put_int(out, "applied_generation", t->applied_generation);
	put_remote(out, t);
	json_put_bool(out, "converged", tunnel_converged(x, t, NULL));
	put_problem(out, t->problem);
	json_object_end(out);
}

/* ---- routes ---- */

static bool runs_configuration(const struct group *g)
{
	TABLE_EACH (i, struct connector, c, &g->connectors)
		if (connector_serving(c) && c->config_version >= g->tunnel->config_version)
			return true;
	return false;
}

/* Without connectors here, Cloudflare's word has to do. */
static bool tunnel_serves(const struct group *g)
{
	const struct tunnel *t = g->tunnel;

	if (t->want != WANT_PRESENT || !*t->remote_id || t->config_version == 0)
		return false;
	if (t->replicas > 0)
		return runs_configuration(g);
	return str_equal(t->observed.status, "healthy") ||
	       str_equal(t->observed.status, "degraded");
}

static const char *route_state(const struct world *w, const struct route *r, const struct group *g,
			       const struct record *d)
{
	const struct tunnel *t = g->tunnel;

	if (r->problem || !t || t->problem || t->observed.gone || (d && d->problem))
		return "problem";
	if (r->applied_generation != r->generation || !tunnel_serves(g))
		return "pending";
	if (!t->joined && !route_converged(w, r, NULL))
		return "problem";
	return !d || record_converged_near(w, d, t, NULL) ? "live" : "pending";
}

/* The tunnel that still has the old rule. */
static void put_leaving(struct groups *x, const struct route *r, const struct record *d,
			struct json_writer *out)
{
	const struct tunnel *old = d ? route_left(x, r, d) : NULL;

	if (!old)
		return;
	json_put_string(out, "old_tunnel", old->name);
	put_time(out, "old_until", record_leaves_until(d, old));
}

/* Apart from where it is seldom needed, since a problem is large. */
SELDOM static void put_down(const struct route *r, struct json_writer *out)
{
	struct problem reach;

	if (route_reach_problem(r, &reach) || route_edge_problem(r, &reach))
		put_problem(out, &reach);
}

void render_route(struct groups *x, const struct route *r, struct json_writer *out)
{
	const struct group *g = group_of(x, r->tunnel_id);
	const struct tunnel *t = g->tunnel;
	const struct record *d = groups_record(x, r->hostname);
	bool no_page = r->hostname[0] == '*' || route_is_edge_probe(r);
	char url[HOSTNAME_MAX + sizeof("https://")] = "https://";

	json_object_begin(out);
	json_put_string(out, "id", r->id);
	json_put_string(out, "hostname", r->hostname);
	put_text(out, "path", r->path);
	json_put_string(out, "service", r->service);
	if (r->origin) {
		json_write_key(out, "origin");
		json_write_raw(out, r->origin, strlen(r->origin));
	}
	put_text(out, "tunnel", t ? t->name : NULL);
	json_put_string(out, "state", route_state(x->w, r, g, d));
	if (!no_page && str_copy(url + strlen(url), HOSTNAME_MAX + 1, r->hostname))
		json_put_string(out, "url", url);
	if (r->reach.state != REACH_UNKNOWN) {
		json_put_string(out, "origin_state", reach_name(r->reach.state));
		put_time(out, "origin_since", r->reach.since_ms);
		put_known(out, "origin_status", r->reach.status, 0);
	}
	if (r->edge.seen != EDGE_UNASKED) {
		json_put_string(out, "edge_state", edge_seen_name(r->edge.seen));
		put_time(out, "edge_since", r->edge.since_ms);
	}
	put_leaving(x, r, d, out);
	put_text(out, "probe", probing_said(r->probing));
	put_time(out, "until", r->until_ms);
	if (!r->problem && route_is_down(r))
		put_down(r, out);
	put_problem(out, r->problem);
	json_object_end(out);
}

/* ---- records and zones ---- */

void render_record(const struct world *w, const struct record *r, struct json_writer *out)
{
	AUTO(str_t) content = record_content(w, r);
	const struct zone *z = *r->zone_id ? world_zone(w, r->zone_id) : NULL;

	json_object_begin(out);
	json_put_string(out, "id", r->id);
	json_put_string(out, "name", r->name);
	json_put_string(out, "type", r->type);
	put_text(out, "content", content);
	json_put_bool(out, "proxied", r->proxied);
	json_put_int(out, "ttl", r->ttl);
	if (str_equal(r->type, "MX"))
		json_put_int(out, "priority", r->priority);
	put_text(out, "zone", z ? z->name : NULL);
	put_text(out, "tunnel", tunnel_name_of(w, r->tunnel_id));
	json_put_bool(out, "owned", true);
	put_text(out, "remote_id", r->remote_id);
	json_put_untrusted(out, "untrusted_comment", r->observed.comment);
	json_put_bool(out, "converged", record_converged(w, r, NULL));
	put_problem(out, r->problem);
	json_object_end(out);
}

void render_zone(const struct zone *z, struct json_writer *out)
{
	json_object_begin(out);
	json_put_string(out, "id", z->id);
	json_put_string(out, "name", z->name);
	put_text(out, "status", z->status);
	put_text(out, "plan", z->plan);
	json_put_bool(out, "paused", z->paused);
	json_object_end(out);
}

/* ---- connectors ---- */

static void put_process(const struct connector *c, struct json_writer *out)
{
	char id[UUID_SIZE];

	put_known(out, "pid", c->pid, 0);
	put_time(out, "started", c->started_ms);
	json_put_int(out, "restarts", c->restarts);
	put_known(out, "edge_connections", c->edge_connections, -1);
	put_text(out, "connector_id", uuid_format(&c->connector_id, id));
	put_known(out, "config_version", c->config_version, -1);
	put_known(out, "metrics_port", c->metrics_port, 0);
	put_text(out, "version", c->version);
}

static void put_transport(const struct connector *c, struct json_writer *out)
{
	put_text(out, "protocol", c->protocol);
	put_text(out, "protocol_why", connector_past(c)->protocol_why);
	put_known(out, "edge_listed", c->edge_listed, -1);
	put_known(out, "rss_bytes", c->rss_bytes, -1);
	put_known(out, "open_fds", c->open_fds, -1);
}

void render_connector(const struct world *w, const struct connector *c, struct json_writer *out)
{
	char name[128];

	connector_name(w, c, name, sizeof(name));
	json_object_begin(out);
	json_put_string(out, "id", c->id);
	json_put_string(out, "name", name);
	put_text(out, "tunnel", tunnel_name_of(w, c->tunnel_id));
	json_put_string(out, "state", connector_state_name(c->state));
	put_text(out, "reason", c->reason);
	put_time(out, "since", c->since_ms);
	put_process(c, out);
	put_transport(c, out);
	put_text(out, "replacing", connector_past(c)->replacing_why);
	if (c->update_available)
		json_put_bool(out, "update_available", true);
	put_text(out, "disk_version", connector_past(c)->disk_version);
	put_text(out, "stopped_by", connector_past(c)->stopped_by);
	put_text(out, "stopped_why", connector_past(c)->stopped_why);
	put_time(out, "stopped_until", c->stopped_until_ms);
	put_next_try(out, c->next_try_ms);
	put_text(out, "last_exit", connector_past(c)->last_exit);
	json_put_untrusted(out, "untrusted_last_line", c->last_line);
	put_problem(out, c->problem);
	json_object_end(out);
}

/* ---- plans ---- */

void render_change(const struct change *c, struct json_writer *out)
{
	json_object_begin(out);
	json_write_key(out, "sign");
	json_write_stringn(out, &c->sign, 1);
	json_put_string(out, "object", c->object);
	json_put_string(out, "name", c->name);
	put_text(out, "detail", c->detail);
	put_text(out, "in", c->in);
	json_put_untrusted(out, "untrusted_text", c->theirs);
	json_object_end(out);
}

void render_changes(const struct plan *p, struct json_writer *out)
{
	json_write_key(out, "changes");
	json_array_begin(out);
	for (size_t i = 0; i < p->n_changes; i++)
		render_change(&p->changes[i], out);
	json_array_end(out);
}

static void put_touches(const struct plan *p, struct json_writer *out)
{
	json_write_key(out, "touches");
	json_array_begin(out);
	for (size_t i = 0; i < p->n_touches; i++) {
		json_object_begin(out);
		json_put_string(out, "id", p->touches[i].id);
		json_put_int(out, "generation", p->touches[i].generation);
		json_object_end(out);
	}
	json_array_end(out);
}

static void put_whole(const struct plan *p, struct json_writer *out)
{
	json_put_strlist(out, "approvals", &p->approvals);
	render_changes(p, out);
	json_put_strlist(out, "warnings", &p->warnings);
	put_touches(p, out);
	put_known(out, "base_revision", p->base, 0);
	put_text(out, "hash", p->hash);
}

void render_plan(const struct plan *p, bool full, struct json_writer *out)
{
	char id[24];

	plan_id(p->number, id);
	json_object_begin(out);
	put_text(out, "plan", p->number ? id : NULL);
	json_put_string(out, "state", plan_state_name(p->state));
	json_put_string(out, "operation", p->operation);
	json_put_string(out, "principal", p->principal);
	put_text(out, "reason", p->reason);
	put_time(out, "made", p->made_ms);
	put_time(out, "expires", p->expires_ms);
	put_text(out, "decided_by", p->decided_by);
	put_time(out, "decided", p->decided_ms);
	put_known(out, "revision", p->revision, 0);
	if (full)
		put_whole(p, out);
	else
		json_put_int(out, "approvals", (int64_t)p->approvals.n);
	json_object_end(out);
}

/* ---- the budget ---- */

void render_rate(const struct world *w, struct json_writer *out)
{
	const struct system_facts *s = &w->system;

	json_object_begin(out);
	if (s->budget_limit) {
		json_put_int(out, "limit", s->budget_limit);
		json_put_int(out, "remaining", s->budget_remaining);
		json_put_int(out, "reset_s", s->budget_reset_s);
	}
	json_object_end(out);
}
