/* The heap of timers, against a plain search through all of them. */
#include "loop/timers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"

#define MANY 200

static const struct timer *soonest(const struct timer *all)
{
	const struct timer *first = NULL;

	for (size_t i = 0; i < MANY; i++)
		if (all[i].place && (!first || all[i].due_us < first->due_us))
			first = &all[i];
	return first;
}

static void first_is_the_soonest(void **state)
{
	struct timer all[MANY] = {0};
	struct timers t = {0};
	size_t waiting = 0;

	(void)state;
	srand(11);
	for (int i = 0; i < 20000; i++) {
		struct timer *one = &all[rand() % MANY];

		if (one->place) {
			timers_remove(&t, one);
			waiting--;
		} else {
			one->due_us = rand() % 100;
			timers_add(&t, one);
			waiting++;
		}
		const struct timer *first = timers_first(&t), *want = soonest(all);

		assert_int_equal(t.n, waiting);
		assert_int_equal(first != NULL, want != NULL);
		if (first && want)
			assert_int_equal(first->due_us, want->due_us);
	}
	while (timers_first(&t)) {
		const struct timer *want = soonest(all);

		assert_int_equal(timers_first(&t)->due_us, want ? want->due_us : -1);
		timers_remove(&t, timers_first(&t));
	}
	assert_null(soonest(all));
	timers_free(&t);
}

static void places_are_known(void **state)
{
	struct timer all[MANY] = {0};
	struct timers t = {0};

	(void)state;
	for (size_t i = 0; i < MANY; i++) {
		all[i].due_us = (int64_t)(i * 7919 % MANY);
		timers_add(&t, &all[i]);
	}
	for (size_t i = 0; i < MANY; i++)
		assert_ptr_equal(t.heap[all[i].place - 1], &all[i]);
	for (size_t i = 0; i < MANY; i += 2)
		timers_remove(&t, &all[i]);
	for (size_t i = 0; i < MANY; i++) {
		if (i % 2)
			assert_ptr_equal(t.heap[all[i].place - 1], &all[i]);
		else
			assert_int_equal(all[i].place, 0);
	}
	timers_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_is_the_soonest),
		cmocka_unit_test(places_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
