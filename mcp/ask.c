#include "mcp/ask.h"

#include "base/clock.h"
#include "mcp/ask_state.h"
#include "mcp/private.h"
#include "mcp/tool_call.h"
#include "ops/ledger.h"

#include <stdlib.h>
#include <string.h>

#define CHANGES_MAX 12
#define LINE_MAX    200
#define NOT_DONE    "Not confirmed by the person who was asked; nothing was changed."

struct ask {
	struct call call; /* makes the plan, or rejects it */
	struct exchange *x;
	const struct tool *tool;
	const struct json *arguments;
	struct buf said; /* the arguments as text */
	struct ask_state about;
	struct buf question;
	struct timer late;
};

static void ask_drop(struct exchange *x)
{
	struct ask *a = x->state;
	call_cancel(&a->call);
	call_fini(&a->call);
	timer_stop(&a->late);
	buf_free(&a->said);
	buf_free(&a->question);
	free(a);
	x->state = NULL;
}

static struct ask *ask_new(struct exchange *x, const struct tool *t, const struct json *arguments)
{
	struct ask *a = mem_alloc(sizeof(*a));
	struct json_writer w;
	a->x = x;
	a->tool = t;
	a->arguments = arguments;
	json_write_init(&w, &a->said);
	json_write_value(&w, arguments);
	x->state = a;
	x->dropped = ask_drop;
	return a;
}

bool ask_wanted(const struct exchange *x, const struct tool *t)
{
	return principal_must_ask(&x->parcel->who) && t->op && t->op->effects != OP_READS;
}

static struct ask_bond bond_of(const struct ask *a)
{
	return (struct ask_bond){.principal = a->x->parcel->who.name,
				 .tool = a->tool->name,
				 .arguments = buf_text(&a->said)};
}

/* x is gone then. */
static void ask_tell(struct ask *a, const char *sentence)
{
	struct exchange *x = a->x;
	AUTO(buf_t) text = {0};
	(void)buf_str(&text, sentence);
	ask_drop(x);
	tool_answer(x, &text, false, true);
}

static void ask_error(struct ask *a, const struct err *e)
{
	struct exchange *x = a->x;
	AUTO(buf_t) text = {0};
	struct json_writer w;
	json_write_init(&w, &text);
	json_write_err(&w, e);
	ask_drop(x);
	tool_answer(x, &text, false, true);
}

/* ---- what the person said ---- */

static void declined(struct task *task, void *owner)
{
	struct ask *a = owner;
	(void)task; /* a plan that was decided meanwhile is as good */
	ask_tell(a, NOT_DONE);
}

/* The plan is rejected for good. */
static void ask_decline(struct ask *a)
{
	struct parcel *p = a->x->parcel;
	struct principal who;
	AUTO(buf_t) body = {0};
	exchange_principal(a->x, &who);
	if (!a->about.plan[0]) {
		ask_tell(a, NOT_DONE);
		return;
	}
	(void)buf_printf(&body, "{\"plan\":\"%s\",\"reason\":\"declined when asked\"}",
			 a->about.plan);
	who.asked = ASKED_NO;
	call_fini(&a->call);
	call_start(p->mcp->ops, &a->call, op_find("plan_reject"), &who, NULL, buf_text(&body),
		   body.len, declined, a);
}

/* plan_apply of what was shown, waited for as the call has it. */
static void write_body(const struct ask *a, struct buf *out)
{
	static const char *const waiting[] = {"wait", "timeout"};
	struct json_writer w;
	json_write_init(&w, out);
	json_object_begin(&w);
	json_put_string(&w, "plan", a->about.plan);
	json_put_string(&w, "hash", a->about.hash);
	for (size_t i = 0; i < ARRAY_LEN(waiting); i++) {
		const struct json *said = json_get(a->arguments, waiting[i]);
		if (json_is_null(said))
			continue;
		json_write_key(&w, waiting[i]);
		json_write_value(&w, said);
	}
	json_object_end(&w);
}

/* What was shown is let through, and nothing else. */
static void ask_accept(struct ask *a)
{
	struct exchange *x = a->x;
	struct mcp *m = x->parcel->mcp;
	const struct tool *t = a->tool;
	const struct json *arguments = a->arguments;
	AUTO(buf_t) body = {0};
	struct err e;
	if (a->about.plan[0]) {
		write_body(a, &body);
		if (json_parse(buf_text(&body), body.len, NULL, &x->own, &e) < 0) {
			ask_error(a, &e);
			return;
		}
		t = tool_find(tool_table_of(m), "plan_apply");
		arguments = json_root(x->own);
	}
	ask_drop(x);
	x->asked = ASKED_YES;
	tool_call_run(x, t, arguments);
}

