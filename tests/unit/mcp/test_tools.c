/* The tools as a client sees them: what is listed, what a call answers, and within which bounds. */
#include "fake_carrier.h"

#include "mcp/shape.h"
#include "mcp/tool_table.h"

static const struct json *tools(struct fake *f)
{
	return json_get(json_get(fake_ask(f, "tools/list", ""), "result"), "tools");
}

static const struct json *tool_named(const struct json *list, const char *name)
{
	JSON_EACH (t, list)
		if (str_equal(json_get_string(t, "name"), name))
			return t;
	return NULL;
}

/* The structured answer of a tool, which must not have failed. */
static const struct json *answer(struct fake *f, const char *name, const char *args)
{
	const struct json *r = fake_tool(f, name, args);
	if (json_get_bool(r, "isError", false) || !json_get(r, "structuredContent"))
		fail_msg("%s: %s", name, buf_text(&f->text));
	return json_get(r, "structuredContent");
}

/* The error of a tool, which must have failed; parsed anew into *doc. */
static const struct json *failure(struct fake *f, const char *name, const char *args,
				  struct json_doc **doc)
{
	const struct json *r = fake_tool(f, name, args);
	struct err e;
	const char *text = json_get_string(json_first(json_get(r, "content")), "text");
	if (!json_get_bool(r, "isError", false) || json_get(r, "structuredContent") || !text)
		fail_msg("%s %s: %s", name, args, buf_text(&f->text));
	assert_true(strlen(text) <= 10000);
	assert_int_equal(json_parse(text, strlen(text), NULL, doc, &e), 0);
	return json_root(*doc);
}

static void check_name(const char *name)
{
	assert_in_range(strlen(name), 1, 40);
	for (; *name; name++)
		assert_true(*name == '_' || (*name >= 'a' && *name <= 'z'));
}

static void check_annotations(const struct op *op, const struct json *a)
{
	static const char *const hints[] = {"readOnlyHint", "destructiveHint", "idempotentHint",
					    "openWorldHint"};
	for (size_t i = 0; i < ARRAY_LEN(hints); i++)
		assert_int_equal(json_type(json_get(a, hints[i])), JSON_BOOL);
	assert_int_equal(json_get_bool(a, "readOnlyHint", false), op->effects == OP_READS);
	assert_int_equal(json_get_bool(a, "destructiveHint", false), op->effects == OP_DESTROYS);
	assert_string_equal(json_get_string(a, "title"), op->title);
}

static void check_schema(const char *name, const struct json *schema, bool closed)
{
	assert_string_equal(json_get_string(schema, "type"), "object");
	assert_int_equal(json_get_bool(schema, "additionalProperties", true), !closed);
	JSON_EACH (p, json_get(schema, "properties")) {
		const char *doc = json_get_string(p, "description");
		if (!doc || !*doc)
			fail_msg("%s.%s has no description", name, json_key(p));
	}
}

static void check_tool(const struct json *t)
{
	const char *name = json_get_string(t, "name");
	const struct op *op = op_find(name);
	const struct json *input = json_get(t, "inputSchema");

	assert_non_null(op);
	check_name(name);
	assert_in_range(strlen(json_get_string(t, "description")), 20, 2048);
	check_annotations(op, json_get(t, "annotations"));
	check_schema(name, input, true);
	check_schema(name, json_get(t, "outputSchema"), false);
	for (const struct field *a = op->args; a->name; a++)
		assert_int_equal(json_get(json_get(input, "properties"), a->name) != NULL,
				 !(a->flags & ARG_SOCKET_ONLY));
	assert_non_null(json_get(json_get(input, "properties"), "response_format"));
	assert_true(json_count(json_get(json_get(t, "_meta"), "adit/tags")) > 0);
}

static void test_the_list(void **state)
{
	struct fake *f = *state;
	struct principal admin = {.role = ROLE_ADMIN, .door = OP_DOOR_MCP, .name = "a"};
	size_t listed = 0, loaded = 0, wanted = 0;

	f->who = &admin;
	JSON_EACH (t, tools(f)) {
		check_tool(t);
		loaded += json_get_bool(json_get(t, "_meta"), "anthropic/alwaysLoad", false);
		listed++;
	}
	assert_int_equal(loaded, 2);
	for (size_t i = 0; op_at(i); i++)
		wanted += (op_at(i)->doors & OP_DOOR_MCP) != 0;
	assert_int_equal(listed, wanted);
	const struct json *r = json_get(json_root(f->doc), "result");
	assert_string_equal(json_get_string(r, "cacheScope"), "private");
	assert_true(json_get_int(r, "ttlMs", -1) >= 0);
	AUTO(str_t) first = str_dup(buf_text(&f->text));
	(void)tools(f);
	assert_string_equal(first, buf_text(&f->text));
}

