/*
 * What a plan needs a person for, and what nobody can approve. It reads edits, not changes: a
 * sentence that people read is no proof of what will be done. When in doubt, ask.
 */
#include "reconcile/guard.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "model/edge_probe.h"
#include "reconcile/guard_origin.h"
#include "reconcile/guard_private.h"

#define OVERLAPS_SHOWN 10

typedef struct guarding guarding_t;
static void guarding_t_cleanup(guarding_t *x)
{
	strlist_free(&x->approvals);
	strlist_free(&x->warnings);
	map_free(&x->edits);
	map_free(&x->keys);
}

static void add_once(struct strlist *l, const char *sentence)
{
	if (!strlist_has(l, sentence))
		strlist_add(l, sentence);
}

void guard_need(struct guarding *x, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	AUTO(str_t) sentence = str_vformat(fmt, ap);
	va_end(ap);
	add_once(&x->approvals, sentence);
}

void guard_warn(struct guarding *x, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	AUTO(str_t) sentence = str_vformat(fmt, ap);
	va_end(ap);
	add_once(&x->warnings, sentence);
}

/* ---- the world as the plan leaves it ---- */

/* The last edit of an object; NULL when the plan leaves it alone. */
const struct edit *guard_edit_of(const struct guarding *x, const char *id)
{
	return map_get(&x->edits, id);
}

const char *guard_tunnel_name(const struct guarding *x, const char *id)
{
	const struct tunnel *t = world_tunnel(x->w, id);
	const struct edit *d = guard_edit_of(x, id);
	return t ? t->name : d && d->name ? d->name : id;
}

/* The tunnel that an object leads through after the plan; NULL when it is gone then. */
static const char *tunnel_after(const struct guarding *x, const char *id, const char *now)
{
	const struct edit *d = guard_edit_of(x, id);
	return !d ? now : !edit_is_put(d->kind) ? NULL : d->tunnel_id;
}

static int check_tunnel_known(const struct guarding *x, const struct edit *d, struct err *e)
{
	const struct tunnel *t = world_tunnel(x->w, d->tunnel_id);
	const struct edit *made = guard_edit_of(x, d->tunnel_id);
	if (made && made->kind == EDIT_TUNNEL_PUT && (!t || t->want == WANT_PRESENT))
		return guard_not_joined(x, made->joined, d, e);
	if (!t)
		return err_set(e, ERR_INVALID, "%s would lead through a tunnel that does not exist",
			       d->name ? d->name : d->id);
	if (made || t->want != WANT_PRESENT)
		return err_set(e, ERR_INVALID, "%s would lead through tunnel %s, which is deleted",
			       d->name ? d->name : d->id, t->name);
	return guard_not_joined(x, t->joined, d, e);
}

/* ---- protected names ---- */

/* A wildcard of a plan touches a protected name below it as well. */
static void check_protected(struct guarding *x, const char *name)
{
	for (size_t i = 0; name && x->g->protect && i < x->g->protect->n; i++) {
		const char *pattern = x->g->protect->items[i];
		if (!hostname_matches(pattern, name) && !hostname_matches(name, pattern))
			continue;
		guard_need(x, "Touches %s, which is protected (safety.protect: %s).", name,
			   pattern);
		return;
	}
}

/* ---- tunnels ---- */

static size_t count_routes(const struct world *w, const char *tunnel_id)
{
	size_t n = 0;
	TABLE_EACH (i, struct route, r, &w->routes)
		n += str_equal(r->tunnel_id, tunnel_id);
	return n;
}

static int guard_tunnel_put(struct guarding *x, const struct edit *d, struct err *e)
{
	const struct tunnel *t = world_tunnel(x->w, d->id);
	size_t routes = count_routes(x->w, d->id);
	if (t && t->want == WANT_RELEASED)
		return err_set(e, ERR_BUSY, "Tunnel %s is just being given back", t->name);
	if (t && t->replicas > 0 && d->replicas <= 0 && routes)
		guard_need(x,
			   "Stops the last connector of tunnel %s on this host, which serves %zu "
			   "route%s.",
			   t->name, routes, routes == 1 ? "" : "s");
	if (t && (t->joined || (t->adopted && !routes)) && d->replicas <= 0)
		guard_leave(x, t);
	guard_tunnel_owner(x, t, d);
	return d->rotate ? guard_rotation(x, t, d, e) : 0;
}

