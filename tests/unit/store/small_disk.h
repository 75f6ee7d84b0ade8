/* A real disk that is small, in a child with mounts of its own. */
#ifndef TESTS_UNIT_STORE_SMALL_DISK_H
#define TESTS_UNIT_STORE_SMALL_DISK_H

#include "tests/unit/store/fixture.h"

#include <sched.h>
#include <sys/mount.h>

enum { DISK_OK, DISK_SKIPPED = 100 };

/* Over the fixture's folder, whose descriptor is the disk's then; false when nobody may mount. */
static inline bool mount_small_disk(struct fixture *f, const char *size)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmpfs", f->dir, "tmpfs", 0, size))
		return false;
	f->options.dirfd = open(f->dir, O_RDONLY | O_DIRECTORY);
	return true;
}

/* work returns DISK_OK, DISK_SKIPPED, or the number of the step that failed. */
static inline void run_in_child(struct fixture *f, int (*work)(struct fixture *f))
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(work(f));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == DISK_SKIPPED)
		skip();
	assert_int_equal(WEXITSTATUS(status), DISK_OK);
}

#endif
