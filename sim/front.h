/*
 * A relay of bytes before the API's server, so that answers can be lost, cut or slowed down: the
 * server itself sends answers whole. The server orders it by a header in its answer, which the
 * relay takes out: RELAY_HEADER "drop", "reset", "cut N" or "slow N".
 */
#ifndef SIM_FRONT_H
#define SIM_FRONT_H

#include "loop/loop.h"

#define RELAY_HEADER "X-Sim-Relay"

struct front;

/* fd is the public listening socket; the front takes it. *inner_fd is the listening socket behind
 * it, for the server. */
MUST_USE int front_new(struct loop *l, int fd, struct front **out, int *inner_fd, struct err *e);
void front_free(struct front *f);

#endif
