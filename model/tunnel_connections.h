/* Who is connected to a tunnel by Cloudflare's own account of it: each connector by the id that it
 * has at its edge, ours or not. A process that says it is connected and is not in it is not. */
#ifndef MODEL_TUNNEL_CONNECTIONS_H
#define MODEL_TUNNEL_CONNECTIONS_H

#include "base/text.h"

struct tunnel_client {
	char id[UUID_SIZE];     /* cloudflared's own, new at each start */
	int64_t connections;    /* those that wait to come back are not counted */
	int64_t config_version; /* of the configuration that it runs; -1 = not told */
};

struct tunnel_connections {
	struct tunnel_client *items;
	size_t n;
};

typedef struct tunnel_connections tunnel_connections_t;
void tunnel_connections_t_cleanup(tunnel_connections_t *c); /* leaves an empty one */

/* All of all clients. */
int64_t tunnel_connections_count(const struct tunnel_connections *c);
/* NULL = it is not among them. */
const struct tunnel_client *tunnel_connections_find(const struct tunnel_connections *c,
						    const char *id);

#endif
