/* Declaration: who has access, and what stands out. */
#include "ops/decl/common.h"

RATE_TABLE;
UNKNOWN_TABLE;
RIGHT_TABLE;

static const char *const tags[] = {"security", NULL};

static const struct field summary_rows[] = {
	FIELD_OUT("members", FIELD_INT, .doc = "All of them, those invited included."),
	FIELD_OUT("accepted", FIELD_INT, .doc = "Of those: have accepted."),
	FIELD_OUT("pending", FIELD_INT, .doc = "Are invited."),
	FIELD_OUT("super_administrators", FIELD_INT, .doc = "Hold all there is."),
	FIELD_OUT("without_second_factor", FIELD_INT, .doc = "Have accepted, and have none."),
	FIELD_OUT("second_factor_unknown", FIELD_INT, .doc = "Have accepted; it is not told."),
	FIELD_OUT("invitations_old", FIELD_INT,
		  .doc = "Invited more than 14 days ago; absent with can."),
	FIELD_OUT("invitations_undated", FIELD_INT, .doc = "Invited, nobody knows when."),
	FIELD_OUT("can_dns", FIELD_INT, .doc = "May change DNS records."),
	FIELD_OUT("can_firewall", FIELD_INT, .doc = "May change firewall and WAF rules."),
	FIELD_OUT("can_members", FIELD_INT, .doc = "May change who has access."),
	FIELD_OUT("can_tokens", FIELD_INT, .doc = "May change the account's API tokens."),
	FIELD_OUT("by_policies", FIELD_INT, .doc = "Have policies rather than roles alone."),
	FIELDS_END,
};

static const struct field reviewed_rows[] = {
	FIELD_OUT("flags", FIELD_STRINGS,
		  .doc = "What stands out: super_administrator, no_second_factor, "
			 "invitation_old, invitation_undated, invited, denied (a policy denies "
			 "something)."),
	FIELD_OUT("invited", FIELD_STRING, .flags = FIELD_TIME,
		  .doc = "When, as far as the audit log tells."),
	MEMBER_ROWS,
	FIELDS_END,
};

const struct op *op_access_review(void)
{
	static const char *const formats[] = {"json", "markdown", NULL};
	static const char *const powers[] = {"dns", "firewall", "members", "tokens", NULL};
	static const struct field args[] = {
		LIST_FIELDS(struct access_review_args),
		FIELD(struct access_review_args, can, .flags = FIELD_POSITIONAL, .values = powers,
		      .doc = "Only who may change this: DNS records, firewall and WAF rules, "
			     "members, or API tokens of the account."),
		FIELD(struct access_review_args, format, .fallback = "json", .values = formats,
		      .doc = "markdown: one text to hand on, in place of the items."),
		ACCOUNT_FIELD(struct access_review_args),
		DETAILS_FIELD(struct access_review_args),
		FRESH_FIELD(struct access_review_args),
		FIELDS_END,
	};
	static const struct field result[] = {
		FIELD_OUT("summary", FIELD_OBJECT, .sub = summary_rows,
			  .doc = "Of all members, whatever was asked for."),
		FIELD_OUT("findings", FIELD_STRINGS, .doc = "What stands out, the riskiest first."),
		FIELD_OUT("untrusted_markdown", FIELD_STRING, .flags = FIELD_UNTRUSTED,
			  .doc = "With format markdown: the review as a text; addresses and names "
				 "of roles in it are others'."),
		LIST_RESULT(reviewed_rows),
		UNREADABLE_OUT,
		UNKNOWN_OUT,
		FIELDS_END,
	};
	static const struct op op = {
		.name = "access_review",
		.title = "Review who has access",
		.doc = "Who has access to the Cloudflare account, by which roles or policies, and "
		       "what stands out: super administrators, no second factor, invitations never "
		       "accepted. Answers \"who can change DNS?\" (can). The riskiest come first.",
		.role = ROLE_AUDITOR,
		.effects = OP_READS,
		.doors = OP_DOOR_ALL,
		.tags = tags,
		.args = args,
		.args_size = sizeof(struct access_review_args),
		.result = result,
	};
	return &op;
}
