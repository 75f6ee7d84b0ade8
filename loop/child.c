/*
 * Child processes. Identity is always a pidfd, so a signal cannot hit a reused pid; SIGCHLD keeps
 * its default action and nobody else in the house waits for children.
 */
#include "loop/child.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loop/loop_private.h"
#include "loop/spawn.h"

/* ---- the end of a process ---- */

static void child_release(struct child *c)
{
	/* In this order: the kernel may go on reporting a closed pidfd that is still registered. */
	io_stop(&c->io);
	close(c->io.fd);
	c->pid = 0;
}

static void child_status(struct child *c, const siginfo_t *info)
{
	if (info->si_code == CLD_EXITED)
		c->exit_code = info->si_status;
	else
		c->exit_signal = info->si_status;
}

static void pidfd_ready(struct io *io, int events, void *owner)
{
	struct child *c = owner;
	siginfo_t info = {0};

	(void)io;
	(void)events;
	if (waitid(P_PIDFD, (id_t)c->io.fd, &info, WEXITED | WNOHANG) == 0) {
		if (info.si_pid == 0)
			return;
		child_status(c, &info);
	}
	child_release(c);
	c->exited(c, c->owner);
}

static void child_watch(struct child *c, struct loop *l, pid_t pid, int pidfd)
{
	c->pid = pid;
	c->exit_code = -1;
	c->exit_signal = 0;
	io_init(&c->io, l, pidfd, pidfd_ready, c);
	io_start(&c->io, IO_READ);
}

/* ---- start ---- */

static int spawn_failed(const struct child_spec *spec, int reason, struct err *e)
{
	struct stat st;
	bool no_cwd = spec->cwd && (stat(spec->cwd, &st) < 0 || !S_ISDIR(st.st_mode));

	errno = reason;
	if (no_cwd && (reason == ENOENT || reason == ENOTDIR || reason == EACCES))
		return err_errno(e, "cannot start %s in %s", spec->argv[0], spec->cwd);
	return err_errno(e, "cannot start %s", spec->argv[0]);
}

int child_spawn(struct child *c, struct loop *l, const struct child_spec *spec,
		child_exited_fn *exited, void *owner, struct err *e)
{
	pid_t pid;
	int pidfd;
	int rc = process_spawn(spec, loop_spawn_fds(l), loop_spawn_signals(l), &pid, &pidfd);

	if (rc)
		return spawn_failed(spec, rc, e);
	c->exited = exited;
	c->owner = owner;
	c->ours = true;
	c->start_ticks = 0;
	child_watch(c, l, pid, pidfd);
	return 0;
}

/* A process that ended and was not waited for still has its pid and start time. */
static bool has_ended(int pidfd)
{
	struct pollfd p = {.fd = pidfd, .events = POLLIN};

	return poll(&p, 1, 0) > 0;
}

int child_adopt(struct child *c, struct loop *l, pid_t pid, int64_t start_ticks,
		child_exited_fn *exited, void *owner, struct err *e)
{
	siginfo_t info = {0};
	int pidfd = pid > 0 ? pidfd_open(pid, 0) : -1;
	bool ours =
		pidfd >= 0 && waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG | WNOWAIT) == 0;

	if (pidfd < 0 && pid > 0 && errno != ESRCH && errno != EINVAL)
		return err_errno(e, "cannot watch process %d", (int)pid);
	if (pidfd < 0 || start_ticks <= 0 || process_start_ticks(pid) != start_ticks ||
	    (!ours && has_ended(pidfd))) {
		if (pidfd >= 0)
			close(pidfd);
		return err_set(e, ERR_NOT_FOUND, "process %d is gone", (int)pid);
	}
	c->exited = exited;
	c->owner = owner;
	c->ours = ours;
	c->start_ticks = start_ticks;
	child_watch(c, l, pid, pidfd);
	return 0;
}

int child_signal(struct child *c, int signo)
{
	if (c->pid == 0)
		return -1;
	return pidfd_send_signal(c->io.fd, signo, NULL, 0);
}

int64_t child_start_ticks(struct child *c)
{
	if (!c->start_ticks && c->pid != 0)
		c->start_ticks = process_start_ticks(c->pid);
	return c->start_ticks;
}

void child_forget(struct child *c)
{
	if (c->pid != 0)
		child_release(c);
}

/* ---- facts ---- */

static ssize_t proc_read(const char *path, char *out, size_t size)
{
	AUTO(fd_t) fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	do
		n = read(fd, out, size);
	while (n < 0 && errno == EINTR);
	return n;
}

int64_t process_start_ticks(pid_t pid)
{
	char path[64], text[1024];
	const char *p;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	n = proc_read(path, text, sizeof(text) - 1);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	/* The name in parentheses may hold anything; after its end come field 3, 4, … */
	p = strrchr(text, ')');
	for (int field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	return p ? strtoll(p + 1, NULL, 10) : 0;
}

int process_cmdline(pid_t pid, struct buf *out, size_t limit)
{
	char path[64];
	char text[4096];
	size_t got = 0;
	ssize_t n = 0;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	AUTO(fd_t) fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	while (got < limit) {
		size_t room = limit - got < sizeof(text) ? limit - got : sizeof(text);

		n = read(fd, text, room);
		if (n <= 0)
			break;
		if (buf_add(out, text, (size_t)n) < 0)
			return -1;
		got += (size_t)n;
	}
	return n < 0 ? -1 : 0;
}

void process_boot_id(char out[40])
{
	ssize_t n = proc_read("/proc/sys/kernel/random/boot_id", out, 39);

	out[n > 0 ? n : 0] = '\0';
	out[strcspn(out, "\n")] = '\0';
}

typedef DIR *dir_t;

static void dir_t_cleanup(dir_t *d)
{
	if (*d)
		closedir(*d);
}

/* 0 when the entry of /proc is no process of that user. */
static pid_t process_of(int proc, const char *name, uid_t uid)
{
	struct stat st;
	char *end;
	long pid;

	if (!isdigit((unsigned char)*name))
		return 0;
	pid = strtol(name, &end, 10);
	if (*end || fstatat(proc, name, &st, 0) < 0 || st.st_uid != uid)
		return 0;
	return (pid_t)pid;
}

int process_list(pid_t **pids, size_t *n, struct err *e)
{
	AUTO(dir_t) proc = opendir("/proc");
	pid_t *found = NULL;
	size_t count = 0, cap = 0;
	const struct dirent *entry;

	if (!proc)
		return err_errno(e, "cannot list processes");
	while ((entry = readdir(proc))) {
		pid_t pid = process_of(dirfd(proc), entry->d_name, geteuid());

		if (pid == 0)
			continue;
		if (count == cap) {
			cap = cap ? cap * 2 : 64;
			found = mem_grow(found, cap, sizeof(*found));
		}
		found[count++] = pid;
	}
	*pids = found;
	*n = count;
	return 0;
}
