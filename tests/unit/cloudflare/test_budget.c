/* The budget under simulated time: limits, shares, refusals, headers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "cloudflare/budget.h"
#include "cloudflare/limits.h"

#define CALLS  600
#define WINDOW 300000

static int drain(struct budget *b, enum cf_share share, int64_t now)
{
	int n = 0;

	while (n < 100000 && budget_take(b, share, now) == 0)
		n++;
	return n;
}

/* How many calls one greedy share (or all, in turn) gets from one moment to another. */
static int greedy(struct budget *b, int64_t from, int64_t to, enum cf_share first,
		  enum cf_share last)
{
	int n = 0;

	for (int64_t now = from; now < to; now += 50)
		for (int s = (int)first; s <= (int)last; s++)
			n += drain(b, (enum cf_share)s, now);
	return n;
}

static void no_window_holds_more_than_the_limit(void **state)
{
	static const int64_t limits[] = {600, 300, 60, 30, 12, 10};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		struct budget b;
		int counts[4];

		budget_init(&b, limits[i], WINDOW, 0);
		/* a window after a rest, the next ones under full load, one after another rest */
		counts[0] = greedy(&b, WINDOW, 2 * WINDOW, CF_SHARE_PEOPLE, CF_SHARE_READS);
		counts[1] = greedy(&b, 2 * WINDOW, 3 * WINDOW, CF_SHARE_PEOPLE, CF_SHARE_READS);
		counts[2] = greedy(&b, 5 * WINDOW, 6 * WINDOW, CF_SHARE_PEOPLE, CF_SHARE_READS);
		counts[3] = greedy(&b, 6 * WINDOW, 7 * WINDOW, CF_SHARE_READS, CF_SHARE_READS);
		for (size_t j = 0; j < ARRAY_LEN(counts); j++) {
			assert_true(counts[j] <= limits[i]);
			assert_true(j == 3 || counts[j] >= limits[i] / 2);
		}
	}
}

static void tiny_budgets_do_not_stand_still(void **state)
{
	(void)state;
	for (int64_t calls = -1; calls <= 5; calls++) {
		struct budget b;

		budget_init(&b, calls, WINDOW, 0);
		for (int s = 0; s < CF_SHARES; s++) {
			int64_t now = s * 100000000LL;
			int64_t wait;

			for (int i = 0; i < 20; i++, now += wait)
				wait = budget_take(&b, (enum cf_share)s, now);
			assert_true(now > s * 100000000LL);
			assert_true(now < (s + 1) * 100000000LL);
		}
	}
}

static void reconciling_leaves_a_share_to_people(void **state)
{
	struct budget b;

	(void)state;
	budget_init(&b, CALLS, WINDOW, 0);
	assert_int_equal(drain(&b, CF_SHARE_RECONCILE, 0), 80);
	assert_int_equal(drain(&b, CF_SHARE_READS, 0), 40);
	assert_int_equal(drain(&b, CF_SHARE_PEOPLE, 0), 80);

	/* hours of greed later as well */
	(void)greedy(&b, 0, 3600000, CF_SHARE_RECONCILE, CF_SHARE_READS);
	assert_true(drain(&b, CF_SHARE_PEOPLE, 3600000) >= 79);
}

static void people_borrow_and_others_do_not(void **state)
{
	struct budget b;

	(void)state;
	budget_init(&b, CALLS, WINDOW, 0);
	assert_int_equal(drain(&b, CF_SHARE_PEOPLE, 0), 200);
	assert_true(budget_take(&b, CF_SHARE_RECONCILE, 0) > 0);
	assert_true(budget_take(&b, CF_SHARE_READS, 0) > 0);
}

static void what_overflows_goes_to_the_busy(void **state)
{
	struct budget b;

	(void)state;
	budget_init(&b, CALLS, WINDOW, 0);
	(void)drain(&b, CF_SHARE_RECONCILE, 0);
	/* 400 calls drip in over a window, all of them for the only one that calls */
	int n = greedy(&b, 0, WINDOW, CF_SHARE_RECONCILE, CF_SHARE_RECONCILE);

	assert_in_range(n, 395, 401);
}

