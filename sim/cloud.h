/*
 * The simulated Cloudflare: the state of one account's API and a pure function from request to
 * answer. It shares nothing with the room that talks to Cloudflare, so that a misreading of the
 * contract cannot hide in both. No I/O here; main.c carries requests in and the edge's facts.
 */
#ifndef SIM_CLOUD_H
#define SIM_CLOUD_H

#include "base/buf.h"
#include "base/json.h"

struct cloud;

/* What the edge asks the API's state, and tells it. */

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
