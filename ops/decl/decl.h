/*
 * Operations, declared once: a constant table per operation says name, words, arguments, result,
 * effects, role and doors. The socket API, adit's subcommands and help, MCP tools, the role matrix
 * and docs/OPERATIONS.md derive from it. On base alone, so that the client links it too.
 */
#ifndef OPS_DECL_DECL_H
#define OPS_DECL_DECL_H

#include "base/fields.h"

/* viewer < auditor, viewer < operator < admin; auditor's extra rights are not the operator's. */
enum role { ROLE_NONE, ROLE_VIEWER, ROLE_AUDITOR, ROLE_OPERATOR, ROLE_ADMIN, ROLES };
const char *role_name(enum role r);
int role_by_name(const char *name); /* -1 when unknown */
/* Does a caller of this role hold what the operation asks for? */
bool role_holds(enum role has, enum role needs);

enum op_effects { OP_READS, OP_WRITES, OP_DESTROYS };

enum op_doors {
	OP_DOOR_SOCKET = 1, /* /v1 on the Unix socket */
	OP_DOOR_MCP = 2,
	OP_DOOR_ALL = 3
};

/* What a call does to objects: a grant holds some of these. */
enum op_method {
	GRANT_LIST = 1,
	GRANT_GET = 2,
	GRANT_CREATE = 4,
	GRANT_UPDATE = 8,
	GRANT_DELETE = 16,
	GRANT_READS = 3,
	GRANT_WRITES = 28,
	GRANT_ALL = 31
};

/* Flags of arguments beyond those of base/fields.h. */
enum op_arg_flags {
	ARG_SOCKET_ONLY = 256, /* exists on /v1 alone */
	ARG_FILE = 512,        /* adit takes a file name (or -) and sends the bytes */
	ARG_FILE_NAME = 2048,  /* the name of that file, which adit sends along by itself */
	ARG_UNSAID = 1024      /* its default is out of bounds, and means that it was not said */
};

struct op {
	const char *name;  /* noun_verb */
	const char *title; /* "Create a tunnel" */
	const char *doc;   /* what it does and what to know, one to four sentences */
	enum role role;
	enum op_effects effects;
	bool revokes; /* it only takes away: it works even when nothing can be written */
	unsigned doors;
	const char *const *tags; /* NULL-terminated */
	const struct field *args;
	size_t args_size;
	const struct field *result;
};

#define OP(id) const struct op *op_##id(void);
#include "ops/decl/ops.def"
#undef OP

/* GET /v1/watch: declared as the operations are, and none of them, since it is never done. */
const struct op *op_watch(void);

/* All of them, in the order of ops.def; NULL past the last. */
const struct op *op_at(size_t i);
const struct op *op_find(const char *name);
/* Is what it changes a plan first? */
bool op_makes_plan(const struct op *op);
/* Names for "did you mean": NULL-terminated. */
const char *const *op_names(void);

/* GRANT_*, of which a grant has to hold one at least; what a plan really does is judged when there
 * is one. */
unsigned op_methods(const struct op *op);
/* "list", "get", ...: NULL-terminated, in the order of the bits. */
const char *const *op_method_names(void);
bool op_has_tag(const struct op *op, const char *tag);
/* Is there an operation of that tag? */
bool op_tag_known(const char *tag);

/* ---- argument structs, shared by the tables and the handlers ---- */

/* Every write takes these. */
#define WRITE_ARGS                                                                                 \
	bool dry_run, wait, approve;                                                               \
	struct duration timeout;                                                                   \
	char *reason, *hash;                                                                       \
	int64_t if_revision, deletes

/* The same seen without the operation's own arguments. */
struct write_args {
	WRITE_ARGS;
};

/* Every list takes these. */
#define LIST_ARGS                                                                                  \
	int64_t limit;                                                                             \
	char *cursor;                                                                              \
	struct strlist fields
struct list_args {
	LIST_ARGS;
};

struct none_args {
	bool unused;
};