static int check_nothing_left(const struct guarding *x, const struct tunnel *t, struct err *e)
{
	TABLE_EACH (i, struct route, r, &x->w->routes)
		if (str_equal(tunnel_after(x, r->id, r->tunnel_id), t->id))
			return err_set(e, ERR_INVALID, "Tunnel %s still has the route %s", t->name,
				       r->hostname);
	TABLE_EACH (i, struct record, r, &x->w->records)
		if (r->want == WANT_PRESENT &&
		    str_equal(tunnel_after(x, r->id, r->tunnel_id), t->id))
			return err_set(e, ERR_INVALID, "The record %s still leads to tunnel %s",
				       r->name, t->name);
	return 0;
}

static int guard_tunnel_drop(struct guarding *x, const struct edit *d, struct err *e)
{
	const struct tunnel *t = world_tunnel(x->w, d->id);
	if (!t)
		return err_set(e, ERR_INVALID, "There is no tunnel %s to delete", d->id);
	if (check_nothing_left(x, t, e) < 0)
		return -1;
	if (t->joined)
		guard_leave(x, t);
	else if (t->remote_id[0] || t->create_sent_ms)
		guard_need(x, "Deletes tunnel %s.", t->name);
	return 0;
}

static int guard_tunnel_release(struct guarding *x, const struct edit *d, struct err *e)
{
	const struct tunnel *t = world_tunnel(x->w, d->id);
	if (!t)
		return err_set(e, ERR_INVALID, "There is no tunnel %s to give back", d->id);
	if (check_nothing_left(x, t, e) < 0)
		return -1;
	guard_need(x,
		   "Gives tunnel %s back: it stays at Cloudflare as it stands, and its connectors "
		   "on this host stop.",
		   t->name);
	return 0;
}

/* ---- records ---- */

static bool record_made(const struct record *r)
{
	return r && (r->remote_id[0] || r->create_sent_ms);
}

/* What stands at the name after the plan, and lets no record of that type stand beside it. */
static const struct record *clash_after(const struct guarding *x, const struct edit *d)
{
	TABLE_EACH (i, struct record, r, &x->w->records) {
		if (strcasecmp(r->name, d->name) != 0 || str_equal(r->id, d->id))
			continue;
		const struct edit *o = guard_edit_of(x, r->id);
		const char *type = o && o->kind == EDIT_RECORD_PUT ? o->type : r->type;
		if (!(o && o->kind == EDIT_RECORD_DROP) && record_types_clash(type, d->type))
			return r;
	}
	return NULL;
}

static int check_no_clash(const struct guarding *x, const struct edit *d, struct err *e)
{
	const struct record *other = d->name && d->type ? clash_after(x, d) : NULL;
	if (!other)
		return 0;
	(void)err_set(e, ERR_CONFLICT, "%s has a record of adit's already (%s)", d->name,
		      other->type);
	if (other->tunnel_id[0])
		return err_hint(e,
				"It is a route's; delete the route first (adit route delete "
				"%s).",
				other->name);
	return err_hint(e, "Delete that one first (adit dns delete %s %s).", other->name,
			other->type);
}

/* What a POST without an answer made is known again by what it was to be. */
static int check_not_being_made(const struct record *r, const struct edit *d, struct err *e)
{
	if (!r || !r->create_sent_ms || r->remote_id[0] || d->anew || d->remote_id)
		return 0;
	bool same = str_equal(r->type, d->type) && str_equal(r->tunnel_id, d->tunnel_id) &&
		    (d->tunnel_id[0] || record_content_same(r->type, r->content, d->content));
	if (same)
		return 0;
	return err_set(e, ERR_BUSY,
		       "The record of %s is being created; change it when that is over", r->name);
}

