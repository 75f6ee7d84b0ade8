#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mcp/era.h"

#define META_OF(version)                                                                           \
	"\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":" version                          \
	",\"io.modelcontextprotocol/clientCapabilities\":{}}"
#define META META_OF("\"2026-07-28\"")
#define ASKS(method, params)                                                                       \
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"" method "\",\"params\":{" params "}}"
#define TELLS(method, params)                                                                      \
	"{\"jsonrpc\":\"2.0\",\"method\":\"" method "\",\"params\":{" params "}}"
#define MODERN "2026-07-28"

struct row {
	const char *text;
	const char *version, *method, *name; /* headers */
	enum era era;
	int code, status;
	const char *spoken;
};

/* Over HTTP, with nothing agreed on. */
static const struct row http_rows[] = {
	/* the modern way */
	{ASKS("tools/list", META), MODERN, "tools/list", NULL, ERA_MODERN, 0, 200, MODERN},
	{ASKS("tools/list", META), " 2026-07-28\t", "  tools/list ", NULL, ERA_MODERN, 0, 200,
	 MODERN},
	{ASKS("tools/call", META ",\"name\":\"a\""), MODERN, "tools/call", "a", ERA_MODERN, 0, 200,
	 MODERN},
	{ASKS("tools/call", META ",\"name\":\"a\""), MODERN, "tools/call", "  a  ", ERA_MODERN, 0,
	 200, MODERN},
	{ASKS("tools/call", META ",\"name\":\"t\xc3\xbc\""), MODERN, "tools/call",
	 "=?base64?dMO8?=", ERA_MODERN, 0, 200, MODERN},
	{ASKS("resources/read", META ",\"uri\":\"adit://status\""), MODERN, "resources/read",
	 "adit://status", ERA_MODERN, 0, 200, MODERN},
	{ASKS("tasks/get", META ",\"taskId\":\"t1\""), MODERN, "tasks/get", "t1", ERA_MODERN, 0,
	 200, MODERN},
	{ASKS("tools/call", META), MODERN, "tools/call", NULL, ERA_MODERN, 0, 200, MODERN},
	{TELLS("notifications/cancelled", META), MODERN, "notifications/cancelled", NULL,
	 ERA_MODERN, 0, 200, MODERN},
	/* headers that do not repeat the body */
	{ASKS("tools/list", META), NULL, "tools/list", NULL, ERA_MODERN, RPC_HEADERS, 400, MODERN},
	{ASKS("tools/list", META), "2025-11-25", "tools/list", NULL, ERA_MODERN, RPC_HEADERS, 400,
	 MODERN},
	{ASKS("tools/list", META), MODERN, NULL, NULL, ERA_MODERN, RPC_HEADERS, 400, MODERN},
	{ASKS("tools/list", META), MODERN, "prompts/list", NULL, ERA_MODERN, RPC_HEADERS, 400,
	 MODERN},
	{ASKS("tools/list", META), MODERN, "TOOLS/LIST", NULL, ERA_MODERN, RPC_HEADERS, 400,
	 MODERN},
	{ASKS("tools/call", META ",\"name\":\"a\""), MODERN, "tools/call", NULL, ERA_MODERN,
	 RPC_HEADERS, 400, MODERN},
	{ASKS("tools/call", META ",\"name\":\"a\""), MODERN, "tools/call", "b", ERA_MODERN,
	 RPC_HEADERS, 400, MODERN},
	{ASKS("tools/call", META ",\"name\":\"Hello\""), MODERN, "tools/call",
	 "=?base64?SGVsbG8?=", ERA_MODERN, RPC_HEADERS, 400, MODERN},
	{ASKS("tools/call", META ",\"name\":\"Hello\""), MODERN, "tools/call",
	 "=?base64?SGVs!!!bG8=?=", ERA_MODERN, RPC_HEADERS, 400, MODERN},
	{ASKS("tools/call", META ",\"name\":\"t\xc3\xbc\""), MODERN, "tools/call", "t\xc3\xbc",
	 ERA_MODERN, RPC_HEADERS, 400, MODERN},
	{ASKS("tools/call", META ",\"name\":\"=?base64?SGVsbG8=\""), MODERN, "tools/call",
	 "=?base64?SGVsbG8=", ERA_MODERN, 0, 200, MODERN},
	{ASKS("tools/list", META_OF("\"v9\"")), MODERN, "tools/list", NULL, ERA_MODERN, RPC_HEADERS,
	 400, MODERN},
	/* versions */
	{ASKS("server/discover", META_OF("\"1900-01-01\"")), "1900-01-01", "server/discover", NULL,
	 ERA_MODERN, RPC_VERSION, 400, MODERN},
	{ASKS("server/discover", META_OF("\"v999.0.0\"")), "v999.0.0", "server/discover", NULL,
	 ERA_MODERN, RPC_VERSION, 400, MODERN},
	{ASKS("server/discover", META_OF("\"2025-11-25\"")), "2025-11-25", "server/discover", NULL,
	 ERA_MODERN, RPC_VERSION, 400, MODERN},
	{ASKS("server/discover", META_OF("5")), "5", "server/discover", NULL, ERA_MODERN,
	 RPC_PARAMS, 400, MODERN},
	/* what a modern message must carry */
	{ASKS("server/discover", ""), MODERN, "server/discover", NULL, ERA_MODERN, RPC_PARAMS, 400,
	 MODERN},
	{ASKS("server/discover", "\"_meta\":{\"io.modelcontextprotocol/clientCapabilities\":{}}"),
	 MODERN, "server/discover", NULL, ERA_MODERN, RPC_PARAMS, 400, MODERN},
	{ASKS("server/discover",
	      "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"}"),
	 MODERN, "server/discover", NULL, ERA_MODERN, RPC_PARAMS, 400, MODERN},
	{ASKS("initialize", "\"protocolVersion\":\"2025-11-25\""), MODERN, "initialize", NULL,
	 ERA_MODERN, RPC_HEADERS, 400, MODERN},
	{ASKS("tools/list", ""), "2027-01-01", NULL, NULL, ERA_MODERN, RPC_PARAMS, 400, MODERN},
	{"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}", MODERN, NULL, NULL, ERA_MODERN,
	 RPC_NO_REQUEST, 400, MODERN},
	/* the legacy way */
	{ASKS("tools/list", ""), NULL, NULL, NULL, ERA_LEGACY, 0, 200, VERSION_BATCH},
	{ASKS("tools/list", ""), "2025-11-25", NULL, NULL, ERA_LEGACY, 0, 200, "2025-11-25"},
	{ASKS("tools/list", ""), "2025-06-18", NULL, NULL, ERA_LEGACY, 0, 200, "2025-06-18"},
	{ASKS("tools/list", ""), "2025-03-26", NULL, NULL, ERA_LEGACY, 0, 200, "2025-03-26"},
	{ASKS("tools/list", ""), "2024-11-05", NULL, NULL, ERA_LEGACY, RPC_NO_REQUEST, 400,
	 VERSION_BATCH},
	{ASKS("tools/list", ""), "1900-01-01", NULL, NULL, ERA_LEGACY, RPC_NO_REQUEST, 400,
	 VERSION_BATCH},
	{ASKS("tools/list", ""), "", NULL, NULL, ERA_LEGACY, RPC_NO_REQUEST, 400, VERSION_BATCH},
	{ASKS("initialize", "\"protocolVersion\":\"2026-07-28\""), NULL, NULL, NULL, ERA_LEGACY, 0,
	 200, VERSION_BATCH},
	{ASKS("tools/list", "\"_meta\":{\"progressToken\":1}"), NULL, NULL, NULL, ERA_LEGACY, 0,
	 200, VERSION_BATCH},
	{TELLS("notifications/initialized", ""), "2025-11-25", NULL, NULL, ERA_LEGACY, 0, 200,
	 "2025-11-25"},
	{"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}", "2025-11-25", NULL, NULL, ERA_LEGACY, 0,
	 200, "2025-11-25"},
	/* no message */
	{"{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"ping\"}", NULL, NULL, NULL, ERA_LEGACY,
	 RPC_NO_REQUEST, 400, VERSION_BATCH},
	{"{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"ping\"}", MODERN, NULL, NULL, ERA_MODERN,
	 RPC_NO_REQUEST, 400, MODERN},
};

