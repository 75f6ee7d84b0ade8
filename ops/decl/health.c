/* Declarations: why a host name is healthy or not. */
#include "ops/decl/common.h"

RATE_TABLE;

static const char *const tags[] = {"health", NULL};

static const struct field rung_rows[] = {
	FIELD_OUT(
		"rung", FIELD_STRING,
		.doc = "record, proxied, edge, tunnel, connector, configuration, rule or origin."),
	FIELD_OUT("state", FIELD_STRING, .doc = "ok, broken, unknown or not_checked."),
	FIELD_OUT("weak", FIELD_BOOL, .doc = "It holds, but not as it should."),
	FIELD_OUT("evidence", FIELD_STRING, .doc = "What that is known from."),
	FIELD_OUT("cure", FIELD_STRING, .doc = "What to do, in words."),
	FIELD_OUT("command", FIELD_STRING, .doc = "The command that does it."),
	FIELD_OUT("untrusted_detail", FIELD_STRING, .flags = FIELD_UNTRUSTED,
		  .doc = "What stands at Cloudflare instead."),
	FIELDS_END,
};

const struct op *op_health_get(void)
{
	static const struct field args[] =
	{ FIELD(struct health_get_args, host, .flags = FIELD_REQUIRED | FIELD_POSITIONAL, .min = 3,
		.max = 2048, .doc = "Public name, as in app.example.com, or a URL with a path."),
	  FIELD(struct health_get_args, timeout, .fallback = "10s", .min = 500, .max = 60000,
		.doc = "How long to wait for Cloudflare and the origin; what did not answer by "
		       "then is unknown."),
	  FIELDS_END,
	};
	static const struct field result[] =
	{ FIELD_OUT("host", FIELD_STRING, .doc = "Host name."),
	  FIELD_OUT("path", FIELD_STRING, .doc = "Path that was asked about."),
	  FIELD_OUT("state", FIELD_STRING, .doc = "ok, degraded or down."),
	  FIELD_OUT("tunnel", FIELD_STRING, .doc = "Tunnel that it goes through."),
	  FIELD_OUT("service", FIELD_STRING, .doc = "Where its route leads."),
	  FIELD_OUT("broken", FIELD_STRING, .doc = "The first broken rung; absent when none is."),
	  FIELD_OUT("evidence", FIELD_STRING, .doc = "What is wrong with it."),
	  FIELD_OUT("cure", FIELD_STRING, .doc = "What to do, in words."),
	  FIELD_OUT("command", FIELD_STRING, .doc = "The command that does it."),
	  FIELD_OUT("rungs", FIELD_ITEMS, .sub = rung_rows,
		    .doc = "From the name to the origin; each stands on those before it."),
	  FIELD_OUT("unasked", FIELD_STRING,
		    .doc = "Why Cloudflare's word is not of now; absent when it is."),
	  FIELD_OUT("as_of", FIELD_STRING, .flags = FIELD_TIME, .doc = "Of this answer."),
	  FIELD_OUT("rate", FIELD_OBJECT, .sub = rate_rows, .doc = "Cloudflare's rate limit."),
	  FIELDS_END,
	};
	static const struct op op = {
		.name = "health_get",
		.title = "Tell why a host name is healthy or not",
		.doc = "The truth ladder of a published name: DNS record, proxied, edge, the "
		       "tunnel's "
		       "connections by Cloudflare's own account, our connector, the configuration "
		       "that it runs, the rule that takes the request, the origin. Record, "
		       "connections and configuration are asked for now. Names the first broken "
		       "rung "
		       "with its evidence and the command that mends it; what stands above a "
		       "broken "
		       "rung is unknown.",
		.role = ROLE_VIEWER,
		.effects = OP_READS,
		.doors = OP_DOOR_ALL,
		.tags = tags,
		.args = args,
		.args_size = sizeof(struct health_get_args),
		.result = result,
	};
	return &op;
}
