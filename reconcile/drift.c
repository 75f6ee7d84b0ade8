#include "reconcile/drift.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "reconcile/guard_origin.h"

/* A change is seen within this time: that of the sweep, and what the audit log lags behind. */
#define ACTOR_AGE_MS (2 * 3600 * 1000LL)

static const char *const kind_names[DRIFT_KINDS] = {
	[DRIFT_CHANGED] = "changed", [DRIFT_GONE] = "gone",     [DRIFT_UNMARKED] = "unmarked",
	[DRIFT_REMOVED] = "removed", [DRIFT_EDITED] = "edited",
};

static const char publishes[] = "it would publish a name again";
static const char unprotects[] = "it would lift a protection";
static const char renames[] = "somebody gave it another name";
static const char deleted[] = "somebody deleted it";
static const char fought[] = "somebody undoes it again and again";
static const char held[] = "a plan that touches it waits for a decision";

const char *drift_kind_name(enum drift_kind k)
{
	return kind_names[k];
}

static void drift_free(struct drift *d)
{
	free(d->name);
	free(d->wanted);
	free(d->seen);
	free(d->actor);
}

void drift_list_t_cleanup(drift_list_t *l)
{
	for (size_t i = 0; i < l->n; i++)
		drift_free(&l->items[i]);
	free(l->items);
	*l = (struct drift_list){.n = 0};
}

static struct drift *add(struct drift_list *l, const struct drift *d)
{
	l->items = mem_grow(l->items, l->n + 1, sizeof(*l->items));
	l->items[l->n] = *d;
	return &l->items[l->n++];
}

/* Takes wanted; seen is copied. */
static void differ(struct drift_list *l, const struct drift *of, const char *field, char *wanted,
		   const char *seen)
{
	struct drift *d = add(l, of);
	d->field = field;
	d->name = str_dup(of->name);
	d->wanted = wanted;
	d->seen = str_dup(seen);
	d->actor = str_dup(of->actor);
}

/* An entry that is much older than what was seen is about something else. */
static char *actor_of(const struct drift_actor *who, int64_t since_ms)
{
	char at[TEXT_TIME_SIZE];
	if (!who->text || (since_ms && who->at_ms < since_ms - ACTOR_AGE_MS))
		return NULL;
	time_format(who->at_ms, at);
	return str_format("%s, %s", who->text, at);
}

/* ---- records ---- */

static bool leads_to(const struct record *r, const struct tunnel *t)
{
	return t && content_leads_to(r->observed.content, t->remote_id);
}

/* t: the tunnel that it is to lead to. */
static bool differs_at(const struct record *r, const struct tunnel *t)
{
	if (r->observed.renamed)
		return true;
	if (!r->tunnel_id[0])
		return !record_own_as_seen(r);
	return !leads_to(r, t) || r->observed.proxied != r->proxied;
}

bool drift_record_differs(const struct world *w, const struct record *r)
{
	return differs_at(r, world_tunnel(w, r->tunnel_id));
}

/* Why it is not put back although nothing speaks against that. */
static const char *stays(const struct drift_facts *f)
{
	return f->fought ? fought : f->held ? held : NULL;
}

/* A tunnel's record that is not proxied answers nobody. */
const char *drift_record_hindrance(const struct record *r)
{
	if (r->observed.gone)
		return deleted;
	if (!r->observed.marked)
		return "somebody took adit's mark away";
	if (r->observed.renamed)
		return renames;
	if (r->observed.proxied && !r->proxied)
		return unprotects;
	if (!r->observed.proxied && r->proxied && r->tunnel_id[0])
		return publishes;
	return stays(&r->observed.drift);
}

static char *number(int64_t n)
{
	return str_format("%lld", (long long)n);
}

static void flag_differs(struct drift_list *l, const struct drift *of, const struct record *r)
{
	if (r->observed.proxied != r->proxied)
		differ(l, of, "proxied", str_dup(r->proxied ? "true" : "false"),
		       r->observed.proxied ? "true" : "false");
}

