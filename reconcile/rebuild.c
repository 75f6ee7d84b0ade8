#include "reconcile/rebuild.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "model/edge_probe.h"
#include "reconcile/rules.h"

/* ---- facts ---- */

static void record_drop(struct rebuild_record *r)
{
	free(r->name);
	free(r->type);
	free(r->content);
	free(r->text);
	free(r);
}

void rebuild_free(struct rebuild *b)
{
	for (size_t i = 0; i < b->n_tunnels; i++) {
		free(b->tunnels[i]->name);
		free(b->tunnels[i]->config);
		free(b->tunnels[i]);
	}
	for (size_t i = 0; i < b->n_records; i++)
		record_drop(b->records[i]);
	free(b->tunnels);
	free(b->records);
	map_free(&b->by_id);
	strlist_free(&b->orphans);
	*b = (struct rebuild){0};
}

void rebuild_add_tunnel(struct rebuild *b, const struct cf_tunnel *t)
{
	struct rebuild_tunnel *x;

	if (t->deleted || map_get(&b->by_id, t->id))
		return;
	x = mem_alloc(sizeof(*x));
	(void)str_copy(x->remote_id, sizeof(x->remote_id), t->id);
	x->name = str_dup(t->name);
	b->tunnels = mem_room(b->tunnels, b->n_tunnels, sizeof(struct rebuild_tunnel *));
	b->tunnels[b->n_tunnels++] = x;
	map_set(&b->by_id, x->remote_id, x);
}

static void add_folder(struct rebuild *b, const struct connector *c)
{
	struct rebuild_tunnel *x = map_get(&b->by_id, connector_past(c)->remote_tunnel);

	/* Two local ids for one tunnel: the first one is taken back, the other's connectors run on.
	 */
	if (!x || (x->id[0] && !str_equal(x->id, c->tunnel_id))) {
		strlist_add(&b->orphans, c->id);
		return;
	}
	(void)str_copy(x->id, sizeof(x->id), c->tunnel_id);
	if (c->slot > x->replicas)
		x->replicas = c->slot;
}

void rebuild_add_folders(struct rebuild *b, const struct world *w)
{
	TABLE_EACH (i, struct connector, c, &w->connectors)
		if (c->want == WANT_PRESENT && !world_tunnel(w, c->tunnel_id))
			add_folder(b, c);
}

/* "<tunnel>.cfargotunnel.com" */
static void tunnel_of(const struct cf_record *r, char out[UUID_SIZE])
{
	size_t len = r->content ? strlen(r->content) : 0;

	out[0] = '\0';
	if (len != UUID_SIZE - 1 + strlen(TUNNEL_DOMAIN) || !str_equal(r->type, "CNAME") ||
	    strcasecmp(r->content + UUID_SIZE - 1, TUNNEL_DOMAIN) != 0)
		return;
	for (size_t i = 0; i < UUID_SIZE - 1; i++) {
		char ch = r->content[i];
		out[i] = ch >= 'A' && ch <= 'Z' ? (char)(ch - 'A' + 'a') : ch;
	}
	out[UUID_SIZE - 1] = '\0';
}

static struct rebuild_record *record_keep(const char *zone_id, const struct cf_record *r)
{
	struct rebuild_record *x = mem_alloc(sizeof(*x));
	const char *text = mark_text(r->comment);

	(void)str_copy(x->id, sizeof(x->id), r->id);
	(void)str_copy(x->zone_id, sizeof(x->zone_id), zone_id);
	x->name = str_dup(r->name);
	x->type = str_dup(r->type);
	x->content = cf_record_content(r);
	x->text = text && *text ? str_dup(text) : NULL;
	x->proxied = r->proxied;
	x->ttl = r->ttl;
	x->priority = r->priority;
	return x;
}

void rebuild_add_record(struct rebuild *b, const struct world *w, const char *zone_id,
			const struct cf_record *r)
{
	char tunnel[UUID_SIZE];
	struct rebuild_tunnel *t;
	struct rebuild_record *x;

	tunnel_of(r, tunnel);
	t = map_get(&b->by_id, tunnel);
	if (!mark_is(r->comment, w->system.owner, w->system.install)) {
		if (t && mark_text(r->comment))
			t->others = true;
		return;
	}
	x = record_keep(zone_id, r);
	(void)str_copy(x->tunnel, sizeof(x->tunnel), tunnel);
	b->records = mem_room(b->records, b->n_records, sizeof(struct rebuild_record *));
	b->records[b->n_records++] = x;
	if (t)
		t->records++;
}

