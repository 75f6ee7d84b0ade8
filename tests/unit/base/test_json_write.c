/* The writer: valid JSON whatever it is given, and the error's one shape in both directions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"

static void commas_are_placed(void **state)
{
	(void)state;
	AUTO(buf_t) b = {0};
	struct json_writer w;
	json_write_init(&w, &b);
	json_object_begin(&w);
	json_put_int(&w, "a", -5);
	json_write_key(&w, "b");
	json_array_begin(&w);
	json_array_begin(&w);
	json_array_end(&w);
	json_write_bool(&w, true);
	json_write_null(&w);
	json_object_begin(&w);
	json_object_end(&w);
	json_write_raw(&w, "1.50", 4);
	json_array_end(&w);
	json_put_bool(&w, "c", false);
	json_put_string(&w, "d", NULL);
	json_put_string(&w, "e", "x");
	json_object_end(&w);
	assert_string_equal(buf_text(&b), "{\"a\":-5,\"b\":[[],true,null,{},1.50],\"c\":false,"
					  "\"d\":null,\"e\":\"x\"}");
}

static void strings_are_escaped(void **state)
{
	(void)state;
	static const struct {
		const char *in, *out;
		size_t len; /* 0 = strlen */
	} rows[] = {
		{"", "\"\""},
		{"plain", "\"plain\""},
		{"\"\\/", "\"\\\"\\\\/\""},
		{"\b\f\n\r\t\x01\x1f", "\"\\b\\f\\n\\r\\t\\u0001\\u001f\""},
		{"a\x7f", "\"a\x7f\""},
		{"\"quoted\" and \\ and\ta tab", "\"\\\"quoted\\\" and \\\\ and\\ta tab\""},
		{"\xc3\xa4\"\xc3\xb6\n.", "\"\xc3\xa4\\\"\xc3\xb6\\n.\""},
		{"\xc3\xa9\xf0\x9f\x98\x80", "\"\xc3\xa9\xf0\x9f\x98\x80\""},
		{"\xe2\x80\xa8\xe2\x80\xa9", "\"\\u2028\\u2029\""},
		{"a\xff"
		 "b",
		 "\"a\xef\xbf\xbd"
		 "b\""},
		{"\xc3", "\"\xef\xbf\xbd\""},
		{"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
		{"a\0b",
		 "\"a\xef\xbf\xbd"
		 "b\"",
		 3},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf_t) b = {0};
		struct json_writer w;
		struct err e;
		json_write_init(&w, &b);
		json_write_stringn(&w, rows[i].in, rows[i].len ? rows[i].len : strlen(rows[i].in));
		assert_string_equal(buf_text(&b), rows[i].out);
		assert_int_equal(json_check(b.data, b.len, NULL, &e), 0);
	}
}

static void every_byte_gives_valid_json(void **state)
{
	(void)state;
	char text[257];
	for (int i = 0; i < 256; i++)
		text[i] = (char)i;
	AUTO(buf_t) b = {0};
	struct json_writer w;
	struct err e;
	json_write_init(&w, &b);
	json_object_begin(&w);
	json_write_keyn(&w, "a\"\n\xff", 4);
	json_write_stringn(&w, text, 256);
	json_object_end(&w);
	assert_int_equal(json_check(b.data, b.len, NULL, &e), 0);
}

static void the_least_number_is_written(void **state)
{
	(void)state;
	AUTO(buf_t) b = {0};
	struct json_writer w;
	json_write_init(&w, &b);
	json_write_int(&w, INT64_MIN);
	assert_string_equal(buf_text(&b), "-9223372036854775808");
}

static void times_and_lists_are_written(void **state)
{
	(void)state;
	AUTO(buf_t) b = {0};
	AUTO(strlist_t) l = {0};
	struct json_writer w;
	strlist_add(&l, "a");
	strlist_add(&l, "b\"");
	json_write_init(&w, &b);
	json_object_begin(&w);
	json_put_time(&w, "at", 1795269600500);
	json_put_time(&w, "never", 0);
	json_put_strlist(&w, "l", &l);
	json_object_end(&w);
	assert_string_equal(buf_text(&b), "{\"at\":\"2026-11-21T14:00:00.500Z\",\"never\":null,"
					  "\"l\":[\"a\",\"b\\\"\"]}");
}