static void own_fields(struct drift_list *l, const struct drift *of, const struct record *r)
{
	const char *text = mark_text(r->observed.comment);
	if (!record_content_same(r->type, r->content, r->observed.content))
		differ(l, of, "content", str_dup(r->content), r->observed.content);
	flag_differs(l, of, r);
	if (!r->proxied && r->observed.ttl != r->ttl) {
		AUTO(str_t) seen = number(r->observed.ttl);
		differ(l, of, "ttl", number(r->ttl), seen);
	}
	if (str_equal(r->type, "MX") && r->observed.priority != r->priority) {
		AUTO(str_t) seen = number(r->observed.priority);
		differ(l, of, "priority", number(r->priority), seen);
	}
	if (!str_equal(text ? text : "", r->comment ? r->comment : ""))
		differ(l, of, "comment", str_dup(r->comment ? r->comment : ""), text);
}

static void record_fields(const struct world *w, const struct record *r, const struct drift *of,
			  struct drift_list *l)
{
	if (r->observed.renamed)
		differ(l, of, "name", str_dup(r->name), r->observed.renamed);
	if (!r->tunnel_id[0]) {
		own_fields(l, of, r);
		return;
	}
	if (!leads_to(r, world_tunnel(w, r->tunnel_id)))
		differ(l, of, "content", record_content(w, r), r->observed.content);
	flag_differs(l, of, r);
}

/* What is wanted of it was put, and what stands there was seen since. */
static bool record_seen(const struct record *r)
{
	return r->want == WANT_PRESENT && r->remote_id[0] && r->observed.looked_ms &&
	       !r->observed.missing;
}

/* Of nearly all records there is nothing to tell. */
static bool record_differs(const struct record *r, const struct tunnel *t)
{
	return r->observed.gone || !r->observed.marked ||
	       (r->generation == r->applied_generation && differs_at(r, t));
}

static void add_record(const struct world *w, const struct record *r, struct drift_list *l)
{
	struct drift of = {.type = OBJECT_RECORD,
			   .name = r->name,
			   .kind = r->observed.gone      ? DRIFT_GONE
				   : !r->observed.marked ? DRIFT_UNMARKED
							 : DRIFT_CHANGED,
			   .since_ms = r->observed.drift.since_ms,
			   .policy = world_record_policy(w, r),
			   .hindrance = drift_record_hindrance(r)};
	AUTO(str_t) actor = actor_of(&r->observed.drift.actor, of.since_ms);
	of.actor = actor;
	(void)str_copy(of.id, sizeof(of.id), r->id);
	if (of.kind == DRIFT_GONE)
		differ(l, &of, "record", str_format("%s record", r->type), NULL);
	else if (of.kind == DRIFT_UNMARKED)
		differ(l, &of, "mark", str_format("adit:%s/%s", w->system.owner, w->system.install),
		       r->observed.comment);
	else
		record_fields(w, r, &of, l);
}

/* near: probably the tunnel that it is to lead to. Gives that tunnel back. */
static const struct tunnel *record_drift(const struct world *w, const struct record *r,
					 const struct tunnel *near, struct drift_list *l)
{
	if (!near || strcmp(near->id, r->tunnel_id) != 0)
		near = r->tunnel_id[0] ? world_tunnel(w, r->tunnel_id) : NULL;
	if (record_seen(r) && record_differs(r, near))
		add_record(w, r, l);
	return near;
}

/* ---- routes ---- */

static bool is_refusal(const char *service)
{
	return service && str_starts(service, "http_status:");
}

/* The rule of that host name and path in the configuration that was last read. */
static const struct json *standing_rule(const struct json *config, const struct route *r)
{
	JSON_EACH (rule, json_get(config, "ingress")) {
		const char *host = json_get_string(rule, "hostname");
		const char *path = json_get_string(rule, "path");
		if (host && strcasecmp(host, r->hostname) == 0 &&
		    str_equal(path ? path : "", r->path ? r->path : ""))
			return rule;
	}
	return NULL;
}

/* Would our options protect less than those that stand there? What cannot be told is taken for a
 * yes. */
static bool lifts_protection(const struct route *r, const char *standing)
{
	AUTO(origin_safety_t) ours = {0};
	AUTO(origin_safety_t) theirs = {0};
	struct err e;
	if (origin_read(r->origin, &ours, &e) < 0 || origin_read(standing, &theirs, &e) < 0)
		return true;
	return (theirs.access_required && !ours.access_required) ||
	       (theirs.access && !str_equal(theirs.access, ours.access)) ||
	       (ours.no_tls_verify && !theirs.no_tls_verify);
}

