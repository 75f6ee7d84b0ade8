/*
 * A plan's edits into store and world: the one place where what is wanted changes. First the rows,
 * inside the caller's transaction; after the commit the same rows on the world.
 */
#ifndef RECONCILE_APPLY_H
#define RECONCILE_APPLY_H

#include "model/plan.h"
#include "model/world.h"
#include "store/store.h"

/* Save what the edits make of the world. The world is not touched. */
MUST_USE int apply_store(const struct world *w, struct store *s, const struct plan *p,
			 struct err *e);
/* The plan and who decided it (of the row: what says who, and by which door), before what it asks
 * for is done. */
MUST_USE int apply_ledger(struct store *s, const struct plan *p, const struct ledger_row *who,
			  struct err *e);
/* The same edits on the world; problems of what they touch are cleared. A plan with a revision
 * makes it the world's. */
void apply_world(struct world *w, const struct plan *p);

/* Pure: what an edit makes of a record, NULL = of none; its strings are borrowed from both. */
void apply_record_row(const struct record *r, const struct edit *ed, struct record *row);

/* The store's key of struct tunnel's renames; the caller frees it. */
char *apply_renames_key(const char *tunnel_id);
/* And that of its new secret on the way: when a PATCH with it left, wall (0 = none did), or "lost".
 */
char *apply_rotate_key(const char *tunnel_id);

#endif
