#include "reconcile/rebuilder.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "cloudflare/configs.h"
#include "cloudflare/zones.h"

#define REJECTED     "rejected"
#define PLANS_LOOKED 1000 /* waiting ones, among which the offer is searched */

static void look_next(struct rebuilder *x);

/* ---- what people are told ---- */

static void hold(struct world *w, const char *why, const char *todo)
{
	str_set(&w->system.writes_held, why);
	str_set(&w->system.writes_held_hint, todo);
	world_changed(w, OBJECT_SYSTEM, "");
}

/* "The store was lost, and a new one was begun" */
static char *what_happened(const char *why)
{
	if (str_equal(why, "lost"))
		return str_dup("The store was lost, and a new one was begun");
	return str_format(
		"The store was damaged; it was moved aside to %s, and a new one was begun", why);
}

static void hold_before(struct rebuilder *x, const char *why)
{
	AUTO(str_t) what = what_happened(why);
	AUTO(str_t)
	sentence = str_format("%s: nothing is written to Cloudflare until adit has looked at what "
			      "there is of it",
			      what);
	hold(x->world, sentence,
	     "A plan is offered after the first complete look at Cloudflare. Connectors go on.");
}

static void hold_for(struct rebuilder *x, const char *why, const struct plan *p)
{
	AUTO(str_t) what = what_happened(why);
	char id[24];
	plan_id(p->number, id);
	AUTO(str_t)
	sentence = str_format("%s: plan %s takes back what is adit's, and nothing is written to "
			      "Cloudflare until it is approved or rejected",
			      what, id);
	AUTO(str_t)
	todo = str_format(
		"Look at it: adit plan get %s. Then adit plan approve %s --hash %.12s, or "
		"adit plan reject %s. Connectors go on.",
		id, id, p->hash, id);
	hold(x->world, sentence, todo);
}

static void hold_rejected(struct world *w)
{
	hold(w,
	     "The store was begun anew, and the plan that takes back what is adit's was rejected",
	     "What is at Cloudflare is left alone. To begin with an empty store: adit writes "
	     "resume.");
}

static void let_go(struct world *w)
{
	hold(w, NULL, NULL);
}

/* ---- the decision ---- */

bool rebuild_is_offer(const struct plan *p)
{
	return str_equal(p->operation, REBUILD_OPERATION);
}

int rebuild_give_up(struct store *s, struct err *e)
{
	if (store_set_meta(s, STORE_REBUILD, NULL, e) < 0)
		return -1;
	return store_accept_machine(s, e);
}

int rebuild_decide(struct store *s, const struct plan *p, struct err *e)
{
	if (!rebuild_is_offer(p))
		return 0;
	if (p->state == PLAN_APPLIED)
		return rebuild_give_up(s, e);
	return p->state == PLAN_REJECTED ? store_set_meta(s, STORE_REBUILD, REJECTED, e) : 0;
}

void rebuild_decided(struct world *w, const struct plan *p)
{
	if (!rebuild_is_offer(p))
		return;
	if (p->state == PLAN_APPLIED)
		let_go(w);
	else if (p->state == PLAN_REJECTED)
		hold_rejected(w);
}

/* ---- the offer ---- */

static int store_offer(struct rebuilder *x, struct plan *p, struct err *e)
{
	char id[24];
	AUTO(str_t) principal = str_dup(p->principal);
	AUTO(str_t) operation = str_dup(p->operation);
	struct ledger_row row = {.phase = LEDGER_INTENT,
				 .principal = principal,
				 .operation = operation,
				 .object = id,
				 .plan_hash = p->hash};
	if (store_begin(x->store, e) < 0)
		return -1;
	if (store_add_plan(x->store, p, e) == 0) {
		plan_id(p->number, id);
		if (store_add_ledger(x->store, &row, NULL, e) == 0 &&
		    store_commit(x->store, e) == 0)
			return 0;
	}
	store_rollback(x->store);
	return -1;
}

