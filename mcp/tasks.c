#include "mcp/tasks.h"

#include "base/clock.h"
#include "base/secret.h"
#include "mcp/private.h"
#include "ops/grant.h"

#include <stdlib.h>
#include <string.h>

#define ID_HEX 32
#define GONE   "Nobody waits for it any more. What was applied stays applied: see plan_list."

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
	int64_t created_ms, updated_ms;
	struct parcel *parcel; /* the call, while it goes on */
	struct buf outcome;    /* JSON text of its result or error */
	struct timer end;
	struct grant_watch grants;
	char id[ID_HEX + 1];
};

/* ---- life ---- */

void tasks_init(struct task_list *l)
{
	list_init(&l->all);
	l->n = 0;
	l->ttl_ms = TASK_TTL_MS;
}

static void handle_free(struct handle *h)
{
	if (h->parcel)
		parcel_free(h->parcel);
	if (h->who.grant && h->mcp->ops->grants)
		grants_unwatch(&h->grants);
	timer_stop(&h->end);
	list_remove(&h->node);
	h->mcp->tasks.n--;
	buf_free(&h->outcome);
	free(h);
}

void tasks_free(struct task_list *l)
{
	LIST_EACH (it, &l->all)
		handle_free(LIST_OF(it, struct handle, node));
}

static void settle(struct handle *h, enum status status)
{
	h->status = status;
	h->updated_ms = clock_wall_ms();
	listens_task(h->mcp, h->id);
}

static void lived(struct timer *t, void *owner)
{
	(void)t;
	handle_free(owner);
}

static void grant_ended(int64_t id, void *owner)
{
	struct handle *h = owner;
	if (h->who.grant == id)
		handle_free(h);
}

/* A grant is known by its number: another one may be given the name of one that ended. */
static bool same_caller(const struct principal *a, const struct principal *b)
{
	return a->grant == b->grant && str_equal(a->name, b->name);
}

static struct handle *handle_find(const struct exchange *x, const char *id)
{
	LIST_EACH (it, &x->parcel->mcp->tasks.all) {
		struct handle *h = LIST_OF(it, struct handle, node);
		if (str_equal(h->id, id) && same_caller(&h->who, &x->parcel->who))
			return h;
	}
	return NULL;
}

static size_t handles_of(const struct mcp *m, const struct principal *who)
{
	size_t n = 0;
	LIST_EACH (it, &m->tasks.all)
		n += same_caller(&LIST_OF(it, struct handle, node)->who, who);
	return n;
}

/* ---- the call that goes on ---- */

static void outcome_came(struct parcel *p, int status, const struct buf *text)
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
	LIST_EACH (it, &h->parcel->exchanges) {
		const struct buf *text = &LIST_OF(it, struct exchange, node)->progress.message;
		return text->len ? buf_text(text) : NULL;
	}
	return NULL;
}

static void put_handle(const struct handle *h, struct json_writer *w)
{
	const char *message = h->status == CANCELLED ? GONE : h->parcel ? doing(h) : NULL;
	json_put_string(w, "taskId", h->id);
	json_put_string(w, "status", status_names[h->status]);
	if (message)
		json_put_string(w, "statusMessage", message);
	json_put_time(w, "createdAt", h->created_ms);
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

/* ---- how it begins ---- */

bool task_may(const struct exchange *x)
{
	const struct json *declared = json_get(x->msg.meta, META_PREFIX "clientCapabilities");
	const struct json *extensions = json_get(declared, "extensions");
	return x->era == ERA_MODERN &&
	       json_type(json_get(extensions, TASKS_EXTENSION)) == JSON_OBJECT;
}

static struct handle *handle_new(struct mcp *m, const struct principal *who)
{
	struct handle *h = mem_alloc(sizeof(*h));
	h->mcp = m;
	h->who = *who;
	h->created_ms = h->updated_ms = clock_wall_ms();
	random_hex(h->id, ID_HEX);
	list_append(&m->tasks.all, &h->node);
	m->tasks.n++;
	timer_init(&h->end, m->loop, lived, h);
	timer_start(&h->end, m->tasks.ttl_ms);
	h->grants.ended = grant_ended;
	h->grants.owner = h;
	if (who->grant && m->ops->grants)
		grants_watch(m->ops->grants, &h->grants);
	return h;
}

static void put_begun(struct json_writer *w, const void *owner)
{
	put_handle(owner, w);
}

int task_detach(struct exchange *x)
{
	const struct parcel *from = x->parcel;
	struct mcp *m = from->mcp;
	if (m->tasks.n >= TASKS_MAX || handles_of(m, &from->who) >= TASKS_EACH || from->streaming)
		return -1;
	struct handle *h = handle_new(m, &from->who);
	h->parcel = exchange_detach(x, &task_carrier, h, "task", put_begun);
	return 0;
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

void tasks_cancel_run(struct exchange *x)
{
	struct handle *h = named(x);
	if (!h)
		return;
	if (h->parcel) {
		parcel_free(steal(&h->parcel));
		settle(h, CANCELLED);
	}
	(void)exchange_result(x);
	exchange_done(x);
}
