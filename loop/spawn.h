/*
 * The birth of a process: everything between this program and its first instruction. What it costs
 * does not grow with the number of descriptors that are open here.
 */
#ifndef LOOP_SPAWN_H
#define LOOP_SPAWN_H

#include <signal.h>

#include "loop/child.h"

/* Two descriptors that were opened before any others, since the child copies all up to them. Both
 * are /dev/null; while a child is born, the second is what it writes to. */
struct spawn_fds {
	int null, output;
};

/* Whatever is not its default here is to be so in a child. It is looked up once for all that are
 * born in one turn of the loop, between which nobody sets a signal. */
struct spawn_signals {
	bool known;
	sigset_t set; /* ignored, or with a handler */
};

MUST_USE int spawn_fds_open(struct spawn_fds *fds);
void spawn_fds_close(struct spawn_fds *fds);

/* 0, or an errno: then there is no process. */
int process_spawn(const struct child_spec *spec, const struct spawn_fds *fds,
		  struct spawn_signals *signals, pid_t *pid, int *pidfd);

#endif
