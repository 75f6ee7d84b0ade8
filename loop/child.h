/*
 * Child processes: with an environment built from nothing and no inherited descriptor,
 * a pidfd in the loop instead of SIGCHLD. A process of an earlier life of ours can be watched too
 * (its exit status is then unknown, since it is not our child).
 */
#ifndef LOOP_CHILD_H
#define LOOP_CHILD_H

#include <sys/types.h>

#include "base/buf.h"
#include "loop/loop.h"

struct child;
typedef void child_exited_fn(struct child *c, void *owner);

struct child {
	struct io io;        /* on the pidfd */
	pid_t pid;           /* 0 = none; so it is in exited() already */
	int exit_code;       /* valid in exited(): -1 when killed or unknown */
	int exit_signal;     /* 0 when it was no signal or unknown */
	bool ours;           /* our own child: exit_code and signal will be known */
	int64_t start_ticks; /* 0 = not looked up yet: child_start_ticks() */
	child_exited_fn *exited;
	void *owner;
};

struct child_spec {
	const char *const *argv; /* argv[0] is the absolute path that is executed */
	const char *const *envp; /* whole environment; NULL = empty */
	int stderr_fd;           /* also stdout; -1 = /dev/null. stdin is /dev/null */
	const char *cwd;         /* NULL = "/" */
};

/* Spawned in a process group of its own, default signal actions, empty signal mask. exited() comes
 * from the loop, once. On ENOENT/EACCES the sentence names the file. */
MUST_USE int child_spawn(struct child *c, struct loop *l, const struct child_spec *spec,
			 child_exited_fn *exited, void *owner, struct err *e);
/* Watch a process that is not ours (any more): ERR_NOT_FOUND when pid with that start time does not
 * exist. exit_code -1 and exit_signal 0 in exited() unless it is our own child. */
MUST_USE int child_adopt(struct child *c, struct loop *l, pid_t pid, int64_t start_ticks,
			 child_exited_fn *exited, void *owner, struct err *e);
/* By pidfd, so never to a reused pid. -1 when it is gone. */
int child_signal(struct child *c, int signo);
/* Field 22 of /proc/PID/stat: with pid and boot id it names a process. 0 when there is none. It is
 * looked up when it is first asked for, until exited(): the kernel keeps it for one that ended and
 * was not waited for. */
int64_t child_start_ticks(struct child *c);
/* Stop watching; the process goes on. Idempotent; fine on a zeroed child. */
void child_forget(struct child *c);

/* Facts about any process: start ticks (0 = no such process), and its command line with NUL bytes
 * between arguments (at most limit bytes). */
int64_t process_start_ticks(pid_t pid);
MUST_USE int process_cmdline(pid_t pid, struct buf *out, size_t limit);
/* /proc/sys/kernel/random/boot_id, "" when unreadable. */
void process_boot_id(char out[40]);
/* All pids of processes of our own uid, for finding a connector started just before a crash. */
MUST_USE int process_list(pid_t **pids, size_t *n, struct err *e);

#endif
