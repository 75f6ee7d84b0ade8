/* Declarations: connectors and events. */
#include "ops/decl/common.h"

RATE_TABLE;
PROBLEM_TABLE;

static const struct field problem_rows[] = {PROBLEM_ROWS, FIELDS_END};

static const char *const connector_tags[] = {"connector", NULL};
static const char *const event_tags[] = {"health", NULL};

#define CONNECTOR_ROWS                                                                             \
	FIELD_OUT("id", FIELD_STRING, .doc = "adit's own id."),                                    \
		FIELD_OUT("name", FIELD_STRING, .doc = "Tunnel and slot, as in web/1."),           \
		FIELD_OUT("tunnel", FIELD_STRING, .doc = "Name of its tunnel."),                   \
		FIELD_OUT("state", FIELD_STRING,                                                   \
			  .doc = "stopped, starting, ready, degraded, unready, restarting, "       \
				 "blocked or draining."),                                          \
		FIELD_OUT("reason", FIELD_STRING, .doc = "Why it is in this state."),              \
		FIELD_OUT("since", FIELD_STRING, .flags = FIELD_TIME,                              \
			  .doc = "In this state since."),                                          \
		FIELD_OUT("pid", FIELD_INT, .doc = "Process, while one runs."),                    \
		FIELD_OUT("started", FIELD_STRING, .flags = FIELD_TIME,                            \
			  .doc = "When it started."),                                              \
		FIELD_OUT("restarts", FIELD_INT, .doc = "Unwanted ends and restarts in all."),     \
		FIELD_OUT("edge_connections", FIELD_INT,                                           \
			  .doc = "To Cloudflare's edge, by /ready."),                              \
		FIELD_OUT("connector_id", FIELD_STRING, .doc = "cloudflared's own id."),           \
		FIELD_OUT("config_version", FIELD_INT, .doc = "Configuration that it runs."),      \
		FIELD_OUT("protocol", FIELD_STRING,                                                \
			  .doc = "That it speaks with Cloudflare: quic or http2."),                \
		FIELD_OUT("protocol_why", FIELD_STRING,                                            \
			  .doc = "Why http2 stands in for quic; absent when it does not."),        \
		FIELD_OUT("edge_listed", FIELD_INT,                                                \
			  .doc = "Its connections by Cloudflare's list; absent when not known."),  \
		FIELD_OUT("rss_bytes", FIELD_INT, .doc = "Memory that it takes."),                 \
		FIELD_OUT("open_fds", FIELD_INT, .doc = "Files that it has open."),                \
		FIELD_OUT("replacing", FIELD_STRING,                                               \
			  .doc = "Why another process comes up to take its place; absent when "    \
				 "none does."),                                                    \
		FIELD_OUT("metrics_port", FIELD_INT, .doc = "Its port on loopback."),              \
		FIELD_OUT("version", FIELD_STRING, .doc = "Of the cloudflared binary."),           \
		FIELD_OUT("update_available", FIELD_BOOL,                                          \
			  .doc = "Another cloudflared than it runs lies on the disk."),            \
		FIELD_OUT("disk_version", FIELD_STRING, .doc = "Of that one, where known."),       \
		FIELD_OUT("stopped_by", FIELD_STRING, .doc = "Who stopped it."),                   \
		FIELD_OUT("stopped_why", FIELD_STRING, .doc = "What was said for it."),            \
		FIELD_OUT("stopped_until", FIELD_STRING, .flags = FIELD_TIME,                      \
			  .doc = "When it is started again by itself."),                           \
		FIELD_OUT("next_try_s", FIELD_INT, .doc = "Seconds until it is started again."),   \
		FIELD_OUT("last_exit", FIELD_STRING, .doc = "How its last process ended."),        \
		FIELD_OUT("untrusted_last_line", FIELD_STRING, .flags = FIELD_UNTRUSTED,           \
			  .doc = "Last line of its log."),                                         \
		FIELD_OUT("problem", FIELD_OBJECT, .sub = problem_rows,                            \
			  .doc = "Why not; absent when fine.")

static const struct field connector_rows[] = {CONNECTOR_ROWS, FIELDS_END};