static bool leads_elsewhere(const struct record *r, const struct edit *d)
{
	if (!str_equal(r->tunnel_id, d->tunnel_id))
		return true;
	return !d->tunnel_id[0] && record_type_leads(r->type) &&
	       !record_content_same(r->type, r->content, d->content);
}

static const char *record_goal(const struct guarding *x, const char *tunnel_id, const char *content,
			       const char *unsaid)
{
	return tunnel_id[0] ? guard_tunnel_name(x, tunnel_id) : content ? content : unsaid;
}

static void check_record_moved(struct guarding *x, const struct record *r, const struct edit *d)
{
	if (leads_elsewhere(r, d))
		guard_need(x, "Repoints the record %s from %s to %s.", r->name,
			   record_goal(x, r->tunnel_id, r->content, "its own content"),
			   record_goal(x, d->tunnel_id, d->content, "content of its own"));
	else if (!d->tunnel_id[0] && r->proxied && !d->proxied)
		guard_need(x,
			   "Takes Cloudflare's proxy away from %s: visitors see its address, and "
			   "no rule "
			   "of Cloudflare's stands before it.",
			   r->name);
}

static bool name_is_taken(const struct world *w, const char *name)
{
	TABLE_EACH (i, struct record, r, &w->records)
		if (record_made(r) && strcasecmp(r->name, name) == 0)
			return true;
	return false;
}

/* What a wildcard route answers today, the first record of a name takes away, whatever its type
 * (RFC 4592). No visitor asks for a name that begins with an underscore. */
static void check_shadowed(struct guarding *x, const struct edit *d)
{
	if (d->tunnel_id[0] || d->name[0] == '_' || name_is_taken(x->w, d->name))
		return;
	TABLE_EACH (i, struct route, r, &x->w->routes)
		if (strcasecmp(r->hostname, d->name) != 0 && hostname_matches(r->hostname, d->name))
			guard_need(x, "Takes %s away from the route %s.", d->name, r->hostname);
}

static int guard_record_put(struct guarding *x, const struct edit *d, struct err *e)
{
	const struct record *r = world_record(x->w, d->id);
	if (d->tunnel_id[0] && check_tunnel_known(x, d, e) < 0)
		return -1;
	if (check_no_clash(x, d, e) < 0 || check_not_being_made(r, d, e) < 0)
		return -1;
	if (r && r->want == WANT_RELEASED)
		return err_set(e, ERR_BUSY, "The record of %s is just being given back", r->name);
	/* A late DELETE would take away what was wanted again. */
	if (r && r->want == WANT_ABSENT && r->observed.deleting_ms)
		return err_set(e, ERR_BUSY, "The record of %s is just being deleted", r->name);
	check_protected(x, d->name);
	if (record_made(r) && !d->anew)
		check_record_moved(x, r, d);
	else
		check_shadowed(x, d);
	return guard_record_owner(x, r, d, e);
}

static int guard_record_drop(struct guarding *x, const struct edit *d, struct err *e)
{
	const struct record *r = world_record(x->w, d->id);
	if (!r)
		return err_set(e, ERR_INVALID, "There is no record %s to delete", d->id);
	check_protected(x, r->name);
	if (record_made(r))
		guard_need(x, "Deletes the record %s (%s).", r->name, r->type);
	return 0;
}

static int guard_record_release(struct guarding *x, const struct edit *d, struct err *e)
{
	const struct record *r = world_record(x->w, d->id);
	if (!r)
		return err_set(e, ERR_INVALID, "There is no record %s to give back", d->id);
	check_protected(x, r->name);
	guard_need(x, "Gives the record %s (%s) back: it stays, without adit's mark.", r->name,
		   r->type);
	return 0;
}

/* ---- routes ---- */

/* " ^/api" behind a host name; "" without a path. */
#define PATH_ARGS(path) (path) ? " " : "", (path) ? (path) : ""