/* Anything but a plain yes is a no. */
static enum elicited elicited_of(const struct json *answer)
{
	const char *action = json_get_string(answer, "action");
	if (str_equal(action, "accept") &&
	    json_get_bool(json_get(answer, "content"), "confirm", false))
		return ELICITED_ACCEPTED;
	return str_equal(action, "cancel") ? ELICITED_CANCELLED : ELICITED_DECLINED;
}

/* A yes that nobody could be shown later lets nothing through; it is used up all the same. */
static void ask_unnoted(struct ask *a, struct err *e)
{
	(void)err_wrap(e, "Nothing was done, since the ledger cannot take the answer");
	(void)err_hint(e,
		       "Call %s again once adit status tells of no trouble with the store: it "
		       "asks anew.",
		       a->tool->name);
	ask_error(a, e);
}

static void ask_settle(struct ask *a, const struct json *answer)
{
	enum elicited said = elicited_of(answer);
	const char *plan = a->about.plan[0] ? a->about.plan : NULL;
	struct principal who;
	struct err e;
	timer_stop(&a->late);
	exchange_principal(a->x, &who);
	int noted = ledger_elicited(a->x->parcel->mcp->ops, &who, a->tool->name, plan,
				    plan ? a->about.hash : NULL, said, &e);
	if (said != ELICITED_ACCEPTED)
		ask_decline(a);
	else if (noted < 0)
		ask_unnoted(a, &e);
	else
		ask_accept(a);
}

/* ---- the question ---- */

static void put_schema(struct json_writer *w)
{
	json_write_key(w, "requestedSchema");
	json_object_begin(w);
	json_put_string(w, "type", "object");
	json_write_key(w, "properties");
	json_object_begin(w);
	json_write_key(w, "confirm");
	json_object_begin(w);
	json_put_string(w, "type", "boolean");
	json_put_string(w, "title", "Do it");
	json_put_string(w, "description", "Yes lets through exactly what is shown");
	json_object_end(w);
	json_object_end(w);
	json_write_key(w, "required");
	json_array_begin(w);
	json_write_string(w, "confirm");
	json_array_end(w);
	json_object_end(w);
}

static void put_question(const struct ask *a, bool mode, struct json_writer *w)
{
	json_object_begin(w);
	if (mode)
		json_put_string(w, "mode", "form");
	json_put_string(w, "message", buf_text(&a->question));
	put_schema(w);
	json_object_end(w);
}

/* The call ends here, and comes again with the answer. */
static void ask_modern(struct ask *a)
{
	struct exchange *x = a->x;
	const struct ask_bond bond = bond_of(a);
	char state[ASK_STATE_SIZE];
	ask_state_write(x->parcel->mcp->key, &a->about, &bond, clock_wall_ms(), state);
	x->unfinished = true;
	struct json_writer *w = exchange_result(x);
	json_write_key(w, "inputRequests");
	json_object_begin(w);
	json_write_key(w, "confirm");
	json_object_begin(w);
	json_put_string(w, "method", "elicitation/create");
	json_write_key(w, "params");
	put_question(a, true, w);
	json_object_end(w);
	json_object_end(w);
	json_put_string(w, "requestState", state);
	ask_drop(x);
	exchange_done(x);
}

static void nobody_answered(struct timer *t, void *owner)
{
	struct ask *a = owner;
	(void)t;
	exchange_unask(a->x);
	ask_settle(a, NULL);
}

static void answered(struct exchange *x, const struct json *result)
{
	ask_settle(x->state, result);
}

/* The call stays open; the client is asked ahead of its answer. */
static void ask_legacy(struct ask *a)
{
	struct exchange *x = a->x;
	AUTO(buf_t) params = {0};
	struct json_writer w;
	json_write_init(&w, &params);
	put_question(a, era_since(x->version, "2025-11-25"), &w);
	timer_init(&a->late, x->parcel->mcp->loop, nobody_answered, a);
	timer_start(&a->late, ASK_MS);
	exchange_ask(x, "elicitation/create", &params, answered);
}

static void ask_question(struct ask *a)
{
	if (a->x->era == ERA_MODERN)
		ask_modern(a);
	else
		ask_legacy(a);
}

/* ---- the plan that is asked about ---- */

static void say_change(const struct json *change, struct buf *out)
{
	const char *detail = json_get_string(change, "detail");
	(void)buf_printf(out, "\n%s %s %.120s", json_get_string(change, "sign"),
			 json_get_string(change, "object"), json_get_string(change, "name"));
	if (detail)
		(void)buf_printf(out, ": %.*s", LINE_MAX, detail);
}

static void say_plan(struct ask *a, const struct json *plan)
{
	const struct json *changes = json_get(plan, "changes");
	size_t n = 0;
	(void)buf_printf(&a->question, "%s? Plan %s of %s:", a->tool->op->title, a->about.plan,
			 a->x->parcel->who.name);
	JSON_EACH (change, changes) {
		if (str_equal(json_get_string(change, "sign"), "=") || n++ >= CHANGES_MAX)
			continue;
		say_change(change, &a->question);
	}
	if (n > CHANGES_MAX)
		(void)buf_printf(&a->question, "\nand %zu more", n - CHANGES_MAX);
}

