/*
 * Memory and small string helpers. Nothing here returns NULL for want of memory: an allocation
 * that fails ends the program with one line, because every size from outside was limited before.
 */
#include "base/mem.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Noreturn static void out_of_memory(void)
{
	static const char line[] = "out of memory\n";
	ssize_t n = write(STDERR_FILENO, line, sizeof(line) - 1);

	(void)n;
	abort();
}

static size_t product(size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes) || bytes > PTRDIFF_MAX)
		out_of_memory();
	return bytes ? bytes : 1;
}

void *mem_alloc(size_t size)
{
	return mem_array(1, size);
}

void *mem_array(size_t n, size_t size)
{
	void *p = calloc(1, product(n, size));

	if (!p)
		out_of_memory();
	return p;
}

void *mem_grow(void *p, size_t n, size_t size)
{
	void *q = realloc(p, product(n, size));

	if (!q)
		out_of_memory();
	return q;
}

void str_t_cleanup(str_t *s)
{
	free(*s);
	*s = NULL;
}

void fd_t_cleanup(fd_t *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Grows when n is a power of two. */
void *mem_room(void *items, size_t n, size_t size)
{
	return n & (n - 1) ? items : mem_grow(items, n ? n * 2 : 1, size);
}

char *str_dup(const char *s)
{
	return s ? str_ndup(s, strlen(s)) : NULL;
}

char *str_ndup(const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *copy = mem_alloc(len + 1);

	memcpy(copy, s, len);
	return copy;
}

char *str_lower(const char *s)
{
	char *copy = str_ndup(s, strlen(s));

	for (char *p = copy; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return copy;
}

char *str_format(const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	s = str_vformat(fmt, ap);
	va_end(ap);
	return s;
}

char *str_vformat(const char *fmt, va_list ap)
{
	char *s = NULL;

	if (vasprintf(&s, fmt, ap) < 0)
		out_of_memory();
	return s;
}

void str_set(char **slot, const char *s)
{
	if (*slot && s && strcmp(*slot, s) == 0)
		return;
	char *copy = str_dup(s); /* before the free: s may be a part of the old value */

	free(*slot);
	*slot = copy;
}

bool str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

bool str_copy(char *dst, size_t size, const char *src)
{
	size_t len = strlen(src);

	if (len >= size) {
		if (size)
			dst[0] = '\0';
		return false;
	}
	memmove(dst, src, len + 1);
	return true;
}

void str_join(char *dst, size_t size, const char *const *texts)
{
	size_t at = 0;

	for (; *texts; texts++) {
		size_t len = strnlen(*texts, size - 1 - at);

		memcpy(dst + at, *texts, len);
		at += len;
	}
	dst[at] = '\0';
}

void strlist_add(struct strlist *l, const char *s)
{
	char *copy = str_dup(s ? s : "");

	l->items = mem_grow(l->items, l->n + 1, sizeof(*l->items));
	l->items[l->n++] = copy;
}

bool strlist_has(const struct strlist *l, const char *s)
{
	for (size_t i = 0; i < l->n; i++)
		if (str_equal(l->items[i], s))
			return true;
	return false;
}

void strlist_free(struct strlist *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->items[i]);
	free(l->items);
	l->items = NULL;
	l->n = 0;
}

void strlist_t_cleanup(strlist_t *l)
{
	strlist_free(l);
}
