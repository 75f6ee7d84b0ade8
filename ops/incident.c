#include "ops/incident.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "model/edge_probe.h"
#include "ops/audit_row.h"
#include "ops/find.h"
#include "ops/inside.h"
#include "ops/sight.h"
#include "reconcile/drift.h"

#define EVENTS_LOOKED 10000
#define PLANS_LOOKED  500
#define LEDGER_LOOKED 5000
#define LEDGER_TAKEN  200

/* ---- which objects ---- */

static bool names_it(const struct incident *x, const char *name)
{
	AUTO(str_t) host = name ? str_ndup(name, strcspn(name, " ")) : NULL;
	if (!host)
		return false;
	return x->host ? str_equal(host, x->host) : hostname_within(host, x->zone);
}

static bool has_tunnel(const struct incident *x, const char *id)
{
	return id[0] && strlist_has(&x->tunnels, id);
}

static void find_objects(const struct world *w, struct incident *x)
{
	TABLE_EACH (i, struct route, r, &w->routes)
		if (names_it(x, r->hostname) && !has_tunnel(x, r->tunnel_id))
			strlist_add(&x->tunnels, r->tunnel_id);
	TABLE_EACH (j, struct record, d, &w->records) {
		if (!names_it(x, d->name))
			continue;
		if (d->remote_id[0])
			strlist_add(&x->records, d->remote_id);
		if (d->tunnel_id[0] && !has_tunnel(x, d->tunnel_id))
			strlist_add(&x->tunnels, d->tunnel_id);
	}
}

static int nothing_of(struct call *c, const char *name)
{
	(void)err_set(&c->task.err, ERR_NOT_FOUND, "Nothing is known of \"%.253s\"", name);
	return err_hint(&c->task.err,
			"Name a published host name, or a zone: adit route list, adit zone list.");
}

int incident_begin(struct call *c, const char *name, struct incident *x)
{
	const struct world *w = call_world(c);
	const struct inside in = inside_of(c->ops->world, &c->who);
	const struct zone *z = world_find_zone(w, name);
	if (!z && hostname_normalise(name, &x->host, &c->task.err) < 0)
		return err_wrap(&c->task.err, "name");
	if (!z)
		z = world_zone_of(w, x->host);
	if (z) {
		x->zone = str_dup(z->name);
		(void)str_copy(x->zone_id, sizeof(x->zone_id), z->id);
	}
	find_objects(w, x);
	bool known = x->tunnels.n || x->records.n || (z && (!x->host || inside_host(&in, x->host)));
	return known ? 0 : nothing_of(c, name);
}

void incident_fini(struct incident *x)
{
	free(x->host);
	free(x->zone);
	strlist_free(&x->tunnels);
	strlist_free(&x->records);
	timeline_fini(&x->line);
}

/* ---- rows ---- */

static bool within(const struct incident *x, int64_t at_ms)
{
	return at_ms >= x->since_ms && at_ms <= x->until_ms;
}

/* {"<key>": value}, and, with around_ms, from a second before that time. */
static char *arguments(const char *key, const char *value, int64_t around_ms)
{
	AUTO(buf_t) out = {0};
	struct json_writer w;
	json_write_init(&w, &out);
	json_object_begin(&w);
	if (value)
		json_put_string(&w, key, value);
	if (around_ms)
		json_put_time(&w, "since", around_ms - 1000);
	json_object_end(&w);
	return buf_steal(&out);
}

/* Of what is so now, since then. */
static void add(struct incident *x, int64_t at_ms, const char *kind, const char *name,
		const char *what, const char *theirs, const char *operation, const char *key)
{
	AUTO(str_t) more = arguments(key, name, 0);
	const struct moment m = {.at_ms = at_ms ? at_ms : x->until_ms,
				 .kind = kind,
				 .name = name,
				 .id = name,
				 .what = what,
				 .theirs = theirs,
				 .operation = operation,
				 .arguments = more};
	if (m.at_ms <= x->until_ms)
		timeline_add(&x->line, &m);
}

