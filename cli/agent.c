/* pkttyagent answers for its parent process, which is the one that calls the daemon. */
#include "cli/agent.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define PKTTYAGENT "/usr/bin/pkttyagent" /* where Debian has it */

enum { READY_MS = 3000, NOTIFY_FD = 3, STOP_TRIES = 40, STOP_MS = 25 };

/* It closes the descriptor when polkit knows it; a wait without end would help nobody. */
static void wait_ready(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	(void)poll(&p, 1, READY_MS);
}

/* A desktop has a dialogue of its own, which goes first. Anywhere else the terminal is asked at
 * once: polkit takes no fallback for a process that is in no session (su, a container, a service).
 */
static bool has_desktop(void)
{
	return getenv("XDG_SESSION_ID") && (getenv("DISPLAY") || getenv("WAYLAND_DISPLAY"));
}

static pid_t spawn_agent(int notify)
{
	char path[] = PKTTYAGENT, option[] = "--notify-fd", fd[] = "3", fallback[] = "--fallback";
	char *argv[] = {path, option, fd, has_desktop() ? fallback : NULL, NULL};
	posix_spawn_file_actions_t actions;
	pid_t pid = 0;

	if (posix_spawn_file_actions_init(&actions) != 0)
		return 0;
	if (posix_spawn_file_actions_adddup2(&actions, notify, NOTIFY_FD) != 0 ||
	    posix_spawn(&pid, path, &actions, NULL, argv, environ) != 0)
		pid = 0;
	(void)posix_spawn_file_actions_destroy(&actions);
	return pid;
}

pid_t agent_start(void)
{
	int ends[2];

	if (geteuid() == 0 || !isatty(STDIN_FILENO) || access(PKTTYAGENT, X_OK) != 0)
		return 0;
	if (pipe2(ends, O_CLOEXEC) != 0)
		return 0;
	/* The same number would be closed when the program starts. */
	int notify = fcntl(ends[1], F_DUPFD_CLOEXEC, NOTIFY_FD + 1);
	pid_t pid = notify < 0 ? 0 : spawn_agent(notify);
	(void)close(ends[1]);
	if (notify >= 0)
		(void)close(notify);
	if (pid)
		wait_ready(ends[0]);
	(void)close(ends[0]);
	return pid;
}

void agent_stop(pid_t pid)
{
	if (pid <= 0)
		return;
	/* Asked first, so that it gives the terminal back as it was. */
	(void)kill(pid, SIGTERM);
	for (int i = 0; i < STOP_TRIES; i++) {
		if (waitpid(pid, NULL, WNOHANG) != 0)
			return;
		(void)poll(NULL, 0, STOP_MS);
	}
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}
