/* What is wrong with a process that says it is well, and how often that may be put right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <unistd.h>

#include "base/mem.h"
#include "supervise/heal.h"
#include "supervise/resources.h"

#define NOW  1000000
#define WALL 5000000000LL
#define HOUR (3600 * 1000LL)
#define DAY  (24 * HOUR)

static const struct heal_kept never;
static const struct heal_kept waits = {.heals = 1, .healed_ms = WALL - 1, .again_ms = WALL + 500};
static const struct heal_kept over = {.heals = 1, .healed_ms = WALL - HOUR, .again_ms = WALL};
static const struct heal_kept tried_7 = {.stale_version = 7};

#define BASE .now_ms = NOW, .wall_ms = WALL, .serves = true, .apart_ms = 30000

/* clang-format off */
static const struct {
	const char *what;
	struct heal_facts f;
	struct heal_verdict want;
} rows[] = {
	{"all is well", {BASE, .kept = &never}, {REASON_NONE, false, 0}},
	{"serves nobody: others see to it", {.now_ms = NOW, .wall_ms = WALL, .missed_since_ms = 1, .missed_ms = NOW, .over = 9, .kept = &never}, {REASON_NONE, false, 0}},
	{"missed once", {BASE, .missed_since_ms = NOW - 40000, .missed_ms = NOW - 40000, .kept = &never}, {REASON_NONE, false, 0}},
	{"missed twice, too close", {BASE, .missed_since_ms = NOW - 40000, .missed_ms = NOW - 10001, .kept = &never}, {REASON_NONE, false, 0}},
	{"missed twice", {BASE, .missed_since_ms = NOW - 40000, .missed_ms = NOW - 10000, .kept = &never}, {REASON_HALF_OPEN, true, 0}},
	{"missed twice, replaced just now", {BASE, .missed_since_ms = NOW - 40000, .missed_ms = NOW - 10000, .kept = &waits}, {REASON_HALF_OPEN, false, NOW + 500}},
	{"missed twice, replaced long ago", {BASE, .missed_since_ms = NOW - 40000, .missed_ms = NOW - 10000, .kept = &over}, {REASON_HALF_OPEN, true, 0}},
	{"behind, not long", {BASE, .behind_since_ms = NOW - 29999, .version_wanted = 7, .kept = &never}, {REASON_NONE, false, NOW + 1}},
	{"behind for long", {BASE, .behind_since_ms = NOW - 30000, .version_wanted = 7, .kept = &never}, {REASON_STALE, true, 0}},
	{"behind, once replaced for it", {BASE, .behind_since_ms = NOW - 30000, .version_wanted = 7, .kept = &tried_7}, {REASON_STALE, false, 0}},
	{"behind, the next version", {BASE, .behind_since_ms = NOW - 30000, .version_wanted = 8, .kept = &tried_7}, {REASON_STALE, true, 0}},
	{"behind, the next version, too soon", {BASE, .behind_since_ms = NOW - 30000, .version_wanted = 8, .kept = &waits}, {REASON_STALE, false, NOW + 500}},
	{"above a ceiling twice", {BASE, .over = 2, .kept = &never}, {REASON_NONE, false, 0}},
	{"above a ceiling three times", {BASE, .over = 3, .kept = &never}, {REASON_RESOURCES, true, 0}},
	{"above a ceiling again", {BASE, .over = 3, .kept = &waits}, {REASON_RESOURCES, false, NOW + 500}},
};
/* clang-format on */

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct heal_verdict v = heal_judge(&rows[i].f);

		if (v.reason != rows[i].want.reason || v.replace != rows[i].want.replace ||
		    v.wake_ms != rows[i].want.wake_ms)
			fail_msg("%s: reason %d, replace %d, wake %lld", rows[i].what,
				 (int)v.reason, v.replace, (long long)v.wake_ms);
	}
}