/* While a PUT is under way, or its answer is lost, it may be live already. */
static bool route_never_live(const struct world *w, const struct route *r)
{
	const struct tunnel *t = world_tunnel(w, r->tunnel_id);
	return (!t || (t->config_version == 0 && t->observed.put_unknown_ms == 0 &&
		       r->applied_generation == 0)) &&
	       !record_made(world_find_record(w, r->hostname, "CNAME"));
}

static int guard_route_drop(struct guarding *x, const struct edit *d, struct err *e)
{
	const struct route *r = world_route(x->w, d->id);
	if (!r)
		return err_set(e, ERR_INVALID, "There is no route %s to delete", d->id);
	/* A probe was only ever to end; no visitor has been there. */
	if (route_is_edge_probe(r))
		return 0;
	check_protected(x, r->hostname);
	if (!route_never_live(x->w, r))
		guard_need(x, "Deletes the route %s%s%s to %s.", r->hostname, PATH_ARGS(r->path),
			   r->service);
	return 0;
}

/* Host names do not differ by case; patterns do. */
static char *key_of(const char *hostname, const char *path)
{
	char *key = str_format("%s\n%s", hostname, path ? path : "");
	for (char *p = key; *p != '\n'; p++)
		*p = (char)tolower((unsigned char)*p);
	return key;
}

/* Whoever comes first has it: routes that the plan leaves alone, then edits in their order. */
static void note_key(struct guarding *x, const char *hostname, const char *path, const void *who)
{
	AUTO(str_t) key = key_of(hostname, path);
	if (!map_get(&x->keys, key))
		(void)map_set(&x->keys, key, (void *)(uintptr_t)who);
}

static void index_plan(struct guarding *x)
{
	for (size_t i = 0; i < x->p->n_edits; i++)
		(void)map_set(&x->edits, x->p->edits[i].id, &x->p->edits[i]);
	TABLE_EACH (i, struct route, r, &x->w->routes)
		if (!guard_edit_of(x, r->id))
			note_key(x, r->hostname, r->path, r);
	for (size_t i = 0; i < x->p->n_edits; i++) {
		const struct edit *d = &x->p->edits[i];
		if (d->kind == EDIT_ROUTE_PUT && d->name && guard_edit_of(x, d->id) == d)
			note_key(x, d->name, d->path, d);
	}
}

static bool key_taken(const struct guarding *x, const struct edit *d)
{
	AUTO(str_t) key = key_of(d->name, d->path);
	const void *who = map_get(&x->keys, key);
	return who && who != guard_edit_of(x, d->id);
}

static int check_key(const struct guarding *x, const struct edit *d, struct err *e)
{
	if (!d->name || !d->service)
		return err_set(e, ERR_INVALID, "A route needs a host name and a service");
	if (key_taken(x, d))
		return err_set(e, ERR_INVALID, "There is a route for %s%s%s already", d->name,
			       PATH_ARGS(d->path));
	return 0;
}

/* Options that make a service lead anywhere are judged as the service that they make of it. */
static int check_options(const struct guarding *x, const struct origin_safety *o, struct err *e)
{
	if (o->bastion && guard_service(x->w, x->g, "bastion", e) < 0)
		return err_wrap(e, "originRequest.bastionMode");
	if (o->socks && guard_service(x->w, x->g, "socks-proxy", e) < 0)
		return err_wrap(e, "originRequest.proxyType");
	return 0;
}

static void check_repoint(struct guarding *x, const struct route *old, const struct edit *d)
{
	if (strcasecmp(old->hostname, d->name) != 0 ||
	    !str_equal(old->path ? old->path : "", d->path ? d->path : ""))
		guard_need(x, "Takes the route %s%s%s away, for %s%s%s.", old->hostname,
			   PATH_ARGS(old->path), d->name, PATH_ARGS(d->path));
	if (!str_equal(old->service, d->service))
		guard_need(x, "Repoints %s%s%s from %s to %s.", d->name, PATH_ARGS(d->path),
			   old->service, d->service);
	if (!str_equal(old->tunnel_id, d->tunnel_id))
		guard_need(x, "Moves %s%s%s from tunnel %s to tunnel %s.", d->name,
			   PATH_ARGS(d->path), guard_tunnel_name(x, old->tunnel_id),
			   guard_tunnel_name(x, d->tunnel_id));
}