static void the_wait_is_true(void **state)
{
	(void)state;
	for (int s = 0; s < CF_SHARES; s++) {
		struct budget b;

		budget_init(&b, CALLS, WINDOW, 1000);
		for (int other = 0; other < CF_SHARES; other++)
			(void)drain(&b, (enum cf_share)other, 1000);
		int64_t wait = budget_take(&b, (enum cf_share)s, 1000);
		assert_true(wait > 0 && wait < 10000);
		struct budget early = b;
		assert_true(budget_take(&early, (enum cf_share)s, 1000 + wait / 2) > 0);
		assert_int_equal(budget_take(&b, (enum cf_share)s, 1000 + wait), 0);
	}
}

static void a_refusal_stops_everybody(void **state)
{
	struct budget b;
	int64_t left, reset;

	(void)state;
	budget_init(&b, CALLS, WINDOW, 0);
	budget_refused(&b, 5000, 1000);
	for (int s = 0; s < CF_SHARES; s++) {
		assert_int_equal(budget_take(&b, (enum cf_share)s, 1000), 5000);
		assert_int_equal(budget_take(&b, (enum cf_share)s, 5999), 1);
	}
	budget_left(&b, 2000, &left, &reset);
	assert_int_equal(left, 0);
	assert_int_equal(reset, 4000);
	/* and no burst behind it */
	assert_int_equal(drain(&b, CF_SHARE_RECONCILE, 6000), 1);
	assert_int_equal(drain(&b, CF_SHARE_PEOPLE, 6000), 2);
}

static void refusals_without_or_with_mad_times(void **state)
{
	struct budget b;

	(void)state;
	budget_init(&b, CALLS, WINDOW, 0);
	budget_refused(&b, 0, 0);
	assert_int_equal(budget_take(&b, CF_SHARE_PEOPLE, 0), 60000);
	budget_refused(&b, 1000, 0); /* a shorter one does not shorten it */
	assert_int_equal(budget_take(&b, CF_SHARE_PEOPLE, 0), 60000);
	budget_refused(&b, INT64_MAX / 2, 0);
	assert_int_equal(budget_take(&b, CF_SHARE_PEOPLE, 0), 3600000);
	budget_refused(&b, -5, 7200000);
	assert_int_equal(budget_take(&b, CF_SHARE_PEOPLE, 7200000), 60000);
}

static void headers_slow_us_down(void **state)
{
	struct budget b;
	int64_t left, reset;

	(void)state;
	budget_init(&b, CALLS, WINDOW, 0);
	budget_headers(&b, "\"default\";r=3;t=30", "\"default\";q=1200;w=300", 1000);
	assert_int_equal(b.limit, 1200);
	budget_left(&b, 1000, &left, &reset);
	assert_int_equal(left, 3);
	assert_int_equal(reset, 30000);
	/* what is left is kept for people */
	assert_int_equal(budget_take(&b, CF_SHARE_RECONCILE, 1000), 30000);
	assert_int_equal(budget_take(&b, CF_SHARE_READS, 1000), 30000);
	assert_int_equal(drain(&b, CF_SHARE_PEOPLE, 1000), 3);
	assert_int_equal(budget_take(&b, CF_SHARE_PEOPLE, 2000), 29000);
	assert_int_equal(budget_take(&b, CF_SHARE_RECONCILE, 31000), 0);
	budget_left(&b, 31000, &left, &reset);
	assert_int_equal(left, -1);
}

static void the_lowest_figure_of_a_window_counts(void **state)
{
	struct budget b;

	(void)state;
	budget_init(&b, CALLS, WINDOW, 0);
	budget_headers(&b, "\"d\";r=5;t=30", NULL, 0);
	budget_headers(&b, "\"d\";r=9;t=30", NULL, 100); /* an older answer, overtaken */
	assert_int_equal(b.remaining, 5);
	budget_headers(&b, "\"d\";r=2;t=29", NULL, 1000);
	assert_int_equal(b.remaining, 2);
	budget_headers(&b, "\"d\";r=100;t=300", NULL, 1500); /* a new window */
	assert_int_equal(b.remaining, 100);
	budget_headers(&b, "\"d\";r=0;t=0", NULL, 1600);
	assert_int_equal(b.remaining, 100);
}

static void mad_resets_are_capped(void **state)
{
	struct budget b;

	(void)state;
	budget_init(&b, CALLS, WINDOW, 0);
	budget_headers(&b, "\"d\";r=0;t=999999999999999", NULL, 0);
	assert_int_equal(budget_take(&b, CF_SHARE_PEOPLE, 0), 3600000);
}

