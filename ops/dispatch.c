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
#include "ops/ledger.h"
#include "ops/screen.h"
#include "ops/sight.h"
#include "ops/write.h"

/* Nearly all results are longer; not so long that it matters where they are not. */
#define RESULT_EXPECTED 1000

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
	o->reads = read_rows_new(o);
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
	read_rows_free(o->reads);
	o->reads = NULL;
	grants_free(o->grants);
	o->grants = NULL;
	disk_fini(o);
	sights_free(o);
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

void call_writer(const struct call *c, struct json_writer *w, struct buf *out)
{
	if (c->terse)
		json_write_init_terse(w, out, c->drop);
	else
		json_write_init(w, out);
}

void call_object(struct call *c, struct json_writer *w)
{
	buf_reset(&c->result);
	buf_expect(&c->result, RESULT_EXPECTED);
	call_writer(c, w, &c->result);
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
	AUTO(buf_t) names = {.limit = sizeof(e->hint) - sizeof("It takes " BUF_MORE)};
	if (e->hint[0])
		return;
	if (c->who.door & OP_DOOR_SOCKET) {
		(void)err_hint(e, "See adit %s --help.", c->op->name);
		return;
	}
	for (const struct field *f = c->op->args; f->name; f++) {
		if (f->flags & ARG_SOCKET_ONLY)
			continue;
		AUTO(str_t)
		name = str_format("%s%s", f->name, f->flags & FIELD_REQUIRED ? " (required)" : "");
		buf_name(&names, name);
	}
	if (names.len)
		(void)err_hint(e, "It takes %s%s", buf_text(&names), names.truncated ? "" : ".");
}

static int decode_arguments(struct call *c, const struct json *arguments)
{
	struct err *e = &c->task.err;
	char path[FIELD_PATH_SIZE];
	if (json_type(arguments) != JSON_OBJECT)
		return err_set(e, ERR_INVALID,
			       "The arguments must be a JSON object, as in {\"name\": \"web\"}; "
			       "this is %s",
			       json_type_name(json_type(arguments)));
	c->args = mem_alloc(c->op->args_size);
	if (check_door(c, arguments, e) == 0 &&
	    fields_decode(c->op->args, arguments, c->args, path, e) == 0)
		return 0;
	free(c->args);
	c->args = NULL;
	hint_arguments(c, e);
	return -1;
}

static int decode_body(struct call *c, const char *body, size_t len)
{
	static const char none[] = "{}";
	AUTO(json_doc_t) doc = NULL;
	int parsed = len ? json_parse(body, len, NULL, &doc, &c->task.err)
			 : json_parse(none, sizeof(none) - 1, NULL, &doc, &c->task.err);
	if (parsed < 0)
		return err_wrap(&c->task.err, "The arguments are not JSON");
	return decode_arguments(c, json_root(doc));
}

static int call_decode(struct call *c, const struct call_said *said)
{
	return said->arguments ? decode_arguments(c, said->arguments)
			       : decode_body(c, said->body, said->len);
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
	if (principal_spend(&c->who, &e) < 0) {
		c->task.err = e;
		return -1;
	}
	if (principal_must_ask(&c->who) && c->op->effects != OP_READS && !op_makes_plan(c->op)) {
		(void)err_set(&c->task.err, ERR_DENIED,
			      "%s has to be asked of a person first, and nobody was", c->op->name);
		return -1;
	}
	return 0;
}

static void call_begin(struct ops *o, struct call *c, const struct op *op,
		       const struct principal *who, task_done_fn *done, void *owner)
{
	memset(c, 0, sizeof(*c));
	c->ops = o;
	c->op = op;
	c->who = *who;
	list_append(&o->calls, &c->node);
	o->running++;
	task_begin(&c->task, o->loop, done, owner);
}

void call_resume(struct ops *o, struct call *c, const struct op *op, const struct principal *who,
		 const char *plan, int64_t timeout_ms, task_done_fn *done, void *owner)
{
	call_begin(o, c, op, who, done, owner);
	unique_hex(c->id);
	plan_resume(c, plan, timeout_ms);
}

void call_start(struct ops *o, struct call *c, const struct op *op, const struct principal *who,
		const char *request_id, const char *body, size_t len, task_done_fn *done,
		void *owner)
{
	const struct call_said said = {.request_id = request_id, .body = body, .len = len};
	call_start_said(o, c, op, who, &said, done, owner);
}

void call_start_said(struct ops *o, struct call *c, const struct op *op,
		     const struct principal *who, const struct call_said *said, task_done_fn *done,
		     void *owner)
{
	call_begin(o, c, op, who, done, owner);
	c->terse = said->terse;
	c->drop = said->drop;
	if (!said->request_id || !str_copy(c->id, sizeof(c->id), said->request_id))
		unique_hex(c->id);
	if (call_admit(c) < 0 || call_decode(c, said) < 0) {
		ledger_refused(c);
		call_fail(c);
		return;
	}
	c->admitted = true;
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