bool rebuild_is_ours(const struct rebuild_tunnel *t)
{
	return t->records || t->id[0];
}

/* ---- what the damaged store still knew ---- */

static const struct tunnel *old_tunnel(const struct world *old, const char *remote_id)
{
	const struct tunnel *t = old ? world_find_tunnel(old, remote_id) : NULL;
	return t && str_equal(t->remote_id, remote_id) ? t : NULL;
}

static const struct record *old_record(const struct world *old, const char *remote_id)
{
	for (size_t i = 0; old && i < old->records.n; i++) {
		const struct record *r = old->records.items[i];
		if (str_equal(r->remote_id, remote_id))
			return r;
	}
	return NULL;
}

static void keep_policy(struct edit *d, enum drift_policy drift, const char *manifest)
{
	str_set(&d->drift, drift_policy_name(drift));
	str_set(&d->manifest, manifest);
}

/* ---- the plan ---- */

struct building {
	const struct rebuild *b;
	const struct world *w, *old;
	const struct guard_policy *g;
	struct plan *plan;
	struct map names;   /* host name and tunnel of each record of ours */
	struct map tunnels; /* remote id -> local id, of the tunnels in the plan */
	struct strlist ids; /* the local ids */
	struct map routes;  /* host name and path of those in the plan */
	struct map records; /* name and type of those in the plan */
};

static char mapped[] = "x"; /* a value for maps that are sets */

static char *key_of(const char *a, const char *b)
{
	return str_format("%s\n%s", a, b ? b : "");
}

/* true the first time */
static bool add_key(struct map *m, const char *a, const char *b)
{
	AUTO(str_t) key = key_of(a, b);
	return map_set(m, key, mapped) == NULL;
}

static bool has_key(const struct map *m, const char *a, const char *b)
{
	AUTO(str_t) key = key_of(a, b);
	return map_get(m, key) != NULL;
}

static struct edit *put_as(struct plan *p, enum edit_kind kind, const char *id)
{
	if (!id || !*id)
		return plan_put_new(p, kind);
	plan_touch(p, id, 0);
	return plan_edit(p, kind, id);
}

/* ---- tunnels ---- */

static const char *why_not_tunnel(const struct building *x, const struct rebuild_tunnel *t)
{
	if (!t->config_read)
		return "its configuration could not be read";
	if (world_find_tunnel(x->w, t->remote_id))
		return "it is adit's again already";
	if (world_find_tunnel(x->w, t->name))
		return "another tunnel of adit's has its name";
	return NULL;
}

/* A folder alone tells that connectors run here, not whose the tunnel is. With rules of which no
 * record of ours knows, it is served along with its owner, and nothing of it is written. */
static bool looks_foreign(const struct rebuild_tunnel *t)
{
	struct rules rules = {0};
	struct err e;

	if (t->records)
		return false;
	if (t->others || t->config_local || rules_read_config(t->config, &rules, &e) < 0)
		return true;
	bool more = rules.n > 1; /* than the one for what no other takes */
	rules_free(&rules);
	return more;
}

static void tell_tunnel(const struct building *x, const struct rebuild_tunnel *t,
			const struct edit *d)
{
	plan_change(x->plan, '+', "tunnel", t->name,
		    "taken back as it stands (%s): %zu records of adit's lead to it, %lld "
		    "connectors on this host%s",
		    t->remote_id, t->records, (long long)d->replicas,
		    !d->joined  ? ""
		    : t->others ? "; its routes and records are another adit's"
				: "; no record says that it is adit's own, so nothing of it is "
				  "written");
}

