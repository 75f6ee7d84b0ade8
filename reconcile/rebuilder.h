/*
 * A store that was begun anew where one was: looks at what is ours at Cloudflare once, offers to
 * take it back as a plan, and holds all writes until a person has decided. Asks Cloudflare one
 * thing at a time; what failed is tried again after the next observation.
 */
#ifndef RECONCILE_REBUILDER_H
#define RECONCILE_REBUILDER_H

#include "cloudflare/page.h"
#include "reconcile/act.h"
#include "reconcile/rebuild.h"
#include "store/store.h"

struct rebuilder {
	struct cf *cf;
	struct world *world;
	struct store *store;
	struct guard_policy guard; /* borrows from the settings */
	struct rebuild found;
	struct strlist zones; /* ids still to be listed, from next_zone on */
	size_t next_zone, next_tunnel;
	struct cf_page page;
	struct cf_call call;
	bool paging, calling;
};

/* Everything is borrowed. Holds writes when somebody has to decide. */
void rebuilder_start(struct rebuilder *x, const struct act_context *with,
		     const struct guard_policy *g);
void rebuilder_stop(struct rebuilder *x);
void rebuilder_configure(struct rebuilder *x, const struct guard_policy *g);
/* Cloudflare was observed completely: offer a plan when one is due. */
void rebuilder_observed(struct rebuilder *x);

/* ---- when a person decides ---- */

bool rebuild_is_offer(const struct plan *p);
/* Inside the transaction in which such a plan is applied or rejected. Other plans: nothing. */
MUST_USE int rebuild_decide(struct store *s, const struct plan *p, struct err *e);
/* After it: writes go on, or wait for writes_resume. */
void rebuild_decided(struct world *w, const struct plan *p);
/* Inside the transaction of writes_resume: nothing is to be taken back. */
MUST_USE int rebuild_give_up(struct store *s, struct err *e);

#endif
