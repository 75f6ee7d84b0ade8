/*
 * The growing buffer. The NUL behind the data is kept by every function here; nothing is ever
 * added in part.
 */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAP = 64 };

void buf_t_cleanup(buf_t *b)
{
	buf_free(b);
}

/* realloc may leave the old bytes behind in freed memory, so a secret is moved by hand. */
static void move_to(struct buf *b, size_t cap)
{
	char *bigger;

	if (!b->secret) {
		b->data = mem_grow(b->data, cap, 1);
		b->cap = cap;
		return;
	}
	bigger = mem_alloc(cap);
	if (b->data) {
		memcpy(bigger, b->data, b->len + 1);
		explicit_bzero(b->data, b->cap);
	}
	free(b->data);
	b->data = bigger;
	b->cap = cap;
}

/* Room for len more bytes and the NUL. */
static int reserve(struct buf *b, size_t len)
{
	size_t need, cap;

	if (__builtin_add_overflow(b->len, len, &need) || (b->limit && need > b->limit)) {
		b->truncated = true;
		return -1;
	}
	if (need < b->cap)
		return 0;
	cap = b->cap ? b->cap : FIRST_CAP;
	/* In large steps where that costs little: most answers grow to a few thousand bytes. */
	while (cap <= need)
		cap = cap < 1024 ? cap * 4 : cap <= SIZE_MAX / 2 ? cap * 2 : SIZE_MAX;
	move_to(b, cap);
	return 0;
}

void buf_expect(struct buf *b, size_t len)
{
	if (!b->limit && len >= b->cap - b->len && len < SIZE_MAX - b->len)
		move_to(b, b->len + len + 1);
}

char *buf_more_slowly(struct buf *b, size_t len)
{
	char *room;

	if (reserve(b, len))
		return NULL;
	room = b->data + b->len;
	b->len += len;
	b->data[b->len] = '\0';
	return room;
}

int buf_add(struct buf *b, const void *data, size_t len)
{
	char *room = buf_more(b, len);

	if (!room)
		return -1;
	if (len)
		memcpy(room, data, len);
	return 0;
}

int buf_insert(struct buf *b, size_t at, const void *data, size_t len)
{
	size_t behind = b->len - at;

	if (!buf_more(b, len))
		return -1;
	memmove(b->data + at + len, b->data + at, behind);
	if (len)
		memcpy(b->data + at, data, len);
	return 0;
}

int buf_str(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s));
}

int buf_char(struct buf *b, char c)
{
	char *room = buf_more(b, 1);

	if (!room)
		return -1;
	*room = c;
	return 0;
}

int buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	int n, result = -1;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n >= 0 && reserve(b, (size_t)n) == 0) {
		vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
		result = 0;
	}
	va_end(again);
	va_end(ap);
	return result;
}

void buf_name(struct buf *b, const char *name)
{
	if (b->truncated || buf_printf(b, "%s%s", b->len ? ", " : "", name) == 0)
		return;
	b->limit += strlen(BUF_MORE);
	(void)buf_str(b, BUF_MORE);
}

void buf_consume(struct buf *b, size_t n)
{
	size_t old = b->len;

	if (n > b->len)
		n = b->len;
	if (n == 0)
		return;
	b->len -= n;
	memmove(b->data, b->data + n, b->len + 1);
	if (b->secret)
		explicit_bzero(b->data + b->len, old - b->len);
}

void buf_reset(struct buf *b)
{
	if (b->data && b->secret)
		explicit_bzero(b->data, b->cap);
	if (b->data)
		b->data[0] = '\0';
	b->len = 0;
	b->truncated = false;
}

void buf_free(struct buf *b)
{
	if (b->data && b->secret)
		explicit_bzero(b->data, b->cap);
	free(b->data);
	b->data = NULL;
	b->len = b->cap = 0;
	b->truncated = false;
}

void buf_wipe(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->cap);
	buf_free(b);
}

char *buf_steal(struct buf *b)
{
	char *text = b->data ? steal(&b->data) : str_dup("");

	buf_free(b);
	return text;
}

const char *buf_text(const struct buf *b)
{
	return b->data ? b->data : "";
}
