/*
 * Tasks (the extension io.modelcontextprotocol/tasks of 2026-07-28): a call of a tool that takes
 * longer goes on by itself, and its client asks for the outcome later, over whatever connection. A
 * task is its principal's alone, ends with the grant, and is kept for its time to live, over a new
 * start of aditd too: then its outcome is told from the ledger and the plan (task_rows.h). What it
 * was called for is done by the operation, as every call is, and once.
 */
#ifndef MCP_TASKS_H
#define MCP_TASKS_H

#include "mcp/exchange.h"

struct call;

#define TASKS_EXTENSION META_PREFIX "tasks"
#define TASKS_MAX       128 /* in all */
#define TASKS_EACH      32  /* of one principal */
#define TASK_TTL_MS     (INT64_C(30) * 60 * 1000)
#define TASK_POLL_MS    1000
#define TASK_RESUME_MS  60000 /* how long a plan of an earlier run is waited for */

struct task_list {
	struct list all;
	size_t n;
	int64_t ttl_ms;
	bool recalled;        /* those in the store are in the list */
	struct strlist ended; /* ids whose rows are to go */
	struct deferred drop;
};

void tasks_init(struct mcp *m);
/* Drops what goes on; rows stay. */
void tasks_free(struct mcp *m);
/* May this call become one? The client has to have declared that, for this very request. */
bool task_may(const struct exchange *x);
/* The client has its handle, and x goes on by itself: it is answered as before, and dropped when
 * nobody waits any more. c: the operation's call; NULL = there is none, and the task ends with this
 * run. -1: there are too many, or it cannot be stored, and x is as it was. */
MUST_USE int task_detach(struct exchange *x, const struct call *c);
/* Without the extension that cannot be done; x is gone then. */
void task_refuse(struct exchange *x);

void tasks_get_run(struct exchange *x);
void tasks_update_run(struct exchange *x);
void tasks_cancel_run(struct exchange *x);

/* For listen.c: is it one of his? */
bool task_is_his(const struct exchange *x, const char *id);
/* The members of it as they are now; false when there is none. */
bool task_put(const struct exchange *x, const char *id, struct json_writer *w);
/* listen.c: who listens to that task is told. */
void listens_task(struct mcp *m, const char *id);

#endif
