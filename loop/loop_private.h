/* What other files of this folder hang on a loop, besides what loop.h offers everybody. */
#ifndef LOOP_LOOP_PRIVATE_H
#define LOOP_LOOP_PRIVATE_H

#include "loop/loop.h"

/* NULL while nothing is followed; loop/tail_watch.c makes and frees it. */
struct tail_watches;
struct tail_watches **loop_tail_watches(struct loop *l);

struct spawn_fds;
const struct spawn_fds *loop_spawn_fds(const struct loop *l);
/* Forgotten with each turn. */
struct spawn_signals;
struct spawn_signals *loop_spawn_signals(struct loop *l);

#endif
