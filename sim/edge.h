/*
 * The simulated edge: connectors of the stub cloudflared register here; a visitor's request comes
 * in by its Host and goes through tunnel, connector and origin by the pushed configuration.
 */
#ifndef SIM_EDGE_H
#define SIM_EDGE_H

#include "base/json.h"
#include "loop/loop.h"

struct edge;
struct cloud;

/* connector_fd and visitor_fd are listening sockets; the edge takes them. */
struct edge *edge_new(struct loop *l, struct cloud *c, int connector_fd, int visitor_fd);
void edge_free(struct edge *e);
/* Faults and outside events of the edge, from the control port: a JSON object as docs/SIM.md says.
 * Writes a JSON answer. */
MUST_USE int edge_control(struct edge *e, const struct json *command, struct buf *answer,
			  struct err *err);
/* Counters for the control port: one JSON object. */
void edge_status(const struct edge *e, struct buf *answer);

#endif
