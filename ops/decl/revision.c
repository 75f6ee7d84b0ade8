/* Declarations: the history of desired state, and the way back. */
#include "ops/decl/common.h"

WRITE_RESULT_TABLES;

static const char *const tags[] = {"plan", NULL};

static const struct field revision_rows[] = {
	FIELD_OUT("revision", FIELD_INT, .doc = "Its number."),
	FIELD_OUT("at", FIELD_STRING, .flags = FIELD_TIME, .doc = "When it was applied."),
	FIELD_OUT("plan", FIELD_STRING, .doc = "The plan that made it."),
	FIELD_OUT("operation", FIELD_STRING, .doc = "What made the plan."),
	FIELD_OUT("principal", FIELD_STRING, .doc = "Who proposed it."),
	FIELD_OUT("reason", FIELD_STRING, .doc = "Why, where said."),
	FIELD_OUT("changes", FIELD_INT, .doc = "How many changes it made."),
	FIELDS_END,
};

const struct op *op_revision_list(void)
{
	static const struct field args[] = {
		LIST_FIELDS(struct revision_list_args),
		FIELD(struct revision_list_args, object, .min = 1, .max = 253,
		      .doc = "Only what changed this tunnel or host name, or led through it."),
		FIELDS_END,
	};
	static const struct field result[] = { LIST_RESULT(revision_rows), FIELDS_END };
	static const struct op op = {
		.name = "revision_list",
		.title = "List revisions",
		.doc = "What was changed in the desired state, when, by whom and why, the newest "
		       "first. At least the newest 1,000 revisions are kept.",
		.role = ROLE_VIEWER,
		.effects = OP_READS,
		.doors = OP_DOOR_ALL,
		.tags = tags,
		.args = args,
		.args_size = sizeof(struct revision_list_args),
		.result = result,
	};
	return &op;
}

const struct op *op_revision_diff(void)
{
	static const struct field args[] = {
		FIELD(struct revision_diff_args, from, .flags = FIELD_REQUIRED | FIELD_POSITIONAL,
		      .min = 0, .max = INT64_MAX,
		      .doc = "The earlier revision; 0 = before the first."),
		FIELD(struct revision_diff_args, to, .flags = FIELD_POSITIONAL, .min = 1,
		      .max = INT64_MAX, .doc = "The later one; the current one unless said."),
		FIELDS_END,
	};
	static const struct field result[] = {
		FIELD_OUT("from", FIELD_INT, .doc = "Revision that the changes begin from."),
		FIELD_OUT("to", FIELD_INT, .doc = "Revision that they lead to."),
		FIELD_OUT("count", FIELD_INT, .doc = "How many changes; 0 = nothing differs."),
		FIELD_OUT("changes", FIELD_ITEMS, .sub = change_rows, .doc = "What differs."),
		FIELDS_END,
	};
	static const struct op op = {
		.name = "revision_diff",
		.title = "Compare two revisions",
		.doc = "What differs in the desired state between two revisions, whatever happened "
		       "in between. Nothing is asked at Cloudflare.",
		.role = ROLE_VIEWER,
		.effects = OP_READS,
		.doors = OP_DOOR_ALL,
		.tags = tags,
		.args = args,
		.args_size = sizeof(struct revision_diff_args),
		.result = result,
	};
	return &op;
}

const struct op *op_plan_create(void)
{
	static const struct field args[] =
	{ FIELD(struct plan_create_args, revision, .min = 1, .max = INT64_MAX,
		.doc = "The revision to go back to."),
	  FIELD(struct plan_create_args, drift,
		.doc = "Put back what somebody else changed at Cloudflare: all of drift_list."),
	  FIELD(struct plan_create_args, object, .min = 1, .max = 253,
		.doc = "With drift: only this tunnel or host name."),
	  FIELD(struct plan_create_args, dry_run, .doc = "Show the plan, store nothing."),
	  FIELD(struct plan_create_args, reason, .max = 500,
		.doc = "Why; kept with the plan and in the ledger."),
	  FIELD(struct plan_create_args, if_revision, .min = 1, .max = INT64_MAX,
		.doc = "Refuse when the desired state is no longer at this revision."),
	  FIELDS_END,
	};
	static const struct op op = {
		.name = "plan_create",
		.title = "Plan the way back to a revision, or out of drift",
		.doc = "A plan that brings the desired state back to an earlier revision: what "
		       "came later is deleted, what was deleted is made anew, what was changed is "
		       "changed back. Or, with drift, one that brings Cloudflare back to the "
		       "desired state, what was deleted there included. It is stored and changes "
		       "nothing: plan_apply carries it out, "
		       "or plan_approve where it needs approval.",
		.role = ROLE_OPERATOR,
		.effects = OP_DESTROYS,
		.doors = OP_DOOR_ALL,
		.tags = tags,
		.args = args,
		.args_size = sizeof(struct plan_create_args),
		.result = write_result,
	};
	return &op;
}
