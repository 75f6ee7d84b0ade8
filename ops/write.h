/*
 * How every change goes: a plan of edits is checked (guard), looked at beforehand at Cloudflare
 * (what somebody else made and it would take; names that somebody else holds), checked again as it
 * stands then, stored with its revision and ledger row in one transaction, put
 * into the world, and waited for. A plan that needs approval is stored and waits for a person.
 */
#ifndef OPS_WRITE_H
#define OPS_WRITE_H

#include "ops/ops.h"

/* Takes the plan. The call is answered by it. args are the call's write arguments (borrowed from
 * c->args). A plan without edits is answered as unchanged. */
void write_run(struct call *c, const struct write_args *args, struct plan *plan);
/* The same, but the plan is stored only: plan_apply or plan_approve carries it out. */
void write_keep(struct call *c, const struct write_args *args, struct plan *plan);
/* Is that the plan whose hash was given (NULL: none was)? Its first digits are enough, of which the
 * argument has 12 at the least. */
bool plan_hash_fits(const struct plan *p, const char *given);

/* A stored plan that waits: approve and carry out, apply (one that needs approval is shown), or
 * reject. Takes the plan. Of args count wait, timeout and deletes. */
void write_approve(struct call *c, struct plan *plan, const struct write_args *args);
void write_apply(struct call *c, struct plan *plan, const struct write_args *args);
void write_reject(struct call *c, struct plan *plan);
/* One of an earlier call: the answer that it would have had, with what is true now. An applied one
 * is waited for that long. Takes the plan. */
void write_resume(struct call *c, struct plan *plan, int64_t timeout_ms);

/* run_plan.c: the same by its number. */
void plan_resume(struct call *c, const char *id, int64_t timeout_ms);

/* ---- a look at Cloudflare before anything is stored (preflight.c) ---- */

struct preflight {
	struct task task; /* first. err: ERR_CONFLICT, ERR_NOT_FOUND; what cannot be asked is a
			     warning on the plan, not an error */
	struct ops *ops;
	struct plan *plan; /* borrowed */
	struct cf_call call;
	struct record_check *records; /* preflight_record.c; NULL = not looking at them */
	struct config_check *configs; /* preflight_config.c; NULL = not looking at them */
	size_t next;                  /* edit to look at */
	bool calling;
};
void preflight_start(struct ops *o, struct preflight *f, struct plan *plan, task_done_fn *done,
		     void *owner);
void preflight_cancel(struct preflight *f);

/* The records of a plan: foreign ones that are in the way or may be overwritten go into the edits'
 * takes, what a new name takes from wildcards into the warnings; many new ones are counted against
 * the zone's quota. err as with the preflight. */
struct record_check;
struct record_check *record_check_start(struct ops *o, struct plan *plan, task_done_fn *done,
					void *owner);
/* Of one that is over, or to be cancelled. NULL is fine. */
void record_check_free(struct record_check *k);
/* Cloudflare cannot be asked: -1 when the plan would overwrite what nobody has seen. */
int record_check_blind(const struct plan *p, const struct err *why, struct err *e);

#endif
