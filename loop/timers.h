/*
 * The timers of a loop that wait, the first to be due on top: a binary heap of pointers, so that a
 * waiting timer costs eight bytes beside its own struct, of which a thousand connectors have two
 * each. The loop sleeps by one watcher of the library for all of them.
 */
#ifndef LOOP_TIMERS_H
#define LOOP_TIMERS_H

#include "loop/loop.h"

/* Zeroed = none. */
struct timers {
	struct timer **heap;
	size_t n, cap;
};

/* NULL = none waits. */
struct timer *timers_first(const struct timers *t);
void timers_add(struct timers *t, struct timer *timer);    /* which does not wait */
void timers_remove(struct timers *t, struct timer *timer); /* which waits */
void timers_free(struct timers *t);

#endif
