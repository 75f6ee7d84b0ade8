/* Words and edits of giving back that several operations share. */
#ifndef OPS_RELEASE_H
#define OPS_RELEASE_H

#include "model/plan.h"
#include "model/world.h"

/* Our mark is taken off the record, and it is not ours any more. */
void release_record(struct plan *p, const struct record *r);
/* The tunnel alone: its connectors here stop, and it is forgotten. */
void release_tunnel(const struct world *w, struct plan *p, const struct tunnel *t);

#endif
