/* Actions on DNS records, each by a request of its own: looks, writes, and what needs none. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cloudflare/records.h"
#include "reconcile/deleting.h"
#include "reconcile/look.h"
#include "reconcile/overwritten.h"
#include "reconcile/record_write.h"
#include "reconcile/zone_view.h"

static struct record *subject(struct act *a)
{
	return world_record(a->x->world, a->action.object_id);
}

static void changed(struct act *a)
{
	world_changed(a->x->world, OBJECT_RECORD, a->action.object_id);
}

/* Save what the row became; the world follows when the disk has it. */
static int save(struct act *a, struct record *r, const struct record *row, const char *operation)
{
	struct err e;
	if (act_save_record(a, LEDGER_RESULT, operation, row, NULL, &e) < 0) {
		act_fail(a, &e);
		return -1;
	}
	look_stored(r, row);
	return 0;
}

/* ---- find ---- */

static void take_names(struct act *a, struct record *r, const struct zone_view *v)
{
	struct record row;
	const char *operation = look_by_name(a->x->world, r, v->rows, v->n, clock_wall_ms(), &row);
	if (operation && save(a, r, &row, operation) < 0)
		return;
	overwritten_settle(a->x->world, a->x->store, &r, 1);
	changed(a);
	act_end(a);
}

static void record_looked(struct task *task, void *owner)
{
	struct act *a = owner;
	struct record *r = subject(a);
	AUTO(zone_view_t) found = {0};
	struct err e;
	(void)task;
	if (act_failed(a))
		return;
	if (!r)
		act_end(a);
	else if (zone_view_read(a->call.result, &found, &e) < 0)
		act_fail(a, &e);
	else
		take_names(a, r, &found);
}

static int pick_zone(struct act *a, struct record *r, struct err *e)
{
	const struct zone *z = world_zone_of(a->x->world, r->name);
	if (r->zone_id[0])
		return 0;
	if (!z)
		return err_set(e, ERR_NOT_FOUND, "No zone of the account holds %s", r->name);
	return str_copy(r->zone_id, CF_ID_SIZE, z->id)
		       ? 0
		       : err_set(e, ERR_UPSTREAM, "A zone id is too long");
}

static void start_find(struct act *a)
{
	struct record *r = subject(a);
	struct err e;
	if (pick_zone(a, r, &e) < 0) {
		act_fail(a, &e);
		return;
	}
	a->calling = true;
	cf_record_find(a->x->cf, &a->call, r->id, r->zone_id, r->name, record_looked, a);
}

/* ---- read ---- */

static void take_one(struct act *a, struct record *r, const struct cf_record *found)
{
	struct record row;
	int64_t doubt = r->observed.deleting_ms;
	const char *operation = look_by_id(a->x->world, r, found, clock_wall_ms(), &row);
	if (doubt && !r->observed.deleting_ms)
		deleting_became(a->x->store, r->id, 0);
	if (operation && save(a, r, &row, operation) < 0)
		return;
	overwritten_settle(a->x->world, a->x->store, &r, 1);
	changed(a);
	act_end(a);
}

static void record_read(struct task *task, void *owner)
{
	struct act *a = owner;
	struct record *r = subject(a);
	struct cf_record found;
	struct err e;
	bool absent = task->err.kind != ERR_NONE && a->call.absent;
	if (!absent && act_failed(a))
		return;
	a->calling = false;
	if (!r)
		act_end(a);
	else if (absent)
		take_one(a, r, NULL);
	else if (cf_record_read(a->call.result, &found, &e) < 0)
		act_fail(a, &e);
	else
		take_one(a, r, &found);
}

static void start_read(struct act *a)
{
	const struct record *r = subject(a);
	a->calling = true;
	cf_record_get(a->x->cf, &a->call, r->id, r->zone_id, r->remote_id, record_read, a);
}

/* ---- write ---- */

static void start_write(struct act *a)
{
	struct store *s = a->x->store;
	struct err e;
	if (write_prepare(a, &e) == 0 && store_begin(s, &e) == 0) {
		if (write_intent_rows(a, &e) == 0 && store_commit(s, &e) == 0) {
			write_intended(a);
			write_send(a);
			return;
		}
		store_rollback(s);
	}
	act_fail(a, &e);
}

/* ---- forget ---- */

static void start_forget(struct act *a)
{
	struct record *r = subject(a);
	struct store *s = a->x->store;
	struct err e;
	if (store_begin(s, &e) < 0) {
		act_fail(a, &e);
		return;
	}
	if (store_drop(s, OBJECT_RECORD, r->id, &e) < 0 || deleting_drop(s, r->id, &e) < 0 ||
	    act_ledger(a, LEDGER_RESULT, "DELETE dns_records", r->name, NULL, &e) < 0 ||
	    store_commit(s, &e) < 0) {
		store_rollback(s);
		act_fail(a, &e);
		return;
	}
	act_event(a, OBJECT_RECORD, r->id, r->name, "record_deleted", "the record of %s is gone",
		  r->name);
	(void)world_drop(a->x->world, OBJECT_RECORD, r->id);
	act_end(a);
}

act_fn *act_record_starter(enum action_kind k)
{
	static act_fn *const starters[ACTION_KINDS] = {
		[ACT_RECORD_FIND] = start_find,     [ACT_RECORD_READ] = start_read,
		[ACT_RECORD_CREATE] = start_write,  [ACT_RECORD_PATCH] = start_write,
		[ACT_RECORD_REPLACE] = start_write, [ACT_RECORD_DELETE] = start_write,
		[ACT_RECORD_FORGET] = start_forget,
	};
	return starters[k];
}
