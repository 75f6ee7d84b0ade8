/* Stored plans: approved, applied or rejected by another call than the one that made them. */
#include "base/clock.h"
#include "ops/disk.h"
#include "ops/judge.h"
#include "ops/write_private.h"
#include "reconcile/guard.h"
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
static void write_stored(struct call *c)
{
	const struct write *x = c->state;
	struct plan *plan = x->plan;
	struct err e = {.kind = ERR_NONE};
	AUTO(str_t) edited = guard_edited_unsaid(c->ops->world, plan);
	c->wide = true;
	if (!rebuild_is_offer(plan) && writes_held(c)) /* this one is what is waited for */
		call_fail(c);
	else if (clock_wall_ms() > plan->expires_ms)
		close_failed(c, PLAN_EXPIRED, "it was not decided within a day");
	else if (judge_moved(c->ops->world, plan))
		close_failed(c, PLAN_STALE, "what it would change was changed since");
	else if (edited)
		close_failed(c, PLAN_STALE, edited);
	else if (judge_proposer(c->ops, plan, &e) < 0)
		write_refuse(c, &e);
	else if (judge_again(c->ops, plan, &e) < 0)
		close_failed(c, PLAN_STALE, e.message);
	else if (judge_deletes(c->ops, plan, x->args.deletes, &e) < 0)
		write_refuse(c, &e);
	else
		write_commit(c, true);
}

/* While somebody authenticated, another one may have decided. */
static int still_waits(struct call *c, const struct plan *p, struct err *e)
{
	AUTO(plan_t) now = NULL;
	char id[24];
	plan_id(p->number, id);
	if (store_load_plan(c->ops->store, p->number, &now, e) < 0)
		return -1;
	if (disk_rejected(c->ops, p->number))
		now->state = PLAN_REJECTED;
	if (now->state == p->state)
		return 0;
	return err_set(e, ERR_CONFLICT, "Plan %s does not wait any more: it is %s", id,
		       plan_state_name(now->state));
}

static void approve_consented(struct call *c, const struct err *refused)
{
	const struct write *x = c->state;
	struct err e;
	if (refused)
		write_refuse(c, refused);
	else if (still_waits(c, x->plan, &e) < 0)
		write_refuse(c, &e);
	else
		write_stored(c);
}

void write_approve(struct call *c, struct plan *plan, const struct write_args *args)
{
	write_new(c, plan)->args = *args;
	call_consent(c, "Approving a plan", approve_consented);
}

void write_apply(struct call *c, struct plan *plan, const struct write_args *args)
{
	write_new(c, plan)->args = *args;
	if (plan->state == PLAN_PLANNED && !principal_must_ask(&c->who))
		write_stored(c);
	else
		write_answer(c);
}

static int close_rejected(struct call *c)
{
	if (write_close(c, PLAN_REJECTED) == 0)
		return 0;
	if (!disk_makes_room(c) || write_close(c, PLAN_REJECTED) < 0)
		return -1;
	c->task.err = (struct err){.kind = ERR_NONE};
	return 0;
}

/* What cannot be stored holds as long as this daemon runs, and is stored when that works again. */
static void reject_here(struct call *c)
{
	struct write *x = c->state;
	AUTO(str_t)
	sentence = str_format("The rejection could not be stored (%s); it holds until aditd is "
			      "restarted, and for good once the disk can be written again.",
			      c->task.err.message);
	c->task.err = (struct err){.kind = ERR_NONE};
	strlist_add(&x->plan->warnings, sentence);
	disk_reject(c->ops, x->plan);
	write_tell(c, x->plan);
}

void write_reject(struct call *c, struct plan *plan)
{
	struct write *x = write_new(c, plan);
	str_set(&x->plan->decided_by, c->who.name);
	if (close_rejected(c) < 0)
		reject_here(c);
	write_answer(c);
}
