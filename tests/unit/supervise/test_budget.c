/* When a connector that ended may start again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "supervise/budget.h"

#define NOW 5000000

static int64_t end(struct budget *b, enum reason r, int64_t ran_ms, bool served)
{
	budget_ended(b, &(struct budget_end){r, ran_ms, served, NOW, 12345});
	return b->next_start_ms ? b->next_start_ms - NOW : 0;
}

static void test_after_a_stable_run_at_once(void **state)
{
	struct budget b = {0};

	(void)state;
	assert_int_equal(end(&b, REASON_KILLED, STABLE_MS, true), 0);
	assert_int_equal(b.exits, 0);
	assert_int_equal(b.last, REASON_KILLED);
	for (int i = 0; i < 5; i++)
		assert_true(end(&b, REASON_KILLED, STABLE_MS - 1, true) > 0);
	assert_int_equal(b.exits, 5);
	assert_int_equal(end(&b, REASON_KILLED, STABLE_MS, true), 0);
	assert_int_equal(b.exits, 0);
}

/* It ran for long and was never connected: no stable run. */
static void test_what_never_served_is_not_stable(void **state)
{
	struct budget b = {0};

	(void)state;
	assert_true(end(&b, REASON_UNREADY, 90000, false) >= 50);
	assert_true(end(&b, REASON_UNREADY, 90000, false) >= 100);
	assert_int_equal(b.exits, 2);
}

static void test_waits_grow_to_a_minute(void **state)
{
	struct budget b = {0};

	(void)state;
	for (int64_t most = 100; most < 60000; most *= 2) {
		int64_t wait = end(&b, REASON_EXITED, 10, false);

		assert_true(wait >= most / 2 && wait <= most);
	}
	for (int i = 0; i < 2000; i++) {
		int64_t wait = end(&b, REASON_EXITED, 10, false);

		assert_true(wait >= 30000 && wait <= 60000);
	}
	assert_int_equal(b.exits, BUDGET_COUNT_MOST);
}

static void test_what_a_restart_does_not_heal_waits_longer(void **state)
{
	struct budget b = {.exits = 4};
	int64_t first = end(&b, REASON_BAD_TOKEN, 10, false), last = 0;

	(void)state;
	assert_true(first >= 54000 && first <= 60000);
	assert_int_equal(b.exits, 0);
	for (int i = 0; i < 20; i++)
		last = end(&b, REASON_BAD_TOKEN, 99999, true);
	assert_true(last >= BUDGET_MOST_MS * 9 / 10 && last <= BUDGET_MOST_MS);
	budget_forgive(&b);
	assert_int_equal(b.blocks, 0);
	assert_int_equal(b.next_start_ms, 0);
	assert_int_equal(b.last, REASON_BAD_TOKEN);
}

static void test_asked_is_at_once(void **state)
{
	struct budget b = {.exits = 7, .blocks = 3};

	(void)state;
	assert_int_equal(end(&b, REASON_ASKED, 1, false), 0);
	assert_int_equal(b.exits + b.blocks, 0);
}

static void test_replacements_in_vain_are_rare(void **state)
{
	int64_t before = 0;

	(void)state;
	for (int i = 1; i < 40; i++) {
		int64_t wait = budget_replace_delay(i, 7);

		assert_true(wait >= before && wait >= 54000 && wait <= BUDGET_MOST_MS);
		before = wait;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_after_a_stable_run_at_once),
		cmocka_unit_test(test_what_never_served_is_not_stable),
		cmocka_unit_test(test_waits_grow_to_a_minute),
		cmocka_unit_test(test_what_a_restart_does_not_heal_waits_longer),
		cmocka_unit_test(test_asked_is_at_once),
		cmocka_unit_test(test_replacements_in_vain_are_rare),
	};

	return cmocka_run_group_tests_name("budget", tests, NULL, NULL);
}
