/*
 * A full observation: zones, live tunnels, and the records of each zone that holds ours. Each
 * listing is complete or changes nothing. One request at a time, so that it never crowds out
 * people's calls.
 */
#ifndef RECONCILE_OBSERVE_H
#define RECONCILE_OBSERVE_H

#include "cloudflare/page.h"
#include "model/world.h"

struct observe {
	struct task task; /* first. err: of the first listing that failed; the others are done */
	struct cf *cf;
	struct world *world;
	struct cf_page page;
	struct strlist zones; /* ids still to be listed, from next on */
	size_t next;
	int64_t since_ms; /* wall: when the present listing began */
	int stage;
	bool paging;
};

void observe_start(struct loop *l, struct cf *cf, struct world *w, struct observe *o,
		   task_done_fn *done, void *owner);
void observe_cancel(struct observe *o);
void observe_fini(struct observe *o);

#endif
