/*
 * Room that is kept for what must work on a full disk: a file beside the store that is given up
 * when a revocation cannot be written otherwise, and made again when there is room.
 */
#include "store/private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/log.h"

#define RESERVE_FILE "reserve"
#define RESERVE_SIZE ((off_t)256 * 1024)
#define ROOM_MIN     (4 * RESERVE_SIZE) /* the last room is for the store itself */

static bool is_made(const struct store *s)
{
	struct stat st;

	return !fstatat(s->dirfd, RESERVE_FILE, &st, AT_SYMLINK_NOFOLLOW) && S_ISREG(st.st_mode) &&
	       st.st_blocks * 512 >= RESERVE_SIZE;
}

static bool has_room(const struct store *s)
{
	struct statvfs fs;

	return !fstatvfs(s->dirfd, &fs) &&
	       fs.f_bavail * fs.f_frsize >= (unsigned long)(ROOM_MIN + RESERVE_SIZE);
}

void reserve_make(const struct store *s)
{
	AUTO(fd_t) fd = -1;
	int failed;

	if (is_made(s) || !has_room(s))
		return;
	fd = openat(s->dirfd, RESERVE_FILE, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	failed = fd < 0 ? errno : posix_fallocate(fd, 0, RESERVE_SIZE);
	if (!failed)
		return;
	if (fd >= 0)
		(void)unlinkat(s->dirfd, RESERVE_FILE, 0);
	log_warning("no room is kept in %s for a full disk: %s", s->dir, strerror(failed));
}

bool reserve_give(const struct store *s)
{
	bool made = is_made(s);

	if (!made || unlinkat(s->dirfd, RESERVE_FILE, 0))
		return false;
	(void)fsync(s->dirfd); /* some file systems give the room back only now */
	log_warning("the disk of %s is full: the reserve is given up", s->dir);
	return true;
}

bool store_give_reserve(struct store *s)
{
	return s->disk == STORE_DISK_FULL && reserve_give(s);
}

enum store_disk store_disk(const struct store *s)
{
	return s->disk;
}

static int write_little(struct store *s, struct err *e)
{
	if (store_begin(s, e))
		return -1;
	if (!meta_put(s, "tried", "", e) && !store_commit(s, e))
		return 0;
	store_rollback(s);
	return -1;
}

enum store_disk store_try(struct store *s)
{
	struct err e;

	if (s->disk != STORE_DISK_FINE && write_little(s, &e) == 0)
		log_info("the store in %s can be written again", s->dir);
	if (s->disk == STORE_DISK_FINE)
		reserve_make(s);
	return s->disk;
}
