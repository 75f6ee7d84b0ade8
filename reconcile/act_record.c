/* Actions on DNS records: each sends one request and writes what came back. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cloudflare/records.h"
#include "reconcile/act.h"
#include "reconcile/seen.h"

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
	(void)str_copy(r->remote_id, CF_ID_SIZE, row->remote_id);
	(void)str_copy(r->zone_id, CF_ID_SIZE, row->zone_id);
	r->create_sent_ms = row->create_sent_ms;
	r->applied_generation = row->applied_generation;
	return 0;
}

/* ---- find ---- */

/* A record that one of our own POSTs made, whose answer was lost: mark, name and content. */
static bool claimable(const struct act *a, const struct record *r, const struct cf_record *found)
{
	AUTO(str_t) content = record_content(a->x->world, r);
	const struct system_facts *s = &a->x->world->system;
	return r->create_sent_ms && str_equal(found->type, r->type) &&
	       record_content_same(r->type, found->content, content) &&
	       mark_is(found->comment, s->owner, s->install);
}

/* A name with a CNAME takes no other record that leads elsewhere; else Cloudflare keeps both. */
static bool shuts_out(const struct record *r, const struct cf_record *found)
{
	return str_equal(r->type, "CNAME") || str_equal(found->type, "CNAME");
}

static void note_conflict(struct act *a, struct record *r, const struct cf_record *found)
{
	const struct system_facts *s = &a->x->world->system;
	bool marked = mark_is(found->comment, s->owner, s->install);
	free(r->observed.conflict);
	r->observed.conflict = str_format("%s (%s)", found->type,
					  marked ? "it bears adit's mark, but adit does not know it"
						 : "not adit's");
}

static void record_looked(struct task *task, void *owner)
{
	struct act *a = owner;
	struct record *r = subject(a);
	struct cf_record found;
	struct err e;
	(void)task;
	if (act_failed(a))
		return;
	if (!r) {
		act_end(a);
		return;
	}
	struct record row = *r;
	bool claimed = false, shut = false;
	str_set(&r->observed.conflict, NULL);
	JSON_EACH (item, a->call.result) {
		if (cf_record_read(item, &found, &e) < 0) {
			act_fail(a, &e);
			return;
		}
		if (claimable(a, r, &found)) {
			(void)str_copy(row.remote_id, CF_ID_SIZE, found.id);
			row.create_sent_ms = 0;
			claimed = true;
			seen_record(a->x->world, r, &found);
			/* The wish may have changed since the POST. */
			if (seen_record_as_wanted(a->x->world, r))
				row.applied_generation = r->generation;
		} else if (record_types_clash(r->type, found.type)) {
			note_conflict(a, r, &found);
			shut = shut || shuts_out(r, &found);
		}
	}
	r->observed.looked_ms = clock_wall_ms();
	if (claimed && save(a, r, &row, "POST dns_records") < 0)
		return;
	if (!claimed && shut && r->create_sent_ms) {
		row.create_sent_ms = 0; /* the name is somebody else's: nothing of ours can land */
		if (save(a, r, &row, "POST dns_records") < 0)
			return;
	}
	changed(a);
	act_end(a);
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
	if (!r) {
		act_end(a);
		return;
	}
	if (absent)
		seen_record_gone(r);
	else if (cf_record_read(a->call.result, &found, &e) < 0) {
		act_fail(a, &e);
		return;
	} else
		seen_record(a->x->world, r, &found);
	if (r->observed.marked && r->generation != r->applied_generation &&
	    seen_record_as_wanted(a->x->world, r)) {
		struct record row = *r;
		row.applied_generation = r->generation;
		if (save(a, r, &row, "GET dns_records") < 0)
			return;
	}
	changed(a);
	act_end(a);
}

static void start_read(struct act *a)
{
	const struct record *r = subject(a);
	a->calling = true;
	cf_record_get(a->x->cf, &a->call, r->id, r->zone_id, r->remote_id, record_read, a);
}

/* ---- create and change ---- */

static int body_of(const struct act *a, const struct record *r, char **content, char **comment,
		   struct cf_record_body *body, struct err *e)
{
	const struct system_facts *s = &a->x->world->system;
	if (mark_write(s->owner, s->install, r->comment, comment, e) < 0)
		return -1;
	*content = record_content(a->x->world, r);
	if (!*content)
		return err_set(e, ERR_INTERNAL, "The record of %s leads nowhere yet", r->name);
	*body = (struct cf_record_body){.type = r->type,
					.name = r->name,
					.content = *content,
					.comment = *comment,
					.proxied = r->proxied,
					.ttl = r->ttl,
					.priority = r->priority};
	return 0;
}

static void take_record(struct act *a, struct record *r, const char *operation, const char *kind)
{
	struct record row = *r;
	struct cf_record made;
	struct err e;
	a->calling = false;
	/* An answer that cannot be read is a lost answer: look what became of it. */
	if (cf_record_read(a->call.result, &made, &e) < 0) {
		r->observed.looked_ms = 0;
		act_fail_change(a, operation, r->name, &e);
		return;
	}
	(void)str_copy(row.remote_id, CF_ID_SIZE, made.id);
	row.create_sent_ms = 0;
	row.applied_generation = a->generation;
	seen_record(a->x->world, r, &made);
	(void)str_copy(r->remote_id, CF_ID_SIZE, made.id);
	if (save(a, r, &row, operation) < 0)
		return;
	changed(a);
	act_event(a, OBJECT_RECORD, r->id, r->name, kind, "%s record of %s leads to %s", r->type,
		  r->name, made.content);
	act_end(a);
}

