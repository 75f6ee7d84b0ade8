/* Declarations: tunnels. */
#include "ops/decl/common.h"

WRITE_RESULT_TABLES;

static const char *const tags[] = {"tunnel", NULL};

static const struct field connectors_rows[] = {
	FIELD_OUT("ready", FIELD_INT, .doc = "Connectors of this host that serve."),
	FIELD_OUT("total", FIELD_INT, .doc = "Connectors that this host shall run."),
	FIELDS_END,
};

static const struct field remote_rows[] = {
	FIELD_OUT("status", FIELD_STRING,
		  .doc = "What Cloudflare says: inactive, degraded, healthy or down."),
	FIELD_OUT("connections", FIELD_INT, .doc = "Edge connections of all connectors."),
	FIELD_OUT("seen", FIELD_STRING, .flags = FIELD_TIME,
		  .doc = "When Cloudflare last showed it."),
	FIELDS_END,
};

#define TUNNEL_ROWS                                                                                \
	FIELD_OUT("id", FIELD_STRING, .doc = "adit's own id."),                                    \
		FIELD_OUT("name", FIELD_STRING, .doc = "Name, unique in the account."),            \
		FIELD_OUT("remote_id", FIELD_STRING,                                               \
			  .doc = "Cloudflare's id; absent until made."),                           \
		FIELD_OUT("want", FIELD_STRING, .doc = "present, absent or released."),            \
		FIELD_OUT("state", FIELD_STRING,                                                   \
			  .doc = "pending, healthy, degraded, down, problem, deleting or "         \
				 "releasing."),                                                    \
		FIELD_OUT(                                                                         \
			"joined", FIELD_BOOL,                                                      \
			.doc = "Another host owns it, this one runs replicas; absent when not."),  \
		FIELD_OUT("rotating", FIELD_BOOL,                                                  \
			  .doc = "Its new secret is on its way to Cloudflare; absent when none "   \
				 "is."),                                                           \
		FIELD_OUT("configured", FIELD_STRING,                                              \
			  .doc = "remote (at Cloudflare) or local (by a file, which adit leaves "  \
				 "alone)."),                                                       \
		FIELD_OUT("replicas", FIELD_INT, .doc = "Connectors wanted on this host."),        \
		FIELD_OUT("routes", FIELD_INT, .doc = "Routes through it."),                       \
		FIELD_OUT("connectors", FIELD_OBJECT, .sub = connectors_rows,                      \
			  .doc = "On this host."),                                                 \
		FIELD_OUT("config_version", FIELD_INT,                                             \
			  .doc = "Of the configuration we put last."),                             \
		FIELD_OUT("generation", FIELD_INT, .doc = "Of what is wanted."),                   \
		FIELD_OUT("applied_generation", FIELD_INT,                                         \
			  .doc = "Of what Cloudflare confirmed."),                                 \
		FIELD_OUT("remote", FIELD_OBJECT, .sub = remote_rows,                              \
			  .doc = "What Cloudflare shows."),                                        \
		FIELD_OUT("converged", FIELD_BOOL, .doc = "As wanted, everywhere."),               \
		FIELD_OUT("problem", FIELD_OBJECT, .sub = problem_rows,                            \
			  .doc = "Why not; absent when fine.")

static const struct field tunnel_rows[] = {TUNNEL_ROWS, FIELDS_END};

static const struct field route_rows[] = {
	FIELD_OUT("hostname", FIELD_STRING, .doc = "Public name."),
	FIELD_OUT("path", FIELD_STRING, .doc = "Path pattern; absent = all paths."),
	FIELD_OUT("service", FIELD_STRING, .doc = "Origin service."),
	FIELD_OUT("state", FIELD_STRING, .doc = "live, pending or problem."),
	FIELDS_END,
};

static const struct field connector_rows[] = {
	FIELD_OUT("name", FIELD_STRING, .doc = "Tunnel and slot."),
	FIELD_OUT("state", FIELD_STRING, .doc = "State of the connector."),
	FIELD_OUT("edge_connections", FIELD_INT, .doc = "To Cloudflare's edge."),
	FIELDS_END,
};

