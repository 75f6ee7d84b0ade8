/*
 * The birth of a process: everything between this program and its first instruction. What it costs
 * does not grow with the number of descriptors that are open here.
 */
#ifndef LOOP_SPAWN_H
#define LOOP_SPAWN_H

#include "loop/child.h"

/* Two descriptors that were opened before any others, since the child copies all up to them. Both
 * are /dev/null; while a child is born, the second is what it writes to. */
struct spawn_fds {
	int null, output;
};

MUST_USE int spawn_fds_open(struct spawn_fds *fds);
void spawn_fds_close(struct spawn_fds *fds);

/* 0, or an errno: then there is no process. */
int process_spawn(const struct child_spec *spec, const struct spawn_fds *fds, pid_t *pid,
		  int *pidfd);

#endif
