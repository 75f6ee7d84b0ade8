/* Declarations: stopping connectors and starting them again. */
#include "ops/decl/common.h"

WRITE_RESULT_TABLES;

static const char *const tags[] = {"connector", NULL};

/* A word of the language cannot name a member. */
#define FOR_FIELD(T)                                                                               \
	{                                                                                          \
		.name = "for", .type = FIELD_DURATION, .offset = offsetof(T, for_time),            \
		.min = 1000, .max = 365LL * 24 * 3600 * 1000,                                      \
		.doc = "Start it again after so long; absent = when somebody starts it."           \
	}

const struct op *op_connector_stop(void)
{
	static const struct field args[] = {
		WHICH_FIELDS(struct connector_stop_args),
		FOR_FIELD(struct connector_stop_args),
		WRITE_FIELDS(struct connector_stop_args),
		FIELDS_END,
	};
	static const struct op op = {
		.name = "connector_stop",
		.title = "Stop a connector",
		.doc = "Let connectors finish their requests and end; they stay stopped, over "
		       "restarts of aditd and of the host, until they are started or the time is "
		       "over. Stopping the last one that serves a published name needs approval.",
		.role = ROLE_OPERATOR,
		.effects = OP_WRITES,
		.doors = OP_DOOR_ALL,
		.tags = tags,
		.args = args,
		.args_size = sizeof(struct connector_stop_args),
		.result = write_result,
	};
	return &op;
}

const struct op *op_connector_start(void)
{
	static const struct field args[] = {
		WHICH_FIELDS(struct connector_start_args),
		WRITE_FIELDS(struct connector_start_args),
		FIELDS_END,
	};
	static const struct op op = {
		.name = "connector_start",
		.title = "Start a stopped connector",
		.doc = "Let connectors run again that were stopped by connector_stop.",
		.role = ROLE_OPERATOR,
		.effects = OP_WRITES,
		.doors = OP_DOOR_ALL,
		.tags = tags,
		.args = args,
		.args_size = sizeof(struct connector_start_args),
		.result = write_result,
	};
	return &op;
}
