#include "ops/manifest_plan.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "ops/manifest_private.h"
#include "ops/record_wish.h"
#include "reconcile/rules.h"

typedef struct planning planning_t;
static void planning_t_cleanup(planning_t *x)
{
	free(x->goals);
	free(x->next);
	map_free(&x->routes);
	map_free(&x->records);
	map_free(&x->hosts);
	map_free(&x->bumped);
	map_free(&x->dropped);
	map_free(&x->moved);
}

/* ---- the world by name ---- */

static char *key_of(const char *a, const char *b)
{
	char *key = str_format("%s\n%s", a, b ? b : "");
	/* Names do not differ by case, patterns do. */
	for (char *p = key; *p && *p != '\n'; p++)
		*p = (char)tolower((unsigned char)*p);
	return key;
}

static void index_routes(struct planning *x)
{
	const struct table *routes = &x->w->routes;
	x->next = mem_array(routes->n + 1, sizeof(*x->next));
	for (size_t i = routes->n; i-- > 0;) {
		struct route *r = routes->items[i];
		AUTO(str_t) key = key_of(r->hostname, r->path);
		AUTO(str_t) host = key_of(r->hostname, NULL);
		(void)map_set(&x->routes, key, r);
		x->next[i] =
			(size_t)(uintptr_t)map_set(&x->hosts, host, (void *)(uintptr_t)(i + 1));
	}
}

static void index_world(struct planning *x)
{
	index_routes(x);
	for (size_t i = x->w->records.n; i-- > 0;) {
		struct record *r = x->w->records.items[i];
		AUTO(str_t) key = key_of(r->name, r->type);
		(void)map_set(&x->records, key, r);
	}
}

size_t planning_host(const struct planning *x, const char *hostname)
{
	AUTO(str_t) key = key_of(hostname, NULL);
	return (size_t)(uintptr_t)map_get(&x->hosts, key);
}

static const struct route *find_route(const struct planning *x, const char *hostname,
				      const char *path)
{
	AUTO(str_t) key = key_of(hostname, path);
	return map_get(&x->routes, key);
}

static const struct record *find_record(const struct planning *x, const char *name,
					const char *type)
{
	AUTO(str_t) key = key_of(name, type);
	return map_get(&x->records, key);
}

/* ---- whose it is ---- */

bool planning_is_ours(const struct planning *x, const char *manifest)
{
	return x->name && str_equal(manifest, x->name);
}

/* As it will be: an import that has no name leaves the manifest of what is there alone. */
static const char *manifest_after(const struct planning *x, const char *now)
{
	return x->name ? x->name : now;
}

static int check_owner(const struct planning *x, const char *what, const char *name,
		       const char *manifest, const char *place)
{
	if (!manifest || str_equal(manifest, x->name))
		return 0;
	(void)err_set(x->e, ERR_CONFLICT, "%s %s belongs to manifest %s", what, name, manifest);
	(void)err_hint(x->e, "Change it there, or take it out of one of the two documents.");
	return manifest_wrap(x->m, place, "", x->e);
}

/* What changes, piece by piece; empty = nothing does. */
PRINTF(2, 3) static void differs(struct buf *words, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	AUTO(str_t) text = str_vformat(fmt, ap);
	va_end(ap);
	(void)buf_printf(words, "%s%s", words->len ? ", " : "", text);
}

static void differ_in_manifest(const struct planning *x, const char *manifest, struct buf *words)
{
	if (x->name && !str_equal(manifest, x->name))
		differs(words, "taken into manifest %s", x->name);
}

static void differ_in_drift(const struct planning *x, enum drift_policy now, const char *wanted,
			    struct buf *words)
{
	const char *name = drift_policy_name(now);
	if (x->m->partial || str_equal(name, wanted))
		return;
	differs(words, "drift %s to %s", name ? name : "as set", wanted ? wanted : "as set");
}

/* ---- tunnels ---- */

void planning_bump(struct planning *x, const char *tunnel_id)
{
	const struct tunnel *t = world_tunnel(x->w, tunnel_id);
	if (t && !map_set(&x->bumped, t->id, x))
		(void)plan_put_tunnel(x->p, t);
}

