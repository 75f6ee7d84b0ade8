/*
 * May a plan be carried out as it stands? The guard with the settings of this moment, asked when a
 * plan is made and again whenever somebody decides a stored one.
 */
#ifndef OPS_JUDGE_H
#define OPS_JUDGE_H

#include "ops/ops.h"

/* What the guard goes by: the settings, and what the plan's principal deleted in 24 hours. */
MUST_USE int judge_policy(const struct ops *o, const struct plan *p, struct guard_policy *g,
			  struct err *e);

/* The plan's approvals and warnings, with what its principal deleted in the last 24 hours. */
MUST_USE int judge_plan(struct ops *o, struct plan *p, struct err *e);
/* A stored plan: is it still allowed, and for no more reasons than those that were shown? The plan
 * stays as it is. */
MUST_USE int judge_again(struct ops *o, struct plan *p, struct err *e);
/* May he still do what the plan's operation does? What the plan touches is judged by judge_plan. */
MUST_USE int judge_rights(const struct principal *who, const struct plan *p, struct err *e);
/* May who proposed it still do so? */
MUST_USE int judge_proposer(struct ops *o, const struct plan *p, struct err *e);
/* Has what it was made from changed, or has somebody made what it would make? */
bool judge_moved(const struct world *w, const struct plan *p);
/* Many deletions are approved by their number: is it the one that was said? 0 = none was. */
MUST_USE int judge_deletes(struct ops *o, const struct plan *p, int64_t said, struct err *e);

#endif
