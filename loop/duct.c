/*
 * O_NONBLOCK belongs to the description, and another process could take it away just before a read
 * or write, which then would stop the whole loop. Sockets know MSG_DONTWAIT. Pipes know such a flag
 * for splice and vmsplice alone: a pipe is read by vmsplice, which copies where it is the reading
 * end, and written by way of a pipe of our own. What finds no room behind that one is taken out of
 * it again, so that it is empty between two calls and nothing counts as sent that is not.
 */
#include "loop/duct.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* At once through the pipe of our own: what a slow reader has no room for is copied for nothing. */
#define SLUICE_SIZE 16384

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

union pair {
	char room[CMSG_SPACE(2 * sizeof(int))];
	struct cmsghdr align;
};

/* ---- handing over ---- */

int ducts_hand(int conn, int in, int out)
{
	union pair pair = {.room = {0}};
	struct iovec byte = {.iov_base = (char[]){'\n'}, .iov_len = 1};
	struct msghdr m = {.msg_iov = &byte,
			   .msg_iovlen = 1,
			   .msg_control = pair.room,
			   .msg_controllen = sizeof(pair.room)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	int *fds = (int *)(void *)CMSG_DATA(c);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(2 * sizeof(int));
	fds[0] = in;
	fds[1] = out;
	if (sendmsg(conn, &m, MSG_NOSIGNAL) == 1)
		return 0;
	return send(conn, byte.iov_base, 1, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

void ducts_allow(int fd, bool may_come)
{
	int on = may_come;

	(void)setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &on, sizeof(on));
}

/* ---- judging ---- */

static int option(int fd, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, name, &value, &len) < 0 ? -1 : value;
}

static bool socket_fits(int fd, uid_t owner)
{
	struct ucred peer = {.uid = (uid_t)-1};
	socklen_t len = sizeof(peer);

	return option(fd, SO_DOMAIN) == AF_UNIX && option(fd, SO_TYPE) == SOCK_STREAM &&
	       option(fd, SO_ACCEPTCONN) == 0 &&
	       getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && peer.uid != (uid_t)-1 &&
	       peer.uid == owner;
}

/* The call that will be made, with nothing: a sandbox may not have it. */
static bool pipe_works(const struct duct *d, int access)
{
	if (access == O_RDONLY)
		return vmsplice(d->fd, NULL, 0, SPLICE_F_NONBLOCK) == 0;
	return splice(d->sluice[0], NULL, d->fd, NULL, 0, SPLICE_F_NONBLOCK) == 0;
}

static bool pipe_fits(struct duct *d, int access)
{
	int flags = fcntl(d->fd, F_GETFL);

	if (flags < 0 || (flags & O_ACCMODE) != access || !(flags & O_NONBLOCK))
		return false;
	return pipe_works(d, access);
}

/* Asked without fstat(), which a file system in user space answers when it likes. */
static bool duct_fits(struct duct *d, int access, uid_t owner)
{
	d->is_pipe = fcntl(d->fd, F_GETPIPE_SZ) > 0;
	return d->is_pipe ? pipe_fits(d, access) : socket_fits(d->fd, owner);
}

/* ---- taking ---- */

struct duct duct_of_socket(int fd)
{
	return (struct duct){.fd = fd};
}

/* What came with it, as far as there was room: the kernel closes the rest. */
static size_t fds_of(struct msghdr *m, int fds[2])
{
	const struct cmsghdr *c = CMSG_FIRSTHDR(m);
	size_t n = 0;

	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return 0;
	n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	for (size_t i = 0; i < n && i < 2; i++)
		fds[i] = ((const int *)(const void *)CMSG_DATA(c))[i];
	return n;
}

int sluice_open(int sluice[2])
{
	return pipe2(sluice, O_CLOEXEC | O_NONBLOCK);
}

int ducts_take(int conn, uid_t owner, const int sluice[2], struct duct *in, struct duct *out)
{
	union pair pair = {.room = {0}};
	char byte;
	struct iovec one = {.iov_base = &byte, .iov_len = 1};
	struct msghdr m = {.msg_iov = &one,
			   .msg_iovlen = 1,
			   .msg_control = pair.room,
			   .msg_controllen = sizeof(pair.room)};
	ssize_t got = recvmsg(conn, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	int fds[2] = {-1, -1};

	if (got <= 0) {
		errno = got < 0 ? errno : ENODATA;
		return -1;
	}

	size_t n = fds_of(&m, fds);
	struct duct from = {.fd = fds[0]}, to = {.fd = fds[1], .sluice = sluice};

	if (n == 2 && !(m.msg_flags & MSG_CTRUNC) && duct_fits(&from, O_RDONLY, owner) &&
	    duct_fits(&to, O_WRONLY, owner)) {
		*in = from;
		*out = to;
		return 1;
	}
	duct_close(&from);
	duct_close(&to);
	return 0;
}

void duct_close(struct duct *d)
{
	fd_t_cleanup(&d->fd);
}

/* ---- reading and writing ---- */

ssize_t duct_read(const struct duct *d, void *to, size_t max)
{
	struct iovec v = {.iov_base = to, .iov_len = max};

	return d->is_pipe ? vmsplice(d->fd, &v, 1, SPLICE_F_NONBLOCK)
			  : recv(d->fd, to, max, MSG_DONTWAIT);
}

/* Out of our own pipe again. */
static void sluice_empty(const struct duct *d, size_t len)
{
	static char nowhere[SLUICE_SIZE];

	while (len) {
		ssize_t n = read(d->sluice[0], nowhere, len < SLUICE_SIZE ? len : SLUICE_SIZE);

		if (n <= 0)
			return;
		len -= (size_t)n;
	}
}

static ssize_t pipe_write(const struct duct *d, const void *data, size_t len)
{
	ssize_t in = write(d->sluice[1], data, len < SLUICE_SIZE ? len : SLUICE_SIZE);

	if (in <= 0)
		return in;

	ssize_t out = splice(d->sluice[0], NULL, d->fd, NULL, (size_t)in, SPLICE_F_NONBLOCK);
	int error = errno;

	if (out < in)
		sluice_empty(d, (size_t)(in - (out > 0 ? out : 0)));
	errno = error;
	return out;
}

ssize_t duct_write(const struct duct *d, const void *data, size_t len)
{
	return d->is_pipe ? pipe_write(d, data, len)
			  : send(d->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
}