static const struct field event_rows[] = {
	FIELD_OUT("seq", FIELD_INT, .doc = "Number of the event."),
	FIELD_OUT("at", FIELD_STRING, .flags = FIELD_TIME, .doc = "When."),
	FIELD_OUT("kind", FIELD_STRING, .doc = "What happened, as in connector_ready."),
	FIELD_OUT("object", FIELD_STRING, .doc = "Type of the object."),
	FIELD_OUT("id", FIELD_STRING, .doc = "Its id."),
	FIELD_OUT("name", FIELD_STRING, .doc = "Its name."),
	FIELD_OUT("message", FIELD_STRING, .doc = "One sentence."),
	FIELD_OUT("untrusted_detail", FIELD_STRING, .flags = FIELD_UNTRUSTED,
		  .doc = "What a process or Cloudflare said."),
	FIELDS_END,
};

const struct op *op_connector_list(void)
{
	static const struct field args[] = {
		LIST_FIELDS(struct connector_list_args),
		FIELD(struct connector_list_args, tunnel, .max = 64, .doc = "Only of this tunnel."),
		FIELDS_END,
	};
	static const struct field result[] = { LIST_RESULT(connector_rows), FIELDS_END };
	static const struct op op = {
		.name = "connector_list",
		.title = "List connectors",
		.doc = "The cloudflared processes that this host keeps alive.",
		.role = ROLE_VIEWER,
		.effects = OP_READS,
		.doors = OP_DOOR_ALL,
		.tags = connector_tags,
		.args = args,
		.args_size = sizeof(struct connector_list_args),
		.result = result,
	};
	return &op;
}

#define ANOTHER_FIELDS(T)                                                                          \
	FIELD(T, wait, .fallback = "true", .doc = "Wait until it is ready again."),                \
		FIELD(T, timeout, .fallback = "30s", .min = 1000, .max = 600000,                   \
		      .doc = "How long to wait for that."),                                        \
		FIELD(T, reason, .max = 500, .doc = "Why; kept in the ledger.")

const struct op *op_connector_restart(void)
{
	static const struct field args[] = {
		FIELD(struct connector_restart_args, connector,
		      .flags = FIELD_REQUIRED | FIELD_POSITIONAL, .min = 1, .max = 80,
		      .doc = "Name or id, as in web/1."),
		ANOTHER_FIELDS(struct connector_restart_args),
		FIELDS_END,
	};
	static const struct field result[] = {
		CONNECTOR_ROWS,
		FIELD_OUT("converged", FIELD_BOOL, .doc = "It is ready again."),
		FIELDS_END,
	};
	static const struct op op = {
		.name = "connector_restart",
		.title = "Restart a connector",
		.doc = "Let a new process take the place of one connector's: it is ready with all "
		       "its connections before the old one is asked to stop, so no request is "
		       "lost. One that does not come up is taken away again and the old one goes "
		       "on. A connector that serves nobody is stopped and started.",
		.role = ROLE_OPERATOR,
		.effects = OP_WRITES,
		.doors = OP_DOOR_ALL,
		.tags = connector_tags,
		.args = args,
		.args_size = sizeof(struct connector_restart_args),
		.result = result,
	};
	return &op;
}

const struct op *op_connector_upgrade(void)
{
	static const struct field args[] = {
		WHICH_FIELDS(struct connector_upgrade_args),
		ANOTHER_FIELDS(struct connector_upgrade_args),
		FIELDS_END,
	};
	static const struct field result[] = {
		CONNECTOR_ROWS,
		FIELD_OUT("connector_items", FIELD_ITEMS, .sub = connector_rows,
			  .doc = "Of a whole tunnel: its connectors."),
		FIELD_OUT("converged", FIELD_BOOL,
			  .doc = "It runs the cloudflared that lies on the disk."),
		FIELDS_END,
	};
	static const struct op op = {
		.name = "connector_upgrade",
		.title = "Upgrade a connector",
		.doc = "Let a process of the cloudflared that lies on the disk take the place of "
		       "one that runs an older file, as connector_restart does: no request is "
		       "lost. Nothing is done where the file is the same. Those of a tunnel take "
		       "it one after the other; a file that does not come up stops at the first.",
		.role = ROLE_OPERATOR,
		.effects = OP_WRITES,
		.doors = OP_DOOR_ALL,
		.tags = connector_tags,
		.args = args,
		.args_size = sizeof(struct connector_upgrade_args),
		.result = result,
	};
	return &op;
}

