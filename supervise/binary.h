/*
 * The cloudflared on the disk: which file it is, told by one stat, and which version, told by one
 * run of it with --version in an empty environment. The latter only when the file is another one
 * than what runs: nothing is spawned without cause.
 */
#ifndef SUPERVISE_BINARY_H
#define SUPERVISE_BINARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which file it is; zeroes = not known. */
struct binary_id {
	int64_t dev, ino, mtime_ns, size;
};

/* Zeroes when it is not there. */
void binary_stat(const char *path, struct binary_id *id);
bool binary_known(const struct binary_id *id);
bool binary_same(const struct binary_id *a, const struct binary_id *b);
/* Pure: the version in what `cloudflared --version` prints; false when there is none. */
bool binary_read_version(const char *text, char *out, size_t size);

#endif