static void test_ceiling(void **state)
{
	struct heal_kept k = {0};
	int64_t wall = WALL;
	int in_a_day = 0;

	(void)state;
	/* As often as it may: no more than a handful on the first day. */
	while (wall < WALL + DAY) {
		heal_done(&k, REASON_HALF_OPEN, 0, wall, 0);
		assert_true(k.again_ms - wall >= 9 * 60 * 1000);
		assert_true(k.again_ms - wall <= HEAL_MOST_MS);
		wall = k.again_ms;
		in_a_day++;
	}
	assert_in_range(in_a_day, 5, 10);
	/* A day without: it begins anew. */
	heal_done(&k, REASON_HALF_OPEN, 0, wall + 2 * DAY, 0);
	assert_int_equal(k.heals, 1);
}

static void test_resources_once_an_hour(void **state)
{
	struct heal_kept k = {0};

	(void)state;
	heal_done(&k, REASON_RESOURCES, 0, WALL, 0);
	assert_true(k.again_ms - WALL >= RESOURCES_WAIT_MS);
	k = (struct heal_kept){0};
	heal_done(&k, REASON_HALF_OPEN, 0, WALL, 0);
	assert_true(k.again_ms - WALL < RESOURCES_WAIT_MS);
}

static void test_once_for_a_version(void **state)
{
	struct heal_kept k = {0};

	(void)state;
	heal_done(&k, REASON_STALE, 7, WALL, 0);
	assert_int_equal(k.stale_version, 7);
	heal_done(&k, REASON_HALF_OPEN, 0, WALL, 0);
	assert_int_equal(k.stale_version, 7);
}

static void test_recalled_with_care(void **state)
{
	struct heal_kept k = {.again_ms = WALL + 30 * DAY};

	(void)state;
	heal_recall(&k, WALL);
	assert_int_equal(k.again_ms, WALL + HEAL_MOST_MS);
}

/* ---- resources ---- */

static void test_texts_of_proc(void **state)
{
	(void)state;
	assert_int_equal(resources_pages("31342 9021 4300 2800 0 20000 0\n"), 9021);
	assert_int_equal(resources_pages("31342"), -1);
	assert_int_equal(resources_pages(""), -1);
	assert_int_equal(resources_pages("1 -5"), -1);
	assert_int_equal(resources_limit("Limit  Soft  Hard\n"
					 "Max processes             10  20  processes\n"
					 "Max open files            1024  524288  files\n"),
			 1024);
	assert_int_equal(resources_limit("Max open files   unlimited unlimited files\n"), -1);
	assert_int_equal(resources_limit(""), -1);
}

static void test_ceilings(void **state)
{
	static const struct {
		struct resources r;
		bool over;
	} cases[] = {
		{{-1, -1, -1}, false},
		{{36 << 20, 15, 1024}, false},
		{{1024LL << 20, 15, 1024}, false},
		{{(1024LL << 20) + 4096, 15, 1024}, true},
		{{36 << 20, 80, 100}, false},
		{{36 << 20, 81, 100}, true},
		{{36 << 20, 100000, -1}, false},
		{{36 << 20, -1, 100}, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (resources_over(&cases[i].r) != cases[i].over)
			fail_msg("case %zu", i);
}

static void test_of_a_process(void **state)
{
	struct resources mine, nobody;

	(void)state;
	resources_read(getpid(), &mine);
	assert_true(mine.rss_bytes > 1 << 20);
	assert_true(mine.open_fds >= 3 && mine.open_fds < 1000);
	assert_true(mine.fds_limit == -1 || mine.fds_limit >= mine.open_fds);
	/* No process has that number. */
	resources_read(0x7ffffff0, &nobody);
	assert_int_equal(nobody.rss_bytes, -1);
	assert_int_equal(nobody.open_fds, -1);
	assert_false(resources_over(&nobody));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_ceiling),
		cmocka_unit_test(test_resources_once_an_hour),
		cmocka_unit_test(test_once_for_a_version),
		cmocka_unit_test(test_recalled_with_care),
		cmocka_unit_test(test_texts_of_proc),
		cmocka_unit_test(test_ceilings),
		cmocka_unit_test(test_of_a_process),
	};

	return cmocka_run_group_tests_name("heal", tests, NULL, NULL);
}
