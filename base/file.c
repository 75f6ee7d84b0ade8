/*
 * Files in our own folders. A file is there whole or not at all, also after a power cut; a
 * symbolic link at the end of a path is never followed.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_DEFAULT_LIMIT = 16 * 1024 * 1024 };

int dir_open(int dirfd, const char *path, bool create, int *fd, struct err *e)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int opened = openat(dirfd, path, flags);

	if (opened < 0 && errno == ENOENT && create) {
		if (mkdirat(dirfd, path, 0700) && errno != EEXIST)
			return err_errno(e, "cannot make folder %s", path);
		opened = openat(dirfd, path, flags);
	}
	if (opened < 0)
		return err_errno(e, "cannot open folder %s", path);
	*fd = opened;
	return 0;
}

/* One that says how large it is needs not be asked whether that was all. */
static int read_into(int fd, const char *path, size_t size, struct buf *b, struct err *e)
{
	char piece[4096];
	ssize_t n;

	do {
		n = read(fd, piece, sizeof(piece));
		if (n > 0 && buf_add(b, piece, (size_t)n)) {
			n = 0;
			break;
		}
	} while ((n > 0 && b->len != size) || (n < 0 && errno == EINTR));
	if (b->secret)
		explicit_bzero(piece, sizeof(piece));
	if (b->truncated)
		return err_set(e, ERR_INVALID, "%s is larger than %zu bytes", path, b->limit);
	return n < 0 ? err_errno(e, "cannot read %s", path) : 0;
}

int file_read(int dirfd, const char *path, size_t limit, struct buf *out, struct err *e)
{
	/* O_NONBLOCK: opening a pipe that somebody put there must not wait for its writer. */
	AUTO(fd_t)
	fd = openat(dirfd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	AUTO(buf_t) b = {.limit = limit ? limit : READ_DEFAULT_LIMIT, .secret = out->secret};
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return err_errno(e, "cannot open %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_INVALID, "%s is not a regular file", path);
	if (read_into(fd, path, (size_t)st.st_size, &b, e))
		return -1;
	if (buf_add(out, buf_text(&b), b.len))
		return err_set(e, ERR_INVALID, "%s does not fit", path);
	return 0;
}

/* The folder that holds path, which a rename needs fsynced to last. */
static int sync_folder(int dirfd, const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	AUTO(str_t) folder = slash ? str_ndup(path, (size_t)(slash - path) + 1) : str_dup(".");
	AUTO(fd_t) fd = openat(dirfd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd))
		return err_errno(e, "cannot sync the folder of %s", path);
	return 0;
}

static int write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/* A new file with exactly this mode, whatever the umask and whatever a crash left behind. */
static int write_new(int dirfd, const char *path, const void *data, size_t len, mode_t mode)
{
	AUTO(fd_t) fd = -1;

	if (unlinkat(dirfd, path, 0) && errno != ENOENT)
		return -1;
	fd = openat(dirfd, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	return fchmod(fd, mode) || write_all(fd, data, len) || fsync(fd) ? -1 : 0;
}

int file_write(int dirfd, const char *path, const void *data, size_t len, mode_t mode,
	       struct err *e)
{
	AUTO(str_t) fresh = str_format("%s.tmp", path);

	if (write_new(dirfd, fresh, data, len, mode) || renameat(dirfd, fresh, dirfd, path)) {
		err_errno(e, "cannot write %s", path);
		unlinkat(dirfd, fresh, 0);
		return -1;
	}
	return sync_folder(dirfd, path, e);
}

bool file_exists(int dirfd, const char *path)
{
	struct stat st;

	return fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}
