/* Handlers: plans. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "model/render.h"
#include "ops/disk.h"
#include "ops/judge.h"
#include "ops/outline.h"
#include "ops/screen.h"
#include "ops/sight.h"
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

static bool plan_waits(const struct plan *p)
{
	return p->state == PLAN_NEEDS_APPROVAL || p->state == PLAN_PLANNED;
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
	bool waiting = str_equal(a->state, "waiting");
	int state = a->state && !waiting ? plan_state_by_name(a->state) : -1;
	if (store_list_plans(c->ops->store, state, 0, 10000, &plans, &n, &e) < 0) {
		c->task.err = e;
		call_fail(c);
		return;
	}
	bool begun = list_begin(c, (const struct list_args *)a, &l) == 0;
	for (size_t i = 0; i < n; i++) {
		if (disk_rejected(c->ops, plans[i]->number))
			plans[i]->state = PLAN_REJECTED;
		bool shown =
			(!waiting || plan_waits(plans[i])) && sight_plan(c->ops, &c->who, plans[i]);
		if (shown)
			screen_plan(c->ops, &c->who, plans[i]);
		if (begun && shown)
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
	    store_load_plan(c->ops->store, number, &p, &e) == 0) {
		if (disk_rejected(c->ops, number))
			p->state = PLAN_REJECTED;
		if (sight_plan(c->ops, &c->who, p))
			return p;
		plan_free(steal(&p));
		(void)err_set(&e, ERR_NOT_FOUND, "there is no plan %s", id);
	}
	if (!e.hint[0])
		(void)err_hint(&e, "See adit plan list.");
	c->task.err = e;
	call_fail(c);
	return NULL;
}

void plan_resume(struct call *c, const char *id, int64_t timeout_ms)
{
	struct plan *p = call_needs_store(c) ? plan_load(c, id) : NULL;
	if (p)
		write_resume(c, p, timeout_ms);
}

void run_plan_get(struct call *c)
{
	const struct plan_get_args *a = c->args;
	if (!call_needs_store(c))
		return;
	AUTO(plan_t) p = plan_load(c, a->plan);
	if (!p)
		return;
	screen_plan(c->ops, &c->who, p);
	AUTO(buf_t) text = {0};
	struct json_writer inner, w;
	json_write_init(&inner, &text);
	render_plan(p, true, &inner);
	call_object(c, &w);
	json_write_members(&w, buf_text(&text), text.len);
	json_put_int(&w, "deletes", outline_deletes(p));
	json_put_int(&w, "api_calls", outline_calls(c->ops->world, p));
	json_object_end(&w);
	call_answer(c);
}

static void refuse_plan(struct call *c, struct plan *p, enum err_kind kind, const char *what)
{
	char id[24];
	plan_id(p->number, id);
	(void)err_set(&c->task.err, kind, "Plan %s %s", id, what);
	if (plan_waits(p))
		(void)err_hint(&c->task.err, "Look at it again: adit plan get %s.", id);
	else
		(void)err_hint(&c->task.err, "Which plans wait: adit plan.");
	plan_free(p);
	call_fail(c);
}

/* A plan that nobody has decided yet, or a failed call. */
static struct plan *plan_waiting(struct call *c, const char *id)
{
	if (!call_needs_store(c))
		return NULL;
	struct plan *p = plan_load(c, id);
	if (!p || plan_waits(p))
		return p;
	AUTO(str_t) what = str_format("does not wait: it is %s", plan_state_name(p->state));
	refuse_plan(c, p, ERR_CONFLICT, what);
	return NULL;
}

void run_plan_approve(struct call *c)
{
	const struct plan_approve_args *a = c->args;
	struct plan *p = plan_waiting(c, a->plan);
	if (!p)
		return;
	if (p->state == PLAN_PLANNED)
		refuse_plan(c, p, ERR_CONFLICT, "needs no approval: plan_apply carries it out");
	else if (!plan_hash_fits(p, a->hash))
		refuse_plan(c, p, ERR_CONFLICT,
			    "has another hash: it is not the plan that you were shown");
	else
		write_approve(c, p, (const struct write_args *)a);
}

/* Its operation says what role it takes, whoever applies it. */
void run_plan_apply(struct call *c)
{
	const struct plan_apply_args *a = c->args;
	struct plan *p = plan_waiting(c, a->plan);
	if (!p)
		return;
	const struct op *op = op_find(p->operation);
	struct err e;
	if (op && !role_holds(c->who.role, op->role))
		refuse_plan(c, p, ERR_DENIED, "takes another role than yours");
	else if (c->who.grant && !str_equal(c->who.name, p->principal))
		refuse_plan(c, p, ERR_DENIED,
			    "is somebody else's: a grant carries out its own plans alone");
	else if (judge_rights(&c->who, p, &e) < 0)
		refuse_plan(c, p, ERR_DENIED, "is more than you may do yourself");
	else if (!plan_hash_fits(p, a->hash))
		refuse_plan(c, p, ERR_CONFLICT,
			    "has another hash: it is not the plan that you were shown");
	else
		write_apply(c, p, (const struct write_args *)a);
}

void run_plan_reject(struct call *c)
{
	const struct plan_reject_args *a = c->args;
	struct plan *p = plan_waiting(c, a->plan);
	if (p)
		write_reject(c, p);
}
