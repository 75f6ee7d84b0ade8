#include "mcp/tool_call.h"

#include "mcp/private.h"
#include "mcp/shape.h"

#include <stdlib.h>
#include <string.h>

#define RETRIES_MAX   5
#define TASK_AFTER_MS 1500
#define AROUND_RESULT 500 /* bytes of the answer beside the result */

struct tool_call {
	struct call call;
	struct exchange *x;
	const struct tool *tool;
	const struct json *arguments;
	struct shape shape;
	bool limited; /* the caller said how many items */
	size_t limit; /* how many do, when what was asked for is too long; 0 = as asked */
	int retries;
	struct timer late; /* then it becomes a task */
};

/* One is kept for the next call: it takes some kilobytes, and most calls come one by one. */
static struct tool_call *tool_call_take(struct mcp *m)
{
	struct tool_call *tc = steal(&m->spare_call);
	return tc ? tc : mem_alloc(sizeof(*tc));
}

static void tool_call_keep(struct mcp *m, struct tool_call *tc)
{
	if (m->spare_call) {
		free(tc);
		return;
	}
	memset(tc, 0, sizeof(*tc));
	m->spare_call = tc;
}

static void tool_call_drop(struct exchange *x)
{
	struct tool_call *tc = x->state;
	timer_stop(&tc->late);
	call_cancel(&tc->call);
	call_fini(&tc->call);
	strlist_free(&tc->shape.fields);
	tool_call_keep(x->parcel->mcp, tc);
	x->state = NULL;
}

/* Its answer comes as it is to be told. */
static bool is_terse(const struct tool_call *tc)
{
	return !tc->shape.detailed && !tc->shape.fields.n;
}

/* ---- answers ---- */

/* In Claude Code the model reads the structured content alone; others may read the text. */
static bool needs_text(const struct exchange *x)
{
	const struct json *client = json_get(x->msg.meta, META_PREFIX "clientInfo");
	const char *name = json_get_string(client, "name");
	return !name || !str_starts(name, "claude-code");
}

static void put_text(struct json_writer *w, const struct buf *text)
{
	json_object_begin(w);
	json_put_string(w, "type", "text");
	json_write_key(w, "text");
	json_write_stringn(w, buf_text(text), text->len);
	json_object_end(w);
}

void tool_put_answer(struct json_writer *w, const struct buf *text, bool structured, bool said,
		     bool failed)
{
	json_write_key(w, "content");
	json_array_begin(w);
	if (!structured || said)
		put_text(w, text);
	json_array_end(w);
	if (structured) {
		json_write_key(w, "structuredContent");
		json_write_raw(w, buf_text(text), text->len);
	}
	if (failed)
		json_put_bool(w, "isError", true);
}

void tool_answer(struct exchange *x, const struct buf *text, bool object, bool failed)
{
	bool structured = object && era_since(x->version, "2025-06-18");
	buf_expect(&x->out, text->len + AROUND_RESULT);
	tool_put_answer(exchange_result(x), text, structured, needs_text(x), failed);
	exchange_done(x);
}

/* The list of the same kind of objects, where the caller has it and is not calling it. */
static const struct tool *list_beside(const struct tool_call *tc, const char *name)
{
	AUTO(str_t) list = str_format("%.*s_list", (int)strcspn(name, "_"), name);
	const struct tool *t = tool_find(tc->x->parcel->mcp->tools, list);
	bool other = t && t != tc->tool && tool_visible(tc->x->parcel, t);
	return other ? t : NULL;
}

static char *next_after(const struct tool_call *tc, const struct err *e)
{
	const struct tool *list = list_beside(tc, tc->tool->name);
	if (e->retryable && e->retry_after_ms > 0)
		return str_format("The same call again in %lld s.",
				  (long long)((e->retry_after_ms + 999) / 1000));
	if (e->retryable)
		return str_dup("The same call again, later.");
	if (list && (e->kind == ERR_NOT_FOUND || e->kind == ERR_INVALID))
		return str_format("%s shows what there is.", list->name);
	return NULL;
}

static void answer_error(struct tool_call *tc, const struct err *e)
{
	AUTO(buf_t) text = {0};
	AUTO(str_t) next = next_after(tc, e);
	struct exchange *x = tc->x;
	struct json_writer w;
	json_write_init(&w, &text);
	json_write_err(&w, e);
	if (next)
		shape_append(&text, "next", next);
	tool_call_drop(x);
	tool_answer(x, &text, false, true);
}

