/* Declarations: grants and the ledger. */
#include "base/text.h"
#include "ops/decl/common.h"

RATE_TABLE;

static const char *const tags[] = {"access", NULL};

#define DAY_MS (24 * 3600 * 1000LL)

static const char *const grant_roles[] = {"viewer", "auditor", "operator", "admin", NULL};
static const char *const methods[] = {"list", "get", "create", "update", "delete", NULL};

static int check_rate(const char *text, struct err *e)
{
	int64_t count, window_ms;
	if (rate_parse(text, &count, &window_ms, e) < 0)
		return -1;
	if (count <= 1000000 && window_ms >= 1000 && window_ms <= DAY_MS)
		return 0;
	return err_set(e, ERR_INVALID, "\"%s\" is no budget: up to 1000000 calls in 1s to 1d",
		       text);
}

#define GRANT_SPEC_FIELDS(T)                                                                       \
	FIELD(T, role, .fallback = "viewer", .values = grant_roles,                                \
	      .doc = "What it may do at the most; not more than who makes it."),                   \
		FIELD(T, methods, .max = 5, .values = methods,                                     \
		      .doc = "Only operations that do one of these; absent = all that the role "   \
			     "allows."),                                                           \
		FIELD(T, tags, .max = 20,                                                          \
		      .doc = "Only operations with one of these tags; absent = all."),             \
		FIELD(T, zones, .max = 100, .doc = "Only names in these zones; absent = all."),    \
		FIELD(T, hosts, .max = 100,                                                        \
		      .doc = "Only these host names, or what is below *.DOMAIN; absent = all."),   \
		FIELD(T, tunnels, .max = 100,                                                      \
		      .doc = "Only these tunnels, by name or id; absent = all."),                  \
		FIELD(T, origins, .max = 100,                                                      \
		      .doc = "Services, as in http://127.0.0.1:3000, that it may publish without " \
			     "approval."),                                                         \
		FIELD(T, ask,                                                                      \
		      .doc = "The client asks its user before each write; what needs approval "    \
			     "needs it all the same."),                                            \
		FIELD(T, budget, .fallback = "600/5m", .max = 20, .check = check_rate,             \
		      .doc = "Calls in a time, as in 600/5m.")

const struct field *grant_spec_fields(void)
{
	static const struct field fields[] = { GRANT_SPEC_FIELDS(struct grant_spec), FIELDS_END };
	return fields;
}

#define NAME_FIELD(T, words)                                                                       \
	FIELD(T, name, .flags = FIELD_REQUIRED | FIELD_POSITIONAL, .min = 1, .max = 64,            \
	      .doc = (words))
#define REASON_FIELD(T) FIELD(T, reason, .max = 500, .doc = "Why; kept in the ledger.")

/* What a grant is, in answers. */
#define GRANT_ROWS                                                                                 \
	FIELD_OUT("name", FIELD_STRING, .doc = "Its name."),                                       \
		FIELD_OUT("state", FIELD_STRING,                                                   \
			  .doc = "active, read_only (all are, just now) or damaged, which gives "  \
				 "nothing."),                                                      \
		GRANT_SPEC_FIELDS(struct grant_spec),                                              \
		FIELD_OUT("expires_at", FIELD_STRING, .flags = FIELD_TIME,                         \
			  .doc = "When it ends."),                                                 \
		FIELD_OUT("needs_second_token", FIELD_BOOL,                                        \
			  .doc = "Over HTTP, X-Adit-Token must come too."),                        \
		FIELD_OUT("budget_left", FIELD_INT, .doc = "Calls that it may make at once."),     \
		FIELD_OUT("created", FIELD_STRING, .flags = FIELD_TIME, .doc = "When."),           \
		FIELD_OUT("created_by", FIELD_STRING, .doc = "Who made it."),                      \
		FIELD_OUT("last_used", FIELD_STRING, .flags = FIELD_TIME,                          \
			  .doc = "Its last call; absent = never.")

static const struct field grant_rows[] = {
	GRANT_ROWS,
	FIELD_OUT("damage", FIELD_STRING, .doc = "What of it cannot be read."),
	FIELDS_END,
};

static const struct field paste_rows[] = {
	FIELD_OUT("for", FIELD_STRING, .doc = "Which client, and how it comes in."),
	FIELD_OUT("where", FIELD_STRING, .doc = "Where the text goes."),
	FIELD_OUT("text", FIELD_STRING, .doc = "What to paste, without a token in it."),
	FIELDS_END,
};

