/* A route: host name and optional path to an origin service, through one tunnel. Deleting one
 * removes the object; what has to follow at Cloudflare is seen from the tunnel's applied rules. */
#ifndef MODEL_ROUTE_H
#define MODEL_ROUTE_H

#include "base/json.h"
#include "model/tunnel.h"

struct route {
	char id[ID_SIZE]; /* "r0123456789" */
	char tunnel_id[ID_SIZE];
	char *hostname; /* normalised */
	char *path;     /* pattern as cloudflared takes it; NULL = all paths */
	char *service;
	char *origin; /* originRequest as JSON text, NULL = none */
	int64_t generation;
	struct problem *problem;
};

struct route *route_new(void);
void route_free(struct route *r);
bool route_same_key(const struct route *r, const char *hostname, const char *path);
/* The order in which rules must stand: exact before wildcard, narrower wildcard before broader,
 * longer path before shorter, no path last; then by name, so that the order is total. */
int route_compare(const struct route *a, const struct route *b);

#endif
