/*
 * The folders of all connectors, opened once for what is done with them in one turn of the loop:
 * with a thousand starts most of what a start asked of the system was the way to its folder. They
 * are not kept longer, since somebody may put others in their place.
 */
#ifndef SUPERVISE_FOLDERS_H
#define SUPERVISE_FOLDERS_H

#include "supervise/launcher.h"

struct folders {
	int state_dirfd; /* borrowed */
	int all;         /* connectors/; -1 = not open */
	int one;         /* the one that was asked for last; -1 = none */
	char id[LAUNCH_ID_SIZE];
};

void folders_init(struct folders *f, int state_dirfd);
/* Descriptor of a connector's folder, borrowed until another one is asked for or all are closed.
 * ERR_NOT_FOUND when there is none. */
MUST_USE int folders_get(struct folders *f, const char *id, bool create, int *fd, struct err *e);
void folders_close(struct folders *f); /* idempotent; they are opened again when needed */

#endif
