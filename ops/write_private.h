/* What the files that carry out writes share: one write, from its plan to its answer. */
#ifndef OPS_WRITE_PRIVATE_H
#define OPS_WRITE_PRIVATE_H

#include "ops/write.h"

/* What a write keeps while it looks and waits. */
struct write {
	struct plan *plan;
	struct write_args args; /* strings borrowed from the call's arguments */
	struct preflight preflight;
	size_t own_changes, own_warnings; /* of the plan, before Cloudflare was asked */
	bool looking;
	bool waiting;
	bool keep; /* the plan is stored, and applied by another call */
};

/* The call's write, which takes the plan. */
struct write *write_new(struct call *c, struct plan *plan);

/* ---- write_commit.c ---- */

/* The plan's state moves to applied, with who decided it when it needed somebody or waited; then
 * the call is answered when that is true everywhere. */
void write_commit(struct call *c, bool stored);
/* It is stored and waits: for approval, or to be applied. */
void write_park(struct call *c);
/* The plan's state is stored, its edits are not carried out. -1 with the call's error. */
MUST_USE int write_close(struct call *c, enum plan_state state);
/* The plan has its new state: log, world and what waits for it. */
void write_tell(struct call *c, const struct plan *p);
/* While a person has to look at the store first, nothing new is asked of it: fills the error. */
bool writes_held(struct call *c);

/* ---- write_answer.c ---- */

void write_answer(struct call *c);
/* Answer when it is true at Cloudflare and in the connectors, or when that has no prospect. */
void write_wait(struct call *c);

/* ---- write_again.c: what was seen before a plan was made anew ---- */

/* The plan is to be made anew: what Cloudflare showed of it is kept with the call. */
void write_keep_looked(struct call *c);
/* Puts what was seen into the plan: true when all that it would make was looked at. */
bool write_take_looked(struct call *c, struct plan *p);

#endif