static void create_failed(struct act *a, struct record *r)
{
	struct err e = a->call.task.err, trouble;
	struct record row = *r;
	a->calling = false;
	r->observed.looked_ms = 0;
	/* A clash may be with our own earlier POST: the look-up that follows tells. */
	if (!a->call.unknown && e.kind != ERR_CONFLICT)
		row.create_sent_ms = 0;
	if (act_save_record(a, LEDGER_RESULT, "POST dns_records", &row, &e, &trouble) == 0)
		r->create_sent_ms = row.create_sent_ms;
	act_fail(a, &e);
}

static void record_created(struct task *task, void *owner)
{
	struct act *a = owner;
	struct record *r = subject(a);
	if (!r)
		act_end(a);
	else if (task->err.kind != ERR_NONE)
		create_failed(a, r);
	else
		take_record(a, r, "POST dns_records", "record_created");
}

static void start_create(struct act *a)
{
	struct record *r = subject(a), row = *r;
	AUTO(str_t) content = NULL;
	AUTO(str_t) comment = NULL;
	struct cf_record_body body;
	struct err e;
	row.create_sent_ms = clock_wall_ms();
	if (body_of(a, r, &content, &comment, &body, &e) < 0 ||
	    act_save_record(a, LEDGER_INTENT, "POST dns_records", &row, NULL, &e) < 0) {
		act_fail(a, &e);
		return;
	}
	r->create_sent_ms = row.create_sent_ms;
	r->observed.looked_ms = 0;
	a->generation = r->generation;
	a->calling = true;
	cf_record_create(a->x->cf, &a->call, r->id, r->zone_id, &body, record_created, a);
}

static void record_patched(struct task *task, void *owner)
{
	struct act *a = owner;
	struct record *r = subject(a);
	if (!r) {
		act_end(a);
		return;
	}
	r->observed.looked_ms = 0; /* read it before anything else is written */
	if (task->err.kind != ERR_NONE)
		act_fail_change(a, "PATCH dns_records", r->name, &task->err);
	else
		take_record(a, r, "PATCH dns_records", "record_changed");
}

static void start_patch(struct act *a)
{
	struct record *r = subject(a);
	AUTO(str_t) content = NULL;
	AUTO(str_t) comment = NULL;
	struct cf_record_body body;
	struct err e;
	if (body_of(a, r, &content, &comment, &body, &e) < 0 ||
	    act_ledger(a, LEDGER_INTENT, "PATCH dns_records", r->name, NULL, &e) < 0) {
		act_fail(a, &e);
		return;
	}
	a->generation = r->generation;
	a->calling = true;
	cf_record_patch(a->x->cf, &a->call, r->id, r->zone_id, r->remote_id, &body, record_patched,
			a);
}

/* ---- delete ---- */

static void start_forget(struct act *a)
{
	struct record *r = subject(a);
	struct store *s = a->x->store;
	struct err e;
	if (store_begin(s, &e) < 0) {
		act_fail(a, &e);
		return;
	}
	if (store_drop(s, OBJECT_RECORD, r->id, &e) < 0 ||
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

/* It was wanted again while its DELETE was on the way: the row stays, to be made anew. */
static void make_anew(struct act *a, struct record *r)
{
	struct record row = *r;
	row.remote_id[0] = '\0';
	row.create_sent_ms = 0;
	row.applied_generation = 0;
	if (save(a, r, &row, "DELETE dns_records") < 0)
		return;
	r->observed.found = r->observed.marked = false;
	changed(a);
	act_end(a);
}

static void record_deleted(struct task *task, void *owner)
{
	struct act *a = owner;
	struct record *r = subject(a);
	a->calling = false;
	if (!r) {
		act_end(a);
		return;
	}
	r->observed.looked_ms = 0;
	if (task->err.kind != ERR_NONE && !a->call.absent)
		act_fail_change(a, "DELETE dns_records", r->name, &task->err);
	else if (r->want == WANT_PRESENT)
		make_anew(a, r);
	else
		start_forget(a);
}

static void start_delete(struct act *a)
{
	const struct record *r = subject(a);
	struct err e;
	if (act_ledger(a, LEDGER_INTENT, "DELETE dns_records", r->name, NULL, &e) < 0) {
		act_fail(a, &e);
		return;
	}
	a->calling = true;
	cf_record_delete(a->x->cf, &a->call, r->id, r->zone_id, r->remote_id, record_deleted, a);
}

act_fn *act_record_starter(enum action_kind k)
{
	static act_fn *const starters[ACTION_KINDS] = {
		[ACT_RECORD_FIND] = start_find,     [ACT_RECORD_READ] = start_read,
		[ACT_RECORD_CREATE] = start_create, [ACT_RECORD_PATCH] = start_patch,
		[ACT_RECORD_DELETE] = start_delete, [ACT_RECORD_FORGET] = start_forget,
	};
	return starters[k];
}
