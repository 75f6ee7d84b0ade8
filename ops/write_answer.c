/* The answer of a write, and waiting until it is true. */
#include <string.h>

#include "model/render.h"
#include "ops/outline.h"
#include "ops/write_private.h"

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
	const struct connector *c = world_connector(w, id);
	return t ? t->problem : r ? r->problem : x ? x->problem : c ? c->problem : NULL;
}

/* Records of this plan are touched too: its tunnels need not wait for them. x is filled once the
 * first tunnel is asked for. */
static bool touch_converged(const struct world *w, struct groups *x, const char *id, char **why)
{
	const struct tunnel *t = is_tunnel(id) ? world_tunnel(w, id) : NULL;
	if (world_connector(w, id))
		return world_connector_converged(w, id, why);
	if (t && !x->w)
		groups_of_all(x, w);
	if (is_tunnel(id))
		return !t || tunnel_runs(x, t, why);
	if (id[0] == 'd')
		return world_record_converged(w, id, why);
	return world_route_converged(w, id, why);
}

static bool plan_converged(const struct world *w, const struct plan *p, char **why)
{
	AUTO(groups_t) groups = {0};
	for (size_t i = 0; i < p->n_touches; i++)
		if (!touch_converged(w, &groups, p->touches[i].id, why))
			return false;
	return true;
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
	render_changes(p, w);
	json_put_strlist(w, "approvals", &p->approvals);
	json_put_strlist(w, "warnings", &p->warnings);
}

/* What whoever decides wants to know besides. */
static void put_outline(const struct world *world, const struct plan *p, struct json_writer *w)
{
	if (p->state != PLAN_NEEDS_APPROVAL && p->state != PLAN_PLANNED)
		return;
	json_put_string(w, "principal", p->principal);
	if (p->reason)
		json_put_string(w, "reason", p->reason);
	if (p->base)
		json_put_int(w, "base_revision", p->base);
	if (p->expires_ms)
		json_put_time(w, "expires", p->expires_ms);
	json_put_int(w, "deletes", outline_deletes(p));
	json_put_int(w, "api_calls", outline_calls(world, p));
}

void write_answer(struct call *c)
{
	const struct write *x = c->state;
	const struct world *world = c->ops->world;
	bool live = x->plan->state == PLAN_APPLIED || x->plan->state == PLAN_UNCHANGED;
	AUTO(str_t) why = NULL;
	bool converged = live && plan_converged(world, x->plan, &why);
	struct json_writer w;
	call_object(c, &w);
	put_plan(x->plan, &w);
	put_outline(world, x->plan, &w);
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
	AUTO(str_t) why = NULL;
	if (final || plan_converged(c->ops->world, x->plan, &why))
		write_answer(c);
	else if (why)
		call_progress(c, why);
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

void write_resume(struct call *c, struct plan *plan, int64_t timeout_ms)
{
	struct write *x = write_new(c, plan);
	x->args.wait = plan->state == PLAN_APPLIED && timeout_ms > 0;
	x->args.timeout.ms = timeout_ms;
	write_wait(c);
}

void write_wait(struct call *c)
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