const struct op *op_tunnel_list(void)
{
	static const struct field args[] = {
		LIST_FIELDS(struct tunnel_list_args),
		FIELD(struct tunnel_list_args, name, .max = 64,
		      .doc = "Only tunnels whose name contains this."),
		FIELDS_END,
	};
	static const struct field result[] = { LIST_RESULT(tunnel_rows), FIELDS_END };
	static const struct op op = {
		.name = "tunnel_list",
		.title = "List tunnels",
		.doc = "The tunnels that adit keeps, with their state here and at Cloudflare.",
		.role = ROLE_VIEWER,
		.effects = OP_READS,
		.doors = OP_DOOR_ALL,
		.tags = tags,
		.args = args,
		.args_size = sizeof(struct tunnel_list_args),
		.result = result,
	};
	return &op;
}

const struct op *op_tunnel_get(void)
{
	static const struct field args[] = {
		FIELD(struct tunnel_get_args, tunnel, .flags = FIELD_REQUIRED | FIELD_POSITIONAL,
		      .min = 1, .max = 64, .doc = "Name or id."),
		FIELDS_END,
	};
	static const struct field result[] = {
		TUNNEL_ROWS,
		FIELD_OUT("route_items", FIELD_ITEMS, .sub = route_rows,
			  .doc = "Its routes in match order."),
		FIELD_OUT("connector_items", FIELD_ITEMS, .sub = connector_rows,
			  .doc = "Its connectors on this host."),
		FIELDS_END,
	};
	static const struct op op = {
		.name = "tunnel_get",
		.title = "Show a tunnel",
		.doc = "One tunnel with its routes in match order and its connectors on this host.",
		.role = ROLE_VIEWER,
		.effects = OP_READS,
		.doors = OP_DOOR_ALL,
		.tags = tags,
		.args = args,
		.args_size = sizeof(struct tunnel_get_args),
		.result = result,
	};
	return &op;
}

const struct op *op_tunnel_create(void)
{
	static const struct field args[] = {
		FIELD(struct tunnel_create_args, name, .flags = FIELD_REQUIRED | FIELD_POSITIONAL,
		      .min = 1, .max = 64, .check = tunnel_name_check,
		      .doc = "Name, unique in the account."),
		FIELD(struct tunnel_create_args, replicas, .fallback = "-1", .flags = ARG_UNSAID,
		      .min = 0, .max = 25,
		      .doc = "Connectors that this host runs for it; 0 = none here. Unless said: 1 "
			     "for a new tunnel, as it is for one that is there."),
		WRITE_FIELDS(struct tunnel_create_args),
		FIELDS_END,
	};
	static const struct op op = {
		.name = "tunnel_create",
		.title = "Create a tunnel",
		.doc = "Declare a tunnel and run its connectors on this host. The same call again "
		       "changes nothing. A tunnel of that name that is not adit's is refused: see "
		       "tunnel_adopt.",
		.role = ROLE_OPERATOR,
		.effects = OP_WRITES,
		.doors = OP_DOOR_ALL,
		.tags = tags,
		.args = args,
		.args_size = sizeof(struct tunnel_create_args),
		.result = write_result,
	};
	return &op;
}

