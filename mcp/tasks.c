#include "mcp/tasks.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "mcp/private.h"
#include "mcp/task_rows.h"
#include "mcp/tool_call.h"
#include "ops/grant.h"
#include "ops/screen.h"

#include <stdlib.h>
#include <string.h>

#define GONE "Nobody waits for it any more. What was applied stays applied: see plan_list."

enum status { WORKING, COMPLETED, FAILED, CANCELLED };

static const char *const status_names[] = {
	[WORKING] = "working",
	[COMPLETED] = "completed",
	[FAILED] = "failed",
	[CANCELLED] = "cancelled",
};

struct handle {
	struct list node; /* in mcp.tasks */
	struct mcp *mcp;
	struct principal who;
	enum status status;
	int64_t updated_ms;
	struct task_row row;
	bool stored;           /* the row is in the store */
	bool old;              /* of an earlier run of aditd, and nobody has asked for it yet */
	struct parcel *parcel; /* the call, while it goes on */
	struct call call;      /* in the place of one of an earlier run; ops NULL = none */
	struct buf doing;      /* what that waits for */
	struct buf outcome;    /* JSON text of its result or error */
	struct timer end;
	struct grant_watch grants;
};

/* ---- life ---- */

static void drop_rows(struct deferred *d, void *owner)
{
	struct mcp *m = owner;
	(void)d;
	if (m->ops->store)
		task_rows_drop(m->ops->store, &m->tasks.ended);
	strlist_free(&m->tasks.ended);
}

void tasks_init(struct mcp *m)
{
	struct task_list *l = &m->tasks;
	list_init(&l->all);
	l->ttl_ms = TASK_TTL_MS;
	deferred_init(&l->drop, m->loop, drop_rows, m);
}

static void call_end(struct handle *h)
{
	if (!h->call.ops)
		return;
	call_cancel(&h->call);
	call_fini(&h->call);
	h->call.ops = NULL;
}

static void handle_free(struct handle *h)
{
	if (h->parcel)
		parcel_free(h->parcel);
	call_end(h);
	if (h->who.grant && h->mcp->ops->grants)
		grants_unwatch(&h->grants);
	timer_stop(&h->end);
	list_remove(&h->node);
	h->mcp->tasks.n--;
	buf_free(&h->doing);
	buf_free(&h->outcome);
	free(h);
}

/* It is no more: in the store neither. Many may end at once. */
static void handle_end(struct handle *h)
{
	struct task_list *l = &h->mcp->tasks;
	if (h->stored) {
		strlist_add(&l->ended, h->row.id);
		deferred_start(&l->drop);
	}
	handle_free(h);
}

void tasks_free(struct mcp *m)
{
	LIST_EACH (it, &m->tasks.all)
		handle_free(LIST_OF(it, struct handle, node));
	deferred_stop(&m->tasks.drop);
	drop_rows(&m->tasks.drop, m);
}

static void settle(struct handle *h, enum status status)
{
	h->status = status;
	h->updated_ms = clock_wall_ms();
	listens_task(h->mcp, h->row.id);
}

static void lived(struct timer *t, void *owner)
{
	(void)t;
	handle_end(owner);
}

static void grant_ended(int64_t id, void *owner)
{
	struct handle *h = owner;
	if (h->who.grant == id)
		handle_end(h);
}

/* A grant is known by its number: another one may be given the name of one that ended. */
static bool same_caller(const struct principal *a, const struct principal *b)
{
	return a->grant == b->grant && str_equal(a->name, b->name);
}

static size_t handles_of(const struct mcp *m, const struct principal *who)
{
	size_t n = 0;
	LIST_EACH (it, &m->tasks.all)
		n += same_caller(&LIST_OF(it, struct handle, node)->who, who);
	return n;
}

/* ---- the call that goes on ---- */

static void outcome_came(struct parcel *p, int status, struct buf *text)
{
	struct handle *h = p->owner;
	struct json_span root = json_span_of(buf_text(text), text->len);
	struct json_span result = json_span_member(root, "result");
	struct json_span error = json_span_member(root, "error");
	struct json_span it = result.len ? result : error;
	(void)status;
	(void)buf_add(&h->outcome, it.p, it.len);
	h->parcel = NULL;
	parcel_free(p);
	settle(h, result.len ? COMPLETED : FAILED);
}

/* There is no way to say anything ahead of the outcome. */
static void nothing_goes(struct parcel *p, const struct buf *text)
{
	(void)p;
	(void)text;
}

static bool never_streams(const struct parcel *p)
{
	(void)p;
	return false;
}

static const struct carrier task_carrier = {
	.answer = outcome_came,
	.message = nothing_goes,
	.streams = never_streams,
};

/* ---- what is told of it ---- */

static const char *doing(const struct handle *h)
{
	if (!h->parcel)
		return h->doing.len ? buf_text(&h->doing) : NULL;
	LIST_EACH (it, &h->parcel->exchanges) {
		const struct buf *text = &LIST_OF(it, struct exchange, node)->progress.message;
		return text->len ? buf_text(text) : NULL;
	}
	return NULL;
}

