#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"

static const char *const drop[] = {"rate", "as_of", NULL};

/* A terse writer of the same document writes the same. */
static void check_written(const struct json *v)
{
	AUTO(buf_t) whole = {0};
	AUTO(buf_t) trimmed = {0};
	AUTO(buf_t) written = {0};
	struct json_writer w;

	json_print(v, &whole);
	json_trim(buf_text(&whole), whole.len, drop, &trimmed);
	json_write_init_terse(&w, &written, drop);
	json_write_value(&w, v);
	assert_string_equal(buf_text(&written), buf_text(&trimmed));
}

static void check(const char *text, const char *expected)
{
	AUTO(buf_t) out = {0};
	AUTO(json_doc_t) doc = NULL;
	struct err e;

	json_trim(text, strlen(text), drop, &out);
	assert_string_equal(buf_text(&out), expected);
	if (out.len && json_check(out.data, out.len, NULL, &e) < 0)
		fail_msg("%s: %s", e.message, out.data);
	if (json_parse(text, strlen(text), NULL, &doc, &e) < 0)
		fail_msg("%s: %s", e.message, text);
	check_written(json_root(doc));
}

static void test_what_says_nothing_goes(void **state)
{
	(void)state;
	check("{}", "{}");
	check("{\"a\":1}", "{\"a\":1}");
	check("{\"a\":null,\"b\":\"\",\"c\":[],\"d\":{},\"e\":false,\"f\":0}",
	      "{\"e\":false,\"f\":0}");
	check("{\"a\":1,\"b\":null}", "{\"a\":1}");
	check("{\"a\":null,\"b\":1,\"c\":null,\"d\":2}", "{\"b\":1,\"d\":2}");
	check("[null,\"\",[],{}]", "[null,\"\",[],{}]");
	check("{\"a\":{\"b\":{\"c\":null}}}", "{}");
	check("{\"a\":[{\"b\":null},{\"b\":2}]}", "{\"a\":[{},{\"b\":2}]}");
	check("{\"a\":1,\"b\":{\"c\":null,\"d\":{\"e\":\"\"}},\"f\":2}", "{\"a\":1,\"f\":2}");
	check("{\"a\":{\"b\":1,\"c\":[]},\"rate\":{\"x\":[],\"y\":1},\"d\":\"e\"}",
	      "{\"a\":{\"b\":1},\"d\":\"e\"}");
	check("{ \"a\" : null , \"b\" : [ { \"c\" : null , \"d\" : 1 } , 2 ] , \"e\" : { } }",
	      "{\"b\":[{\"d\":1},2]}");
}

static void test_named_members_go(void **state)
{
	(void)state;
	check("{\"rate\":{\"limit\":1200},\"x\":{\"as_of\":\"now\",\"y\":1}}", "{\"x\":{\"y\":1}}");
	check("{\"rat\":1,\"rated\":2,\"a\":\"rate\"}", "{\"rat\":1,\"rated\":2,\"a\":\"rate\"}");
}

static void test_text_stays_as_it_is(void **state)
{
	(void)state;
	check("{\"a\":\"}{][,:\\\"\\\\\"}", "{\"a\":\"}{][,:\\\"\\\\\"}");
	check(" { \"a\" : [ 1 , 2.50 , \"x y\" ] , \"b\" : null } ", "{\"a\":[1,2.50,\"x y\"]}");
	check("\"alone\"", "\"alone\"");
	check("-1e5", "-1e5");
}

/* Whatever it is given, it stops at the end of the text. */
static void test_text_that_is_cut_off(void **state)
{
	static const char text[] = "{\"a\":[1,{\"b\":\"c\\\"d\",\"e\":null}],\"f\":true}";

	(void)state;
	for (size_t len = 0; len < sizeof(text); len++) {
		AUTO(str_t) part = str_ndup(text, len);
		AUTO(buf_t) out = {0};
		json_trim(part, len, drop, &out);
		assert_true(out.len <= len);
	}
}

/* ---- terse writers ---- */

static unsigned random_state = 1;

static unsigned draw(unsigned below)
{
	random_state = random_state * 1103515245u + 12345u;
	return (random_state >> 16) % below;
}

