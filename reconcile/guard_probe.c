/*
 * The one route that may lead to adit's own listener: the probe through the public edge, below a
 * name that is published through the same tunnel.
 */
#include <string.h>

#include "model/edge_probe.h"
#include "reconcile/guard_private.h"

static bool leads_to_listener(const struct guarding *x, const struct edit *d)
{
	return x->g->probe_socket && str_starts(d->service, "unix:") &&
	       str_equal(d->service + strlen("unix:"), x->g->probe_socket);
}

/* After the plan. */
static bool is_published(const struct guarding *x, const struct edit *d)
{
	for (size_t i = 0; i < x->p->n_edits; i++) {
		const struct edit *o = &x->p->edits[i];
		if (o->kind == EDIT_ROUTE_PUT && str_equal(o->name, d->name) &&
		    str_equal(o->tunnel_id, d->tunnel_id) && !edge_probe_is(o->path, o->service))
			return true;
	}
	TABLE_EACH (i, struct route, r, &x->w->routes)
		if (!guard_edit_of(x, r->id) && str_equal(r->hostname, d->name) &&
		    str_equal(r->tunnel_id, d->tunnel_id) && !route_is_edge_probe(r))
			return true;
	return false;
}

int guard_route_service(const struct guarding *x, const struct edit *d, struct err *e)
{
	bool probe = edge_probe_is(d->path, d->service) && leads_to_listener(x, d);
	if (!probe && d->until_ms)
		return err_set(e, ERR_INVALID, "Only a probe through the edge ends by itself");
	if (!probe)
		return guard_service(x->w, x->g, d->service, e);
	if (d->name[0] == '*')
		return err_set(e, ERR_INVALID, "%s is a wildcard: nobody can be asked for it",
			       d->name);
	if (is_published(x, d))
		return 0;
	return err_set(e, ERR_INVALID, "%s is not published through that tunnel", d->name);
}
