/*
 * Rules of the firewall that are no rules of rulesets: access rules, lockdowns, rules by user
 * agent. Pure, as cloudflare/rulesets.h; all three are read into one form, with what they would be
 * in the language of rulesets.
 */
#ifndef CLOUDFLARE_FIREWALL_H
#define CLOUDFLARE_FIREWALL_H

#include "base/json.h"

enum cf_firewall_scope {
	CF_FIREWALL_ZONE,
	CF_FIREWALL_WIDER, /* of the account or of a user: it holds for other zones, too */
};

struct cf_firewall_rule {
	const char *id;          /* word */
	const char *action;      /* word, as rulesets call it; NULL = not told */
	const char *description; /* from outside; NULL = none */
	bool paused;
	int64_t priority;   /* -1 = it has none */
	int64_t updated_ms; /* wall; 0 = not told */
	enum cf_firewall_scope scope;
	char *expression; /* owned; from outside; NULL = it does not say for whom it is */
};
typedef struct cf_firewall_rule cf_firewall_rule_t;
void cf_firewall_rule_t_cleanup(cf_firewall_rule_t *r);

/* -1: it has no id, does not tell whether it is paused, or for whom it is
 * cannot be read. */
MUST_USE int cf_access_rule_read(const struct json *v, struct cf_firewall_rule *out);
MUST_USE int cf_lockdown_read(const struct json *v, struct cf_firewall_rule *out);
MUST_USE int cf_agent_rule_read(const struct json *v, struct cf_firewall_rule *out);

/* How access rules call an action of rulesets: "whitelist"; NULL = they have none such. */
const char *cf_access_mode(const char *action);

#endif
