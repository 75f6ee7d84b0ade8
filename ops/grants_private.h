/* What the files that keep the list of grants share. */
#ifndef OPS_GRANTS_PRIVATE_H
#define OPS_GRANTS_PRIVATE_H

#include "ops/grants.h"

/* Ended here, and not yet in the store. */
struct ended {
	int64_t id;
	char *name, *why;
	bool expired;
};

struct grants {
	struct ops *ops;
	struct grant **items; /* owned, in order of their ids */
	size_t n;
	struct list watches;
	struct timer timer;
	struct freeze freeze;
	bool freeze_unsaved;
	struct ended *ended; /* owned */
	size_t n_ended;
	bool loaded;
};

void grants_take_out(struct grants *gs, const struct grant *g);
void grants_read_freeze(struct grants *gs);
void grants_forget_ended(struct grants *gs);

#endif
