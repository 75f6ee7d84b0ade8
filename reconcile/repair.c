#include "reconcile/repair.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "reconcile/apply.h"
#include "reconcile/planner.h"

#define FEW        10 /* may always be put back */
#define PERCENT    10 /* of all objects, beyond that */
#define NAMES_TOLD 3
#define PLANS_READ 1000
#define NOTICE     "drift"

/* ---- the plan ---- */

/* A person has to agree to what is put back against a hindrance; the words say why. */
static void name_record(struct edit *ed, const struct record *r, const struct drift *d)
{
	char seen[SHA256_HEX_SIZE];
	record_observed_hash(r, seen);
	AUTO(str_t)
	what = d->kind == DRIFT_UNMARKED
		       ? str_format("Puts adit's mark back on the record %s (%s).", r->name,
				    r->type)
		       : str_format("Puts the record %s (%s) back although %s.", r->name, r->type,
				    d->hindrance);
	str_set(&ed->takes, NULL);
	record_takes_add(&ed->takes, r->remote_id, seen, what);
}

/* What bears another adit's mark by now is that one's: it is taken over by tunnel_adopt only. */
static bool put_record(struct plan *p, const struct record *r, const struct drift *d)
{
	if (d->kind == DRIFT_UNMARKED && mark_text(r->observed.comment))
		return false;
	char seen[SHA256_HEX_SIZE];
	struct edit *ed = plan_put_record(p, r);
	record_observed_hash(r, seen);
	if (d->kind == DRIFT_GONE)
		ed->anew = true;
	else
		str_set(&ed->seen, seen);
	if (d->kind != DRIFT_GONE && (d->kind == DRIFT_UNMARKED || d->hindrance))
		name_record(ed, r, d);
	return true;
}

static void put_route(const struct world *w, struct plan *p, const struct route *r,
		      const struct drift *d)
{
	const struct tunnel *t = world_tunnel(w, r->tunnel_id);
	char rule[SHA256_HEX_SIZE];
	struct edit *ed = plan_put_route(p, r);
	if (d->kind == DRIFT_REMOVED)
		ed->anew = true;
	else if (d->hindrance) {
		AUTO(str_t)
		what = str_format("Puts the rule of %s back although %s.", d->name, d->hindrance);
		sha256_hex(d->id, strlen(d->id), rule);
		str_set(&ed->takes, NULL);
		route_takes_add(&ed->takes, rule, what);
	}
	if (t)
		(void)plan_put_tunnel(p, t);
}

/* Another one of that name: all that leads through it goes to the new one. */
static void put_tunnel_anew(const struct world *w, struct plan *p, const struct tunnel *t)
{
	plan_put_tunnel(p, t)->anew = true;
	TABLE_EACH (i, struct route, r, &w->routes)
		if (str_equal(r->tunnel_id, t->id))
			(void)plan_put_route(p, r);
	TABLE_EACH (j, struct record, d, &w->records)
		if (str_equal(d->tunnel_id, t->id) && d->want == WANT_PRESENT)
			(void)plan_put_record(p, d);
}

static bool put_back(const struct world *w, struct plan *p, const struct drift *d)
{
	const struct tunnel *t = d->type == OBJECT_TUNNEL ? world_tunnel(w, d->id) : NULL;
	const struct route *r = d->type == OBJECT_ROUTE ? world_route(w, d->id) : NULL;
	const struct record *x = d->type == OBJECT_RECORD ? world_record(w, d->id) : NULL;
	if (x)
		return put_record(p, x, d);
	if (r)
		put_route(w, p, r, d);
	else if (t && d->kind == DRIFT_GONE && !t->joined)
		put_tunnel_anew(w, p, t);
	else if (t && d->kind == DRIFT_CHANGED && !strchr(d->seen, '\n'))
		str_set(&plan_put_tunnel(p, t)->takes, d->seen);
	else
		return false;
	return true;
}

static void warn_left(struct plan *p, const struct drift *d)
{
	AUTO(str_t)
	warning = str_format("The %s of %s %s is left as it is: adit does not put it back.",
			     d->field, object_type_name(d->type), d->name);
	strlist_add(&p->warnings, warning);
}

static void put_back_told(const struct world *w, struct plan *p, const struct drift *d)
{
	bool made = d->kind == DRIFT_GONE || d->kind == DRIFT_REMOVED;
	if (!put_back(w, p, d))
		warn_left(p, d);
	else if (made)
		plan_change(p, '+', object_type_name(d->type), d->name, "made again: %s",
			    d->wanted);
	else
		plan_change(p, '~', object_type_name(d->type), d->name, "%s back to %s", d->field,
			    d->wanted);
}

