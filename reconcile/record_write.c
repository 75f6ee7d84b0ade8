#include "reconcile/record_write.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/log.h"
#include "reconcile/deleting.h"
#include "reconcile/edited.h"
#include "reconcile/overwritten.h"
#include "reconcile/seen.h"

struct write {
	char *content, *comment;
	struct cf_record_body body;
	struct strlist deletes;
	struct cf_record made; /* borrowed from the answer */
	int64_t sent_ms;       /* the row says so since the intent; 0 = it does not */
	int64_t doubt_ms;      /* deleting_ms as it was */
	bool forget;           /* deleted, and not wanted any more */
	bool known;            /* what it loses was seen, and is told */
	char *applied;         /* of the row, since the intent or the result */
	int64_t looked_ms;     /* the look that it goes by; 0 = that showed an edit */
};

static struct record *subject(const struct act *a)
{
	return world_record(a->x->world, a->action.object_id);
}

static void write_drop(struct act *a)
{
	struct write *x = a->extra;
	free(x->content);
	free(x->comment);
	free(x->applied);
	strlist_free(&x->deletes);
	free(x);
	a->extra = NULL;
}

bool write_kind(enum action_kind k)
{
	return k == ACT_RECORD_CREATE || k == ACT_RECORD_PATCH || k == ACT_RECORD_REPLACE ||
	       k == ACT_RECORD_DELETE;
}

static const char *operation_of(const struct act *a)
{
	switch ((int)a->action.kind) {
	case ACT_RECORD_PATCH:
		return "PATCH dns_records";
	case ACT_RECORD_DELETE:
		return "DELETE dns_records";
	default:
		return "POST dns_records";
	}
}

static bool deletes_only(const struct act *a)
{
	return a->action.kind == ACT_RECORD_DELETE;
}

/* ---- before ---- */

static int prepare_body(const struct act *a, const struct record *r, struct write *x, struct err *e)
{
	const struct system_facts *s = &a->x->world->system;
	bool stays = a->action.kind == ACT_RECORD_PATCH && edited_comment_stays(r);
	if (!stays && mark_write(s->owner, s->install, r->comment, &x->comment, e) < 0)
		return -1;
	x->content = record_content(a->x->world, r);
	if (!x->content)
		return err_set(e, ERR_INTERNAL, "The record of %s leads nowhere yet", r->name);
	x->body = (struct cf_record_body){.type = r->type,
					  .name = r->name,
					  .content = x->content,
					  .comment = x->comment,
					  .proxied = r->proxied,
					  .ttl = r->ttl,
					  .priority = r->priority};
	return 0;
}

static void prepare_deletes(const struct record *r, struct write *x)
{
	if (r->remote_id[0])
		strlist_add(&x->deletes, r->remote_id);
	for (size_t i = 0; i < r->observed.taking.n; i++)
		if (!strlist_has(&x->deletes, r->observed.taking.items[i]))
			strlist_add(&x->deletes, r->observed.taking.items[i]);
}

int write_prepare(struct act *a, struct err *e)
{
	const struct record *r = subject(a);
	struct write *x = mem_alloc(sizeof(*x));
	a->extra = x;
	a->drop_extra = write_drop;
	if (a->action.kind == ACT_RECORD_REPLACE)
		prepare_deletes(r, x);
	return deletes_only(a) ? 0 : prepare_body(a, r, x, e);
}

size_t write_count(const struct act *a)
{
	const struct write *x = a->extra;
	return x->deletes.n + 1;
}

void write_steps(const struct act *a, struct cf_step *out)
{
	const struct write *x = a->extra;
	const struct record *r = subject(a);
	for (size_t i = 0; i < x->deletes.n; i++)
		*out++ = (struct cf_step){.kind = CF_STEP_DELETE, .id = x->deletes.items[i]};
	if (deletes_only(a))
		*out = (struct cf_step){.kind = CF_STEP_DELETE, .id = r->remote_id};
	else if (a->action.kind == ACT_RECORD_PATCH)
		*out = (struct cf_step){.kind = CF_STEP_PATCH, .id = r->remote_id, .body = x->body};
	else
		*out = (struct cf_step){.kind = CF_STEP_POST, .body = x->body};
}

