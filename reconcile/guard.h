/* Pure: what a plan's changes need approval for, and what is refused outright (design 3.4, 3.6).
 * Reads a plan's edits against the world as it is. */
#ifndef RECONCILE_GUARD_H
#define RECONCILE_GUARD_H

#include "model/plan.h"
#include "model/world.h"

struct guard_policy {
	int64_t max_delete; /* objects that a principal may delete in 24 hours */
	int64_t deleted;    /* that the plan's principal has deleted in them already */
	const struct strlist *protect, *allow_services;
	const char *socket;       /* our own, which no route may reach */
	const char *mcp_listen;   /* NULL = none */
	const char *probe_socket; /* our listener for probes through the edge, which no other route
				     may reach; NULL = there is none */
};

/* Sets p->approvals, whatever stood there, and adds to p->warnings. -1 with ERR_DENIED,
 * ERR_CONFLICT or ERR_INVALID when an edit is refused whatever anybody approves; the plan is as it
 * was then. */
MUST_USE int guard_check(const struct world *w, const struct guard_policy *g, struct plan *p,
			 struct err *e);
/* An edit of somebody's that a stored plan would lose and that it did not name, since it was seen
 * only after: the sentence about the first; NULL = there is none. The caller frees it. */
char *guard_edited_unsaid(const struct world *w, const struct plan *p);
/* Objects that the plan deletes. */
int64_t guard_drops(const struct plan *p);
/* Are they so many that whoever approves has to say their number? */
bool guard_many(const struct guard_policy *g, const struct plan *p);
/* May a route lead to this service? Also used before a probe. */
MUST_USE int guard_service(const struct world *w, const struct guard_policy *g, const char *service,
			   struct err *e);

#endif
