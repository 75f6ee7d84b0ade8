#include "ops/write.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "model/render.h"
#include "reconcile/apply.h"

#define REPLANS_MAX 8

/* What a write keeps while it looks and waits. */
struct write {
	struct plan *plan;
	struct write_args args; /* strings borrowed from the call's arguments */
	struct preflight preflight;
	bool looking;
	bool waiting;
};

static void write_drop(struct call *c)
{
	struct write *x = c->state;
	if (x->looking)
		preflight_cancel(&x->preflight);
	plan_free(x->plan);
	free(x);
	c->state = NULL;
}

static struct write *write_new(struct call *c, struct plan *plan)
{
	struct write *x = mem_alloc(sizeof(*x));
	x->plan = plan;
	c->state = x;
	c->drop_state = write_drop;
	return x;
}

/* ---- the answer ---- */

static bool is_tunnel(const char *id)
{
	return id[0] == 't';
}

/* Problems that waiting does not heal. */
static bool problem_final(const struct problem *p)
{
	if (!p)
		return false;
	enum err_kind k = p->err.kind;
	return k == ERR_CONFLICT || k == ERR_DENIED || k == ERR_INVALID || k == ERR_NOT_FOUND;
}

static const struct problem *touch_problem(const struct world *w, const char *id)
{
	const struct tunnel *t = world_tunnel(w, id);
	const struct record *r = world_record(w, id);
	const struct route *x = world_route(w, id);
	return t ? t->problem : r ? r->problem : x ? x->problem : NULL;
}

static bool touch_converged(const struct world *w, const char *id, char **why)
{
	if (is_tunnel(id))
		return world_tunnel_runs(w, id, why); /* records of this plan are touched too */
	if (id[0] == 'd')
		return world_record_converged(w, id, why);
	return true;
}

static bool plan_converged(const struct world *w, const struct plan *p, char **why)
{
	for (size_t i = 0; i < p->n_touches; i++)
		if (!touch_converged(w, p->touches[i].id, why))
			return false;
	return true;
}

static void put_changes(const struct plan *p, struct json_writer *w)
{
	json_write_key(w, "changes");
	json_array_begin(w);
	for (size_t i = 0; i < p->n_changes; i++) {
		char sign[2] = {p->changes[i].sign, '\0'};
		json_object_begin(w);
		json_put_string(w, "sign", sign);
		json_put_string(w, "object", p->changes[i].object);
		json_put_string(w, "name", p->changes[i].name);
		if (p->changes[i].detail)
			json_put_string(w, "detail", p->changes[i].detail);
		json_object_end(w);
	}
	json_array_end(w);
}

static void put_problems(const struct world *world, const struct plan *p, struct json_writer *w)
{
	json_write_key(w, "problems");
	json_array_begin(w);
	for (size_t i = 0; i < p->n_touches; i++) {
		const struct problem *problem = touch_problem(world, p->touches[i].id);
		if (problem)
			render_problem(problem, w);
	}
	json_array_end(w);
}

static void put_plan(const struct plan *p, struct json_writer *w)
{
	if (p->number) {
		char id[24];
		plan_id(p->number, id);
		json_put_string(w, "plan", id);
	}
	json_put_string(w, "state", plan_state_name(p->state));
	if (p->n_edits)
		json_put_string(w, "hash", p->hash);
	put_changes(p, w);
	json_put_strlist(w, "approvals", &p->approvals);
	json_put_strlist(w, "warnings", &p->warnings);
}

static void write_answer(struct call *c)
{
	const struct write *x = c->state;
	const struct world *world = c->ops->world;
	bool live = x->plan->state == PLAN_APPLIED || x->plan->state == PLAN_UNCHANGED;
	AUTO(str_t) why = NULL;
	bool converged = live && plan_converged(world, x->plan, &why);
	struct json_writer w;
	call_object(c, &w);
	put_plan(x->plan, &w);
	json_put_int(&w, "revision", world->revision);
	json_put_bool(&w, "converged", converged);
	if (live && !converged && why)
		json_put_string(&w, "waiting_for", why);
	put_problems(world, x->plan, &w);
	json_write_key(&w, "rate");
	render_rate(world, &w);
	json_object_end(&w);
	call_answer(c);
}

/* ---- waiting until it is true ---- */

static void write_look(struct deferred *d, void *owner)
{
	struct call *c = owner;
	struct write *x = c->state;
	(void)d;
	if (!x || !x->waiting)
		return;
	bool final = false;
	for (size_t i = 0; i < x->plan->n_touches; i++)
		final = final ||
			problem_final(touch_problem(c->ops->world, x->plan->touches[i].id));
	if (final || plan_converged(c->ops->world, x->plan, NULL))
		write_answer(c);
}

