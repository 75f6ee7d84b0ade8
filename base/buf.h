/*
 * A growing byte buffer with an optional limit. The data is always followed by a NUL that is not
 * counted, so that data can be read as a string. Zeroed = empty and unlimited.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/mem.h"

struct buf {
	char *data; /* owned; NULL while nothing was added */
	size_t len, cap;
	size_t limit;   /* bytes; 0 = unlimited */
	bool truncated; /* something did not fit under the limit and was dropped whole */
	bool secret;    /* holds a secret: its memory is wiped when it grows and when it is freed */
};

typedef struct buf buf_t;
void buf_t_cleanup(buf_t *b);

/* So many more bytes will come: their room is taken in one step, where there is no limit. */
void buf_expect(struct buf *b, size_t len);
/* 0, or -1 when the limit would be passed (then nothing is added and truncated is set). */
int buf_add(struct buf *b, const void *data, size_t len);
/* The same before the byte at that place. */
int buf_insert(struct buf *b, size_t at, const void *data, size_t len);
int buf_str(struct buf *b, const char *s);
int buf_char(struct buf *b, char c);
/* Adds len bytes and gives them to the caller, who fills all of them at once; NULL when the limit
 * would be passed. */
char *buf_more_slowly(struct buf *b, size_t len);
static inline char *buf_more(struct buf *b, size_t len)
{
	if (b->limit || len >= b->cap - b->len)
		return buf_more_slowly(b, len);

	char *room = b->data + b->len;

	b->len += len;
	room[len] = '\0';
	return room;
}
int buf_printf(struct buf *b, const char *fmt, ...) PRINTF(2, 3);
/* One more of a list, as in "a, b": behind those that fit into the limit stands ", ...", which is
 * not counted. */
#define BUF_MORE ", ..."
void buf_name(struct buf *b, const char *name);
/* Drop n bytes at the front. */
void buf_consume(struct buf *b, size_t n);
/* Empty it, keep the memory. */
void buf_reset(struct buf *b);
/* Free the memory; the buffer can be used again. */
void buf_free(struct buf *b);
/* As buf_free, wiping the bytes first: for buffers that held a secret. */
void buf_wipe(struct buf *b);
/* Give the text away (never NULL); the caller frees it. */
char *buf_steal(struct buf *b);
/* The text as a string, "" when empty. */
const char *buf_text(const struct buf *b);

#endif