/* ---- events ---- */

static bool of_tunnel_named(const struct world *w, const struct incident *x, const char *name)
{
	AUTO(str_t) first = str_ndup(name, strcspn(name, "/"));
	const struct tunnel *t = world_find_tunnel(w, first);
	return t && has_tunnel(x, t->id);
}

static bool is_about(const struct world *w, const struct incident *x, enum object_type type,
		     const char *name)
{
	if (!name)
		return false;
	if (type == OBJECT_TUNNEL || type == OBJECT_CONNECTOR)
		return of_tunnel_named(w, x, name);
	if (type == OBJECT_ZONE)
		return x->zone && str_equal(name, x->zone);
	return (type == OBJECT_ROUTE || type == OBJECT_RECORD) && names_it(x, name);
}

static void tell_event(struct incident *x, const struct event *ev)
{
	bool log = ev->object_type == OBJECT_CONNECTOR;
	AUTO(str_t) id = str_format("e%lld", (long long)ev->seq);
	AUTO(str_t)
	more = arguments(log ? "connector" : "object", ev->object_name, ev->at_ms);
	timeline_add(&x->line, &(struct moment){.at_ms = ev->at_ms,
						.kind = ev->kind,
						.name = ev->object_name,
						.id = id,
						.what = ev->message,
						.theirs = ev->untrusted_detail,
						.operation = log ? "log_search" : "event_list",
						.arguments = more});
}

