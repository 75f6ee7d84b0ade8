#include "cli/mcp_hand.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loop/duct.h"

/* -1 where its user may not open it, or nobody reads it. */
static int pipe_again(int fd, int access)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, access | O_NONBLOCK | O_CLOEXEC);
}

static int one_open(int fd, int access)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -1;
	return S_ISFIFO(st.st_mode)   ? pipe_again(fd, access)
	       : S_ISSOCK(st.st_mode) ? fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)
				      : -1;
}

/* Who opens a named pipe after its last writer has closed is never told so; we are. */
static bool writers_left(void)
{
	struct pollfd p = {.fd = STDIN_FILENO};

	return poll(&p, 1, 0) >= 0 && !(p.revents & POLLHUP);
}

bool hand_open(struct hand *h)
{
	h->in = one_open(STDIN_FILENO, O_RDONLY);
	h->out = one_open(STDOUT_FILENO, O_WRONLY);
	if (h->in >= 0 && h->out >= 0 && writers_left())
		return true;
	hand_close(h);
	return false;
}

void hand_close(struct hand *h)
{
	fd_t_cleanup(&h->in);
	fd_t_cleanup(&h->out);
}

int hand_over(int conn, struct hand *h, const struct timespec *patience, const sigset_t *open)
{
	struct pollfd answer = {.fd = conn, .events = POLLIN};
	int sent = ducts_hand(conn, h->in, h->out);
	char word;

	hand_close(h);
	if (sent < 0 || ppoll(&answer, 1, patience, open) <= 0 || recv(conn, &word, 1, 0) != 1)
		return -1;
	return word == DUCTS_TAKEN;
}
