/*
 * The contract of everything that takes time and ends once: an HTTP request, a page loop, a call.
 *  1  start() never calls done() itself, not even on failure (it is deferred): no re-entry. Whoever
 *     started it and is ready for the answer at once asks for it by task_settle().
 *  2  done() is called exactly once, or never after a cancel; it is the last thing the task does
 *     with its memory, so the owner may free or restart it there.
 *  3  cancel is idempotent and synchronous; an owner that is freed has cancelled first.
 *  4  the owner embeds the task: no allocation, no reference counts.
 *  5  result and error are fields of the task; done() takes no payload.
 */
#ifndef LOOP_TASK_H
#define LOOP_TASK_H

#include "loop/loop.h"

struct task;
typedef void task_done_fn(struct task *t, void *owner);

struct task {
	task_done_fn *done;
	void *owner;
	bool busy;              /* started, done not yet called, not cancelled */
	struct err err;         /* kind ERR_NONE = success; valid in done() and after */
	struct deferred finish; /* how done() is reached */
};

/* For owners: when the task has ended already, done() is called here and now rather than by the
 * loop, which saves it two turns. The last thing an owner does with what done() may free. */
void task_settle(struct task *t);

/* For implementers of tasks. begin: asserts that it is idle, clears err. */
void task_begin(struct task *t, struct loop *l, task_done_fn *done, void *owner);
/* done() will be called by a deferred call. */
void task_finish(struct task *t);
/* done() will not be called. */
void task_abandon(struct task *t);

#endif
