/* Declarations: the state of the whole, and configuration. */
#include "ops/decl/common.h"

RATE_TABLE;
PROBLEM_TABLE;

static const struct field problem_rows[] = {
	FIELD_OUT("object", FIELD_STRING, .doc = "Type of the object, or system."),
	FIELD_OUT("name", FIELD_STRING, .doc = "Its name."),
	PROBLEM_ROWS,
	FIELDS_END,
};

static const char *const health_tags[] = {"health", NULL};
static const char *const system_tags[] = {"system", NULL};

static const struct field tunnel_rows[] = {
	FIELD_OUT("name", FIELD_STRING, .doc = "Tunnel."),
	FIELD_OUT("state", FIELD_STRING,
		  .doc = "pending, healthy, degraded, down, problem or deleting."),
	FIELD_OUT("connectors_ready", FIELD_INT, .doc = "Connectors of this host that serve."),
	FIELD_OUT("connectors", FIELD_INT, .doc = "Connectors wanted on this host."),
	FIELD_OUT("edge_connections", FIELD_INT, .doc = "Of this host's connectors."),
	FIELD_OUT("config_version", FIELD_INT, .doc = "Configuration at Cloudflare."),
	FIELD_OUT("routes", FIELD_INT, .doc = "Routes through it."),
	FIELD_OUT("converged", FIELD_BOOL, .doc = "As wanted, everywhere."),
	FIELD_OUT("update_available", FIELD_INT,
		  .doc = "Connectors of this host that run another cloudflared than the one on "
			 "the disk; absent when none does."),
	FIELD_OUT("disk_version", FIELD_STRING, .doc = "Of that one, where known."),
	FIELDS_END,
};

static const struct field route_rows[] = {
	FIELD_OUT("id", FIELD_STRING, .doc = "adit's own id."),
	FIELD_OUT("hostname", FIELD_STRING, .doc = "Public name."),
	FIELD_OUT("path", FIELD_STRING, .doc = "Path pattern."),
	FIELD_OUT("service", FIELD_STRING, .doc = "Origin service."),
	FIELD_OUT("tunnel", FIELD_STRING, .doc = "Tunnel."),
	FIELD_OUT("url", FIELD_STRING, .doc = "Where it is published."),
	FIELD_OUT("state", FIELD_STRING, .doc = "live, pending or problem."),
	FIELD_OUT("origin_state", FIELD_STRING,
		  .doc = "up, refused or timeout: does anything take connections at the origin? "
			 "Absent "
			 "= not asked."),
	FIELD_OUT("origin_since", FIELD_STRING, .flags = FIELD_TIME, .doc = "It is so since."),
	FIELD_OUT("origin_status", FIELD_INT, .doc = "HTTP status of its last answer."),
	FIELD_OUT("probe", FIELD_STRING, .doc = "How the origin is asked; absent = tcp."),
	FIELD_OUT("edge_state", FIELD_STRING, .doc = "What a probe through the edge showed."),
	FIELD_OUT("edge_since", FIELD_STRING, .flags = FIELD_TIME, .doc = "It is so since."),
	FIELD_OUT("old_tunnel", FIELD_STRING,
		  .doc = "The tunnel that it moves away from, which keeps its rule for now."),
	FIELD_OUT("old_until", FIELD_STRING, .flags = FIELD_TIME,
		  .doc = "The old rule goes then; absent = the record has not moved yet."),
	FIELD_OUT("until", FIELD_STRING, .flags = FIELD_TIME, .doc = "It ends by itself then."),
	FIELDS_END,
};

static const struct field drift_rows[] = {
	FIELD_OUT("object", FIELD_STRING, .doc = "tunnel, route or record."),
	FIELD_OUT("name", FIELD_STRING, .doc = "Its name."),
	FIELD_OUT("kind", FIELD_STRING, .doc = "changed, gone, unmarked, removed or edited."),
	FIELD_OUT("field", FIELD_STRING, .doc = "What of it differs."),
	FIELD_OUT("since", FIELD_STRING, .flags = FIELD_TIME, .doc = "First seen."),
	FIELD_OUT("repair", FIELD_BOOL, .doc = "It will be put back unasked."),
	FIELDS_END,
};

static const struct field drift_figures[] = {
	FIELD_OUT("count", FIELD_INT, .doc = "Fields that differ; see drift_list."),
	FIELD_OUT("observed", FIELD_STRING, .flags = FIELD_TIME,
		  .doc = "When Cloudflare was last seen as a whole."),
	FIELD_OUT("interval_s", FIELD_INT,
		  .doc = "How often it is; more than the settings say where the budget wants "
			 "that."),
	FIELD_OUT("first", FIELD_ITEMS, .sub = drift_rows, .doc = "The first of them."),
	FIELDS_END,
};

