#include "ops/health_facts.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cloudflare/configs.h"
#include "cloudflare/connections.h"
#include "cloudflare/records.h"
#include "model/edge_probe.h"

struct gathering {
	const struct world *w;
	const struct inside *in;
	const struct request *q;
	const struct tunnel *t;
	const struct route *r;
	const struct health_answers *a;
	struct health_facts *x;
	const char *name; /* whose records visitors meet */
	bool came;        /* Cloudflare showed them just now: */
	const struct json *records;
};

void health_facts_free(struct health_facts *x)
{
	free(x->name);
	free(x->wildcard);
	free(x->shown);
	free(x->words);
	free(x->differs);
	free(x->service);
	free(x->record_problem);
	free(x->record_hint);
	free(x->unproved);
}

/* ---- the record ---- */

static bool answers_visitors(const char *type)
{
	return str_equal(type, "CNAME") || str_equal(type, "A") || str_equal(type, "AAAA");
}

/* How much a record says: one that leads here most, then ours. */
static int weight(const struct gathering *g, const struct cf_record *r)
{
	const struct system_facts *s = &g->w->system;
	if (str_equal(r->type, "CNAME") && content_leads_to(r->content, g->t->remote_id))
		return 3;
	return mark_is(r->comment, s->owner, s->install) ? 2 : 1;
}

static void take_record(const struct gathering *g, const struct cf_record *r)
{
	struct health_facts *x = g->x;
	const struct system_facts *s = &g->w->system;
	x->f.record.found = true;
	x->f.record.leads = weight(g, r) == 3;
	x->f.record.ours = mark_is(r->comment, s->owner, s->install);
	x->f.record.proxied = r->proxied;
	(void)str_copy(x->record_id, sizeof(x->record_id), r->id);
	free(x->shown);
	x->shown = str_format("%s %s", r->type, r->content);
}

static void see_records(const struct gathering *g)
{
	int best = 0;
	g->x->f.record.known = true;
	JSON_EACH (v, g->records) {
		struct cf_record r;
		struct err e;
		if (cf_record_read(v, &r, &e) < 0 || !answers_visitors(r.type) ||
		    strcasecmp(r.name, g->name) != 0 || weight(g, &r) <= best)
			continue;
		best = weight(g, &r);
		take_record(g, &r);
	}
}

/* As it was last seen. */
static void recall_record(const struct gathering *g, const struct record *d)
{
	struct health_facts *x = g->x;
	if (!d->observed.looked_ms)
		return;
	x->f.record.known = true;
	x->f.record.found = d->observed.found && !d->observed.gone;
	x->f.record.leads = content_leads_to(d->observed.content, g->t->remote_id);
	x->f.record.proxied = d->observed.proxied;
}

static void gather_record(const struct gathering *g)
{
	struct health_facts *x = g->x;
	const struct record *d = world_find_record(g->w, g->name, "CNAME");
	x->f.record.zone = !g->w->system.zones_listed_ms || world_zone_of(g->w, g->name);
	if (g->came)
		see_records(g);
	else if (d)
		recall_record(g, d);
	if (d && !x->f.record.found)
		x->f.record.ours = d->remote_id[0];
	if (d && d->problem) {
		x->f.record.problem = x->record_problem = str_dup(d->problem->err.message);
		x->f.record.hint = x->record_hint = str_dup(d->problem->err.hint);
	}
	x->f.record.id = x->record_id[0] ? x->record_id : NULL;
	x->f.record.shown = x->shown;
}

/* ---- tunnel and connectors ---- */

