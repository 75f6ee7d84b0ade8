#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mcp/shape.h"
#include "ops/decl/decl.h"

/* Shortened to cap; always an object, never longer than that and what names and hints take. */
static struct json_doc *cut(const char *text, size_t cap, struct buf *words)
{
	AUTO(buf_t) in = {0};
	AUTO(buf_t) out = {0};
	struct json_doc *doc = NULL;
	struct err e;

	(void)buf_str(&in, text);
	shape_cut(&in, cap, &out, words);
	if (json_parse(buf_text(&out), out.len, NULL, &doc, &e) < 0)
		fail_msg("%s: %s", e.message, buf_text(&out));
	if (out.len > cap)
		fail_msg("%zu of %zu: %s", out.len, cap, buf_text(&out));
	return doc;
}

static char *numbers(int n)
{
	AUTO(buf_t) text = {0};

	for (int i = 0; i < n; i++)
		(void)buf_printf(&text, "%s%d", i ? "," : "[", 100000 + i);
	(void)buf_char(&text, ']');
	return buf_steal(&text);
}

static void test_what_fits_stays(void **state)
{
	AUTO(buf_t) words = {0};
	AUTO(json_doc_t) doc = cut("{\"a\":1,\"b\":[1,2,3],\"c\":{\"d\":\"e\"}}", 4000, &words);
	AUTO(buf_t) out = {0};

	(void)state;
	json_print(json_root(doc), &out);
	assert_string_equal(buf_text(&out), "{\"a\":1,\"b\":[1,2,3],\"c\":{\"d\":\"e\"}}");
	assert_int_equal(words.len, 0);
}

/* The small ones keep all of theirs, the large ones share the rest. */
static void test_arrays_share(void **state)
{
	AUTO(str_t) many = numbers(5000);
	AUTO(str_t) some = numbers(120);
	AUTO(str_t)
	text = str_format("{\"small\":[1,2],\"some\":%s,\"many\":%s,\"more\":%s,\"last\":7}", some,
			  many, many);
	AUTO(buf_t) words = {0};
	AUTO(json_doc_t) doc = cut(text, 8000, &words);
	const struct json *root = json_root(doc);

	(void)state;
	assert_int_equal(json_count(json_get(root, "small")), 2);
	assert_int_equal(json_count(json_get(root, "some")), 120);
	assert_in_range(json_count(json_get(root, "many")), 400, 600);
	assert_int_equal(json_count(json_get(root, "many")), json_count(json_get(root, "more")));
	assert_int_equal(json_get_int(root, "last", 0), 7);
	AUTO(str_t)
	told = str_format("many: %zu of 5000, more: %zu of 5000",
			  json_count(json_get(root, "many")), json_count(json_get(root, "more")));
	assert_string_equal(buf_text(&words), told);
}

static void test_inside_of_objects(void **state)
{
	AUTO(str_t) many = numbers(5000);
	AUTO(str_t) text = str_format("{\"drift\":{\"count\":5000,\"first\":%s}}", many);
	AUTO(buf_t) words = {0};
	AUTO(json_doc_t) doc = cut(text, 3000, &words);
	const struct json *drift = json_get(json_root(doc), "drift");

	(void)state;
	assert_int_equal(json_get_int(drift, "count", 0), 5000);
	assert_in_range(json_count(json_get(drift, "first")), 100, 430);
}

/* A text ends with a whole character, whatever escapes do to its length. */
static void test_long_texts(void **state)
{
	static const char *const pieces[] = {"a", "\xc3\xa4", "\\n", "\\u0001", "\xf0\x9f\x90\xa7"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
		AUTO(buf_t) text = {0};
		AUTO(buf_t) words = {0};

		(void)buf_str(&text, "{\"text\":\"");
		while (text.len < 20000)
			(void)buf_str(&text, pieces[i]);
		(void)buf_str(&text, "\"}");
		AUTO(json_doc_t) doc = cut(buf_text(&text), 6000, &words);
		assert_true(strlen(json_get_string(json_root(doc), "text")) > 500);
		assert_non_null(strstr(buf_text(&words), "bytes"));
	}
}

static void test_one_giant_item(void **state)
{
	AUTO(str_t) many = numbers(5000);
	AUTO(str_t) text = str_format("{\"items\":[{\"a\":%s}],\"b\":1}", many);
	AUTO(buf_t) words = {0};
	AUTO(json_doc_t) doc = cut(text, 3000, &words);

	(void)state;
	assert_int_equal(json_count(json_get(json_root(doc), "items")), 0);
	assert_string_equal(buf_text(&words), "items: 0 of 1");
}

static void test_how_many_items_fit(void **state)
{
	AUTO(str_t) many = numbers(1000);
	AUTO(buf_t) text = {0};

	(void)state;
	(void)buf_printf(&text, "{\"items\":%s,\"count\":1000}", many);
	assert_in_range(shape_fitting_items(&text, 3500), 470, 500);
	assert_int_equal(shape_fitting_items(&text, 10), 0);
	buf_reset(&text);
	(void)buf_str(&text, "{\"items\":[1],\"count\":1000}");
	assert_int_equal(shape_fitting_items(&text, 5), 0);
	buf_reset(&text);
	(void)buf_str(&text, "{\"rows\":[1,2,3]}");
	assert_int_equal(shape_fitting_items(&text, 5), 0);
}

static void test_one_member_more(void **state)
{
	AUTO(buf_t) text = {0};

	(void)state;
	(void)buf_str(&text, "{}");
	shape_append(&text, "a", "b\"c");
	assert_string_equal(buf_text(&text), "{\"a\":\"b\\\"c\"}");
	shape_append(&text, "d", "e");
	assert_string_equal(buf_text(&text), "{\"a\":\"b\\\"c\",\"d\":\"e\"}");
}

/* A name that is left out of the middle would be one that there is not. */
static void check_names_told(const struct field *table)
{
	struct shape s = {0};
	struct err e;

	strlist_add(&s.fields, "no_such_member");
	assert_int_equal(shape_check(&s, table, &e), -1);
	const char *at = e.hint + strlen("There are: ");
	for (size_t i = 0; table[i].name && strcmp(at, "...") != 0; i++) {
		size_t len = strlen(table[i].name);
		const char *behind = table[i + 1].name ? ", " : ".";
		if (strncmp(at, table[i].name, len) != 0 ||
		    strncmp(at + len, behind, strlen(behind)) != 0)
			fail_msg("%s: %s", table[i].name, e.hint);
		at += len + strlen(behind);
	}
	strlist_free(&s.fields);
}

static void test_the_members_there_are(void **state)
{
	(void)state;
	for (size_t i = 0; op_at(i); i++)
		if (op_at(i)->result)
			check_names_told(op_at(i)->result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_fits_stays),
		cmocka_unit_test(test_arrays_share),
		cmocka_unit_test(test_inside_of_objects),
		cmocka_unit_test(test_long_texts),
		cmocka_unit_test(test_one_giant_item),
		cmocka_unit_test(test_how_many_items_fit),
		cmocka_unit_test(test_one_member_more),
		cmocka_unit_test(test_the_members_there_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
