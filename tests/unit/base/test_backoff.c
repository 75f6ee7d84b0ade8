/* Backoff is a function of attempt and random number alone; and the frozen clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/mem.h"

static void doubles_to_the_ceiling(void **state)
{
	static const struct backoff b = {.first_ms = 100, .ceiling_ms = 60000};
	static const int64_t expected[] = {100,  200,   400,   800,   1600,  3200,
					   6400, 12800, 25600, 51200, 60000, 60000};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(expected); i++)
		assert_int_equal(backoff_delay(&b, (int)i + 1, 12345), expected[i]);
	assert_int_equal(backoff_delay(&b, 0, 0), 100);
	assert_int_equal(backoff_delay(&b, -5, 0), 100);
	assert_int_equal(backoff_delay(&b, INT32_MAX, 0), 60000);
}

static void jitter_stays_in_its_range(void **state)
{
	static const struct backoff b = {
		.first_ms = 1000, .ceiling_ms = 8000, .jitter_percent = 25};
	int64_t low = INT64_MAX, high = 0;

	(void)state;
	for (uint64_t r = 0; r < 5000; r++) {
		int64_t d = backoff_delay(&b, 3, r);

		low = d < low ? d : low;
		high = d > high ? d : high;
		assert_int_equal(d, backoff_delay(&b, 3, r));
	}
	assert_int_equal(low, 3000);
	assert_int_equal(high, 4000);
}

static void extremes(void **state)
{
	static const struct backoff wide = {INT64_MAX / 3, INT64_MAX, 100};
	static const struct backoff none = {0, 1000, 50};
	static const struct backoff over = {5000, 1000, 500};

	(void)state;
	assert_int_equal(backoff_delay(&wide, 90, 0), INT64_MAX);
	assert_true(backoff_delay(&wide, 90, UINT64_MAX) >= 0);
	assert_int_equal(backoff_delay(&none, 9, UINT64_MAX), 0);
	assert_int_equal(backoff_delay(&over, 1, 0), 1000);
	assert_int_equal(backoff_delay(&over, 1, 1000), 0);
}

static void clock_can_be_frozen(void **state)
{
	(void)state;
	clock_freeze(5, 7);
	assert_int_equal(clock_mono_ms(), 5);
	assert_int_equal(clock_wall_ms(), 7);
	clock_freeze(0, 7);
	assert_int_equal(clock_mono_ms(), 0);
	clock_freeze(0, 0);
	assert_true(clock_wall_ms() > 1700000000000);
	assert_true(clock_mono_ms() > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(doubles_to_the_ceiling),
		cmocka_unit_test(jitter_stays_in_its_range),
		cmocka_unit_test(extremes),
		cmocka_unit_test(clock_can_be_frozen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
