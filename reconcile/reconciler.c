#include "reconcile/reconciler.h"

#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "reconcile/act.h"
#include "reconcile/batch.h"
#include "reconcile/config_due.h"
#include "reconcile/drift.h"
#include "reconcile/keep.h"
#include "reconcile/observe.h"
#include "reconcile/pace.h"
#include "reconcile/rebuilder.h"
#include "reconcile/repair.h"
#include "reconcile/rollcall.h"

#define MAX_IN_FLIGHT         8
#define TOGETHER_MS           100
#define TRY_NOW               1 /* as next_try_ms: long past */
#define OBSERVE_FAILURES_TOLD 2
#define CONFIGS_ASKED         20 /* tunnels whose configurations are read when a person asks */

/* After a failure: quick at first, at most a minute; what no repetition heals, at most ten. */
static const struct backoff retry_soon = {1000, 60 * 1000, 20};
static const struct backoff retry_late = {5000, 600 * 1000, 20};

struct reconciler {
	struct act_context x;
	struct reconciler_options options;
	struct watcher watcher;
	struct deferred plan;
	struct timer wake;     /* a waiting object's next try */
	struct timer interval; /* the next full observation */
	struct observe observe;
	struct rebuilder rebuilder;
	struct rollcall rollcall;
	struct belief belief;
	struct audit audit;
	bool observing;
	bool observed;          /* the first observation ended, well or not */
	bool again;             /* somebody asked while it ran: once more right after it */
	int64_t observe_failed; /* in a row */
	int64_t passes;         /* observations that ended */
	int64_t complete;       /* of them, those that saw everything, since the start */
	size_t drifting;        /* objects that differ, as last told */
	struct pace pace;
	struct timer sweep;  /* the next configuration to be read */
	int64_t sweep_at_ms; /* mono; 0 = nothing to sweep */
	size_t swept;        /* place in the table of tunnels */
	size_t hinted;       /* read on a hint, for which the sweep gives up reads of its own */
	bool sweep_waited;
	int64_t calls; /* of the last full observation */
	struct list acts;
	struct list batches;
	int in_flight; /* requests: a batch is one */
};

static struct problem **problem_slot(struct world *w, enum object_type type, const char *id)
{
	struct tunnel *t = type == OBJECT_TUNNEL ? world_tunnel(w, id) : NULL;
	struct route *x = type == OBJECT_ROUTE ? world_route(w, id) : NULL;
	struct record *r = type == OBJECT_RECORD ? world_record(w, id) : NULL;
	return t ? &t->problem : x ? &x->problem : r ? &r->problem : NULL;
}

static enum object_type type_of(const struct action *a)
{
	return a->object_id[0] == 't'   ? OBJECT_TUNNEL
	       : a->object_id[0] == 'd' ? OBJECT_RECORD
					: OBJECT_SYSTEM;
}

/* One round of planning: the ids that it is about, since there may be many of each. */
struct round {
	struct work work;
	struct map told;   /* the planner has something to do about them, or something against it */
	struct map flying; /* an action of theirs is on its way */
};

static void round_begin(struct reconciler *r, struct round *x)
{
	*x = (struct round){.told = {.entries = NULL}};
	plan_next(r->x.world, clock_wall_ms(), &x->work);
	for (size_t i = 0; i < x->work.n_refusals; i++)
		(void)map_set(&x->told, x->work.refusals[i].object_id, x);
	for (size_t i = 0; i < x->work.n_actions; i++)
		(void)map_set(&x->told, x->work.actions[i].object_id, x);
	LIST_EACH (it, &r->acts)
		(void)map_set(&x->flying, LIST_OF(it, struct act, node)->action.object_id, x);
}

static void round_end(struct round *x)
{
	map_free(&x->told);
	map_free(&x->flying);
	work_free(&x->work);
}

/* ---- problems: refusals that the facts alone make and unmake, and failed actions ---- */

/* A failed action's problem has a next try and stays until then. What only a person can end (a
 * configuration that two wrote at once) has nothing to try, and stays. */
static bool stays(const struct problem *p)
{
	if (p->err.kind == ERR_CONFLICT)
		return p->next_try_ms > TRY_NOW;
	return clock_mono_ms() < p->next_try_ms;
}

/* A problem is over when nothing is left to do; not while nobody knows yet whether a create took
 * effect. */