const struct op *op_grant_create(void)
{
	static const struct field args[] = {
		NAME_FIELD(struct grant_create_args,
			   "What to call it: a-z, 0-9, - _ and ., as in claude."),
		GRANT_SPEC_FIELDS(struct grant_create_args),
		FIELD(struct grant_create_args, expires_at, .fallback = "30d", .max = 40,
		      .doc = "When it ends: a time, or how long from now; a year at the most."),
		FIELD(struct grant_create_args, second_token,
		      .doc = "Over HTTP a further secret must come in X-Adit-Token, which is given "
			     "to somebody else and taken away apart."),
		FIELD(struct grant_create_args, second_only,
		      .doc = "Make only a new second token for the grant of that name, which stays "
			     "as it is; the one before is void."),
		REASON_FIELD(struct grant_create_args),
		FIELDS_END,
	};
	static const struct field result[] =
	{ GRANT_ROWS,
	  FIELD_OUT("token", FIELD_STRING, .doc = "Its token, shown this once."),
	  FIELD_OUT("second_token", FIELD_STRING, .doc = "Its second token, shown this once."),
	  FIELD_OUT("paste", FIELD_ITEMS, .sub = paste_rows, .doc = "How to give it to a client."),
	  FIELD_OUT("warnings", FIELD_STRINGS, .doc = "What to know."),
	  FIELDS_END,
	};
	static const struct op op = {
		.name = "grant_create",
		.title = "Make a grant",
		.doc = "What a program may see and do that speaks MCP, as Claude does: a role, and "
		       "within it only some methods, tags, zones, host names and tunnels. What "
		       "needs "
		       "approval needs a person's word all the same. It ends by itself. The answer "
		       "says what to paste, and shows the token this once.",
		.role = ROLE_ADMIN,
		.effects = OP_WRITES,
		.doors = OP_DOOR_SOCKET,
		.tags = tags,
		.args = args,
		.args_size = sizeof(struct grant_create_args),
		.result = result,
	};
	return &op;
}

const struct op *op_grant_list(void)
{
	static const struct field args[] = { LIST_FIELDS(struct grant_list_args), FIELDS_END };
	static const struct field result[] = { LIST_RESULT(grant_rows), FIELDS_END };
	static const struct op op = {
		.name = "grant_list",
		.title = "List grants",
		.doc = "The grants that there are, the oldest first. Tokens are not kept, so none "
		       "is "
		       "shown.",
		.role = ROLE_ADMIN,
		.effects = OP_READS,
		.doors = OP_DOOR_SOCKET,
		.tags = tags,
		.args = args,
		.args_size = sizeof(struct grant_list_args),
		.result = result,
	};
	return &op;
}

const struct op *op_grant_test(void)
{
	static const struct field args[] = {
		NAME_FIELD(struct grant_test_args, "Name of the grant."),
		FIELD(struct grant_test_args, operation, .max = 40,
		      .doc = "May it do this one? As in route_set."),
		FIELD(struct grant_test_args, host, .max = 253,
		      .doc = "Does this host name lie inside of it?"),
		FIELDS_END,
	};
	static const struct field refused_rows[] = {
		FIELD_OUT("operation", FIELD_STRING, .doc = "Its name."),
		FIELD_OUT("policy", FIELD_STRING,
			  .doc = "What says no: role, methods, tags or frozen."),
		FIELDS_END,
	};
	static const struct field result[] = {
		GRANT_ROWS,
		FIELD_OUT("damage", FIELD_STRING, .doc = "What of it cannot be read."),
		FIELD_OUT("allowed", FIELD_BOOL,
			  .doc = "Of the operation and the host name that were asked for: may it? "
				 "What a plan really touches is judged when there is one."),
		FIELD_OUT("policy", FIELD_STRING, .doc = "What says no."),
		FIELD_OUT("message", FIELD_STRING, .doc = "The same as a sentence."),
		FIELD_OUT("operations", FIELD_STRINGS, .doc = "What it may call."),
		FIELD_OUT("refused", FIELD_ITEMS, .sub = refused_rows,
			  .doc = "What it may not, of all that MCP has."),
		FIELD_OUT("sees_tunnels", FIELD_STRINGS, .doc = "Tunnels inside of it, now."),
		FIELD_OUT("sees_hosts", FIELD_STRINGS, .doc = "Published names inside of it, now."),
		FIELD_OUT("sees_zones", FIELD_STRINGS, .doc = "Zones inside of it, now."),
		FIELDS_END,
	};
	static const struct op op = {
		.name = "grant_test",
		.title = "Show what a grant can see and do",
		.doc = "What the grant may call and what not, and why; which tunnels, names and "
		       "zones lie inside of it. With an operation or a host name it "
		       "says whether that is allowed.",
		.role = ROLE_ADMIN,
		.effects = OP_READS,
		.doors = OP_DOOR_SOCKET,
		.tags = tags,
		.args = args,
		.args_size = sizeof(struct grant_test_args),
		.result = result,
	};
	return &op;
}

