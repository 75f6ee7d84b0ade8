/* Declarations: firewall rules and rulesets, as Cloudflare keeps them. */
#include <string.h>

#include "ops/decl/common.h"

RATE_TABLE;

#define ZONE_DOC "Zone, by name or id."

#define TEXT_FIELD(T, what)                                                                        \
	FIELD(T, text, .min = 1, .max = 200, .doc = "Only " what " that contain this.")

/* What a rule does, besides its action. */
#define RULE_ROWS                                                                                  \
	FIELD_OUT("untrusted_expression", FIELD_STRING, .flags = FIELD_UNTRUSTED,                  \
		  .doc = "Which requests it is about."),                                           \
		FIELD_OUT("untrusted_description", FIELD_STRING, .flags = FIELD_UNTRUSTED,         \
			  .doc = "What its author says of it."),                                   \
		FIELD_OUT("rate_limit", FIELD_STRING,                                              \
			  .doc = "Of a rule that limits rates: from where on it acts."),           \
		FIELD_OUT("executes", FIELD_STRING, .doc = "Id of the ruleset that it runs."),     \
		FIELD_OUT("overrides", FIELD_INT,                                                  \
			  .doc = "How much of that ruleset it has otherwise: waf_override_list."), \
		FIELD_OUT("skips", FIELD_STRINGS, .doc = "What it leaves out."),                   \
		FIELD_OUT("last_updated", FIELD_STRING, .flags = FIELD_TIME,                       \
			  .doc = "When it was changed last.")

#define RULE_DETAILS                                                                               \
	FIELD_OUT("version", FIELD_STRING, .doc = "With details: the rule's version."),            \
		FIELD_OUT("untrusted_ref", FIELD_STRING, .flags = FIELD_UNTRUSTED,                 \
			  .doc = "With details: its author's name for it."),                       \
		FIELD_OUT("untrusted_parameters", FIELD_STRING, .flags = FIELD_UNTRUSTED,          \
			  .doc = "With details: the action's parameters, as JSON."),               \
		FIELD_OUT("untrusted_ratelimit", FIELD_STRING, .flags = FIELD_UNTRUSTED,           \
			  .doc = "With details: how rates are counted, as JSON."),                 \
		FIELD_OUT("untrusted_logging", FIELD_STRING, .flags = FIELD_UNTRUSTED,             \
			  .doc = "With details: logging, as JSON."),                               \
		FIELD_OUT("untrusted_categories", FIELD_STRING, .flags = FIELD_UNTRUSTED,          \
			  .doc = "With details: its categories, as JSON."),                        \
		FIELD_OUT("untrusted_credential_check", FIELD_STRING, .flags = FIELD_UNTRUSTED,    \
			  .doc = "With details: the check for leaked passwords, as JSON.")

static int phase_check(const char *phase, struct err *e)
{
	if (phase[strspn(phase, "abcdefghijklmnopqrstuvwxyz0123456789_")])
		return err_set(e, ERR_INVALID,
			       "a phase is a word of Cloudflare's, as in http_ratelimit");
	return 0;
}

UNKNOWN_TABLE;

static const char *const tags[] = {"security", NULL};
static const char *const kinds[] = {"managed", "custom", "root", "zone", NULL};

static const struct field ruleset_rows[] = {
	FIELD_OUT("id", FIELD_STRING, .doc = "Cloudflare's id."),
	FIELD_OUT("phase", FIELD_STRING, .doc = "When it acts."),
	FIELD_OUT("about", FIELD_STRING, .doc = "That phase in words."),
	FIELD_OUT("kind", FIELD_STRING,
		  .doc = "zone (what the zone runs), root (what the account runs), custom (the "
			 "account's own) or managed (Cloudflare's)."),
	FIELD_OUT("untrusted_name", FIELD_STRING, .flags = FIELD_UNTRUSTED, .doc = "Its name."),
	FIELD_OUT("untrusted_description", FIELD_STRING, .flags = FIELD_UNTRUSTED,
		  .doc = "What its author says of it."),
	FIELD_OUT("version", FIELD_STRING, .doc = "Counts its changes."),
	FIELD_OUT("last_updated", FIELD_STRING, .flags = FIELD_TIME,
		  .doc = "When it was changed last."),
	FIELDS_END,
};

