/* From plan to store and world: all of it in one transaction, or nothing. */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "ops/ledger.h"
#include "ops/write_private.h"
#include "reconcile/apply.h"
#include "reconcile/rebuilder.h"

bool writes_held(struct call *c)
{
	const char *held = c->ops->world->system.writes_held;
	if (!held)
		return false;
	(void)err_set(&c->task.err, ERR_CONFLICT, "%s", held);
	(void)err_hint(&c->task.err, "%s",
		       c->ops->world->system.writes_held_hint
			       ? c->ops->world->system.writes_held_hint
			       : "Writes go on after adit writes resume.");
	return true;
}

/* The plan as intent, by whoever calls. */
static int ledger_intent(struct call *c, const struct plan *p, struct err *e)
{
	struct ledger_scratch scratch;
	AUTO(str_t) mark = ledger_call_mark(c->id);
	struct ledger_row who = {.phase = LEDGER_INTENT, .detail = mark};
	ledger_who(&who, &c->who, &scratch);
	return apply_ledger(c->ops->store, p, &who, e);
}

/* Plan, revision, edits and ledger intent: all or nothing. */
static int commit_rows(struct call *c, struct plan *p, bool stored, struct err *e)
{
	struct store *s = c->ops->store;
	if (stored ? store_decide_plan(s, p, e) : store_add_plan(s, p, e))
		return -1;
	if (rebuild_decide(s, p, e) < 0)
		return -1;
	if (p->state != PLAN_APPLIED)
		return ledger_intent(c, p, e);
	if (apply_store(c->ops->world, s, p, e) < 0 || store_add_revision(s, p->revision, p, e) < 0)
		return -1;
	return ledger_intent(c, p, e);
}

static int commit_plan(struct call *c, struct plan *p, bool stored)
{
	struct err e;
	if (!stored) {
		p->made_ms = clock_wall_ms();
		p->expires_ms = p->made_ms + PLAN_LIFE_MS;
	}
	if (store_begin(c->ops->store, &e) == 0) {
		if (commit_rows(c, p, stored, &e) == 0 && store_commit(c->ops->store, &e) == 0)
			return 0;
		store_rollback(c->ops->store);
	}
	(void)err_wrap(&e, "Nothing was changed, since the store cannot be written");
	c->task.err = e;
	return -1;
}

/* What the ledger says of it when the call is over. */
static void tell_ledger(struct call *c, const struct plan *p)
{
	if (p->state == PLAN_NEEDS_APPROVAL)
		ledger_decided(c, "needs_approval", POLICY_APPROVAL, p);
	else if (p->state == PLAN_APPLIED && p->approvals.n)
		ledger_decided(c, "approved", POLICY_PERSON, p);
	else if (p->state == PLAN_REJECTED)
		ledger_decided(c, "rejected", POLICY_PERSON, p);
	else
		ledger_decided(c, NULL, POLICY_NONE, p);
}

void write_tell(struct call *c, const struct plan *p)
{
	char id[24];
	plan_id(p->number, id);
	tell_ledger(c, p);
	log_write(LOG_LEVEL_INFO,
		  LOG_FIELDS({"call", c->id}, {"principal", c->who.name}, {"plan", id}),
		  "%s: plan %s %s", p->operation, id, plan_state_name(p->state));
	rebuild_decided(c->ops->world, p);
	world_changed(c->ops->world, OBJECT_PLAN, id);
}

void write_commit(struct call *c, bool stored)
{
	struct write *x = c->state;
	x->plan->state = PLAN_APPLIED;
	x->plan->revision = c->ops->world->revision + 1;
	if (stored || x->plan->approvals.n) {
		str_set(&x->plan->decided_by, c->who.name);
		x->plan->decided_ms = clock_wall_ms();
	}
	if (commit_plan(c, x->plan, stored) < 0) {
		call_fail(c);
		return;
	}
	apply_world(c->ops->world, x->plan);
	write_tell(c, x->plan);
	write_wait(c);
}

void write_park(struct call *c)
{
	struct write *x = c->state;
	x->plan->state = x->plan->approvals.n ? PLAN_NEEDS_APPROVAL : PLAN_PLANNED;
	if (commit_plan(c, x->plan, false) < 0) {
		call_fail(c);
		return;
	}
	write_tell(c, x->plan);
	write_answer(c);
}

int write_close(struct call *c, enum plan_state state)
{
	struct write *x = c->state;
	x->plan->state = state;
	x->plan->decided_ms = clock_wall_ms();
	if (commit_plan(c, x->plan, true) < 0)
		return -1;
	write_tell(c, x->plan);
	return 0;
}
