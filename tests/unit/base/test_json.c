/* Documents and getters: what cJSON would get wrong alone must come out right here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"

static struct json_doc *parse(const char *text)
{
	struct json_doc *doc = NULL;
	struct err e = {0};
	if (json_parse(text, strlen(text), NULL, &doc, &e) < 0)
		fail_msg("%s: %s", text, e.message);
	return doc;
}

static void values_have_types(void **state)
{
	(void)state;
	AUTO(json_doc_t)
	doc = parse("{\"n\":null,\"b\":true,\"i\":5,\"s\":\"x\",\"a\":[],\"o\":{}}");
	const struct json *r = json_root(doc);
	assert_int_equal(json_type(r), JSON_OBJECT);
	assert_int_equal(json_type(json_get(r, "n")), JSON_NULL);
	assert_int_equal(json_type(json_get(r, "b")), JSON_BOOL);
	assert_int_equal(json_type(json_get(r, "i")), JSON_NUMBER);
	assert_int_equal(json_type(json_get(r, "s")), JSON_STRING);
	assert_int_equal(json_type(json_get(r, "a")), JSON_ARRAY);
	assert_int_equal(json_type(json_get(r, "o")), JSON_OBJECT);
	assert_int_equal(json_count(r), 6);
	assert_string_equal(json_type_name(JSON_OBJECT), "an object");
	assert_true(json_is_null(json_get(r, "n")));
	assert_false(json_is_null(json_get(r, "b")));
}

static void keys_are_case_sensitive(void **state)
{
	(void)state;
	AUTO(json_doc_t) doc = parse("{\"A\":1,\"a\":2,\"\\u00e9\":3}");
	const struct json *r = json_root(doc);
	assert_int_equal(json_get_int(r, "a", 0), 2);
	assert_int_equal(json_get_int(r, "A", 0), 1);
	assert_int_equal(json_get_int(r, "\xc3\xa9", 0), 3);
	assert_null(json_get(r, "b"));
}

static void absent_is_quiet(void **state)
{
	(void)state;
	int64_t i = 7;
	assert_int_equal(json_type(NULL), JSON_NULL);
	assert_true(json_is_null(NULL));
	assert_null(json_root(NULL));
	assert_null(json_get(NULL, "a"));
	assert_null(json_first(NULL));
	assert_null(json_next(NULL));
	assert_null(json_key(NULL));
	assert_int_equal(json_count(NULL), 0);
	assert_null(json_string(NULL));
	assert_true(json_bool(NULL, true));
	assert_false(json_int(NULL, &i));
	assert_int_equal(i, 7);
	assert_int_equal(json_int_or(NULL, 9), 9);
	assert_int_equal(json_raw(NULL).len, 0);
	json_doc_free(NULL);
}

static void wrong_types_give_the_other_value(void **state)
{
	(void)state;
	AUTO(json_doc_t) doc = parse("{\"s\":\"5\",\"i\":5,\"b\":false}");
	const struct json *r = json_root(doc);
	assert_int_equal(json_get_int(r, "s", -1), -1);
	assert_null(json_get_string(r, "i"));
	assert_true(json_get_bool(r, "i", true));
	assert_false(json_get_bool(r, "b", true));
	assert_null(json_get(json_get(r, "s"), "x"));
	assert_null(json_first(json_get(r, "s")));
}

static void only_exact_integers_count(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool accepted;
		int64_t value;
	} rows[] = {
		{"0", true, 0},
		{"-0", true, 0},
		{"-17", true, -17},
		{"1.0", true, 1},
		{"1e3", true, 1000},
		{"2147483648", true, 2147483648},
		{"9007199254740991", true, 9007199254740991},
		{"9007199254740992", true, 9007199254740992},
		{"-9007199254740992", true, -9007199254740992},
		{"9007199254740993", false, 0},
		{"-9007199254740993", false, 0},
		{"9007199254740994", false, 0},
		{"12345678901234567890", false, 0},
		{"1.5", false, 0},
		{"1e300", false, 0},
		{"\"1\"", false, 0},
		{"true", false, 0},
		{"null", false, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(json_doc_t) doc = parse(rows[i].text);
		int64_t value = 0;
		if (json_int(json_root(doc), &value) != rows[i].accepted)
			fail_msg("%s", rows[i].text);
		assert_int_equal(value, rows[i].value);
	}
}

static void members_come_in_order(void **state)
{
	(void)state;
	AUTO(json_doc_t) doc = parse("{\"z\":1,\"a\":2,\"m\":3}");
	char keys[8] = "";
	JSON_EACH (m, json_root(doc))
		strcat(keys, json_key(m));
	assert_string_equal(keys, "zam");
}

static void assert_raw(const struct json *v, const char *expected)
{
	struct json_span s = json_raw(v);
	assert_int_equal(s.len, strlen(expected));
	assert_memory_equal(s.p, expected, s.len);
}

static void raw_text_is_kept(void **state)
{
	(void)state;
	static const char text[] = " { \"id\" : 12345678901234567890 , \"f\":1.50 ,\n"
				   "\"o\": {\"x\": [1, 2e0 ,{}] }, \"s\":\"t\" } ";
	AUTO(json_doc_t) doc = parse(text);
	const struct json *r = json_root(doc), *x = json_get(json_get(r, "o"), "x");
	assert_raw(json_get(r, "id"), "12345678901234567890");
	assert_raw(json_get(r, "f"), "1.50");
	assert_raw(json_get(r, "o"), "{\"x\": [1, 2e0 ,{}] }");
	assert_raw(x, "[1, 2e0 ,{}]");
	assert_raw(json_next(json_first(x)), "2e0");
	assert_raw(json_next(json_next(json_first(x))), "{}");
	assert_int_equal(json_raw(json_get(r, "s")).len, 0);
	assert_int_equal(json_raw(r).len, strlen(text) - 2);
}

static void printing_keeps_values(void **state)
{
	(void)state;
	AUTO(json_doc_t)
	doc = parse(
		"{ \"a\" : [ 9007199254740993 , 1.50, true, null, \"\\u0041\\n\\\"\" ],\"o\":{} }");
	AUTO(buf_t) b = {0};
	json_print(json_root(doc), &b);
	assert_string_equal(buf_text(&b), "{\"a\":[9007199254740993,1.50,true,null,\"A\\n\\\"\"],"
					  "\"o\":{}}");
}

static void strings_are_decoded(void **state)
{
	(void)state;
	AUTO(json_doc_t) doc = parse("[\"\\ud83d\\ude00\\u00e9\\/\\b\\f\",\"\\u2028\"]");
	const struct json *first = json_first(json_root(doc));
	assert_string_equal(json_string(first), "\xf0\x9f\x98\x80\xc3\xa9/\b\f");
	assert_string_equal(json_string(json_next(first)), "\xe2\x80\xa8");
}

static void failure_leaves_doc_alone(void **state)
{
	(void)state;
	struct json_doc *doc = NULL;
	struct err e;
	assert_int_equal(json_parse("{\"a\":1", 6, NULL, &doc, &e), -1);
	assert_null(doc);
	assert_int_equal(json_parse("[1]x", 4, NULL, &doc, &e), -1);
	assert_null(doc);
}

static void documents_do_not_share(void **state)
{
	(void)state;
	AUTO(json_doc_t) a = parse("{\"k\":\"first\"}");
	{
		AUTO(json_doc_t) b = parse("{\"k\":\"second\"}");
		assert_string_equal(json_get_string(json_root(b), "k"), "second");
	}
	assert_string_equal(json_get_string(json_root(a), "k"), "first");
}

static void large_documents_parse(void **state)
{
	(void)state;
	AUTO(buf_t) b = {0};
	struct err e;
	buf_str(&b, "[");
	for (int i = 0; i < 50000; i++)
		buf_printf(&b, "%s{\"i\":%d,\"s\":\"value %d\"}", i ? "," : "", i, i);
	buf_str(&b, "]");
	AUTO(json_doc_t) doc = NULL;
	assert_int_equal(json_parse(b.data, b.len, NULL, &doc, &e), 0);
	int64_t expected = 0;
	JSON_EACH (item, json_root(doc)) {
		assert_int_equal(json_get_int(item, "i", -1), expected);
		expected++;
	}
	assert_int_equal(expected, 50000);
	/* One string that is larger than any piece of the arena. */
	AUTO(buf_t) big = {0};
	buf_char(&big, '"');
	for (int i = 0; i < 3000000; i++)
		buf_char(&big, 'x');
	buf_char(&big, '"');
	AUTO(json_doc_t) doc2 = NULL;
	assert_int_equal(json_parse(big.data, big.len, NULL, &doc2, &e), 0);
	assert_int_equal(strlen(json_string(json_root(doc2))), 3000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_have_types),
		cmocka_unit_test(keys_are_case_sensitive),
		cmocka_unit_test(absent_is_quiet),
		cmocka_unit_test(wrong_types_give_the_other_value),
		cmocka_unit_test(only_exact_integers_count),
		cmocka_unit_test(members_come_in_order),
		cmocka_unit_test(raw_text_is_kept),
		cmocka_unit_test(printing_keeps_values),
		cmocka_unit_test(strings_are_decoded),
		cmocka_unit_test(failure_leaves_doc_alone),
		cmocka_unit_test(documents_do_not_share),
		cmocka_unit_test(large_documents_parse),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