static void look_at_connector(const struct gathering *g, const struct connector *c,
			      const struct tunnel_connections *seen)
{
	struct health_facts *x = g->x;
	bool serves = connector_serving(c);
	char id[UUID_SIZE];
	x->f.connectors.total++;
	if (!x->f.connectors.name ||
	    (!serves && x->f.connectors.serving + 1 == x->f.connectors.total)) {
		connector_name(g->w, c, x->connector, sizeof(x->connector));
		x->f.connectors.name = x->connector;
		x->f.connectors.state = connector_state_name(c->state);
		x->f.connectors.reason = c->reason;
		x->f.connectors.hint = c->problem ? c->problem->err.hint : NULL;
		x->f.connectors.stopped = c->stopped_by_user;
	}
	if (!serves)
		return;
	x->f.connectors.serving++;
	const struct tunnel_client *client =
		tunnel_connections_find(seen, uuid_format(&c->connector_id, id));
	int64_t runs = client && client->config_version > c->config_version ? client->config_version
									    : c->config_version;
	if (client)
		x->f.at_cloudflare.lists_ours = true;
	if (x->f.connectors.serving == 1 || runs < x->f.config.running) {
		x->f.config.running = runs;
		connector_name(g->w, c, x->behind, sizeof(x->behind));
	}
	if (x->f.config.version >= 0 && runs >= x->f.config.version)
		x->f.config.one_runs = true;
}

static void gather_tunnel(const struct gathering *g)
{
	struct health_facts *x = g->x;
	AUTO(tunnel_connections_t) seen = {0};
	struct err e;
	x->f.tunnel = g->t->name;
	x->f.at_cloudflare.made = g->t->remote_id[0];
	x->f.at_cloudflare.gone =
		g->t->remote_id[0] &&
		(g->t->observed.gone || g->a->connections.absent || g->a->config.absent);
	x->f.at_cloudflare.replicas = g->t->replicas;
	x->f.at_cloudflare.connections = -1;
	x->f.at_cloudflare.problem = g->t->problem ? g->t->problem->err.message : NULL;
	x->f.at_cloudflare.hint = g->t->problem ? g->t->problem->err.hint : NULL;
	if (g->a->connections_came && cf_connections_read(&g->a->connections, &seen, &e) == 0)
		x->f.at_cloudflare.connections = tunnel_connections_count(&seen);
	TABLE_EACH (i, struct connector, c, &g->w->connectors)
		if (str_equal(c->tunnel_id, g->t->id) && c->want == WANT_PRESENT)
			look_at_connector(g, c, &seen);
	x->f.config.behind = x->behind;
}

/* ---- configuration and rule ---- */

static void gather_rule(const struct gathering *g, const char *config)
{
	struct health_facts *x = g->x;
	AUTO(rule_look_t) k = {0};
	if (rule_look(g->w, g->t, config, g->q, &k, &x->refused) < 0) {
		x->f.rule.refused = x->refused.message;
		return;
	}
	if (!g->in->all)
		rule_look_narrow(&k, g->in);
	const struct rule *taker = rule_look_taker(&k);
	x->f.rule.number = k.match.number;
	x->f.rule.last_resort = taker && rule_takes_all(taker);
	x->f.rule.certain = k.match.certain;
	x->f.rule.as_wanted = k.as_wanted;
	x->f.rule.drifted = k.drifted;
	x->f.rule.words = x->words = rule_look_words(&k);
	x->f.rule.differs = x->differs = rule_look_differs(&k);
}

static void gather_config(const struct gathering *g)
{
	struct health_facts *x = g->x;
	struct cf_config now;
	struct err e;
	bool known = g->t->observed.config_seen_ms || g->t->observed.config_version > 0;
	x->f.config.version = known ? g->t->observed.config_version : -1;
	x->f.config.local = g->t->observed.config_local;
	x->f.config.pending = g->r && g->r->applied_generation != g->r->generation;
	if (g->a->config_came && cf_config_read(&g->a->config, &now, &e) == 0) {
		AUTO(str_t) text = now.config.len ? str_ndup(now.config.p, now.config.len) : NULL;
		x->f.config.version = now.version;
		x->f.config.local = now.local;
		gather_rule(g, text);
	} else if (known) {
		gather_rule(g, g->t->observed.config);
	}
}

/* ---- the origin ---- */

static void gather_origin(const struct gathering *g)
{
	struct health_facts *x = g->x;
	if (!g->r) {
		x->f.origin.unasked = "No route of adit's is for it";
		return;
	}
	x->f.service = x->service = str_dup(g->r->service);
	x->f.origin.state = g->r->reach.state;
	x->f.origin.status = g->r->reach.status;
	if (route_reach_problem(g->r, &x->origin)) {
		x->f.origin.problem = x->origin.err.message;
		x->f.origin.hint = x->origin.err.hint;
	}
	if (g->t->replicas == 0)
		x->f.origin.unasked = "The connectors run on other hosts, so the origin cannot be "
				      "asked from here";
	else if (g->r->probing == PROBE_NONE)
		x->f.origin.unasked = "Its route says that the origin is not to be asked";
	else if (!g->a->origin_asked)
		x->f.origin.unasked = "Its service has no address that is asked";
	else
		x->f.origin.unasked = "It has not answered yet";
}

