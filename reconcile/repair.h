/*
 * Drift put back, by a plan like every other change. Unasked: what the policies let adit repair,
 * from the second complete observation on, while nothing else waits for the object, and not when so
 * much differs at once that it may be no accident. Who undoes it each time is not fought.
 */
#ifndef RECONCILE_REPAIR_H
#define RECONCILE_REPAIR_H

#include "reconcile/drift.h"
#include "store/store.h"

#define REPAIR_OPERATION "drift_repair"

/* Pure: put the objects of these differences again, with words, for a person who asks for it: what
 * is gone is made again, and what a hindrance stands against is put back too, for which the guard
 * wants approval. No edits when nothing can be done. */
void repair_fill(const struct world *w, const struct drift_list *l, struct plan *p);
/* Pure: may so many of all objects be put back unasked? */
bool repair_is_small(size_t objects, size_t all);

/* After a complete observation. Stores and applies one plan where something is due. */
void repair_run(struct world *w, struct store *s);

#endif