/* Over lines there are no headers, and older versions too. */
static const struct row line_rows[] = {
	{ASKS("tools/list", META), NULL, NULL, NULL, ERA_MODERN, 0, 200, MODERN},
	{ASKS("tools/call", META ",\"name\":\"a\""), NULL, NULL, NULL, ERA_MODERN, 0, 200, MODERN},
	{ASKS("tools/list", META_OF("\"1900-01-01\"")), NULL, NULL, NULL, ERA_MODERN, RPC_VERSION,
	 400, MODERN},
	{ASKS("tools/list", ""), NULL, NULL, NULL, ERA_LEGACY, 0, 200, "2025-11-25"},
	{ASKS("initialize", "\"protocolVersion\":\"2024-11-05\""), NULL, NULL, NULL, ERA_LEGACY, 0,
	 200, "2025-11-25"},
};

static struct json_doc *parsed(const char *text)
{
	struct json_doc *doc = NULL;
	struct err e;

	if (json_parse(text, strlen(text), NULL, &doc, &e) < 0)
		fail_msg("%s: %s", text, e.message);
	return doc;
}

static void check(const struct row *row, bool http, const char *agreed)
{
	AUTO(json_doc_t) doc = parsed(row->text);
	struct era_head head = {
		.http = http, .version = row->version, .method = row->method, .name = row->name};
	struct rpc_message m;
	struct verdict v;

	rpc_read(json_root(doc), &m);
	era_judge(&head, &m, agreed, &v);
	if (v.era != row->era || v.code != row->code || v.status != row->status ||
	    !str_equal(v.version, row->spoken))
		fail_msg("%s [%s, %s, %s]: era %d, code %d, status %d, %s: %s", row->text,
			 row->version ? row->version : "-", row->method ? row->method : "-",
			 row->name ? row->name : "-", (int)v.era, v.code, v.status, v.version,
			 v.message);
	assert_true((v.code != 0) == (v.message[0] != '\0'));
}

