#include "ops/firewall_part.h"

#include "cloudflare/expression.h"

#define ENTRY(phase) "rulesets/phases/" phase "/entrypoint"

static const struct firewall_part parts[FIREWALL_PARTS] = {
	{"custom", "zones/" ENTRY(CF_PHASE_CUSTOM), CF_SOURCE_ZONE_ENTRY, CF_PHASE_CUSTOM, NULL,
	 false},
	{"rate_limit", "zones/" ENTRY(CF_PHASE_RATELIMIT), CF_SOURCE_ZONE_ENTRY, CF_PHASE_RATELIMIT,
	 NULL, false},
	{"managed", "zones/" ENTRY(CF_PHASE_MANAGED), CF_SOURCE_ZONE_ENTRY, CF_PHASE_MANAGED, NULL,
	 false},
	{"access_rule", "zones/firewall/access_rules/rules", CF_SOURCE_ZONE_ACCESS_RULES, NULL,
	 cf_access_rule_read, false},
	{"lockdown", "zones/firewall/lockdowns", CF_SOURCE_LOCKDOWNS, NULL, cf_lockdown_read,
	 false},
	{"user_agent", "zones/firewall/ua_rules", CF_SOURCE_AGENT_RULES, NULL, cf_agent_rule_read,
	 false},
	{"account_custom", "accounts/" ENTRY(CF_PHASE_CUSTOM), CF_SOURCE_ACCOUNT_ENTRY,
	 CF_PHASE_CUSTOM, NULL, true},
	{"account_rate_limit", "accounts/" ENTRY(CF_PHASE_RATELIMIT), CF_SOURCE_ACCOUNT_ENTRY,
	 CF_PHASE_RATELIMIT, NULL, true},
	{"account_managed", "accounts/" ENTRY(CF_PHASE_MANAGED), CF_SOURCE_ACCOUNT_ENTRY,
	 CF_PHASE_MANAGED, NULL, true},
};

const struct firewall_part *firewall_part(size_t i)
{
	return &parts[i];
}

const struct firewall_part *firewall_part_named(const char *name)
{
	size_t i = 0;

	while (i < FIREWALL_PARTS - 1 && !str_equal(parts[i].name, name))
		i++;
	return &parts[i];
}

bool firewall_part_holds(const struct firewall_part *p, const struct cf_ruleset_rule *r,
			 const char *zone)
{
	return !p->account || !r->expression || !cf_expression_excludes_zone(r->expression, zone);
}

size_t firewall_part_rules(const struct firewall_part *p, const struct json *ruleset,
			   const char *zone, firewall_rule_fn *told, void *owner)
{
	struct cf_ruleset_rule r;
	struct cf_ruleset of;
	size_t unreadable = 0;
	if (cf_ruleset_read(ruleset, &of) < 0)
		return 1;
	JSON_EACH (rule, of.rules)
		if (cf_ruleset_rule_read(rule, &r) < 0)
			unreadable++;
		else if (firewall_part_holds(p, &r, zone))
			told(&r, of.id, owner);
	return unreadable;
}