/* Judged twice: when listed, and when called. */
static void test_each_role_has_its_own(void **state)
{
	struct fake *f = *state;
	AUTO(json_doc_t) doc = NULL;

	f->who = &model_viewer;
	const struct json *list = tools(f);
	assert_non_null(tool_named(list, "status_get"));
	assert_null(tool_named(list, "route_set"));
	assert_null(tool_named(list, "plan_approve"));
	JSON_EACH (t, list)
		assert_int_equal(op_find(json_get_string(t, "name"))->effects, OP_READS);
	const struct json *e = failure(
		f, "route_set",
		"{\"hostname\":\"a.example.com\",\"service\":\"http://127.0.0.1:1\"}", &doc);
	assert_string_equal(json_get_string(e, "kind"), "denied");
	assert_int_equal(f->desk->world->routes.n, 0);
	f->who = &model_operator;
	assert_non_null(tool_named(tools(f), "route_set"));
}

/* Nothing here can approve: neither the operation nor the argument is to be had. */
static void test_nothing_approves(void **state)
{
	static const char *const calls[][2] = {
		{"plan_approve", "{\"plan\":\"p1\",\"hash\":\"0123456789ab\"}"},
		{"plan_reject", "{\"plan\":\"p1\"}"},
		{"writes_resume", "{}"},
	};
	struct fake *f = *state;
	struct principal admin = {.role = ROLE_ADMIN, .door = OP_DOOR_MCP, .name = "a"};

	f->who = &admin;
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		AUTO(json_doc_t) doc = NULL;
		const struct json *e = failure(f, calls[i][0], calls[i][1], &doc);
		assert_string_equal(json_get_string(e, "kind"), "denied");
		assert_null(tool_named(tools(f), calls[i][0]));
	}
	static const char *const args[] = {"\"approve\":true", "\"hash\":\"0123456789abcdef\"",
					   "\"deletes\":5"};
	for (size_t i = 0; i < ARRAY_LEN(args); i++) {
		AUTO(json_doc_t) doc = NULL;
		AUTO(str_t)
		text = str_format("{\"hostname\":\"a.example.com\","
				  "\"service\":\"http://127.0.0.1:1\",%s}",
				  args[i]);
		const struct json *e = failure(f, "route_set", text, &doc);
		assert_string_equal(json_get_string(e, "kind"), "invalid");
		assert_null(strstr(json_get_string(e, "hint"), "approve"));
	}
	assert_int_equal(f->desk->world->routes.n, 0);
}

static void test_a_plan_that_waits(void **state)
{
	struct fake *f = *state;

	publish(f->desk);
	const struct json *a =
		answer(f, "route_delete", "{\"hostname\":\"app.example.com\",\"wait\":false}");
	assert_string_equal(json_get_string(a, "state"), "needs_approval");
	AUTO(str_t)
	command = str_format("adit plan approve %s --hash %.16s", json_get_string(a, "plan"),
			     json_get_string(a, "hash"));
	assert_string_equal(json_get_string(a, "approve_with"), command);
	assert_non_null(strstr(json_get_string(a, "next"), "plan_get"));
	assert_true(json_count(json_get(a, "approvals")) > 0);
	assert_true(json_count(json_get(a, "changes")) > 0);
	AUTO(str_t) asked = str_format("{\"plan\":\"%s\"}", json_get_string(a, "plan"));
	a = answer(f, "plan_get", asked);
	assert_string_equal(json_get_string(a, "approve_with"), command);
	assert_int_equal(f->desk->world->routes.n, 1);
}

/* ---- mistakes ---- */

static void test_unknown_tools(void **state)
{
	struct fake *f = *state;

	(void)fake_ask(f, "tools/call", "\"name\":\"route_sett\",\"arguments\":{}");
	assert_int_equal(fake_code(f), RPC_PARAMS);
	assert_int_equal(f->status, 200);
	const struct json *data = json_get(json_get(json_root(f->doc), "error"), "data");
	assert_string_equal(json_string(json_first(json_get(data, "nearest"))), "route_set");
	f->who = &model_viewer;
	(void)fake_ask(f, "tools/call", "\"name\":\"route_sett\"");
	assert_null(strstr(buf_text(&f->text), "\"route_set\""));
	static const char *const params[] = {"", "\"name\":5", "\"name\":null",
					     "\"name\":\"status_get\",\"arguments\":[]",
					     "\"name\":\"status_get\",\"arguments\":null"};
	for (size_t i = 0; i < ARRAY_LEN(params); i++) {
		(void)fake_ask(f, "tools/call", params[i]);
		assert_int_equal(fake_code(f), RPC_PARAMS);
	}
	(void)fake_ask(f, "tools/list", "\"cursor\":\"\"");
	assert_int_equal(fake_code(f), RPC_PARAMS);
}