/* What becomes ours only by this may take effect late. */
static bool notes_sending(const struct act *a, const struct record *r)
{
	return a->action.kind == ACT_RECORD_CREATE || a->action.kind == ACT_RECORD_REPLACE ||
	       (a->action.kind == ACT_RECORD_PATCH && r->takes);
}

static struct edited_face face_of(const struct write *x)
{
	return (struct edited_face){.type = x->body.type,
				    .content = x->body.content,
				    .comment = x->body.comment,
				    .proxied = x->body.proxied,
				    .ttl = x->body.ttl,
				    .priority = x->body.priority};
}

/* The row knows what was sent before it leaves: a lost answer is no edit of somebody else's. */
static int sent_rows(struct act *a, const struct record *r, struct err *e)
{
	struct write *x = a->extra;
	struct record row = *r;
	const struct edited_face next = face_of(x);
	if (deletes_only(a))
		return 0;
	x->applied = edited_sent(r->applied, &next);
	x->sent_ms = notes_sending(a, r) ? clock_wall_ms() : 0;
	row.applied = x->applied;
	if (x->sent_ms)
		row.create_sent_ms = x->sent_ms;
	return store_save_record(a->x->store, &row, e);
}

/* An edit that this write loses and that no plan named is kept and told before it leaves. */
static int lost_rows(struct act *a, const struct record *r, struct err *e)
{
	struct write *x = a->extra;
	const struct edited_face face = face_of(x);
	const struct edited_face *next = deletes_only(a) ? NULL : &face;
	unsigned fields = edited_since(r, next);
	x->known = fields;
	return fields ? overwritten_keep(a->x->store, r, fields, next, e) : 0;
}

int write_intent_rows(struct act *a, struct err *e)
{
	const struct record *r = subject(a);
	if (lost_rows(a, r, e) < 0 || sent_rows(a, r, e) < 0)
		return -1;
	if (deletes_only(a) && deleting_note(a->x->store, r->id, DELETING_ON_ITS_WAY, e) < 0)
		return -1;
	return act_ledger(a, LEDGER_INTENT, operation_of(a), r->name, NULL, e);
}

void write_intended(struct act *a)
{
	struct write *x = a->extra;
	struct record *r = subject(a);
	a->generation = r->generation;
	x->doubt_ms = r->observed.deleting_ms;
	x->looked_ms = x->known ? 0 : r->observed.looked_ms;
	if (x->applied)
		str_set(&r->applied, x->applied);
	if (deletes_only(a))
		r->observed.deleting_ms = clock_wall_ms();
	if (!x->sent_ms)
		return;
	r->create_sent_ms = x->sent_ms;
	r->observed.looked_ms = r->observed.named_ms = 0;
}

/* ---- after ---- */

/* Is it what was sent? A record of another name is no answer to it. */
static bool is_of(const struct act *a, const struct record *r, const struct cf_record *made)
{
	return str_equal(made->type, r->type) && strcasecmp(made->name, r->name) == 0 &&
	       (a->action.kind != ACT_RECORD_PATCH || str_equal(made->id, r->remote_id));
}

bool write_answered(struct act *a, const struct json *row, struct err *e)
{
	struct write *x = a->extra;
	const struct record *r = subject(a);
	if (deletes_only(a))
		return true;
	if (cf_record_read(row, &x->made, e) < 0)
		return false;
	if (is_of(a, r, &x->made))
		return true;
	(void)err_set(e, ERR_UPSTREAM,
		      "Cloudflare's answer is about another record than that of %s", r->name);
	return false;
}