static void write_some(struct json_writer *w, int depth)
{
	static const char *const texts[] = {"",  "x", "a\"b", "\\",
					    ":", ",", "{",    "long enough for a word"};
	unsigned n = draw(4);
	char key[24];

	switch (draw(depth > 0 ? 7 : 5)) {
	case 0:
		json_write_null(w);
		break;
	case 1:
		json_write_int(w, (int64_t)draw(200) - 100);
		break;
	case 2:
		json_write_bool(w, draw(2));
		break;
	case 3:
	case 4:
		json_write_string(w, texts[draw(ARRAY_LEN(texts))]);
		break;
	case 5:
		json_array_begin(w);
		for (unsigned i = 0; i < n; i++)
			write_some(w, depth - 1);
		json_array_end(w);
		break;
	default:
		json_object_begin(w);
		for (unsigned i = 0; i < n; i++) {
			unsigned kind = draw(6);
			(void)snprintf(key, sizeof(key), "%s%u", kind == 5 ? "q\"\\" : "k", i);
			json_write_key(w, kind == 0 && i == 0 ? "rate" : key);
			write_some(w, depth - 1);
		}
		json_object_end(w);
	}
}

static void test_terse_writers_write_what_trimming_leaves(void **state)
{
	(void)state;
	for (int i = 0; i < 20000; i++) {
		AUTO(buf_t) text = {0};
		AUTO(buf_t) trimmed = {0};
		AUTO(buf_t) written = {0};
		unsigned from = random_state;
		struct json_writer w;

		json_write_init(&w, &text);
		write_some(&w, 5);
		json_trim(buf_text(&text), text.len, drop, &trimmed);
		random_state = from;
		json_write_init_terse(&w, &written, drop);
		write_some(&w, 5);
		assert_string_equal(buf_text(&written), buf_text(&trimmed));
	}
}

static void test_what_is_json_already(void **state)
{
	static const struct {
		const char *raw, *member, *members;
	} cases[] = {
		{"{\"x\":null}", "{\"a\":1}", "{\"a\":1}"},
		{"{\"x\":{\"rate\":1}}", "{\"a\":1}", "{\"a\":1}"},
		{"{\"x\":2, \"y\":[]}", "{\"a\":1,\"m\":{\"x\":2}}", "{\"a\":1,\"x\":2}"},
		{"{}", "{\"a\":1}", "{\"a\":1}"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(buf_t) member = {0};
		AUTO(buf_t) members = {0};
		struct json_writer w;

		json_write_init_terse(&w, &member, drop);
		json_object_begin(&w);
		json_put_int(&w, "a", 1);
		json_write_key(&w, "m");
		json_write_raw(&w, cases[i].raw, strlen(cases[i].raw));
		json_write_key(&w, "rate");
		json_write_raw(&w, "[1]", 3);
		json_object_end(&w);
		assert_string_equal(buf_text(&member), cases[i].member);
		json_write_init_terse(&w, &members, drop);
		json_object_begin(&w);
		json_put_int(&w, "a", 1);
		json_write_members(&w, cases[i].raw, strlen(cases[i].raw));
		json_object_end(&w);
		assert_string_equal(buf_text(&members), cases[i].members);
	}
}

static void test_members_are_put_as_they_are(void **state)
{
	AUTO(buf_t) out = {0};
	struct json_writer w;

	(void)state;
	json_write_init(&w, &out);
	json_object_begin(&w);
	json_write_members(&w, "{}", 2);
	json_write_members(&w, "{\"a\":null}", 10);
	json_put_time(&w, "b", 0);
	json_object_end(&w);
	assert_string_equal(buf_text(&out), "{\"a\":null,\"b\":null}");
}

/* Of whatever stood there before. */
static __attribute__((noinline, no_sanitize("address"))) void fill_stack(void)
{
	volatile char room[4096];

	for (size_t i = 0; i < sizeof(room); i++)
		room[i] = 'x';
}

static void test_a_time_that_is_left_out_is_not_looked_at(void **state)
{
	static const char *const times[] = {"started", NULL};
	AUTO(buf_t) out = {0};
	struct json_writer w;

	(void)state;
	json_write_init_terse(&w, &out, times);
	json_object_begin(&w);
	json_write_key(&w, "started");
	fill_stack();
	json_write_time(&w, 1);
	json_put_time(&w, "ended", 1);
	json_object_end(&w);
	assert_string_equal(buf_text(&out), "{\"ended\":\"1970-01-01T00:00:00.001Z\"}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_says_nothing_goes),
		cmocka_unit_test(test_named_members_go),
		cmocka_unit_test(test_text_stays_as_it_is),
		cmocka_unit_test(test_text_that_is_cut_off),
		cmocka_unit_test(test_terse_writers_write_what_trimming_leaves),
		cmocka_unit_test(test_what_is_json_already),
		cmocka_unit_test(test_members_are_put_as_they_are),
		cmocka_unit_test(test_a_time_that_is_left_out_is_not_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