static void lift_problem(struct reconciler *r, const struct round *x, enum object_type type,
			 const char *id, struct problem **slot, bool unknown)
{
	if (!*slot || stays(*slot) || unknown || map_get(&x->told, id) || map_get(&x->flying, id))
		return;
	problem_clear(slot);
	world_changed(r->x.world, type, id);
}

static void put_refusal(struct reconciler *r, const struct refusal *x)
{
	struct problem **slot = problem_slot(r->x.world, x->type, x->object_id);
	if (!slot || (*slot && str_equal((*slot)->err.message, x->err.message)))
		return;
	problem_set(slot, &x->err, clock_wall_ms());
	log_warning("%s", x->err.message);
	world_changed(r->x.world, x->type, x->object_id);
}

static void settle_problems(struct reconciler *r, const struct round *x)
{
	struct world *w = r->x.world;
	for (size_t i = 0; i < x->work.n_refusals; i++)
		put_refusal(r, &x->work.refusals[i]);
	TABLE_EACH (i, struct tunnel, t, &w->tunnels)
		lift_problem(r, x, OBJECT_TUNNEL, t->id, &t->problem,
			     (t->create_sent_ms && !t->remote_id[0]) || t->rotate_sent_ms);
	TABLE_EACH (m, struct route, y, &w->routes)
		if (y->observed.seen == ROUTE_EDITED || y->observed.seen == ROUTE_REMOVED)
			lift_problem(r, x, OBJECT_ROUTE, y->id, &y->problem, false);
	TABLE_EACH (j, struct record, d, &w->records)
		lift_problem(r, x, OBJECT_RECORD, d->id, &d->problem,
			     d->create_sent_ms && !d->remote_id[0]);
}

/* ---- actions ---- */

static void wake_at(struct reconciler *r, int64_t mono_ms)
{
	int64_t delay = mono_ms - clock_mono_ms();
	timer_start(&r->wake, delay > 0 ? delay : 0);
}

/* All records that need to know the zones wait for the same answer. */
static void tell_zoneless(struct reconciler *r, const struct problem *p)
{
	TABLE_EACH (i, struct record, d, &r->x.world->records) {
		if (d->problem == p || d->zone_id[0] || d->want == WANT_ABSENT)
			continue;
		problem_set(&d->problem, &p->err, p->since_ms);
		d->problem->next_try_ms = p->next_try_ms;
		world_changed(r->x.world, OBJECT_RECORD, d->id);
	}
}

static void act_failed_on(struct reconciler *r, const struct act *act, const struct err *e)
{
	const struct action *a = &act->action;
	struct problem **slot = problem_slot(r->x.world, type_of(a), a->object_id);
	if (!slot)
		return;
	problem_set(slot, e, clock_wall_ms());
	struct problem *p = *slot;
	const struct backoff *b = e->retryable ? &retry_soon : &retry_late;
	int64_t delay = backoff_delay(b, p->attempts, act->dice);
	if (e->retry_after_ms > delay)
		delay = e->retry_after_ms;
	p->next_try_ms = clock_mono_ms() + delay;
	log_write(LOG_LEVEL_WARNING, LOG_FIELDS({"object", a->object_id}),
		  "%s: %s; next try in %lld ms", action_name(a->kind), e->message,
		  (long long)delay);
	if (a->kind == ACT_ZONES_LIST)
		tell_zoneless(r, p);
	world_changed(r->x.world, type_of(a), a->object_id);
}

/* Actions that only prepare the one that matters. */
static bool is_step(enum action_kind k)
{
	return k == ACT_ZONES_LIST || k == ACT_TUNNEL_FIND || k == ACT_TUNNEL_SEARCH ||
	       k == ACT_CONFIG_READ || k == ACT_RECORD_FIND || k == ACT_RECORD_READ ||
	       k == ACT_CONNECTIONS_CLEAR || k == ACT_TUNNEL_LOOK || k == ACT_TUNNEL_CONFIRM;
}

/* A look that worked does not heal what failed after the last one: else the problem would come and
 * go, and each round would begin with the shortest delay. */
static void act_succeeded_on(struct reconciler *r, const struct action *a)
{
	struct problem **slot = problem_slot(r->x.world, type_of(a), a->object_id);
	if (!slot || !*slot)
		return;
	if (is_step(a->kind)) {
		if ((*slot)->next_try_ms)
			(*slot)->next_try_ms = TRY_NOW;
		return;
	}
	problem_clear(slot);
	world_changed(r->x.world, type_of(a), a->object_id);
}