void tool_answer_error(struct exchange *x, const struct err *e)
{
	AUTO(buf_t) text = {0};
	struct json_writer w;
	json_write_init(&w, &text);
	json_write_err(&w, e);
	tool_answer(x, &text, false, true);
}

/* "tunnels: 40 of 5000" → the tool that lists them page by page. */
static void say_cut(const struct tool_call *tc, struct buf *text, const struct buf *cut)
{
	AUTO(str_t) plural = str_ndup(buf_text(cut), strcspn(buf_text(cut), ":"));
	size_t len = strlen(plural);
	shape_append(text, "cut", buf_text(cut));
	if (len < 2 || plural[len - 1] != 's')
		return;
	plural[len - 1] = '\0';
	const struct tool *list = list_beside(tc, plural);
	if (!list)
		return;
	AUTO(str_t) next = str_format("%s gives all of them, page by page.", list->name);
	shape_append(text, "next", next);
}

static char *span_text(struct json_span root, const char *key)
{
	return json_span_string(json_span_member(root, key));
}

/* What to do about a plan that waits for a person. */
static void say_approval(const struct buf *result, struct buf *text)
{
	struct json_span root = json_span_of(buf_text(result), result->len);
	AUTO(str_t) state = span_text(root, "state");
	AUTO(str_t) plan = span_text(root, "plan");
	AUTO(str_t) hash = span_text(root, "hash");
	if (!str_equal(state, "needs_approval") || !plan || !hash)
		return;
	AUTO(str_t) command = str_format("adit plan approve %s --hash %.16s", plan, hash);
	AUTO(str_t)
	next = str_format("Nothing has changed yet. Show the person the changes and approve_with, "
			  "which only a person can run on the host; look at plan_get %s later.",
			  plan);
	shape_append(text, "approve_with", command);
	shape_append(text, "next", next);
}

/* Takes what is in shaped. */
static void answer_result(struct tool_call *tc, struct buf *shaped)
{
	AUTO(buf_t) text = *shaped;
	struct exchange *x = tc->x;
	*shaped = (struct buf){0};
	if (text.len > SHAPE_CAP - 1200) {
		AUTO(buf_t) whole = text;
		AUTO(buf_t) cut = {.limit = 400};
		text = (struct buf){0};
		shape_cut(&whole, SHAPE_CAP - 2000, &text, &cut);
		say_cut(tc, &text, &cut);
	}
	if (tc->tool->plans)
		say_approval(is_terse(tc) ? &text : &tc->call.result, &text);
	tool_call_drop(x);
	tool_answer(x, &text, true, false);
}

void tool_plan_text(const struct buf *result, struct buf *text)
{
	const struct shape concise = {0};
	AUTO(buf_t) shaped = {0};
	AUTO(buf_t) cut = {.limit = 400};
	shape_write(&concise, result, &shaped);
	if (shaped.len > SHAPE_CAP - 1200)
		shape_cut(&shaped, SHAPE_CAP - 2000, text, &cut);
	else
		(void)buf_add(text, shaped.data, shaped.len);
	if (cut.len)
		shape_append(text, "cut", buf_text(&cut));
	say_approval(result, text);
}

void tool_answer_plan(struct exchange *x, const struct buf *result)
{
	AUTO(buf_t) text = {0};
	tool_plan_text(result, &text);
	tool_answer(x, &text, true, false);
}

/* ---- the call ---- */

static void call_begin(struct tool_call *tc);

/* A list that is too long is asked for again with as many items as fit, so that its cursor is
 * right. */
static bool goes_again(struct tool_call *tc, const struct buf *shaped)
{
	bool soft = !tc->limited && !tc->shape.detailed;
	size_t cap = soft ? SHAPE_SOFT : SHAPE_CAP - 1200;
	if (!tc->tool->pages || shaped->len <= cap || tc->retries++ >= RETRIES_MAX)
		return false;
	size_t fitting = shape_fitting_items(shaped, cap);
	size_t before = tc->limit;
	if (fitting == 0 || fitting == before)
		return false;
	tc->limit = fitting;
	call_fini(&tc->call);
	call_begin(tc);
	return true;
}

