/*
 * As posix_spawn does it: the child borrows our memory, and we wait, until it is another program.
 * It borrows our descriptors, too, and takes a copy of the first few for itself: posix_spawn copies
 * and closes all of them, which are thousands when there are thousands of connectors.
 */
#include "loop/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK_SIZE ((size_t)64 << 10)

struct birth {
	const struct spawn_fds *fds;
	const sigset_t *signals;
	union {
		/* The strings are only read, whatever the prototype says. */
		const char *const *read;
		char *const *written;
	} argv, envp;
	const char *cwd;
	struct sigaction plain;
	sigset_t none;
	int error;
};

/* ---- descriptors ---- */

/* Beyond those that the child gives a meaning of its own. */
static int open_null(void)
{
	AUTO(fd_t) fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

int spawn_fds_open(struct spawn_fds *fds)
{
	fds->null = open_null();
	fds->output = open_null();
	if (fds->null >= 0 && fds->output >= 0)
		return 0;
	spawn_fds_close(fds);
	return -1;
}

void spawn_fds_close(struct spawn_fds *fds)
{
	fd_t_cleanup(&fds->null);
	fd_t_cleanup(&fds->output);
}

/* ---- in the child ---- */

/* The first call makes the table its own: what follows is not seen by us. */
static int descriptors_take(const struct spawn_fds *fds)
{
	int last = fds->output > fds->null ? fds->output : fds->null;

	if (close_range((unsigned)last + 1, ~0U, CLOSE_RANGE_UNSHARE) || dup2(fds->null, 0) < 0 ||
	    dup2(fds->output, 1) < 0 || dup2(fds->output, 2) < 0)
		return -1;
	return close_range(3, ~0U, 0);
}

/* Before a signal may come again: our handlers must not run in the child, on our memory. */
static void signals_reset(const struct birth *b)
{
	for (int signo = 1; signo < NSIG; signo++)
		if (sigismember(b->signals, signo))
			(void)sigaction(signo, &b->plain, NULL);
	(void)sigprocmask(SIG_SETMASK, &b->none, NULL);
}

/* A process group of its own: what a terminal sends to us does not reach it. Not a session of its
 * own: the kernel shares out the processor among sessions, and a new one, with nothing to its
 * credit, waits behind all others, for some milliseconds where there is much to do. */
static int child_begins(void *arg)
{
	struct birth *b = arg;

	signals_reset(b);
	if (descriptors_take(b->fds) == 0 && setpgid(0, 0) == 0 && chdir(b->cwd) == 0)
		execve(b->argv.read[0], b->argv.written, b->envp.written);
	b->error = errno;
	_exit(127);
}

/* ---- here ---- */

static void signals_look(struct spawn_signals *signals)
{
	struct sigaction now;

	if (signals->known)
		return;
	signals->known = true;
	sigemptyset(&signals->set);
	for (int signo = 1; signo < NSIG; signo++)
		if (sigaction(signo, NULL, &now) == 0 && now.sa_handler != SIG_DFL)
			sigaddset(&signals->set, signo);
}

/* An errno of the child's is known when it has ended, or is another program: clone waits. */
static int child_clone(struct birth *b, pid_t *pid, int *pidfd)
{
	static _Alignas(16) char stack[STACK_SIZE]; /* one birth at a time */
	int flags = CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_PIDFD | SIGCHLD;
	int fd = -1;
	pid_t born = clone(child_begins, stack + sizeof(stack), flags, b, &fd);

	if (born < 0)
		return errno;
	if (b->error) {
		waitpid(born, NULL, 0);
		close(fd);
		return b->error;
	}
	*pid = born;
	*pidfd = fd;
	return 0;
}

int process_spawn(const struct child_spec *spec, const struct spawn_fds *fds,
		  struct spawn_signals *signals, pid_t *pid, int *pidfd)
{
	static const char *const nothing[] = {NULL};
	struct birth b = {
		.fds = fds,
		.signals = &signals->set,
		.argv = {.read = spec->argv},
		.envp = {.read = spec->envp ? spec->envp : nothing},
		.cwd = spec->cwd ? spec->cwd : "/",
		.plain = {.sa_handler = SIG_DFL},
	};
	sigset_t all, before;
	int rc;

	if (spec->stderr_fd >= 0 && dup3(spec->stderr_fd, fds->output, O_CLOEXEC) < 0)
		return errno;
	signals_look(signals);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	rc = child_clone(&b, pid, pidfd);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (spec->stderr_fd >= 0)
		(void)dup3(fds->null, fds->output, O_CLOEXEC);
	return rc;
}