void repair_fill(const struct world *w, const struct drift_list *l, struct plan *p)
{
	for (size_t i = 0; i < l->n; i++)
		put_back_told(w, p, &l->items[i]);
}

bool repair_is_small(size_t objects, size_t all)
{
	return objects <= FEW || objects <= all * PERCENT / 100;
}

/* ---- unasked: which ---- */

struct repairing {
	struct world *w;
	struct store *s;
	struct map waits; /* ids of objects that a plan waits for */
	struct serving serving;
	int64_t now;
};

static int note_plans(struct repairing *x, enum plan_state state, struct err *e)
{
	struct plan **plans = NULL;
	size_t n = 0;
	if (store_list_plans(x->s, (int)state, 0, PLANS_READ, &plans, &n, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < plans[i]->n_touches; k++)
			(void)map_set(&x->waits, plans[i]->touches[k].id, x);
		plan_free(plans[i]);
	}
	free(plans);
	return 0;
}

/* A plan that touches it may be about this very difference. */
static bool is_held(const struct repairing *x, const struct drift *d)
{
	const struct route *r = d->type == OBJECT_ROUTE ? world_route(x->w, d->id) : NULL;
	return map_get(&x->waits, d->id) || (r && map_get(&x->waits, r->tunnel_id));
}

/* People are told why it stays: what is held differs for a reason of its own. */
static void note_held(struct repairing *x, const struct drift_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct drift *d = &l->items[i];
		struct drift_facts *f = drift_facts_of(x->w, d);
		bool was = f->held;
		f->held = d->policy == DRIFT_REPAIR && is_held(x, d);
		if (f->held != was)
			world_changed(x->w, d->type, d->id);
	}
}

/* Something else is the matter with it, or is on its way. */
static bool is_busy(struct repairing *x, const struct drift *d)
{
	const struct route *r = d->type == OBJECT_ROUTE ? world_route(x->w, d->id) : NULL;
	const struct record *k = d->type == OBJECT_RECORD ? world_record(x->w, d->id) : NULL;
	const struct tunnel *t = r ? world_tunnel(x->w, r->tunnel_id) : NULL;
	if (k)
		return k->problem || k->generation != k->applied_generation ||
		       !plan_may_lead(x->w, &x->serving, k);
	const struct tunnel *own = d->type == OBJECT_TUNNEL ? world_tunnel(x->w, d->id) : NULL;
	if (own)
		return own->problem != NULL;
	return r && (r->problem || !t || t->problem || t->joined);
}

/* It was put back as often as may be, and within the time. */
static bool is_fought(const struct repairing *x, const struct drift_facts *f)
{
	return f->repaired_ms[0] && x->now - f->repaired_ms[0] <= DRIFT_FIGHT_MS;
}

static void tell_fight(const struct repairing *x, const struct drift *d)
{
	AUTO(str_t)
	message = str_format("%s %s was put back %d times within an hour and changed again by "
			     "somebody else: adit stops",
			     object_type_name(d->type), d->name, DRIFT_REPAIRS_MAX);
	AUTO(str_t) id = str_dup(d->id);
	AUTO(str_t) name = str_dup(d->name);
	struct event ev = {.at_ms = x->now,
			   .object_type = d->type,
			   .object_id = id,
			   .object_name = name,
			   .kind = (char[]){"drift_fought"},
			   .message = message};
	struct err e;
	log_warning("%s", message);
	if (store_add_event(x->s, &ev, &e) < 0)
		log_warning("event drift_fought not kept: %s", e.message);
	world_changed(x->w, d->type, d->id);
}

/* What is due unasked, as object -> facts. An object with one field that a hindrance stands against
 * has that hindrance in all its differences. */
static void find_due(struct repairing *x, const struct drift_list *l, struct map *objects)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct drift *d = &l->items[i];
		struct drift_facts *f = drift_facts_of(x->w, d);
		if (d->policy != DRIFT_REPAIR || is_busy(x, d))
			continue;
		if (!d->hindrance && !is_fought(x, f)) {
			(void)map_set(objects, d->id, f);
			continue;
		}
		if (!d->hindrance && !f->fought)
			tell_fight(x, d);
		f->fought = f->fought || !d->hindrance;
	}
}

static void note_repairs(const struct repairing *x, const struct map *objects)
{
	const struct map_entry *it;
	for (size_t i = 0; (it = map_next(objects, &i)) != NULL;) {
		struct drift_facts *f = it->value;
		memmove(f->repaired_ms, f->repaired_ms + 1,
			(DRIFT_REPAIRS_MAX - 1) * sizeof(f->repaired_ms[0]));
		f->repaired_ms[DRIFT_REPAIRS_MAX - 1] = x->now;
	}
}

