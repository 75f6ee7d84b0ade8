/* What the files of the guard share: one plan while it is judged, and who owns what it touches. */
#ifndef RECONCILE_GUARD_PRIVATE_H
#define RECONCILE_GUARD_PRIVATE_H

#include "base/map.h"
#include "reconcile/guard.h"

struct guarding {
	const struct world *w;
	const struct guard_policy *g;
	const struct plan *p;
	struct strlist approvals, warnings; /* owned until they are the plan's */
	size_t overlaps;
	struct map edits; /* the last edit of each object, by id */
	struct map keys;  /* who has a host name and path after the plan: a route or an edit */
};

/* A reason for approval, told once. */
void guard_need(struct guarding *x, const char *fmt, ...) PRINTF(2, 3);
/* What the plan says beside; told once. */
void guard_warn(struct guarding *x, const char *fmt, ...) PRINTF(2, 3);
/* The last edit of an object; NULL when the plan leaves it alone. */
const struct edit *guard_edit_of(const struct guarding *x, const char *id);
const char *guard_tunnel_name(const struct guarding *x, const char *id);

/* ---- guard_owner.c: what is not ours, or not ours yet ---- */

/* Nothing is led through a tunnel of which this host runs connectors only. */
MUST_USE int guard_not_joined(const struct guarding *x, bool joined, const struct edit *d,
			      struct err *e);
/* ---- guard_edited.c ---- */

/* Somebody's edits of a record that the plan's write would lose. */
void guard_edited(struct guarding *x, const struct edit *d);

/* ---- guard_probe.c ---- */

/* May this route lead where it leads? */
MUST_USE int guard_route_service(const struct guarding *x, const struct edit *d, struct err *e);

/* ---- guard_connector.c ---- */

MUST_USE int guard_connector_stop(struct guarding *x, const struct edit *d, struct err *e);
MUST_USE int guard_connector_start(struct guarding *x, const struct edit *d, struct err *e);

/* Do connectors of other hosts serve the tunnel, for certain? What is not known counts as ours. */
bool guard_others_serve(const struct world *w, const struct tunnel *t);
/* The connectors of a joined tunnel stop on this host. */
void guard_leave(struct guarding *x, const struct tunnel *t);
/* Adopting, joining, taking over, converting, making anew; t is NULL for a new one. */
void guard_tunnel_owner(struct guarding *x, const struct tunnel *t, const struct edit *d);
/* Another secret for a tunnel, which whoever else holds the old one does not get. */
MUST_USE int guard_rotation(struct guarding *x, const struct tunnel *t, const struct edit *d,
			    struct err *e);
MUST_USE int guard_record_owner(struct guarding *x, const struct record *r, const struct edit *d,
				struct err *e);
MUST_USE int guard_route_owner(struct guarding *x, const struct route *r, const struct edit *d,
			       struct err *e);

#endif
