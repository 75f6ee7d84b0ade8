/*
 * A record that is given back: our mark is taken off its comment, exactly that, and the row goes.
 * What stood behind the mark is left as it stands there, not as we remember it. What bears no mark
 * any more, or is gone, is only forgotten.
 */
#include <string.h>

#include "cloudflare/records.h"
#include "reconcile/act.h"
#include "reconcile/edited.h"

static struct record *subject(struct act *a)
{
	return world_record(a->x->world, a->action.object_id);
}

/* result: NULL = no call was made, so none has a result. */
static int drop_row(struct act *a, const struct record *r, const char *result, struct err *e)
{
	struct store *s = a->x->store;
	if (store_begin(s, e) < 0)
		return -1;
	if (store_drop(s, OBJECT_RECORD, r->id, e) == 0 &&
	    act_ledger(a, LEDGER_RESULT, result ? result : "record_release", r->name, NULL, e) ==
		    0 &&
	    store_commit(s, e) == 0)
		return 0;
	store_rollback(s);
	return -1;
}

/* Nothing that somebody changed is lost; but it is no more what a person was shown of it. */
static void tell(struct act *a, const struct record *r)
{
	unsigned fields = edited_since(r, NULL);
	if (!r->observed.marked) /* by a request of ours whose answer was lost, perhaps */
		fields &= ~(unsigned)EDITED_COMMENT;
	AUTO(str_t) names = edited_field_names(fields);
	if (fields)
		act_event(a, OBJECT_RECORD, r->id, r->name, "record_released",
			  "the record of %s is not adit's any more; what somebody changed of it "
			  "since adit last wrote it stays: %s",
			  r->name, names);
	else
		act_event(a, OBJECT_RECORD, r->id, r->name, "record_released",
			  "the record of %s is not adit's any more", r->name);
}

static void forget(struct act *a, struct record *r, const char *result)
{
	struct err e;
	if (drop_row(a, r, result, &e) < 0) {
		act_fail(a, &e);
		return;
	}
	tell(a, r);
	(void)world_drop(a->x->world, OBJECT_RECORD, r->id);
	act_end(a);
}

static void record_released(struct task *task, void *owner)
{
	struct act *a = owner;
	struct record *r = subject(a);
	a->calling = false;
	if (!r) {
		act_end(a);
		return;
	}
	r->observed.looked_ms = 0; /* whatever came back: what stands there is looked at */
	if (task->err.kind != ERR_NONE && !a->call.absent)
		act_fail_change(a, "PATCH dns_records", r->name, &task->err);
	else
		forget(a, r, "PATCH dns_records");
}

static void start_release(struct act *a)
{
	struct record *r = subject(a);
	const char *text = mark_text(r->observed.comment);
	struct err e;
	if (r->observed.gone || !r->observed.marked || !text) {
		forget(a, r, NULL);
		return;
	}
	if (act_ledger(a, LEDGER_INTENT, "PATCH dns_records", r->name, NULL, &e) < 0) {
		act_fail(a, &e);
		return;
	}
	a->calling = true;
	cf_record_comment(a->x->cf, &a->call, r->id, r->zone_id, r->remote_id, text,
			  record_released, a);
}

act_fn *act_release_starter(enum action_kind k)
{
	return k == ACT_RECORD_RELEASE ? start_release : NULL;
}