static int check_tunnel(const struct planning *x, const struct tunnel *t,
			const struct manifest_tunnel *d)
{
	if (t->want != WANT_PRESENT) {
		(void)err_set(x->e, ERR_CONFLICT, "Tunnel %s is being %s", t->name,
			      t->want == WANT_ABSENT ? "deleted" : "given back");
		(void)err_hint(x->e, "Again when adit tunnel list no longer shows it.");
		return manifest_wrap(x->m, d->place, "", x->e);
	}
	if (t->joined && d->routes.text) {
		(void)err_set(x->e, ERR_CONFLICT,
			      "Tunnel %s is another host's: its routes are kept there", t->name);
		return manifest_wrap(x->m, d->place, "", x->e);
	}
	return x->name ? check_owner(x, "Tunnel", t->name, t->manifest, d->place) : 0;
}

static void make_tunnel(struct planning *x, const struct manifest_tunnel *d,
			struct manifest_goal *goal)
{
	struct edit *ed = plan_put_new(x->p, EDIT_TUNNEL_PUT);
	(void)str_copy(goal->id, sizeof(goal->id), ed->id);
	str_set(&ed->name, d->name);
	str_set(&ed->drift, d->drift);
	str_set(&ed->manifest, x->name);
	ed->replicas = d->replicas;
	plan_change(x->p, '+', "tunnel", d->name, "%lld connector%s on this host",
		    (long long)d->replicas, d->replicas == 1 ? "" : "s");
}

static void change_tunnel(struct planning *x, const struct tunnel *t,
			  const struct manifest_tunnel *d)
{
	AUTO(buf_t) words = {0};
	if (!x->m->partial && t->replicas != d->replicas)
		differs(&words, "replicas %lld to %lld", (long long)t->replicas,
			(long long)d->replicas);
	differ_in_drift(x, t->drift, d->drift, &words);
	differ_in_manifest(x, t->manifest, &words);
	plan_touch(x->p, t->id, t->generation);
	if (!words.len)
		return;
	(void)map_set(&x->bumped, t->id, x);
	struct edit *ed = plan_put_tunnel(x->p, t);
	if (!x->m->partial) {
		ed->replicas = d->replicas;
		str_set(&ed->drift, d->drift);
	}
	str_set(&ed->manifest, manifest_after(x, t->manifest));
	plan_change(x->p, '~', "tunnel", t->name, "%s", buf_text(&words));
}

static int plan_tunnel(struct planning *x, const struct manifest_tunnel *d,
		       struct manifest_goal *goal)
{
	const struct tunnel *t = world_find_tunnel(x->w, d->name);
	goal->t = t;
	goal->name = t ? t->name : d->name;
	if (!t) {
		make_tunnel(x, d, goal);
		return 0;
	}
	if (check_tunnel(x, t, d) < 0)
		return -1;
	(void)str_copy(goal->id, sizeof(goal->id), t->id);
	change_tunnel(x, t, d);
	return 0;
}

/* ---- routes ---- */

static bool texts_same_origin(const char *a, const char *b)
{
	AUTO(json_doc_t) x = NULL;
	AUTO(json_doc_t) y = NULL;
	struct err e;
	if (str_equal(a, b))
		return true;
	if ((a && json_parse(a, strlen(a), NULL, &x, &e) < 0) ||
	    (b && json_parse(b, strlen(b), NULL, &y, &e) < 0))
		return false;
	return origin_same(x ? json_root(x) : NULL, y ? json_root(y) : NULL);
}

/* A tunnel by its id, which may be one that the plan makes. */
static const char *name_of(const struct planning *x, const char *tunnel_id)
{
	const struct tunnel *t = world_tunnel(x->w, tunnel_id);
	return t ? t->name : "another";
}

static void make_route(struct planning *x, const struct manifest_route *d)
{
	const struct manifest_goal *goal = &x->goals[d->tunnel];
	planning_bump(x, goal->id);
	struct edit *ed = plan_put_new(x->p, EDIT_ROUTE_PUT);
	(void)str_copy(ed->tunnel_id, sizeof(ed->tunnel_id), goal->id);
	str_set(&ed->name, d->hostname);
	str_set(&ed->path, d->path);
	str_set(&ed->service, d->service);
	str_set(&ed->origin, d->origin.text);
	str_set(&ed->drift, d->drift);
	str_set(&ed->manifest, x->name);
	plan_change(x->p, '+', "route", d->hostname, "%s%sto %s through %s", d->path ? d->path : "",
		    d->path ? " " : "", d->service, goal->name);
}

static void move_route(struct planning *x, const struct route *r, const struct manifest_goal *goal)
{
	if (str_equal(r->tunnel_id, goal->id))
		return;
	planning_bump(x, r->tunnel_id);
	(void)map_set(&x->moved, r->id, (void *)(uintptr_t)goal->id);
}