const struct op *op_ruleset_list(void)
{
	static const struct field args[] = {
		LIST_FIELDS(struct ruleset_list_args),
		FIELD(struct ruleset_list_args, zone, .flags = FIELD_POSITIONAL, .min = 1,
		      .max = 253, .doc = ZONE_DOC " Absent = the account's rulesets."),
		FIELD(struct ruleset_list_args, phase, .min = 1, .max = 63, .check = phase_check,
		      .doc = "Only of this phase, as in http_request_firewall_custom, "
			     "http_request_firewall_managed, http_ratelimit."),
		FIELD(struct ruleset_list_args, kind, .values = kinds, .doc = "Only this kind."),
		TEXT_FIELD(struct ruleset_list_args, "rulesets whose name or description"),
		ACCOUNT_FIELD(struct ruleset_list_args),
		FRESH_FIELD(struct ruleset_list_args),
		FIELDS_END,
	};
	static const struct field result[] = {
		LIST_RESULT(ruleset_rows),
		FIELD_OUT("zone", FIELD_STRING, .doc = "The zone; absent = the account."),
		UNKNOWN_OUT,
		UNREADABLE_OUT,
		FIELDS_END,
	};
	static const struct op op = {
		.name = "ruleset_list",
		.title = "List rulesets",
		.doc = "The rulesets of a zone, or of the account, without their rules: "
		       "ruleset_get has those. Cloudflare leaves out what the token may not see: "
		       "where that can be told it stands in unknown. Of any other phase that is "
		       "not listed, ruleset_get by phase tells whether there is none or it may "
		       "not be read.",
		.role = ROLE_AUDITOR,
		.effects = OP_READS,
		.doors = OP_DOOR_ALL,
		.tags = tags,
		.args = args,
		.args_size = sizeof(struct ruleset_list_args),
		.result = result,
	};
	return &op;
}

static const struct field ruleset_rule_rows[] = {
	FIELD_OUT("id", FIELD_STRING, .doc = "Cloudflare's id."),
	FIELD_OUT("action", FIELD_STRING, .doc = "What it does: block, log, skip, execute, ..."),
	FIELD_OUT("enabled", FIELD_BOOL, .doc = "It is in force."),
	RULE_ROWS,
	RULE_DETAILS,
	FIELDS_END,
};

const struct op *op_ruleset_get(void)
{
	static const struct field args[] = {
		FIELD(struct ruleset_get_args, ruleset, .flags = FIELD_POSITIONAL, .min = 1,
		      .max = 64, .doc = "Its id."),
		FIELD(struct ruleset_get_args, phase, .min = 1, .max = 63, .check = phase_check,
		      .doc = "Instead of the id: what runs in this phase, as in "
			     "http_request_firewall_custom."),
		FIELD(struct ruleset_get_args, zone, .min = 1, .max = 253,
		      .doc = ZONE_DOC " Absent = the account's."),
		FIELD(struct ruleset_get_args, action, .min = 1, .max = 64,
		      .doc = "Only rules with this action, as in block."),
		TEXT_FIELD(struct ruleset_get_args, "rules whose expression or description"),
		ACCOUNT_FIELD(struct ruleset_get_args),
		DETAILS_FIELD(struct ruleset_get_args),
		LIST_FIELDS(struct ruleset_get_args),
		FRESH_FIELD(struct ruleset_get_args),
		FIELDS_END,
	};
	static const struct field result[] = {
		FIELD_OUT("ruleset", FIELD_OBJECT, .sub = ruleset_rows,
			  .doc = "Which one; absent = nothing runs in that phase, so there are no "
				 "rules."),
		LIST_RESULT(ruleset_rule_rows),
		FIELD_OUT("actions_seen", FIELD_STRINGS,
			  .doc = "Where no rule has the action that was asked for: those that "
				 "they have."),
		FIELD_OUT("zone", FIELD_STRING, .doc = "The zone; absent = the account."),
		UNREADABLE_OUT,
		FIELDS_END,
	};
	static const struct op op = {
		.name = "ruleset_get",
		.title = "Show a ruleset's rules",
		.doc = "The rules of a ruleset in the order in which they act: of the one with "
		       "this id, or of what runs in a phase of a zone or of the account.",
		.role = ROLE_AUDITOR,
		.effects = OP_READS,
		.doors = OP_DOOR_ALL,
		.tags = tags,
		.args = args,
		.args_size = sizeof(struct ruleset_get_args),
		.result = result,
	};
	return &op;
}