const struct op *op_grant_revoke(void)
{
	static const struct field args[] = {
		NAME_FIELD(struct grant_revoke_args, "Name of the grant."),
		FIELD(struct grant_revoke_args, second_only,
		      .doc = "Only its second token: over HTTP it is of no use until grant_create "
			     "--second-only has made another one."),
		REASON_FIELD(struct grant_revoke_args),
		FIELDS_END,
	};
	static const struct field result[] = {
		FIELD_OUT("name", FIELD_STRING, .doc = "Its name."),
		FIELD_OUT("state", FIELD_STRING, .doc = "revoked, or second_token_revoked."),
		FIELD_OUT("plans_rejected", FIELD_INT, .doc = "Plans of it that waited."),
		FIELD_OUT("warnings", FIELD_STRINGS, .doc = "What to know."),
		FIELDS_END,
	};
	static const struct op op = {
		.name = "grant_revoke",
		.title = "Revoke a grant",
		.doc = "End a grant at once: its token, its open connections and its plans that "
		       "wait. What it has done stays. Works while the disk is full, too.",
		.role = ROLE_ADMIN,
		.effects = OP_WRITES,
		.revokes = true,
		.doors = OP_DOOR_SOCKET,
		.tags = tags,
		.args = args,
		.args_size = sizeof(struct grant_revoke_args),
		.result = result,
	};
	return &op;
}

const struct op *op_grant_freeze(void)
{
	static const char *const states[] = {"on", "off", NULL};
	static const struct field args[] = {
		FIELD(struct grant_freeze_args, state, .flags = FIELD_POSITIONAL, .fallback = "on",
		      .values = states, .doc = "on: no grant writes; off: they may again."),
		REASON_FIELD(struct grant_freeze_args),
		FIELDS_END,
	};
	static const struct field result[] = {
		FIELD_OUT("state", FIELD_STRING, .doc = "on = all grants are read-only."),
		FIELD_OUT("changed", FIELD_BOOL, .doc = "It was not so before."),
		FIELD_OUT("by", FIELD_STRING, .doc = "Who froze them."),
		FIELD_OUT("reason", FIELD_STRING, .doc = "Why."),
		FIELD_OUT("since", FIELD_STRING, .flags = FIELD_TIME, .doc = "When."),
		FIELD_OUT("grants", FIELD_INT, .doc = "How many grants there are."),
		FIELD_OUT("warnings", FIELD_STRINGS, .doc = "What to know."),
		FIELDS_END,
	};
	static const struct op op = {
		.name = "grant_freeze",
		.title = "Make all grants read-only",
		.doc = "No grant writes any more, from this moment until it is taken back; reading "
		       "goes on. Plans of grants are not applied meanwhile. Works while the disk "
		       "is "
		       "full, too; taking it back does not.",
		.role = ROLE_ADMIN,
		.effects = OP_WRITES,
		.revokes = true,
		.doors = OP_DOOR_SOCKET,
		.tags = tags,
		.args = args,
		.args_size = sizeof(struct grant_freeze_args),
		.result = result,
	};
	return &op;
}

/* ---- the ledger ---- */

static const char *const ledger_tags[] = {"ledger", NULL};

static const char *const decisions[] = {"allowed",   "denied",   "refused",  "needs_approval",
					"approved",  "rejected", "accepted", "declined",
					"cancelled", NULL};