static void call_done(struct task *task, void *owner)
{
	struct tool_call *tc = owner;
	AUTO(buf_t) shaped = {0};
	if (task->err.kind != ERR_NONE) {
		const struct err e = task->err;
		answer_error(tc, &e);
		return;
	}
	if (is_terse(tc)) {
		shaped = tc->call.result;
		tc->call.result = (struct buf){0};
	} else {
		shape_write(&tc->shape, &tc->call.result, &shaped);
	}
	if (!goes_again(tc, &shaped))
		answer_result(tc, &shaped);
}

static bool is_ours(const struct tool_call *tc, const char *key)
{
	return str_equal(key, "response_format") ||
	       (tc->tool->takes_fields && str_equal(key, "fields")) ||
	       (tc->limit && str_equal(key, "limit"));
}

/* Are there others than the operation's own? */
static bool has_ours(const struct tool_call *tc)
{
	JSON_EACH (member, tc->arguments)
		if (is_ours(tc, json_key(member)))
			return true;
	return tc->limit > 0;
}

/* The operation's own arguments. */
static void write_body(const struct tool_call *tc, struct buf *body)
{
	struct json_writer w;
	json_write_init(&w, body);
	json_object_begin(&w);
	JSON_EACH (member, tc->arguments) {
		if (is_ours(tc, json_key(member)))
			continue;
		json_write_key(&w, json_key(member));
		json_write_value(&w, member);
	}
	if (tc->limit)
		json_put_int(&w, "limit", (int64_t)tc->limit);
	json_object_end(&w);
}

static void call_progressed(struct call *c, const char *message, void *owner)
{
	const struct tool_call *tc = owner;
	(void)c;
	exchange_waits_for(tc->x, message);
}

static void call_begin(struct tool_call *tc)
{
	AUTO(buf_t) body = {0};
	struct principal who;
	struct call_said said = {.terse = is_terse(tc), .drop = shape_details()};
	exchange_principal(tc->x, &who);
	if (tc->arguments && !has_ours(tc)) {
		said.arguments = tc->arguments;
	} else {
		write_body(tc, &body);
		said.body = buf_text(&body);
		said.len = body.len;
	}
	call_start_said(tc->x->parcel->mcp->ops, &tc->call, tc->tool->op, &who, &said, call_done,
			tc);
	tc->call.progressed = call_progressed;
}

static int read_fields(struct tool_call *tc, struct err *e)
{
	const struct json *fields = json_get(tc->arguments, "fields");
	if (!tc->tool->takes_fields || json_is_null(fields))
		return 0;
	if (json_type(fields) != JSON_ARRAY || json_count(fields) > 40)
		return err_set(e, ERR_INVALID, "fields: a list of at most 40 names is accepted");
	JSON_EACH (name, fields) {
		if (!json_string(name))
			return err_set(e, ERR_INVALID, "fields: it must hold names alone");
		strlist_add(&tc->shape.fields, json_string(name));
	}
	return shape_check(&tc->shape, tc->tool->op->result, e);
}

static int read_shape(struct tool_call *tc, struct err *e)
{
	const struct json *format = json_get(tc->arguments, "response_format");
	const char *word = json_string(format);
	if (!json_is_null(format) && !str_equal(word, "concise") && !str_equal(word, "detailed"))
		return err_set(e, ERR_INVALID,
			       "response_format: \"concise\" or \"detailed\" is accepted");
	tc->shape.detailed = str_equal(word, "detailed");
	tc->limited = !json_is_null(json_get(tc->arguments, "limit"));
	return read_fields(tc, e);
}

static void took_long(struct timer *t, void *owner)
{
	struct tool_call *tc = owner;
	(void)t;
	if (task_detach(tc->x, &tc->call) < 0)
		exchange_lasts(tc->x);
}

/* What is answered soon is answered at once; of the rest the client has a handle, or hears. */
static void await(struct tool_call *tc)
{
	if (!task_may(tc->x)) {
		exchange_lasts(tc->x);
		return;
	}
	timer_init(&tc->late, tc->x->parcel->mcp->loop, took_long, tc);
	timer_start(&tc->late, TASK_AFTER_MS);
}

void tool_call_run(struct exchange *x, const struct tool *t, const struct json *arguments)
{
	struct tool_call *tc = tool_call_take(x->parcel->mcp);
	struct err e;
	tc->x = x;
	tc->tool = t;
	tc->arguments = arguments;
	x->state = tc;
	x->dropped = tool_call_drop;
	if (read_shape(tc, &e) < 0) {
		answer_error(tc, &e);
		return;
	}
	call_begin(tc);
	await(tc);
	task_settle(&tc->call.task);
}
