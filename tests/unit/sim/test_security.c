/* What security is read by: each listing by its own permission and no other, and what is kept of
 * rows that a seed or a caller gives. */
#include "cloud_fixture.h"

#define ZONES    "/zones/" ZONE
#define ACCOUNTS "/accounts/" ACCOUNT
#define CUSTOM   "http_request_firewall_custom"
#define SET      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const char *const scopes[] = {
	"account:read",
	"tokens:read",
	"account-tokens:read",
	"zone:read",
	"zone-waf:read",
	"account-waf:read",
	"firewall:read",
	"transform:read",
	"account-rulesets:read",
	"account-firewall:read",
	"dns:read",
	"tunnel:read",
};

static const struct {
	const char *target;
	const char *scopes; /* that open it, with spaces around each */
	int64_t code;       /* for all others */
} doors[] = {
	{ACCOUNTS "/members", " account:read ", 10000},
	{ACCOUNTS "/roles", " account:read ", 10000},
	{ACCOUNTS "/iam/permission_groups", " account:read ", 10000},
	{"/user/tokens", " tokens:read ", 10000},
	{ACCOUNTS "/tokens", " account-tokens:read ", 10000},
	{ACCOUNTS "/audit_logs", " account:read ", 10000},
	{ACCOUNTS "/logs/audit?since=2000-01-01&before=2030-01-01", " account:read ", 10000},
	{ACCOUNTS "/rulesets", " account-waf:read account-rulesets:read ", 10000},
	{ACCOUNTS "/rulesets/phases/" CUSTOM "/entrypoint",
	 " account-waf:read account-rulesets:read ", 10000},
	{ACCOUNTS "/firewall/access_rules/rules", " account-firewall:read ", 10000},
	{ZONES "/rulesets", " zone-waf:read transform:read ", 9109},
	{ZONES "/rulesets/phases/" CUSTOM "/entrypoint", " zone-waf:read ", 9109},
	{ZONES "/rulesets/phases/http_request_transform/entrypoint", " transform:read ", 9109},
	{ZONES "/firewall/access_rules/rules", " firewall:read ", 9109},
	{ZONES "/firewall/lockdowns", " firewall:read ", 9109},
	{ZONES "/firewall/ua_rules", " firewall:read ", 9109},
};

static void each_listing_has_its_own_permission(void **state)
{
	struct fixture *f = *state;

	fixture_load(f, "{\"limits\":{\"requests\":100000}}");
	for (size_t s = 0; s < ARRAY_LEN(scopes); s++) {
		AUTO(str_t)
		seed = str_format("{\"tokens\":[{\"value\":\"a-narrow-token-000001\","
				  "\"scopes\":[\"%s\"]}]}",
				  scopes[s]);
		AUTO(str_t) word = str_format(" %s ", scopes[s]);
		fixture_load(f, seed);
		f->token = "a-narrow-token-000001";
		for (size_t i = 0; i < ARRAY_LEN(doors); i++) {
			bool opens = strstr(doors[i].scopes, word) != NULL;
			int status = ask(f, "GET", doors[i].target, NULL);
			/* without rules there is no entry point, and that is told to who may know
			 */
			bool told = status == 200 || (status == 404 && code(f) == 10003);
			if (told != opens ||
			    (!opens && (status != 403 || code(f) != doors[i].code)))
				fail_msg("%s with %s: %d", doors[i].target, scopes[s], status);
		}
	}
}

static void a_token_is_told_what_it_may(void **state)
{
	struct fixture *f = *state;

	fixture_load(f, "{\"tokens\":[{\"value\":\"a-narrow-token-000001\",\"id\":\"narrow\","
			"\"scopes\":[\"dns:write\",\"zone-waf:read\"],"
			"\"expires_on\":\"2001-09-10T00:00:00Z\",\"zones\":[\"example.com\"]}]}");
	assert_int_equal(ask(f, "GET", "/user/tokens?per_page=50", NULL), 200);
	const struct json *row = NULL;
	JSON_EACH (each, result(f))
		if (str_equal(json_get_string(each, "id"), "narrow"))
			row = each;
	const struct json *policy = json_first(json_get(row, "policies"));
	assert_int_equal(json_count(json_get(row, "policies")), 1);
	assert_int_equal(json_count(json_get(policy, "permission_groups")), 2);
	assert_string_equal(json_key(json_first(json_get(policy, "resources"))),
			    "com.cloudflare.api.account.zone." ZONE);
	assert_string_equal(json_get_string(row, "expires_on"), "2001-09-10T00:00:00.000Z");
	f->token = "a-narrow-token-000001";
	assert_int_equal(ask(f, "GET", ZONES "/rulesets", NULL), 200);
	f->now_ms = 1000080000000; /* ten hours later */
	assert_int_equal(ask(f, "GET", ZONES "/rulesets", NULL), 401);
	assert_int_equal(ask(f, "GET", "/user/tokens/verify", NULL), 401);
	assert_int_equal(code(f), 1000);
}

