/* The error value: sentences that are clean and whole whatever goes in, and the table of kinds. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"

static void set_fills_and_clears(void **state)
{
	struct err e;

	(void)state;
	memset(&e, 0x5a, sizeof(e));
	assert_int_equal(err_set(&e, ERR_BUSY, "%s is %d", "x", 5), -1);
	assert_int_equal(e.kind, ERR_BUSY);
	assert_string_equal(e.message, "x is 5");
	assert_true(e.retryable);
	assert_string_equal(e.hint, "");
	assert_string_equal(e.missing_permission, "");
	assert_int_equal(e.retry_after_ms, 0);
	assert_int_equal(e.cloudflare.status, 0);
	err_set(&e, ERR_INVALID, "no");
	assert_false(e.retryable);
	assert_int_equal(err_set(NULL, ERR_INVALID, "nobody listens"), -1);
}

static void text_is_cleaned(void **state)
{
	struct err e;

	(void)state;
	err_set(&e, ERR_INVALID, "%s", "a\nb\tc\x1b[31m\x7f \xc2\x85 \xe2\x80\xae \xff \xc3\xa9");
	assert_string_equal(e.message, "a?b?c?[31m? ? ? ? \xc3\xa9");
	err_hint(&e, "one\ntwo");
	assert_string_equal(e.hint, "one?two");
	err_wrap(&e, "wh\rere");
	assert_true(str_starts(e.message, "wh?ere: a?b"));
}

/* Whatever the offset, the cut falls between characters and leaves no '?'. */
static void text_is_cut_between_characters(void **state)
{
	char long_text[1000];
	struct err e;

	(void)state;
	for (size_t shift = 0; shift < 4; shift++) {
		memset(long_text, 'x', shift);
		for (size_t i = shift; i + 4 < sizeof(long_text); i += 4)
			memcpy(long_text + i, "\xf0\x9f\x98\x80", 5);
		err_set(&e, ERR_INVALID, "%s", long_text);
		assert_null(strchr(e.message, '?'));
		assert_true(strlen(e.message) > sizeof(e.message) - 5);
		assert_int_equal((strlen(e.message) - shift) % 4, 0);
		err_hint(&e, "%s", long_text);
		assert_null(strchr(e.hint, '?'));
		err_wrap(&e, "%s", long_text);
		assert_null(strchr(e.message, '?'));
	}
}

static void arguments_may_be_the_error_itself(void **state)
{
	struct err e;

	(void)state;
	err_set(&e, ERR_UPSTREAM, "deep");
	err_wrap(&e, "zone %s", "a");
	assert_string_equal(e.message, "zone a: deep");
	assert_int_equal(e.kind, ERR_UPSTREAM);
	err_set(&e, ERR_CONFLICT, "again: %s", e.message);
	assert_string_equal(e.message, "again: zone a: deep");
}

static void errno_becomes_a_kind(void **state)
{
	static const struct {
		int number;
		enum err_kind kind;
	} cases[] = {{ENOENT, ERR_NOT_FOUND},
		     {EACCES, ERR_DENIED},
		     {EPERM, ERR_DENIED},
		     {ENOSPC, ERR_INTERNAL}};
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		errno = cases[i].number;
		assert_int_equal(err_errno(&e, "open %s", "f"), -1);
		assert_int_equal(e.kind, cases[i].kind);
		assert_true(str_starts(e.message, "open f: "));
		assert_true(str_ends(e.message, strerror(cases[i].number)));
	}
}

static void kinds_table(void **state)
{
	static const struct {
		const char *name;
		int http, exit;
	} rows[ERR_KINDS] = {
		{"none", 200, 0},     {"invalid", 400, 64},      {"not_found", 404, 1},
		{"denied", 403, 77},  {"conflict", 409, 1},      {"needs_approval", 409, 77},
		{"busy", 503, 75},    {"rate_limited", 429, 75}, {"upstream", 502, 69},
		{"timeout", 504, 75}, {"cancelled", 409, 1},     {"internal", 500, 1},
	};

	(void)state;
	for (int i = 0; i < ERR_KINDS; i++) {
		enum err_kind kind = (enum err_kind)i;

		assert_string_equal(err_kind_name(kind), rows[i].name);
		assert_int_equal(err_kind_http(kind), rows[i].http);
		assert_int_equal(err_kind_exit(kind), rows[i].exit);
		if (i != ERR_NONE)
			assert_int_equal(err_kind_by_name(rows[i].name), kind);
	}
	assert_int_equal(err_kind_by_name("nonsense"), ERR_INTERNAL);
	assert_int_equal(err_kind_by_name("none"), ERR_INTERNAL);
	assert_int_equal(err_kind_by_name(NULL), ERR_INTERNAL);
	assert_string_equal(err_kind_name((enum err_kind)99), "internal");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_fills_and_clears),
		cmocka_unit_test(text_is_cleaned),
		cmocka_unit_test(text_is_cut_between_characters),
		cmocka_unit_test(arguments_may_be_the_error_itself),
		cmocka_unit_test(errno_becomes_a_kind),
		cmocka_unit_test(kinds_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