/* ---- unasked: done ---- */

static int store_plan(struct repairing *x, struct plan *p, struct err *e)
{
	const struct ledger_row who = {.principal = p->principal};
	p->state = PLAN_APPLIED;
	p->made_ms = p->decided_ms = x->now;
	p->expires_ms = x->now + PLAN_LIFE_MS;
	plan_seal(p);
	if (store_begin(x->s, e) < 0)
		return -1;
	if (store_add_plan(x->s, p, e) == 0 && apply_store(x->w, x->s, p, e) == 0 &&
	    apply_ledger(x->s, p, &who, e) == 0 && store_commit(x->s, e) == 0)
		return 0;
	store_rollback(x->s);
	return -1;
}

static void tell_repair(struct repairing *x, const struct plan *p, size_t objects)
{
	AUTO(buf_t) names = {0};
	char id[24];
	for (size_t i = 0; i < p->n_changes && i < NAMES_TOLD; i++)
		(void)buf_printf(&names, "%s%s", i ? ", " : "", p->changes[i].name);
	plan_id(p->number, id);
	AUTO(str_t)
	message = str_format("plan %s puts %zu object%s back that somebody else changed: %s%s", id,
			     objects, objects == 1 ? "" : "s", buf_text(&names),
			     p->n_changes > NAMES_TOLD ? ", ..." : "");
	struct event ev = {.at_ms = x->now,
			   .object_type = OBJECT_PLAN,
			   .object_id = id,
			   .object_name = id,
			   .kind = (char[]){"drift_repaired"},
			   .message = message};
	struct err e;
	log_info("%s", message);
	if (store_add_event(x->s, &ev, &e) < 0)
		log_warning("event drift_repaired not kept: %s", e.message);
	world_changed(x->w, OBJECT_PLAN, id);
}

/* The look that found the drift is the look before the write, as long as it is fresh. */
static void apply_as_seen(struct world *w, const struct plan *p)
{
	int64_t *looked_ms = mem_array(p->n_edits + 1, sizeof(*looked_ms));
	for (size_t i = 0; i < p->n_edits; i++) {
		const struct record *r = world_record(w, p->edits[i].id);
		looked_ms[i] = r ? r->observed.looked_ms : 0;
	}
	apply_world(w, p);
	for (size_t i = 0; i < p->n_edits; i++) {
		struct record *r = world_record(w, p->edits[i].id);
		if (r && !p->edits[i].anew)
			r->observed.looked_ms = looked_ms[i];
	}
	free(looked_ms);
}

static bool tell_size(struct repairing *x, size_t objects)
{
	const struct world *w = x->w;
	struct err e;
	if (repair_is_small(objects, w->tunnels.n + w->routes.n + w->records.n)) {
		world_notice(x->w, NOTICE, NULL, 0);
		return true;
	}
	(void)err_set(&e, ERR_CONFLICT,
		      "%zu objects differ at Cloudflare, too many to be put back unasked", objects);
	(void)err_hint(&e, "See adit drift list; adit plan create --drift makes a plan of it.");
	world_notice(x->w, NOTICE, &e, x->now);
	return false;
}

static void repair(struct repairing *x)
{
	AUTO(drift_list_t) l = {0};
	struct map objects = {.entries = NULL};
	struct err e;
	drift_find(x->w, &l);
	/* Without knowing what waits for an object, nothing is done about it. */
	if (l.n &&
	    (note_plans(x, PLAN_NEEDS_APPROVAL, &e) < 0 || note_plans(x, PLAN_PLANNED, &e) < 0)) {
		log_warning("drift is not put back, since the store cannot be read: %s", e.message);
		return;
	}
	note_held(x, &l);
	drift_list_t_cleanup(&l);
	drift_find(x->w, &l);
	find_due(x, &l, &objects);
	if (tell_size(x, objects.count) && objects.count) {
		AUTO(plan_t) p = plan_new(REPAIR_OPERATION, "adit", NULL);
		for (size_t i = 0; i < l.n; i++)
			if (map_get(&objects, l.items[i].id))
				put_back_told(x->w, p, &l.items[i]);
		if (p->n_edits && store_plan(x, p, &e) < 0)
			log_warning("drift is not put back, since the store cannot be written: %s",
				    e.message);
		else if (p->n_edits) {
			note_repairs(x, &objects);
			apply_as_seen(x->w, p);
			tell_repair(x, p, objects.count);
		}
	}
	map_free(&objects);
}

void repair_run(struct world *w, struct store *s)
{
	struct repairing x = {.w = w, .s = s, .now = clock_wall_ms()};
	if (world_writes_off(w))
		return;
	repair(&x);
	map_free(&x.waits);
	serving_free(&x.serving);
}
