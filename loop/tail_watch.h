/*
 * Private to the tails: one inotify instance for all tails of a loop. The kernel allows 128
 * instances per user and thousands of watches in each. It is made with the first tail of a loop
 * and goes with the last one.
 */
#ifndef LOOP_TAIL_WATCH_H
#define LOOP_TAIL_WATCH_H

#include "loop/tail.h"

/* t is due at once, and from then on whenever its file changes. Two tails may watch one file. */
MUST_USE int tail_watch_start(struct tail *t, const struct tail_terms *terms, struct err *e);
void tail_watch_stop(struct tail *t);
/* tail_look will be called, from the loop; idempotent until then. */
void tail_due(struct tail *t);
/* In tail.c: reads what came; what is too much for once makes it due again. */
void tail_look(struct tail *t);

#endif
