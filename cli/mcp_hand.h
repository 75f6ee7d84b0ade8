/*
 * Standard input and output in the daemon's hands: it reads and writes them itself, which saves two
 * changes of process a message. Only sockets and pipes are handed over; a pipe by a description of
 * its own, since the one that is there belongs to the client, too, and must go on waiting for it.
 */
#ifndef CLI_MCP_HAND_H
#define CLI_MCP_HAND_H

#include <signal.h>
#include <time.h>

#include "base/mem.h"

struct hand {
	int in, out; /* -1 = it cannot be handed over */
};

/* false: they are not both of a kind that can be; nothing is open then. */
bool hand_open(struct hand *h);
void hand_close(struct hand *h);
/* Over the connection, and closes them here. Its upgrade said that they are wanted. 1 = the daemon
 * has them, 0 = it would rather have the bytes, -1 = it did not answer, or a signal came that is
 * open while waiting. */
MUST_USE int hand_over(int conn, struct hand *h, const struct timespec *patience,
		       const sigset_t *open);

#endif