static const char *put_tunnel(struct building *x, const struct rebuild_tunnel *t)
{
	const struct tunnel *was = old_tunnel(x->old, t->remote_id);
	struct edit *d = put_as(x->plan, EDIT_TUNNEL_PUT, t->id[0] ? t->id : was ? was->id : NULL);

	str_set(&d->name, t->name);
	str_set(&d->remote_id, t->remote_id);
	d->replicas = was && was->replicas > t->replicas ? was->replicas : t->replicas;
	d->joined = was ? was->joined : looks_foreign(t);
	if (was)
		keep_policy(d, was->drift, was->manifest);
	tell_tunnel(x, t, d);
	strlist_add(&x->ids, d->id);
	return x->ids.items[x->ids.n - 1];
}

/* ---- routes ---- */

static void take_rule(struct edit *d, const struct rule *r)
{
	AUTO(str_t)
	what = str_format("Takes back the route %s%s%s, as its rule stands.", r->hostname,
			  r->path ? " " : "", r->path ? r->path : "");
	struct json_span raw = json_raw(r->value);
	char hash[SHA256_HEX_SIZE];

	sha256_hex(raw.p, raw.len, hash);
	route_takes_add(&d->takes, hash, what);
}

static void fill_route(const struct building *x, struct edit *d, const struct rule *r,
		       const char *tunnel_id)
{
	const struct json *origin = json_get(r->value, "originRequest");
	const struct route *was = x->old ? world_find_route(x->old, r->hostname, r->path) : NULL;

	(void)str_copy(d->tunnel_id, ID_SIZE, tunnel_id);
	str_set(&d->name, r->hostname);
	str_set(&d->path, r->path);
	str_set(&d->service, json_get_string(r->value, "service"));
	if (origin_same(origin, NULL))
		origin = NULL;
	if (origin) {
		struct json_span raw = json_raw(origin);
		d->origin = str_ndup(raw.p, raw.len);
	}
	take_rule(d, r);
	if (edge_probe_is(d->path, d->service))
		d->until_ms = 1; /* for how long it was to stand is not known: it ends at once */
	if (was)
		keep_policy(d, was->drift, was->manifest);
}

/* What the guard refuses of a route by itself, nobody could approve in the plan either. */
static bool may_be_put(const struct building *x, const struct edit *route, struct err *e)
{
	AUTO(plan_t) alone = plan_new(REBUILD_OPERATION, "adit", NULL);
	struct edit *tunnel = plan_edit(alone, EDIT_TUNNEL_PUT, route->tunnel_id);

	str_set(&tunnel->name, route->tunnel_id);
	edit_copy(plan_edit(alone, EDIT_ROUTE_PUT, route->id), route);
	return guard_check(x->w, x->g, alone, e) == 0;
}

static void leave_route(const struct building *x, const struct rule *r, const char *why)
{
	plan_change(x->plan, '=', "route", r->hostname, "left alone: %s", why);
}

static void put_route(struct building *x, const struct rule *r, const char *tunnel_id)
{
	struct edit d = {.kind = EDIT_ROUTE_PUT};
	struct err e;

	if (!json_get_string(r->value, "service")) {
		leave_route(x, r, "its rule has no service");
		return;
	}
	if (!add_key(&x->routes, r->hostname, r->path)) {
		leave_route(x, r, "a rule before it has the same name and path");
		return;
	}
	fill_route(x, &d, r, tunnel_id);
	if (may_be_put(x, &d, &e)) {
		struct edit *made = plan_put_new(x->plan, EDIT_ROUTE_PUT);
		(void)str_copy(d.id, sizeof(d.id), made->id);
		edit_copy(made, &d);
		plan_change(x->plan, '+', "route", d.name,
			    "%s%s -> %s, taken back as its rule stands", d.path ? d.path : "",
			    d.path ? "" : "all paths", d.service);
	} else {
		leave_route(x, r, e.message);
	}
	edit_clear(&d);
}

static void put_routes(struct building *x, const struct rebuild_tunnel *t, const char *tunnel_id)
{
	struct rules rules = {0};
	struct err e;
	size_t others = 0;

	if (rules_read_config(t->config, &rules, &e) < 0) {
		plan_change(x->plan, '=', "tunnel", t->name,
			    "its routes are left alone: its configuration cannot be understood");
		return;
	}
	for (size_t i = 0; i < rules.n; i++) {
		const struct rule *r = &rules.items[i];
		if (r->hostname && has_key(&x->names, r->hostname, t->remote_id))
			put_route(x, r, tunnel_id);
		else
			others += i + 1 < rules.n;
	}
	if (others)
		plan_change(x->plan, '=', "tunnel", t->name,
			    "%zu of its rules have no record of adit's and are left alone", others);
	rules_free(&rules);
}