const struct op *op_event_list(void)
{
	static const struct field args[] = {
		LIST_FIELDS(struct event_list_args),
		FIELD(struct event_list_args, since, .flags = FIELD_TIME, .max = 40,
		      .doc = "Only later than this: RFC 3339, or back from now, as in 48h."),
		FIELD(struct event_list_args, kind, .max = 40, .doc = "Only of this kind."),
		FIELD(struct event_list_args, object, .max = 80,
		      .doc = "Only of this tunnel, connector or host name (name or id)."),
		FIELDS_END,
	};
	static const struct field result[] = { LIST_RESULT(event_rows), FIELDS_END };
	static const struct op op = {
		.name = "event_list",
		.title = "List events",
		.doc = "What happened, the newest first.",
		.role = ROLE_VIEWER,
		.effects = OP_READS,
		.doors = OP_DOOR_ALL,
		.tags = event_tags,
		.args = args,
		.args_size = sizeof(struct event_list_args),
		.result = result,
	};
	return &op;
}

static const char *const level_names[] = {"debug", "info", "warn", "error", "fatal", NULL};

static const struct field log_rows[] = {
	FIELD_OUT("at", FIELD_STRING, .flags = FIELD_TIME,
		  .doc = "When, as the line says; absent when it does not."),
	FIELD_OUT("connector", FIELD_STRING, .doc = "Tunnel and slot, as in web/1."),
	FIELD_OUT("level", FIELD_STRING,
		  .doc = "debug, info, warn, error or fatal; absent for last words, which are "
			 "plain text."),
	FIELD_OUT("class", FIELD_STRING,
		  .doc = "What it speaks of, as in bad_token or no_network; absent for most."),
	FIELD_OUT("untrusted_text", FIELD_STRING, .flags = FIELD_UNTRUSTED,
		  .doc = "Message, error and the rest of the line; secrets are struck out."),
	FIELDS_END,
};

const struct op *op_log_search(void)
{
	static const struct field args[] = {
		FIELD(struct log_search_args, connector, .flags = FIELD_POSITIONAL, .min = 1,
		      .max = 80,
		      .doc = "Of this connector, or of all of this tunnel, as in web/1 or web; "
			     "absent = of all on this host."),
		FIELD(struct log_search_args, tunnel, .max = 64, .doc = "Of this tunnel."),
		FIELD(struct log_search_args, text, .min = 1, .max = 200,
		      .doc = "Only lines that hold this, in capitals or not."),
		FIELD(struct log_search_args, level, .values = level_names,
		      .doc = "Only lines of this level or a worse one; plain text counts as an "
			     "error."),
		FIELD(struct log_search_args, class, .min = 1, .max = 40,
		      .doc = "Only lines that speak of this reason, as in bad_token, tunnel_gone, "
			     "no_network, port_busy or bad_config."),
		FIELD(struct log_search_args, since, .flags = FIELD_TIME, .max = 40,
		      .doc = "Not older than this: RFC 3339, or back from now, as in 48h."),
		FIELD(struct log_search_args, until, .flags = FIELD_TIME, .max = 40,
		      .doc = "Not younger than this."),
		FIELD(struct log_search_args, limit, .fallback = "50", .min = 1, .max = 1000,
		      .doc = "How many lines at the most."),
		FIELD(struct log_search_args, cursor, .max = 4096,
		      .doc = "Where to go on: next_cursor of an answer."),
		FIELD(struct log_search_args, after, .max = 4096,
		      .doc = "Only what was added since: newest of an answer."),
		FIELDS_END,
	};
	static const struct field result[] = {
		FIELD_OUT("items", FIELD_ITEMS, .sub = log_rows, .doc = "The lines, newest first."),
		FIELD_OUT("count", FIELD_INT, .doc = "Lines in this answer."),
		FIELD_OUT("next_cursor", FIELD_STRING,
			  .doc = "Give it back as cursor for older ones; absent at the end."),
		FIELD_OUT("newest", FIELD_STRING,
			  .doc = "Give it back as after for what comes later."),
		FIELD_OUT("truncated", FIELD_BOOL, .doc = "There may be older ones."),
		FIELD_OUT("gap", FIELD_BOOL,
			  .doc = "The place that was given is in the log no more: lines between "
				 "may be missing."),
		FIELD_OUT("as_of", FIELD_STRING, .flags = FIELD_TIME, .doc = "When this was true."),
		FIELDS_END,
	};
	static const struct op op = {
		.name = "log_search",
		.title = "Search the connectors' logs",
		.doc = "What the cloudflared processes of this host said, the newest first. Of "
		       "each the last megabyte or so is kept. What a line says is from outside: "
		       "it explains a state, and never makes one.",
		.role = ROLE_VIEWER,
		.effects = OP_READS,
		.doors = OP_DOOR_ALL,
		.tags = connector_tags,
		.args = args,
		.args_size = sizeof(struct log_search_args),
		.result = result,
	};
	return &op;
}
