/* How often Cloudflare is observed: fleets, budgets, and never more than a tenth. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/mem.h"
#include "reconcile/pace.h"

#define HOUR    (3600 * 1000LL)
#define MINUTE  (60 * 1000LL)
#define SECONDS 1000LL

static const struct {
	struct pace_facts facts;
	int64_t interval_from, interval_to, sweep_from, sweep_to;
} cases[] = {
	/* one zone, one tunnel: as the settings say */
	{{60 * SECONDS, 3, 1, 600, 5 * MINUTE}, MINUTE, MINUTE, HOUR, HOUR},
	/* the first observation has not been made */
	{{60 * SECONDS, 0, 0, 600, 5 * MINUTE}, MINUTE, MINUTE, HOUR, HOUR},
	/* 1,000 tunnels and 10,000 records in one zone: four calls a minute, the sweep gives way */
	{{60 * SECONDS, 4, 1000, 600, 5 * MINUTE}, MINUTE, MINUTE, 2 * HOUR, 3 * HOUR},
	/* the same in 20 zones: 23 calls */
	{{60 * SECONDS, 23, 1000, 600, 5 * MINUTE}, 2 * MINUTE, 3 * MINUTE, 6 * HOUR, 7 * HOUR},
	/* ten hosts on one token */
	{{60 * SECONDS, 4, 1000, 60, 5 * MINUTE}, 4 * MINUTE, 5 * MINUTE, 60 * HOUR, 70 * HOUR},
	/* a long interval leaves more to the sweep */
	{{10 * MINUTE, 23, 1000, 600, 5 * MINUTE}, 10 * MINUTE, 10 * MINUTE, HOUR, 2 * HOUR},
	/* one call a window */
	{{60 * SECONDS, 3, 1, 1, 5 * MINUTE}, 3 * HOUR, 4 * HOUR, 4 * HOUR, 5 * HOUR},
	/* no limit known */
	{{60 * SECONDS, 4000, 1000, 0, 0}, MINUTE, MINUTE, HOUR, HOUR},
};

static void within(size_t i, const char *what, int64_t n, int64_t from, int64_t to)
{
	if (n < from || n > to)
		fail_msg("case %zu: %s is %lld s", i, what, (long long)(n / 1000));
}

static void each_case(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct pace p = pace_of(&cases[i].facts);
		within(i, "interval", p.interval_ms, cases[i].interval_from, cases[i].interval_to);
		within(i, "sweep", p.sweep_ms, cases[i].sweep_from, cases[i].sweep_to);
	}
}

static void never_more_than_a_tenth(void **state)
{
	(void)state;
	for (int64_t calls = 1; calls < 5000; calls = calls * 3 + 1)
		for (int64_t tunnels = 0; tunnels < 20000; tunnels = tunnels * 5 + 1)
			for (int64_t budget = 1; budget < 5000; budget *= 7) {
				struct pace_facts f = {MINUTE, calls, tunnels, budget, 5 * MINUTE};
				struct pace p = pace_of(&f);
				double rate = (double)calls / (double)p.interval_ms +
					      (double)tunnels / (double)p.sweep_ms;
				double most = (double)budget / (double)(5 * MINUTE) / 10;
				if (rate > most * 1.0001)
					fail_msg("%lld calls, %lld tunnels, budget %lld",
						 (long long)calls, (long long)tunnels,
						 (long long)budget);
			}
}

static void hints_are_half_of_what_is_left(void **state)
{
	static const struct {
		struct pace_facts facts;
		int64_t hints;
	} rows[] = {
		{{60 * SECONDS, 4, 1, 600, 5 * MINUTE}, 4},
		{{60 * SECONDS, 0, 0, 600, 5 * MINUTE}, 6},
		{{60 * SECONDS, 23, 1000, 600, 5 * MINUTE}, 2},
		{{60 * SECONDS, 3, 1, 1, 5 * MINUTE}, 1}, /* one is always let through */
		{{24 * HOUR, 3, 1, 600, 5 * MINUTE}, 100},
		{{60 * SECONDS, 4000, 1000, 0, 0}, 100},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(pace_of(&rows[i].facts).hints, rows[i].hints);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_case),
		cmocka_unit_test(never_more_than_a_tenth),
		cmocka_unit_test(hints_are_half_of_what_is_left),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
