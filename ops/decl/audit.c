/* Declarations: who changed what. */
#include "ops/decl/common.h"

RATE_TABLE;

static const char *const tags[] = {"security", NULL};

static const char *const actions[] = {"change", "create", "update", "delete", "view", NULL};
static const char *const results[] = {"success", "failure", NULL};

UNKNOWN_TABLE;

static const struct field audit_rows[] = {
	FIELD_OUT("time", FIELD_STRING, .flags = FIELD_TIME, .doc = "When."),
	FIELD_OUT("action", FIELD_STRING, .doc = "create, update, delete, view or other."),
	FIELD_OUT("untrusted_what", FIELD_STRING, .flags = FIELD_UNTRUSTED,
		  .doc = "What was done, in Cloudflare's words."),
	FIELD_OUT("result", FIELD_STRING, .doc = "success or failure."),
	FIELD_OUT("untrusted_actor", FIELD_STRING, .flags = FIELD_UNTRUSTED,
		  .doc = "Who: e-mail address, token, way in."),
	FIELD_OUT("untrusted_address", FIELD_STRING, .flags = FIELD_UNTRUSTED,
		  .doc = "Address that it came from."),
	FIELD_OUT("product", FIELD_STRING, .doc = "Cloudflare's product."),
	FIELD_OUT("type", FIELD_STRING, .doc = "Type of what was changed."),
	FIELD_OUT("resource", FIELD_STRING, .doc = "Its id."),
	FIELD_OUT("rule", FIELD_STRING, .doc = "Id of the rule, where the path names one."),
	FIELD_OUT("zone", FIELD_STRING, .doc = "Zone that it belongs to."),
	FIELD_OUT("ray", FIELD_STRING, .doc = "Ray id of the call."),
	FIELD_OUT(
		"ours", FIELD_BOOL,
		.doc = "adit made the call: its ray is known here. Absent = not known, as of what "
		       "only reads."),
	FIELD_OUT("our_token", FIELD_BOOL, .doc = "It was made with the token that adit uses."),
	FIELD_OUT("ledger", FIELD_INT, .doc = "Number of the row of adit's ledger that tells it."),
	FIELD_OUT("plan", FIELD_STRING, .doc = "adit's plan that asked for it."),
	FIELD_OUT("source_api", FIELD_STRING,
		  .doc = "logs/audit, or audit_logs for what is older than that."),
	FIELD_OUT("id", FIELD_STRING, .doc = "Of the entry; with details."),
	FIELD_OUT("method", FIELD_STRING, .doc = "Of the call; with details."),
	FIELD_OUT("status", FIELD_INT, .doc = "Of its answer; with details."),
	FIELD_OUT("scope", FIELD_STRING,
		  .doc = "user, accounts, zones or memberships; with details."),
	FIELD_OUT("actor_type", FIELD_STRING, .doc = "As Cloudflare has it; with details."),
	FIELD_OUT("token_id", FIELD_STRING, .doc = "Of the actor; with details."),
	FIELD_OUT("untrusted_uri", FIELD_STRING, .flags = FIELD_UNTRUSTED,
		  .doc = "Path of the call; with details."),
	FIELD_OUT("untrusted_agent", FIELD_STRING, .flags = FIELD_UNTRUSTED,
		  .doc = "User agent; with details."),
	FIELDS_END,
};

const struct op *op_audit_log_list(void)
{
	static const struct field args[] = {
		FIELD(struct audit_log_list_args, limit, .fallback = "50", .min = 1, .max = 1000,
		      .doc = "How many items at the most."),
		FIELD(struct audit_log_list_args, cursor, .max = 4096,
		      .doc = "Where to go on: next_cursor of an answer."),
		FIELD(struct audit_log_list_args, fields, .max = 40,
		      .doc = "Only these members of each item."),
		FIELD(struct audit_log_list_args, since, .flags = FIELD_TIME, .fallback = "48h",
		      .max = 40, .doc = "Not older than this: RFC 3339, or back from now."),
		FIELD(struct audit_log_list_args, until, .flags = FIELD_TIME, .max = 40,
		      .doc = "Not younger than this; absent = now."),
		FIELD(struct audit_log_list_args, zone, .max = 253,
		      .doc = "Only of this zone (name or id)."),
		ACCOUNT_FIELD(struct audit_log_list_args),
		FIELD(struct audit_log_list_args, actor, .min = 1, .max = 160,
		      .doc = "Only by this e-mail address, IP address, or token (name or id)."),
		FIELD(struct audit_log_list_args, action, .values = actions,
		      .doc = "Only of this kind; change = all but view."),
		FIELD(struct audit_log_list_args, result, .values = results,
		      .doc = "Only what succeeded, or failed."),
		FIELD(struct audit_log_list_args, resource, .min = 2, .max = 160,
		      .doc = "Only about this id, or what has this word in its product, type or "
			     "path, as in token, member, ruleset, dns."),
		FIELD(struct audit_log_list_args, product, .max = 80,
		      .doc = "Only of this product, exactly as a row has it: cheaper than a word."),
		FIELD(struct audit_log_list_args, type, .max = 80,
		      .doc = "Only of this type, exactly as a row has it."),
		DETAILS_FIELD(struct audit_log_list_args),
		FRESH_FIELD(struct audit_log_list_args),
		FIELDS_END,
	};
	static const struct field result[] = {
		LIST_RESULT(audit_rows),
		FIELD_OUT("since", FIELD_STRING, .flags = FIELD_TIME,
			  .doc = "Window that was asked."),
		FIELD_OUT("until", FIELD_STRING, .flags = FIELD_TIME, .doc = "Its end."),
		FIELD_OUT("looked_back_to", FIELD_STRING, .flags = FIELD_TIME,
			  .doc = "Where there is more: how far back this answer has looked."),
		UNREADABLE_OUT,
		UNKNOWN_OUT,
		FIELDS_END,
	};
	static const struct op op = {
		.name = "audit_log_list",
		.title = "List Cloudflare's audit log",
		.doc = "Who changed what in the account, the newest first, within a window of "
		       "time. adit's own calls are known by their rays (ours). Entries come late, "
		       "and a few products write none. total is there only where all of the window "
		       "was read.",
		.role = ROLE_AUDITOR,
		.effects = OP_READS,
		.doors = OP_DOOR_ALL,
		.tags = tags,
		.args = args,
		.args_size = sizeof(struct audit_log_list_args),
		.result = result,
	};
	return &op;
}

