/* What comes in and what goes out, of both eras, over a carrier that keeps it. */
#include "fake_carrier.h"

static const struct json *result_of(const struct fake *f)
{
	return json_get(json_root(f->doc), "result");
}

static void test_discover(void **state)
{
	struct fake *f = *state;
	const struct json *r = json_get(fake_ask(f, "server/discover", ""), "result");

	assert_string_equal(json_get_string(r, "resultType"), "complete");
	assert_string_equal(json_string(json_first(json_get(r, "supportedVersions"))),
			    "2026-07-28");
	assert_int_equal(json_count(json_get(r, "supportedVersions")), 1);
	assert_non_null(json_get(json_get(r, "capabilities"), "tools"));
	assert_in_range(strlen(json_get_string(r, "instructions")), 500, 2000);
	assert_int_equal(json_get_int(r, "ttlMs", -1), 3600000);
	assert_string_equal(json_get_string(r, "cacheScope"), "public");
	const struct json *info =
		json_get(json_get(r, "_meta"), "io.modelcontextprotocol/serverInfo");
	assert_string_equal(json_get_string(info, "name"), "adit");
	assert_string_equal(json_get_string(info, "version"), ADIT_VERSION);
	assert_int_equal(json_get_int(json_root(f->doc), "id", 0), 7);
}

/* What is declared is honoured, and nothing else. */
static void test_capabilities_are_methods(void **state)
{
	static const char *const lists[][2] = {
		{"tools", "tools/list"},
		{"prompts", "prompts/list"},
		{"resources", "resources/list"},
		{"completions", "completion/complete"},
	};
	struct fake *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		const struct json *r = json_get(fake_ask(f, "server/discover", ""), "result");
		bool declared = json_get(json_get(r, "capabilities"), lists[i][0]) != NULL;
		(void)fake_ask(f, lists[i][1], "");
		assert_int_equal(declared, fake_code(f) != RPC_NO_METHOD);
	}
}

static void check_initialize(struct fake *f, const struct carrier *carrier, const char *asked,
			     const char *answered)
{
	AUTO(str_t)
	text = str_format("{\"jsonrpc\":\"2.0\",\"id\":\"i\",\"method\":\"initialize\",\"params\":{"
			  "\"protocolVersion\":\"%s\",\"capabilities\":{\"elicitation\":{}},"
			  "\"clientInfo\":{\"name\":\"t\",\"version\":\"1\"}}}",
			  asked);
	f->agreed = (struct session){0};
	(void)fake_take(f, carrier, text);
	const struct json *r = result_of(f);
	assert_string_equal(json_get_string(r, "protocolVersion"), answered);
	assert_string_equal(json_get_string(json_get(r, "serverInfo"), "name"), "adit");
	assert_non_null(json_get_string(r, "instructions"));
	assert_null(json_get(r, "resultType"));
	assert_null(json_get(r, "ttlMs"));
	assert_null(json_get(r, "_meta"));
	assert_string_equal(f->agreed.version, answered);
	assert_true(f->agreed.elicits);
}

static void test_initialize(void **state)
{
	struct fake *f = *state;

	check_initialize(f, &fake_http, "2025-11-25", "2025-11-25");
	check_initialize(f, &fake_http, "2025-06-18", "2025-06-18");
	check_initialize(f, &fake_http, "2025-03-26", "2025-03-26");
	check_initialize(f, &fake_http, "2024-11-05", "2025-11-25");
	check_initialize(f, &fake_lines, "2024-11-05", "2024-11-05");
	check_initialize(f, &fake_http, "2026-07-28", "2025-11-25");
	check_initialize(f, &fake_http, "1.0", "2025-11-25");
	(void)fake_take(f, &fake_lines,
			"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{}}");
	assert_int_equal(fake_code(f), RPC_PARAMS);
}

/* Methods of the one era are unknown in the other. */
static void test_methods_belong_to_eras(void **state)
{
	static const char *const removed[] = {"initialize",
					      "ping",
					      "logging/setLevel",
					      "resources/subscribe",
					      "resources/unsubscribe",
					      "unknown/method"};
	struct fake *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(removed); i++) {
		(void)fake_ask(f, removed[i], "");
		assert_int_equal(fake_code(f), RPC_NO_METHOD);
		assert_int_equal(f->status, 404);
		assert_int_equal(json_get_int(json_root(f->doc), "id", 0), 7);
	}
	(void)fake_take(f, &fake_lines,
			"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"server/discover\"}");
	assert_int_equal(fake_code(f), RPC_NO_METHOD);
	assert_int_equal(f->status, 200);
	(void)fake_take(f, &fake_http, "{\"jsonrpc\":\"2.0\",\"id\":\"p\",\"method\":\"ping\"}");
	assert_string_equal(buf_text(&f->text), "{\"jsonrpc\":\"2.0\",\"id\":\"p\",\"result\":{}}");
}