static void differ_in_route(const struct planning *x, const struct route *r,
			    const struct manifest_route *d, struct buf *words)
{
	const struct manifest_goal *goal = &x->goals[d->tunnel];
	if (!str_equal(r->service, d->service))
		differs(words, "%s to %s", r->service, d->service);
	if (!str_equal(r->tunnel_id, goal->id))
		differs(words, "from tunnel %s to %s", name_of(x, r->tunnel_id), goal->name);
	if (!texts_same_origin(r->origin, d->origin.text))
		differs(words, "options %s to %s", r->origin ? r->origin : "none",
			d->origin.text ? d->origin.text : "none");
	differ_in_drift(x, r->drift, d->drift, words);
}

static int plan_route(struct planning *x, const struct manifest_route *d)
{
	const struct route *r = find_route(x, d->hostname, d->path);
	AUTO(buf_t) words = {0};
	if (!r) {
		make_route(x, d);
		return 0;
	}
	differ_in_route(x, r, d, &words);
	if ((x->name || words.len) &&
	    check_owner(x, "The route", r->hostname, r->manifest, d->place) < 0)
		return -1;
	differ_in_manifest(x, r->manifest, &words);
	plan_touch(x->p, r->id, r->generation);
	if (!words.len)
		return 0;
	planning_bump(x, x->goals[d->tunnel].id);
	move_route(x, r, &x->goals[d->tunnel]);
	struct edit *ed = plan_put_route(x->p, r);
	(void)str_copy(ed->tunnel_id, sizeof(ed->tunnel_id), x->goals[d->tunnel].id);
	str_set(&ed->service, d->service);
	if (!texts_same_origin(r->origin, d->origin.text))
		str_set(&ed->origin, d->origin.text);
	if (!x->m->partial)
		str_set(&ed->drift, d->drift);
	str_set(&ed->manifest, manifest_after(x, r->manifest));
	plan_change(x->p, '~', "route", r->hostname, "%s%s%s", r->path ? r->path : "",
		    r->path ? " " : "", buf_text(&words));
	return 0;
}

/* A host name has one record, which leads to one tunnel: paths that the document does not name move
 * along. */
static int move_along(struct planning *x, const struct manifest_host *h, const struct route *r)
{
	const struct manifest_goal *goal = &x->goals[h->tunnel];
	if (str_equal(r->tunnel_id, goal->id) || manifest_route(x->m, r->hostname, r->path) ||
	    (x->prune && planning_is_ours(x, r->manifest)))
		return 0;
	if (check_owner(x, "The route", r->hostname, r->manifest, x->m->routes[h->route].place) < 0)
		return -1;
	planning_bump(x, goal->id);
	move_route(x, r, goal);
	struct edit *ed = plan_put_route(x->p, r);
	(void)str_copy(ed->tunnel_id, sizeof(ed->tunnel_id), goal->id);
	plan_change(x->p, '~', "route", r->hostname, "%s%salong with its name from tunnel %s to %s",
		    r->path ? r->path : "", r->path ? " " : "", name_of(x, r->tunnel_id),
		    goal->name);
	return 0;
}

static int plan_companions(struct planning *x, const struct manifest_host *h)
{
	for (size_t i = planning_host(x, h->hostname); i; i = x->next[i - 1])
		if (move_along(x, h, x->w->routes.items[i - 1]) < 0)
			return -1;
	return 0;
}

/* ---- foreign records ---- */

/* May something foreign be in the way of it that a person let adit overwrite? */
static bool may_take(const struct planning *x, const struct record *r)
{
	return x->overwrite && x->overwrite->n && !(r && record_is_ours(r));
}

static void note_takes(const struct planning *x, const struct record *r, struct edit *ed)
{
	if (may_take(x, r))
		record_name_takes(ed, x->overwrite);
}

/* ---- the records of routes ---- */

/* A record follows its routes; where they differ, it may follow any of them. */
static const char *drift_of_host(const struct planning *x, const struct manifest_host *h,
				 const char *now)
{
	bool fits = h->drifts & (1U << drift_policy_by_name(now));
	return fits ? now : x->m->routes[h->route].drift;
}

