/*
 * The files of the store in state_dir: the lock, the database and what belongs to it. All are
 * reached by the folder's descriptor, never through a symbolic link, and are for our user alone.
 */
#include "store/private.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#define LOCK_FILE      "lock"
#define SUSPECT_FILE   STORE_FILE ".suspect"
#define ASIDE_TRIES    100
#define FILE_MODE      (S_IRUSR | S_IWUSR)
#define FILE_FLAGS     (O_RDWR | O_NOFOLLOW | O_CLOEXEC)
#define ASIDE_NAME_MAX 80
#define LOCK_TRIES     100
#define LOCK_PAUSE_NS  (20 * 1000 * 1000)

static const char *const suffixes[] = {"", "-wal", "-shm"};

/* ---- the lock ---- */

static long lock_pid(int fd)
{
	char text[24] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	return n > 0 ? strtol(text, NULL, 10) : 0;
}

static bool holder_is_dead(int fd)
{
	long pid = lock_pid(fd);

	return pid > 0 && kill((pid_t)pid, 0) < 0 && errno == ESRCH;
}

/* A daemon that was killed while it started a connector leaves the lock with the child until that
 * runs its program: for a moment a dead process seems to hold it. */
static int lock_patiently(int fd)
{
	struct timespec pause = {.tv_nsec = LOCK_PAUSE_NS};

	for (int i = 0; i < LOCK_TRIES; i++) {
		if (!flock(fd, LOCK_EX | LOCK_NB))
			return 0;
		if (errno != EWOULDBLOCK)
			return -1;
		if (!holder_is_dead(fd))
			break;
		(void)nanosleep(&pause, NULL);
	}
	errno = EWOULDBLOCK;
	return -1;
}

static int fail_locked(struct store *s, int fd, struct err *e)
{
	long pid = lock_pid(fd);

	if (pid > 0)
		err_set(e, ERR_BUSY, "%s is in use by another aditd, process %ld", s->dir, pid);
	else
		err_set(e, ERR_BUSY, "%s is in use by another aditd", s->dir);
	return err_hint(e, "Stop the other one, or give this one a state_dir of its own.");
}

static int write_pid(int fd)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

	if (ftruncate(fd, 0))
		return -1;
	return pwrite(fd, text, (size_t)n, 0) == n ? 0 : -1;
}

int files_lock(struct store *s, struct err *e)
{
	AUTO(fd_t) fd = openat(s->dirfd, LOCK_FILE, FILE_FLAGS | O_CREAT, FILE_MODE);

	if (fd < 0)
		return err_errno(e, "cannot open %s/%s", s->dir, LOCK_FILE);
	if (lock_patiently(fd)) {
		if (errno == EWOULDBLOCK)
			return fail_locked(s, fd, e);
		return err_errno(e, "cannot lock %s/%s", s->dir, LOCK_FILE);
	}
	/* The pid only serves the other one's message: a full disk must not keep us from starting.
	 */
	if (write_pid(fd))
		(void)!ftruncate(fd, 0);
	s->lock = fd;
	fd = -1;
	return 0;
}

/* ---- the database ---- */

static int check_file(struct store *s, int fd, const char *name, off_t *size, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st))
		return err_errno(e, "cannot look at %s/%s", s->dir, name);
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1)
		return err_set(e, ERR_DENIED, "%s/%s is not a plain file with one name", s->dir,
			       name);
	if (st.st_uid != geteuid())
		return err_set(e, ERR_DENIED, "%s/%s belongs to user %ld, not to us", s->dir, name,
			       (long)st.st_uid);
	if ((st.st_mode & 07777) != FILE_MODE && fchmod(fd, FILE_MODE))
		return err_errno(e, "cannot set the mode of %s/%s", s->dir, name);
	*size = st.st_size;
	return 0;
}