static void put_handle(const struct handle *h, struct json_writer *w)
{
	const char *message = h->status == CANCELLED ? GONE
			      : h->status == WORKING ? doing(h)
						     : NULL;
	json_put_string(w, "taskId", h->row.id);
	json_put_string(w, "status", status_names[h->status]);
	if (message)
		json_put_string(w, "statusMessage", message);
	json_put_time(w, "createdAt", h->row.created_ms);
	json_put_time(w, "lastUpdatedAt", h->updated_ms);
	json_put_int(w, "ttlMs", h->mcp->tasks.ttl_ms);
	json_put_int(w, "pollIntervalMs", TASK_POLL_MS);
}

static void put_whole(const struct handle *h, struct json_writer *w)
{
	put_handle(h, w);
	if (h->status != COMPLETED && h->status != FAILED)
		return;
	json_write_key(w, h->status == COMPLETED ? "result" : "error");
	json_write_raw(w, buf_text(&h->outcome), h->outcome.len);
}

/* ---- how one is made ---- */

bool task_may(const struct exchange *x)
{
	const struct json *extensions = json_get(exchange_declared(x), "extensions");
	return json_type(json_get(extensions, TASKS_EXTENSION)) == JSON_OBJECT;
}

static struct handle *handle_new(struct mcp *m, const struct principal *who,
				 const struct task_row *row)
{
	int64_t now = clock_wall_ms(), left = row->created_ms + m->tasks.ttl_ms - now;
	struct handle *h = mem_alloc(sizeof(*h));
	h->mcp = m;
	h->who = *who;
	h->row = *row;
	h->updated_ms = now;
	list_append(&m->tasks.all, &h->node);
	m->tasks.n++;
	timer_init(&h->end, m->loop, lived, h);
	timer_start(&h->end, left < m->tasks.ttl_ms ? left : m->tasks.ttl_ms);
	h->grants.ended = grant_ended;
	h->grants.owner = h;
	if (who->grant && m->ops->grants)
		grants_watch(m->ops->grants, &h->grants);
	return h;
}

/* ---- those of an earlier run ---- */

/* As what has ended in this one: the result of a tool. */
static void tell_result(struct handle *h, const struct buf *text, bool plan)
{
	struct json_writer w;
	buf_reset(&h->outcome);
	json_write_init(&w, &h->outcome);
	json_object_begin(&w);
	json_put_string(&w, "resultType", "complete");
	tool_put_answer(&w, text, plan, true, !plan);
	json_object_end(&w);
	settle(h, COMPLETED);
}

static void tell_error(struct handle *h, struct err *e)
{
	AUTO(buf_t) text = {0};
	struct json_writer w;
	screen_error(h->mcp->ops, &h->who, e);
	json_write_init(&w, &text);
	json_write_err(&w, e);
	tell_result(h, &text, false);
}

static void plan_told(struct task *task, void *owner)
{
	struct handle *h = owner;
	AUTO(buf_t) text = {0};
	struct err e = task->err;
	if (e.kind == ERR_NONE)
		tool_plan_text(&h->call.result, &text);
	call_end(h);
	if (e.kind == ERR_NONE)
		tell_result(h, &text, true);
	else
		tell_error(h, &e);
}

static void plan_waits(struct call *c, const char *message, void *owner)
{
	struct handle *h = owner;
	(void)c;
	buf_reset(&h->doing);
	(void)buf_str(&h->doing, message);
}

/* Its plan goes on by itself, or waits for somebody: what the call would have told of it is told
 * now. Nobody else's plan can be meant, since the row says whose call it was. */
static void revive(struct handle *h)
{
	struct ops *o = h->mcp->ops;
	AUTO(str_t) plan = NULL;
	bool ended = false;
	struct err e;
	if (h->row.cancelled) {
		h->old = false;
		h->status = CANCELLED;
		return;
	}
	int became = task_row_became(o->store, &h->row, &plan, &ended, &e);
	if (became < 0) /* whoever asks next may be told */
		return;
	h->old = false;
	if (became > 0) {
		tell_error(h, &e);
		return;
	}
	call_resume(o, &h->call, h->row.op, &h->who, plan, ended ? 0 : TASK_RESUME_MS, plan_told,
		    h);
	h->call.progressed = plan_waits;
	task_settle(&h->call.task);
}

/* A grant is found by its number. Who has none only reads, and is known by his name. */
static bool whose(const struct mcp *m, const struct task_row *row, struct principal *who)
{
	*who = (struct principal){.role = ROLE_VIEWER, .door = OP_DOOR_MCP};
	if (row->grant)
		return principal_of_grant(grants_find(m->ops->grants, row->grant), who) == 0;
	return str_copy(who->name, sizeof(who->name), row->principal);
}

