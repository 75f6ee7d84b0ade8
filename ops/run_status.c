/* Handler: the state of everything. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "model/edge_probe.h"
#include "model/render.h"
#include "ops/disk.h"
#include "ops/find.h"
#include "ops/refresh.h"
#include "ops/sight.h"
#include "ops/status.h"
#include "reconcile/drift.h"
#include "reconcile/misuse.h"

/* A connector that starts well is ready before. */
#define WAITS_TOLD_MS (10 * 1000)
#define PLANS_MOST    10000

enum health { HEALTH_OK, HEALTH_DEGRADED, HEALTH_DOWN };

static const char *const health_members[] = {
	[HEALTH_OK] = "\"state\":\"ok\",",
	[HEALTH_DEGRADED] = "\"state\":\"degraded\",",
	[HEALTH_DOWN] = "\"state\":\"down\",",
};

static void raise_to(enum health *h, enum health at_least)
{
	if (*h < at_least)
		*h = at_least;
}

/* ---- problems first ---- */

static void put_problem(struct json_writer *w, const char *object, const char *name,
			const struct problem *p)
{
	json_object_begin(w);
	json_put_string(w, "object", object);
	json_put_string(w, "name", name);
	render_problem_members(p, w);
	json_object_end(w);
}

SELDOM static void put_held(const struct system_facts *s, struct json_writer *w, enum health *h)
{
	struct problem p = {.since_ms = s->started_ms};
	(void)err_set(&p.err, ERR_CONFLICT, "%s", s->writes_held);
	(void)err_hint(&p.err, "%s",
		       s->writes_held_hint
			       ? s->writes_held_hint
			       : "If this is the host that shall keep these tunnels: adit writes "
				 "resume. Else give it a state_dir of its own.");
	put_problem(w, "system", "writes", &p);
	raise_to(h, HEALTH_DEGRADED);
}

/* What the token that only reads for people is worth; its client has a world of its own. */
static void put_reading(const struct ops *o, struct json_writer *w, enum health *h)
{
	const struct world *reading = o->security ? cf_world(cf_reads_client(o->security)) : NULL;
	if (!reading || reading == o->world || !reading->system.access_problem)
		return;
	put_problem(w, "system", "reading", reading->system.access_problem);
	raise_to(h, HEALTH_DEGRADED);
}

SELDOM static void put_no_store(const struct ops *o, struct json_writer *w, enum health *h)
{
	struct problem p = {.since_ms = o->world->system.started_ms};
	(void)err_set(&p.err, ERR_INTERNAL, "The store is not open: %s", disk_no_store(o));
	(void)err_hint(
		&p.err,
		"%s Connectors go on; the store is tried again by itself, and at each reload "
		"(SIGHUP).",
		o->store_cure && *o->store_cure ? *o->store_cure : "");
	put_problem(w, "system", "store", &p);
	raise_to(h, HEALTH_DEGRADED);
}

static void put_system_problems(const struct ops *o, struct json_writer *w, enum health *h)
{
	const struct system_facts *s = &o->world->system;
	if (s->writes_held)
		put_held(s, w, h);
	if (o->config_problem && *o->config_problem)
		put_problem(w, "system", "settings", *o->config_problem);
	if (s->access_problem) {
		put_problem(w, "system", "cloudflare", s->access_problem);
		raise_to(h, HEALTH_DEGRADED);
	}
	put_reading(o, w, h);
	if (!o->store)
		put_no_store(o, w, h);
}

/* Before all else. */
static void put_misuse(const struct world *world, struct json_writer *w)
{
	const struct notice *x = notices_find(&world->system.notices, MISUSE_NOTICE);
	if (x)
		put_problem(w, "system", x->key, &x->problem);
}

static void put_notices(const struct world *world, struct json_writer *w, enum health *h)
{
	const struct notices *l = &world->system.notices;
	for (size_t i = 0; i < l->n; i++) {
		raise_to(h, HEALTH_DEGRADED);
		if (str_equal(l->items[i].key, MISUSE_NOTICE))
			continue;
		put_problem(w, "system", l->items[i].key, &l->items[i].problem);
	}
}

/* Nothing failed, and yet nothing is served: no host runs a connector. */
static bool is_idle(struct groups *x, const struct tunnel *t)
{
	return t->want == WANT_PRESENT && t->remote_id[0] && t->replicas == 0 &&
	       group_of(x, t->id)->routes.n > 0 &&
	       (str_equal(t->observed.status, "inactive") || str_equal(t->observed.status, "down"));
}

SELDOM static void put_idle(const struct tunnel *t, struct json_writer *out)
{
	struct problem idle = {.since_ms = t->observed.seen_ms};
	(void)err_set(&idle.err, ERR_NOT_FOUND,
		      "No connector runs for tunnel %s, so its names are not served", t->name);
	(void)err_hint(&idle.err, "Run one on this host: adit tunnel update %s --replicas 1.",
		       t->name);
	put_problem(out, "tunnel", t->name, &idle);
}

