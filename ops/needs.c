/* The table of needs. Operations of this host's own alone are not in it. */
#include "ops/needs.h"

#define TUNNELS  NEED(CF_TUNNEL_READ)
#define TUNNEL   (NEED(CF_TUNNEL_READ) | NEED(CF_TUNNEL_EDIT))
#define ZONES    NEED(CF_ZONE_READ)
#define RECORDS  (ZONES | NEED(CF_DNS_READ))
#define RECORD   (RECORDS | NEED(CF_DNS_EDIT))
#define ACCOUNT  NEED(CF_ACCOUNT_READ)
#define RULES    NEED(CF_ZONE_WAF_READ)
#define FIREWALL (NEED(CF_ACCOUNT_WAF_READ) | NEED(CF_FIREWALL_READ) | NEED(CF_ACCESS_RULES_READ))

static const struct op_needs rows[] = {
	{"tunnel_list", TUNNELS, 0, false},
	{"tunnel_get", TUNNELS, 0, false},
	{"tunnel_create", TUNNEL, 0, false},
	{"tunnel_update", TUNNEL, 0, false},
	{"tunnel_delete", TUNNEL | RECORD, 0, false},
	{"tunnel_adopt", TUNNEL | RECORD, 0, false},
	{"tunnel_join", TUNNEL, 0, false},
	{"tunnel_release", TUNNEL | RECORD, 0, false},
	{"tunnel_rotate", TUNNEL, 0, false},
	{"route_set", TUNNEL | RECORD, 0, false},
	{"route_delete", TUNNEL | RECORD, 0, false},
	{"dns_list", RECORDS, 0, false},
	{"dns_set", RECORD, 0, false},
	{"dns_delete", RECORD, 0, false},
	{"dns_usage", RECORDS, 0, false},
	{"zone_list", ZONES, 0, false},
	{"drift_list", TUNNELS | RECORDS, ACCOUNT, false},
	{"plan_apply", TUNNEL | RECORD, 0, false},
	{"manifest_apply", TUNNEL | RECORD, 0, false},
	{"manifest_import", TUNNEL | RECORD, 0, false},
	{"account_list", ACCOUNT, 0, true},
	{"member_list", ACCOUNT, 0, true},
	{"role_list", ACCOUNT, 0, true},
	{"access_review", ACCOUNT, 0, true},
	{"audit_log_list", ACCOUNT, 0, true},
	{"ruleset_list", 0, RULES | NEED(CF_RULESETS_READ), true},
	{"ruleset_get", 0, RULES | NEED(CF_RULESETS_READ) | NEED(CF_ACCOUNT_WAF_READ), true},
	{"firewall_rule_list", RULES, FIREWALL, true},
	{"waf_override_list", RULES, NEED(CF_ACCOUNT_WAF_READ), true},
	{"security_change_report", 0, ACCOUNT | RULES | FIREWALL, true},
	{"incident_capsule", 0, ACCOUNT, true},
};

const struct op_needs *op_needs_at(size_t i)
{
	return i < ARRAY_LEN(rows) ? &rows[i] : NULL;
}
