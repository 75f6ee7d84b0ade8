#include "ops/scope.h"

#include <strings.h>

#include "ops/inside.h"
#include "ops/sight.h"

struct scope {
	struct inside in;
	const struct plan *plan;
	struct map routes;  /* that are outside, by route_key */
	struct map records; /* names that have one outside, in small letters */
};

typedef struct scope scope_t;
static void scope_t_cleanup(scope_t *x)
{
	map_free(&x->routes);
	map_free(&x->records);
}

static char *route_key(const char *hostname, const char *path)
{
	return str_format("%s %s", hostname ? hostname : "", path ? path : "");
}

/* Once for a plan: it may have thousands of edits. */
static void index_outside(struct scope *x)
{
	const struct world *w = x->in.world;
	TABLE_EACH (i, struct route, r, &w->routes) {
		AUTO(str_t) key = route_key(r->hostname, r->path);
		if (!inside_route(&x->in, r))
			(void)map_set(&x->routes, key, r);
	}
	TABLE_EACH (j, struct record, r, &w->records) {
		AUTO(str_t) name = str_lower(r->name);
		if (!inside_record(&x->in, r))
			(void)map_set(&x->records, name, r);
	}
}

/* ---- tunnels ---- */

static const struct edit *put_of(const struct plan *p, const char *id)
{
	for (size_t i = p->n_edits; i-- > 0;)
		if (p->edits[i].kind == EDIT_TUNNEL_PUT && str_equal(p->edits[i].id, id))
			return &p->edits[i];
	return NULL;
}

/* A tunnel is put, as it is, with each change of its routes. */
static bool is_as_it_was(const struct tunnel *t, const struct edit *d)
{
	return str_equal(t->name, d->name) && t->want == WANT_PRESENT &&
	       t->replicas == d->replicas && t->joined == d->joined &&
	       str_equal(drift_policy_name(t->drift), d->drift) &&
	       str_equal(t->manifest, d->manifest) && !d->remote_id && !d->takes && !d->convert &&
	       !d->rotate && !d->anew;
}

/* A new one, which somebody may have made already whom the grant does not see. */
static bool new_tunnel_inside(const struct scope *x, const struct edit *d)
{
	return !d->remote_id && !d->joined && inside_tunnel_name(&x->in, d->name) &&
	       !world_find_tunnel(x->in.world, d->name);
}

static bool tunnel_edit_inside(const struct scope *x, const struct edit *d)
{
	const struct tunnel *t = world_tunnel(x->in.world, d->id);
	if (!t)
		return d->kind != EDIT_TUNNEL_PUT || new_tunnel_inside(x, d);
	if (d->kind == EDIT_TUNNEL_PUT && is_as_it_was(t, d))
		return inside_tunnel(&x->in, t);
	const struct tunnel *other = d->name ? world_find_tunnel(x->in.world, d->name) : NULL;
	if ((other && other != t) ||
	    (d->name && !str_equal(d->name, t->name) && !inside_tunnel_name(&x->in, d->name)))
		return false;
	return !d->remote_id && inside_whole_tunnel(&x->in, t);
}

/* The tunnel that something leads through, which the plan may make. */
static bool leads_inside(const struct scope *x, const char *tunnel_id)
{
	const struct tunnel *t = world_tunnel(x->in.world, tunnel_id);
	const struct edit *made = put_of(x->plan, tunnel_id);
	return t      ? inside_tunnel(&x->in, t)
	       : made ? inside_tunnel_name(&x->in, made->name)
		      : inside_tunnel_name(&x->in, tunnel_id);
}

/* ---- routes and records ---- */

static bool route_edit_inside(const struct scope *x, const struct edit *d)
{
	const struct route *r = world_route(x->in.world, d->id);
	if (r && !inside_route(&x->in, r))
		return false;
	if (d->kind != EDIT_ROUTE_PUT)
		return true;
	AUTO(str_t) key = route_key(d->name, d->path);
	return inside_host(&x->in, d->name) && leads_inside(x, d->tunnel_id) &&
	       !map_get(&x->routes, key);
}

/* What has the name already and cannot stand beside it gives way, or is in the way. */
static bool same_name_inside(const struct scope *x, const struct edit *d)
{
	AUTO(str_t) name = str_lower(d->name);
	if (!map_get(&x->records, name))
		return true;
	TABLE_EACH (i, struct record, r, &x->in.world->records)
		if (!str_equal(r->id, d->id) && strcasecmp(r->name, d->name) == 0 &&
		    (str_equal(r->type, d->type) || record_types_clash(r->type, d->type)) &&
		    !inside_record(&x->in, r))
			return false;
	return true;
}

static bool record_edit_inside(const struct scope *x, const struct edit *d)
{
	const struct record *r = world_record(x->in.world, d->id);
	if (r && !inside_record(&x->in, r))
		return false;
	return d->kind != EDIT_RECORD_PUT ||
	       (inside_host(&x->in, d->name) && leads_inside(x, d->tunnel_id) &&
		same_name_inside(x, d));
}

static bool connector_edit_inside(const struct scope *x, const struct edit *d)
{
	const struct tunnel *t = world_tunnel(x->in.world, d->tunnel_id);
	return !t || inside_whole_tunnel(&x->in, t);
}