static void note_made(struct write *x)
{
	AUTO(str_t) content = cf_record_content(&x->made);
	const struct edited_face f = {.type = x->made.type,
				      .content = content,
				      .comment = x->made.comment,
				      .proxied = x->made.proxied,
				      .ttl = x->made.ttl,
				      .priority = x->made.priority};
	free(x->applied);
	x->applied = edited_was(x->made.id, &f);
}

static int made_rows(struct act *a, const struct record *r, struct err *e)
{
	struct write *x = a->extra;
	struct record row = *r;
	note_made(x);
	row.applied = x->applied;
	(void)str_copy(row.remote_id, CF_ID_SIZE, x->made.id);
	row.create_sent_ms = 0;
	row.takes = NULL;
	row.applied_generation = a->generation;
	return store_save_record(a->x->store, &row, e);
}

/* It was wanted again while its DELETE was on the way: the row stays, to be made anew. */
static int deleted_rows(struct act *a, const struct record *r, struct err *e)
{
	struct write *x = a->extra;
	struct record row = *r;
	x->forget = r->want != WANT_PRESENT;
	if (deleting_drop(a->x->store, r->id, e) < 0)
		return -1;
	if (x->forget)
		return store_drop(a->x->store, OBJECT_RECORD, r->id, e);
	row.remote_id[0] = '\0';
	row.create_sent_ms = 0;
	row.applied_generation = 0;
	return store_save_record(a->x->store, &row, e);
}

int write_result_rows(struct act *a, struct err *e)
{
	const struct record *r = subject(a);
	if ((deletes_only(a) ? deleted_rows(a, r, e) : made_rows(a, r, e)) < 0)
		return -1;
	return act_ledger(a, LEDGER_RESULT, operation_of(a), r->name, NULL, e);
}

static void changed(struct act *a)
{
	world_changed(a->x->world, OBJECT_RECORD, a->action.object_id);
}

/* Who waits for the name need not wait any longer. */
static void name_is_free(struct act *a, const struct record *gone)
{
	TABLE_EACH (i, struct record, r, &a->x->world->records)
		if (r != gone && r->observed.conflict && str_equal(r->name, gone->name))
			r->observed.looked_ms = r->observed.named_ms = 0;
}

static void resulted_made(struct act *a, struct record *r)
{
	const struct write *x = a->extra;
	bool patched = a->action.kind == ACT_RECORD_PATCH;
	if (a->action.kind == ACT_RECORD_REPLACE)
		name_is_free(a, r);
	r->observed.wrote_after_ms = r->remote_id[0] ? x->looked_ms : 0;
	r->observed.wrote_ms = clock_wall_ms();
	seen_record(a->x->world, r, &x->made);
	(void)str_copy(r->remote_id, CF_ID_SIZE, x->made.id);
	r->create_sent_ms = 0;
	str_set(&r->takes, NULL);
	str_set(&r->applied, x->applied);
	strlist_free(&r->observed.taking);
	r->applied_generation = a->generation;
	changed(a);
	act_event(a, OBJECT_RECORD, r->id, r->name, patched ? "record_changed" : "record_created",
		  "%s record of %s leads to %s", r->type, r->name, x->made.content);
}

static void resulted_deleted(struct act *a, struct record *r)
{
	const struct write *x = a->extra;
	name_is_free(a, r);
	if (x->forget) {
		act_event(a, OBJECT_RECORD, r->id, r->name, "record_deleted",
			  "the record of %s is gone", r->name);
		(void)world_drop(a->x->world, OBJECT_RECORD, r->id);
		return;
	}
	r->remote_id[0] = '\0';
	r->create_sent_ms = 0;
	r->applied_generation = 0;
	r->observed.looked_ms = r->observed.named_ms = r->observed.deleting_ms = 0;
	r->observed.found = r->observed.marked = false;
	changed(a);
}

void write_resulted(struct act *a)
{
	struct record *r = subject(a);
	if (deletes_only(a))
		resulted_deleted(a, r);
	else
		resulted_made(a, r);
	act_end(a);
}

