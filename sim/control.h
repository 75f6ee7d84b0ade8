/* The control port: faults, edits by somebody else, what happened. docs/SIM.md describes it. */
#ifndef SIM_CONTROL_H
#define SIM_CONTROL_H

#include "loop/loop.h"
#include "sim/api.h"
#include "sim/edge.h"

struct control;

struct control_parts {
	struct cloud *cloud;
	struct faults *faults;
	struct journal *journal;
	struct api *api;
	struct edge *edge;
	/* Fill an emptied cloud as it was at the start. */
	int (*refill)(void *owner, struct err *e);
	void *owner;
};

MUST_USE int control_new(struct loop *l, const struct control_parts *parts, int fd,
			 struct control **out, struct err *e);
void control_free(struct control *c);

#endif
