/* Which routes are over is seen in the world each time: nothing is queued, nothing forgotten. */
#include "reconcile/lease.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "model/edge_probe.h"
#include "reconcile/apply.h"

#define LOOK_AGAIN_MS                                                                              \
	(60 * 1000) /* where nothing may be written now, or the clock was put back                 \
		     */

struct lease {
	struct world *world;
	struct store *store;
	struct watcher watcher;
	struct deferred look;
	struct timer timer;
};

bool lease_is_over(const struct world *w, const struct route *r, int64_t wall_ms)
{
	if (!route_is_edge_probe(r))
		return false;
	return (r->until_ms && wall_ms >= r->until_ms) ||
	       !world_is_published(w, r->hostname, r->tunnel_id);
}

/* ---- the plan ---- */

static void take_away(const struct world *w, struct plan *p, const struct route *r)
{
	const struct tunnel *t = world_tunnel(w, r->tunnel_id);

	if (t)
		(void)plan_put_tunnel(p, t);
	(void)plan_take_off(p, EDIT_ROUTE_DROP, r->id, r->generation);
	plan_change(p, '-', "route", r->hostname, "the probe through the public edge: %s",
		    r->until_ms ? "its time is over" : "its name is published no more");
}

static int ledger_intent(struct store *s, const struct plan *p, struct err *e)
{
	AUTO(buf_t) body = {0};
	char id[24];

	plan_write_body(p, &body);
	plan_id(p->number, id);
	struct ledger_row row = {
		.phase = LEDGER_INTENT,
		.principal = p->principal,
		.operation = p->operation,
		.object = id,
		.arguments = body.data,
		.plan_hash = (char *)(uintptr_t)p->hash,
	};
	return store_add_ledger(s, &row, NULL, e);
}

static int store_all(struct lease *x, struct plan *p, struct err *e)
{
	if (store_begin(x->store, e) < 0)
		return -1;
	if (store_add_plan(x->store, p, e) == 0 && apply_store(x->world, x->store, p, e) == 0 &&
	    store_add_revision(x->store, p->revision, p, e) == 0 &&
	    ledger_intent(x->store, p, e) == 0 && store_commit(x->store, e) == 0)
		return 0;
	store_rollback(x->store);
	return -1;
}

static void carry_out(struct lease *x, struct plan *p)
{
	char id[24];
	struct err e;

	p->state = PLAN_APPLIED;
	p->made_ms = p->decided_ms = clock_wall_ms();
	p->expires_ms = p->made_ms + PLAN_LIFE_MS;
	p->base = x->world->revision;
	p->revision = x->world->revision + 1;
	plan_seal(p);
	if (store_all(x, p, &e) < 0) {
		log_warning("probes that are over cannot be taken away, since the store cannot be "
			    "written: %s",
			    e.message);
		return;
	}
	apply_world(x->world, p);
	plan_id(p->number, id);
	log_info("plan %s takes %zu probe%s through the public edge away", id, p->n_changes,
		 p->n_changes == 1 ? "" : "s");
	world_changed(x->world, OBJECT_PLAN, id);
}

/* ---- when ---- */

static int64_t soonest(const struct world *w, int64_t now)
{
	int64_t left = INT64_MAX;

	TABLE_EACH (i, struct route, r, &w->routes) {
		if (!route_is_edge_probe(r) || !r->until_ms)
			continue;
		int64_t ms = r->until_ms > now ? r->until_ms - now : LOOK_AGAIN_MS;
		left = ms < left ? ms : left;
	}
	return left;
}

static void look(struct deferred *d, void *owner)
{
	struct lease *x = owner;
	int64_t now = clock_wall_ms();
	AUTO(plan_t) p = plan_new(LEASE_OPERATION, "adit", NULL);

	(void)d;
	TABLE_EACH (i, struct route, r, &x->world->routes)
		if (!world_writes_off(x->world) && lease_is_over(x->world, r, now))
			take_away(x->world, p, r);
	if (p->n_edits)
		carry_out(x, p);
	int64_t left = soonest(x->world, now);
	timer_stop(&x->timer);
	if (left != INT64_MAX)
		timer_start(&x->timer, left < LOOK_AGAIN_MS ? left : LOOK_AGAIN_MS);
}

static void timer_due(struct timer *t, void *owner)
{
	struct lease *x = owner;

	(void)t;
	deferred_start(&x->look);
}

static void world_moved(struct watcher *w, enum object_type type, const char *id, void *owner)
{
	struct lease *x = owner;

	(void)w;
	(void)id;
	if (type == OBJECT_ROUTE || type == OBJECT_SYSTEM)
		deferred_start(&x->look);
}

struct lease *lease_new(struct loop *l, struct world *w, struct store *s)
{
	struct lease *x = mem_alloc(sizeof(*x));

	x->world = w;
	x->store = s;
	deferred_init(&x->look, l, look, x);
	timer_init(&x->timer, l, timer_due, x);
	world_watch(w, &x->watcher, world_moved, x);
	deferred_start(&x->look);
	return x;
}

void lease_free(struct lease *x)
{
	if (!x)
		return;
	world_unwatch(&x->watcher);
	deferred_stop(&x->look);
	timer_stop(&x->timer);
	free(x);
}