static void put_tunnel_problem(struct groups *x, const struct tunnel *t, struct json_writer *out)
{
	if (t->problem)
		put_problem(out, "tunnel", t->name, t->problem);
	else if (is_idle(x, t))
		put_idle(t, out);
}

SELDOM static void put_waiting(const struct connector *c, const char *name, struct json_writer *out)
{
	struct problem waits = {.since_ms = c->since_ms};
	(void)err_set(&waits.err, ERR_TIMEOUT, "Connector %s is %s: %s", name,
		      connector_state_name(c->state), c->reason);
	(void)err_hint(&waits.err, "See adit connector list --tunnel %.*s.",
		       (int)strcspn(name, "/"), name);
	put_problem(out, "connector", name, &waits);
}

/* One that runs and does not serve is told before it counts as failed, but for its first moments.
 */
static void put_connector_problem(const struct world *w, const struct connector *c,
				  struct json_writer *out)
{
	bool runs = c->state == CONNECTOR_STARTING || c->state == CONNECTOR_UNREADY;
	bool waited = runs && c->reason && clock_wall_ms() >= c->since_ms + WAITS_TOLD_MS;
	char name[96];
	if (!c->problem && !waited)
		return;
	connector_name(w, c, name, sizeof(name));
	if (c->problem)
		put_problem(out, "connector", name, c->problem);
	else
		put_waiting(c, name, out);
}

SELDOM static void put_down(const struct route *r, struct json_writer *w)
{
	struct problem reach;
	if (route_reach_problem(r, &reach) || route_edge_problem(r, &reach))
		put_problem(w, "route", r->hostname, &reach);
}

static void put_route_problem(const struct route *r, struct json_writer *w)
{
	if (r->problem)
		put_problem(w, "route", r->hostname, r->problem);
	else if (route_is_down(r))
		put_down(r, w);
}

static void put_problems(const struct ops *o, struct groups *x, struct json_writer *w,
			 enum health *h)
{
	const struct world *world = x->w;
	json_write_key(w, "problems");
	json_array_begin(w);
	put_misuse(world, w);
	put_system_problems(o, w, h);
	put_notices(world, w, h);
	TABLE_EACH (i, struct tunnel, t, &world->tunnels)
		put_tunnel_problem(x, t, w);
	TABLE_EACH (j, struct connector, c, &world->connectors)
		put_connector_problem(world, c, w);
	TABLE_EACH (k, struct route, r, &world->routes)
		put_route_problem(r, w);
	TABLE_EACH (m, struct record, d, &world->records)
		if (d->problem)
			put_problem(w, "record", d->name, d->problem);
	json_array_end(w);
	TABLE_EACH (n, struct record, d, &world->records)
		if (d->problem)
			raise_to(h, HEALTH_DEGRADED);
	TABLE_EACH (q, struct route, r, &world->routes)
		if (r->problem || route_is_down(r))
			raise_to(h, HEALTH_DEGRADED);
}

/* ---- tunnels and routes ---- */

static enum health health_of(const char *state, bool converged)
{
	if (str_equal(state, "deleting"))
		return HEALTH_OK;
	if (str_equal(state, "down"))
		return HEALTH_DOWN;
	return converged && str_equal(state, "healthy") ? HEALTH_OK : HEALTH_DEGRADED;
}

static enum health put_tunnel(struct groups *x, const struct tunnel *t, struct json_writer *out)
{
	const struct group *g = group_of(x, t->id);
	int64_t serving = 0, edge = 0, updates = 0;
	const char *disk_version = NULL;
	TABLE_EACH (i, struct connector, c, &g->connectors) {
		serving += connector_serving(c);
		edge += c->edge_connections > 0 ? c->edge_connections : 0;
		updates += c->update_available;
		if (connector_past(c)->disk_version)
			disk_version = connector_past(c)->disk_version;
	}
	bool converged = tunnel_converged(x, t, NULL);
	const char *state = render_tunnel_state(x, t);
	json_object_begin(out);
	json_put_string(out, "name", t->name);
	json_put_string(out, "state", state);
	json_put_int(out, "connectors_ready", serving);
	json_put_int(out, "connectors", t->replicas);
	json_put_int(out, "edge_connections", edge);
	json_put_int(out, "config_version", t->config_version);
	json_put_int(out, "routes", (int64_t)g->routes.n);
	json_put_bool(out, "converged", converged);
	if (updates)
		json_put_int(out, "update_available", updates);
	if (disk_version)
		json_put_string(out, "disk_version", disk_version);
	json_object_end(out);
	return health_of(state, converged);
}