const struct op *op_tunnel_update(void)
{
	static const char *const policies[] = {DRIFT_WORDS, "default", NULL};
	static const struct field args[] = {
		FIELD(struct tunnel_update_args, tunnel, .flags = FIELD_REQUIRED | FIELD_POSITIONAL,
		      .min = 1, .max = 64, .doc = "Name or id."),
		FIELD(struct tunnel_update_args, name, .min = 1, .max = 64,
		      .check = tunnel_name_check, .doc = "New name, at Cloudflare too."),
		FIELD(struct tunnel_update_args, replicas, .fallback = "-1", .min = -1, .max = 25,
		      .doc = "Connectors that this host runs for it; -1 = as many as now."),
		FIELD(struct tunnel_update_args, drift, .values = policies,
		      .doc = "What to do when somebody changes it at Cloudflare; default = as the "
			     "settings say."),
		WRITE_FIELDS(struct tunnel_update_args),
		FIELDS_END,
	};
	static const struct op op = {
		.name = "tunnel_update",
		.title = "Change a tunnel",
		.doc = "Rename a tunnel, or change how many connectors this host runs for it, or "
		       "what is done about drift. Routes and records follow its new name by "
		       "themselves.",
		.role = ROLE_OPERATOR,
		.effects = OP_WRITES,
		.doors = OP_DOOR_ALL,
		.tags = tags,
		.args = args,
		.args_size = sizeof(struct tunnel_update_args),
		.result = write_result,
	};
	return &op;
}

static int pattern_check_name(const char *value, struct err *e)
{
	AUTO(str_t) name = NULL;

	if (str_equal(value, "all") || str_equal(value, "none") || str_equal(value, "*"))
		return 0;
	return hostname_normalise(value, &name, e);
}

const struct op *op_tunnel_adopt(void)
{
	static const struct field args[] =
	{ FIELD(struct tunnel_adopt_args, tunnel, .flags = FIELD_REQUIRED | FIELD_POSITIONAL,
		.min = 1, .max = 128, .doc = "Name or id at Cloudflare."),
	  FIELD(struct tunnel_adopt_args, routes, .fallback = "all", .max = 256,
		.check = pattern_check_name,
		.doc = "Host names whose rules become routes: names, *.example.com, all, or "
		       "none (an empty list)."),
	  FIELD(struct tunnel_adopt_args, records, .fallback = "true",
		.doc = "Adopt the DNS records of these names that lead to it too: adit's mark "
		       "is put before their comment."),
	  FIELD(struct tunnel_adopt_args, replicas, .fallback = "-1", .min = -1, .max = 25,
		.doc = "Connectors that this host runs for it; -1 = as many as now, which is "
		       "none for a new one."),
	  FIELD(struct tunnel_adopt_args, convert,
		.doc = "Take a tunnel that is configured by a file (config.yml): the first "
		       "route here configures it at Cloudflare, for good, and the file is "
		       "ignored from then on."),
	  FIELD(struct tunnel_adopt_args, take_over, .min = 1, .max = 90,
		.doc = "Owner of another adit that is dead, as edge2 or edge2/0a1b2c3d, whose "
		       "marks are replaced by this one's."),
	  WRITE_FIELDS(struct tunnel_adopt_args),
	  FIELDS_END,
	};
	static const struct op op = {
		.name = "tunnel_adopt",
		.title = "Take over a tunnel",
		.doc = "Take over a tunnel that exists at Cloudflare, with rules of its "
		       "configuration as routes and with their DNS records. Nothing there changes "
		       "but the comments of these records. What is left alone is told with the "
		       "reason. Asked again, it takes what was added since or lost its mark. Needs "
		       "approval.",
		.role = ROLE_OPERATOR,
		.effects = OP_WRITES,
		.doors = OP_DOOR_ALL,
		.tags = tags,
		.args = args,
		.args_size = sizeof(struct tunnel_adopt_args),
		.result = write_result,
	};
	return &op;
}

const struct op *op_tunnel_join(void)
{
	static const struct field args[] = {
		FIELD(struct tunnel_join_args, tunnel, .flags = FIELD_REQUIRED | FIELD_POSITIONAL,
		      .min = 1, .max = 128, .doc = "Name or id at Cloudflare."),
		FIELD(struct tunnel_join_args, replicas, .fallback = "1", .min = 0, .max = 25,
		      .doc = "Connectors that this host runs for it."),
		WRITE_FIELDS(struct tunnel_join_args),
		FIELDS_END,
	};
	static const struct op op = {
		.name = "tunnel_join",
		.title = "Run replicas of a tunnel",
		.doc = "Run connectors of a tunnel that another host owns. Neither its "
		       "configuration nor its DNS records are ever written from here, and it is "
		       "never deleted from here: tunnel_release stops the connectors and forgets "
		       "it.",
		.role = ROLE_OPERATOR,
		.effects = OP_WRITES,
		.doors = OP_DOOR_ALL,
		.tags = tags,
		.args = args,
		.args_size = sizeof(struct tunnel_join_args),
		.result = write_result,
	};
	return &op;
}

