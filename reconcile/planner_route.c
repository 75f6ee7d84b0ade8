/* What is to be told of a route: that its rule was changed or removed at Cloudflare. */
#include "reconcile/drift.h"
#include "reconcile/planner_private.h"

void plan_route(struct planning *p, const struct route *r)
{
	AUTO(drift_list_t) l = {0};
	if (r->observed.seen != ROUTE_EDITED && r->observed.seen != ROUTE_REMOVED)
		return;
	drift_find_object(p->w, OBJECT_ROUTE, r->id, &l);
	if (!l.n || l.items[0].policy == DRIFT_IGNORE ||
	    (l.items[0].policy == DRIFT_REPAIR && !l.items[0].hindrance))
		return;
	struct err *e = plan_refuse(p, OBJECT_ROUTE, r->id);
	(void)err_set(e, ERR_CONFLICT, "The rule of %s was %s at Cloudflare by somebody else",
		      l.items[0].name, drift_kind_name(l.items[0].kind));
	(void)err_hint(e, "See adit drift list; adit plan create --drift --object %s puts it back.",
		       r->hostname);
}
