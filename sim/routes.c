/* The table of routes, and finding a request's row in it. */
#include "sim/routes.h"

#include <string.h>

/* A list of rulesets is granted to whoever may read some of them. */
#define ZONE_LISTERS    "zone-waf:read|waf:write|transform:read"
#define ACCOUNT_LISTERS "account-waf:read|account-rulesets:read"
/* By any method, whoever asks. */
#define RETIRED(path)                                                                              \
	{                                                                                          \
		NULL, path, NULL, answer_retired                                                   \
	}

/* {account}, {zone} and {hex} are 32 hex digits; {tunnel} and {uuid} are UUIDs; {word} is any. */
static const struct route table[] = {
	{"GET", "/user/tokens/verify", NULL, answer_user_verify},
	{"GET", "/accounts", "account:read", answer_account_list},
	{"GET", "/accounts/{account}", "account:read", answer_account_get},
	{"GET", "/accounts/{account}/tokens/verify", NULL, answer_account_verify},
	{"GET", "/accounts/{account}/members", "account:read", answer_list},
	{"POST", "/accounts/{account}/members", "account:write", answer_list_create},
	{"GET", "/accounts/{account}/members/{hex}", "account:read", answer_list_row},
	{"PUT", "/accounts/{account}/members/{hex}", "account:write", answer_list_change},
	{"DELETE", "/accounts/{account}/members/{hex}", "account:write", answer_list_delete},
	{"GET", "/accounts/{account}/roles", "account:read", answer_list},
	{"GET", "/accounts/{account}/roles/{hex}", "account:read", answer_list_row},
	{"GET", "/accounts/{account}/iam/permission_groups", "account:read", answer_list},
	{"GET", "/accounts/{account}/iam/permission_groups/{hex}", "account:read", answer_list_row},
	{"GET", "/accounts/{account}/tokens", "account-tokens:read", answer_list},
	{"GET", "/accounts/{account}/tokens/{hex}", "account-tokens:read", answer_list_row},
	{"POST", "/accounts/{account}/tokens", "account-tokens:write", answer_list_create},
	{"PUT", "/accounts/{account}/tokens/{hex}", "account-tokens:write", answer_list_change},
	{"DELETE", "/accounts/{account}/tokens/{hex}", "account-tokens:write", answer_list_delete},
	{"GET", "/user/tokens", "tokens:read", answer_list},
	{"GET", "/user/tokens/{hex}", "tokens:read", answer_list_row},
	{"POST", "/user/tokens", "tokens:write", answer_list_create},
	{"PUT", "/user/tokens/{hex}", "tokens:write", answer_list_change},
	{"DELETE", "/user/tokens/{hex}", "tokens:write", answer_list_delete},
	{"GET", "/accounts/{account}/dns_records/usage", "dns:read", answer_account_usage},
	{"GET", "/accounts/{account}/tunnels", "tunnel:read", answer_tunnel_list},
	{"GET", "/accounts/{account}/cfd_tunnel", "tunnel:read", answer_tunnel_list},
	{"POST", "/accounts/{account}/cfd_tunnel", "tunnel:write", answer_tunnel_create},
	{"GET", "/accounts/{account}/cfd_tunnel/{tunnel}", "tunnel:read", answer_tunnel_get},
	{"PATCH", "/accounts/{account}/cfd_tunnel/{tunnel}", "tunnel:write", answer_tunnel_patch},
	{"DELETE", "/accounts/{account}/cfd_tunnel/{tunnel}", "tunnel:write", answer_tunnel_delete},
	{"GET", "/accounts/{account}/cfd_tunnel/{tunnel}/token", "tunnel:write",
	 answer_tunnel_token},
	{"GET", "/accounts/{account}/cfd_tunnel/{tunnel}/connections", "tunnel:read",
	 answer_connection_list},
	{"DELETE", "/accounts/{account}/cfd_tunnel/{tunnel}/connections", "tunnel:write",
	 answer_connection_delete},
	{"GET", "/accounts/{account}/cfd_tunnel/{tunnel}/connectors/{uuid}", "tunnel:read",
	 answer_connector_get},
	{"GET", "/accounts/{account}/cfd_tunnel/{tunnel}/configurations", "tunnel:read",
	 answer_config_get},
	{"PUT", "/accounts/{account}/cfd_tunnel/{tunnel}/configurations", "tunnel:write",
	 answer_config_put},
	{"GET", "/zones", "zone:read", answer_zone_list},
	{"GET", "/zones/{zone}", "zone:read", answer_zone_get},
	{"GET", "/zones/{zone}/dns_records", "dns:read", answer_record_list},
	{"POST", "/zones/{zone}/dns_records", "dns:write", answer_record_create},
	{"POST", "/zones/{zone}/dns_records/batch", "dns:write", answer_record_batch},
	{"GET", "/zones/{zone}/dns_records/usage", "dns:read", answer_zone_usage},
	{"GET", "/zones/{zone}/dns_records/{hex}", "dns:read", answer_record_get},
	{"PUT", "/zones/{zone}/dns_records/{hex}", "dns:write", answer_record_put},
	{"PATCH", "/zones/{zone}/dns_records/{hex}", "dns:write", answer_record_patch},
	{"DELETE", "/zones/{zone}/dns_records/{hex}", "dns:write", answer_record_delete},
	{"GET", "/accounts/{account}/logs/audit", "account:read", answer_audit_list},
	{"GET", "/accounts/{account}/audit_logs", "account:read", answer_audit_old},
	{"GET", "/accounts/{account}/rulesets", ACCOUNT_LISTERS, answer_ruleset_list},
	{"GET", "/accounts/{account}/rulesets/{hex}", ACCOUNT_LISTERS, answer_ruleset_get},
	{"DELETE", "/accounts/{account}/rulesets/{hex}", "account-waf:write",
	 answer_ruleset_delete},
	{"POST", "/accounts/{account}/rulesets/{hex}/rules", "account-waf:write",
	 answer_rule_create},
	{"PATCH", "/accounts/{account}/rulesets/{hex}/rules/{hex}", "account-waf:write",
	 answer_rule_change},
	{"DELETE", "/accounts/{account}/rulesets/{hex}/rules/{hex}", "account-waf:write",
	 answer_rule_delete},
	{"GET", "/accounts/{account}/rulesets/phases/{word}/entrypoint", ACCOUNT_LISTERS,
	 answer_entrypoint},
	{"PUT", "/accounts/{account}/rulesets/phases/{word}/entrypoint", "account-waf:write",
	 answer_entrypoint_put},
	{"GET", "/accounts/{account}/firewall/access_rules/rules", "account-firewall:read",
	 answer_list},
	{"POST", "/accounts/{account}/firewall/access_rules/rules", "account-firewall:write",
	 answer_list_create},
	{"GET", "/accounts/{account}/firewall/access_rules/rules/{hex}", "account-firewall:read",
	 answer_list_row},
	{"PATCH", "/accounts/{account}/firewall/access_rules/rules/{hex}", "account-firewall:write",
	 answer_list_change},
	{"DELETE", "/accounts/{account}/firewall/access_rules/rules/{hex}",
	 "account-firewall:write", answer_list_delete},
	{"GET", "/zones/{zone}/rulesets", ZONE_LISTERS, answer_ruleset_list},
	{"GET", "/zones/{zone}/rulesets/{hex}", ZONE_LISTERS, answer_ruleset_get},
	{"DELETE", "/zones/{zone}/rulesets/{hex}", "waf:write", answer_ruleset_delete},
	{"POST", "/zones/{zone}/rulesets/{hex}/rules", "waf:write", answer_rule_create},
	{"PATCH", "/zones/{zone}/rulesets/{hex}/rules/{hex}", "waf:write", answer_rule_change},
	{"DELETE", "/zones/{zone}/rulesets/{hex}/rules/{hex}", "waf:write", answer_rule_delete},
	{"GET", "/zones/{zone}/rulesets/phases/{word}/entrypoint", ZONE_LISTERS, answer_entrypoint},
	{"PUT", "/zones/{zone}/rulesets/phases/{word}/entrypoint", "waf:write",
	 answer_entrypoint_put},
	{"GET", "/zones/{zone}/firewall/access_rules/rules", "firewall:read", answer_list},
	{"POST", "/zones/{zone}/firewall/access_rules/rules", "firewall:write", answer_list_create},
	{"PATCH", "/zones/{zone}/firewall/access_rules/rules/{hex}", "firewall:write",
	 answer_list_change},
	{"DELETE", "/zones/{zone}/firewall/access_rules/rules/{hex}", "firewall:write",
	 answer_list_delete},
	{"GET", "/zones/{zone}/firewall/lockdowns", "firewall:read", answer_list},
	{"POST", "/zones/{zone}/firewall/lockdowns", "firewall:write", answer_list_create},
	{"GET", "/zones/{zone}/firewall/lockdowns/{hex}", "firewall:read", answer_list_row},
	{"PUT", "/zones/{zone}/firewall/lockdowns/{hex}", "firewall:write", answer_list_change},
	{"DELETE", "/zones/{zone}/firewall/lockdowns/{hex}", "firewall:write", answer_list_delete},
	{"GET", "/zones/{zone}/firewall/ua_rules", "firewall:read", answer_list},
	{"POST", "/zones/{zone}/firewall/ua_rules", "firewall:write", answer_list_create},
	{"GET", "/zones/{zone}/firewall/ua_rules/{hex}", "firewall:read", answer_list_row},
	{"PUT", "/zones/{zone}/firewall/ua_rules/{hex}", "firewall:write", answer_list_change},
	{"DELETE", "/zones/{zone}/firewall/ua_rules/{hex}", "firewall:write", answer_list_delete},
	RETIRED("/zones/{zone}/firewall/rules"),
	RETIRED("/zones/{zone}/firewall/rules/{word}"),
	RETIRED("/zones/{zone}/filters"),
	RETIRED("/zones/{zone}/filters/{word}"),
	RETIRED("/zones/{zone}/firewall/waf/overrides"),
	RETIRED("/zones/{zone}/firewall/waf/overrides/{word}"),
	RETIRED("/zones/{zone}/firewall/waf/packages"),
	RETIRED("/zones/{zone}/firewall/waf/packages/{word}"),
	RETIRED("/zones/{zone}/rate_limits"),
	RETIRED("/zones/{zone}/rate_limits/{word}"),
};