/* The answer as it stands: nothing is to be done, or a person has to approve it anyway. */
static void ask_pass(struct ask *a)
{
	struct exchange *x = a->x;
	AUTO(buf_t) text = a->call.result;
	a->call.result = (struct buf){0};
	ask_drop(x);
	tool_answer_plan(x, &text);
}

static void planned(struct task *task, void *owner)
{
	struct ask *a = owner;
	AUTO(json_doc_t) doc = NULL;
	struct err e = task->err;
	if (e.kind != ERR_NONE ||
	    json_parse(buf_text(&a->call.result), a->call.result.len, NULL, &doc, &e) < 0) {
		ask_error(a, &e);
		return;
	}
	const struct json *plan = json_root(doc);
	const char *id = json_get_string(plan, "plan"), *hash = json_get_string(plan, "hash");
	if (!str_equal(json_get_string(plan, "state"), "planned") || !id || !hash) {
		ask_pass(a);
		return;
	}
	(void)str_copy(a->about.plan, sizeof(a->about.plan), id);
	memcpy(a->about.hash, hash, strnlen(hash, sizeof(a->about.hash) - 1));
	say_plan(a, plan);
	ask_question(a);
}

/* One that is there is looked at; any other call makes one, which waits (the grant asks). */
static void ask_plan(struct ask *a)
{
	struct parcel *p = a->x->parcel;
	const struct op *op = a->tool->op;
	struct principal who;
	AUTO(buf_t) body = {0};
	struct json_writer w;
	exchange_principal(a->x, &who);
	if (!str_equal(op->name, "plan_apply")) {
		call_start(p->mcp->ops, &a->call, op, &who, NULL, buf_text(&a->said), a->said.len,
			   planned, a);
		return;
	}
	json_write_init(&w, &body);
	json_object_begin(&w);
	json_put_string(&w, "plan", json_get_string(a->arguments, "plan"));
	json_object_end(&w);
	call_start(p->mcp->ops, &a->call, op_find("plan_get"), &who, NULL, buf_text(&body),
		   body.len, planned, a);
}

static void ask_refused(struct ask *a)
{
	struct exchange *x = a->x;
	const struct tool *t = a->tool;
	const struct json *arguments = a->arguments;
	ask_drop(x);
	tool_call_run(x, t, arguments);
}

/* A person is asked about nothing that would be refused: the call itself says so, and the ledger.
 * The question is one of the grant's calls, as the plan would have been. */
static void ask_call(struct ask *a)
{
	const struct principal *who = &a->x->parcel->who;
	struct err e;
	if (principal_may(who, a->tool->op, &e) < 0 || principal_spend(who, &e) < 0) {
		ask_refused(a);
		return;
	}
	(void)buf_printf(&a->question, "%s? %s of %s, with %.*s", a->tool->op->title, a->tool->name,
			 who->name, LINE_MAX, buf_text(&a->said));
	ask_question(a);
}

/* Who cannot be shown a form gets nothing done. */
static void ask_first(struct ask *a)
{
	if (!exchange_elicits(a->x)) {
		ask_tell(a, "This grant asks a person before each change, and this client cannot "
			    "show a question; nothing was changed. A person can make the change "
			    "on the host with adit, or connect a client that can be asked.");
		return;
	}
	if (a->tool->plans)
		ask_plan(a);
	else
		ask_call(a);
}

/* ---- the answer ---- */

/* It came again, with what we had given it. */
static void ask_again(struct ask *a, const struct json *state)
{
	struct exchange *x = a->x;
	const struct ask_bond bond = bond_of(a);
	const struct json *answer = json_get(exchange_param(x, "inputResponses"), "confirm");
	const char *text = json_string(state);
	int64_t now = clock_wall_ms();
	if (!answer) {
		ask_first(a);
		return;
	}
	if (!text || !ask_state_read(x->parcel->mcp->key, text, &bond, now, &a->about) ||
	    !ask_spend(&x->parcel->mcp->asked, a->about.nonce, now)) {
		ask_drop(x);
		exchange_fail(x, RPC_PARAMS, 200,
			      "requestState is not one that was given for this call, or it was "
			      "used or has expired; call the tool again without it",
			      NULL);
		return;
	}
	ask_settle(a, answer);
}

void ask_run(struct exchange *x, const struct tool *t, const struct json *arguments)
{
	struct ask *a = ask_new(x, t, arguments);
	const struct json *state = x->era == ERA_MODERN ? exchange_param(x, "requestState") : NULL;
	if (state)
		ask_again(a, state);
	else
		ask_first(a);
}