static const char *edited_hindrance(const struct tunnel *t, const struct route *r)
{
	AUTO(json_doc_t) doc = NULL;
	AUTO(buf_t) origin = {0};
	struct err e;
	const char *config = t->observed.config;
	if (!config || json_parse(config, strlen(config), NULL, &doc, &e) < 0)
		return unprotects;
	const struct json *rule = standing_rule(json_root(doc), r);
	const struct json *options = json_get(rule, "originRequest");
	if (!rule)
		return publishes;
	if (is_refusal(json_get_string(rule, "service")) && !is_refusal(r->service))
		return publishes;
	if (!json_is_null(options))
		json_print(options, &origin);
	if (lifts_protection(r, origin.len ? buf_text(&origin) : NULL))
		return unprotects;
	return stays(&r->observed.drift);
}

static char *route_name(const struct route *r)
{
	return str_format("%s%s%s", r->hostname, r->path ? " " : "", r->path ? r->path : "");
}

static void edited_fields(const struct route *r, const struct drift *of, struct drift_list *l)
{
	if (!str_equal(r->service, r->observed.service))
		differ(l, of, "service", str_dup(r->service), r->observed.service);
	else
		differ(l, of, "originRequest", str_dup(r->origin ? r->origin : "{}"),
		       "other options");
}

static void route_drift(const struct world *w, const struct route *r, struct drift_list *l)
{
	bool removed = r->observed.seen == ROUTE_REMOVED;
	if ((!removed && r->observed.seen != ROUTE_EDITED) ||
	    r->generation != r->applied_generation)
		return;
	const struct tunnel *t = world_tunnel(w, r->tunnel_id);
	if (!t || t->observed.gone || t->observed.missing || t->want != WANT_PRESENT)
		return;
	AUTO(str_t) name = route_name(r);
	AUTO(str_t) actor = actor_of(&t->observed.config_actor, r->observed.drift.since_ms);
	struct drift of = {.type = OBJECT_ROUTE,
			   .name = name,
			   .actor = actor,
			   .kind = removed ? DRIFT_REMOVED : DRIFT_EDITED,
			   .since_ms = r->observed.drift.since_ms,
			   .policy = world_route_policy(w, r),
			   .hindrance = removed ? publishes : edited_hindrance(t, r)};
	(void)str_copy(of.id, sizeof(of.id), r->id);
	if (removed)
		differ(l, &of, "rule", str_dup(r->service), NULL);
	else
		edited_fields(r, &of, l);
}

/* ---- tunnels ---- */

static void tunnel_drift(const struct world *w, const struct tunnel *t, struct drift_list *l)
{
	struct drift of = {.type = OBJECT_TUNNEL,
			   .name = t->name,
			   .kind = t->observed.gone ? DRIFT_GONE : DRIFT_CHANGED,
			   .since_ms = t->observed.drift.since_ms,
			   .policy = world_tunnel_policy(w, t),
			   .hindrance = t->observed.gone ? deleted : stays(&t->observed.drift)};
	if (t->want != WANT_PRESENT || !t->remote_id[0] || t->observed.missing)
		return;
	AUTO(str_t) actor = actor_of(&t->observed.drift.actor, of.since_ms);
	of.actor = actor;
	(void)str_copy(of.id, sizeof(of.id), t->id);
	if (t->observed.gone)
		differ(l, &of, "tunnel", str_dup(t->remote_id), NULL);
	else if (!t->joined && !t->renames && t->observed.name &&
		 t->generation == t->applied_generation && !str_equal(t->observed.name, t->name))
		differ(l, &of, "name", str_dup(t->name), t->observed.name);
}

/* ---- all ---- */

/* From there on, what is to be ignored goes. What is gone is never ignored. */
static void drop_ignored(struct drift_list *l, size_t from)
{
	while (l->n > from) {
		struct drift *d = &l->items[l->n - 1];
		if (d->policy != DRIFT_IGNORE || d->kind == DRIFT_GONE || d->kind == DRIFT_UNMARKED)
			return;
		drift_free(d);
		l->n--;
	}
}