static int make_offer(struct rebuilder *x, struct plan *p, struct err *e)
{
	char id[24];
	if (store_moved(x->store))
		strlist_add(&p->warnings,
			    "The earlier store was another machine's: if that one still runs, two "
			    "would write the same tunnels and records.");
	if (guard_check(x->world, &x->guard, p, e) < 0)
		return -1;
	p->state = PLAN_NEEDS_APPROVAL;
	p->made_ms = clock_wall_ms();
	p->expires_ms = p->made_ms + PLAN_LIFE_MS;
	plan_seal(p);
	if (store_offer(x, p, e) < 0)
		return -1;
	plan_id(p->number, id);
	log_info("plan %s takes back what is adit's; it waits for a person", id);
	world_changed(x->world, OBJECT_PLAN, id);
	return 0;
}

static int forget_loss(struct rebuilder *x, struct err *e)
{
	if (store_begin(x->store, e) < 0)
		return -1;
	if (store_set_meta(x->store, STORE_REBUILD, NULL, e) == 0 && store_commit(x->store, e) == 0)
		return 0;
	store_rollback(x->store);
	return -1;
}

/* Nothing is ours anywhere: there is nothing to decide. */
static void nothing_found(struct rebuilder *x)
{
	struct err e;
	if (forget_loss(x, &e) < 0) {
		log_warning("the store cannot be written: %s", e.message);
		return;
	}
	log_info("nothing at Cloudflare is adit's: the new store is used as it is");
	if (!store_moved(x->store))
		let_go(x->world);
}

static void look_ended(struct rebuilder *x)
{
	AUTO(str_t) why = store_get_meta(x->store, STORE_REBUILD);
	AUTO(plan_t) p = NULL;
	struct err e;
	if (why && !str_equal(why, REJECTED)) { /* nobody decided meanwhile */
		struct world *old = store_salvage(x->store, why);
		p = rebuild_plan(&x->found, x->world, old, &x->guard);
		if (old)
			world_free(old);
		if (!p)
			nothing_found(x);
		else if (make_offer(x, p, &e) == 0)
			hold_for(x, why, p);
		else
			log_warning("no plan can be offered for what is adit's: %s", e.message);
	}
	rebuild_free(&x->found);
	strlist_free(&x->zones);
}

/* ---- looking ---- */

static void look_failed(struct rebuilder *x, const struct err *e)
{
	log_warning("what is adit's at Cloudflare is not known yet: %s", e->message);
	cf_page_reset(&x->page);
	cf_call_reset(&x->call);
	rebuild_free(&x->found);
	strlist_free(&x->zones);
}

static int add_tunnel(const struct json *row, void *owner)
{
	struct rebuilder *x = owner;
	struct cf_tunnel t;
	struct err e;
	if (cf_tunnel_read(row, &t, &e) == 0)
		rebuild_add_tunnel(&x->found, &t);
	return 0;
}

static int add_record(const struct cf_record *r, const struct err *why, void *owner)
{
	struct rebuilder *x = owner;
	(void)why;
	if (r)
		rebuild_add_record(&x->found, x->world, x->zones.items[x->next_zone], r);
	return 0;
}

static void tunnels_listed(struct task *t, void *owner)
{
	struct rebuilder *x = owner;
	x->paging = false;
	if (t->err.kind != ERR_NONE) {
		look_failed(x, &t->err);
		return;
	}
	(void)cf_page_each(&x->page, add_tunnel, x);
	rebuild_add_folders(&x->found, x->world);
	look_next(x);
}

static void records_listed(struct task *t, void *owner)
{
	struct rebuilder *x = owner;
	x->paging = false;
	if (t->err.kind != ERR_NONE) {
		look_failed(x, &t->err);
		return;
	}
	(void)cf_record_each(&x->page, add_record, x);
	x->next_zone++;
	look_next(x);
}