static void test_the_gate_over_http(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(http_rows); i++)
		check(&http_rows[i], true, NULL);
}

static void test_the_gate_over_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(line_rows); i++)
		check(&line_rows[i], false, NULL);
}

static void test_what_was_agreed_on(void **state)
{
	static const struct row silent = {
		ASKS("tools/list", ""), NULL, NULL, NULL, ERA_LEGACY, 0, 200, "2025-06-18"};
	static const struct row told = {
		ASKS("tools/list", ""), "2025-11-25", NULL, NULL, ERA_LEGACY, 0, 200, "2025-11-25"};
	static const struct row modern = {
		ASKS("tools/list", META), MODERN, "tools/list", NULL, ERA_MODERN, 0, 200, MODERN};

	(void)state;
	check(&silent, true, "2025-06-18");
	check(&silent, false, "2025-06-18");
	check(&told, true, "2025-06-18");
	check(&modern, true, "2025-06-18");
}

static void test_batches(void **state)
{
	static const struct {
		const char *header, *agreed;
		bool http, taken;
	} rows[] = {
		{NULL, NULL, true, true},           {"2025-03-26", NULL, true, true},
		{"2025-06-18", NULL, true, false},  {"2025-11-25", NULL, true, false},
		{MODERN, NULL, true, false},        {NULL, "2025-06-18", true, false},
		{NULL, "2025-03-26", true, true},   {"1900-01-01", NULL, true, false},
		{NULL, "2025-03-26", false, true},  {NULL, "2024-11-05", false, true},
		{NULL, "2025-11-25", false, false}, {NULL, NULL, false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct era_head head = {.http = rows[i].http, .version = rows[i].header};
		struct verdict v;

		era_judge_batch(&head, rows[i].agreed, &v);
		if ((v.code == 0) != rows[i].taken)
			fail_msg("row %zu: %d %s", i, v.code, v.message);
	}
}

static void test_values_in_headers(void **state)
{
	static const struct {
		const char *header, *value;
		bool repeats;
	} rows[] = {
		{"Hello", "\"Hello\"", true},
		{"=?base64?SGVsbG8=?=", "\"Hello\"", true},
		{"SGVsbG8=", "\"SGVsbG8=\"", true},
		{"SGVsbG8=?=", "\"SGVsbG8=?=\"", true},
		{"hello", "\"Hello\"", false},
		{"", "\"\"", true},
		{"=?base64?\?=", "\"\"", true},
		{"=?base64?AEE=?=", "\"A\"", false},
		{"42", "42", true},
		{"42.0", "42", false},
		{"true", "true", true},
		{"false", "false", true},
		{"TRUE", "true", false},
		{"true", "false", false},
		{"a\x7f", "\"a\"", false},
		{"a b", "\"a b\"", true},
		{"x", "{}", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(json_doc_t) doc = parsed(rows[i].value);

		if (era_header_repeats(rows[i].header, json_root(doc)) != rows[i].repeats)
			fail_msg("%s %s", rows[i].header, rows[i].value);
		assert_false(era_header_repeats(NULL, json_root(doc)));
	}
}

static void test_versions_by_number(void **state)
{
	(void)state;
	for (int i = 0; era_version_at(i); i++)
		assert_int_equal(era_version_index(era_version_at(i)), i);
	assert_null(era_version_at(-1));
	assert_int_equal(era_version_index(MODERN), -1);
	assert_null(era_legacy("2024-11-05", true));
	assert_string_equal(era_legacy("2024-11-05", false), "2024-11-05");
	assert_null(era_legacy(MODERN, false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_gate_over_http),
		cmocka_unit_test(test_the_gate_over_lines),
		cmocka_unit_test(test_what_was_agreed_on),
		cmocka_unit_test(test_batches),
		cmocka_unit_test(test_values_in_headers),
		cmocka_unit_test(test_versions_by_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