static const struct field firewall_rows[] = {
	FIELD_OUT("id", FIELD_STRING, .doc = "Cloudflare's id."),
	FIELD_OUT("paused", FIELD_BOOL, .doc = "It is there, and not in force."),
	FIELD_OUT("action", FIELD_STRING, .doc = "What it does: block, allow, skip, execute, ..."),
	RULE_ROWS,
	FIELD_OUT("priority", FIELD_INT, .doc = "Where it has one."),
	FIELD_OUT("source", FIELD_STRING, .doc = "Which part of the firewall it is of."),
	FIELD_OUT("source_api", FIELD_STRING, .doc = "Where Cloudflare's API has it."),
	FIELD_OUT("ruleset", FIELD_STRING, .doc = "Id of the ruleset that it stands in."),
	FIELD_OUT("wider", FIELD_BOOL, .doc = "It holds for other zones, too."),
	RULE_DETAILS,
	FIELDS_END,
};

const struct op *op_firewall_rule_list(void)
{
	static const char *const sources[] = {
		"custom",          "rate_limit", "managed",        "access_rule",
		"lockdown",        "user_agent", "account_custom", "account_rate_limit",
		"account_managed", NULL};
	static const char *const actions[] = {
		"block",     "challenge", "js_challenge", "managed_challenge", "allow",
		"whitelist", "skip",      "log",          "execute",           "bypass",
		NULL};
	static const struct field args[] =
	{ FIELD(struct firewall_rule_list_args, zone, .flags = FIELD_REQUIRED | FIELD_POSITIONAL,
		.min = 1, .max = 253, .doc = ZONE_DOC),
	  FIELD(struct firewall_rule_list_args, paused, .doc = "Only rules that are paused."),
	  FIELD(struct firewall_rule_list_args, active, .doc = "Only rules that are not."),
	  FIELD(struct firewall_rule_list_args, action, .values = actions,
		.doc = "Only rules with this action."),
	  FIELD(struct firewall_rule_list_args, source, .values = sources,
		.doc = "Only this part of the firewall."),
	  TEXT_FIELD(struct firewall_rule_list_args, "rules whose id, expression or description"),
	  DETAILS_FIELD(struct firewall_rule_list_args),
	  LIST_FIELDS(struct firewall_rule_list_args),
	  FRESH_FIELD(struct firewall_rule_list_args),
	  FIELDS_END,
	};
	static const struct field result[] = {
		LIST_RESULT(firewall_rows),
		FIELD_OUT("zone", FIELD_STRING, .doc = "The zone."),
		UNKNOWN_OUT,
		UNREADABLE_OUT,
		FIELDS_END,
	};
	static const struct op op = {
		.name = "firewall_rule_list",
		.title = "List a zone's firewall rules",
		.doc = "Everything that blocks, challenges or lets through in a zone: custom and "
		       "rate limiting rules, deployed managed rules and exceptions, access rules, "
		       "lockdowns, rules by user agent, and the account's rules but those that "
		       "name other zones alone. It takes the place of the firewall rules that "
		       "Cloudflare has retired.",
		.role = ROLE_AUDITOR,
		.effects = OP_READS,
		.doors = OP_DOOR_ALL,
		.tags = tags,
		.args = args,
		.args_size = sizeof(struct firewall_rule_list_args),
		.result = result,
	};
	return &op;
}

