/*
 * How grants end and freeze. The store first, in one transaction; where that fails, with the room
 * of the reserve; where that fails too, in memory, and the store when it takes writes again.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "model/plan.h"
#include "ops/disk.h"
#include "ops/grants_private.h"

#define FREEZE_KEY "grants_frozen"

/* ---- plans that waited in its name ---- */

static int decide(struct ops *o, const struct waiting_plan *row, const char *why, struct err *e)
{
	char id[24];
	AUTO(str_t) by = str_dup(why);
	AUTO(str_t) operation = str_dup("plan_reject");
	AUTO(str_t) hash = str_dup(row->hash);
	struct plan p = {.number = row->number,
			 .state = PLAN_REJECTED,
			 .decided_by = by,
			 .decided_ms = clock_wall_ms()};
	struct ledger_row entry = {.phase = LEDGER_RESULT,
				   .principal = (char[]){"adit"},
				   .operation = operation,
				   .object = id,
				   .plan_hash = hash,
				   .outcome = (char[]){"ok"},
				   .detail = by,
				   .decision = (char[]){"rejected"},
				   .policy = (char[]){"ended"},
				   .plan = id};
	plan_id(row->number, id);
	return store_decide_plan(o->store, &p, e) < 0 ? -1
						      : store_add_ledger(o->store, &entry, NULL, e);
}

static int waiting_of(struct ops *o, const char *name, struct waiting_plan **rows, size_t *n,
		      struct err *e)
{
	AUTO(str_t) principal = str_format(GRANT_PRINCIPAL "%s", name);
	return store_list_waiting(o->store, principal, rows, n, e);
}

/* Nobody called, so no call has left a row. */
static int ledger_expiry(struct ops *o, const struct ended *x, struct err *e)
{
	const struct ledger_row row = {.phase = LEDGER_RESULT,
				       .principal = (char[]){"adit"},
				       .operation = (char[]){"grant_expire"},
				       .object = x->name,
				       .outcome = (char[]){"ok"},
				       .detail = x->why,
				       .policy = (char[]){"ended"}};
	return store_add_ledger(o->store, &row, NULL, e);
}

static int end_rows(struct ops *o, const struct ended *x, const struct waiting_plan *plans,
		    size_t n, struct err *e)
{
	if (store_begin(o->store, e) < 0)
		return -1;
	int rc = store_drop_grant(o->store, x->id, e);
	if (rc == 0 && x->expired)
		rc = ledger_expiry(o, x, e);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = decide(o, &plans[i], x->why, e);
	if (rc == 0 && store_commit(o->store, e) == 0)
		return 0;
	store_rollback(o->store);
	return -1;
}

static void tell_plans(struct ops *o, const struct waiting_plan *plans, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char id[24];
		plan_id(plans[i].number, id);
		world_changed(o->world, OBJECT_PLAN, id);
	}
}

/* They count as rejected although nothing could be written. */
static void reject_here(struct ops *o, const struct ended *x, const struct waiting_plan *plans,
			size_t n)
{
	for (size_t i = 0; i < n; i++)
		disk_reject(o, &(struct plan){.number = plans[i].number,
					      .decided_by = x->why,
					      .decided_ms = clock_wall_ms()});
}

/* ---- ending ---- */

/* Whoever is told may take away any watch, others' too, as when streams are closed. */
static void tell_all(struct grants *gs, int64_t ended)
{
	struct list waiting;
	list_init(&waiting);
	while (!list_empty(&gs->watches)) {
		struct list *node = gs->watches.next;
		list_remove(node);
		list_append(&waiting, node);
	}
	while (!list_empty(&waiting)) {
		struct list *node = waiting.next;
		struct grant_watch *w = LIST_OF(node, struct grant_watch, node);
		list_remove(node);
		list_append(&gs->watches, node);
		if (ended)
			w->ended(ended, w->owner);
		else if (w->froze)
			w->froze(w->owner);
	}
}

static void keep_ended(struct grants *gs, const struct ended *x)
{
	gs->ended = mem_grow(gs->ended, gs->n_ended + 1, sizeof(*gs->ended));
	gs->ended[gs->n_ended++] =
		(struct ended){x->id, str_dup(x->name), str_dup(x->why), x->expired};
}

/* true = it is in the store. */
static bool end_stored(struct grants *gs, const struct ended *x, struct call *c, int64_t *waited,
		       struct err *e)
{
	struct waiting_plan *plans = NULL;
	struct ops *o = gs->ops;
	size_t n = 0;
	if (!o->store) {
		(void)err_set(e, ERR_INTERNAL, "The store is not open: %s", disk_no_store(o));
		return false;
	}
	bool done = waiting_of(o, x->name, &plans, &n, e) == 0 &&
		    (end_rows(o, x, plans, n, e) == 0 ||
		     (c && disk_makes_room(c) && end_rows(o, x, plans, n, e) == 0));
	if (!done)
		reject_here(o, x, plans, n);
	tell_plans(o, plans, n);
	*waited = (int64_t)n;
	free(plans);
	return done;
}

static char *why_ended(const struct grant *g, enum grant_end how, const struct call *c)
{
	if (how == GRANT_EXPIRED)
		return str_format("adit: grant %s has expired", g->name);
	return str_format("adit: grant %s was revoked by %s", g->name, c ? c->who.name : "adit");
}