const struct op *op_tunnel_release(void)
{
	static const struct field args[] = {
		FIELD(struct tunnel_release_args, tunnel,
		      .flags = FIELD_REQUIRED | FIELD_POSITIONAL, .min = 1, .max = 64,
		      .doc = "Name or id."),
		FIELD(struct tunnel_release_args, routes, .fallback = "all", .min = 1, .max = 256,
		      .check = pattern_check_name,
		      .doc = "Host names whose routes and records are given back: names, "
			     "*.example.com, or all, which gives back the tunnel too."),
		WRITE_FIELDS(struct tunnel_release_args),
		FIELDS_END,
	};
	static const struct op op = {
		.name = "tunnel_release",
		.title = "Give a tunnel back",
		.doc = "Stop owning a tunnel, or some of its routes: adit's mark is taken off the "
		       "comments of the DNS records, the connectors of this host stop, and adit "
		       "forgets them. Nothing is deleted at Cloudflare: rules and records stay as "
		       "they stand. Needs approval.",
		.role = ROLE_OPERATOR,
		.effects = OP_WRITES,
		.doors = OP_DOOR_ALL,
		.tags = tags,
		.args = args,
		.args_size = sizeof(struct tunnel_release_args),
		.result = write_result,
	};
	return &op;
}

const struct op *op_tunnel_rotate(void)
{
	static const struct field args[] = {
		FIELD(struct tunnel_rotate_args, tunnel, .flags = FIELD_REQUIRED | FIELD_POSITIONAL,
		      .min = 1, .max = 64, .doc = "Name or id."),
		WRITE_FIELDS(struct tunnel_rotate_args),
		FIELDS_END,
	};
	static const struct op op = {
		.name = "tunnel_rotate",
		.title = "Rotate a tunnel's secret",
		.doc = "Give a tunnel another secret, which nobody is shown. The connectors of "
		       "this host are replaced one after the other, without a request lost; the "
		       "old secret makes no new connections from then on, and there is no way "
		       "back to it. Each call rotates once more: if_revision guards against "
		       "twice. Needs approval when connectors of other hosts use the tunnel, "
		       "which are named, or when Cloudflare does not say who does.",
		.role = ROLE_OPERATOR,
		.effects = OP_WRITES,
		.doors = OP_DOOR_ALL,
		.tags = tags,
		.args = args,
		.args_size = sizeof(struct tunnel_rotate_args),
		.result = write_result,
	};
	return &op;
}

const struct op *op_tunnel_delete(void)
{
	static const struct field args[] = {
		FIELD(struct tunnel_delete_args, tunnel, .flags = FIELD_REQUIRED | FIELD_POSITIONAL,
		      .min = 1, .max = 64, .doc = "Name or id."),
		FIELD(struct tunnel_delete_args, cascade, .fallback = "true",
		      .doc = "Delete its routes and their DNS records too; false refuses a tunnel "
			     "that has routes."),
		WRITE_FIELDS(struct tunnel_delete_args),
		FIELDS_END,
	};
	static const struct op op = {
		.name = "tunnel_delete",
		.title = "Delete a tunnel",
		.doc = "Delete a tunnel at Cloudflare: first its DNS records, then its connectors "
		       "are "
		       "stopped, then the tunnel itself. Always needs approval.",
		.role = ROLE_OPERATOR,
		.effects = OP_DESTROYS,
		.doors = OP_DOOR_ALL,
		.tags = tags,
		.args = args,
		.args_size = sizeof(struct tunnel_delete_args),
		.result = write_result,
	};
	return &op;
}
