#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"

static const char *const drop[] = {"rate", "as_of", NULL};

static void check(const char *text, const char *expected)
{
	AUTO(buf_t) out = {0};
	struct err e;

	json_trim(text, strlen(text), drop, &out);
	assert_string_equal(buf_text(&out), expected);
	if (out.len && json_check(out.data, out.len, NULL, &e) < 0)
		fail_msg("%s: %s", e.message, out.data);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_says_nothing_goes),
		cmocka_unit_test(test_named_members_go),
		cmocka_unit_test(test_text_stays_as_it_is),
		cmocka_unit_test(test_text_that_is_cut_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
