/*
 * Asks for published names through the public edge, where a route says so (model/edge_probe.h), and
 * listens for what arrives. One request is one nonce of 128 bits: good for one arrival, only while
 * its own request is under way, only from a connector of that tunnel, known by its process. The
 * listener is a socket that nobody else may open, is there only while there is a probe, and answers
 * anything else with 404 and nothing more. Names are asked for only while record and rule are ours
 * and as wanted. What came of it stands on the probe's route; no connector is restarted for it, but
 * one that comes up to replace another has to pass (edge_probes_gate).
 */
#ifndef SUPERVISE_EDGE_PROBE_H
#define SUPERVISE_EDGE_PROBE_H

#include "loop/http.h"
#include "loop/server.h"
#include "model/edge_probe.h"

struct edge_probes;

/* Is that process one of this tunnel's connectors here? Its name goes to id. */
typedef bool edge_whose_fn(const char *tunnel_id, pid_t pid, char id[ID_SIZE + 4], void *owner);

struct edge_probes_options {
	const char *socket; /* path of the listener; copied */
	const char *url;    /* where names are asked for; NULL: where DNS leads, by https; copied */
	edge_whose_fn *whose;
	void *owner;
};

/* World and pool are borrowed. */
struct edge_probes *edge_probes_new(struct loop *l, struct world *w, struct http *pool,
				    const struct edge_probes_options *o);
void edge_probes_free(struct edge_probes *p);
/* Somebody wants to know now: asked at once, and the probe's route is told of as changed when it is
 * answered, whatever it is. False when it is not asked about now. */
bool edge_probes_hurry(struct edge_probes *p, const char *route_id);

/* Does a request come through the edge to this very process? */
enum edge_gate {
	EDGE_GATE_NONE,  /* there is no probe of its tunnel that passes, to say so */
	EDGE_GATE_WAITS, /* none came to it yet; they are sent while this is asked */
	EDGE_GATE_PASSED,
	EDGE_GATE_FAILED /* requests fail since it is there, and none came to it */
};
enum edge_gate edge_probes_gate(struct edge_probes *p, const char *tunnel_id, pid_t pid);

#endif
