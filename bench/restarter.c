/*
 * The least that a supervisor can do: keep COUNT children of one program running. posix_spawn, a
 * pidfd each in epoll, started again at once; no log, no state, no back-off. What aditd takes
 * longer than this is the price of what it does besides.
 *
 * bench-restarter COUNT PROGRAM
 */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST 1000

static int pidfds[MOST];

static void start(int epoll, unsigned slot, char *program)
{
	char *argv[] = {program, NULL}, *envp[] = {NULL};
	struct epoll_event watch = {.events = EPOLLIN, .data.u32 = slot};
	pid_t pid;

	if (posix_spawn(&pid, program, NULL, NULL, argv, envp) != 0)
		exit(1);
	pidfds[slot] = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfds[slot] < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, pidfds[slot], &watch) < 0)
		exit(1);
}

int main(int argc, char **argv)
{
	int count = argc == 3 ? (int)strtol(argv[1], NULL, 10) : 0;
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event;
	siginfo_t info;

	if (count < 1 || count > MOST || epoll < 0)
		return 64;
	for (int i = 0; i < count; i++)
		start(epoll, (unsigned)i, argv[2]);
	while (epoll_wait(epoll, &event, 1, -1) == 1) {
		unsigned slot = event.data.u32;

		info.si_pid = 0;
		if (waitid(P_PIDFD, (id_t)pidfds[slot], &info, WEXITED | WNOHANG) < 0 ||
		    info.si_pid == 0)
			continue;
		/* Taken out before it is closed: a child that is being made still holds a copy. */
		epoll_ctl(epoll, EPOLL_CTL_DEL, pidfds[slot], NULL);
		close(pidfds[slot]);
		start(epoll, slot, argv[2]);
	}
	return 1;
}
