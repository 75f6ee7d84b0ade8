/* What a manifest made and its document names no more. */
#include "ops/manifest_private.h"

#include <string.h>

#include "model/edge_probe.h"

#define ASK "left alone (apply with --prune to delete)"

static bool is_dropped(const struct planning *x, const char *id)
{
	return map_get(&x->dropped, id) != NULL;
}

static void drop(struct planning *x, enum edit_kind kind, const char *id, int64_t generation)
{
	/* A tunnel that loses its routes first was put already. */
	plan_take_off(x->p, kind, id, generation)->kind = kind;
	(void)map_set(&x->dropped, id, x);
}

/* ---- routes ---- */

static void prune_route(struct planning *x, const struct route *r)
{
	const char *path = r->path ? r->path : "", *blank = r->path ? " " : "";
	if (!planning_is_ours(x, r->manifest) || manifest_route(x->m, r->hostname, r->path))
		return;
	if (!x->prune) {
		plan_change(x->p, '=', "route", r->hostname, "%s%s" ASK, path, blank);
		return;
	}
	planning_bump(x, r->tunnel_id);
	drop(x, EDIT_ROUTE_DROP, r->id, r->generation);
	plan_change(x->p, '-', "route", r->hostname, "%s%sto %s", path, blank, r->service);
}

void planning_prune_routes(struct planning *x)
{
	TABLE_EACH (i, struct route, r, &x->w->routes)
		prune_route(x, r);
}

/* ---- records ---- */

static bool is_named(const struct planning *x, const struct record *r)
{
	const struct manifest_host *h = manifest_host(x->m, r->name);
	if (manifest_record(x->m, r->name, r->type))
		return true;
	return h && h->dns && str_equal(r->type, "CNAME");
}

static bool has_route_left(const struct planning *x, const char *hostname)
{
	for (size_t i = planning_host(x, hostname); i; i = x->next[i - 1]) {
		const struct route *r = x->w->routes.items[i - 1];
		if (!is_dropped(x, r->id) && !route_is_edge_probe(r))
			return true;
	}
	return false;
}

static bool lost_its_routes(const struct planning *x, const struct record *r)
{
	return r->tunnel_id[0] && planning_host(x, r->name) && !has_route_left(x, r->name);
}

static void prune_record(struct planning *x, const struct record *r)
{
	const struct manifest_host *h = manifest_host(x->m, r->name);
	if (r->want != WANT_PRESENT || is_named(x, r) || is_dropped(x, r->id))
		return;
	if (!planning_is_ours(x, r->manifest)) {
		if (lost_its_routes(x, r))
			plan_change(x->p, '=', "record", r->name,
				    "%s left alone: manifest %s did not make it", r->type, x->name);
		return;
	}
	if (h && r->tunnel_id[0])
		plan_change(x->p, '=', "record", r->name,
			    "%s left alone, as the document says (dns: false)", r->type);
	else if (!x->prune)
		plan_change(x->p, '=', "record", r->name, "%s " ASK, r->type);
	else if (r->tunnel_id[0] && has_route_left(x, r->name))
		plan_change(x->p, '=', "record", r->name,
			    "%s left alone: routes that manifest %s did not make use it", r->type,
			    x->name);
	else {
		drop(x, EDIT_RECORD_DROP, r->id, r->generation);
		plan_change(x->p, '-', "record", r->name, "%s", r->type);
	}
}

static bool gives_way(const struct planning *x, const struct record *r, const char *type)
{
	return r && r->want == WANT_PRESENT && !str_equal(r->type, type) &&
	       record_types_clash(r->type, type) && planning_is_ours(x, r->manifest) &&
	       !is_named(x, r) && !is_dropped(x, r->id) &&
	       !(r->tunnel_id[0] && (manifest_host(x->m, r->name) || has_route_left(x, r->name)));
}

int planning_instead(struct planning *x, const char *name, const char *type, const char *place,
		     const struct record **out)
{
	static const char *const types[] = {"A", "AAAA", "CNAME"};
	*out = NULL;
	for (size_t i = 0; i < sizeof(types) / sizeof(*types) && !*out; i++) {
		const struct record *r = planning_record(x, name, types[i]);
		if (gives_way(x, r, type))
			*out = r;
	}
	if (!*out)
		return 0;
	if (x->prune) {
		(void)map_set(&x->dropped, (*out)->id, x);
		return 0;
	}
	(void)err_set(x->e, ERR_CONFLICT,
		      "%s has a record of type %s, which manifest %s made and its document names "
		      "no more",
		      name, (*out)->type, x->name);
	(void)err_hint(x->e, "Apply with --prune, so that the %s record takes its place.", type);
	return manifest_wrap(x->m, place, "", x->e);
}

/* ---- tunnels ---- */

/* What still leads through the tunnel after the plan; NULL = nothing. */
static const char *user_of(const struct planning *x, const struct tunnel *t)
{
	TABLE_EACH (i, struct route, r, &x->w->routes) {
		const char *after = map_get(&x->moved, r->id);
		if (str_equal(after ? after : r->tunnel_id, t->id) && !is_dropped(x, r->id))
			return r->hostname;
	}
	TABLE_EACH (i, struct record, r, &x->w->records) {
		const struct manifest_host *h = manifest_host(x->m, r->name);
		bool moves = h && h->dns && str_equal(r->type, "CNAME");
		if (r->want == WANT_PRESENT && str_equal(r->tunnel_id, t->id) && !moves &&
		    !is_dropped(x, r->id))
			return r->name;
	}
	return NULL;
}

static void prune_tunnel(struct planning *x, const struct tunnel *t)
{
	if (t->want != WANT_PRESENT || !planning_is_ours(x, t->manifest) ||
	    manifest_tunnel(x->m, t->name))
		return;
	if (!x->prune) {
		plan_change(x->p, '=', "tunnel", t->name, ASK);
		return;
	}
	const char *user = user_of(x, t);
	if (user) {
		plan_change(x->p, '=', "tunnel", t->name,
			    "left alone: %s leads through it, which manifest %s did not make", user,
			    x->name);
		return;
	}
	drop(x, EDIT_TUNNEL_DROP, t->id, t->generation);
	plan_change(x->p, '-', "tunnel", t->name, "%s",
		    t->remote_id[0] ? t->remote_id : "not made yet");
}

/* ---- all of it ---- */

/* The wrong file under the right name looks like this. */
static void warn_of_all(struct planning *x)
{
	size_t n = x->dropped.count;
	if (!n || x->m->n_tunnels || x->m->n_routes || x->m->n_records)
		return;
	AUTO(str_t)
	sentence = str_format("The document is empty: this deletes all %zu objects that manifest "
			      "%s made.",
			      n, x->name);
	strlist_add(&x->p->warnings, sentence);
}

void planning_prune(struct planning *x)
{
	TABLE_EACH (i, struct record, r, &x->w->records)
		prune_record(x, r);
	TABLE_EACH (i, struct tunnel, t, &x->w->tunnels)
		prune_tunnel(x, t);
	warn_of_all(x);
}
