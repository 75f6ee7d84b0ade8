#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mcp/rpc.h"

static const struct {
	const char *text;
	enum rpc_kind kind;
	const char *id; /* as it is written back; NULL = none was taken */
} rows[] = {
	{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}", RPC_REQUEST, "1"},
	{"{\"jsonrpc\":\"2.0\",\"id\":-7,\"method\":\"ping\",\"params\":{}}", RPC_REQUEST, "-7"},
	{"{\"jsonrpc\":\"2.0\",\"id\":123456789012345678901234567890,\"method\":\"ping\"}",
	 RPC_REQUEST, "123456789012345678901234567890"},
	{"{\"jsonrpc\":\"2.0\",\"id\":\"a\\u00e4\\\"\",\"method\":\"ping\"}", RPC_REQUEST,
	 "\"a\xc3\xa4\\\"\""},
	{"{\"jsonrpc\":\"2.0\",\"id\":\"\",\"method\":\"ping\"}", RPC_REQUEST, "\"\""},
	{"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}", RPC_NOTIFICATION, NULL},
	{"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}", RPC_RESPONSE, "1"},
	{"{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":1}}", RPC_RESPONSE, "1"},
	{"{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":1}}", RPC_RESPONSE, NULL},
	/* what is none */
	{"{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"ping\"}", RPC_BROKEN, NULL},
	{"{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"ping\"}", RPC_BROKEN, NULL},
	{"{\"jsonrpc\":\"2.0\",\"id\":1e3,\"method\":\"ping\"}", RPC_BROKEN, NULL},
	{"{\"jsonrpc\":\"2.0\",\"id\":true,\"method\":\"ping\"}", RPC_BROKEN, NULL},
	{"{\"jsonrpc\":\"2.0\",\"id\":[1],\"method\":\"ping\"}", RPC_BROKEN, NULL},
	{"{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"ping\"}", RPC_BROKEN, NULL},
	{"{\"id\":1,\"method\":\"ping\"}", RPC_BROKEN, "1"},
	{"{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"ping\"}", RPC_BROKEN, "1"},
	{"{\"jsonrpc\":2.0,\"id\":1,\"method\":\"ping\"}", RPC_BROKEN, "1"},
	{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":7}", RPC_BROKEN, "1"},
	{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\"}", RPC_BROKEN, "1"},
	{"{\"jsonrpc\":\"2.0\",\"id\":1}", RPC_BROKEN, "1"},
	{"{\"jsonrpc\":\"2.0\"}", RPC_BROKEN, NULL},
	{"{\"jsonrpc\":\"2.0\",\"result\":{}}", RPC_BROKEN, NULL},
	{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":[1]}", RPC_BROKEN, "1"},
	{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":null}", RPC_BROKEN, "1"},
	{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"p\",\"params\":{\"_meta\":5}}", RPC_BROKEN,
	 "1"},
	{"5", RPC_BROKEN, NULL},
	{"\"ping\"", RPC_BROKEN, NULL},
	{"null", RPC_BROKEN, NULL},
};

static struct json_doc *parsed(const char *text)
{
	struct json_doc *doc = NULL;
	struct err e;

	if (json_parse(text, strlen(text), NULL, &doc, &e) < 0)
		fail_msg("%s: %s", text, e.message);
	return doc;
}

static void test_what_a_message_is(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(json_doc_t) doc = parsed(rows[i].text);
		AUTO(buf_t) out = {0};
		struct rpc_message m;
		struct json_writer w;

		rpc_read(json_root(doc), &m);
		if (m.kind != rows[i].kind)
			fail_msg("%s: kind %d", rows[i].text, (int)m.kind);
		assert_true((m.kind == RPC_BROKEN) == (m.broken != NULL));
		assert_true((m.id != NULL) == (rows[i].id != NULL));
		json_write_init(&w, &out);
		json_object_begin(&w);
		rpc_put_id(m.id, &w);
		json_object_end(&w);
		AUTO(str_t) wanted = str_format("{\"id\":%s}", rows[i].id ? rows[i].id : "null");
		assert_string_equal(buf_text(&out), wanted);
	}
}

static void check_id_length(size_t len, enum rpc_kind kind)
{
	AUTO(str_t) id = str_format("%0*d", (int)len, 1);
	AUTO(str_t)
	text = str_format("{\"jsonrpc\":\"2.0\",\"id\":\"%s\",\"method\":\"ping\"}", id);
	AUTO(json_doc_t) doc = parsed(text);
	struct rpc_message m;

	rpc_read(json_root(doc), &m);
	assert_int_equal(m.kind, kind);
}

static void test_long_ids(void **state)
{
	(void)state;
	check_id_length(RPC_ID_MAX, RPC_REQUEST);
	check_id_length(RPC_ID_MAX + 1, RPC_BROKEN);
}

static void test_ids_are_told_apart(void **state)
{
	static const struct {
		const char *a, *b;
		bool equal;
	} pairs[] = {
		{"1", "1", true},         {"1", "2", false},  {"1", "\"1\"", false},
		{"\"a\"", "\"a\"", true}, {"12", "1", false}, {"\"a\"", "\"b\"", false},
		{"{}", "{}", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		AUTO(json_doc_t) a = parsed(pairs[i].a);
		AUTO(json_doc_t) b = parsed(pairs[i].b);

		if (i < ARRAY_LEN(pairs) - 1)
			assert_int_equal(rpc_id_equal(json_root(a), json_root(b)), pairs[i].equal);
		assert_false(rpc_id_equal(json_root(a), NULL));
	}
	assert_false(rpc_id_equal(NULL, NULL));
}

static void test_errors(void **state)
{
	AUTO(buf_t) out = {0};
	struct json_writer w;

	(void)state;
	json_write_init(&w, &out);
	rpc_put_error(NULL, RPC_PARSE, "no \"JSON\"", "{\"a\":1}", &w);
	assert_string_equal(buf_text(&out),
			    "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,"
			    "\"message\":\"no \\\"JSON\\\"\",\"data\":{\"a\":1}}}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_a_message_is),
		cmocka_unit_test(test_long_ids),
		cmocka_unit_test(test_ids_are_told_apart),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
