#include "supervise/binary.h"

#include <ctype.h>
#include <string.h>
#include <sys/stat.h>

#define NS_PER_S 1000000000LL

void binary_stat(const char *path, struct binary_id *id)
{
	struct stat st;

	*id = (struct binary_id){0};
	if (!path || stat(path, &st) || !S_ISREG(st.st_mode))
		return;
	id->dev = (int64_t)st.st_dev;
	id->ino = (int64_t)st.st_ino;
	id->mtime_ns = (int64_t)st.st_mtim.tv_sec * NS_PER_S + st.st_mtim.tv_nsec;
	id->size = st.st_size;
}

bool binary_known(const struct binary_id *id)
{
	return id->ino != 0;
}

bool binary_same(const struct binary_id *a, const struct binary_id *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->mtime_ns == b->mtime_ns &&
	       a->size == b->size;
}

/* "cloudflared version 2026.8.2 (built 2026-08-01-0000 UTC)" */
bool binary_read_version(const char *text, char *out, size_t size)
{
	static const char before[] = "cloudflared version ";
	const char *at = strstr(text, before);
	size_t n = 0;

	if (!at)
		return false;
	at += sizeof(before) - 1;
	while (isalnum((unsigned char)at[n]) || at[n] == '.' || at[n] == '-')
		n++;
	if (n == 0 || n >= size)
		return false;
	memcpy(out, at, n);
	out[n] = '\0';
	return true;
}
