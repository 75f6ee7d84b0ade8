/*
 * When: on a change, on the timer, after a failure. Asks the planner, starts at most one action an
 * object, writes what came back into world and store, asks again. Intent is in the ledger before a
 * mutating call leaves.
 */
#ifndef RECONCILE_RECONCILER_H
#define RECONCILE_RECONCILER_H

#include "cloudflare/client.h"
#include "model/world.h"
#include "reconcile/guard.h"
#include "store/store.h"

struct reconciler;

struct reconciler_options {
	int64_t interval_ms;                    /* between full observations, jittered */
	int64_t budget_calls, budget_window_ms; /* of this host; 0 = not known */
	int64_t fleet_size; /* hosts that share our token, as the settings say; 0 counts as 1 */
	struct guard_policy guard; /* borrows from the settings until it is configured again */
};

/* All borrowed. */
struct reconciler *reconciler_new(struct loop *l, struct world *w, struct store *s, struct cf *cf,
				  const struct reconciler_options *o);
void reconciler_start(struct reconciler *r);
void reconciler_free(struct reconciler *r);
void reconciler_configure(struct reconciler *r, const struct reconciler_options *o);
/* Observe everything now (a person asked); waiting problems are tried again at once. What was asked
 * is known when reconciler_passes() has come to what is returned; OBJECT_SYSTEM is told then. */
int64_t reconciler_observe(struct reconciler *r);
/* A person was shown what is doubted of Cloudflare's listings and which records hold writes, and
 * lets it go on (writes_resume). *n: how much there was. */
MUST_USE int reconciler_accept(struct reconciler *r, size_t *n, struct err *e);
/* Observations that ended, well or not. */
int64_t reconciler_passes(const struct reconciler *r);

#endif
