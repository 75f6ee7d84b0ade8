/* Files in our own folders: opened by directory descriptor with O_NOFOLLOW, written whole
 * (temporary file, fsync, rename, fsync of the folder), read with a limit. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

/* Open (or make, 0700) a folder below dirfd. The caller closes *fd. */
MUST_USE int dir_open(int dirfd, const char *path, bool create, int *fd, struct err *e);
/* Appends; limit in bytes, 0 = 16 MiB. Only regular files. */
MUST_USE int file_read(int dirfd, const char *path, size_t limit, struct buf *out, struct err *e);
MUST_USE int file_write(int dirfd, const char *path, const void *data, size_t len, mode_t mode,
			struct err *e);
/* A missing file is no error. */
bool file_exists(int dirfd, const char *path);

#endif