static void write_world_changed(struct watcher *x, enum object_type type, const char *id,
				void *owner)
{
	struct call *c = owner;
	(void)x, (void)type, (void)id;
	deferred_start(&c->look);
}

static void write_deadline(struct timer *t, void *owner)
{
	(void)t;
	write_answer(owner);
}

static void write_wait(struct call *c)
{
	struct write *x = c->state;
	if (!x->args.wait) {
		write_answer(c);
		return;
	}
	x->waiting = true;
	deferred_init(&c->look, c->ops->loop, write_look, c);
	world_watch(c->ops->world, &c->watcher, write_world_changed, c);
	timer_init(&c->deadline, c->ops->loop, write_deadline, c);
	timer_start(&c->deadline, x->args.timeout.ms);
	deferred_start(&c->look);
}

/* ---- commit ---- */

static int ledger_intent(struct call *c, struct plan *p, struct err *e)
{
	AUTO(buf_t) body = {0};
	plan_write_body(p, &body);
	char id[24];
	plan_id(p->number, id);
	struct ledger_row row = {
		.phase = LEDGER_INTENT,
		.principal = c->who.name,
		.operation = p->operation,
		.object = id,
		.arguments = body.data,
		.plan_hash = p->hash,
	};
	return store_add_ledger(c->ops->store, &row, NULL, e);
}

