/* Handlers: plans. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "model/render.h"
#include "ops/write.h"

static void row_plan(const void *row, struct json_writer *w, const void *owner)
{
	(void)owner;
	render_plan(row, false, w);
}

/* Plans expire when somebody looks: nothing else depends on the minute. */
static void expire_plans(struct call *c)
{
	struct store *s = c->ops->store;
	int64_t expired;
	struct err e;
	if (store_begin(s, &e) < 0)
		return;
	if (store_expire_plans(s, clock_wall_ms(), &expired, &e) < 0 || store_commit(s, &e) < 0)
		store_rollback(s);
}

void run_plan_list(struct call *c)
{
	const struct plan_list_args *a = c->args;
	struct plan **plans = NULL;
	size_t n = 0;
	struct list_answer l;
	struct err e;
	if (!call_needs_store(c))
		return;
	expire_plans(c);
	int state = a->state ? plan_state_by_name(a->state) : -1;
	if (store_list_plans(c->ops->store, state, 0, 10000, &plans, &n, &e) < 0) {
		c->task.err = e;
		call_fail(c);
		return;
	}
	bool begun = list_begin(c, (const struct list_args *)a, &l) == 0;
	for (size_t i = 0; i < n; i++) {
		if (begun)
			list_row(&l, row_plan, plans[i], NULL);
		plan_free(plans[i]);
	}
	free(plans);
	if (begun)
		list_end(&l, "model", clock_wall_ms());
	else
		call_fail(c);
}

static struct plan *plan_load(struct call *c, const char *id)
{
	int64_t number;
	struct plan *p = NULL;
	struct err e;
	if (plan_number(id, &number, &e) == 0 &&
	    store_load_plan(c->ops->store, number, &p, &e) == 0)
		return p;
	if (!e.hint[0])
		(void)err_hint(&e, "See adit plan list.");
	c->task.err = e;
	call_fail(c);
	return NULL;
}

void run_plan_get(struct call *c)
{
	const struct plan_get_args *a = c->args;
	if (!call_needs_store(c))
		return;
	AUTO(plan_t) p = plan_load(c, a->plan);
	if (!p)
		return;
	struct json_writer w;
	buf_reset(&c->result);
	json_write_init(&w, &c->result);
	render_plan(p, true, &w);
	call_answer(c);
}

/* A plan that still waits, or a failed call. */
static struct plan *plan_waiting(struct call *c, const char *id)
{
	if (!call_needs_store(c))
		return NULL;
	struct plan *p = plan_load(c, id);
	if (!p || p->state == PLAN_NEEDS_APPROVAL)
		return p;
	(void)err_set(&c->task.err, ERR_CONFLICT, "Plan %s does not wait for approval: it is %s",
		      id, plan_state_name(p->state));
	plan_free(p);
	call_fail(c);
	return NULL;
}

void run_plan_approve(struct call *c)
{
	const struct plan_approve_args *a = c->args;
	if (!c->who.person) {
		(void)err_set(&c->task.err, ERR_DENIED, "Approving a plan takes root; %s is not",
			      c->who.name);
		(void)err_hint(&c->task.err, "Run it with sudo.");
		call_fail(c);
		return;
	}
	struct plan *p = plan_waiting(c, a->plan);
	if (!p)
		return;
	if (!str_starts(p->hash, a->hash)) {
		(void)err_set(&c->task.err, ERR_CONFLICT,
			      "Plan %s has another hash: it is not the plan that you were shown",
			      a->plan);
		(void)err_hint(&c->task.err, "Look at it again: adit plan get %s.", a->plan);
		plan_free(p);
		call_fail(c);
		return;
	}
	write_approve(c, p, a->wait, a->timeout.ms);
}

void run_plan_reject(struct call *c)
{
	const struct plan_reject_args *a = c->args;
	struct plan *p = plan_waiting(c, a->plan);
	if (p)
		write_reject(c, p);
}