static int prepare_file(struct store *s, const char *suffix, off_t *size, struct err *e)
{
	char name[sizeof(STORE_FILE) + 8];
	AUTO(fd_t) fd = -1;

	snprintf(name, sizeof(name), "%s%s", STORE_FILE, suffix);
	fd = openat(s->dirfd, name, FILE_FLAGS | (*suffix ? 0 : O_CREAT), FILE_MODE);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 && errno == ELOOP)
		return err_set(e, ERR_DENIED, "%s/%s is a symbolic link", s->dir, name);
	if (fd < 0)
		return err_errno(e, "cannot open %s/%s", s->dir, name);
	return check_file(s, fd, name, size, e);
}

int files_prepare(struct store *s, off_t *size, struct err *e)
{
	off_t sizes[ARRAY_LEN(suffixes)];

	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++)
		if (prepare_file(s, suffixes[i], &sizes[i], e))
			return -1;
	*size = sizes[0];
	return 0;
}

int files_same(const struct store *s, struct err *e)
{
	struct stat here, there;

	if (fstatat(s->dirfd, STORE_FILE, &here, AT_SYMLINK_NOFOLLOW) || lstat(s->path, &there))
		return err_errno(e, "cannot look at %s", s->path);
	if (here.st_ino != there.st_ino || here.st_dev != there.st_dev)
		return err_set(e, ERR_CONFLICT, "%s was replaced while it was opened", s->path);
	return 0;
}

bool files_wal_left(const struct store *s)
{
	struct stat st;

	return !fstatat(s->dirfd, STORE_FILE "-wal", &st, AT_SYMLINK_NOFOLLOW) && st.st_size > 0;
}

/* ---- damage ---- */

/* A sign beside the file, since a damaged file may not take one. */
void files_suspect(const struct store *s)
{
	AUTO(fd_t) fd = openat(s->dirfd, SUSPECT_FILE, FILE_FLAGS | O_CREAT, FILE_MODE);

	if (fd < 0 || fsync(s->dirfd))
		log_warning("cannot make %s/%s: %s", s->dir, SUSPECT_FILE, strerror(errno));
}

bool files_suspected(const struct store *s)
{
	return !faccessat(s->dirfd, SUSPECT_FILE, F_OK, AT_SYMLINK_NOFOLLOW);
}

void files_trust(const struct store *s)
{
	unlinkat(s->dirfd, SUSPECT_FILE, 0);
}

/* One moment for all files of a store: they belong together. */
static void aside_name(time_t now, int attempt, const char *suffix, char out[ASIDE_NAME_MAX])
{
	char when[24] = "", nth[16] = "";
	struct tm tm;

	if (gmtime_r(&now, &tm))
		strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &tm);
	if (attempt)
		snprintf(nth, sizeof(nth), ".%d", attempt);
	snprintf(out, ASIDE_NAME_MAX, "%s.damaged-%s%s%s", STORE_FILE, when, nth, suffix);
}

static int rename_one(const struct store *s, time_t now, int attempt, const char *suffix)
{
	char from[sizeof(STORE_FILE) + 8], to[ASIDE_NAME_MAX];

	snprintf(from, sizeof(from), "%s%s", STORE_FILE, suffix);
	aside_name(now, attempt, suffix, to);
	return renameat2(s->dirfd, from, s->dirfd, to, RENAME_NOREPLACE);
}

/* WAL and index go first: left beside a new database they would be taken for its own. */
int files_move_aside(const struct store *s, char **name, struct err *e)
{
	time_t now = (time_t)(clock_wall_ms() / 1000);
	char to[ASIDE_NAME_MAX];
	int attempt = 0;

	for (size_t i = ARRAY_LEN(suffixes); i-- > 0;) {
		while (rename_one(s, now, attempt, suffixes[i])) {
			if (errno == ENOENT)
				break;
			if (errno != EEXIST || ++attempt == ASIDE_TRIES)
				return err_errno(e, "cannot move the damaged %s aside", s->path);
		}
	}
	if (fsync(s->dirfd))
		return err_errno(e, "cannot move the damaged %s aside", s->path);
	aside_name(now, attempt, "", to);
	*name = str_dup(to);
	return 0;
}
