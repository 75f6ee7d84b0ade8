/*
 * The contract of task.h in a few functions: whoever starts and ends through them cannot call
 * done() from inside start, nor twice, nor after a cancel.
 */
#include "loop/task.h"

#include <assert.h>

static void task_ended(struct deferred *d, void *owner)
{
	struct task *t = owner;

	(void)d;
	t->busy = false;
	t->done(t, t->owner);
}

void task_begin(struct task *t, struct loop *l, task_done_fn *done, void *owner)
{
	assert(!t->busy);
	err_clear(&t->err);
	t->done = done;
	t->owner = owner;
	t->busy = true;
	deferred_init(&t->finish, l, task_ended, t);
}

void task_finish(struct task *t)
{
	assert(t->busy);
	deferred_start(&t->finish);
}

void task_settle(struct task *t)
{
	if (!t->busy || !deferred_waits(&t->finish))
		return;
	deferred_stop(&t->finish);
	task_ended(&t->finish, t);
}

void task_abandon(struct task *t)
{
	deferred_stop(&t->finish);
	t->busy = false;
}