static void acted(struct task *t, void *owner)
{
	struct reconciler *r = owner;
	struct act *a = (struct act *)t;
	if (t->err.kind == ERR_NONE)
		act_succeeded_on(r, &a->action);
	else
		act_failed_on(r, a, &t->err);
	list_remove(&a->node);
	if (!a->joined)
		r->in_flight--;
	act_fini(a);
	free(a);
	deferred_start(&r->plan);
}

static void start_action(struct reconciler *r, const struct action *action)
{
	struct act *a = mem_alloc(sizeof(*a));
	act_start(&r->x, a, action, acted, r);
	list_append(&r->acts, &a->node);
	r->in_flight++;
}

static void batch_ended(struct task *t, void *owner)
{
	struct reconciler *r = owner;
	r->in_flight--;
	batch_free((struct batch *)t);
	deferred_start(&r->plan);
}

static void start_batch(struct reconciler *r, const struct action *due, const struct batch_group *g)
{
	struct act **members = mem_array(g->n, sizeof(struct act *));
	struct batch *b = mem_alloc(sizeof(*b));
	uint64_t dice = random_u64();
	for (size_t i = 0; i < g->n; i++) {
		members[i] = mem_alloc(sizeof(struct act));
		act_join(&r->x, members[i], &due[g->members[i]], acted, r);
		members[i]->dice = dice;
		list_append(&r->acts, &members[i]->node);
	}
	batch_start(&r->x, b, g, members, batch_ended, r);
	list_append(&r->batches, &b->node);
	r->in_flight++;
	free(members);
}

/* Is the object waiting for its next try? Then its time is noted. What failed together is tried
 * again together. */
static bool waits(struct reconciler *r, const struct action *a, int64_t *next)
{
	struct problem **slot = problem_slot(r->x.world, type_of(a), a->object_id);
	if (!slot || !*slot || !(*slot)->next_try_ms ||
	    clock_mono_ms() + TOGETHER_MS >= (*slot)->next_try_ms)
		return false;
	if (!*next || (*slot)->next_try_ms < *next)
		*next = (*slot)->next_try_ms;
	return true;
}

static void start_due(struct reconciler *r, const struct round *x)
{
	const struct work *k = &x->work;
	int64_t next = 0;
	struct action *due = mem_array(k->n_actions + 1, sizeof(*due));
	AUTO(batch_groups_t) groups = {0};
	size_t n = 0;
	for (size_t i = 0; i < k->n_actions; i++)
		if (!map_get(&x->flying, k->actions[i].object_id) &&
		    !waits(r, &k->actions[i], &next))
			due[n++] = k->actions[i];
	batch_group(r->x.world, due, n, &groups);
	for (size_t i = 0; i < groups.n && r->in_flight < MAX_IN_FLIGHT; i++)
		if (groups.items[i].kind == BATCH_NONE)
			start_action(r, &due[groups.items[i].members[0]]);
		else
			start_batch(r, due, &groups.items[i]);
	free(due);
	if (k->wake_wall_ms) {
		int64_t at = clock_mono_ms() + k->wake_wall_ms - clock_wall_ms();
		next = !next || at < next ? at : next;
	}
	if (next)
		wake_at(r, next);
}

static void plan_now(struct deferred *d, void *owner)
{
	struct reconciler *r = owner;
	struct round x;
	(void)d;
	if (!r->observed || world_writes_off(r->x.world))
		return;
	round_begin(r, &x);
	settle_problems(r, &x);
	start_due(r, &x);
	round_end(&x);
}

static void wake_due(struct timer *t, void *owner)
{
	struct reconciler *r = owner;
	(void)t;
	deferred_start(&r->plan);
}

static void world_moved(struct watcher *x, enum object_type type, const char *id, void *owner)
{
	struct reconciler *r = owner;
	(void)x;
	if (type == OBJECT_RECORD)
		belief_record(&r->belief, id);
	if (type == OBJECT_CONNECTOR)
		config_due_connector(r->x.world, id);
	if (type != OBJECT_PLAN)
		deferred_start(&r->plan);
}

/* ---- observing ---- */

