/* The task contract: done() never from inside start, once, never after a cancel, and the owner may
 * free or restart the task there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "loop/task.h"

struct job {
	struct task task;
	struct loop *loop;
	int done;
	int restarts;
};

static void job_start(struct job *j, task_done_fn *done)
{
	task_begin(&j->task, j->loop, done, j);
	err_set(&j->task.err, ERR_BUSY, "fails at once");
	task_finish(&j->task);
}

static void job_done(struct task *t, void *owner)
{
	struct job *j = owner;

	assert_ptr_equal(t, &j->task);
	assert_false(t->busy);
	j->done++;
	if (j->restarts-- > 0)
		job_start(j, job_done);
}

static void job_freed(struct task *t, void *owner)
{
	(void)t;
	free(owner);
}

static void turns(struct loop *l)
{
	for (int i = 0; i < 20 && loop_turn(l); i++)
		;
}

static void test_done_later_and_once(void **state)
{
	struct job j = {.loop = *state};

	job_start(&j, job_done);
	assert_true(j.task.busy);
	assert_int_equal(j.done, 0);
	task_finish(&j.task);
	turns(j.loop);
	assert_int_equal(j.done, 1);
	assert_int_equal(j.task.err.kind, ERR_BUSY);
}

static void test_settled(void **state)
{
	struct job j = {.loop = *state, .restarts = 1};

	task_settle(&j.task); /* never started */
	task_begin(&j.task, j.loop, job_done, &j);
	task_settle(&j.task); /* not ended */
	assert_int_equal(j.done, 0);
	task_finish(&j.task);
	task_settle(&j.task);
	assert_int_equal(j.done, 1);
	assert_true(j.task.busy); /* started again there, and answered by the loop */
	turns(j.loop);
	assert_int_equal(j.done, 2);
	task_settle(&j.task);
	turns(j.loop);
	assert_int_equal(j.done, 2);
}

static void test_abandoned(void **state)
{
	struct job j = {.loop = *state};
	struct task zeroed = {0};

	task_abandon(&zeroed);
	job_start(&j, job_done);
	task_abandon(&j.task);
	task_abandon(&j.task);
	assert_false(j.task.busy);
	turns(j.loop);
	assert_int_equal(j.done, 0);
	job_start(&j, job_done);
	turns(j.loop);
	assert_int_equal(j.done, 1);
}

static void test_restarted_in_done(void **state)
{
	struct job j = {.loop = *state, .restarts = 3};

	job_start(&j, job_done);
	turns(j.loop);
	assert_int_equal(j.done, 4);
}

static void test_freed_in_done(void **state)
{
	struct job *j = mem_alloc(sizeof(*j));

	j->loop = *state;
	job_start(j, job_freed);
	turns(*state);
}

static void test_begin_clears_error(void **state)
{
	struct job j = {.loop = *state};

	err_set(&j.task.err, ERR_TIMEOUT, "from before");
	task_begin(&j.task, j.loop, job_done, &j);
	assert_int_equal(j.task.err.kind, ERR_NONE);
	task_finish(&j.task);
	turns(j.loop);
	assert_int_equal(j.task.err.kind, ERR_NONE);
}

static int loop_open(void **state)
{
	*state = loop_new();
	return 0;
}

static int loop_close(void **state)
{
	loop_free(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_done_later_and_once),
		cmocka_unit_test(test_settled),
		cmocka_unit_test(test_abandoned),
		cmocka_unit_test(test_restarted_in_done),
		cmocka_unit_test(test_freed_in_done),
		cmocka_unit_test(test_begin_clears_error),
	};

	return cmocka_run_group_tests(tests, loop_open, loop_close);
}
