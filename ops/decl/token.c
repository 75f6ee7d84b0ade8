/* Declaration: what the API tokens are worth. */
#include "ops/decl/common.h"

RATE_TABLE;

static const char *const tags[] = {"access", NULL};

static const struct field token_rows[] = {
	FIELD_OUT("setting", FIELD_STRING, .doc = "Which setting names its file."),
	FIELD_OUT("serves", FIELD_STRING,
		  .doc = "all operations, managing, or reading security data."),
	FIELD_OUT("status", FIELD_STRING,
		  .doc = "active, disabled, expired, unknown, missing (there is none), refused, or "
			 "unchecked (Cloudflare did not answer)."),
	FIELD_OUT("owner", FIELD_STRING, .doc = "Whose it is: user, account, or unknown."),
	FIELD_OUT("id", FIELD_STRING, .doc = "Its id, which is no secret."),
	FIELD_OUT("untrusted_name", FIELD_STRING, .flags = FIELD_UNTRUSTED,
		  .doc = "Its name, where it may read itself."),
	FIELD_OUT("expires_on", FIELD_STRING, .flags = FIELD_TIME,
		  .doc = "When it ends; absent = Cloudflare tells no end."),
	FIELD_OUT("not_before", FIELD_STRING, .flags = FIELD_TIME, .doc = "When it begins."),
	FIELD_OUT("known_by", FIELD_STRING,
		  .doc = "policies: its own row says what it may. reads: it was tried, zone "
			 "permissions on one zone, and what only a write would show is unknown."),
	FIELD_OUT("may", FIELD_STRINGS,
		  .doc = "Permissions that it has, as Cloudflare's dashboard calls them."),
	FIELD_OUT("may_partly", FIELD_STRINGS, .doc = "For some zones only."),
	FIELD_OUT("may_not", FIELD_STRINGS, .doc = "That it has not."),
	FIELD_OUT("not_known", FIELD_STRINGS, .doc = "Nothing tells whether it has them."),
	FIELD_OUT("missing", FIELD_STRINGS,
		  .doc = "Permissions to add to it, so that all that it serves works."),
	FIELD_OUT("message", FIELD_STRING, .doc = "Why it could not be verified."),
	FIELD_OUT("hint", FIELD_STRING, .doc = "What to do about it."),
	FIELDS_END,
};

static const struct field lack_rows[] = {
	FIELD_OUT("operation", FIELD_STRING, .doc = "Name of the operation."),
	FIELD_OUT("missing", FIELD_STRINGS, .doc = "Permissions that its token lacks."),
	FIELD_OUT("unknown", FIELD_STRINGS, .doc = "Permissions of which nothing is known."),
	FIELDS_END,
};

const struct op *op_token_check(void)
{
	static const struct field args[] = { FIELDS_END };
	static const struct field result[] = {
		FIELD_OUT("warnings", FIELD_STRINGS, .doc = "What to do something about, soon."),
		FIELD_OUT("tokens", FIELD_ITEMS, .sub = token_rows, .doc = "The API tokens."),
		FIELD_OUT("can", FIELD_STRINGS, .doc = "Operations that the tokens allow."),
		FIELD_OUT("partly", FIELD_ITEMS, .sub = lack_rows,
			  .doc = "Operations whose answers lack parts, or that work for some zones "
				 "only (missing is empty then)."),
		FIELD_OUT("cannot", FIELD_ITEMS, .sub = lack_rows,
			  .doc = "Operations that the tokens do not allow."),
		FIELD_OUT("unknown", FIELD_ITEMS, .sub = lack_rows,
			  .doc = "Operations of which it is not known."),
		FIELD_OUT("as_of", FIELD_STRING, .flags = FIELD_TIME, .doc = "When it was asked."),
		FIELD_OUT("rate", FIELD_OBJECT, .sub = rate_rows,
			  .doc = "Cloudflare's rate limit."),
		FIELDS_END,
	};
	static const struct op op = {
		.name = "token_check",
		.title = "Check the API tokens",
		.doc = "Asks Cloudflare what the configured API tokens are: valid or not, whose, "
		       "until when, and which operations of adit they allow; what they lack is "
		       "named as in Cloudflare's dashboard. The tokens themselves are never shown.",
		.role = ROLE_AUDITOR,
		.effects = OP_READS,
		.doors = OP_DOOR_ALL,
		.tags = tags,
		.args = args,
		.args_size = sizeof(struct none_args),
		.result = result,
	};
	return &op;
}