static void test_what_is_no_message(void **state)
{
	static const struct {
		const char *text;
		int status, code;
	} rows[] = {
		{"{", 400, RPC_PARSE},
		{"", 400, RPC_PARSE},
		{"{\"a\":1,\"a\":2}", 400, RPC_PARSE},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\xff\"}", 400, RPC_PARSE},
		{"5", 400, RPC_NO_REQUEST},
		{"[]", 400, RPC_NO_REQUEST},
		{"{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"ping\"}", 400, RPC_NO_REQUEST},
		{"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}", 202, 0},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}", 202, 0},
		{"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/unheard-of\"}", 202, 0},
	};
	struct fake *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		(void)fake_take(f, &fake_http, rows[i].text);
		if (f->status != rows[i].status || fake_code(f) != rows[i].code)
			fail_msg("%s: %d %s", rows[i].text, f->status, buf_text(&f->text));
		assert_true((f->text.len == 0) == (rows[i].code == 0));
	}
}

static void test_depth(void **state)
{
	struct fake *f = *state;
	AUTO(buf_t) text = {0};

	(void)buf_str(&text,
		      "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":{\"a\":");
	for (int i = 0; i < 63; i++)
		(void)buf_char(&text, '[');
	for (int i = 0; i < 63; i++)
		(void)buf_char(&text, ']');
	(void)buf_str(&text, "}}");
	(void)fake_take(f, &fake_lines, buf_text(&text));
	assert_int_equal(fake_code(f), RPC_PARSE);
}

/* The supported versions and the one that was asked for go with the refusal. */
static void test_unsupported_version(void **state)
{
	struct fake *f = *state;

	(void)fake_take(f, &fake_lines,
			"{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"server/discover\",\"params\":{"
			"\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"1900-01-01\","
			"\"io.modelcontextprotocol/clientCapabilities\":{}}}}");
	assert_int_equal(fake_code(f), RPC_VERSION);
	assert_int_equal(f->status, 400);
	const struct json *error = json_get(json_root(f->doc), "error");
	assert_string_equal(json_get_string(error, "message"), "Unsupported protocol version");
	const struct json *data = json_get(error, "data");
	assert_string_equal(json_get_string(data, "requested"), "1900-01-01");
	assert_string_equal(json_string(json_first(json_get(data, "supported"))), "2026-07-28");
}

/* ---- batches ---- */

#define PING(id) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"ping\"}"

static void test_a_batch(void **state)
{
	struct fake *f = *state;
	const struct json *all = fake_take(
		f, &fake_http,
		"[" PING("1") ",{\"jsonrpc\":\"2.0\",\"method\":\"notifications/"
			      "initialized\"}," PING(
				      "\"b\"") ",5,{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":"
					       "\"initialize\","
					       "\"params\":{\"protocolVersion\":\"2025-03-26\"}},"
					       "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"ping\","
					       "\"params\":{" META "}},{\"jsonrpc\":\"2.0\",\"id\":"
					       "5,\"method\":\"tools/call\","
					       "\"params\":{\"name\":\"status_get\"}}]");
	static const int codes[] = {0, 0, RPC_NO_REQUEST, RPC_NO_REQUEST, RPC_NO_REQUEST, 0};
	size_t n = 0;

	assert_int_equal(f->status, 200);
	assert_int_equal(json_type(all), JSON_ARRAY);
	assert_int_equal(json_count(all), ARRAY_LEN(codes));
	JSON_EACH (answer, all)
		assert_int_equal(json_get_int(json_get(answer, "error"), "code", 0), codes[n++]);
}

static void test_batches_that_are_none(void **state)
{
	struct fake *f = *state;
	AUTO(buf_t) many = {0};

	(void)fake_take(f, &fake_http, "[{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}]");
	assert_int_equal(f->status, 202);
	assert_int_equal(f->text.len, 0);
	for (int i = 0; i <= RPC_BATCH_MAX; i++)
		(void)buf_str(&many, i ? "," PING("1") : "[" PING("1"));
	(void)buf_str(&many, "]");
	(void)fake_take(f, &fake_http, buf_text(&many));
	assert_int_equal(f->status, 400);
	assert_int_equal(fake_code(f), RPC_NO_REQUEST);
	f->headers[0][0] = "MCP-Protocol-Version";
	f->headers[0][1] = "2025-06-18";
	(void)fake_take(f, &fake_http, "[" PING("1") "]");
	assert_int_equal(f->status, 400);
	assert_int_equal(fake_code(f), RPC_NO_REQUEST);
}

/* ---- calls that last ---- */

/* A route that nobody makes at Cloudflare: its call waits until it is let go. */
#define WAITING(token)                                                                             \
	"{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"tools/call\",\"params\":{\"_meta\":{" token    \
	"\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","                              \
	"\"io.modelcontextprotocol/clientCapabilities\":{}},\"name\":\"route_set\","               \
	"\"arguments\":{\"hostname\":\"app.example.com\",\"service\":\"http://127.0.0.1:80\","     \
	"\"timeout\":\"3s\"}}}"

static void test_progress(void **state)
{
	struct fake *f = *state;
	const struct json *answer = fake_take(f, &fake_lines, WAITING("\"progressToken\":\"t1\","));
	int64_t told = 0;

	assert_true(f->messages >= 1);
	assert_int_equal(f->finished, 1);
	assert_int_equal(json_get_int(answer, "id", 0), 9);
	for (size_t i = 0; i + 1 < f->sent.n; i++) {
		AUTO(json_doc_t) doc = NULL;
		struct err e;
		const char *text = f->sent.items[i];
		assert_int_equal(json_parse(text, strlen(text), NULL, &doc, &e), 0);
		const struct json *params = json_get(json_root(doc), "params");
		assert_string_equal(json_get_string(json_root(doc), "method"),
				    "notifications/progress");
		assert_string_equal(json_get_string(params, "progressToken"), "t1");
		assert_true(json_get_int(params, "progress", 0) > told);
		told = json_get_int(params, "progress", 0);
		assert_non_null(json_get_string(params, "message"));
	}
	assert_true(told > 0);
}

static void test_no_progress_unasked(void **state)
{
	struct fake *f = *state;

	(void)fake_take(f, &fake_lines, WAITING(""));
	assert_int_equal(f->messages, 0);
	assert_int_equal(f->answers, 1);
}

/* What was applied stays; only the waiting ends, and nothing more is said of it. */
static void test_cancelled(void **state)
{
	static const char cancel[] = "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\","
				     "\"params\":{\"requestId\":%s}}";
	struct fake *f = *state;
	static const char *const ids[] = {"8", "\"9\"", "null", "{}", "9"};

	fake_begin(f, &fake_lines, WAITING(""));
	for (int i = 0; i < 20; i++)
		loop_turn(f->desk->loop);
	assert_int_equal(f->desk->ops.running, 1);
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		AUTO(str_t) text = NULL;
		struct parcel *p = parcel_new(f->mcp, &fake_lines, f, f->who);

		assert_int_equal(f->desk->ops.running, 1);
		text = str_format("%.*s%s}}", (int)(strlen(cancel) - 4), cancel, ids[i]);
		f->answers = 0;
		parcel_take(p, text, strlen(text));
		parcel_free(p);
	}
	assert_int_equal(f->desk->ops.running, 0);
	assert_int_equal(f->text.len, 0);
	assert_int_equal(f->desk->world->routes.n, 1);
}