void write_unstored(struct act *a, const struct err *why)
{
	const struct write *x = a->extra;
	struct record *r = subject(a);
	if (r) {
		r->observed.looked_ms = r->observed.named_ms = 0;
		/* What is there by now is not to be made twice. */
		if (x->made.id[0])
			(void)str_copy(r->remote_id, CF_ID_SIZE, x->made.id);
	}
	act_fail(a, why);
}

/* It was refused, but one before it may still land. */
static void deletion_failed(const struct act *a, struct record *r, bool unknown)
{
	const struct write *x = a->extra;
	r->observed.deleting_ms = unknown ? clock_wall_ms() : x->doubt_ms;
	deleting_became(a->x->store, r->id, r->observed.deleting_ms);
}

void write_failed(struct act *a, const struct err *why, bool unknown)
{
	const struct write *x = a->extra;
	struct record *r = subject(a), row;
	struct err e = *why, trouble;
	a->calling = false;
	if (!r) {
		act_fail(a, &e);
		return;
	}
	r->observed.looked_ms = r->observed.named_ms =
		0; /* read it before anything else is written */
	if (deletes_only(a))
		deletion_failed(a, r, unknown);
	if (!x->sent_ms) {
		act_fail_change(a, operation_of(a), r->name, &e);
		return;
	}
	row = *r;
	/* A clash may be with our own earlier POST: the look-up that follows tells. */
	if (!unknown && e.kind != ERR_CONFLICT)
		row.create_sent_ms = 0;
	if (act_save_record(a, LEDGER_RESULT, operation_of(a), &row, &e, &trouble) == 0)
		r->create_sent_ms = row.create_sent_ms;
	else
		log_warning("ledger: result of %s %s not written: %s", operation_of(a), r->name,
			    trouble.message);
	act_fail(a, &e);
}

/* ---- alone ---- */

static void write_ended(struct task *task, void *owner)
{
	struct act *a = owner;
	struct store *s = a->x->store;
	struct err e = task->err;
	a->calling = false;
	if (!subject(a)) {
		act_end(a);
		return;
	}
	if (e.kind != ERR_NONE && !(deletes_only(a) && a->call.absent)) {
		write_failed(a, &e, a->call.unknown);
		return;
	}
	const struct json *row = a->call.result;
	if (a->action.kind == ACT_RECORD_REPLACE)
		row = cf_batch_row(row, CF_STEP_POST, 0);
	if (!write_answered(a, row, &e)) {
		write_failed(a, &e, true);
		return;
	}
	if (store_begin(s, &e) == 0) {
		if (write_result_rows(a, &e) == 0 && store_commit(s, &e) == 0) {
			write_resulted(a);
			return;
		}
		store_rollback(s);
	}
	write_unstored(a, &e);
}

static void send_replace(struct act *a, const struct record *r)
{
	size_t n = write_count(a);
	struct cf_step *steps = mem_grow(NULL, n, sizeof(*steps));
	write_steps(a, steps);
	cf_record_batch(a->x->cf, &a->call, r->zone_id, steps, n, write_ended, a);
	free(steps);
}

void write_send(struct act *a)
{
	const struct record *r = subject(a);
	const struct write *x = a->extra;
	struct cf *cf = a->x->cf;
	a->calling = true;
	switch ((int)a->action.kind) {
	case ACT_RECORD_CREATE:
		cf_record_create(cf, &a->call, r->id, r->zone_id, &x->body, write_ended, a);
		break;
	case ACT_RECORD_PATCH:
		cf_record_patch(cf, &a->call, r->id, r->zone_id, r->remote_id, &x->body,
				write_ended, a);
		break;
	case ACT_RECORD_DELETE:
		cf_record_delete(cf, &a->call, r->id, r->zone_id, r->remote_id, write_ended, a);
		break;
	default:
		send_replace(a, r);
		break;
	}
}