struct header_row {
	const char *text;
	int items;
	int64_t count, seconds; /* of the tightest; -1 = none */
};

static const struct header_row header_rows[] = {
	{NULL, 0, -1, -1},
	{"", 0, -1, -1},
	{"   ", 0, -1, -1},
	{"\"default\";r=50;t=30", 1, 50, 30},
	{"default;r=50;t=30", 1, 50, 30},
	{" \"a\";r=50;t=30 , \"b\";r=3;t=7", 2, 3, 7},
	{"\"a\";r=3;t=7,\"b\";r=3;t=90", 2, 3, 90},
	{"\"a\"; r=3; t=7", 1, 3, 7},
	{"\"a\";t=7;r=3", 1, 3, 7},
	{"\"a\";r=3;t=7;pk=:Zm9v:;x;y=?1;z=1.5", 1, 3, 7},
	{"\"with, comma; and \\\" quote\";r=1;t=2", 1, 1, 2},
	{"\"a\";t=7, \"b\";r=4;t=8", 1, 4, 8},
	{"\"a\";r=4", 1, -1, -1},
	{"\"a\"", 0, -1, -1},
	{"\"a\";r=1;r=2;t=1", 1, 2, 1},
	/* malformed: all of it is ignored */
	{"\"a", 0, -1, -1},
	{"\"a\";", 0, -1, -1},
	{"\"a\";r", 0, -1, -1},
	{"\"a\";r=", 0, -1, -1},
	{"\"a\";r=;t=1", 0, -1, -1},
	{"\"a\";r=-1;t=1", 0, -1, -1},
	{"\"a\";r=1.5;t=1", 0, -1, -1},
	{"\"a\";r=\"5\";t=1", 0, -1, -1},
	{"\"a\";r=5;t=x", 0, -1, -1},
	{"\"a\";r=9999999999999999;t=1", 0, -1, -1},
	{"\"a\";r=5;t=1,", 0, -1, -1},
	{",\"a\";r=5;t=1", 0, -1, -1},
	{"\"a\";r=5;t=1 \"b\";r=1;t=1", 0, -1, -1},
	{"\"a\";r=5;t=1;;", 0, -1, -1},
	{"\"a\\x\";r=5;t=1", 0, -1, -1},
	{"\"a\\", 0, -1, -1},
	{"\"a\x01\";r=5;t=1", 0, -1, -1},
	{"limit=100, remaining=50, reset=30", 0, -1, -1},
	{"50", 0, -1, -1},
	{"\xff\xfe", 0, -1, -1},
	{"a;r=1;t=1,b;r=1;t=1,c;r=1;t=1,d;r=1;t=1,e;r=1;t=1,f;r=1;t=1,g;r=1;t=1,h;r=1;t=1,i;r=0;t="
	 "1",
	 8, 1, 1},
};

static void header_lists(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(header_rows); i++) {
		const struct header_row *r = &header_rows[i];
		struct limit_item items[LIMIT_ITEMS];
		int n = limits_parse(r->text, 'r', 't', items);
		const struct limit_item *least = limits_least(items, n);

		if (n != r->items || (least ? least->count : -1) != r->count ||
		    (least ? least->seconds : -1) != r->seconds)
			fail_msg("row %zu (%s): %d items, %lld in %lld", i, r->text ? r->text : "-",
				 n, least ? (long long)least->count : -1,
				 least ? (long long)least->seconds : -1);
	}
}

static void long_headers_and_names(void **state)
{
	struct limit_item items[LIMIT_ITEMS];
	char text[4000];

	(void)state;
	memset(text, 'a', sizeof(text));
	strcpy(text + 3900, ";r=1;t=1");
	assert_int_equal(limits_parse(text, 'r', 't', items), 0);
	strcpy(text + 100, ";r=1;t=1");
	assert_int_equal(limits_parse(text, 'r', 't', items), 1);
	assert_int_equal(strlen(items[0].name), 31);
}

static void a_malformed_header_changes_nothing(void **state)
{
	struct budget b;

	(void)state;
	budget_init(&b, CALLS, WINDOW, 0);
	budget_headers(&b, "\"d\";r=5;t=30", "\"d\";q=100;w=60", 0);
	struct budget before = b;

	budget_headers(&b, "\"d\";r=x", "q=;;", 10);
	budget_headers(&b, NULL, NULL, 20);
	assert_memory_equal(&b, &before, sizeof(b));
}