static void note_drift(struct reconciler *r)
{
	size_t all = 0, fresh = drift_note(r->x.world, clock_wall_ms(), &all);
	const char *what = all == 1 ? "object differs" : "objects differ";
	if (fresh)
		log_warning("%zu %s at Cloudflare from what is wanted, %zu newly; see adit drift "
			    "list",
			    all, what, fresh);
	else if (all != r->drifting)
		log_info("%zu %s at Cloudflare from what is wanted", all, what);
	r->drifting = all;
}

/* Sooner, if there are more of them now; what was begun to be waited for is not put off. */
static void sweep_within(struct reconciler *r, int64_t ms)
{
	int64_t at = clock_mono_ms() + ms;
	if (r->sweep_at_ms && r->sweep_at_ms <= at)
		return;
	r->sweep_at_ms = at;
	timer_start(&r->sweep, ms);
}

static void set_pace(struct reconciler *r)
{
	struct pace_facts f = {.wanted_ms = r->options.interval_ms,
			       .calls = r->calls,
			       .budget_calls = r->options.budget_calls,
			       .window_ms = r->options.budget_window_ms};
	TABLE_EACH (i, struct tunnel, t, &r->x.world->tunnels)
		f.tunnels += audit_reads(t);
	r->pace = pace_of(&f);
	r->x.world->system.observe_interval_ms = r->pace.interval_ms;
	if (f.tunnels)
		sweep_within(r, r->pace.sweep_ms / f.tunnels);
}

/* One configuration after the other, in order of creation, each once in its time. */
static void sweep_due(struct timer *t, void *owner)
{
	struct reconciler *r = owner;
	const struct table *all = &r->x.world->tunnels;
	(void)t;
	r->sweep_at_ms = 0;
	r->sweep_waited = r->hinted && !r->sweep_waited;
	if (r->sweep_waited)
		r->hinted--;
	for (size_t i = 0; i < all->n && !r->sweep_waited; i++) {
		struct tunnel *x = all->items[r->swept++ % all->n];
		if (!audit_reads(x))
			continue;
		x->observed.config_due = true;
		world_changed(r->x.world, OBJECT_TUNNEL, x->id);
		break;
	}
	set_pace(r);
}

static void observe_later(struct reconciler *r)
{
	set_pace(r);
	r->hinted = audit_release(&r->audit, (size_t)r->pace.hints);
	int64_t delay = r->pace.interval_ms;
	if (r->observe_failed) {
		int64_t soon = backoff_delay(&retry_soon, (int)r->observe_failed, random_u64());
		delay = soon < delay ? soon : delay;
	} else
		delay -= (int64_t)(random_u64() % (uint64_t)(delay / 5 + 1));
	if (r->audit.look_due && delay > r->pace.soonest_ms)
		delay = r->pace.soonest_ms;
	timer_start(&r->interval, delay);
}

static void observe_now(struct reconciler *r);

/* One failure may be a moment's; what lasts is told. A token that is refused is told elsewhere. */
static void note_observed(struct reconciler *r, const struct err *failed)
{
	struct world *w = r->x.world;
	struct err e;
	if (failed->kind == ERR_NONE || w->system.access_problem) {
		world_notice(w, "observation", NULL, 0);
		return;
	}
	if (r->observe_failed < OBSERVE_FAILURES_TOLD)
		return;
	(void)err_set(&e, failed->kind,
		      "What stands at Cloudflare cannot be seen, and nothing is concluded from "
		      "that: %s",
		      failed->message);
	if (failed->hint[0])
		(void)err_hint(&e, "%s", failed->hint);
	world_notice(w, "observation", &e, clock_wall_ms());
}

static void observe_ended(struct task *t, void *owner)
{
	struct reconciler *r = owner;
	r->observing = false;
	r->observed = true;
	r->passes++;
	if (t->err.kind == ERR_NONE) {
		r->observe_failed = 0;
		r->complete++;
		r->calls = r->observe.calls;
		r->x.world->system.observed_ms = clock_wall_ms();
		rebuilder_observed(&r->rebuilder);
	} else if (r->observe_failed++ == 0)
		log_warning("Cloudflare was not observed: %s", t->err.message);
	note_observed(r, &t->err);
	observe_fini(&r->observe);
	note_drift(r);
	/* After a start, what is seen once may be what is on its way. */
	if (t->err.kind == ERR_NONE && r->complete > 1)
		repair_run(r->x.world, r->x.store);
	if (r->again)
		observe_now(r);
	else
		observe_later(r);
	world_changed(r->x.world, OBJECT_SYSTEM, "");
	deferred_start(&r->plan);
}