static void check_lifted(struct guarding *x, const struct route *old, const struct edit *d,
			 const struct origin_safety *now)
{
	AUTO(origin_safety_t) was = {0};
	struct err e;
	if (origin_read(old->origin, &was, &e) < 0) {
		guard_need(x, "Replaces options of %s%s%s that adit cannot judge.", d->name,
			   PATH_ARGS(d->path));
		return;
	}
	if (now->no_tls_verify && !was.no_tls_verify)
		guard_need(x, "Stops verifying the certificate of the origin of %s%s%s.", d->name,
			   PATH_ARGS(d->path));
	if (was.access_required && !now->access_required)
		guard_need(x, "Lifts the access check of %s%s%s.", d->name, PATH_ARGS(d->path));
	else if (was.access_required && !str_equal(was.access, now->access))
		guard_need(x, "Changes the access check of %s%s%s.", d->name, PATH_ARGS(d->path));
}

/* A narrower route without the check lets requests past the check of the broader one. */
static void check_bypassed(struct guarding *x, const struct edit *d,
			   const struct origin_safety *now)
{
	if (now->access_required)
		return;
	TABLE_EACH (i, struct route, r, &x->w->routes) {
		AUTO(origin_safety_t) theirs = {0};
		struct err e;
		if (str_equal(r->id, d->id) || !hostname_matches(r->hostname, d->name) ||
		    origin_read(r->origin, &theirs, &e) < 0 || !theirs.access_required)
			continue;
		guard_need(x, "Takes %s%s%s out of the access check of the route %s%s%s.", d->name,
			   PATH_ARGS(d->path), r->hostname, PATH_ARGS(r->path));
		return;
	}
}

static bool does_overlap(const struct edit *d, const char *hostname, const char *tunnel_id)
{
	return (hostname_matches(hostname, d->name) || hostname_matches(d->name, hostname)) &&
	       !str_equal(tunnel_id, d->tunnel_id);
}

static void warn_overlap(struct guarding *x, const struct edit *d, const char *hostname,
			 const char *tunnel_id)
{
	const char *mine = guard_tunnel_name(x, d->tunnel_id);
	const char *other = guard_tunnel_name(x, tunnel_id);
	if (x->overlaps++ >= OVERLAPS_SHOWN)
		return;
	if (strcasecmp(hostname, d->name) == 0)
		guard_warn(x,
			   "%s has routes through the tunnels %s and %s, but DNS leads a name to "
			   "one tunnel only.",
			   d->name, mine, other);
	else
		guard_warn(x,
			   "%s through tunnel %s overlaps with %s through tunnel %s: the narrower "
			   "name wins.",
			   d->name, mine, hostname, other);
}

static void check_overlaps(struct guarding *x, const struct edit *d)
{
	TABLE_EACH (i, struct route, r, &x->w->routes)
		if (does_overlap(d, r->hostname, r->tunnel_id) && !guard_edit_of(x, r->id))
			warn_overlap(x, d, r->hostname, r->tunnel_id);
	for (const struct edit *other = x->p->edits; other < d; other++)
		if (other->kind == EDIT_ROUTE_PUT && other->name &&
		    does_overlap(d, other->name, other->tunnel_id))
			warn_overlap(x, d, other->name, other->tunnel_id);
}