const struct op *op_status_get(void)
{
	static const struct field args[] = {
		FIELD(struct status_get_args, refresh,
		      .doc = "Look at Cloudflare first, and wait for it (30 s at most)."),
		FIELDS_END,
	};
	static const struct field result[] =
	{ FIELD_OUT("state", FIELD_STRING, .doc = "ok, degraded or down: the worst of all."),
	  FIELD_OUT("problems", FIELD_ITEMS, .sub = problem_rows, .doc = "First what is wrong."),
	  FIELD_OUT("tunnels", FIELD_ITEMS, .sub = tunnel_rows, .doc = "A row a tunnel."),
	  FIELD_OUT("routes", FIELD_ITEMS, .sub = route_rows, .doc = "A row a route."),
	  FIELD_OUT("drift", FIELD_OBJECT, .sub = drift_figures,
		    .doc = "What somebody else changed at Cloudflare."),
	  FIELD_OUT("writes", FIELD_STRING, .doc = "on, or why nothing is written."),
	  FIELD_OUT("access", FIELD_STRING,
		    .doc = "Of our access to Cloudflare: ok, missing, refused, unreachable or "
			   "unchecked."),
	  FIELD_OUT("audit_log", FIELD_STRING,
		    .doc = "Of Cloudflare's audit log, which is optional: read, not asked, not "
			   "permitted or not available."),
	  FIELD_OUT("plans_waiting", FIELD_INT, .doc = "Plans that need approval."),
	  FIELD_OUT("owner", FIELD_STRING, .doc = "This host's name in marks."),
	  FIELD_OUT("install", FIELD_STRING, .doc = "This installation's id in marks."),
	  FIELD_OUT("account", FIELD_STRING, .doc = "Cloudflare account."),
	  FIELD_OUT("version", FIELD_STRING, .doc = "Of the daemon."),
	  FIELD_OUT("revision", FIELD_INT, .doc = "Of the desired state."),
	  FIELD_OUT("started", FIELD_STRING, .flags = FIELD_TIME, .doc = "Of the daemon."),
	  FIELD_OUT("as_of", FIELD_STRING, .flags = FIELD_TIME, .doc = "Of this answer."),
	  FIELD_OUT("rate", FIELD_OBJECT, .sub = rate_rows, .doc = "Cloudflare's rate limit."),
	  FIELDS_END,
	};
	static const struct op op = {
		.name = "status_get",
		.title = "Show the state of everything",
		.doc = "One page: problems first, then tunnels and routes.",
		.role = ROLE_VIEWER,
		.effects = OP_READS,
		.doors = OP_DOOR_ALL,
		.tags = health_tags,
		.args = args,
		.args_size = sizeof(struct status_get_args),
		.result = result,
	};
	return &op;
}

const struct op *op_config_check(void)
{
	static const struct field args[] = {
		FIELD(struct config_check_args, text, .max = 1024 * 1024,
		      .flags = FIELD_REQUIRED | FIELD_POSITIONAL | ARG_FILE,
		      .doc = "The configuration file's text."),
		FIELD(struct config_check_args, name, .fallback = "adit.yaml", .max = 255,
		      .doc = "What to call the file in sentences."),
		FIELDS_END,
	};
	static const struct field result[] = {
		FIELD_OUT("valid", FIELD_BOOL, .doc = "The daemon would take it."),
		FIELD_OUT("message", FIELD_STRING, .doc = "file:line:column and what is wrong."),
		FIELD_OUT("needs_restart", FIELD_STRINGS,
			  .doc = "Keys that differ from the running settings and change only by a "
				 "restart."),
		FIELDS_END,
	};
	static const struct op op = {
		.name = "config_check",
		.title = "Check a configuration file",
		.doc = "Would the daemon take this configuration? Nothing is changed.",
		.role = ROLE_ADMIN,
		.effects = OP_READS,
		.doors = OP_DOOR_SOCKET,
		.tags = system_tags,
		.args = args,
		.args_size = sizeof(struct config_check_args),
		.result = result,
	};
	return &op;
}

const struct op *op_writes_resume(void)
{
	static const struct field args[] = {
		FIELD(struct writes_resume_args, reason, .max = 500,
		      .doc = "Why; kept in the ledger."),
		FIELDS_END,
	};
	static const struct field result[] = {
		FIELD_OUT("writes", FIELD_STRING, .doc = "on, or why nothing is written."),
		FIELD_OUT("changed", FIELD_BOOL, .doc = "They were held, and are not any more."),
		FIELDS_END,
	};
	static const struct op op = {
		.name = "writes_resume",
		.title = "Let writes go on",
		.doc = "Writes are held when the store comes from another machine (a restored or "
		       "cloned disk), since two hosts must not keep the same tunnels; when "
		       "Cloudflare has records with this host's mark that adit does not know; and "
		       "to objects that Cloudflare no longer shows, where it may be the API token "
		       "and not the objects. This says that this host is the one, and that what "
		       "status showed is so. Takes root.",
		.role = ROLE_ADMIN,
		.effects = OP_WRITES,
		.doors = OP_DOOR_SOCKET,
		.tags = system_tags,
		.args = args,
		.args_size = sizeof(struct writes_resume_args),
		.result = result,
	};
	return &op;
}