/* Plan, revision, edits and ledger intent: all or nothing. */
static int commit_rows(struct call *c, struct plan *p, bool stored, struct err *e)
{
	struct store *s = c->ops->store;
	if (stored ? store_decide_plan(s, p, e) : store_add_plan(s, p, e))
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

static void tell_applied(struct call *c, const struct plan *p)
{
	char id[24];
	plan_id(p->number, id);
	log_write(LOG_LEVEL_INFO,
		  LOG_FIELDS({"call", c->id}, {"principal", c->who.name}, {"plan", id}),
		  "%s: plan %s %s", p->operation, id, plan_state_name(p->state));
	world_changed(c->ops->world, OBJECT_PLAN, id);
}

/* The plan's state moves to applied, with who decided it when it needed somebody. */
static void write_commit(struct call *c, bool stored)
{
	struct write *x = c->state;
	x->plan->state = PLAN_APPLIED;
	x->plan->revision = c->ops->world->revision + 1;
	if (x->plan->approvals.n) {
		str_set(&x->plan->decided_by, c->who.name);
		x->plan->decided_ms = clock_wall_ms();
	}
	if (commit_plan(c, x->plan, stored) < 0) {
		call_fail(c);
		return;
	}
	apply_world(c->ops->world, x->plan);
	tell_applied(c, x->plan);
	write_wait(c);
}

static void write_park(struct call *c)
{
	struct write *x = c->state;
	x->plan->state = PLAN_NEEDS_APPROVAL;
	if (commit_plan(c, x->plan, false) < 0) {
		call_fail(c);
		return;
	}
	tell_applied(c, x->plan);
	write_answer(c);
}

static bool hash_fits(const char *given, const struct plan *p)
{
	return strlen(given) >= 12 && str_starts(p->hash, given);
}

/* May the caller approve this plan in the same call? Only a person, and only what was shown. */
static bool approves_own(struct call *c, const struct write *x)
{
	if (!x->args.approve)
		return false;
	if (!c->who.person) {
		strlist_add(&x->plan->warnings, "Approving takes root; the plan waits.");
		return false;
	}
	if (x->args.hash && !hash_fits(x->args.hash, x->plan)) {
		strlist_add(&x->plan->warnings,
			    "The plan is not the one whose hash was given, so it waits.");
		return false;
	}
	return true;
}

/* ---- does the plan still fit the world? ---- */

static int64_t touch_generation(const struct world *w, const char *id)
{
	const struct tunnel *t = world_tunnel(w, id);
	const struct record *d = world_record(w, id);
	const struct route *r = world_route(w, id);
	return t ? t->generation : d ? d->generation : r ? r->generation : 0;
}

/* Would it make what somebody else has made meanwhile? */
static bool edit_doubles(const struct world *w, const struct edit *ed)
{
	if (ed->kind == EDIT_TUNNEL_PUT)
		return !world_tunnel(w, ed->id) && world_find_tunnel(w, ed->name);
	if (ed->kind == EDIT_ROUTE_PUT)
		return !world_route(w, ed->id) && world_find_route(w, ed->name, ed->path);
	return ed->kind == EDIT_RECORD_PUT && !world_record(w, ed->id) &&
	       world_find_clash(w, ed->name, ed->type, ed->id);
}

static bool plan_moved(const struct world *w, const struct plan *p)
{
	for (size_t i = 0; i < p->n_touches; i++)
		if (touch_generation(w, p->touches[i].id) != p->touches[i].generation)
			return true;
	for (size_t i = 0; i < p->n_edits; i++)
		if (edit_doubles(w, &p->edits[i]))
			return true;
	return false;
}

static void write_decide(struct call *c)
{
	struct write *x = c->state;
	if (x->args.dry_run) {
		x->plan->state = x->plan->approvals.n ? PLAN_NEEDS_APPROVAL : PLAN_PLANNED;
		write_answer(c);
		return;
	}
	if (x->plan->approvals.n && !approves_own(c, x))
		write_park(c);
	else
		write_commit(c, false);
}

/* While Cloudflare was asked, other calls may have changed what the plan was made from: then it is
 * made anew. What was looked at without a complaint need not be looked at again. */
static void write_looked(struct task *t, void *owner)
{
	struct call *c = owner;
	struct write *x = c->state;
	x->looking = false;
	bool moved = plan_moved(c->ops->world, x->plan);
	if (moved && c->replans++ < REPLANS_MAX) {
		c->looked = t->err.kind == ERR_NONE;
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
	write_decide(c);
}

static void policy_of(const struct ops *o, struct guard_policy *g)
{
	const struct settings *s = o->settings;
	*g = (struct guard_policy){
		.max_delete = s->safety.max_delete,
		.protect = &s->safety.protect,
		.allow_services = &s->safety.allow_services,
		.socket = s->socket,
		.mcp_listen = s->mcp.listen,
	};
}

/* While a person has to look at the store first, nothing new is asked of it. */
static bool writes_held(struct call *c)
{
	const char *held = c->ops->world->system.writes_held;
	if (!held)
		return false;
	(void)err_set(&c->task.err, ERR_CONFLICT, "%s", held);
	(void)err_hint(&c->task.err, "Writes go on after adit writes resume.");
	return true;
}

static int write_check(struct call *c, struct write *x)
{
	struct guard_policy g;
	struct err e;
	if (writes_held(c))
		return -1;
	policy_of(c->ops, &g);
	if (x->args.if_revision && x->args.if_revision != c->ops->world->revision)
		return err_set(
			&c->task.err, ERR_CONFLICT,
			"The desired state is at revision %lld, not %lld: it changed since you "
			"looked",
			(long long)c->ops->world->revision, (long long)x->args.if_revision);
	if (guard_check(c->ops->world, &g, x->plan, &e) < 0) {
		c->task.err = e;
		return -1;
	}
	plan_seal(x->plan);
	return 0;
}

void write_run(struct call *c, const struct write_args *args, struct plan *plan)
{
	struct write *x = write_new(c, plan);
	x->args = *args;
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
	if (c->looked) {
		write_decide(c);
		return;
	}
	x->looking = true;
	preflight_start(c->ops, &x->preflight, plan, write_looked, c);
}

/* ---- deciding a stored plan ---- */

/* A plan that can no longer be decided; its final state is stored. */
static void write_close(struct call *c, enum plan_state state, const char *why)
{
	struct write *x = c->state;
	char id[24];
	plan_id(x->plan->number, id);
	x->plan->state = state;
	x->plan->decided_ms = clock_wall_ms();
	if (commit_plan(c, x->plan, true) == 0) {
		(void)err_set(&c->task.err, ERR_CONFLICT, "Plan %s is %s: %s", id,
			      plan_state_name(state), why);
		(void)err_hint(&c->task.err, "Ask for the change again to get a new plan.");
	}
	call_fail(c);
}

void write_approve(struct call *c, struct plan *plan, bool wait, int64_t timeout_ms)
{
	struct write *x = write_new(c, plan);
	x->args.wait = wait;
	x->args.timeout.ms = timeout_ms;
	if (writes_held(c)) {
		call_fail(c);
		return;
	}
	if (clock_wall_ms() > plan->expires_ms) {
		write_close(c, PLAN_EXPIRED, "it was not approved within a day");
		return;
	}
	if (plan_moved(c->ops->world, plan)) {
		write_close(c, PLAN_STALE, "what it would change was changed since");
		return;
	}
	write_commit(c, true);
}

void write_reject(struct call *c, struct plan *plan)
{
	struct write *x = write_new(c, plan);
	x->plan->state = PLAN_REJECTED;
	str_set(&x->plan->decided_by, c->who.name);
	x->plan->decided_ms = clock_wall_ms();
	if (commit_plan(c, x->plan, true) < 0) {
		call_fail(c);
		return;
	}
	tell_applied(c, x->plan);
	write_answer(c);
}