static void observe_now(struct reconciler *r)
{
	if (r->observing)
		return;
	r->again = false;
	timer_stop(&r->interval);
	r->observing = true;
	/* A store that is older than Cloudflare may have forgotten whole zones. */
	bool everywhere = r->complete == 0 && r->x.world->revision > 0;
	observe_start(r->x.loop, r->x.cf, r->x.world, &r->belief, &r->audit, everywhere,
		      &r->observe, observe_ended, r);
}

static void observe_due(struct timer *t, void *owner)
{
	(void)t;
	observe_now(owner);
}

static void try_now(struct problem *p)
{
	if (p && p->next_try_ms)
		p->next_try_ms = TRY_NOW;
}

int64_t reconciler_passes(const struct reconciler *r)
{
	return r->passes;
}

int64_t reconciler_observe(struct reconciler *r)
{
	TABLE_EACH (i, struct tunnel, t, &r->x.world->tunnels) {
		if (!t->remote_id[0])
			t->observed.looked_ms = 0;
		if (audit_reads(t) && r->x.world->tunnels.n <= CONFIGS_ASKED)
			t->observed.config_due = true;
		try_now(t->problem);
	}
	TABLE_EACH (j, struct record, d, &r->x.world->records) {
		if (!d->remote_id[0])
			d->observed.looked_ms = 0;
		try_now(d->problem);
	}
	/* One that runs already may have looked before what the person means. */
	r->again = r->observing;
	observe_now(r);
	return r->passes + (r->again ? 2 : 1);
}

int reconciler_accept(struct reconciler *r, size_t *n, struct err *e)
{
	if (belief_accept(&r->belief, n, e) < 0)
		return -1;
	if (*n)
		(void)reconciler_observe(r);
	return 0;
}

/* ---- life ---- */

struct reconciler *reconciler_new(struct loop *l, struct world *w, struct store *s, struct cf *cf,
				  const struct reconciler_options *o)
{
	struct reconciler *r = mem_alloc(sizeof(*r));
	r->x = (struct act_context){.loop = l, .world = w, .store = s, .cf = cf};
	r->options = *o;
	list_init(&r->acts);
	list_init(&r->batches);
	deferred_init(&r->plan, l, plan_now, r);
	timer_init(&r->wake, l, wake_due, r);
	timer_init(&r->interval, l, observe_due, r);
	timer_init(&r->sweep, l, sweep_due, r);
	return r;
}

void reconciler_start(struct reconciler *r)
{
	keep_recall(r->x.world, r->x.store);
	belief_init(&r->belief, r->x.world, r->x.store, r->x.cf);
	audit_init(&r->audit, r->x.world, r->x.store, r->x.cf);
	r->audit.misuse.fleet_size = r->options.fleet_size;
	act_recall(&r->x);
	rebuilder_start(&r->rebuilder, &r->x, &r->options.guard);
	rollcall_start(&r->rollcall, &r->x, r->options.budget_calls, r->options.budget_window_ms);
	world_watch(r->x.world, &r->watcher, world_moved, r);
	observe_now(r);
}

void reconciler_configure(struct reconciler *r, const struct reconciler_options *o)
{
	r->options = *o;
	rebuilder_configure(&r->rebuilder, &o->guard);
	rollcall_configure(&r->rollcall, o->budget_calls, o->budget_window_ms);
	r->audit.misuse.fleet_size = o->fleet_size;
	r->audit.refused_until_ms = 0; /* there may be another token */
	set_pace(r);
}

void reconciler_free(struct reconciler *r)
{
	if (!r)
		return;
	world_unwatch(&r->watcher);
	timer_stop(&r->wake);
	timer_stop(&r->interval);
	timer_stop(&r->sweep);
	deferred_stop(&r->plan);
	rebuilder_stop(&r->rebuilder);
	rollcall_stop(&r->rollcall);
	if (r->observing)
		observe_cancel(&r->observe);
	observe_fini(&r->observe);
	belief_fini(&r->belief);
	audit_fini(&r->audit);
	LIST_EACH (it, &r->batches)
		batch_free(LIST_OF(it, struct batch, node));
	LIST_EACH (it, &r->acts) {
		struct act *a = LIST_OF(it, struct act, node);
		act_cancel(a);
		act_fini(a);
		list_remove(&a->node);
		free(a);
	}
	free(r);
}