static const struct field override_rows[] = {
	FIELD_OUT("id", FIELD_STRING, .doc = "Id of the rule that it stands in."),
	FIELD_OUT("paused", FIELD_BOOL, .doc = "That rule is not in force."),
	FIELD_OUT("kind", FIELD_STRING,
		  .doc = "override: something of a managed ruleset is otherwise; exception: it is "
			 "left out for some requests."),
	FIELD_OUT("of", FIELD_STRING,
		  .doc = "What: ruleset, category or rule; of exceptions also phase, product, or "
			 "rest (all that would come behind the rule)."),
	FIELD_OUT("target", FIELD_STRING,
		  .doc = "Which one: id or name; absent = the ruleset as a whole."),
	FIELD_OUT("managed_ruleset", FIELD_STRING, .doc = "Id of the managed ruleset."),
	FIELD_OUT("action", FIELD_STRING,
		  .doc = "What is done instead; absent = as the ruleset has it. Of exceptions "
			 "skip."),
	FIELD_OUT("enabled", FIELD_BOOL,
		  .doc = "Switched on or off; absent = as the ruleset has it."),
	FIELD_OUT("sensitivity", FIELD_STRING, .doc = "Of the ruleset's rules, where set."),
	FIELD_OUT("score_threshold", FIELD_INT, .doc = "From which score on it acts, where set."),
	FIELD_OUT("untrusted_target_name", FIELD_STRING, .flags = FIELD_UNTRUSTED,
		  .doc = "With details: what the ruleset or the rule is called."),
	FIELD_OUT("untrusted_expression", FIELD_STRING, .flags = FIELD_UNTRUSTED,
		  .doc = "Which requests it is about."),
	FIELD_OUT("untrusted_description", FIELD_STRING, .flags = FIELD_UNTRUSTED,
		  .doc = "What its author says of it."),
	FIELD_OUT("source_api", FIELD_STRING, .doc = "Where Cloudflare's API has it."),
	FIELD_OUT("last_updated", FIELD_STRING, .flags = FIELD_TIME,
		  .doc = "When it was changed last."),
	FIELDS_END,
};

const struct op *op_waf_override_list(void)
{
	static const char *const override_kinds[] = {"override", "exception", NULL};
	static const struct field args[] = {
		FIELD(struct waf_override_list_args, zone,
		      .flags = FIELD_REQUIRED | FIELD_POSITIONAL, .min = 1, .max = 253,
		      .doc = ZONE_DOC),
		FIELD(struct waf_override_list_args, kind, .values = override_kinds,
		      .doc = "Only overrides, or only exceptions."),
		TEXT_FIELD(struct waf_override_list_args,
			   "those whose target, expression or description"),
		FIELD(struct waf_override_list_args, details,
		      .doc = "Also the names of the managed rules, which takes a call for each "
			     "managed ruleset; fields: [\"full\"] does the same."),
		LIST_FIELDS(struct waf_override_list_args),
		FRESH_FIELD(struct waf_override_list_args),
		FIELDS_END,
	};
	static const struct field result[] = {
		LIST_RESULT(override_rows),
		FIELD_OUT("zone", FIELD_STRING, .doc = "The zone."),
		UNKNOWN_OUT,
		UNREADABLE_OUT,
		FIELDS_END,
	};
	static const struct op op = {
		.name = "waf_override_list",
		.title = "List a zone's WAF overrides",
		.doc = "What a zone has otherwise than Cloudflare's managed rules come: overrides "
		       "of a ruleset, a category or a rule, and exceptions that leave managed "
		       "rules out for some requests. It takes the place of the WAF overrides "
		       "that Cloudflare has retired.",
		.role = ROLE_AUDITOR,
		.effects = OP_READS,
		.doors = OP_DOOR_ALL,
		.tags = tags,
		.args = args,
		.args_size = sizeof(struct waf_override_list_args),
		.result = result,
	};
	return &op;
}
