/* Stopping connectors: nobody is left unserved unless a person agrees. */
#include "model/edge_probe.h"
#include "reconcile/guard_private.h"

enum { NAMES_SHOWN = 3 };

static bool goes_on(const struct guarding *x, const struct connector *c)
{
	const struct edit *d = guard_edit_of(x, c->id);
	return connector_serving(c) && !c->stopped_by_user &&
	       !(d && d->kind == EDIT_CONNECTOR_STOP);
}

static bool another_serves(const struct guarding *x, const struct tunnel *t)
{
	TABLE_EACH (i, struct connector, c, &x->w->connectors)
		if (str_equal(c->tunnel_id, t->id) && goes_on(x, c))
			return true;
	return guard_others_serve(x->w, t);
}

/* The first names, and how many there are more. */
static size_t names_of(const struct world *w, const struct tunnel *t, struct buf *out)
{
	size_t n = 0;
	TABLE_EACH (i, struct route, r, &w->routes) {
		if (!str_equal(r->tunnel_id, t->id) || route_is_edge_probe(r))
			continue;
		if (n < NAMES_SHOWN)
			(void)buf_printf(out, "%s%s", n ? ", " : "", r->hostname);
		n++;
	}
	if (n > NAMES_SHOWN)
		(void)buf_printf(out, " and %zu more", n - NAMES_SHOWN);
	return n;
}

int guard_connector_stop(struct guarding *x, const struct edit *d, struct err *e)
{
	const struct connector *c = world_connector(x->w, d->id);
	const struct tunnel *t = c ? world_tunnel(x->w, c->tunnel_id) : NULL;
	AUTO(buf_t) names = {0};
	if (!c)
		return err_set(e, ERR_INVALID, "There is no connector %s to stop", d->id);
	if (!t || !connector_serving(c) || another_serves(x, t))
		return 0;
	if (names_of(x->w, t, &names) > 0)
		guard_need(x, "Stops the last connector that serves %s (tunnel %s).",
			   buf_text(&names), t->name);
	else if (t->joined)
		guard_need(
			x,
			"Stops the last connector of tunnel %s that is known to run; which names "
			"it serves another host knows.",
			t->name);
	return 0;
}

int guard_connector_start(struct guarding *x, const struct edit *d, struct err *e)
{
	if (!world_connector(x->w, d->id))
		return err_set(e, ERR_INVALID, "There is no connector %s to start", d->id);
	return 0;
}