static void a_seed_with_mistakes_is_refused(void **state)
{
	static const char *const wrong[] = {
		"{\"security\":{\"nobody\":{\"members\":[]}}}",
		"{\"security\":{\"account\":{\"animals\":[]}}}",
		"{\"security\":{\"account\":{\"members\":{}}}}",
		"{\"security\":{\"account\":{\"members\":[7]}}}",
		"{\"security\":{\"account\":{\"rulesets\":[{\"phase\":\"lunch\"}]}}}",
		"{\"security\":{\"example.com\":{\"audit\":[]}}}",
		"{\"security\":{\"example.com\":{\"retired\":\"soon\"}}}",
		"{\"security\":{\"account\":{\"audit\":[{\"action\":{\"time\":\"then\"}}]}}}",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		AUTO(json_doc_t) doc = NULL;
		struct err e = {0};
		assert_int_equal(json_parse(wrong[i], strlen(wrong[i]), NULL, &doc, &e), 0);
		if (cloud_load(f->c, json_root(doc), &e) == 0)
			fail_msg("%s was taken", wrong[i]);
		assert_true(e.message[0]);
	}
}

static void a_rule_keeps_what_a_change_does_not_name(void **state)
{
	struct fixture *f = *state;
	static const char rule[] = "{\"id\":\"" SET "\",\"action\":\"block\",\"expression\":\"x\","
				   "\"last_updated\":\"2001-01-01T00:00:00Z\"}";
	AUTO(str_t)
	seed = str_format("{\"security\":{\"example.com\":{\"rulesets\":[{\"id\":\"%s\","
			  "\"phase\":\"" CUSTOM "\",\"rules\":[%s,"
			  "{\"action\":\"log\",\"expression\":\"y\"}]}]}}}",
			  SET, rule);

	fixture_load(f, seed);
	assert_int_equal(
		ask(f, "PATCH", ZONES "/rulesets/" SET "/rules/" SET, "{\"enabled\":false}"), 200);
	const struct json *first = json_first(json_get(result(f), "rules"));
	assert_string_equal(json_get_string(first, "expression"), "x");
	assert_string_equal(json_get_string(first, "ref"), SET);
	assert_string_equal(json_get_string(first, "version"), "2");
	assert_string_equal(json_get_string(first, "last_updated"), "2001-09-09T01:46:40.000Z");
	assert_string_equal(json_get_string(json_next(first), "version"), "1");
	/* the same again is no change of the rule, but one of the ruleset */
	assert_int_equal(
		ask(f, "PATCH", ZONES "/rulesets/" SET "/rules/" SET, "{\"enabled\":false}"), 200);
	assert_string_equal(json_get_string(result(f), "version"), "3");
	first = json_first(json_get(result(f), "rules"));
	assert_string_equal(json_get_string(first, "version"), "2");
	assert_int_equal(ask(f, "PATCH", ZONES "/rulesets/" SET "/rules/" SET, "{\"action\":\"\"}"),
			 400);
	assert_int_equal(ask(f, "DELETE", ZONES "/rulesets/" SET, NULL), 204);
}

static void what_cloudflare_provides_is_nobodys_to_change(void **state)
{
	struct fixture *f = *state;

	fixture_load(f, "{\"security\":{\"managed\":{\"rulesets\":[{\"id\":\"" SET "\","
			"\"phase\":\"http_request_firewall_managed\",\"rules\":[]}]}}}");
	assert_int_equal(ask(f, "GET", ZONES "/rulesets/" SET, NULL), 200);
	assert_string_equal(json_get_string(result(f), "kind"), "managed");
	assert_int_equal(ask(f, "GET", ACCOUNTS "/rulesets/" SET, NULL), 200);
	assert_int_equal(ask(f, "DELETE", ZONES "/rulesets/" SET, NULL), 404);
	assert_int_equal(ask(f, "POST", ZONES "/rulesets/" SET "/rules",
			     "{\"action\":\"log\",\"expression\":\"y\"}"),
			 404);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_listing_has_its_own_permission, fixture_up,
						fixture_down),
		cmocka_unit_test_setup_teardown(a_token_is_told_what_it_may, fixture_up,
						fixture_down),
		cmocka_unit_test_setup_teardown(a_seed_with_mistakes_is_refused, fixture_up,
						fixture_down),
		cmocka_unit_test_setup_teardown(a_rule_keeps_what_a_change_does_not_name,
						fixture_up, fixture_down),
		cmocka_unit_test_setup_teardown(what_cloudflare_provides_is_nobodys_to_change,
						fixture_up, fixture_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
