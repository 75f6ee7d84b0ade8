/* Declarations: plans. */
#include "ops/decl/common.h"

WRITE_RESULT_TABLES;

static const char *const tags[] = {"plan", NULL};

static const char *const states[] = {"waiting",   "planned", "needs_approval", "applied",
				     "unchanged", "stale",   "rejected",       "expired",
				     "failed",    NULL};

#define PLAN_ROWS                                                                                  \
	FIELD_OUT("plan", FIELD_STRING, .doc = "Its id, as in p7."),                               \
		FIELD_OUT("state", FIELD_STRING, .doc = "Where it stands."),                       \
		FIELD_OUT("operation", FIELD_STRING, .doc = "What made it."),                      \
		FIELD_OUT("principal", FIELD_STRING, .doc = "Who proposed it."),                   \
		FIELD_OUT("reason", FIELD_STRING, .doc = "Why, where said."),                      \
		FIELD_OUT("made", FIELD_STRING, .flags = FIELD_TIME, .doc = "When."),              \
		FIELD_OUT("expires", FIELD_STRING, .flags = FIELD_TIME,                            \
			  .doc = "When it can no longer be approved."),                            \
		FIELD_OUT("decided_by", FIELD_STRING, .doc = "Who approved or rejected it."),      \
		FIELD_OUT("decided", FIELD_STRING, .flags = FIELD_TIME, .doc = "When."),           \
		FIELD_OUT("revision", FIELD_INT, .doc = "Desired revision that it made.")

static const struct field plan_rows[] = {
	PLAN_ROWS,
	FIELD_OUT("approvals", FIELD_INT, .doc = "How many reasons it needs approval for."),
	FIELDS_END,
};

static const struct field touch_rows[] = {
	FIELD_OUT("id", FIELD_STRING, .doc = "Local id."),
	FIELD_OUT("generation", FIELD_INT, .doc = "Its version; 0 = it did not exist."),
	FIELDS_END,
};

const struct op *op_plan_list(void)
{
	static const struct field args[] = {
		LIST_FIELDS(struct plan_list_args),
		FIELD(struct plan_list_args, state, .values = states,
		      .doc = "Only plans in this state; waiting = planned or needs_approval."),
		FIELDS_END,
	};
	static const struct field result[] = { LIST_RESULT(plan_rows), FIELDS_END };
	static const struct op op = {
		.name = "plan_list",
		.title = "List plans",
		.doc = "Plans, the newest first: what waits for approval and what was done.",
		.role = ROLE_VIEWER,
		.effects = OP_READS,
		.doors = OP_DOOR_ALL,
		.tags = tags,
		.args = args,
		.args_size = sizeof(struct plan_list_args),
		.result = result,
	};
	return &op;
}

const struct op *op_plan_get(void)
{
	static const struct field args[] = {
		FIELD(struct plan_get_args, plan, .flags = FIELD_REQUIRED | FIELD_POSITIONAL,
		      .min = 1, .max = 20, .doc = "Its id, as in p7."),
		FIELDS_END,
	};
	static const struct field result[] = {
		PLAN_ROWS,
		OUTLINE_ROWS,
		FIELD_OUT("hash", FIELD_STRING, .doc = "What an approval must name."),
		FIELD_OUT("changes", FIELD_ITEMS, .sub = change_rows, .doc = "What changes."),
		FIELD_OUT("approvals", FIELD_STRINGS, .doc = "Why it needs approval."),
		FIELD_OUT("warnings", FIELD_STRINGS, .doc = "What to know."),
		FIELD_OUT("touches", FIELD_ITEMS, .sub = touch_rows,
			  .doc = "Objects whose versions it was computed from."),
		FIELDS_END,
	};
	static const struct op op = {
		.name = "plan_get",
		.title = "Show a plan",
		.doc = "One plan with its changes, why it needs approval and its hash.",
		.role = ROLE_VIEWER,
		.effects = OP_READS,
		.doors = OP_DOOR_ALL,
		.tags = tags,
		.args = args,
		.args_size = sizeof(struct plan_get_args),
		.result = result,
	};
	return &op;
}

const struct op *op_plan_approve(void)
{
	static const struct field args[] = {
		FIELD(struct plan_approve_args, plan, .flags = FIELD_REQUIRED | FIELD_POSITIONAL,
		      .min = 1, .max = 20, .doc = "Its id, as in p7."),
		FIELD(struct plan_approve_args, hash, .flags = FIELD_REQUIRED, .min = 12, .max = 64,
		      .doc = "The hash that was shown, as plan_get shows it (12 or more "
			     "digits)."),
		FIELD_DELETES(struct plan_approve_args),
		FIELD(struct plan_approve_args, wait, .fallback = "true",
		      .doc = "Wait until the change is true everywhere."),
		FIELD(struct plan_approve_args, timeout, .fallback = "30s", .min = 1000,
		      .max = 600000, .doc = "How long to wait for that."),
		FIELDS_END,
	};
	static const struct op op = {
		.name = "plan_approve",
		.title = "Approve a plan",
		.doc = "Approve a waiting plan by the hash that was shown, and carry it out. Takes "
		       "root, or authentication by polkit (adit.approve); a plan whose objects "
		       "changed since is refused as stale.",
		.role = ROLE_OPERATOR,
		.effects = OP_DESTROYS,
		.doors = OP_DOOR_SOCKET,
		.tags = tags,
		.args = args,
		.args_size = sizeof(struct plan_approve_args),
		.result = write_result,
	};
	return &op;
}

const struct op *op_plan_apply(void)
{
	static const struct field args[] = {
		FIELD(struct plan_apply_args, plan, .flags = FIELD_REQUIRED | FIELD_POSITIONAL,
		      .min = 1, .max = 20, .doc = "Its id, as in p7."),
		FIELD(struct plan_apply_args, hash, .min = 12, .max = 64,
		      .doc = "Only when the plan has this hash (12 or more digits)."),
		FIELD(struct plan_apply_args, wait, .fallback = "true",
		      .doc = "Wait until the change is true everywhere."),
		FIELD(struct plan_apply_args, timeout, .fallback = "30s", .min = 1000,
		      .max = 600000, .doc = "How long to wait for that."),
		FIELDS_END,
	};
	static const struct op op = {
		.name = "plan_apply",
		.title = "Apply a plan",
		.doc = "Carry out a plan that was stored by plan_create. It is judged again, by "
		       "the settings of now and against the caller; what it was made from must not "
		       "have changed. A plan that needs approval is shown and goes on waiting.",
		.role = ROLE_OPERATOR,
		.effects = OP_DESTROYS,
		.doors = OP_DOOR_ALL,
		.tags = tags,
		.args = args,
		.args_size = sizeof(struct plan_apply_args),
		.result = write_result,
	};
	return &op;
}

const struct op *op_plan_reject(void)
{
	static const struct field args[] = {
		FIELD(struct plan_reject_args, plan, .flags = FIELD_REQUIRED | FIELD_POSITIONAL,
		      .min = 1, .max = 20, .doc = "Its id, as in p7."),
		FIELD(struct plan_reject_args, reason, .max = 500,
		      .doc = "Why; kept in the ledger."),
		FIELDS_END,
	};
	static const struct op op = {
		.name = "plan_reject",
		.title = "Reject a plan",
		.doc = "Reject a waiting plan for good.",
		.role = ROLE_OPERATOR,
		.effects = OP_WRITES,
		.revokes = true,
		.doors = OP_DOOR_SOCKET,
		.tags = tags,
		.args = args,
		.args_size = sizeof(struct plan_reject_args),
		.result = write_result,
	};
	return &op;
}
