/* What the files about tunnels share: their JSON shapes, and the check that one is not deleted. */
#ifndef SIM_TUNNEL_JSON_H
#define SIM_TUNNEL_JSON_H

#include "sim/call.h"

/* Into an object that is open. */
void write_tunnel_members(struct json_writer *w, const struct sim_tunnel *t);
void write_connection(struct json_writer *w, const struct sim_connector *n,
		      const struct sim_connection *conn);
/* -1 = refused: the tunnel of the path is deleted. */
MUST_USE int call_tunnel_lives(struct call *k);

#endif