static bool edit_inside(const struct scope *x, const struct edit *d)
{
	switch (edit_letter(d->kind)) {
	case 't':
		return tunnel_edit_inside(x, d);
	case 'r':
		return route_edit_inside(x, d);
	case 'd':
		return record_edit_inside(x, d);
	default:
		return connector_edit_inside(x, d);
	}
}

/* ---- the sentence ---- */

static void tell_list(const char *what, const struct strlist *l, struct buf *out)
{
	for (size_t i = 0; i < l->n; i++)
		(void)buf_printf(out, "%s%s", i ? ", " : what, l->items[i]);
}

/* With the grant's own words, which it knows. */
static int refuse(const struct principal *p, struct err *e)
{
	const struct grant *g = principal_grant(p);
	AUTO(buf_t) own = {.limit = 160};
	(void)err_set(e, ERR_DENIED, "This would change what is outside of %s", p->name);
	if (!g)
		return -1;
	tell_list(" zones ", &g->zones, &own);
	tell_list(" host names ", &g->hosts, &own);
	tell_list(" tunnels ", &g->tunnels, &own);
	return err_hint(e, "It may change what lies wholly inside:%s.", buf_text(&own));
}

/* ---- methods ---- */

static bool is_there(const struct world *w, const struct edit *d)
{
	return world_tunnel(w, d->id) || world_route(w, d->id) || world_record(w, d->id);
}

/* Host names whose routes the plan changes. */
static void index_hosts(const struct world *w, const struct plan *p, struct map *hosts)
{
	for (size_t i = 0; i < p->n_edits; i++) {
		const struct route *r = world_route(w, p->edits[i].id);
		const char *hostname = r ? r->hostname : p->edits[i].name;
		if (edit_letter(p->edits[i].kind) == 'r' && hostname)
			(void)map_set(hosts, hostname, hosts);
	}
}

/* What a route brings along is part of it. */
static bool comes_along(const struct world *w, const struct map *hosts, const struct edit *d)
{
	const struct record *r = world_record(w, d->id);
	const char *name = r ? r->name : d->name;
	return name && map_get(hosts, name);
}

static unsigned method_of(const struct world *w, const struct map *hosts, const struct edit *d)
{
	const struct tunnel *t = world_tunnel(w, d->id);
	if (edit_letter(d->kind) == 'c')
		return GRANT_UPDATE;
	if ((edit_letter(d->kind) == 'd' && comes_along(w, hosts, d)) ||
	    (t && d->kind == EDIT_TUNNEL_PUT && is_as_it_was(t, d)))
		return 0;
	if (!edit_is_put(d->kind))
		return GRANT_DELETE;
	return is_there(w, d) ? GRANT_UPDATE : GRANT_CREATE;
}

static int check_methods(const struct world *w, const struct principal *p, const struct plan *plan,
			 struct err *e)
{
	const struct grant *g = principal_grant(p);
	struct map hosts = {0};
	unsigned lacks = 0;
	index_hosts(w, plan, &hosts);
	for (size_t i = 0; g && !lacks && i < plan->n_edits; i++)
		lacks = method_of(w, &hosts, &plan->edits[i]) & ~g->methods;
	map_free(&hosts);
	return lacks ? policy_deny_method(p, "What this does", lacks, e) : 0;
}

int scope_check(const struct ops *o, const struct principal *p, const struct plan *plan,
		struct err *e)
{
	AUTO(scope_t) x = {.in = inside_of(o->world, p), .plan = plan};
	if (check_methods(o->world, p, plan, e) < 0)
		return -1;
	if (x.in.all)
		return 0;
	index_outside(&x);
	for (size_t i = 0; i < plan->n_edits; i++)
		if (!x.in.grant || !edit_inside(&x, &plan->edits[i]))
			return refuse(p, e);
	return 0;
}

int scope_check_tunnel(const struct ops *o, const struct principal *p, const struct tunnel *t,
		       struct err *e)
{
	struct inside in = inside_of(o->world, p);
	return inside_whole_tunnel(&in, t) ? 0 : refuse(p, e);
}

bool scope_is_whole(struct call *c)
{
	if (!sight_is_limited(&c->who))
		return true;
	(void)err_set(&c->task.err, ERR_DENIED,
		      "%s is not for a grant that is narrowed to zones, host names or tunnels",
		      c->op->name);
	(void)err_hint(&c->task.err, "Ask somebody to do it who may change everything.");
	call_fail(c);
	return false;
}

/* ---- origins ---- */

static bool is_published_anew(const struct world *w, const struct edit *d)
{
	const struct route *r = world_route(w, d->id);
	return d->kind == EDIT_ROUTE_PUT && d->service &&
	       (!r || !str_equal(r->service, d->service));
}

void scope_origins(const struct ops *o, const struct principal *p, struct plan *plan)
{
	const struct grant *g = p->grant ? principal_grant(p) : NULL;
	for (size_t i = 0; g && i < plan->n_edits; i++) {
		const struct edit *d = &plan->edits[i];
		if (!is_published_anew(o->world, d) || grant_covers_origin(g, d->service))
			continue;
		AUTO(str_t)
		words = str_format("Publishes %s at %s, which is none of the origins of %s.",
				   d->service, d->name, p->name);
		if (!strlist_has(&plan->approvals, words))
			strlist_add(&plan->approvals, words);
	}
}