/* Ids are small numbers: those of another connection or session are somebody else's. */
static void test_nobody_cancels_what_is_not_his(void **state)
{
	static const char cancel[] = "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\","
				     "\"params\":{\"requestId\":9}}";
	struct fake *f = *state, other = {.desk = f->desk, .mcp = f->mcp, .who = &model_operator};

	fake_begin(f, &fake_lines, WAITING(""));
	for (int i = 0; i < 20; i++)
		loop_turn(f->desk->loop);
	(void)fake_take(&other, &fake_lines, cancel);
	(void)fake_take(&other, &fake_http, cancel);
	assert_int_equal(f->desk->ops.running, 1);
	fake_forget(&other);
}

/* What a client says of itself goes with its calls, for the ledger: cut and printable. */
static void test_claims(void **state)
{
	static const char text[] =
		"{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"tools/call\",\"params\":{"
		"\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
		"\"io.modelcontextprotocol/clientCapabilities\":{},"
		"\"io.modelcontextprotocol/clientInfo\":{\"name\":\"a\\u001b[0m\\u202e\","
		"\"version\":\"1234567890123456789012345678901234567890\"},"
		"\"claudecode/toolUseId\":\"toolu_1\"},\"name\":\"route_set\",\"arguments\":{"
		"\"hostname\":\"app.example.com\",\"service\":\"http://127.0.0.1:80\"}}}";
	struct fake *f = *state;

	fake_begin(f, &fake_lines, text);
	const struct call *c = LIST_OF(f->desk->ops.calls.next, struct call, node);
	assert_string_equal(c->who.client, "a?[0m? 12345678901234567890123456789012");
	assert_string_equal(c->who.tool_use, "toolu_1");
	assert_string_equal(c->who.name, model_operator.name);
	f->headers[0][0] = "User-Agent";
	f->headers[0][1] = "claude-code/2.1.197";
	fake_begin(f, &fake_http,
		   "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{"
		   "\"name\":\"route_set\",\"arguments\":{\"hostname\":\"b.example.com\","
		   "\"service\":\"http://127.0.0.1:80\"}}}");
	c = LIST_OF(f->desk->ops.calls.next, struct call, node);
	assert_string_equal(c->who.client, "claude-code/2.1.197");
}