static int tell_events(struct call *c, struct incident *x, struct err *e)
{
	const struct event_filter f = {.since_ms = x->since_ms, .limit = EVENTS_LOOKED};
	struct event *events = NULL;
	size_t n = 0;
	if (store_list_events(c->ops->store, &f, &events, &n, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const struct event *ev = &events[i];
		if (within(x, ev->at_ms) &&
		    is_about(call_world(c), x, ev->object_type, ev->object_name) &&
		    sight_event(c->ops, &c->who, ev))
			tell_event(x, ev);
		event_free(&events[i]);
	}
	free(events);
	return 0;
}

/* ---- plans ---- */

static bool plan_is_about(const struct world *w, const struct incident *x, const struct plan *p)
{
	for (size_t i = 0; i < p->n_changes; i++) {
		const struct change *d = &p->changes[i];
		bool tunnel = str_equal(d->object, "tunnel") || str_equal(d->object, "connector");
		if (is_about(w, x, tunnel ? OBJECT_TUNNEL : OBJECT_ROUTE, d->name))
			return true;
	}
	return false;
}

static void tell_plan(struct incident *x, const struct plan *p)
{
	char id[24];
	plan_id(p->number, id);
	AUTO(str_t) more = arguments("plan", id, 0);
	AUTO(str_t)
	what = str_format("plan %s (%s), %zu changes, is %s", id, p->operation, p->n_changes,
			  plan_state_name(p->state));
	timeline_add(&x->line, &(struct moment){.at_ms = p->decided_ms ? p->decided_ms : p->made_ms,
						.kind = "plan",
						.name = id,
						.id = id,
						.what = what,
						.operation = "plan_get",
						.arguments = more});
}

static int tell_plans(struct call *c, struct incident *x, struct err *e)
{
	struct plan **plans = NULL;
	size_t n = 0;
	if (store_list_plans(c->ops->store, -1, 0, PLANS_LOOKED, &plans, &n, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const struct plan *p = plans[i];
		if ((within(x, p->made_ms) || within(x, p->decided_ms)) &&
		    plan_is_about(call_world(c), x, p) && sight_plan(c->ops, &c->who, p))
			tell_plan(x, p);
		plan_free(plans[i]);
	}
	free(plans);
	return 0;
}

/* ---- writes that failed: what succeeded is an event ---- */

/* The ledger is the auditor's, but not all of it a narrowed one's. */
static bool sees_write(struct call *c, const struct incident *x, const struct ledger_row *row)
{
	const struct world *w = call_world(c);
	enum object_type type = world_find_tunnel(w, row->object) ? OBJECT_TUNNEL : OBJECT_RECORD;
	AUTO(str_t) object = str_dup(object_type_name(type));
	const struct change named = {.object = object, .name = row->object};
	return is_about(w, x, type, row->object) && sight_change(c->ops, &c->who, &named);
}

static void tell_write(struct incident *x, const struct ledger_row *row)
{
	AUTO(str_t) id = str_format("l%lld", (long long)row->seq);
	AUTO(str_t)
	more = row->plan ? arguments("plan", row->plan, 0)
			 : arguments("object", row->object, row->at_ms);
	AUTO(str_t)
	what = str_format("adit's %s of %s failed: %s", row->operation, row->object, row->outcome);
	timeline_add(&x->line, &(struct moment){.at_ms = row->at_ms,
						.kind = "write_failed",
						.name = row->object,
						.id = id,
						.what = what,
						.operation = row->plan ? "plan_get" : "event_list",
						.arguments = more});
}

static int tell_writes(struct call *c, struct incident *x, struct err *e)
{
	const struct ledger_filter f = {
		.principal = "adit", .since_ms = x->since_ms, .until_ms = x->until_ms};
	struct ledger_row *rows = NULL;
	int64_t before = 0;
	size_t n = 0;
	if (store_find_ledger(c->ops->store, &f, &before, LEDGER_LOOKED, LEDGER_TAKEN, &rows, &n,
			      e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (rows[i].phase == LEDGER_RESULT && rows[i].object && rows[i].outcome &&
		    !str_equal(rows[i].outcome, "ok") && sees_write(c, x, &rows[i]))
			tell_write(x, &rows[i]);
		ledger_row_free(&rows[i]);
	}
	free(rows);
	return 0;
}

/* ---- what is so now ---- */

static void tell_route(struct incident *x, const struct route *r)
{
	if (r->problem)
		add(x, r->problem->since_ms, "problem", r->hostname, r->problem->err.message, NULL,
		    "health_get", "host");
	if (r->reach.state != REACH_UNKNOWN) {
		AUTO(str_t)
		what = str_format("the origin of %s is %s, as connecting shows", r->hostname,
				  reach_name(r->reach.state));
		add(x, r->reach.since_ms, "probe_origin", r->hostname, what, NULL, "health_get",
		    "host");
	}
	if (r->edge.seen != EDGE_UNASKED) {
		AUTO(str_t)
		what = str_format("a request to %s through the public edge: %s", r->hostname,
				  edge_seen_name(r->edge.seen));
		add(x, r->edge.since_ms, "probe_edge", r->hostname, what, NULL, "health_get",
		    "host");
	}
}

static void tell_tunnel(struct incident *x, const struct tunnel *t)
{
	AUTO(str_t)
	what = str_format("tunnel %s runs configuration version %lld", t->name,
			  (long long)t->observed.config_version);
	if (t->problem)
		add(x, t->problem->since_ms, "problem", t->name, t->problem->err.message, NULL,
		    "tunnel_get", "tunnel");
	if (t->observed.config_seen_ms && t->observed.config_version)
		add(x, t->observed.config_seen_ms, "configuration", t->name, what, NULL,
		    "tunnel_get", "tunnel");
}

static void tell_connector(const struct world *w, struct incident *x, const struct connector *k)
{
	char name[96];
	connector_name(w, k, name, sizeof(name));
	if (k->problem)
		add(x, k->problem->since_ms, "problem", name, k->problem->err.message, NULL,
		    "log_search", "connector");
}

static void tell_drift(const struct world *w, struct incident *x)
{
	AUTO(drift_list_t) found = {0};
	drift_find(w, &found);
	for (size_t i = 0; i < found.n; i++) {
		const struct drift *d = &found.items[i];
		AUTO(str_t) more = arguments("zone", x->zone, 0);
		AUTO(str_t)
		what = str_format("%s %s differs at Cloudflare: %s, %s", object_type_name(d->type),
				  d->name, drift_kind_name(d->kind), d->field);
		if (is_about(w, x, d->type, d->name))
			timeline_add(&x->line, &(struct moment){.at_ms = d->since_ms ? d->since_ms
										     : x->until_ms,
								.kind = "drift",
								.name = d->name,
								.id = d->id,
								.what = what,
								.theirs = d->actor,
								.operation = "drift_list",
								.arguments = more});
	}
}

static void tell_world(const struct world *w, struct incident *x)
{
	TABLE_EACH (i, struct route, r, &w->routes)
		if (names_it(x, r->hostname))
			tell_route(x, r);
	TABLE_EACH (j, struct record, d, &w->records)
		if (names_it(x, d->name) && d->problem)
			add(x, d->problem->since_ms, "problem", d->name, d->problem->err.message,
			    NULL, "health_get", "host");
	TABLE_EACH (k, struct tunnel, t, &w->tunnels)
		if (has_tunnel(x, t->id))
			tell_tunnel(x, t);
	TABLE_EACH (m, struct connector, n, &w->connectors)
		if (has_tunnel(x, n->tunnel_id))
			tell_connector(w, x, n);
	tell_drift(w, x);
}

void incident_tell(struct call *c, struct incident *x)
{
	struct err *e = &x->store_error;
	tell_world(call_world(c), x);
	if (!c->ops->store)
		(void)err_set(e, ERR_INTERNAL, "the store is not open: see adit status");
	else if (tell_events(c, x, e) < 0 || tell_plans(c, x, e) < 0 || tell_writes(c, x, e) < 0)
		log_warning("an incident is told without a part of the store: %s", e->message);
}

/* ---- the audit log ---- */

bool incident_takes(const struct incident *x, const struct cf_audit_entry *e)
{
	if (!x->host || audit_of_firewall(e))
		return true;
	for (size_t i = 0; i < x->records.n; i++)
		if (str_equal(e->resource_id, x->records.items[i]) ||
		    (e->uri && strstr(e->uri, x->records.items[i])))
			return true;
	/* Which records a batch was about is not told; a tunnel's entries have no zone. */
	return (e->uri && str_ends(e->uri, "/dns_records/batch")) || !e->zone_id;
}

static char *entry_arguments(const struct incident *x, const struct cf_audit_entry *e)
{
	AUTO(buf_t) out = {0};
	struct json_writer w;
	json_write_init(&w, &out);
	json_object_begin(&w);
	if (e->zone_id && x->zone)
		json_put_string(&w, "zone", x->zone);
	else if (e->resource_id)
		audit_put_word(&w, "resource", e->resource_id);
	json_put_time(&w, "since", e->time_ms - 1000);
	json_put_time(&w, "until", e->time_ms + 1000);
	json_put_bool(&w, "details", true);
	json_object_end(&w);
	return buf_steal(&out);
}

void incident_tell_entry(struct call *c, struct incident *x, const struct cf_audit_entry *e)
{
	bool ours = c->ops->cf && cf_audit_ours(c->ops->cf, e);
	AUTO(str_t) actor = cf_audit_actor(e);
	AUTO(str_t) done = audit_what(e);
	AUTO(str_t)
	what = str_format("%s%s", done, ours ? ", by adit" : e->failed ? ", which failed" : "");
	AUTO(str_t) more = entry_arguments(x, e);
	timeline_add(&x->line,
		     &(struct moment){.at_ms = e->time_ms,
				      .kind = audit_of_firewall(e) ? "firewall_changed" : "audit",
				      .name = e->resource_id,
				      .id = audit_is_word(e->id) ? e->id : e->ray,
				      .what = what,
				      .theirs = actor,
				      .operation = "audit_log_list",
				      .arguments = more});
}
