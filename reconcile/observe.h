/*
 * A full observation: zones, live tunnels, the records of each zone that holds ours, and the audit
 * log. Each listing is complete or changes nothing; what it lacks is looked at by its id, where
 * that is believed at all (belief.h). One request at a time, so that it never crowds out people's
 * calls.
 */
#ifndef RECONCILE_OBSERVE_H
#define RECONCILE_OBSERVE_H

#include "cloudflare/page.h"
#include "model/world.h"
#include "reconcile/audit.h"
#include "reconcile/belief.h"
#include "reconcile/zone_rows.h"

struct observe {
	struct task task; /* first. err: of the first listing that failed; the others are done */
	struct cf *cf;
	struct world *world;
	struct belief *belief;
	struct audit *audit;
	struct cf_page page;
	struct cf_call call;
	struct strlist zones;      /* ids still to be listed, from next on */
	struct zone_rows rows;     /* ours in each of them */
	struct strlist missing;    /* local ids to be looked at, from looked on */
	size_t next, looked, full; /* from full on, only what bears our mark is asked for */
	int64_t since_ms;          /* wall: when the present listing began */
	int64_t calls;             /* made so far */
	int stage;
	bool everywhere; /* zones without records of ours too */
	bool zones_came; /* in this observation */
	bool paging, calling;
};

/* everywhere: also look for our mark in zones that hold no record of ours. */
void observe_start(struct loop *l, struct cf *cf, struct world *w, struct belief *b,
		   struct audit *a, bool everywhere, struct observe *o, task_done_fn *done,
		   void *owner);
void observe_cancel(struct observe *o);
void observe_fini(struct observe *o);

#endif