static const struct field blocking_rows[] = {
	FIELD_OUT("id", FIELD_STRING, .doc = "Id of the rule."),
	FIELD_OUT("action", FIELD_STRING,
		  .doc = "block, a challenge, or execute (runs a ruleset that blocks)."),
	FIELD_OUT("source", FIELD_STRING,
		  .doc = "Where it stands: as the source of firewall_rule_list."),
	FIELD_OUT("ruleset", FIELD_STRING, .doc = "Its ruleset: for ruleset_get."),
	FIELD_OUT("executes", FIELD_STRING, .doc = "Id of the ruleset that it runs."),
	FIELD_OUT("untrusted_expression", FIELD_STRING, .flags = FIELD_UNTRUSTED,
		  .doc = "Which requests it is about."),
	FIELD_OUT("untrusted_description", FIELD_STRING, .flags = FIELD_UNTRUSTED,
		  .doc = "What its author says of it."),
	FIELD_OUT("wider", FIELD_BOOL, .doc = "It holds for other zones too."),
	FIELD_OUT("last_updated", FIELD_STRING, .flags = FIELD_TIME, .doc = "As the rule has it."),
	FIELD_OUT("changed", FIELD_STRING, .flags = FIELD_TIME,
		  .doc = "When it was changed within the window, by the audit log."),
	FIELD_OUT("untrusted_actor", FIELD_STRING, .flags = FIELD_UNTRUSTED,
		  .doc = "Who did that."),
	FIELD_OUT("ours", FIELD_BOOL, .doc = "adit did that."),
	FIELD_OUT("our_token", FIELD_BOOL, .doc = "It was done with the token that adit uses."),
	FIELD_OUT("ledger", FIELD_INT, .doc = "Row of adit's ledger."),
	FIELD_OUT("plan", FIELD_STRING, .doc = "adit's plan."),
	FIELDS_END,
};

const struct op *op_security_change_report(void)
{
	static const struct field args[] = {
		FIELD(struct security_change_report_args, zone,
		      .flags = FIELD_REQUIRED | FIELD_POSITIONAL, .min = 1, .max = 253,
		      .doc = "Zone, by name or id."),
		FIELD(struct security_change_report_args, since, .flags = FIELD_TIME,
		      .fallback = "48h", .max = 40,
		      .doc = "Not older than this: RFC 3339, or back from now."),
		FIELD(struct security_change_report_args, until, .flags = FIELD_TIME, .max = 40,
		      .doc = "Not younger than this; absent = now."),
		FRESH_FIELD(struct security_change_report_args),
		FIELDS_END,
	};
	static const struct field result[] = {
		FIELD_OUT("zone", FIELD_STRING, .doc = "The zone."),
		FIELD_OUT("since", FIELD_STRING, .flags = FIELD_TIME, .doc = "The window."),
		FIELD_OUT("until", FIELD_STRING, .flags = FIELD_TIME, .doc = "Its end."),
		FIELD_OUT("entries_total", FIELD_INT,
			  .doc = "Entries of the audit log about the firewall that were found."),
		FIELD_OUT("rules", FIELD_INT, .doc = "Rules of the firewall that were read."),
		FIELD_OUT("blocking_total", FIELD_INT,
			  .doc = "Of them, those in force that may stop a request."),
		FIELD_OUT("looked_back_to", FIELD_STRING, .flags = FIELD_TIME,
			  .doc = "How far back the audit log was read, where not all of it was."),
		FIELD_OUT("blocking", FIELD_ITEMS, .sub = blocking_rows,
			  .doc = "Those rules, the ones that were changed lately first."),
		FIELD_OUT("entries", FIELD_ITEMS, .sub = audit_rows,
			  .doc = "Those entries, the newest first: rows of audit_log_list."),
		UNKNOWN_OUT,
		UNREADABLE_OUT,
		FIELD_OUT("truncated", FIELD_BOOL,
			  .doc = "There is more: firewall_rule_list and audit_log_list have it."),
		FIELD_OUT("as_of", FIELD_STRING, .flags = FIELD_TIME, .doc = "When this was true."),
		FIELD_OUT("rate", FIELD_OBJECT, .sub = rate_rows,
			  .doc = "Cloudflare's rate limit."),
		FIELDS_END,
	};
	static const struct op op = {
		.name = "security_change_report",
		.title = "Report what changed of a zone's firewall",
		.doc = "In one answer: who changed firewall rules, WAF and rulesets of a zone in a "
		       "window of time, and which rules in force may stop requests now, with who "
		       "changed them. For traffic that is blocked and should not be.",
		.role = ROLE_AUDITOR,
		.effects = OP_READS,
		.doors = OP_DOOR_ALL,
		.tags = tags,
		.args = args,
		.args_size = sizeof(struct security_change_report_args),
		.result = result,
	};
	return &op;
}