static int guard_route_put(struct guarding *x, const struct edit *d, struct err *e)
{
	const struct route *old = world_route(x->w, d->id);
	AUTO(origin_safety_t) options = {0};
	if (check_key(x, d, e) < 0 || check_tunnel_known(x, d, e) < 0 ||
	    guard_route_service(x, d, e) < 0 ||
	    probing_check(probing_by_name(d->probe), d->service, e) < 0 ||
	    origin_read(d->origin, &options, e) < 0 || check_options(x, &options, e) < 0)
		return -1;
	check_protected(x, d->name);
	if (old) {
		check_protected(x, old->hostname);
		check_repoint(x, old, d);
		check_lifted(x, old, d, &options);
	} else {
		check_bypassed(x, d, &options);
	}
	if (!old || !str_equal(old->tunnel_id, d->tunnel_id) ||
	    strcasecmp(old->hostname, d->name) != 0)
		check_overlaps(x, d);
	return guard_route_owner(x, old, d, e);
}

static int guard_route_release(struct guarding *x, const struct edit *d, struct err *e)
{
	const struct route *r = world_route(x->w, d->id);
	if (!r)
		return err_set(e, ERR_INVALID, "There is no route %s to give back", d->id);
	check_protected(x, r->hostname);
	guard_need(x, "Gives the route %s%s%s back: its rule stays as it stands.", r->hostname,
		   PATH_ARGS(r->path));
	return 0;
}

/* ---- the whole plan ---- */

typedef int guard_fn(struct guarding *x, const struct edit *d, struct err *e);
static guard_fn *const guards[EDIT_KINDS] = {
	[EDIT_TUNNEL_PUT] = guard_tunnel_put,
	[EDIT_TUNNEL_DROP] = guard_tunnel_drop,
	[EDIT_TUNNEL_RELEASE] = guard_tunnel_release,
	[EDIT_ROUTE_PUT] = guard_route_put,
	[EDIT_ROUTE_DROP] = guard_route_drop,
	[EDIT_ROUTE_RELEASE] = guard_route_release,
	[EDIT_RECORD_PUT] = guard_record_put,
	[EDIT_RECORD_DROP] = guard_record_drop,
	[EDIT_RECORD_RELEASE] = guard_record_release,
	[EDIT_CONNECTOR_STOP] = guard_connector_stop,
	[EDIT_CONNECTOR_START] = guard_connector_start,
};

bool guard_many(const struct guard_policy *g, const struct plan *p)
{
	int64_t n = guard_drops(p);
	return n > 0 && n + g->deleted > g->max_delete;
}

int64_t guard_drops(const struct plan *p)
{
	return plan_drops(p);
}

/* What was deleted before is no part of a reason: it would be another one an hour later. */
static void check_number(struct guarding *x)
{
	int64_t n = guard_drops(x->p);
	if (!guard_many(x->g, x->p))
		return;
	if (n > x->g->max_delete)
		guard_need(x, "Deletes %lld object%s at once, more than %lld (safety.max_delete).",
			   (long long)n, n == 1 ? "" : "s", (long long)x->g->max_delete);
	else
		guard_need(x,
			   "Deletes %lld object%s, which makes more than %lld by the same caller "
			   "in 24 hours (safety.max_delete).",
			   (long long)n, n == 1 ? "" : "s", (long long)x->g->max_delete);
}

static void tell_overlaps(struct guarding *x)
{
	if (x->overlaps > OVERLAPS_SHOWN)
		guard_warn(x, "%zu more names overlap with routes through other tunnels.",
			   x->overlaps - OVERLAPS_SHOWN);
}

int guard_check(const struct world *w, const struct guard_policy *g, struct plan *p, struct err *e)
{
	AUTO(guarding_t) x = {.w = w, .g = g, .p = p};
	index_plan(&x);
	for (size_t i = 0; i < p->n_edits; i++) {
		if (guards[p->edits[i].kind](&x, &p->edits[i], e) < 0)
			return -1;
		guard_edited(&x, &p->edits[i]);
	}
	check_number(&x);
	tell_overlaps(&x);
	strlist_free(&p->approvals);
	p->approvals = x.approvals;
	x.approvals = (struct strlist){NULL, 0};
	for (size_t i = 0; i < x.warnings.n; i++)
		add_once(&p->warnings, x.warnings.items[i]);
	return 0;
}