static bool segment_matches(const char *pattern, size_t pattern_len, const char *text, size_t len,
			    bool *placeholder)
{
	*placeholder = pattern[0] == '{';
	if (!*placeholder)
		return pattern_len == len && memcmp(pattern, text, len) == 0;
	if (len == 0 || len >= 64)
		return false;
	char value[64];
	memcpy(value, text, len);
	value[len] = '\0';
	if (strncmp(pattern, "{word}", pattern_len) == 0)
		return true;
	if (strncmp(pattern, "{tunnel}", pattern_len) == 0 ||
	    strncmp(pattern, "{uuid}", pattern_len) == 0)
		return uuid_valid(value);
	return len == 32 && hex_valid(value, 32);
}

static bool path_matches(const char *pattern, const char *path, char ids[CALL_IDS][64])
{
	size_t n = 0;

	while (*pattern == '/' && *path == '/') {
		size_t pattern_len = strcspn(++pattern, "/"), len = strcspn(++path, "/");
		bool placeholder;
		if (!segment_matches(pattern, pattern_len, path, len, &placeholder))
			return false;
		if (placeholder && n < CALL_IDS) {
			memcpy(ids[n], path, len);
			ids[n++][len] = '\0';
		}
		pattern += pattern_len;
		path += len;
	}
	return !*pattern && !*path;
}

enum route_match route_find(const char *method, const char *path, char ids[CALL_IDS][64],
			    const struct route **out)
{
	enum route_match match = ROUTE_NO_PATH;

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		/* what a pattern that does not fit has read is nobody's */
		memset(ids, 0, sizeof(char[CALL_IDS][64]));
		if (!path_matches(table[i].pattern, path, ids))
			continue;
		*out = &table[i];
		if (!table[i].method || str_equal(table[i].method, method))
			return ROUTE_FOUND;
		match = ROUTE_NO_METHOD;
	}
	return match;
}