static void config_came(struct task *t, void *owner)
{
	struct rebuilder *x = owner;
	struct rebuild_tunnel *tunnel = x->found.tunnels[x->next_tunnel];
	struct cf_config c;
	struct err e;
	x->calling = false;
	if (t->err.kind != ERR_NONE && !x->call.absent) {
		look_failed(x, &t->err);
		return;
	}
	if (t->err.kind == ERR_NONE && cf_config_read(&x->call, &c, &e) == 0) {
		tunnel->config_read = true;
		tunnel->config_local = c.local;
		tunnel->config = c.config.len ? str_ndup(c.config.p, c.config.len) : NULL;
	}
	x->next_tunnel++;
	look_next(x);
}

/* The next of ours whose configuration is to be read. */
static const struct rebuild_tunnel *next_tunnel(struct rebuilder *x)
{
	for (; x->next_tunnel < x->found.n_tunnels; x->next_tunnel++)
		if (rebuild_is_ours(x->found.tunnels[x->next_tunnel]))
			return x->found.tunnels[x->next_tunnel];
	return NULL;
}

static void look_next(struct rebuilder *x)
{
	const struct rebuild_tunnel *t;
	cf_page_reset(&x->page);
	cf_call_reset(&x->call);
	if (x->next_zone < x->zones.n) {
		x->paging = true;
		cf_record_list(x->cf, &x->page, CF_SHARE_RECONCILE, x->zones.items[x->next_zone],
			       NULL, records_listed, x);
	} else if ((t = next_tunnel(x))) {
		x->calling = true;
		cf_config_get(x->cf, &x->call, t->remote_id, config_came, x);
	} else {
		look_ended(x);
	}
}

static void look_start(struct rebuilder *x)
{
	x->next_zone = x->next_tunnel = 0;
	TABLE_EACH (i, struct zone, z, &x->world->zones)
		strlist_add(&x->zones, z->id);
	x->paging = true;
	cf_tunnel_list(x->cf, &x->page, CF_SHARE_RECONCILE, tunnels_listed, x);
}

/* ---- when ---- */

/* The offer that waits already; NULL when there is none. */
static struct plan *waiting_offer(struct rebuilder *x)
{
	struct plan **plans = NULL, *offer = NULL;
	size_t n = 0;
	struct err e;
	if (store_list_plans(x->store, PLAN_NEEDS_APPROVAL, 0, PLANS_LOOKED, &plans, &n, &e) < 0)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		if (!offer && rebuild_is_offer(plans[i]) && plans[i]->expires_ms > clock_wall_ms())
			offer = plans[i];
		else
			plan_free(plans[i]);
	}
	free(plans);
	return offer;
}

/* What is to be told now; true when an offer is due. */
static bool is_due(struct rebuilder *x)
{
	AUTO(str_t) why = store_get_meta(x->store, STORE_REBUILD);
	AUTO(plan_t) offer = NULL;
	if (!why)
		return false;
	if (str_equal(why, REJECTED)) {
		hold_rejected(x->world);
		return false;
	}
	offer = waiting_offer(x);
	if (offer)
		hold_for(x, why, offer);
	else
		hold_before(x, why);
	return !offer;
}

void rebuilder_observed(struct rebuilder *x)
{
	if (!x->paging && !x->calling && is_due(x))
		look_start(x);
}

void rebuilder_start(struct rebuilder *x, const struct act_context *with,
		     const struct guard_policy *g)
{
	*x = (struct rebuilder){
		.cf = with->cf, .world = with->world, .store = with->store, .guard = *g};
	(void)is_due(x);
}

void rebuilder_configure(struct rebuilder *x, const struct guard_policy *g)
{
	x->guard = *g;
}

void rebuilder_stop(struct rebuilder *x)
{
	if (x->paging)
		cf_page_cancel(&x->page);
	if (x->calling)
		cf_call_cancel(&x->call);
	x->paging = x->calling = false;
	cf_page_reset(&x->page);
	cf_call_reset(&x->call);
	rebuild_free(&x->found);
	strlist_free(&x->zones);
}