static void test_mistakes_tell_what_to_do(void **state)
{
	static const struct {
		const char *tool, *args, *kind, *says, *hint, *next;
	} rows[] = {
		{"tunnel_get", "{\"tunnel\":\"nowhere\"}", "not_found", "nowhere", NULL,
		 "tunnel_list"},
		{"tunnel_get", "{}", "invalid", "tunnel", "tunnel (required)", "tunnel_list"},
		{"tunnel_get", "{\"tunel\":\"a\"}", "invalid", "tunel", "tunnel", "tunnel_list"},
		{"route_list", "{\"limit\":\"many\"}", "invalid", "limit", NULL, NULL},
		{"status_get", "{\"response_format\":\"short\"}", "invalid", "response_format",
		 NULL, NULL},
		{"status_get", "{\"fields\":[\"nothing\"]}", "invalid", "nothing", "tunnels", NULL},
		{"status_get", "{\"fields\":\"state\"}", "invalid", "fields", NULL, NULL},
		{"status_get", "{\"fields\":[5]}", "invalid", "fields", NULL, NULL},
	};
	struct fake *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(json_doc_t) doc = NULL;
		const struct json *e = failure(f, rows[i].tool, rows[i].args, &doc);
		const char *hint = json_get_string(e, "hint"), *next = json_get_string(e, "next");
		assert_string_equal(json_get_string(e, "kind"), rows[i].kind);
		assert_non_null(strstr(json_get_string(e, "message"), rows[i].says));
		if (rows[i].hint)
			assert_non_null(hint ? strstr(hint, rows[i].hint) : NULL);
		if (rows[i].next)
			assert_non_null(next ? strstr(next, rows[i].next) : NULL);
		if (hint)
			assert_null(strstr(hint, "--help"));
	}
}

/* ---- shapes ---- */

static void test_concise_and_detailed(void **state)
{
	struct fake *f = *state;
	const struct json *a = answer(f, "status_get", "{}");

	assert_non_null(json_get_string(a, "state"));
	assert_null(json_get(a, "rate"));
	assert_null(json_get(a, "tunnels"));
	a = answer(f, "status_get", "{\"response_format\":\"detailed\"}");
	assert_non_null(json_get(a, "rate"));
	assert_int_equal(json_type(json_get(a, "tunnels")), JSON_ARRAY);
	a = answer(f, "status_get", "{\"fields\":[\"state\",\"revision\",\"owner\"]}");
	assert_int_equal(json_count(a), 3);
}

/* The text is the same JSON, where it is there at all. */
static void test_the_text(void **state)
{
	static const struct {
		const char *text;
		bool texts, structured;
	} rows[] = {
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{" META
		 ",\"name\":\"status_get\"}}",
		 true, true},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"_meta\":{"
		 "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
		 "\"io.modelcontextprotocol/clientInfo\":{\"name\":\"claude-code\",\"version\":"
		 "\"2.1.329\"},\"io.modelcontextprotocol/clientCapabilities\":{}},"
		 "\"name\":\"status_get\"}}",
		 false, true},
	};
	static const char legacy[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\","
				     "\"params\":{\"name\":\"status_get\"}}";
	struct fake *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct json *r = json_get(fake_take(f, &fake_lines, rows[i].text), "result");
		assert_int_equal(json_count(json_get(r, "content")), rows[i].texts);
		assert_int_equal(json_get(r, "structuredContent") != NULL, rows[i].structured);
	}
	for (int i = 0; era_version_at(i); i++) {
		f->agreed.version = era_version_at(i);
		const struct json *r = json_get(fake_take(f, &fake_lines, legacy), "result");
		assert_int_equal(json_get(r, "structuredContent") != NULL, i < 2);
		assert_null(json_get(r, "resultType"));
		const char *text = json_get_string(json_first(json_get(r, "content")), "text");
		AUTO(json_doc_t) doc = NULL;
		struct err e;
		assert_int_equal(json_parse(text, strlen(text), NULL, &doc, &e), 0);
		assert_non_null(json_get_string(json_root(doc), "state"));
	}
}

