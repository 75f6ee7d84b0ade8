/* Access rules, lockdowns and rules by user agent: one form, and what is not believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "cloudflare/expression.h"
#include "cloudflare/firewall.h"

typedef int reader(const struct json *v, struct cf_firewall_rule *out);

static const struct row {
	reader *read;
	const char *json;
	int rc;
	const char *action, *expression, *description;
	bool paused;
	enum cf_firewall_scope scope;
} rows[] = {
#define ACCESS(rest) cf_access_rule_read, "{\"id\":\"a1\"," rest "}"
	{ACCESS("\"mode\":\"block\",\"configuration\":{\"target\":\"ip\",\"value\":"
		"\"198.51.100.4\"},\"notes\":\"why\",\"scope\":{\"type\":\"zone\"}"),
	 0, "block", "ip.src eq 198.51.100.4", "why", false, CF_FIREWALL_ZONE},
	{ACCESS("\"mode\":\"whitelist\",\"configuration\":{\"target\":\"ip_range\",\"value\":"
		"\"198.51.100.0/24\"},\"scope\":{\"type\":\"organization\",\"id\":\"x\"}"),
	 0, "allow", "ip.src in {198.51.100.0/24}", NULL, false, CF_FIREWALL_WIDER},
	{ACCESS("\"mode\":\"challenge\",\"configuration\":{\"target\":\"asn\",\"value\":"
		"\"AS13335\"}"),
	 0, "challenge", "ip.src.asnum eq 13335", NULL, false, CF_FIREWALL_ZONE},
	{ACCESS("\"mode\":\"js_challenge\",\"configuration\":{\"target\":\"country\",\"value\":"
		"\"T1\"}"),
	 0, "js_challenge", "ip.src.country eq \"T1\"", NULL, false, CF_FIREWALL_ZONE},
	/* whose it is cannot be read: it is not the zone's alone */
	{ACCESS("\"mode\":\"block\",\"configuration\":{\"target\":\"ip6\",\"value\":\"2001:db8::"
		"1\"},"
		"\"scope\":7"),
	 0, "block", "ip.src eq 2001:db8::1", NULL, false, CF_FIREWALL_WIDER},
	{ACCESS("\"mode\":[],\"configuration\":{\"target\":\"ip\",\"value\":\"x\"},\"notes\":{},"
		"\"modified_on\":9"),
	 0, NULL, "ip.src eq x", NULL, false, CF_FIREWALL_ZONE},
	{ACCESS("\"mode\":\"block\",\"configuration\":{\"target\":\"moon\",\"value\":\"x\"}"), -1},
	{ACCESS("\"mode\":\"block\",\"configuration\":{\"target\":\"ip\"}"), -1},
	{ACCESS("\"mode\":\"block\",\"configuration\":[]"), -1},
	{ACCESS("\"mode\":\"block\",\"configuration\":null"), -1},
	{cf_access_rule_read, "{\"id\":\"a b\"}", -1},
	{cf_access_rule_read, "[]", -1},
	{cf_access_rule_read, "null", -1},
#define LOCKDOWN(rest) cf_lockdown_read, "{\"id\":\"l1\"," rest "}"
	{LOCKDOWN("\"paused\":true,\"description\":\"office\",\"urls\":[\"shop.example.com/"
		  "admin*\"],"
		  "\"configurations\":[{\"target\":\"ip\",\"value\":\"198.51.100.4\"},"
		  "{\"target\":\"ip_range\",\"value\":\"203.0.113.0/24\"}]"),
	 0, "block",
	 "(http.request.full_uri wildcard \"http*://shop.example.com/admin*\") and not ip.src in "
	 "{198.51.100.4 203.0.113.0/24}",
	 "office", true, CF_FIREWALL_ZONE},
	{LOCKDOWN("\"paused\":false,\"urls\":[\"a/\\\"\\\\\",\"b/*\"],\"configurations\":[]"), 0,
	 "block",
	 "http.request.full_uri wildcard \"http*://a/\\\"\\\\\" or http.request.full_uri wildcard "
	 "\"http*://b/*\"",
	 NULL, false, CF_FIREWALL_ZONE},
	{LOCKDOWN("\"urls\":[],\"configurations\":[]"), -1},
	{LOCKDOWN("\"urls\":[7],\"configurations\":[]"), -1},
	{LOCKDOWN("\"urls\":[\"\"],\"configurations\":[]"), -1},
	{LOCKDOWN("\"urls\":[\"a\"],\"configurations\":[null]"), -1},
	{LOCKDOWN("\"urls\":[\"a\"],\"configurations\":[{\"value\":7}]"), -1},
	{LOCKDOWN("\"paused\":\"true\",\"urls\":[\"a\"],\"configurations\":[]"), -1},
	{cf_lockdown_read, "{\"urls\":[\"a\"]}", -1},
