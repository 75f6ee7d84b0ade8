/*
 * Who is at the other end of a Unix socket, as the kernel noted it at connect(). What cannot be
 * read is absent, never guessed: no groups is fewer rights.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "loop/child.h"
#include "loop/server_private.h"

/* The kernel's own limit. */
#define PEER_GROUPS_MAX 65536

static void groups_read(int fd, struct peer *p)
{
	socklen_t len = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &len) == 0 || errno != ERANGE)
		return;
	if (!len || len > PEER_GROUPS_MAX * sizeof(gid_t))
		return;
	p->groups = mem_array(len / sizeof(gid_t), sizeof(gid_t));
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, p->groups, &len) == 0)
		p->n_groups = len / sizeof(gid_t);
}

void peer_read(int fd, struct peer *p)
{
	struct ucred cred = {0};
	socklen_t len = sizeof(cred);

	*p = (struct peer){.pid = -1, .uid = (uid_t)-1, .gid = (gid_t)-1};
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0 || len != sizeof(cred))
		return;
	/* TCP sockets answer as well, with nobody. */
	if (cred.uid == (uid_t)-1)
		return;
	p->valid = true;
	p->pid = cred.pid;
	p->uid = cred.uid;
	p->gid = cred.gid;
	groups_read(fd, p);
	p->start_ticks = process_start_ticks(p->pid);
}

void peer_free(struct peer *p)
{
	free(p->groups);
	*p = (struct peer){0};
}
