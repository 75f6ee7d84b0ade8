/*
 * May a grant change it? Judged on the effects of a plan, not on what was asked for: every object
 * that would change has to lie inside its zones, host names and tunnels (ops/inside.h). Who changes
 * a tunnel itself, its connectors or its secret changes all that it serves. What is refused is told
 * without a name: who may not see a thing does not learn that it is there.
 */
#ifndef OPS_SCOPE_H
#define OPS_SCOPE_H

#include "model/plan.h"
#include "ops/principal.h"

struct ops;
struct call;

/* ERR_DENIED when something of the plan's is outside, or is made, changed or deleted by a grant
 * that has no such method. Who is not narrowed may all. */
MUST_USE int scope_check(const struct ops *o, const struct principal *p, const struct plan *plan,
			 struct err *e);
/* Of what is no plan: a tunnel as a whole. */
MUST_USE int scope_check_tunnel(const struct ops *o, const struct principal *p,
				const struct tunnel *t, struct err *e);
/* What cannot be judged, because adit does not know what it would change, is for those who are not
 * narrowed: fails the call when its caller is. */
bool scope_is_whole(struct call *c);

/* What a grant's routes lead to besides its origins is added to the approvals, in words. */
void scope_origins(const struct ops *o, const struct principal *p, struct plan *plan);

#endif
