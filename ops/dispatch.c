/*
 * One call from bytes to answer: may the caller, ledger (asked), decode, run, ledger (result). What
 * writes is not run unless the ledger took the row.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "model/render.h"
#include "ops/consent.h"
#include "ops/disk.h"
#include "ops/grants.h"
#include "ops/screen.h"
#include "ops/sight.h"

typedef void run_fn(struct call *c);

static const struct {
	const char *name;
	run_fn *run;
} handlers[] = {
#define OP(id) {#id, run_##id},
#include "ops/decl/ops.def"
#undef OP
};

static run_fn *handler_of(const struct op *op)
{
	for (size_t i = 0; i < ARRAY_LEN(handlers); i++)
		if (str_equal(handlers[i].name, op->name))
			return handlers[i].run;
	return NULL;
}

void ops_init(struct ops *o)
{
	list_init(&o->calls);
	list_init(&o->asking);
	o->grants = grants_new(o);
}

void ops_store_came(struct ops *o)
{
	grants_load(o->grants);
}

void ops_fini(struct ops *o)
{
	LIST_EACH (it, &o->calls) {
		struct call *c = LIST_OF(it, struct call, node);
		call_cancel(c);
		call_fini(c);
	}
	consents_forget(o);
	grants_free(o->grants);
	o->grants = NULL;
	disk_fini(o);
	sights_free(o);
}

static int ledger_add(struct call *c, enum ledger_phase phase, const char *arguments, struct err *e)
{
	char outcome[32];
	(void)str_copy(outcome, sizeof(outcome),
		       c->task.err.kind ? err_kind_name(c->task.err.kind) : "ok");
	struct ledger_row row = {
		.phase = phase,
		.principal = c->who.name,
		.operation = str_dup(c->op->name),
		.object = c->id,
		.arguments = str_dup(arguments),
		.outcome = phase == LEDGER_ASKED ? NULL : outcome,
		.detail = c->task.err.kind ? c->task.err.message : NULL,
	};
	int rc = store_add_ledger(c->ops->store, &row, &c->ledger_seq, e);
	free(row.operation);
	free(row.arguments);
	return rc;
}

/* Reads leave no row; what changes something is not run without one. */
static int ledger_asked(struct call *c)
{
	if (c->op->effects == OP_READS || !c->ops->store)
		return 0;
	AUTO(buf_t) text = {0};
	struct json_writer w;
	json_write_init(&w, &text);
	fields_write(c->op->args, c->args, &w);
	struct err e;
	if (ledger_add(c, LEDGER_ASKED, buf_text(&text), &e) == 0)
		return 0;
	disk_note(c->ops);
	if (disk_makes_room(c) && ledger_add(c, LEDGER_ASKED, buf_text(&text), &e) == 0)
		return 0;
	if (c->op->revokes) { /* taking something away waits for no disk */
		log_warning("%s asks for %s, which is not in the ledger: %s", c->who.name,
			    c->op->name, e.message);
		return 0;
	}
	(void)err_wrap(&e, "Nothing was done, since the ledger cannot be written");
	c->task.err = e;
	return -1;
}

static void ledger_result(struct call *c)
{
	if (!c->ledger_seq || !c->ops->store)
		return;
	struct err e;
	if (ledger_add(c, LEDGER_RESULT, NULL, &e) < 0)
		log_error("ledger: result of call %s not written: %s", c->id, e.message);
}

static uint64_t refusal_key(const struct call *c)
{
	AUTO(str_t)
	text = str_format("%s %s %d", c->who.name, c->op->name, (int)c->task.err.kind);
	uint64_t hash = 14695981039346656037u; /* FNV-1a */
	for (const char *p = text; *p; p++)
		hash = (hash ^ (unsigned char)*p) * 1099511628211u;
	return hash;
}

/* One a second of each caller, operation and kind, and so many in all: nobody fills the disk by
 * being refused. */
