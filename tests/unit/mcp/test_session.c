#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mcp/era.h"
#include "mcp/session.h"

static const unsigned char key[SESSION_KEY] = "0123456789abcdef0123456789abcdef";
static const unsigned char other_key[SESSION_KEY] = "0123456789abcdef0123456789abcdeg";

static void test_what_was_agreed_comes_back(void **state)
{
	(void)state;
	for (int i = 0; era_version_at(i); i++) {
		for (int elicits = 0; elicits < 2; elicits++) {
			struct session s = {.version = era_version_at(i), .elicits = elicits == 1};
			struct session back = {0};
			char id[SESSION_ID_SIZE];

			session_write(key, &s, "grant a", 1000, id);
			for (const char *p = id; *p; p++)
				assert_in_range(*p, 0x21, 0x7e);
			assert_true(session_read(key, id, "grant a", 2000, &back));
			assert_string_equal(back.version, s.version);
			assert_int_equal(back.elicits, s.elicits);
		}
	}
}

static void test_nobody_else_uses_it(void **state)
{
	struct session s = {.version = VERSION_LATEST}, back;
	char id[SESSION_ID_SIZE], again[SESSION_ID_SIZE];

	(void)state;
	session_write(key, &s, "grant a", 1000, id);
	session_write(key, &s, "grant a", 1000, again);
	assert_string_not_equal(id, again);
	assert_false(session_read(key, id, "grant b", 2000, &back));
	assert_false(session_read(other_key, id, "grant a", 2000, &back));
	assert_true(session_read(key, id, "grant a", 1000 + SESSION_MS, &back));
	assert_false(session_read(key, id, "grant a", 1001 + SESSION_MS, &back));
}

/* Each byte counts, and whatever is sent is only read. */
static void test_made_up_ids(void **state)
{
	static const char *const ids[] = {"", "-", "x", "--------", "0-1-99999999999999-aa-bb"};
	struct session s = {.version = VERSION_LATEST}, back;
	char id[SESSION_ID_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		assert_false(session_read(key, ids[i], "grant a", 0, &back));
	session_write(key, &s, "grant a", 1000, id);
	size_t len = strlen(id);
	for (size_t i = 0; i < len; i++) {
		char was = id[i];

		id[i] = was == '0' ? '1' : '0';
		assert_false(session_read(key, id, "grant a", 1000, &back));
		id[i] = was;
		AUTO(str_t) part = str_ndup(id, i);
		assert_false(session_read(key, part, "grant a", 1000, &back));
	}
	assert_true(session_read(key, id, "grant a", 1000, &back));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_was_agreed_comes_back),
		cmocka_unit_test(test_nobody_else_uses_it),
		cmocka_unit_test(test_made_up_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
