/*
 * The probe through the public edge: a route of its own below a published name, whose rule leads to
 * a listener of adit's, a socket that answers nothing but a nonce which is asked for at that very
 * moment. It is a route like every other, so that it is planned, merged, told and taken away like
 * one; it stands only where the name is ours, and ends by itself.
 */
#ifndef MODEL_EDGE_PROBE_H
#define MODEL_EDGE_PROBE_H

#include "model/world.h"

#define EDGE_PROBE_PREFIX "/.well-known/adit-probe/"
#define EDGE_PROBE_PATH   "^/\\.well-known/adit-probe/[0-9a-f]{32}$"
#define EDGE_PROBE_SOCKET "edge-probe.sock" /* in state_dir */
#define EDGE_NONCE_DIGITS 32
#define EDGE_PROBE_HEADER "adit-probe" /* of the answer: what only the listener can know */

/* By what a route is, or is to be. The guard lets nothing else lead to the listener. */
bool edge_probe_is(const char *path, const char *service);
bool route_is_edge_probe(const struct route *r);
/* That of a host name; NULL = it has none. */
struct route *world_edge_probe(const struct world *w, const char *hostname);
/* Is there a route of the name that visitors use, through that tunnel (NULL = any)? */
bool world_is_published(const struct world *w, const char *hostname, const char *tunnel_id);

/* What came back of one request. */
struct edge_answer {
	enum err_kind failed; /* ERR_NONE: an HTTP answer came */
	int status;
	bool proved;  /* it has the header that goes with the nonce */
	bool arrived; /* the nonce came to the listener, by a connector of ours */
};
/* Pure. */
enum edge_seen edge_judge(const struct edge_answer *a);
const char *edge_seen_name(enum edge_seen s);
/* Does that say that visitors do not come through? */
bool edge_seen_fails(enum edge_seen s);
/* Did its origin or the edge fail it when they were last asked? */
bool route_is_down(const struct route *r);
/* What is wrong by its last request: a sentence and what to do; false = nothing that is known. */
bool route_edge_problem(const struct route *r, struct problem *out);
/* Where an answer says neither: one sentence; NULL = it does. The caller frees it. */
char *route_edge_unproved(const struct route *r);

#endif
