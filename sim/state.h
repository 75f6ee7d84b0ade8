/*
 * What the simulated Cloudflare holds. Only the cloud's own files see these structs. Maps own
 * their values; ids are the keys. Deleted tunnels stay, as they do at Cloudflare.
 */
#ifndef SIM_STATE_H
#define SIM_STATE_H

#include "base/map.h"
#include "base/text.h"
#include "sim/audit.h"
#include "sim/cloud.h"

#define SIM_ID_SIZE      33
#define SIM_CONNECTIONS  4
#define SIM_EVERY_SCOPE  "*"
#define SIM_COMMENT_FREE 100
#define SIM_COMMENT_PAID 500
#define SIM_BATCH_FREE   200
#define SIM_BATCH_PAID   3500

struct sim_account {
	char id[SIM_ID_SIZE];
	char *name;
	int64_t created_ms;
};

struct sim_zone {
	char id[SIM_ID_SIZE];
	char *name;
	char *status, *type; /* NULL = active, full */
	bool paused;
	char account[SIM_ID_SIZE];
	bool paid;
	int64_t record_quota; /* 0 = none */
	int64_t created_ms;
	struct map records; /* by id */
};

struct sim_record {
	char id[SIM_ID_SIZE];
	char *name, *type, *content;
	char *comment;         /* NULL = none */
	char *settings, *data; /* raw JSON text; NULL = none */
	int64_t ttl, priority; /* priority -1 = none */
	bool proxied;
	bool read_only; /* kept by a service of Cloudflare's own */
	struct strlist tags;
	int64_t created_ms, modified_ms, comment_ms, tags_ms;
	char maker[SIM_ID_SIZE]; /* the token's id, "" = somebody else */
};

struct sim_connection {
	char id[UUID_SIZE]; /* "" = not there */
	int64_t opened_ms;
};

struct sim_connector {
	char id[UUID_SIZE];
	char *version;
	int64_t run_ms, config_version;
	struct sim_connection connections[SIM_CONNECTIONS];
};

struct sim_tunnel {
	char id[UUID_SIZE];
	char account[SIM_ID_SIZE];
	char *name;
	char *secret; /* base64, as it was given */
	bool remote;  /* config_src cloudflare */
	int64_t created_ms, deleted_ms, active_ms, inactive_ms;
	char *config; /* raw text of the "config" member; NULL = never put */
	int64_t version, config_ms;
	struct map connectors; /* by id */
	char maker[SIM_ID_SIZE];
};

struct sim_token {
	char id[SIM_ID_SIZE];
	char *name;                                   /* NULL = none of its own */
	char *status;                                 /* active, disabled, expired */
	int64_t issued_ms, expires_ms, not_before_ms; /* 0 = none */
	char account[SIM_ID_SIZE]; /* "" = a user's token, else owned by that account */
	struct strlist scopes;     /* "tunnel:read", ...; "*" = all */
	struct strlist zones;      /* ids; empty = all */
	struct strlist accounts;   /* ids; empty = all */
	int64_t window_ms, used;   /* start of the running window; calls in it */
	int64_t second_ms, burst;
	int64_t blocked_until_ms;
};

struct sim_limits {
	int64_t requests, window_ms, block_ms;
	int64_t burst; /* per second; 0 = not enforced and not told */
	int64_t max_tunnels;
	int64_t first_version; /* of a configuration: 1, or 0 as in 2022 */
	int64_t audit_from_ms; /* v2 of the audit log has nothing from before */
	int64_t audit_lag_ms;  /* an entry of the audit log is shown only then */
};

struct cloud {
	struct map accounts, zones, tunnels; /* by id */
	struct map tokens;                   /* by the token itself */
	struct map fixtures;                 /* path -> raw envelope */
	struct map shelves;                  /* "kind/owner" -> struct map (shelf.h) */
	struct sim_limits limits;
	struct cloud_edge_events edge;
	char *edge_address;
	struct sim_audit audit;
};

void sim_new_uuid(char out[UUID_SIZE]);
struct sim_account *state_add_account(struct cloud *c, const char *id, const char *name);
/* id NULL = made from the name, so that it is the same in each run */
struct sim_zone *state_add_zone(struct cloud *c, const char *id, const char *name,
				const char *account);
struct sim_token *state_add_token(struct cloud *c, const char *value);
void state_limits_default(struct sim_limits *limits);
void state_clear(struct cloud *c);

void record_free(struct sim_record *r);
struct sim_record *record_copy(const struct sim_record *r);
/* Frees the records of a map as well. */
void records_free(struct map *records);

int tunnel_connection_count(const struct sim_tunnel *t);
int connector_connection_count(const struct sim_connector *n);
const char *tunnel_status(const struct sim_tunnel *t);
/* Forget one connector (NULL = all) and note the time if the tunnel lost its last connection. */
void tunnel_forget_connectors(struct sim_tunnel *t, const char *connector_id, int64_t now_ms);
/* Every value of a map, by its type. Leave it by return only: a break goes on with the next one. */
/* NOLINTBEGIN(bugprone-macro-parentheses): a type or a name cannot stand in parentheses */
#define MAP_EACH(T, it, map)                                                                       \
	for (size_t it##_i_ = 0, it##_once_ = 1; it##_once_; it##_once_ = 0)                       \
		for (const struct map_entry *it##_e_;                                              \
		     (it##_e_ = map_next((map), &it##_i_)) != NULL;)                               \
			for (T *it = it##_e_->value; it; it = NULL)
/* NOLINTEND(bugprone-macro-parentheses) */

#endif
