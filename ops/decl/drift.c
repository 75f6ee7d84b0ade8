/* Declarations: what differs at Cloudflare from what is wanted. */
#include "ops/decl/common.h"

RATE_TABLE;

static const char *const tags[] = {"plan", NULL};

static const struct field drift_rows[] = {
	FIELD_OUT("object", FIELD_STRING, .doc = "tunnel, route or record."),
	FIELD_OUT("name", FIELD_STRING, .doc = "Its name."),
	FIELD_OUT("kind", FIELD_STRING,
		  .doc = "changed, gone, unmarked, removed or edited; race: adit put a tunnel's "
			 "configuration over what somebody wrote at the same time; overwritten: "
			 "over an edit of adit's own rule or record that no plan had seen."),
	FIELD_OUT("field", FIELD_STRING, .doc = "What of it differs."),
	FIELD_OUT("wanted", FIELD_STRING, .doc = "As it is wanted."),
	FIELD_OUT("untrusted_seen", FIELD_STRING,
		  .doc = "As it was seen at Cloudflare; absent when nothing is there."),
	FIELD_OUT("untrusted_put", FIELD_STRING,
		  .doc = "Of race and overwritten: rules that adit put and that did not stand in "
			 "what it had read; untrusted_seen has those that stood there and were not "
			 "put. What was written in between is in Cloudflare's audit log at best."),
	FIELD_OUT("since", FIELD_STRING, .flags = FIELD_TIME, .doc = "First seen."),
	FIELD_OUT(
		"untrusted_actor", FIELD_STRING,
		.doc = "Who changed it last and when, as Cloudflare's audit log says; absent when "
		       "that is not known."),
	FIELD_OUT("policy", FIELD_STRING, .doc = "In force: report, repair or ignore."),
	FIELD_OUT("repair", FIELD_BOOL, .doc = "It will be put back unasked."),
	FIELD_OUT("why_not", FIELD_STRING, .doc = "Why it will not."),
	FIELDS_END,
};

const struct op *op_drift_list(void)
{
	static const struct field args[] = {
		LIST_FIELDS(struct drift_list_args),
		FIELD(struct drift_list_args, tunnel, .max = 100,
		      .doc = "Only this tunnel, its routes and their records."),
		FIELD(struct drift_list_args, zone, .max = 253,
		      .doc = "Only names in this zone, by name or id."),
		FIELD(struct drift_list_args, refresh,
		      .doc = "Look at Cloudflare first, and wait for it (30 s at most)."),
		FIELDS_END,
	};
	static const struct field result[] = { LIST_RESULT(drift_rows), FIELDS_END };
	static const struct op op = {
		.name = "drift_list",
		.title = "List what differs",
		.doc = "What somebody else changed at Cloudflare on objects that are adit's, field "
		       "by field, and whether it will be put back unasked. A deletion and what "
		       "would publish a name again or lift a protection never is; put it back "
		       "with plan_create and drift.",
		.role = ROLE_VIEWER,
		.effects = OP_READS,
		.doors = OP_DOOR_ALL,
		.tags = tags,
		.args = args,
		.args_size = sizeof(struct drift_list_args),
		.result = result,
	};
	return &op;
}