static bool refusal_is_new(struct call *c)
{
	struct refusals *r = &c->ops->refusals;
	int64_t second = clock_mono_ms() / 1000;
	uint64_t key = refusal_key(c);
	if (r->second != second)
		r->n = 0;
	r->second = second;
	for (size_t i = 0; i < r->n; i++)
		if (r->keys[i] == key)
			return false;
	if (r->n == ARRAY_LEN(r->keys))
		return false;
	r->keys[r->n++] = key;
	return true;
}

/* What was never run leaves a row too: who tried what, and why not. Without its arguments, which
 * nobody has understood. */
static void ledger_refused(struct call *c)
{
	bool tells = c->op->effects != OP_READS || c->task.err.kind == ERR_DENIED;
	struct err e;
	if (!c->ops->store || !tells || !refusal_is_new(c))
		return;
	AUTO(str_t) operation = str_dup(c->op->name);
	char outcome[] = "refused";
	struct ledger_row row = {
		.phase = LEDGER_RESULT,
		.principal = c->who.name,
		.operation = operation,
		.object = c->id,
		.outcome = outcome,
		.detail = c->task.err.message,
	};
	if (store_add_ledger(c->ops->store, &row, NULL, &e) < 0)
		log_error("ledger: refusal of call %s not written: %s", c->id, e.message);
}

static void call_ended(struct call *c)
{
	if (c->answered)
		return;
	c->answered = true;
	timer_stop(&c->deadline);
	world_unwatch(&c->watcher);
	deferred_stop(&c->look);
	consent_cancel(&c->consent);
	if (c->drop_state)
		c->drop_state(c);
	c->drop_state = NULL;
	plan_free(steal(&c->looked));
	list_remove(&c->node);
	c->ops->running--;
}

void call_answer(struct call *c)
{
	ledger_result(c);
	if (c->task.err.kind == ERR_NONE)
		screen_result(c);
	else if (c->wide)
		screen_error(c->ops, &c->who, &c->task.err);
	if (c->op->effects != OP_READS)
		disk_note(c->ops);
	call_ended(c);
	task_finish(&c->task);
}

void call_fail(struct call *c)
{
	buf_reset(&c->result);
	call_answer(c);
}

void call_again(struct call *c)
{
	if (c->drop_state)
		c->drop_state(c);
	c->drop_state = NULL;
	handler_of(c->op)(c);
}

void call_progress(struct call *c, const char *message)
{
	if (c->progressed && !c->answered && screen_allows(c->ops, &c->who, message))
		c->progressed(c, message, c->task.owner);
}

bool call_needs_store(struct call *c)
{
	if (c->ops->store)
		return true;
	(void)err_set(&c->task.err, ERR_INTERNAL, "The store is not open, so %s cannot be done: %s",
		      c->op->name, disk_no_store(c->ops));
	(void)err_hint(&c->task.err, "Connectors go on; see adit status.");
	call_fail(c);
	return false;
}

void call_object(struct call *c, struct json_writer *w)
{
	buf_reset(&c->result);
	json_write_init(w, &c->result);
	json_object_begin(w);
}

/* Some arguments exist on the socket alone: elsewhere they are as unknown as any other word. */
static int check_door(const struct call *c, const struct json *args, struct err *e)
{
	if (c->who.door & OP_DOOR_SOCKET)
		return 0;
	JSON_EACH (arg, args) {
		const struct field *f = fields_find(c->op->args, json_key(arg));
		if (f && f->flags & ARG_SOCKET_ONLY)
			return err_set(e, ERR_INVALID, "%s: there is no such argument here",
				       f->name);
	}
	return 0;
}

/* What to look at after a mistake in the arguments. */
static void hint_arguments(const struct call *c, struct err *e)
{
	AUTO(buf_t) names = {.limit = 200};
	if (e->hint[0])
		return;
	if (c->who.door & OP_DOOR_SOCKET) {
		(void)err_hint(e, "See adit %s --help.", c->op->name);
		return;
	}
	for (const struct field *f = c->op->args; f->name; f++)
		if (!(f->flags & ARG_SOCKET_ONLY))
			(void)buf_printf(&names, "%s%s%s", names.len ? ", " : "", f->name,
					 f->flags & FIELD_REQUIRED ? " (required)" : "");
	if (names.len)
		(void)err_hint(e, "It takes %s.", buf_text(&names));
}