static char *shell_name(const char *name)
{
	return str_format(name[0] == '*' ? "'%s'" : "%s", name);
}

/* A name that has a record of whatever kind is none of a wildcard's. */
static bool is_hidden(const struct gathering *g)
{
	const struct health_answers *a = g->a;
	if (!g->r || g->r->hostname[0] != '*')
		return false;
	if (a->exact_came)
		return json_count(a->exact.result) > 0;
	TABLE_EACH (i, struct record, d, &g->w->records)
		if (strcasecmp(d->name, g->q->host) == 0 && d->observed.found && !d->observed.gone)
			return true;
	return false;
}

/* Which name's records visitors meet. */
static void gather_name(struct gathering *g)
{
	const struct health_answers *a = g->a;
	struct health_facts *x = g->x;
	bool hidden = is_hidden(g);
	g->name = g->r && !hidden ? g->r->hostname : g->q->host;
	g->came = hidden ? a->exact_came : a->record_came;
	g->records = hidden ? a->exact.result : a->record.result;
	x->f.name = x->name = shell_name(g->name);
	if (hidden)
		x->f.record.hides = x->wildcard = shell_name(g->r->hostname);
}

/* ---- through the edge ---- */

/* A failure that is known stands until there is an answer: one that takes long is no better news.
 */
static bool edge_waits(const struct gathering *g, const struct route *probe)
{
	return g->a->edge_waits && !edge_seen_fails(probe->edge.seen);
}

static char *why_unproved(const struct gathering *g, const struct route *probe)
{
	if (!probe)
		return g->r && g->r->hostname[0] != '*' && g->t->replicas > 0
			       ? str_format("No request was sent through the public edge; adit "
					    "route probe %s proves the way for a time",
					    g->r->hostname)
			       : NULL;
	if (edge_waits(g, probe))
		return str_dup("The request through the public edge is not back yet");
	if (probe->edge.seen == EDGE_UNASKED && probe->edge.words)
		return str_format("No request was sent through the public edge: %s",
				  probe->edge.words);
	return route_edge_unproved(probe);
}

static void gather_edge(const struct gathering *g)
{
	struct health_facts *x = g->x;
	const struct route *probe = g->r ? world_edge_probe(g->w, g->r->hostname) : NULL;
	x->f.edge.unasked = x->unproved = why_unproved(g, probe);
	x->f.edge.waits = probe && edge_waits(g, probe);
	if (!probe || x->f.edge.waits)
		return;
	const struct connector *c = probe->edge.via ? world_connector(g->w, probe->edge.via) : NULL;
	(void)str_copy(x->via, sizeof(x->via), probe->edge.via ? probe->edge.via : "?");
	if (c)
		connector_name(g->w, c, x->via, sizeof(x->via));
	x->f.edge.seen = probe->edge.seen;
	x->f.edge.via = x->via;
	x->f.edge.took_ms = probe->edge.took_ms;
	x->f.edge.missed = probe->edge.missed;
	if (route_edge_problem(probe, &x->edge)) {
		x->f.edge.problem = x->edge.err.message;
		x->f.edge.hint = x->edge.err.hint;
	}
}

void health_facts_gather(const struct world *w, const struct inside *in, const struct request *q,
			 const struct tunnel *t, const struct route *r,
			 const struct health_answers *a, struct health_facts *out)
{
	struct gathering g = {.w = w, .in = in, .q = q, .t = t, .r = r, .a = a, .x = out};
	memset(out, 0, sizeof(*out));
	out->f.host = q->host;
	gather_name(&g);
	out->f.unasked = a->unasked[0] ? a->unasked : NULL;
	gather_record(&g);
	gather_edge(&g);
	gather_config(&g);
	gather_tunnel(&g);
	gather_origin(&g);
}
