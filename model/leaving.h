/*
 * Make before break, as facts of the world: a name that moves to another tunnel is served by the
 * one that it leaves until its record leads to the new one, and for a while after that. Plain facts
 * that nobody stores: after a start the while is counted anew, so it is never shorter.
 */
#ifndef MODEL_LEAVING_H
#define MODEL_LEAVING_H

#include "model/groups.h"

/* Cloudflare confirms a record before its whole edge knows it, and what was asked for before goes
 * its old way. "Usually less than ten seconds" is what is said of that; this is twice as long. */
#define LEAVING_MS (20 * 1000)

/* Is the tunnel still to serve the name of this record, which is wanted elsewhere? */
bool record_leaves(const struct record *r, const struct tunnel *t, int64_t wall_ms);
/* When it ends, of a record that leads elsewhere by now; 0 = it has not moved yet. */
int64_t record_leaves_until(const struct record *r, const struct tunnel *t);
/* Content is what a record of ours was just seen to have; to be called before it is noted. */
void record_led(struct record *r, const char *content, int64_t wall_ms);

/* Does a name still need the tunnel, although nothing of it is wanted there? */
const struct record *world_leaves(const struct world *w, const struct tunnel *t, int64_t wall_ms);
/* Is it to have no connector here, and yet keep those that it has? */
bool world_connectors_stay(const struct world *w, const struct tunnel *t, int64_t wall_ms);
/* The tunnel that keeps a rule for the route's name, which moves away from it; NULL = none. */
const struct tunnel *route_left(struct groups *x, const struct route *r, const struct record *d);

#endif