static void put_tunnels(struct groups *x, struct json_writer *out, enum health *h)
{
	json_write_key(out, "tunnels");
	json_array_begin(out);
	TABLE_EACH (i, struct tunnel, t, &x->w->tunnels)
		raise_to(h, put_tunnel(x, t, out));
	json_array_end(out);
	json_write_key(out, "routes");
	json_array_begin(out);
	TABLE_EACH (j, struct route, r, &x->w->routes)
		render_route(x, r, out);
	json_array_end(out);
}

/* ---- drift ---- */

#define DRIFT_SHOWN 5

static void put_drift_row(const struct drift *d, struct json_writer *w)
{
	json_object_begin(w);
	json_put_string(w, "object", object_type_name(d->type));
	json_put_string(w, "name", d->name);
	json_put_string(w, "kind", drift_kind_name(d->kind));
	json_put_string(w, "field", d->field);
	if (d->since_ms)
		json_put_time(w, "since", d->since_ms);
	json_put_bool(w, "repair", d->policy == DRIFT_REPAIR && !d->hindrance);
	json_object_end(w);
}

static void put_drift(const struct world *world, struct json_writer *w)
{
	const struct system_facts *s = &world->system;
	AUTO(drift_list_t) found = {0};
	drift_find(world, &found);
	json_write_key(w, "drift");
	json_object_begin(w);
	json_put_int(w, "count", (int64_t)found.n);
	if (s->observed_ms)
		json_put_time(w, "observed", s->observed_ms);
	if (s->observe_interval_ms)
		json_put_int(w, "interval_s", s->observe_interval_ms / 1000);
	json_write_key(w, "first");
	json_array_begin(w);
	for (size_t i = 0; i < found.n && i < DRIFT_SHOWN; i++)
		put_drift_row(&found.items[i], w);
	json_array_end(w);
	json_object_end(w);
}

/* Those that he sees. */
static int64_t plans_seen(struct ops *o, const struct principal *who)
{
	struct plan **plans = NULL;
	int64_t seen = 0;
	size_t n = 0;
	struct err e;
	if (!o->store ||
	    store_list_plans(o->store, PLAN_NEEDS_APPROVAL, 0, PLANS_MOST, &plans, &n, &e) < 0)
		return 0;
	for (size_t i = 0; i < n; i++) {
		seen += sight_plan(o, who, plans[i]);
		plan_free(plans[i]);
	}
	free(plans);
	return seen;
}

static int64_t plans_waiting(struct ops *o, const struct principal *who)
{
	int64_t n = 0;
	struct err e;
	if (who && sight_is_limited(who))
		return plans_seen(o, who);
	if (!o->store || store_count_plans(o->store, PLAN_NEEDS_APPROVAL, &n, &e) < 0)
		return 0;
	return n;
}

static void put_facts(struct ops *o, const struct principal *who, struct json_writer *w)
{
	const struct system_facts *s = &o->world->system;
	const char *off = world_writes_off(o->world);
	json_put_string(w, "writes", off ? off : "on");
	json_put_string(w, "access", access_state_name(s->access));
	json_put_string(w, "audit_log", audit_state_name(s->audit));
	json_put_int(w, "plans_waiting", plans_waiting(o, who));
	json_put_string(w, "owner", s->owner);
	json_put_string(w, "install", s->install);
	json_put_string(w, "account", s->account_id);
	json_put_string(w, "version", ADIT_VERSION);
	json_put_int(w, "revision", o->world->revision);
	json_put_time(w, "started", s->started_ms);
	json_put_time(w, "as_of", clock_wall_ms());
	json_write_key(w, "rate");
	render_rate(o->world, w);
}

/* Into an object that is open and empty. The state stands first, and is known last. */
static void put_status(struct ops *o, const struct principal *who, struct json_writer *w)
{
	const struct world *world = who ? sight_world(o, who) : o->world;
	size_t at = w->out->len;
	enum health h = HEALTH_OK;
	AUTO(groups_t) groups = {0};
	groups_of_all(&groups, world);
	put_problems(o, &groups, w, &h);
	put_tunnels(&groups, w, &h);
	put_drift(world, w);
	put_facts(o, who, w);
	(void)buf_insert(w->out, at, health_members[h], strlen(health_members[h]));
}

void status_write(struct ops *o, const struct principal *who, struct buf *out)
{
	struct json_writer w;
	json_write_init(&w, out);
	json_object_begin(&w);
	put_status(o, who, &w);
	json_object_end(&w);
}

static void answer_status(struct call *c)
{
	struct json_writer w;
	call_object(c, &w);
	put_status(c->ops, &c->who, &w);
	json_object_end(&w);
	call_answer(c);
}

void run_status_get(struct call *c)
{
	const struct status_get_args *a = c->args;
	if (a->refresh)
		refresh_then(c, answer_status);
	else
		answer_status(c);
}