static int call_decode(struct call *c, const char *body, size_t len)
{
	static const char none[] = "{}";
	if (len == 0) {
		body = none;
		len = sizeof(none) - 1;
	}
	AUTO(json_doc_t) doc = NULL;
	struct err e;
	if (json_parse(body, len, NULL, &doc, &e) < 0) {
		(void)err_wrap(&e, "The arguments are not JSON");
		c->task.err = e;
		return -1;
	}
	if (json_type(json_root(doc)) != JSON_OBJECT) {
		(void)err_set(&c->task.err, ERR_INVALID,
			      "The arguments must be a JSON object, as in {\"name\": \"web\"}; "
			      "this is %s",
			      json_type_name(json_type(json_root(doc))));
		return -1;
	}
	char path[FIELD_PATH_SIZE];
	c->args = mem_alloc(c->op->args_size);
	if (check_door(c, json_root(doc), &e) < 0 ||
	    fields_decode(c->op->args, json_root(doc), c->args, path, &e) < 0) {
		free(c->args);
		c->args = NULL;
		hint_arguments(c, &e);
		c->task.err = e;
		return -1;
	}
	return 0;
}

static int call_admit(struct call *c)
{
	struct err e;
	if (c->ops->running > OPS_MAX_RUNNING) {
		(void)err_set(&c->task.err, ERR_BUSY, "%d operations are running, the most at once",
			      OPS_MAX_RUNNING);
		return -1;
	}
	if (principal_may(&c->who, c->op, &e) < 0) {
		c->task.err = e;
		return -1;
	}
	if (principal_must_ask(&c->who) && c->op->effects != OP_READS && !op_makes_plan(c->op)) {
		(void)err_set(&c->task.err, ERR_DENIED,
			      "%s has to be asked of a person first, and nobody was", c->op->name);
		return -1;
	}
	if (principal_spend(&c->who, &e) < 0) {
		c->task.err = e;
		return -1;
	}
	return 0;
}

void call_start(struct ops *o, struct call *c, const struct op *op, const struct principal *who,
		const char *request_id, const char *body, size_t len, task_done_fn *done,
		void *owner)
{
	memset(c, 0, sizeof(*c));
	c->ops = o;
	c->op = op;
	c->who = *who;
	if (!request_id || !str_copy(c->id, sizeof(c->id), request_id))
		random_hex(c->id, sizeof(c->id) - 1);
	list_append(&o->calls, &c->node);
	o->running++;
	task_begin(&c->task, o->loop, done, owner);
	if (call_admit(c) < 0 || call_decode(c, body, len) < 0) {
		ledger_refused(c);
		call_fail(c);
		return;
	}
	if (ledger_asked(c) < 0) {
		call_fail(c);
		return;
	}
	log_write(LOG_LEVEL_DEBUG, LOG_FIELDS({"call", c->id}, {"principal", c->who.name}),
		  "call %s", op->name);
	handler_of(op)(c);
}

void call_cancel(struct call *c)
{
	if (!c->ops || c->answered) {
		task_abandon(&c->task);
		return;
	}
	(void)err_set(&c->task.err, ERR_CANCELLED, "The caller left before the answer");
	ledger_result(c);
	call_ended(c);
	task_abandon(&c->task);
}

void calls_of_grant_end(struct ops *o, int64_t grant)
{
	LIST_EACH (it, &o->calls) {
		struct call *c = LIST_OF(it, struct call, node);
		if (c->who.grant != grant)
			continue;
		(void)err_set(&c->task.err, ERR_DENIED,
			      "%s has ended while this ran; what was done stays", c->who.name);
		call_fail(c);
	}
}

void call_fini(struct call *c)
{
	if (c->args)
		fields_free(c->op->args, c->args);
	free(c->args);
	c->args = NULL;
	buf_free(&c->result);
}
