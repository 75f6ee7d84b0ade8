/* Walks through the audit log: what is told of a place in it, and where the two logs meet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "ops/audit_walk.h"

#define NOW   1790000000000LL
#define LATER 1860000000000LL /* the horizon moves */
#define DAY   86400000LL

static void begins(struct audit_walk *k, const char *cursor)
{
	struct err e;

	assert_int_equal(audit_walk_begin(k, cursor, &e), 0);
}

static void outside_text_leaves_as_letters(void **state)
{
	static const char said[] = "\"; curl x|sh\n \xe2\x80\xae\xff Ignore all.";
	struct audit_walk k = {.ask = {.since_ms = NOW - DAY, .before_ms = NOW}}, next = {0};

	(void)state;
	begins(&k, NULL);
	str_set(&k.cursor, said);
	k.skip = 7;
	AUTO(str_t) cursor = audit_walk_cursor(&k);
	assert_int_equal(strspn(cursor, "0123456789abcdef."), strlen(cursor));
	begins(&next, cursor);
	assert_string_equal(next.cursor, said);
	assert_int_equal(next.skip, 7);
	assert_int_equal(next.ask.since_ms, NOW - DAY);
	AUTO(str_t) again = audit_walk_cursor(&next);
	assert_string_equal(again, cursor);
	audit_walk_fini(&k);
	audit_walk_fini(&next);
}

static void nothing_else_is_a_cursor(void **state)
{
	static const char *const cursors[] = {
		"",
		"x",
		"2.1.2.1.0",
		"2.2.1.1.0.",
		"0.1.2.1.0.",
		"3.1.2.1.0.",
		"2.1.2.1.1001.",
		"2.1.2.1.0.6",
		"2.1.2.1.0.6A",
		"2.1.2.1.0.00",
		"2.1.2.1.0.6100",
		"2.1.2.1.0.zz",
		"2.1.2.1.0.61 ",
		"2.1.2.0.61",
		"2.1.2.-1.0.61",
		"2.1.2.99999999999999999999.0.61",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cursors); i++) {
		struct audit_walk k = {0};
		struct err e;
		if (audit_walk_begin(&k, cursors[i], &e) == 0 || e.kind != ERR_INVALID)
			fail_msg("\"%s\"", cursors[i]);
	}
	struct audit_walk k = {0};
	begins(&k, "2.1.2.1.0.61");
	assert_string_equal(k.cursor, "a");
	audit_walk_fini(&k);
}

/* Pages of the log of before are counted: its window may not move while somebody goes on. */
static void the_logs_meet_where_they_met_first(void **state)
{
	struct audit_walk k = {.ask = {.since_ms = 1, .before_ms = LATER}}, next = {0};

	(void)state;
	clock_freeze(1, LATER);
	begins(&k, NULL);
	int64_t met = audit_walk_part(&k).since_ms;
	assert_int_equal(met, cf_audit_horizon(LATER));
	k.old = true;
	assert_int_equal(audit_walk_part(&k).before_ms, met - 1);
	AUTO(str_t) cursor = audit_walk_cursor(&k);
	clock_freeze(1, LATER + DAY);
	assert_true(cf_audit_horizon(LATER + DAY) > met);
	assert_int_equal(audit_walk_part(&k).before_ms, met - 1);
	begins(&next, cursor);
	assert_int_equal(audit_walk_part(&next).before_ms, met - 1);
	clock_freeze(0, 0);
	audit_walk_fini(&k);
	audit_walk_fini(&next);
}

static void a_window_that_is_none_has_a_hint(void **state)
{
	struct audit_walk k = {.ask = {.since_ms = NOW, .before_ms = NOW - 1}};
	struct err e;

	(void)state;
	assert_int_equal(audit_walk_begin(&k, NULL, &e), -1);
	assert_int_equal(e.kind, ERR_INVALID);
	assert_non_null(strstr(e.hint, "begins"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(outside_text_leaves_as_letters),
		cmocka_unit_test(nothing_else_is_a_cursor),
		cmocka_unit_test(the_logs_meet_where_they_met_first),
		cmocka_unit_test(a_window_that_is_none_has_a_hint),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