static void fill_host_record(const struct planning *x, struct edit *ed,
			     const struct manifest_host *h)
{
	(void)str_copy(ed->tunnel_id, sizeof(ed->tunnel_id), x->goals[h->tunnel].id);
	str_set(&ed->name, h->hostname);
	str_set(&ed->type, "CNAME");
	str_set(&ed->content, NULL);
	if (!x->m->partial) {
		str_set(&ed->comment, h->comment);
		str_set(&ed->drift, drift_of_host(x, h, ed->drift));
	}
	str_set(&ed->manifest, manifest_after(x, ed->manifest));
	ed->proxied = true;
	ed->ttl = ed->priority = 0;
}

static void make_host_record(struct planning *x, const struct record *r,
			     const struct manifest_host *h)
{
	struct edit *ed = r ? plan_put_record(x->p, r) : plan_put_new(x->p, EDIT_RECORD_PUT);
	fill_host_record(x, ed, h);
	note_takes(x, r, ed);
	plan_change(x->p, '+', "record", h->hostname, "CNAME to tunnel %s",
		    x->goals[h->tunnel].name);
}

static void differ_in_record(const struct planning *x, const struct record *r,
			     const struct manifest_host *h, struct buf *words)
{
	const struct manifest_goal *goal = &x->goals[h->tunnel];
	if (!str_equal(r->tunnel_id, goal->id))
		differs(words, "CNAME from %s to tunnel %s",
			r->tunnel_id[0] ? name_of(x, r->tunnel_id) : r->content, goal->name);
	if (!x->m->partial && !str_equal(r->comment, h->comment))
		differs(words, "comment \"%s\" to \"%s\"", r->comment ? r->comment : "",
			h->comment ? h->comment : "");
	differ_in_drift(x, r->drift, drift_of_host(x, h, drift_policy_name(r->drift)), words);
}

/* Does the comment fit behind the mark? */
static int check_comment(const struct planning *x, const struct manifest_host *h)
{
	if (record_comment_check(x->w, h->comment, x->e) == 0)
		return 0;
	return manifest_wrap(x->m, x->m->routes[h->route].place, "comment", x->e);
}

static int check_record_there(const struct planning *x, const struct record *r, const char *place)
{
	if (r->want != WANT_RELEASED)
		return 0;
	(void)err_set(x->e, ERR_CONFLICT, "The record %s is being given back", r->name);
	return manifest_wrap(x->m, place, "", x->e);
}

static int plan_host_record(struct planning *x, const struct manifest_host *h)
{
	const struct record *r = find_record(x, h->hostname, "CNAME");
	const char *place = x->m->routes[h->route].place;
	AUTO(buf_t) words = {0};
	if (!h->dns)
		return 0;
	if (check_comment(x, h) < 0 || (r && check_record_there(x, r, place) < 0))
		return -1;
	if (!r || r->want != WANT_PRESENT) {
		make_host_record(x, r, h);
		return 0;
	}
	differ_in_record(x, r, h, &words);
	if ((x->name || words.len) && check_owner(x, "The record", r->name, r->manifest, place) < 0)
		return -1;
	differ_in_manifest(x, r->manifest, &words);
	plan_touch(x->p, r->id, r->generation);
	if (may_take(x, r))
		differs(&words, "may take the place of what is not adit's");
	if (!words.len)
		return 0;
	struct edit *ed = plan_put_record(x->p, r);
	fill_host_record(x, ed, h);
	note_takes(x, r, ed);
	plan_change(x->p, '~', "record", r->name, "%s", buf_text(&words));
	return 0;
}

/* ---- records of their own ---- */

static int check_own(const struct planning *x, const struct record *r,
		     const struct manifest_record *d)
{
	if (check_record_there(x, r, d->place) < 0)
		return -1;
	if (r->tunnel_id[0]) {
		(void)err_set(x->e, ERR_CONFLICT, "%s has a route's record (%s)", r->name, r->type);
		(void)err_hint(x->e, "Take the record out of the document, or delete the route "
				     "first.");
		return manifest_wrap(x->m, d->place, "", x->e);
	}
	if (r->want == WANT_PRESENT &&
	    check_owner(x, "The record", r->name, r->manifest, d->place) < 0)
		return -1;
	return 0;
}

static void describe(const struct record_wish *x, struct buf *out)
{
	(void)buf_printf(out, "%s %s", x->type, x->content ? x->content : "");
	if (str_equal(x->type, "MX"))
		(void)buf_printf(out, ", priority %lld", (long long)x->priority);
	if (x->proxied)
		(void)buf_str(out, ", proxied");
	else if (x->ttl != 1)
		(void)buf_printf(out, ", ttl %lld", (long long)x->ttl);
	if (x->comment)
		(void)buf_printf(out, ", comment \"%s\"", x->comment);
}

