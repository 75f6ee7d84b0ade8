/* Declaration: the stream of changes. It is no call, so it stands beside the list of operations. */
#include "ops/decl/decl.h"

static const char *const watch_views[] = {"all", "status", NULL};

static const struct field rows[] = {
	FIELD_OUT("seq", FIELD_INT, .doc = "Of the change; higher is later, until a restart."),
	FIELD_OUT("revision", FIELD_INT, .doc = "Of the desired state."),
	FIELD_OUT("type", FIELD_STRING,
		  .doc = "snapshot (all there is: forget what came before), changed, removed, "
			 "status or end (the stream is over, and why)."),
	FIELD_OUT("object", FIELD_STRING,
		  .doc = "tunnel, route, record, connector, zone, plan or system."),
	FIELD_OUT("id", FIELD_STRING, .doc = "Its id; empty for system."),
	FIELD_OUT("data", FIELD_OBJECT,
		  .doc = "changed: the object as the list of its type has it; absent for plans."),
	FIELD_OUT("boot", FIELD_STRING, .doc = "snapshot: of this run of the daemon."),
	FIELD_OUT("status", FIELD_OBJECT, .doc = "snapshot, status: what status_get answers."),
	FIELD_OUT("objects", FIELD_ITEMS,
		  .doc = "snapshot: object, id and data of each, unless view is status."),
	FIELD_OUT("message", FIELD_STRING, .doc = "end: why, in a sentence."),
	FIELDS_END,
};

const struct op *op_watch(void)
{
	static const struct field args[] = {
		FIELD(struct watch_args, since, .max = 64,
		      .doc = "Go on behind this event, as its id says it (boot:seq); the header "
			     "Last-Event-ID says the same. Where that cannot be, a snapshot "
			     "comes."),
		FIELD(struct watch_args, view, .fallback = "all", .values = watch_views,
		      .doc = "all, or status: only what status_get says, when it changes."),
		FIELDS_END,
	};
	static const char *const tags[] = {"health", NULL};
	static const struct op op = {
		.name = "watch",
		.title = "Follow all changes",
		.doc = "Server-sent events: a snapshot, then what changed since, coalesced. Who "
		       "reads slowly, or comes back too late, gets a fresh snapshot instead of "
		       "all that he missed. A comment comes every 15 s; the caller's rights are "
		       "looked at again as often.",
		.role = ROLE_VIEWER,
		.effects = OP_READS,
		.doors = OP_DOOR_SOCKET,
		.tags = tags,
		.args = args,
		.args_size = sizeof(struct watch_args),
		.result = rows,
	};
	return &op;
}