/* A parcel that is freed takes its calls along. */
static void test_dropped(void **state)
{
	struct fake *f = *state;

	fake_begin(f, &fake_lines, WAITING("\"progressToken\":1,"));
	for (int i = 0; i < 20; i++)
		loop_turn(f->desk->loop);
	assert_int_equal(f->desk->ops.running, 1);
	fake_forget(f);
	assert_int_equal(f->desk->ops.running, 0);
}

/* Whoever can be shown a form; in the modern era by this very request, in the legacy one in its
 * session, where the question can leave ahead of the answer. */
static void test_who_can_be_asked(void **state)
{
	static const struct {
		const char *capabilities;
		bool elicits;
	} cases[] = {
		{"{\"elicitation\":{}}", true},
		{"{\"elicitation\":{\"form\":{}}}", true},
		{"{\"elicitation\":{\"form\":{},\"url\":{}}}", true},
		{"{\"elicitation\":{\"url\":{}}}", false},
		{"{\"elicitation\":{\"form\":null}}", false},
		{"{\"elicitation\":null}", false},
		{"{\"elicitation\":true}", false},
		{"{\"elicitation\":[]}", false},
		{"{\"sampling\":{}}", false},
		{"{}", false},
		{"[]", false},
	};
	struct fake *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(json_doc_t) doc = NULL;
		AUTO(str_t)
		meta = str_format("{\"" META_PREFIX "clientCapabilities\":%s}",
				  cases[i].capabilities);
		struct parcel *p = parcel_new(f->mcp, &fake_lines, f, f->who);
		struct exchange x = {.parcel = p, .era = ERA_MODERN};
		struct err e;

		assert_int_equal(json_parse(meta, strlen(meta), NULL, &doc, &e), 0);
		x.msg.meta = json_root(doc);
		if (exchange_elicits(&x) != cases[i].elicits)
			fail_msg("%s", cases[i].capabilities);
		x.era = ERA_LEGACY;
		assert_null(exchange_declared(&x));
		assert_false(exchange_elicits(&x));
		p->session.elicits = true;
		assert_true(exchange_elicits(&x));
		f->streams = false;
		assert_false(exchange_elicits(&x));
		f->streams = true;
		parcel_free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FAKE_TEST(test_discover),
		FAKE_TEST(test_capabilities_are_methods),
		FAKE_TEST(test_initialize),
		FAKE_TEST(test_methods_belong_to_eras),
		FAKE_TEST(test_what_is_no_message),
		FAKE_TEST(test_depth),
		FAKE_TEST(test_unsupported_version),
		FAKE_TEST(test_a_batch),
		FAKE_TEST(test_batches_that_are_none),
		FAKE_TEST(test_progress),
		FAKE_TEST(test_no_progress_unasked),
		FAKE_TEST(test_cancelled),
		FAKE_TEST(test_nobody_cancels_what_is_not_his),
		FAKE_TEST(test_dropped),
		FAKE_TEST(test_claims),
		FAKE_TEST(test_who_can_be_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