bool grants_end(struct grants *gs, struct grant *g, enum grant_end how, struct call *c,
		int64_t *plans, struct err *e)
{
	int64_t waited = 0;
	AUTO(str_t) name = str_dup(g->name);
	AUTO(str_t) why = why_ended(g, how, c);
	const struct ended x = {g->id, name, why, how == GRANT_EXPIRED};
	grants_take_out(gs, g); /* from here on nobody finds it */
	grant_free(g);
	bool stored = end_stored(gs, &x, c, &waited, e);
	if (!stored)
		keep_ended(gs, &x);
	log_info("%s", why);
	calls_of_grant_end(gs->ops, x.id);
	tell_all(gs, x.id);
	if (plans)
		*plans = waited;
	return stored;
}

void grants_forget_ended(struct grants *gs)
{
	while (gs->n_ended) {
		struct ended *last = &gs->ended[--gs->n_ended];
		log_warning("%s, which is not in the store", last->why);
		free(last->name);
		free(last->why);
	}
	free(gs->ended);
	gs->ended = NULL;
}

/* ---- the read-only switch ---- */

bool grants_frozen(const struct grants *gs)
{
	return gs && gs->freeze.on;
}

const struct freeze *grants_freeze(const struct grants *gs)
{
	return &gs->freeze;
}

static void tell_freeze(struct grants *gs)
{
	const struct freeze *f = &gs->freeze;
	struct err e;
	if (!f->on) {
		world_notice(gs->ops->world, "grants", NULL, clock_wall_ms());
	} else {
		(void)err_set(&e, ERR_DENIED, "All grants are read-only: %s said so%s%s", f->by,
			      f->why ? ", " : "", f->why ? f->why : "");
		(void)err_hint(&e, "adit grant freeze off lets them write again.");
		world_notice(gs->ops->world, "grants", &e, f->at_ms);
	}
	tell_all(gs, 0);
}

static void set_freeze(struct grants *gs, bool on, int64_t at_ms, const char *by, const char *why)
{
	gs->freeze.on = on;
	gs->freeze.at_ms = at_ms;
	str_set(&gs->freeze.by, by);
	str_set(&gs->freeze.why, why);
}

/* Whatever stands there freezes: what cannot be read is no reason to let anybody write. */
void grants_read_freeze(struct grants *gs)
{
	AUTO(str_t) text = store_get_meta(gs->ops->store, FREEZE_KEY);
	AUTO(json_doc_t) doc = NULL;
	struct err e;
	if (!text)
		return;
	if (json_parse(text, strlen(text), NULL, &doc, &e) < 0)
		log_warning("who froze the grants cannot be read: %s", e.message);
	const struct json *root = doc ? json_root(doc) : NULL;
	const char *by = json_get_string(root, "by");
	set_freeze(gs, true, json_get_int(root, "at_ms", 0), by ? by : "somebody",
		   json_get_string(root, "why"));
	tell_freeze(gs);
}

static char *freeze_text(const struct freeze *f)
{
	struct buf text = {0};
	struct json_writer w;
	if (!f->on)
		return NULL;
	json_write_init(&w, &text);
	json_object_begin(&w);
	json_put_int(&w, "at_ms", f->at_ms);
	json_put_string(&w, "by", f->by);
	if (f->why)
		json_put_string(&w, "why", f->why);
	json_object_end(&w);
	return text.data;
}

static int save_freeze(struct ops *o, const struct freeze *f, struct err *e)
{
	AUTO(str_t) text = freeze_text(f);
	if (!o->store)
		return err_set(e, ERR_INTERNAL, "The store is not open: %s", disk_no_store(o));
	if (store_begin(o->store, e) < 0)
		return -1;
	if (store_set_meta(o->store, FREEZE_KEY, text, e) == 0 && store_commit(o->store, e) == 0)
		return 0;
	store_rollback(o->store);
	return -1;
}

bool grants_set_freeze(struct grants *gs, bool on, const char *why, struct call *c, struct err *e)
{
	const struct freeze wanted = {.on = on,
				      .at_ms = clock_wall_ms(),
				      .by = c->who.name,
				      .why = (char *)(uintptr_t)why};
	bool stored = save_freeze(gs->ops, &wanted, e) == 0 ||
		      (on && disk_makes_room(c) && save_freeze(gs->ops, &wanted, e) == 0);
	if (!on && !stored)
		return false;
	gs->freeze_unsaved = !stored;
	set_freeze(gs, on, wanted.at_ms, wanted.by, why);
	log_info("all grants are %s: %s", on ? "read-only" : "let write again", c->who.name);
	tell_freeze(gs);
	return stored;
}

/* ---- the disk may take writes again ---- */

static void keep_seconds(struct grants *gs)
{
	struct store *s = gs->ops->store;
	struct err e;
	for (size_t i = 0; s && i < gs->n; i++) {
		if (!gs->items[i]->second_unsaved || store_begin(s, &e) < 0)
			continue;
		if (store_set_grant_second(s, gs->items[i]->id, "", &e) < 0 ||
		    store_commit(s, &e) < 0)
			store_rollback(s);
		else
			gs->items[i]->second_unsaved = false;
	}
}

void grants_keep(struct grants *gs)
{
	struct err e;
	while (gs->n_ended && gs->ops->store) {
		struct ended *last = &gs->ended[gs->n_ended - 1];
		struct waiting_plan *plans = NULL;
		size_t n = 0;
		bool done = waiting_of(gs->ops, last->name, &plans, &n, &e) == 0 &&
			    end_rows(gs->ops, last, plans, n, &e) == 0;
		free(plans);
		if (!done)
			return;
		free(last->name);
		free(last->why);
		gs->n_ended--;
	}
	keep_seconds(gs);
	if (gs->freeze_unsaved && save_freeze(gs->ops, &gs->freeze, &e) == 0)
		gs->freeze_unsaved = false;
}
