#include "reconcile/act.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "cloudflare/zones.h"
#include "reconcile/deleting.h"
#include "reconcile/edited.h"
#include "reconcile/seen.h"

void act_end(struct act *a)
{
	task_finish(&a->task);
}

void act_fail(struct act *a, const struct err *e)
{
	a->task.err = *e;
	act_end(a);
}

bool act_failed(struct act *a)
{
	a->calling = false;
	if (a->call.task.err.kind == ERR_NONE)
		return false;
	act_fail(a, &a->call.task.err);
	return true;
}

/* That of a write: what only looked is in no log. */
static const char *ray_of(const struct act *a)
{
	return a->call.ray[0] && !str_equal(a->call.method, "GET") ? a->call.ray : NULL;
}

int act_ledger(struct act *a, enum ledger_phase phase, const char *operation, const char *object,
	       const struct err *outcome, struct err *e)
{
	AUTO(str_t) op = str_dup(operation);
	AUTO(str_t) what = str_dup(object);
	AUTO(str_t) result = NULL;
	const struct record *r = world_record(a->x->world, a->action.object_id);
	AUTO(str_t) plan = r ? edited_asker(r) : NULL;
	const char *named = phase == LEDGER_RESULT ? ray_of(a) : NULL;
	AUTO(str_t) ray = named ? str_format("{\"ray\":\"%s\"}", named) : NULL;
	if (phase == LEDGER_RESULT)
		result = str_dup(outcome ? err_kind_name(outcome->kind) : "ok");
	struct ledger_row row = {
		.phase = phase,
		.principal = (char[]){"adit"},
		.operation = op,
		.object = what,
		.outcome = result,
		.detail = ray,
		.plan = plan,
		.rays = named ? a->call.ray : NULL,
	};
	return store_add_ledger(a->x->store, &row, NULL, e);
}

void act_fail_change(struct act *a, const char *operation, const char *object, const struct err *e)
{
	struct err why = *e, trouble;
	a->calling = false;
	if (act_ledger(a, LEDGER_RESULT, operation, object, &why, &trouble) < 0)
		log_warning("ledger: result of %s %s not written: %s", operation, object,
			    trouble.message);
	act_fail(a, &why);
}

int act_save_tunnel(struct act *a, enum ledger_phase phase, const char *operation,
		    const struct tunnel *t, const struct err *outcome, struct err *e)
{
	struct store *s = a->x->store;
	if (store_begin(s, e) < 0)
		return -1;
	if (store_save_tunnel(s, t, e) == 0 &&
	    act_ledger(a, phase, operation, t->name, outcome, e) == 0 && store_commit(s, e) == 0)
		return 0;
	store_rollback(s);
	return -1;
}

int act_save_record(struct act *a, enum ledger_phase phase, const char *operation,
		    const struct record *r, const struct err *outcome, struct err *e)
{
	struct store *s = a->x->store;
	if (store_begin(s, e) < 0)
		return -1;
	if (store_save_record(s, r, e) == 0 &&
	    act_ledger(a, phase, operation, r->name, outcome, e) == 0 && store_commit(s, e) == 0)
		return 0;
	store_rollback(s);
	return -1;
}

void act_event(struct act *a, enum object_type type, const char *id, const char *name,
	       const char *kind, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	AUTO(str_t) message = str_vformat(fmt, ap);
	va_end(ap);
	AUTO(str_t) kind_copy = str_dup(kind);
	AUTO(str_t) id_copy = str_dup(id);
	AUTO(str_t) name_copy = str_dup(name);
	struct event ev = {
		.at_ms = clock_wall_ms(),
		.object_type = type,
		.object_id = id_copy,
		.object_name = name_copy,
		.kind = kind_copy,
		.message = message,
	};
	struct err e;
	log_write(LOG_LEVEL_INFO, LOG_FIELDS({"object", id}), "%s", message);
	if (store_add_event(a->x->store, &ev, &e) < 0)
		log_warning("event %s not kept: %s", kind, e.message);
}

/* ---- zones ---- */

static void zones_listed(struct task *t, void *owner)
{
	struct act *a = owner;
	a->paging = false;
	if (t->err.kind != ERR_NONE) {
		act_fail(a, &t->err);
		return;
	}
	seen_zones(a->x->world, &a->page);
	act_end(a);
}

static void start_zones(struct act *a)
{
	a->paging = true;
	cf_zone_list(a->x->cf, &a->page, CF_SHARE_RECONCILE, zones_listed, a);
}

static act_fn *starter_of(enum action_kind k)
{
	act_fn *f = k == ACT_ZONES_LIST ? start_zones : act_tunnel_starter(k);
	f = f ? f : act_config_starter(k);
	f = f ? f : act_release_starter(k);
	f = f ? f : act_rename_starter(k);
	f = f ? f : act_rotate_starter(k);
	f = f ? f : act_search_starter(k);
	return f ? f : act_record_starter(k);
}

void act_join(const struct act_context *x, struct act *a, const struct action *action,
	      task_done_fn *done, void *owner)
{
	memset(a, 0, sizeof(*a));
	a->x = x;
	a->action = *action;
	a->joined = true;
	a->dice = random_u64();
	task_begin(&a->task, x->loop, done, owner);
	log_debug("action %s %s: %s", action_name(action->kind), action->object_id, action->reason);
}

void act_start(const struct act_context *x, struct act *a, const struct action *action,
	       task_done_fn *done, void *owner)
{
	act_join(x, a, action, done, owner);
	a->joined = false;
	starter_of(action->kind)(a);
}

void act_cancel(struct act *a)
{
	if (a->calling)
		cf_call_cancel(&a->call);
	if (a->paging)
		cf_page_cancel(&a->page);
	a->calling = a->paging = false;
	task_abandon(&a->task);
}

void act_fini(struct act *a)
{
	if (a->extra && a->drop_extra)
		a->drop_extra(a);
	cf_call_reset(&a->call);
	cf_page_reset(&a->page);
}

void act_recall(const struct act_context *x)
{
	act_config_recall(x);
	act_rename_recall(x);
	act_rotate_recall(x);
	deleting_recall(x);
}
