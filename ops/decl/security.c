/* Declarations: whose the account is. */
#include "ops/decl/common.h"

RATE_TABLE;

static const char *const tags[] = {"security", NULL};

static const struct field account_rows[] = {
	FIELD_OUT("id", FIELD_STRING, .doc = "Cloudflare's id."),
	FIELD_OUT("untrusted_name", FIELD_STRING, .flags = FIELD_UNTRUSTED, .doc = "Its name."),
	FIELD_OUT("untrusted_type", FIELD_STRING, .flags = FIELD_UNTRUSTED,
		  .doc = "standard or enterprise."),
	FIELD_OUT("second_factor", FIELD_STRING,
		  .doc = "Of its members: required, not required, or unknown."),
	FIELD_OUT("configured", FIELD_BOOL, .doc = "The account that this adit works in."),
	FIELDS_END,
};

const struct op *op_account_list(void)
{
	static const struct field args[] = {
		LIST_FIELDS(struct account_list_args),
		FIELD(struct account_list_args, name, .max = 160,
		      .doc = "Only accounts whose name contains this."),
		FRESH_FIELD(struct account_list_args),
		FIELDS_END,
	};
	static const struct field result[] = { LIST_RESULT(account_rows), FIELDS_END };
	static const struct op op = {
		.name = "account_list",
		.title = "List accounts",
		.doc = "The accounts that the API token can see. A token that an account owns sees "
		       "that account alone.",
		.role = ROLE_AUDITOR,
		.effects = OP_READS,
		.doors = OP_DOOR_ALL,
		.tags = tags,
		.args = args,
		.args_size = sizeof(struct account_list_args),
		.result = result,
	};
	return &op;
}
