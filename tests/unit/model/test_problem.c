/* Problems: what keeps its age, what counts up, and who waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "model/problem.h"

static struct err error_of(enum err_kind kind, const char *message)
{
	struct err e;

	err_set(&e, kind, "%s", message);
	return e;
}

static void same_kind_counts_up(void **state)
{
	struct err first = error_of(ERR_UPSTREAM, "one"), second = error_of(ERR_UPSTREAM, "two");
	struct problem *p = NULL;

	(void)state;
	problem_set(&p, &first, 1000);
	p->next_try_ms = 77;
	problem_set(&p, &second, 2000);
	assert_int_equal(p->since_ms, 1000);
	assert_int_equal(p->attempts, 2);
	assert_string_equal(p->err.message, "two");
	assert_int_equal(p->next_try_ms, 0);
	problem_clear(&p);
}

static void other_kind_starts_anew(void **state)
{
	struct err first = error_of(ERR_UPSTREAM, "one"), second = error_of(ERR_DENIED, "two");
	struct problem *p = NULL;

	(void)state;
	problem_set(&p, &first, 1000);
	problem_set(&p, &first, 1500);
	problem_set(&p, &second, 2000);
	assert_int_equal(p->since_ms, 2000);
	assert_int_equal(p->attempts, 1);
	assert_int_equal(p->err.kind, ERR_DENIED);
	problem_clear(&p);
}

static void its_own_error_may_be_set_again(void **state)
{
	struct err first = error_of(ERR_TIMEOUT, "no answer");
	struct problem *p = NULL;

	(void)state;
	problem_set(&p, &first, 1);
	problem_set(&p, &p->err, 2);
	assert_string_equal(p->err.message, "no answer");
	assert_int_equal(p->attempts, 2);
	problem_clear(&p);
}

static void attempts_do_not_overflow(void **state)
{
	struct err e = error_of(ERR_TIMEOUT, "no answer");
	struct problem *p = NULL;

	(void)state;
	problem_set(&p, &e, 1);
	p->attempts = INT32_MAX;
	problem_set(&p, &e, 2);
	assert_int_equal(p->attempts, INT32_MAX);
	problem_clear(&p);
}

static void clear_takes_nothing(void **state)
{
	struct problem *p = NULL;

	(void)state;
	problem_clear(&p);
	assert_null(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_kind_counts_up),
		cmocka_unit_test(other_kind_starts_anew),
		cmocka_unit_test(its_own_error_may_be_set_again),
		cmocka_unit_test(attempts_do_not_overflow),
		cmocka_unit_test(clear_takes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