static void differ_in_own(const struct planning *x, const struct record *r,
			  const struct manifest_record *d, const struct record_wish *wish,
			  struct buf *words)
{
	AUTO(buf_t) was = {0}, is = {0};
	const struct record_wish old = {.type = r->type,
					.content = r->content,
					.proxied = r->proxied,
					.ttl = r->ttl,
					.priority = r->priority,
					.comment = r->comment};
	describe(&old, &was);
	describe(wish, &is);
	if (!record_wish_same(r, wish))
		differs(words, "from %s to %s", buf_text(&was), buf_text(&is));
	differ_in_drift(x, r->drift, d->drift, words);
	differ_in_manifest(x, r->manifest, words);
}

static void put_own(struct planning *x, const struct record *r, const struct manifest_record *d,
		    const struct record_wish *wish)
{
	struct edit *ed = r ? plan_put_record(x->p, r) : plan_put_new(x->p, EDIT_RECORD_PUT);
	str_set(&ed->name, wish->name);
	str_set(&ed->type, wish->type);
	if (!r || !record_content_same(wish->type, r->content, wish->content))
		str_set(&ed->content, wish->content);
	str_set(&ed->comment, wish->comment);
	str_set(&ed->drift, d->drift);
	str_set(&ed->manifest, x->name);
	ed->proxied = wish->proxied;
	ed->ttl = wish->ttl;
	ed->priority = wish->priority;
	note_takes(x, r, ed);
}

static int plan_own(struct planning *x, const struct manifest_record *d,
		    const struct record_wish *wish)
{
	const struct record *r = find_record(x, wish->name, wish->type);
	AUTO(buf_t) words = {0};
	if (r && check_own(x, r, d) < 0)
		return -1;
	if (!r || r->want != WANT_PRESENT) {
		put_own(x, r, d, wish);
		describe(wish, &words);
		plan_change(x->p, '+', "record", wish->name, "%s", buf_text(&words));
		return 0;
	}
	plan_touch(x->p, r->id, r->generation);
	differ_in_own(x, r, d, wish, &words);
	if (may_take(x, r))
		differs(&words, "may take the place of what is not adit's");
	if (!words.len)
		return 0;
	put_own(x, r, d, wish);
	plan_change(x->p, '~', "record", r->name, "%s", buf_text(&words));
	return 0;
}

static int plan_record(struct planning *x, const struct manifest_record *d)
{
	AUTO(record_wish_t) wish = {0};
	const struct record_ask ask = {
		.name = d->name,
		.type = d->type,
		.content = d->content,
		.comment = d->comment,
		.proxied = d->proxied,
		.ttl = d->ttl,
		.priority = d->priority,
	};
	if (record_wish_read(x->w, &ask, &wish, x->e) == 0)
		return plan_own(x, d, &wish);
	AUTO(str_t) member = str_ndup(x->e->message, strcspn(x->e->message, ":"));
	return manifest_wrap(x->m, d->place, member, x->e);
}

/* ---- all of it ---- */

static int plan_all(struct planning *x)
{
	const struct manifest *m = x->m;
	for (size_t i = 0; i < m->n_tunnels; i++)
		if (plan_tunnel(x, &m->tunnels[i], &x->goals[i]) < 0)
			return -1;
	for (size_t i = 0; i < m->n_routes; i++)
		if (plan_route(x, &m->routes[i]) < 0)
			return -1;
	for (size_t i = 0; i < m->n_hosts; i++)
		if (plan_companions(x, &m->hosts[i]) < 0 || plan_host_record(x, &m->hosts[i]) < 0)
			return -1;
	for (size_t i = 0; i < m->n_records; i++)
		if (plan_record(x, &m->records[i]) < 0)
			return -1;
	if (x->name && !m->partial)
		planning_prune(x);
	return 0;
}

int manifest_plan(const struct world *w, const struct manifest_ask *ask, struct plan *p,
		  struct err *e)
{
	AUTO(planning_t)
	x = {.w = w,
	     .m = ask->m,
	     .name = ask->name,
	     .prune = ask->prune,
	     .overwrite = ask->overwrite,
	     .p = p,
	     .e = e};
	x.goals = mem_array(ask->m->n_tunnels + 1, sizeof(*x.goals));
	index_world(&x);
	return plan_all(&x);
}