static void the_policy_of_the_same_name_counts(void **state)
{
	struct budget b;

	(void)state;
	budget_init(&b, CALLS, WINDOW, 0);
	budget_headers(&b, "\"long\";r=5;t=30, \"burst\";r=40;t=1",
		       "\"burst\";q=100;w=60, \"long\";q=1200;w=300", 0);
	assert_int_equal(b.limit, 1200);
	assert_int_equal(b.remaining, 5);
	budget_headers(&b, "\"other\";r=4;t=30", "\"burst\";q=100;w=60, \"long\";q=1200;w=300", 1);
	assert_int_equal(b.limit, 100);
}

static void resizing_is_no_gift(void **state)
{
	struct budget b;

	(void)state;
	budget_init(&b, CALLS, WINDOW, 0);
	for (int s = 0; s < CF_SHARES; s++)
		(void)drain(&b, (enum cf_share)s, 0);
	budget_refused(&b, 100, 0);
	budget_headers(&b, "\"d\";r=70;t=30", "\"d\";q=100;w=60", 0);
	budget_resize(&b, 1200, WINDOW, 0);
	assert_int_equal(budget_take(&b, CF_SHARE_PEOPLE, 0), 100);
	assert_int_equal(b.remaining, 70);
	assert_int_equal(b.limit, 100);
	assert_true(drain(&b, CF_SHARE_PEOPLE, 100) <= 2);
}

static void time_that_goes_backwards_gives_nothing(void **state)
{
	struct budget b;

	(void)state;
	budget_init(&b, CALLS, WINDOW, 100000);
	(void)drain(&b, CF_SHARE_RECONCILE, 100000);
	assert_true(budget_take(&b, CF_SHARE_RECONCILE, 5) > 0);
	assert_true(budget_take(&b, CF_SHARE_RECONCILE, 100000) > 0);
}

static void retry_after_forms(void **state)
{
	static const int64_t now = 784111770000; /* Sun, 06 Nov 1994 08:49:30 GMT */
	static const struct {
		const char *text;
		int64_t ms;
	} forms[] = {
		{NULL, 0},
		{"", 0},
		{"30", 30000},
		{" 30", 30000},
		{"0", 1000},
		{"-5", 0},
		{"1.5", 0},
		{"30s", 0},
		{"99999999999", 86400000},
		{"999999999999999999999", 0},
		{"Sun, 06 Nov 1994 08:49:37 GMT", 7000},
		{"Sun, 06 Nov 1994 08:49:20 GMT", 0},
		{"Sun, 06 Nov 2194 08:49:37 GMT", 86400000},
		{"Sun, 06 Nov 1994 08:49:37 CET", 0},
		{"Sun, 06 Nov 1994 08:49:37 GMT+1", 0},
		{"Sun, 06 Foo 1994 08:49:37 GMT", 0},
		{"Sun, 06 anF 1994 08:49:37 GMT", 0},
		{"soon", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(forms); i++)
		if (retry_after_parse(forms[i].text, now) != forms[i].ms)
			fail_msg("row %zu: %lld", i,
				 (long long)retry_after_parse(forms[i].text, now));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_window_holds_more_than_the_limit),
		cmocka_unit_test(tiny_budgets_do_not_stand_still),
		cmocka_unit_test(reconciling_leaves_a_share_to_people),
		cmocka_unit_test(people_borrow_and_others_do_not),
		cmocka_unit_test(what_overflows_goes_to_the_busy),
		cmocka_unit_test(the_wait_is_true),
		cmocka_unit_test(a_refusal_stops_everybody),
		cmocka_unit_test(refusals_without_or_with_mad_times),
		cmocka_unit_test(headers_slow_us_down),
		cmocka_unit_test(the_lowest_figure_of_a_window_counts),
		cmocka_unit_test(mad_resets_are_capped),
		cmocka_unit_test(header_lists),
		cmocka_unit_test(long_headers_and_names),
		cmocka_unit_test(a_malformed_header_changes_nothing),
		cmocka_unit_test(the_policy_of_the_same_name_counts),
		cmocka_unit_test(resizing_is_no_gift),
		cmocka_unit_test(time_that_goes_backwards_gives_nothing),
		cmocka_unit_test(retry_after_forms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
