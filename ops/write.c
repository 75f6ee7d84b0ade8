#include "ops/write_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "ops/judge.h"
#include "ops/outline.h"

#define REPLANS_MAX 8

static void write_drop(struct call *c)
{
	struct write *x = c->state;
	if (x->looking)
		preflight_cancel(&x->preflight);
	plan_free(x->plan);
	free(x);
	c->state = NULL;
}

struct write *write_new(struct call *c, struct plan *plan)
{
	struct write *x = mem_alloc(sizeof(*x));
	x->plan = plan;
	c->state = x;
	c->drop_state = write_drop;
	return x;
}

/* ---- a new plan ---- */

bool plan_hash_fits(const struct plan *p, const char *given)
{
	return !given || str_starts(p->hash, given);
}

/* Is it what was shown, and are many deletions named by their number? */
static bool may_be_approved(struct call *c, const struct write *x)
{
	struct err e = {.kind = ERR_NONE};
	if (!x->args.approve)
		return false;
	if (!plan_hash_fits(x->plan, x->args.hash)) {
		strlist_add(&x->plan->warnings,
			    "The plan is not the one whose hash was given, so it waits.");
		return false;
	}
	if (judge_deletes(c->ops, x->plan, x->args.deletes, &e) == 0)
		return true;
	AUTO(str_t) refusal = str_format("%s; the plan waits.", e.message);
	strlist_add(&x->plan->warnings, refusal);
	return false;
}

/* Authenticating takes its time: what was agreed to must be what is carried out. */
static int still_fits(struct call *c, const struct write *x)
{
	struct err e;
	if (judge_moved(c->ops->world, x->plan))
		return err_set(&c->task.err, ERR_CONFLICT,
			       "What it would change was changed while you authenticated");
	if (!writes_held(c) && judge_again(c->ops, x->plan, &e) == 0)
		return 0;
	if (!c->task.err.kind)
		c->task.err = e;
	return -1;
}

static void write_consented(struct call *c, const struct err *refused)
{
	struct write *x = c->state;
	if (refused) {
		AUTO(str_t) why = str_format("%s; the plan waits.", refused->message);
		strlist_add(&x->plan->warnings, why);
		write_park(c);
	} else if (!c->who.person && still_fits(c, x) < 0) {
		call_fail(c);
	} else {
		write_commit(c, false);
	}
}

static void write_decide(struct call *c)
{
	struct write *x = c->state;
	if (x->args.dry_run) {
		x->plan->state = x->plan->approvals.n ? PLAN_NEEDS_APPROVAL : PLAN_PLANNED;
		write_answer(c);
	} else if (x->keep) {
		write_park(c);
	} else if (!x->plan->approvals.n) {
		write_commit(c, false);
	} else if (may_be_approved(c, x)) {
		call_consent(c, "Approving a plan", write_consented);
	} else {
		write_park(c);
	}
}

static int refuse_revision(struct call *c, int64_t wanted)
{
	long long now = (long long)c->ops->world->revision;
	(void)err_set(&c->task.err, ERR_CONFLICT, "The desired state is at revision %lld, not %lld",
		      now, (long long)wanted);
	return err_hint(&c->task.err,
			wanted < now ? "It changed since you looked: see adit revision diff %lld."
				     : "There is no revision %lld yet: see adit revision list.",
			(long long)wanted);
}

/* Asked anew: the grant may have ended or been frozen while Cloudflare was looked at. */
static int write_rights(struct call *c, const struct plan *p)
{
	struct err e;
	if (judge_rights(&c->who, p, &e) == 0)
		return 0;
	c->policy = principal_policy(&c->who, c->op);
	c->task.err = e;
	return -1;
}

static int write_check(struct call *c, struct write *x)
{
	struct err e;
	c->wide = true; /* the guard looks at everything */
	if (writes_held(c))
		return -1;
	if (x->args.if_revision && x->args.if_revision != c->ops->world->revision)
		return refuse_revision(c, x->args.if_revision);
	if (write_rights(c, x->plan) < 0)
		return -1;
	if (judge_plan(c->ops, x->plan, &e) == 0)
		return 0;
	c->task.err = e;
	return -1;
}

/* What Cloudflare showed is in the plan now: it is judged as it will be carried out. */
static void write_judged(struct call *c)
{
	struct write *x = c->state;
	if (write_check(c, x) < 0) {
		call_fail(c);
		return;
	}
	outline_plan(c->ops->world, x->plan);
	plan_seal(x->plan);
	write_decide(c);
}

/* While Cloudflare was asked, other calls may have changed what the plan was made from: then it is
 * made anew. */
static void write_looked(struct task *t, void *owner)
{
	struct call *c = owner;
	struct write *x = c->state;
	x->looking = false;
	bool moved = judge_moved(c->ops->world, x->plan);
	if (moved && c->replans++ < REPLANS_MAX) {
		if (t->err.kind == ERR_NONE)
			write_keep_looked(c);
		call_again(c);
		return;
	}
	c->task.err = t->err;
	if (moved && t->err.kind == ERR_NONE)
		(void)err_set(&c->task.err, ERR_BUSY,
			      "What %s would change is changed by others all the time",
			      c->op->name);
	if (c->task.err.kind != ERR_NONE) {
		call_fail(c);
		return;
	}
	write_judged(c);
}

/* Refuse what needs no look at Cloudflare, then look. */
static void write_begin(struct call *c, const struct write_args *args, struct plan *plan, bool keep)
{
	struct write *x = write_new(c, plan);
	x->args = *args;
	x->keep = keep || principal_must_ask(&c->who);
	if (!call_needs_store(c))
		return;
	if (plan->n_edits == 0) {
		plan->state = PLAN_UNCHANGED;
		write_wait(c);
		return;
	}
	if (write_check(c, x) < 0) {
		call_fail(c);
		return;
	}
	if (write_take_looked(c, plan)) {
		write_judged(c);
		return;
	}
	x->looking = true;
	x->own_changes = plan->n_changes;
	x->own_warnings = plan->warnings.n;
	preflight_start(c->ops, &x->preflight, plan, write_looked, c);
}

void write_run(struct call *c, const struct write_args *args, struct plan *plan)
{
	write_begin(c, args, plan, false);
}

void write_keep(struct call *c, const struct write_args *args, struct plan *plan)
{
	write_begin(c, args, plan, true);
}