static void build_tunnel(struct building *x, const struct rebuild_tunnel *t)
{
	const char *why = why_not_tunnel(x, t);
	const char *id;

	if (why) {
		plan_change(x->plan, '=', "tunnel", t->name, "left alone: %s", why);
		return;
	}
	id = put_tunnel(x, t);
	map_set(&x->tunnels, t->remote_id, x->ids.items[x->ids.n - 1]);
	if (t->config_local)
		plan_change(x->plan, '=', "tunnel", t->name,
			    "its routes are left alone: it is configured by a file on some host");
	else
		put_routes(x, t, id);
}

/* ---- records ---- */

static const char *why_not_record(struct building *x, const struct rebuild_record *r)
{
	if (r->tunnel[0] && !map_get(&x->b->by_id, r->tunnel))
		return "it leads to a tunnel that is not there";
	if (r->tunnel[0] && !map_get(&x->tunnels, r->tunnel))
		return "its tunnel is left alone";
	if (!r->content)
		return "it has no content that adit can keep";
	if (world_find_clash(x->w, r->name, r->type, ""))
		return "adit has a record of that name already";
	if (!add_key(&x->records, r->name, r->type))
		return "adit keeps one record of a name and type, and this is a second one";
	return NULL;
}

static void build_record(struct building *x, const struct rebuild_record *r)
{
	const struct record *was = old_record(x->old, r->id);
	const char *why = why_not_record(x, r);
	struct edit *d;

	if (why) {
		plan_change(x->plan, '=', "record", r->name, "%s left alone: %s", r->type, why);
		return;
	}
	d = put_as(x->plan, EDIT_RECORD_PUT, was ? was->id : NULL);
	str_set(&d->name, r->name);
	str_set(&d->type, r->type);
	str_set(&d->comment, r->text);
	str_set(&d->remote_id, r->id);
	str_set(&d->zone_id, r->zone_id);
	d->proxied = r->proxied;
	d->ttl = r->ttl;
	d->priority = r->priority;
	if (r->tunnel[0])
		(void)str_copy(d->tunnel_id, ID_SIZE, map_get(&x->tunnels, r->tunnel));
	else
		str_set(&d->content, r->content);
	if (was)
		keep_policy(d, was->drift, was->manifest);
	plan_change(x->plan, '+', "record", r->name,
		    "%s, which bears adit's mark, taken back as it stands", r->type);
}

/* ---- all of it ---- */

static void building_free(struct building *x)
{
	map_free(&x->names);
	map_free(&x->tunnels);
	map_free(&x->routes);
	map_free(&x->records);
	strlist_free(&x->ids);
}

struct plan *rebuild_plan(const struct rebuild *b, const struct world *w, const struct world *old,
			  const struct guard_policy *g)
{
	struct building x = {.b = b, .w = w, .old = old, .g = g};
	struct plan *p;

	x.plan = plan_new(
		REBUILD_OPERATION, "adit",
		"What is adit's at Cloudflare is taken back, since the store was begun anew.");
	for (size_t i = 0; i < b->n_records; i++)
		(void)add_key(&x.names, b->records[i]->name, b->records[i]->tunnel);
	for (size_t i = 0; i < b->n_tunnels; i++)
		if (rebuild_is_ours(b->tunnels[i]))
			build_tunnel(&x, b->tunnels[i]);
	for (size_t i = 0; i < b->n_records; i++)
		build_record(&x, b->records[i]);
	for (size_t i = 0; i < b->orphans.n; i++)
		plan_change(x.plan, '=', "connector", b->orphans.items[i],
			    "runs on from its folder: its tunnel is not in the account");
	p = x.plan;
	if (!p->n_edits) {
		plan_free(p);
		p = NULL;
	}
	building_free(&x);
	return p;
}
