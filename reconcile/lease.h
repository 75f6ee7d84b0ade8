/*
 * What was to stand for a time ends by itself: a plan of adit's own takes the routes away whose
 * time is over, and probes whose name is published no more. Nothing else is ever taken away
 * unasked, and a name that visitors use has no such end.
 */
#ifndef RECONCILE_LEASE_H
#define RECONCILE_LEASE_H

#include "loop/loop.h"
#include "model/world.h"
#include "store/store.h"

#define LEASE_OPERATION "probe_end"

struct lease;

/* All borrowed. */
struct lease *lease_new(struct loop *l, struct world *w, struct store *s);
void lease_free(struct lease *x);

/* Pure: is its time over, or its name gone? */
bool lease_is_over(const struct world *w, const struct route *r, int64_t wall_ms);

#endif
