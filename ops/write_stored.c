/* Stored plans: approved, applied or rejected by another call than the one that made them. */
#include "base/clock.h"
#include "ops/judge.h"
#include "ops/write_private.h"
#include "reconcile/rebuilder.h"

/* A plan that can no longer be carried out; its final state is stored, and the call fails. */
static void close_failed(struct call *c, enum plan_state state, const char *why)
{
	struct write *x = c->state;
	char id[24];
	plan_id(x->plan->number, id);
	if (write_close(c, state) == 0) {
		(void)err_set(&c->task.err, ERR_CONFLICT, "Plan %s is %s: %s", id,
			      plan_state_name(state), why);
		(void)err_hint(&c->task.err, "Ask for the change again to get a new plan.");
	}
	call_fail(c);
}

static void write_refuse(struct call *c, const struct err *e)
{
	c->task.err = *e;
	call_fail(c);
}

/* Everything is asked again: the world, the settings and the proposer may be others by now. */
static void write_stored(struct call *c, struct plan *plan, const struct write_args *args)
{
	struct write *x = write_new(c, plan);
	struct err e = {.kind = ERR_NONE};
	x->args = *args;
	if (!rebuild_is_offer(plan) && writes_held(c)) /* this one is what is waited for */
		call_fail(c);
	else if (clock_wall_ms() > plan->expires_ms)
		close_failed(c, PLAN_EXPIRED, "it was not decided within a day");
	else if (judge_moved(c->ops->world, plan))
		close_failed(c, PLAN_STALE, "what it would change was changed since");
	else if (judge_proposer(c->ops, plan, &e) < 0)
		write_refuse(c, &e);
	else if (judge_again(c->ops, plan, &e) < 0)
		close_failed(c, PLAN_STALE, e.message);
	else if (judge_deletes(c->ops, plan, args->deletes, &e) < 0)
		write_refuse(c, &e);
	else
		write_commit(c, true);
}

void write_approve(struct call *c, struct plan *plan, const struct write_args *args)
{
	write_stored(c, plan, args);
}

void write_apply(struct call *c, struct plan *plan, const struct write_args *args)
{
	if (plan->state == PLAN_PLANNED) {
		write_stored(c, plan, args);
		return;
	}
	(void)write_new(c, plan);
	write_answer(c);
}

void write_reject(struct call *c, struct plan *plan)
{
	struct write *x = write_new(c, plan);
	str_set(&x->plan->decided_by, c->who.name);
	if (write_close(c, PLAN_REJECTED) < 0)
		call_fail(c);
	else
		write_answer(c);
}