static void find(const struct world *w, bool ignored, struct drift_list *out)
{
	const struct tunnel *near = NULL;
	*out = (struct drift_list){.n = 0};
	TABLE_EACH (i, struct tunnel, t, &w->tunnels) {
		size_t from = out->n;
		tunnel_drift(w, t, out);
		drop_ignored(out, ignored ? out->n : from);
	}
	TABLE_EACH (j, struct route, r, &w->routes) {
		size_t from = out->n;
		route_drift(w, r, out);
		drop_ignored(out, ignored ? out->n : from);
	}
	TABLE_EACH (k, struct record, d, &w->records) {
		size_t from = out->n;
		near = record_drift(w, d, near, out);
		drop_ignored(out, ignored ? out->n : from);
	}
}

void drift_find(const struct world *w, struct drift_list *out)
{
	find(w, false, out);
}

void drift_find_all(const struct world *w, struct drift_list *out)
{
	find(w, true, out);
}

void drift_move(struct drift_list *to, struct drift_list *from, size_t at)
{
	(void)add(to, &from->items[at]);
	from->items[at].name = from->items[at].wanted = from->items[at].seen = NULL;
	from->items[at].actor = NULL;
}

void drift_find_object(const struct world *w, enum object_type type, const char *id,
		       struct drift_list *out)
{
	const struct tunnel *t = type == OBJECT_TUNNEL ? world_tunnel(w, id) : NULL;
	const struct route *r = type == OBJECT_ROUTE ? world_route(w, id) : NULL;
	const struct record *d = type == OBJECT_RECORD ? world_record(w, id) : NULL;
	*out = (struct drift_list){.n = 0};
	if (t)
		tunnel_drift(w, t, out);
	if (r)
		route_drift(w, r, out);
	if (d)
		(void)record_drift(w, d, NULL, out);
}

/* ---- since when ---- */

struct drift_facts *drift_facts_of(struct world *w, const struct drift *d)
{
	struct tunnel *t = d->type == OBJECT_TUNNEL ? world_tunnel(w, d->id) : NULL;
	struct route *r = d->type == OBJECT_ROUTE ? world_route(w, d->id) : NULL;
	struct record *x = d->type == OBJECT_RECORD ? world_record(w, d->id) : NULL;
	return t ? &t->observed.drift : r ? &r->observed.drift : x ? &x->observed.drift : NULL;
}

/* What is as wanted again begins anew; whether it is fought over is known for a while. */
static void settle(struct drift_facts *f, bool differs, int64_t wall_ms)
{
	if (differs)
		return;
	if (f->since_ms)
		str_set(&f->actor.text, NULL);
	f->since_ms = 0;
	f->held = false;
	if (f->fought && wall_ms - f->repaired_ms[DRIFT_REPAIRS_MAX - 1] > DRIFT_FIGHT_MS)
		f->fought = false;
}

static void settle_all(struct world *w, const struct map *differ_now, int64_t wall_ms)
{
	TABLE_EACH (i, struct tunnel, t, &w->tunnels)
		settle(&t->observed.drift, map_get(differ_now, t->id), wall_ms);
	TABLE_EACH (j, struct route, r, &w->routes)
		settle(&r->observed.drift, map_get(differ_now, r->id), wall_ms);
	TABLE_EACH (k, struct record, d, &w->records)
		settle(&d->observed.drift, map_get(differ_now, d->id), wall_ms);
}

size_t drift_note(struct world *w, int64_t wall_ms, size_t *all)
{
	AUTO(drift_list_t) l = {0};
	struct map ids = {.entries = NULL};
	size_t fresh = 0;
	drift_find(w, &l);
	for (size_t i = 0; i < l.n; i++) {
		struct drift_facts *f = drift_facts_of(w, &l.items[i]);
		if (!f)
			continue;
		(void)map_set(&ids, l.items[i].id, f);
		fresh += f->since_ms == 0;
		if (!f->since_ms)
			f->since_ms = wall_ms;
	}
	settle_all(w, &ids, wall_ms);
	*all = ids.count;
	map_free(&ids);
	return fresh;
}
