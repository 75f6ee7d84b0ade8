/* Raw spans: foreign parts come back byte for byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"

static struct json_span span(const char *text)
{
	return json_span_of(text, strlen(text));
}

static void assert_span(struct json_span s, const char *expected)
{
	if (!json_span_is(s, expected))
		fail_msg("\"%.*s\" is not \"%s\"", (int)s.len, s.len ? s.p : "", expected);
}

static void white_space_is_trimmed(void **state)
{
	(void)state;
	assert_span(span(" \n\t{ } \r\n"), "{ }");
	assert_span(span("1"), "1");
	assert_int_equal(span("  ").len, 0);
	assert_int_equal(span("").len, 0);
}

static void arrays_are_walked(void **state)
{
	(void)state;
	static const char *const parts[] = {"1",
					    "\"a,b\"",
					    "[1, [2]]",
					    "{\"x\":\"]\"}",
					    "\"\\\"]\\\\\"",
					    "null",
					    "-1.5e+3",
					    "12345678901234567890"};
	struct json_cursor c;
	struct json_span key, value;
	assert_true(json_cursor_init(
		&c, span("[1 , \"a,b\",[1, [2]],\n {\"x\":\"]\"}, \"\\\"]\\\\\",null,-1.5e+3 ,"
			 "12345678901234567890 ]")));
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		assert_true(json_cursor_next(&c, &key, &value));
		assert_int_equal(key.len, 0);
		assert_span(value, parts[i]);
	}
	assert_false(json_cursor_next(&c, &key, &value));
	assert_int_equal(value.len, 0);
	assert_false(json_cursor_next(&c, &key, &value));
}

static void objects_are_walked(void **state)
{
	(void)state;
	struct json_cursor c;
	struct json_span key, value;
	assert_true(json_cursor_init(&c, span("{ \"a:\\\"\" : { \"b\" : [ ] } ,\"\":7}")));
	assert_true(json_cursor_next(&c, &key, &value));
	assert_span(key, "\"a:\\\"\"");
	assert_span(value, "{ \"b\" : [ ] }");
	assert_true(json_cursor_next(&c, &key, &value));
	assert_span(key, "\"\"");
	assert_span(value, "7");
	assert_false(json_cursor_next(&c, &key, &value));
}

static void empty_containers_have_nothing(void **state)
{
	(void)state;
	struct json_cursor c;
	struct json_span key, value;
	assert_true(json_cursor_init(&c, span("{ }")));
	assert_false(json_cursor_next(&c, &key, &value));
	assert_true(json_cursor_init(&c, span("[]")));
	assert_false(json_cursor_next(&c, &key, &value));
	assert_false(json_cursor_init(&c, span("\"[]\"")));
	assert_false(json_cursor_next(&c, &key, &value));
	assert_false(json_cursor_init(&c, span("5")));
	assert_false(json_cursor_init(&c, (struct json_span){0}));
}

static void members_are_found(void **state)
{
	(void)state;
	struct json_span o = span("{\"A\":1,\"a\":{\"b\":2},\"\\u0063\\n\":3,\"q\\\"\":4,\"\":5}");
	assert_span(json_span_member(o, "A"), "1");
	assert_span(json_span_member(json_span_member(o, "a"), "b"), "2");
	assert_span(json_span_member(o, "c\n"), "3");
	assert_span(json_span_member(o, "q\""), "4");
	assert_span(json_span_member(o, ""), "5");
	assert_int_equal(json_span_member(o, "b").len, 0);
	assert_int_equal(json_span_member(span("[\"A\",1]"), "A").len, 0);
	assert_int_equal(json_span_member((struct json_span){0}, "A").len, 0);
}

static void strings_are_decoded(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{"\"\"", ""},
		{"\"abc\"", "abc"},
		{"\"\\u00e9\\ud83d\\ude00\\n\\\\\\/\"", "\xc3\xa9\xf0\x9f\x98\x80\n\\/"},
		{"\"x\\ty\"", "x\ty"},
		{"5", NULL},
		{"null", NULL},
		{"", NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(str_t) plain = json_span_string(span(rows[i][0]));
		assert_true(str_equal(plain, rows[i][1]));
	}
}

/* Text that never passed the check may give nonsense, but stays within its bounds. */
static void broken_text_stays_in_bounds(void **state)
{
	(void)state;
	static const char *const rows[] = {"[\"",      "[\"\\]", "{\"a]",    "[}}}", "{:}",
					   "{\"a\":}", "[,,,]",  "{\"a\" ]", "[[[]", "[\"\\"};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t len = strlen(rows[i]);
		char *copy = malloc(len);
		memcpy(copy, rows[i], len);
		struct json_cursor c;
		struct json_span key, value;
		int steps = 0;
		if (json_cursor_init(&c, json_span_of(copy, len)))
			while (json_cursor_next(&c, &key, &value) && steps < 100)
				steps++;
		assert_true(steps < 100);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(white_space_is_trimmed),
		cmocka_unit_test(arrays_are_walked),
		cmocka_unit_test(objects_are_walked),
		cmocka_unit_test(empty_containers_have_nothing),
		cmocka_unit_test(members_are_found),
		cmocka_unit_test(strings_are_decoded),
		cmocka_unit_test(broken_text_stays_in_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