static const struct field ledger_rows[] = {
	FIELD_OUT("seq", FIELD_INT, .doc = "Number of the row."),
	FIELD_OUT("at", FIELD_STRING, .flags = FIELD_TIME, .doc = "When."),
	FIELD_OUT("phase", FIELD_STRING,
		  .doc = "asked (before it is run), intent (a plan is stored) or result."),
	FIELD_OUT("principal", FIELD_STRING, .doc = "Who; adit = the daemon by itself."),
	FIELD_OUT("door", FIELD_STRING, .doc = "socket or mcp."),
	FIELD_OUT("peer", FIELD_STRING, .doc = "Process or address at the other end."),
	FIELD_OUT("untrusted_client", FIELD_STRING, .flags = FIELD_UNTRUSTED,
		  .doc = "Name and version, as the client said."),
	FIELD_OUT("untrusted_tool_use", FIELD_STRING, .flags = FIELD_UNTRUSTED,
		  .doc = "The client's own id of the call."),
	FIELD_OUT("operation", FIELD_STRING, .doc = "What, or which call to Cloudflare."),
	FIELD_OUT("object", FIELD_STRING, .doc = "Id of the call, of the plan, or an object."),
	FIELD_OUT("arguments", FIELD_STRING, .doc = "As JSON, secrets struck out."),
	FIELD_OUT("decision", FIELD_STRING,
		  .doc = "allowed, denied, refused, needs_approval, approved, rejected; of a "
			 "question to the client's user: accepted, declined or cancelled."),
	FIELD_OUT("policy", FIELD_STRING, .doc = "What decided so."),
	FIELD_OUT("plan", FIELD_STRING, .doc = "The plan, as in p7."),
	FIELD_OUT("plan_hash", FIELD_STRING, .doc = "Its hash."),
	FIELD_OUT("outcome", FIELD_STRING, .doc = "ok, or the kind of error."),
	FIELD_OUT("detail", FIELD_STRING, .doc = "The error, or what belongs to it."),
	FIELD_OUT("rays", FIELD_STRING, .doc = "Ray ids of Cloudflare's answers."),
	FIELD_OUT("hash", FIELD_STRING, .doc = "Over the row and the hash of the one before."),
	FIELDS_END,
};

const struct op *op_ledger_list(void)
{
	static const struct field args[] = {
		LIST_FIELDS(struct ledger_list_args),
		FIELD(struct ledger_list_args, principal, .max = 96,
		      .doc = "Only rows of this one, as in \"grant claude\"."),
		FIELD(struct ledger_list_args, operation, .max = 80,
		      .doc = "Only rows of this operation."),
		FIELD(struct ledger_list_args, decision, .values = decisions,
		      .doc = "Only rows that were decided so."),
		FIELD(struct ledger_list_args, plan, .max = 20,
		      .doc = "Only rows of this plan, as in p7."),
		FIELD(struct ledger_list_args, since, .flags = FIELD_TIME, .max = 40,
		      .doc = "Not before; a time or how long ago (48h)."),
		FIELD(struct ledger_list_args, until, .flags = FIELD_TIME, .max = 40,
		      .doc = "Not after."),
		FIELDS_END,
	};
	static const struct field result[] = { LIST_RESULT(ledger_rows), FIELDS_END };
	static const struct op op = {
		.name = "ledger_list",
		.title = "List what was done and refused",
		.doc = "Who asked for what, what was decided and why, and what came of it; the "
		       "newest first. Reads over MCP leave a row a second of each kind.",
		.role = ROLE_ADMIN,
		.effects = OP_READS,
		.doors = OP_DOOR_SOCKET,
		.tags = ledger_tags,
		.args = args,
		.args_size = sizeof(struct ledger_list_args),
		.result = result,
	};
	return &op;
}

const struct op *op_ledger_verify(void)
{
	static const struct field args[] = {
		FIELDS_END,
	};
	static const struct field result[] = {
		FIELD_OUT("valid", FIELD_BOOL, .doc = "Nothing was changed, left out or added."),
		FIELD_OUT("rows", FIELD_INT, .doc = "Rows that are good, from the first on."),
		FIELD_OUT("bad_row", FIELD_INT, .doc = "The first that is not."),
		FIELD_OUT("message", FIELD_STRING, .doc = "What is wrong with it."),
		FIELD_OUT("hint", FIELD_STRING, .doc = "What to do."),
		FIELD_OUT(
			"head", FIELD_STRING,
			.doc = "Hash of the last row: kept elsewhere, it shows later that nothing "
			       "before it was changed."),
		FIELDS_END,
	};
	static const struct op op = {
		.name = "ledger_verify",
		.title = "Verify the ledger",
		.doc = "Walk the chain of the ledger: each row carries the hash of the one before. "
		       "Says which row is the first bad one.",
		.role = ROLE_ADMIN,
		.effects = OP_READS,
		.doors = OP_DOOR_SOCKET,
		.tags = ledger_tags,
		.args = args,
		.args_size = sizeof(struct none_args),
		.result = result,
	};
	return &op;
}