static const struct field moment_rows[] = {
	FIELD_OUT("at", FIELD_STRING, .flags = FIELD_TIME, .doc = "When, or since when it is so."),
	FIELD_OUT("kind", FIELD_STRING,
		  .doc = "Kind of the event; or plan, drift, problem, probe_origin, probe_edge, "
			 "configuration, write_failed, firewall_changed, audit."),
	FIELD_OUT("id", FIELD_STRING, .doc = "Of the event, plan, object or entry."),
	FIELD_OUT("what", FIELD_STRING, .doc = "What happened."),
	FIELD_OUT("untrusted_detail", FIELD_STRING, .flags = FIELD_UNTRUSTED,
		  .doc = "Who did it, or what a process or Cloudflare said."),
	FIELD_OUT("times", FIELD_INT, .doc = "So often in a row."),
	FIELD_OUT("first", FIELD_STRING, .flags = FIELD_TIME, .doc = "The first of these."),
	FIELD_OUT("operation", FIELD_STRING, .doc = "The operation that tells more."),
	FIELD_OUT("arguments", FIELD_STRING, .doc = "Its arguments, as a JSON object."),
	FIELDS_END,
};

const struct op *op_incident_capsule(void)
{
	static const struct field args[] = {
		FIELD(struct incident_capsule_args, name,
		      .flags = FIELD_REQUIRED | FIELD_POSITIONAL, .min = 1, .max = 253,
		      .doc = "Host name or zone, as in app.example.com."),
		FIELD(struct incident_capsule_args, since, .flags = FIELD_TIME, .fallback = "24h",
		      .max = 40, .doc = "Not older than this: RFC 3339, or back from now."),
		FIELD(struct incident_capsule_args, until, .flags = FIELD_TIME, .max = 40,
		      .doc = "Not younger than this; absent = now."),
		FRESH_FIELD(struct incident_capsule_args),
		FIELDS_END,
	};
	static const struct field result[] = {
		FIELD_OUT("host", FIELD_STRING, .doc = "The host name; absent for a zone."),
		FIELD_OUT("zone", FIELD_STRING, .doc = "The zone."),
		FIELD_OUT("since", FIELD_STRING, .flags = FIELD_TIME, .doc = "The window."),
		FIELD_OUT("until", FIELD_STRING, .flags = FIELD_TIME, .doc = "Its end."),
		FIELD_OUT("total", FIELD_INT, .doc = "Rows that there are."),
		FIELD_OUT("timeline", FIELD_ITEMS, .sub = moment_rows,
			  .doc = "What happened, the newest first."),
		FIELD_OUT("truncated", FIELD_BOOL,
			  .doc = "Older rows did not fit, or more of the audit log is there."),
		UNKNOWN_OUT,
		FIELD_OUT("as_of", FIELD_STRING, .flags = FIELD_TIME, .doc = "When this was true."),
		FIELD_OUT("rate", FIELD_OBJECT, .sub = rate_rows,
			  .doc = "Cloudflare's rate limit."),
		FIELDS_END,
	};
	static const struct op op = {
		.name = "incident_capsule",
		.title = "Tell what happened around a host name",
		.doc = "One short time line of a host name or a zone: connectors, edge losses, "
		       "configurations, plans, drift, probes, audit log and changes of the "
		       "firewall. Each row has an id and the call that tells more. Works without "
		       "Cloudflare too: what could not be read is told as unknown.",
		.role = ROLE_AUDITOR,
		.effects = OP_READS,
		.doors = OP_DOOR_ALL,
		.tags = tags,
		.args = args,
		.args_size = sizeof(struct incident_capsule_args),
		.result = result,
	};
	return &op;
}
