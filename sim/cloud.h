/*
 * The simulated Cloudflare: the state of its accounts and a pure function from request to answer.
 * It shares nothing with the room that talks to Cloudflare, so that a misreading of the contract
 * cannot hide in both. No I/O here; api.c carries requests in, the edge tells and asks the rest.
 */
#ifndef SIM_CLOUD_H
#define SIM_CLOUD_H

#include "base/buf.h"
#include "base/json.h"

#define CLOUD_BASE_PATH "/client/v4"

struct cloud;

struct cloud *cloud_new(void);
void cloud_free(struct cloud *c);
/* Add what a seed document says (docs/SIM.md): accounts, zones, tokens, limits, fixtures, edits. */
MUST_USE int cloud_load(struct cloud *c, const struct json *seed, struct err *e);
/* Forget everything but the edge; connectors are dropped. */
void cloud_reset(struct cloud *c);
/* Where the stub's connectors go: it is put into tunnel tokens as "e". NULL = not there. */
void cloud_set_edge_address(struct cloud *c, const char *address);

/* ---- the API ---- */

struct cloud_arg {
	const char *name, *value; /* decoded; value may be NULL */
};

struct cloud_request {
	const char *method;
	const char *path; /* decoded, with the base path, without the query */
	const struct cloud_arg *query;
	size_t n_query;
	const char *authorization; /* the header, NULL = absent */
	const char *auth_key;      /* X-Auth-Key */
	const char *content_type;
	bool transfer_encoding; /* the request had such a header */
	const char *body;
	size_t body_len;
	int64_t now_ms;
	const struct json *actor; /* for the audit log; NULL = whoever asks */
	bool too_long;            /* there were more arguments than are read */
	bool outside; /* somebody else, by the dashboard: no token is asked for or charged */
};

struct cloud_response {
	int status;
	const char *content_type;
	struct buf body;
	struct strlist headers; /* "Name: value" */
	/* For the log: which route of the table it was, who asked, what was touched. */
	const char *family;
	char ray[24];
	char token_id[33]; /* "" = no valid token */
	bool foreign;      /* it changed an object that this token did not make */
	char object[40];   /* the id of the object that was made or changed */
};

/* Answers always, also nonsense; r is zeroed by the caller and freed by cloud_response_free. */
void cloud_answer(struct cloud *c, const struct cloud_request *q, struct cloud_response *r);
/* What somebody else does at the dashboard: {method, path, query, body, actor, at}. In the path a
 * segment "@name" stands for the id of the account, zone or living tunnel of that name, "@account"
 * for the first account's; the base path may be left out. */
MUST_USE int cloud_edit(struct cloud *c, const struct json *edit, int64_t now_ms,
			struct cloud_response *r, struct err *e);
void cloud_response_free(struct cloud_response *r);
/* For answers in the cloud's stead: the route that a request belongs to, and a fresh ray. */
const char *cloud_family(const char *method, const char *path);
void cloud_mark_ray(struct cloud_response *r);
/* An envelope with one error, as Cloudflare would send it: for faults. */
void cloud_error_body(struct buf *out, int64_t code, const char *message);
/* Everything there is, as one JSON object; secrets of tunnels and tokens are left out. */
void cloud_state(const struct cloud *c, struct buf *out);

/* ---- what the edge asks, and tells ---- */

/* A connector registers a connection: 0, or -1 with the words that the real edge uses
 * ("Unauthorized: Invalid tunnel secret", "Unauthorized: Failed to get tunnel"). */
MUST_USE int cloud_edge_register(struct cloud *c, const char *account, const char *tunnel_id,
				 const char *secret_base64, const char *connector_id, int index,
				 const char *version, const char **why);
void cloud_edge_unregister(struct cloud *c, const char *tunnel_id, const char *connector_id,
			   int index);
/* The connector says which configuration version it runs. */
void cloud_edge_running(struct cloud *c, const char *tunnel_id, const char *connector_id,
			int64_t version);
/* The pushed configuration (the "config" member's text); NULL and version 0 when none was put. */
const char *cloud_edge_config(const struct cloud *c, const char *tunnel_id, int64_t *version);
/* Which tunnel a proxied CNAME of that name leads to: "" when the name has none (then the edge
 * answers 530/1033 or, for an unknown name, 404). Exact names first, then wildcards. */
const char *cloud_edge_tunnel_of(const struct cloud *c, const char *hostname, bool *known);
/* Tell the edge what changed: it pushes configurations and drops connections. */
struct cloud_edge_events {
	void (*config_changed)(const char *tunnel_id, void *owner);
	/* connector_id NULL = all connectors of the tunnel */
	void (*connections_dropped)(const char *tunnel_id, const char *connector_id, void *owner);
	void *owner;
};
void cloud_set_edge(struct cloud *c, const struct cloud_edge_events *events);

#endif