struct watch_args {
	char *since, *view;
};
struct tunnel_list_args {
	LIST_ARGS;
	char *name;
};
struct tunnel_get_args {
	char *tunnel;
};
struct tunnel_create_args {
	WRITE_ARGS;
	char *name;
	int64_t replicas; /* -1 = not said */
};
struct tunnel_update_args {
	WRITE_ARGS;
	char *tunnel, *name, *drift;
	int64_t replicas; /* -1 = as it is */
};
struct tunnel_adopt_args {
	WRITE_ARGS;
	char *tunnel, *take_over;
	struct strlist routes;
	bool records, convert;
	int64_t replicas; /* -1 = as it is */
};
struct tunnel_join_args {
	WRITE_ARGS;
	char *tunnel;
	int64_t replicas;
};
struct tunnel_rotate_args {
	WRITE_ARGS;
	char *tunnel;
};
struct tunnel_release_args {
	WRITE_ARGS;
	char *tunnel;
	struct strlist routes;
};
struct tunnel_delete_args {
	WRITE_ARGS;
	char *tunnel;
	bool cascade;
};
struct route_list_args {
	LIST_ARGS;
	char *tunnel, *hostname;
};
struct route_set_args {
	WRITE_ARGS;
	char *hostname, *service, *path, *tunnel, *drift, *probe;
	struct raw_json origin;
	struct strlist overwrite;
};
struct route_delete_args {
	WRITE_ARGS;
	char *hostname, *path;
	bool keep_dns;
};
struct route_probe_args {
	WRITE_ARGS;
	char *hostname;
	struct duration for_time;
	bool always, end;
};
struct route_test_args {
	char *url, *tunnel;
	bool refresh;
};
struct dns_list_args {
	LIST_ARGS;
	char *zone, *name, *type;
	bool owned;
};
struct dns_set_args {
	WRITE_ARGS;
	char *name, *type, *content, *zone, *comment, *drift;
	bool proxied;
	int64_t ttl, priority;
	struct strlist overwrite;
};
struct dns_delete_args {
	WRITE_ARGS;
	char *name, *type, *zone;
	bool release;
};
struct dns_usage_args {
	char *zone;
};
struct zone_list_args {
	LIST_ARGS;
	char *name, *status, *plan, *account;
};
struct account_list_args {
	LIST_ARGS;
	char *name;
	bool fresh;
};
struct ruleset_list_args {
	LIST_ARGS;
	char *zone, *account, *phase, *kind, *text;
	bool fresh;
};
struct ruleset_get_args {
	LIST_ARGS;
	char *ruleset, *zone, *account, *phase, *action, *text;
	bool details, fresh;
};
struct firewall_rule_list_args {
	LIST_ARGS;
	char *zone, *source, *action, *text;
	bool paused, active, details, fresh;
};
struct waf_override_list_args {
	LIST_ARGS;
	char *zone, *kind, *text;
	bool details, fresh;
};
struct member_list_args {
	LIST_ARGS;
	char *text, *role, *status, *two_factor, *account;
	bool details, fresh;
};
struct role_list_args {
	LIST_ARGS;
	char *text, *account;
	bool members, fresh;
};
struct audit_log_list_args {
	LIST_ARGS;
	char *since, *until, *zone, *account, *actor, *action, *result, *resource, *product, *type;
	bool details, fresh;
};
struct security_change_report_args {
	char *zone, *since, *until;
	bool fresh;
};
struct incident_capsule_args {
	char *name, *since, *until;
	bool fresh;
};
struct access_review_args {
	LIST_ARGS;
	char *can, *format, *account;
	bool details, fresh;
};
struct plan_list_args {
	LIST_ARGS;
	char *state;
};
struct plan_get_args {
	char *plan;
};
struct plan_approve_args {
	WRITE_ARGS;
	char *plan;
};
struct plan_apply_args {
	WRITE_ARGS;
	char *plan;
};
struct plan_create_args {
	WRITE_ARGS;
	int64_t revision;
	bool drift;
	char *object;
};
struct drift_list_args {
	LIST_ARGS;
	char *tunnel, *zone;
	bool refresh;
};
struct health_get_args {
	char *host;
	struct duration timeout;
};
struct status_get_args {
	bool refresh;
};
struct revision_list_args {
	LIST_ARGS;
	char *object;
};
struct revision_diff_args {
	int64_t from, to;
};
struct plan_reject_args {
	char *plan, *reason;
};
struct connector_list_args {
	LIST_ARGS;
	char *tunnel;
};
struct connector_restart_args {
	char *connector, *reason;
	bool wait;
	struct duration timeout;
};
struct connector_upgrade_args {
	char *connector, *tunnel, *reason;
	bool wait;
	struct duration timeout;
};
struct log_search_args {
	char *connector, *tunnel, *text, *level, *class, *since, *until, *cursor, *after;
	int64_t limit;
};
struct connector_stop_args {
	WRITE_ARGS;
	char *connector, *tunnel;
	struct duration for_time;
};
struct connector_start_args {
	WRITE_ARGS;
	char *connector, *tunnel;
};
struct event_list_args {
	LIST_ARGS;
	char *since, *kind, *object;
};
struct writes_resume_args {
	char *reason;
};
struct manifest_apply_args {
	WRITE_ARGS;
	char *text, *file, *name;
	struct strlist overwrite;
	bool prune;
};
struct manifest_import_args {
	WRITE_ARGS;
	char *text, *file, *name, *tunnel;
	struct strlist overwrite;
	bool dns;
};
struct manifest_export_args {
	char *name, *tunnel;
};
struct config_check_args {
	char *text, *name;
};

/* What a grant gives, in one table (grant_spec_fields) for grant_create, for the store and for
 * answers. */
#define GRANT_SPEC                                                                                 \
	char *role, *budget;                                                                       \
	struct strlist methods, tags, zones, hosts, tunnels, origins;                              \
	bool ask
struct grant_spec {
	GRANT_SPEC;
};
const struct field *grant_spec_fields(void);

struct grant_create_args {
	GRANT_SPEC;
	char *name, *expires_at, *reason;
	bool second_token, second_only;
};
struct grant_list_args {
	LIST_ARGS;
};
struct grant_test_args {
	char *name, *operation, *host;
};
struct grant_revoke_args {
	char *name, *reason;
	bool second_only;
};
struct grant_freeze_args {
	char *state, *reason;
};
struct ledger_list_args {
	LIST_ARGS;
	char *principal, *operation, *decision, *plan, *since, *until;
};

#endif