static void recall(struct mcp *m, const struct task_row *row)
{
	struct principal who;
	int64_t age = clock_wall_ms() - row->created_ms;
	if (age >= m->tasks.ttl_ms || m->tasks.n >= TASKS_MAX || !whose(m, row, &who)) {
		strlist_add(&m->tasks.ended, row->id);
		return;
	}
	struct handle *h = handle_new(m, &who, row);
	h->stored = h->old = true;
}

static void tasks_recall(struct mcp *m)
{
	struct task_list *l = &m->tasks;
	struct task_row *rows;
	if (l->recalled || !m->ops->store)
		return;
	l->recalled = true;
	size_t n = task_rows_load(m->ops->store, &rows, &l->ended);
	for (size_t i = 0; i < n; i++)
		recall(m, &rows[i]);
	free(rows);
	if (l->ended.n)
		deferred_start(&l->drop);
}

/* ---- one that begins ---- */

static void put_begun(struct json_writer *w, const void *owner)
{
	put_handle(owner, w);
}

/* What is promised is kept: without a row there is no task of a call. */
static bool row_new(const struct mcp *m, const struct principal *who, const struct call *c,
		    struct task_row *row)
{
	struct err e;
	*row = (struct task_row){.grant = who->grant, .created_ms = clock_wall_ms()};
	random_hex(row->id, TASK_ID_HEX);
	if (!c)
		return true;
	row->op = c->op;
	row->asked = c->ledger_seq;
	(void)str_copy(row->principal, sizeof(row->principal), who->name);
	(void)str_copy(row->call, sizeof(row->call), c->id);
	return m->ops->store && task_row_put(m->ops->store, row, &e) == 0;
}

int task_detach(struct exchange *x, const struct call *c)
{
	const struct parcel *from = x->parcel;
	struct mcp *m = from->mcp;
	struct task_row row;
	tasks_recall(m);
	if (m->tasks.n >= TASKS_MAX || handles_of(m, &from->who) >= TASKS_EACH || from->streaming ||
	    !row_new(m, &from->who, c, &row))
		return -1;
	struct handle *h = handle_new(m, &from->who, &row);
	h->stored = c != NULL;
	h->parcel = exchange_detach(x, &task_carrier, h, "task", put_begun);
	return 0;
}

/* ---- whose it is ---- */

static struct handle *handle_find(const struct exchange *x, const char *id)
{
	struct mcp *m = x->parcel->mcp;
	tasks_recall(m);
	LIST_EACH (it, &m->tasks.all) {
		struct handle *h = LIST_OF(it, struct handle, node);
		if (!str_equal(h->row.id, id) || !same_caller(&h->who, &x->parcel->who))
			continue;
		if (h->old)
			revive(h);
		return h;
	}
	return NULL;
}

bool task_is_his(const struct exchange *x, const char *id)
{
	return handle_find(x, id) != NULL;
}

bool task_put(const struct exchange *x, const char *id, struct json_writer *w)
{
	const struct handle *h = handle_find(x, id);
	if (h)
		put_whole(h, w);
	return h;
}

/* ---- the methods ---- */

static const char missing[] =
	"{\"requiredCapabilities\":{\"extensions\":{\"" TASKS_EXTENSION "\":{}}}}";

void task_refuse(struct exchange *x)
{
	exchange_fail(x, RPC_CAPABILITY, 400,
		      "This takes the extension " TASKS_EXTENSION
		      " among the request's clientCapabilities",
		      missing);
}

/* NULL: x is gone. Whose it is makes no difference to who asks for another's. */
static struct handle *named(struct exchange *x)
{
	const char *id = json_string(exchange_param(x, "taskId"));
	struct handle *h = id && task_may(x) ? handle_find(x, id) : NULL;
	if (!task_may(x))
		task_refuse(x);
	else if (!h)
		exchange_fail(x, RPC_PARAMS, 200,
			      id ? "There is no such task (any more)"
				 : "taskId: the id of a task is wanted",
			      NULL);
	return h;
}

void tasks_get_run(struct exchange *x)
{
	const struct handle *h = named(x);
	if (!h)
		return;
	put_whole(h, exchange_result(x));
	exchange_done(x);
}

/* No task of ours asks for anything: questions come before it is made. Answers that nobody asked
 * for are passed over. */
void tasks_update_run(struct exchange *x)
{
	if (!named(x))
		return;
	(void)exchange_result(x);
	exchange_done(x);
}

/* That it was is known by nothing but the row. */
static void cancel(struct handle *h)
{
	const struct mcp *m = h->mcp;
	struct err e;
	if (h->parcel)
		parcel_free(steal(&h->parcel));
	call_end(h);
	h->old = false;
	h->row.cancelled = true;
	if (h->stored && m->ops->store && task_row_put(m->ops->store, &h->row, &e) < 0)
		log_warning("that a task was cancelled is not in the store: %s", e.message);
	settle(h, CANCELLED);
}

void tasks_cancel_run(struct exchange *x)
{
	struct handle *h = named(x);
	if (!h)
		return;
	if (h->status == WORKING)
		cancel(h);
	(void)exchange_result(x);
	exchange_done(x);
}
