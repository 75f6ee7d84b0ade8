#include "ops/manifest_plan.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "ops/find.h"
#include "ops/manifest_private.h"
#include "ops/route_words.h"

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

const struct record *planning_record(const struct planning *x, const char *name, const char *type)
{
	AUTO(str_t) key = key_of(name, type);
	return map_get(&x->records, key);
}

/* ---- whose it is ---- */

bool planning_is_ours(const struct planning *x, const char *manifest)
{
	return x->name && str_equal(manifest, x->name);
}

const char *planning_manifest(const struct planning *x, const char *now)
{
	return x->name ? x->name : now;
}

int planning_check_owner(const struct planning *x, const char *what, const char *name,
			 const char *manifest, const char *place)
{
	if (!manifest || str_equal(manifest, x->name))
		return 0;
	(void)err_set(x->e, ERR_CONFLICT, "%s %s belongs to manifest %s", what, name, manifest);
	(void)err_hint(x->e, "Change it there, or take it out of one of the two documents.");
	return manifest_wrap(x->m, place, "", x->e);
}

void planning_differ_in_manifest(const struct planning *x, const char *manifest, struct buf *words)
{
	if (x->name && !str_equal(manifest, x->name))
		words_add(words, "taken into manifest %s", x->name);
}

void planning_differ_in_drift(const struct planning *x, enum drift_policy now, const char *wanted,
			      struct buf *words)
{
	const char *name = drift_policy_name(now);
	if (x->m->partial || str_equal(name, wanted))
		return;
	words_add(words, "drift %s to %s", name ? name : "as set", wanted ? wanted : "as set");
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
	if (tunnel_check_stays(t, x->e) < 0)
		return manifest_wrap(x->m, d->place, "", x->e);
	if (t->joined && d->routes.text) {
		(void)err_set(x->e, ERR_CONFLICT,
			      "Tunnel %s is another host's: its routes are kept there", t->name);
		return manifest_wrap(x->m, d->place, "", x->e);
	}
	return x->name ? planning_check_owner(x, "Tunnel", t->name, t->manifest, d->place) : 0;
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
		words_add(&words, "replicas %lld to %lld", (long long)t->replicas,
			  (long long)d->replicas);
	planning_differ_in_drift(x, t->drift, d->drift, &words);
	planning_differ_in_manifest(x, t->manifest, &words);
	plan_touch(x->p, t->id, t->generation);
	if (!words.len)
		return;
	(void)map_set(&x->bumped, t->id, x);
	struct edit *ed = plan_put_tunnel(x->p, t);
	if (!x->m->partial) {
		ed->replicas = d->replicas;
		str_set(&ed->drift, d->drift);
	}
	str_set(&ed->manifest, planning_manifest(x, t->manifest));
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
	str_set(&ed->probe, probing_said(probing_by_name(d->probe)));
	str_set(&ed->manifest, x->name);
	warn_options(x->p, d->hostname, d->origin.text);
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
	route_differ(x->w, r,
		     &(struct route_goal){goal->id, goal->name, d->service, d->origin.text}, words);
	planning_differ_in_drift(x, r->drift, d->drift, words);
	if (!x->m->partial && probing_by_name(d->probe) != r->probing)
		words_add(words, "probe %s to %s", probing_name(r->probing),
			  probing_name(probing_by_name(d->probe)));
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
	    planning_check_owner(x, "The route", r->hostname, r->manifest, d->place) < 0)
		return -1;
	planning_differ_in_manifest(x, r->manifest, &words);
	plan_touch(x->p, r->id, r->generation);
	if (!words.len)
		return 0;
	planning_bump(x, x->goals[d->tunnel].id);
	move_route(x, r, &x->goals[d->tunnel]);
	struct edit *ed = plan_put_route(x->p, r);
	(void)str_copy(ed->tunnel_id, sizeof(ed->tunnel_id), x->goals[d->tunnel].id);
	str_set(&ed->service, d->service);
	if (!origin_texts_same(r->origin, d->origin.text)) {
		str_set(&ed->origin, d->origin.text);
		warn_options(x->p, d->hostname, d->origin.text);
	}
	if (!x->m->partial) {
		str_set(&ed->drift, d->drift);
		str_set(&ed->probe, probing_said(probing_by_name(d->probe)));
	}
	str_set(&ed->manifest, planning_manifest(x, r->manifest));
	plan_change(x->p, '~', "route", r->hostname, "%s%s%s", r->path ? r->path : "",
		    r->path ? " " : "", buf_text(&words));
	return 0;
}

/* A host name has one record, which leads to one tunnel: paths that the document does not name move
 * along. */
static int move_along(struct planning *x, const struct manifest_host *h, const struct route *r)
{
	const struct manifest_goal *goal = &x->goals[h->tunnel];
	AUTO(buf_t) words = {0};
	if (str_equal(r->tunnel_id, goal->id) || manifest_route(x->m, r->hostname, r->path) ||
	    (x->prune && planning_is_ours(x, r->manifest)))
		return 0;
	if (planning_check_owner(x, "The route", r->hostname, r->manifest,
				 x->m->routes[h->route].place) < 0)
		return -1;
	planning_bump(x, goal->id);
	move_route(x, r, goal);
	struct edit *ed = plan_put_route(x->p, r);
	(void)str_copy(ed->tunnel_id, sizeof(ed->tunnel_id), goal->id);
	words_add(&words, "along with its name from tunnel %s to %s",
		  tunnel_called(x->w, r->tunnel_id), goal->name);
	words_add_leaving(x->w, r->tunnel_id, goal->id, &words);
	plan_change(x->p, '~', "route", r->hostname, "%s%s%s", r->path ? r->path : "",
		    r->path ? " " : "", buf_text(&words));
	return 0;
}

static int plan_companions(struct planning *x, const struct manifest_host *h)
{
	for (size_t i = planning_host(x, h->hostname); i; i = x->next[i - 1])
		if (move_along(x, h, x->w->routes.items[i - 1]) < 0)
			return -1;
	return 0;
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
		if (plan_companions(x, &m->hosts[i]) < 0 ||
		    planning_host_record(x, &m->hosts[i]) < 0)
			return -1;
	if (x->name && !m->partial)
		planning_prune_routes(x);
	for (size_t i = 0; i < m->n_records; i++)
		if (planning_own_record(x, &m->records[i]) < 0)
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