static void limits_hold(void **state)
{
	(void)state;
	AUTO(buf_t) b = {.limit = 8};
	struct json_writer w;
	json_write_init(&w, &b);
	json_write_string(&w, "far more than eight bytes");
	assert_true(b.truncated);
	assert_true(b.len <= 8);
}

static void small_errors_are_small(void **state)
{
	(void)state;
	AUTO(buf_t) b = {0};
	struct json_writer w;
	struct err e;
	err_set(&e, ERR_NOT_FOUND, "no tunnel \"%s\"", "web");
	json_write_init(&w, &b);
	json_write_err(&w, &e);
	assert_string_equal(buf_text(&b), "{\"kind\":\"not_found\",\"message\":\"no tunnel "
					  "\\\"web\\\"\",\"retryable\":false}");
}

static void full_error(struct err *e)
{
	err_set(e, ERR_RATE_LIMITED, "too many calls");
	err_hint(e, "wait");
	e->retryable = true;
	e->retry_after_ms = 1500;
	str_copy(e->missing_permission, sizeof(e->missing_permission), "Zone:DNS:Edit");
	e->cloudflare.status = 429;
	e->cloudflare.code = 971;
	str_copy(e->cloudflare.ray, sizeof(e->cloudflare.ray), "8f-FRA");
	str_copy(e->cloudflare.said, sizeof(e->cloudflare.said), "slow down");
}

static void full_errors_come_back(void **state)
{
	(void)state;
	AUTO(buf_t) b = {0};
	AUTO(json_doc_t) doc = NULL;
	struct json_writer w;
	struct err e, back = {0}, ignored;
	full_error(&e);
	json_write_init(&w, &b);
	json_write_err(&w, &e);
	assert_string_equal(
		buf_text(&b),
		"{\"kind\":\"rate_limited\",\"message\":\"too many calls\",\"hint\":\"wait\","
		"\"retryable\":true,\"retry_after_s\":2,\"missing_permission\":\"Zone:DNS:Edit\","
		"\"cloudflare\":{\"status\":429,\"code\":971,\"ray\":\"8f-FRA\",\"untrusted_"
		"message\":\"slow "
		"down\"}}");
	assert_int_equal(json_parse(b.data, b.len, NULL, &doc, &ignored), 0);
	json_read_err(json_root(doc), &back);
	assert_int_equal(back.kind, ERR_RATE_LIMITED);
	assert_string_equal(back.message, "too many calls");
	assert_string_equal(back.hint, "wait");
	assert_true(back.retryable);
	assert_int_equal(back.retry_after_ms, 2000);
	assert_string_equal(back.missing_permission, "Zone:DNS:Edit");
	assert_int_equal(back.cloudflare.status, 429);
	assert_int_equal(back.cloudflare.code, 971);
	assert_string_equal(back.cloudflare.ray, "8f-FRA");
	assert_string_equal(back.cloudflare.said, "slow down");
}

static void strange_errors_are_read(void **state)
{
	(void)state;
	static const char *const rows[] = {
		"{}", "null", "[]", "{\"kind\":\"novel\",\"message\":7}",
		"{\"kind\":\"none\",\"retry_after_s\":-5,\"cloudflare\":3}"};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(json_doc_t) doc = NULL;
		struct err e, ignored;
		assert_int_equal(json_parse(rows[i], strlen(rows[i]), NULL, &doc, &ignored), 0);
		json_read_err(json_root(doc), &e);
		assert_int_equal(e.kind, ERR_INTERNAL);
		assert_true(strlen(e.message) > 0);
		assert_int_equal(e.retry_after_ms, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commas_are_placed),
		cmocka_unit_test(strings_are_escaped),
		cmocka_unit_test(every_byte_gives_valid_json),
		cmocka_unit_test(the_least_number_is_written),
		cmocka_unit_test(times_and_lists_are_written),
		cmocka_unit_test(limits_hold),
		cmocka_unit_test(small_errors_are_small),
		cmocka_unit_test(full_errors_come_back),
		cmocka_unit_test(strange_errors_are_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