#define AGENT(rest) cf_agent_rule_read, "{\"id\":\"u1\"," rest "}"
	{AGENT("\"mode\":\"managed_challenge\",\"paused\":true,\"description\":\"bots\","
	       "\"configuration\":{\"target\":\"ua\",\"value\":\"Bad \\\"Bot\\\"\"}"),
	 0, "managed_challenge", "http.user_agent eq \"Bad \\\"Bot\\\"\"", "bots", true,
	 CF_FIREWALL_ZONE},
	{AGENT("\"mode\":\"block\",\"paused\":0,\"configuration\":{\"target\":\"ua\",\"value\":"
	       "\"x\"}"),
	 -1},
	{AGENT("\"mode\":\"block\",\"paused\":false"), -1},
};

static void check_text(const char *text, const char *expected)
{
	if (expected)
		assert_string_equal(text, expected);
	else
		assert_null(text);
}

static void each_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *x = &rows[i];
		AUTO(json_doc_t) doc = NULL;
		AUTO(cf_firewall_rule_t) r = {.priority = 77};
		struct err e;
		assert_int_equal(json_parse(x->json, strlen(x->json), NULL, &doc, &e), 0);
		if (x->read(json_root(doc), &r) != x->rc)
			fail_msg("%s", x->json);
		if (x->rc < 0) {
			assert_int_equal(r.priority, 77);
			continue;
		}
		check_text(r.action, x->action);
		check_text(r.expression, x->expression);
		check_text(r.description, x->description);
		assert_int_equal(r.paused, x->paused);
		assert_int_equal(r.scope, x->scope);
		assert_int_equal(r.priority, -1);
	}
}

static void modes(void **state)
{
	(void)state;
	assert_string_equal(cf_access_mode("allow"), "whitelist");
	assert_string_equal(cf_access_mode("whitelist"), "whitelist");
	assert_string_equal(cf_access_mode("block"), "block");
	assert_string_equal(cf_access_mode("js_challenge"), "js_challenge");
	assert_null(cf_access_mode("skip"));
	assert_null(cf_access_mode(NULL));
}

static void zones_that_an_expression_leaves_out(void **state)
{
	static const struct {
		const char *expression;
		bool excludes;
	} cases[] = {
		{"true", false},
		{"", false},
		{"(cf.zone.name eq \"a.com\")", true},
		{"(cf.zone.name == \"a.com\") and cf.zone.plan eq \"ENT\"", true},
		{"cf.zone.name in {\"a.com\" \"b.com\"} && ip.src in {192.0.2.0/24}", true},
		{"cf.zone.name eq \"Shop.example\" and cf.zone.plan eq \"ENT\"", false},
		{"cf.zone.name in {\"a.com\" \"shop.example\"}", false},
		{"http.host eq \"a.com\"", false},
		{"lower(cf.zone.name) eq \"a.com\"", false},
		{"cf.zone.name contains \"a.com\"", false},
		{"cf.zone.name in $zones", false},
		/* turned round, or one of several */
		{"cf.zone.name ne \"a.com\"", false},
		{"cf.zone.name != \"a.com\"", false},
		{"not cf.zone.name eq \"a.com\"", false},
		{"!(cf.zone.name eq \"a.com\")", false},
		{"cf.zone.name eq \"a.com\" or true", false},
		{"cf.zone.name eq \"a.com\" || true", false},
		{"cf.zone.name eq \"a.com\" xor true", false},
		{"cf.zone.name eq \"a.com\" ^^ true", false},
		{"true OR cf.zone.name eq \"a.com\"", false},
		/* a string is no word, and a word no string */
		{"cf.zone.name eq \"a.com\" and http.host eq \"x or not y\"", true},
		{"http.host eq \"cf.zone.name eq \\\"a.com\\\"\"", false},
		{"cf.zone.name eq a.com", false},
		/* not understood */
		{"cf.zone.name eq \"a.com\" and http.host eq \"x", false},
		{"cf.zone.name eq \"a.com\" and http.host matches r\"\\\" or true", false},
		{"cf.zone.name in {\"a.com\"", false},
		{"cf.zone.name", false},
		{"cf.zone.name eq", false},
		{"cf.zone.name eq \"a.com\" # or true", false},
		{"\"\\", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (cf_expression_excludes_zone(cases[i].expression, "shop.example") !=
		    cases[i].excludes)
			fail_msg("%s", cases[i].expression);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row),
		cmocka_unit_test(modes),
		cmocka_unit_test(zones_that_an_expression_leaves_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