static void test_older_versions_have_less(void **state)
{
	struct fake *f = *state;
	static const char ask[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}";

	for (int i = 0; era_version_at(i); i++) {
		f->agreed.version = era_version_at(i);
		const struct json *r = json_get(fake_take(f, &fake_lines, ask), "result");
		const struct json *t = json_first(json_get(r, "tools"));
		assert_non_null(json_get(t, "inputSchema"));
		assert_int_equal(json_get(t, "annotations") != NULL, i < 3);
		assert_int_equal(json_get(t, "outputSchema") != NULL, i < 2);
		assert_null(json_get(r, "ttlMs"));
	}
}

/* ---- long answers ---- */

static void add_tunnels(struct fake *f, int n)
{
	struct world *w = f->desk->world;
	for (int i = 0; i < n; i++) {
		AUTO(str_t) name = str_format("tunnel-with-a-long-name-%05d", i);
		world_add_tunnel(w, tunnel_new(name));
	}
}

/* Page by page, until there are no more; how many pages there were. */
static int walk(struct fake *f, const char *more, size_t cap, size_t *items)
{
	AUTO(str_t) cursor = NULL;
	int pages = 0;
	*items = 0;
	do {
		AUTO(str_t)
		args = cursor ? str_format("{\"cursor\":\"%s\"%s}", cursor, more)
			      : str_format("{\"response_format\":\"concise\"%s}", more);
		const struct json *r = fake_tool(f, "tunnel_list", args);
		const struct json *a = json_get(r, "structuredContent");
		const char *text = json_get_string(json_first(json_get(r, "content")), "text");
		assert_true(strlen(text) <= cap);
		assert_null(json_get(a, "cut"));
		JSON_EACH (item, json_get(a, "items")) {
			AUTO(str_t) name = str_format("tunnel-with-a-long-name-%05d", (int)*items);
			assert_string_equal(json_get_string(item, "name"), name);
			(*items)++;
		}
		str_set(&cursor, json_get_string(a, "next_cursor"));
		assert_true(++pages < 1000);
	} while (cursor);
	return pages;
}

static void test_long_lists_come_in_pages(void **state)
{
	struct fake *f = *state;
	size_t items;

	add_tunnels(f, 1500);
	assert_true(walk(f, ",\"limit\":1000", SHAPE_CAP, &items) > 1);
	assert_int_equal(items, 1500);
	assert_true(walk(f, "", SHAPE_SOFT, &items) > 29);
	assert_int_equal(items, 1500);
}

static void test_long_pages_are_cut(void **state)
{
	struct fake *f = *state;

	add_tunnels(f, 3000);
	const struct json *r = fake_tool(f, "status_get", "{\"response_format\":\"detailed\"}");
	const struct json *a = json_get(r, "structuredContent");
	const char *text = json_get_string(json_first(json_get(r, "content")), "text");
	size_t shown = json_count(json_get(a, "tunnels"));
	assert_in_range(strlen(text), SHAPE_CAP / 2, SHAPE_CAP);
	assert_in_range(shown, 10, 2999);
	AUTO(str_t) cut = str_format("tunnels: %zu of 3000", shown);
	assert_non_null(strstr(json_get_string(a, "cut"), cut));
	assert_non_null(strstr(json_get_string(a, "next"), "tunnel_list"));
}

/* ---- headers ---- */

static void test_arguments_in_headers(void **state)
{
	AUTO(buf_t) schema = {0};
	struct tool t = {0};

	(void)state;
	(void)buf_str(&schema, "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"},"
			       "\"zone\":{\"type\":\"string\",\"x-mcp-header\":\"Zone\"}}}");
	tool_read_headers(&t, &schema);
	assert_int_equal(t.mirrored.n, 1);
	assert_string_equal(t.mirrored.items[0], "zone");
	assert_string_equal(t.headers.items[0], "Zone");
	strlist_free(&t.mirrored);
	strlist_free(&t.headers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FAKE_TEST(test_the_list),
		FAKE_TEST(test_each_role_has_its_own),
		FAKE_TEST(test_nothing_approves),
		FAKE_TEST(test_a_plan_that_waits),
		FAKE_TEST(test_unknown_tools),
		FAKE_TEST(test_mistakes_tell_what_to_do),
		FAKE_TEST(test_concise_and_detailed),
		FAKE_TEST(test_the_text),
		FAKE_TEST(test_older_versions_have_less),
		FAKE_TEST(test_long_lists_come_in_pages),
		FAKE_TEST(test_long_pages_are_cut),
		FAKE_TEST(test_arguments_in_headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
