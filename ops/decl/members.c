/* Declarations: who has access to an account, and by which roles. */
#include "ops/decl/common.h"

RATE_TABLE;

static const char *const tags[] = {"security", NULL};

UNKNOWN_TABLE;

RIGHT_TABLE;

static const struct field member_rows[] = {MEMBER_ROWS, FIELDS_END};

const struct op *op_member_list(void)
{
	static const char *const statuses[] = {"accepted", "pending", "rejected", NULL};
	static const char *const factors[] = {"on", "off", "unknown", NULL};
	static const struct field args[] = {
		LIST_FIELDS(struct member_list_args),
		FIELD(struct member_list_args, text, .max = 160,
		      .doc = "Only members whose address or name contains this."),
		FIELD(struct member_list_args, role, .max = 160,
		      .doc = "Only members with a role or permission group of this id, or whose "
			     "name contains this."),
		FIELD(struct member_list_args, status, .values = statuses,
		      .doc = "Only members of this status; pending: invited, not yet accepted."),
		FIELD(struct member_list_args, two_factor, .values = factors,
		      .doc = "Only members whose second factor is so."),
		ACCOUNT_FIELD(struct member_list_args),
		DETAILS_FIELD(struct member_list_args),
		FRESH_FIELD(struct member_list_args),
		FIELDS_END,
	};
	static const struct field result[] = {
		LIST_RESULT(member_rows),
		UNREADABLE_OUT,
		UNKNOWN_OUT,
		FIELDS_END,
	};
	static const struct op op = {
		.name = "member_list",
		.title = "List members",
		.doc = "Members of the Cloudflare account and those invited: status, second "
		       "factor, roles or policies, and what they may change by them. Who can "
		       "change DNS, the firewall, members or tokens: see access_review.",
		.role = ROLE_AUDITOR,
		.effects = OP_READS,
		.doors = OP_DOOR_ALL,
		.tags = tags,
		.args = args,
		.args_size = sizeof(struct member_list_args),
		.result = result,
	};
	return &op;
}

static const struct field role_rows[] = {
	FIELD_OUT("id", FIELD_STRING, .doc = "Of the role."),
	FIELD_OUT("untrusted_name", FIELD_STRING, .flags = FIELD_UNTRUSTED, .doc = "Its name."),
	FIELD_OUT("untrusted_description", FIELD_STRING, .flags = FIELD_UNTRUSTED,
		  .doc = "What Cloudflare says of it."),
	FIELD_OUT("permissions", FIELD_STRING,
		  .doc = "What it permits: edit, which includes read, and read, by area."),
	FIELD_OUT("super_administrator", FIELD_BOOL, .doc = "It gives all there is."),
	FIELD_OUT("can", FIELD_STRINGS, .doc = "May change: dns, firewall, members, tokens."),
	FIELD_OUT("members", FIELD_INT,
		  .doc = "How many hold it; absent = not asked for, or not known."),
	FIELDS_END,
};

const struct op *op_role_list(void)
{
	static const struct field args[] = {
		LIST_FIELDS(struct role_list_args),
		FIELD(struct role_list_args, text, .max = 160,
		      .doc = "Only roles whose name or description contains this."),
		FIELD(struct role_list_args, members,
		      .doc = "Count who holds each, which reads all members."),
		ACCOUNT_FIELD(struct role_list_args),
		FRESH_FIELD(struct role_list_args),
		FIELDS_END,
	};
	static const struct field result[] = {
		LIST_RESULT(role_rows),
		UNREADABLE_OUT,
		UNKNOWN_OUT,
		FIELDS_END,
	};
	static const struct op op = {
		.name = "role_list",
		.title = "List roles",
		.doc = "The roles that members of the Cloudflare account can have, and what each "
		       "permits.",
		.role = ROLE_AUDITOR,
		.effects = OP_READS,
		.doors = OP_DOOR_ALL,
		.tags = tags,
		.args = args,
		.args_size = sizeof(struct role_list_args),
		.result = result,
	};
	return &op;
}
