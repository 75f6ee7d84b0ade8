/* Aliases: which arguments become which, and that they are there only where the settings say so,
 * and only for whoever may do what they stand for. */
#include "fake_carrier.h"

#include "mcp/aliases.h"

#define OWN "0123456789abcdef0123456789abcdef"

static const struct alias *alias_named(const char *name)
{
	for (size_t i = 0; alias_at(i); i++)
		if (str_equal(alias_name(alias_at(i)), name))
			return alias_at(i);
	fail_msg("there is no %s", name);
	return NULL;
}

static void arguments(void **state)
{
	static const struct {
		const char *name, *given, *own; /* NULL: refused */
	} rows[] = {
		{"firewall_rules", "{\"zone_id\":\"x\"}", "{\"zone\":\"x\"}"},
		{"firewall_rules", "{\"zone_id\":\"x\",\"paused\":true}",
		 "{\"zone\":\"x\",\"paused\":true}"},
		{"firewall_rules", "{\"zone_id\":\"x\",\"paused\":false}",
		 "{\"zone\":\"x\",\"active\":true}"},
		/* judged by the operation */
		{"firewall_rules", "{\"paused\":\"no\",\"what\":[1]}",
		 "{\"paused\":\"no\",\"what\":[1]}"},
		{"firewall_rules", "{\"zone\":\"x\",\"next_cursor\":\"50\",\"limit\":5}",
		 "{\"zone\":\"x\",\"cursor\":\"50\",\"limit\":5}"},
		{"firewall_rules", "{\"zone\":\"x\",\"zone_id\":\"y\"}", NULL},
		{"audit_logs", "{\"account_id\":\"" OWN "\",\"actor_email\":\"shop\"}",
		 "{\"account\":\"" OWN "\",\"actor\":\"shop\"}"},
		{"roles", "{\"account_id\":\"Mine\"}", "{\"account\":\"Mine\"}"},
		{"accounts", "{}", "{}"},
		{"waf_overrides", "{\"zone_id\":\"x\"}", "{\"zone\":\"x\"}"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(str_t) name = str_format("list_all_cloudflare_%s", rows[i].name);
		AUTO(json_doc_t) doc = NULL;
		AUTO(buf_t) own = {0};
		struct err e;
		assert_int_equal(json_parse(rows[i].given, strlen(rows[i].given), NULL, &doc, &e),
				 0);
		int rc = alias_arguments(alias_named(name), json_root(doc), &own, &e);
		assert_int_equal(rc, rows[i].own ? 0 : -1);
		if (rows[i].own)
			assert_string_equal(buf_text(&own), rows[i].own);
		else
			assert_int_equal(e.kind, ERR_INVALID);
	}
}

static void each_stands_for_an_operation(void **state)
{
	(void)state;
	for (size_t i = 0; alias_at(i); i++) {
		if (!alias_op(alias_at(i)))
			fail_msg("%s stands for nothing", alias_name(alias_at(i)));
		assert_int_equal(alias_op(alias_at(i))->effects, OP_READS);
	}
}

static const struct json *listed(struct fake *f, const char *name)
{
	const struct json *tools =
		json_get(json_get(fake_ask(f, "tools/list", ""), "result"), "tools");

	JSON_EACH (t, tools)
		if (str_equal(json_get_string(t, "name"), name))
			return t;
	return NULL;
}

static void off_unless_said(void **state)
{
	struct fake *f = *state;

	assert_null(listed(f, "list_all_cloudflare_zones"));
	const struct json *answer =
		fake_ask(f, "tools/call", "\"name\":\"list_all_cloudflare_zones\"");
	assert_int_equal(json_get_int(json_get(answer, "error"), "code", 0), RPC_PARAMS);
	str_set(&f->desk->settings.mcp.aliases, "truto");
	assert_non_null(listed(f, "list_all_cloudflare_zones"));
}

static void each_is_for_whoever_may(void **state)
{
	static const struct principal auditor = {
		.role = ROLE_AUDITOR, .door = OP_DOOR_MCP, .uid = 7, .name = "news (uid 7)"};
	struct fake *f = *state;

	str_set(&f->desk->settings.mcp.aliases, "truto");
	f->who = &model_viewer;
	assert_non_null(listed(f, "list_all_cloudflare_zones"));
	assert_null(listed(f, "list_all_cloudflare_firewall_rules"));
	f->who = &auditor;
	const struct json *t = listed(f, "list_all_cloudflare_firewall_rules");
	const struct json *input = json_get(t, "inputSchema");
	assert_non_null(strstr(json_get_string(t, "description"), "firewall_rule_list"));
	assert_non_null(json_get(json_get(input, "properties"), "zone_id"));
	assert_null(json_get(json_get(input, "properties"), "zone"));
	assert_string_equal(json_string(json_first(json_get(input, "required"))), "zone_id");
	assert_non_null(json_get(t, "outputSchema"));
	for (size_t i = 0; alias_at(i); i++) {
		t = listed(f, alias_name(alias_at(i)));
		assert_in_range(strlen(json_get_string(t, "description")), 20, 2048);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arguments),
		cmocka_unit_test(each_stands_for_an_operation),
		FAKE_TEST(off_unless_said),
		FAKE_TEST(each_is_for_whoever_may),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
