/* What people want to know of a plan beside its changes: where each belongs, what it costs, what it
 * was made from. Pure. */
#ifndef OPS_OUTLINE_H
#define OPS_OUTLINE_H

#include "model/plan.h"
#include "model/world.h"

/* The tunnel or zone of each change that does not say one, and the revision that the plan begins
 * from. Before it is sealed. */
void outline_plan(const struct world *w, struct plan *p);
/* Calls to Cloudflare that it takes when nothing goes wrong: an estimate, for people. */
int64_t outline_calls(const struct world *w, const struct plan *p);
/* Objects that it deletes: the number that an approval of many has to name. */
int64_t outline_deletes(const struct plan *p);

#endif
