/*
 * The little of HTTP/1.1 that both the simulated edge and the stub need: where a head ends, what a
 * header says, and a body's framing taken off. On borrowed bytes, no memory of its own. Lenient
 * where that is harmless: both peers are ours or a test's.
 */
#ifndef SIM_STUB_HTTP1_H
#define SIM_STUB_HTTP1_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HTTP1_MAX_HEAD = 32 << 10 };

/* Length of the head with its empty line; 0 = not complete yet. */
static inline size_t http1_head_len(const char *data, size_t len)
{
	const char *end = len ? memmem(data, len, "\r\n\r\n", 4) : NULL;

	return end ? (size_t)(end - data) + 4 : 0;
}

/* One line of a head: the name's and the value's place. */
struct http1_line {
	const char *start, *value;
	size_t name_len, value_len;
	size_t size; /* with its line end */
};

/* Walk the headers: *at begins at 0 and stands behind the request line after the first call. */
static inline bool http1_next_line(const char *head, size_t len, size_t *at, struct http1_line *out)
{
	const char *end, *colon, *p;

	if (!*at) {
		end = memmem(head, len, "\r\n", 2);
		*at = end ? (size_t)(end - head) + 2 : len;
	}
	if (*at >= len || !(end = memmem(head + *at, len - *at, "\r\n", 2)) || end == head + *at)
		return false;
	p = head + *at;
	colon = memchr(p, ':', (size_t)(end - p));
	out->start = p;
	out->name_len = colon ? (size_t)(colon - p) : 0;
	out->value = colon ? colon + 1 : end;
	while (out->value < end && (*out->value == ' ' || *out->value == '\t'))
		out->value++;
	out->value_len = (size_t)(end - out->value);
	while (out->value_len &&
	       (out->value[out->value_len - 1] == ' ' || out->value[out->value_len - 1] == '\t'))
		out->value_len--;
	out->size = (size_t)(end - p) + 2;
	*at += out->size;
	return true;
}

static inline bool http1_name_is(const struct http1_line *l, const char *name)
{
	return l->name_len == strlen(name) && !strncasecmp(l->start, name, l->name_len);
}

/* The value of the first header of that name is copied; false (and "") when absent or too long. */
static inline bool http1_header(const char *head, size_t len, const char *name, char *out,
				size_t size)
{
	struct http1_line l;

	out[0] = '\0';
	for (size_t at = 0; http1_next_line(head, len, &at, &l);) {
		if (!http1_name_is(&l, name))
			continue;
		if (l.value_len >= size)
			return false;
		memcpy(out, l.value, l.value_len);
		out[l.value_len] = '\0';
		return true;
	}
	return false;
}

/* Headers that belong to one hop and are not passed on. */
static inline bool http1_hop_by_hop(const struct http1_line *l)
{
	static const char *const names[] = {
		"connection",        "keep-alive", "proxy-connection", "te",
		"transfer-encoding", "upgrade",    "trailer",          "expect"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (http1_name_is(l, names[i]))
			return true;
	return false;
}

enum http1_framing { HTTP1_NO_BODY, HTTP1_LENGTH, HTTP1_CHUNKED, HTTP1_UNTIL_CLOSE };

struct http1_body {
	enum http1_framing framing;
	enum { HTTP1_SIZE, HTTP1_DATA, HTTP1_DATA_END, HTTP1_TRAILER } part; /* of a chunked one */
	uint64_t left;
};

/* What the head says of the body; otherwise = the framing where it says nothing. -1 = nonsense. */
static inline int http1_body_init(struct http1_body *b, const char *head, size_t len,
				  enum http1_framing otherwise)
{
	char value[64], *end;

	*b = (struct http1_body){.framing = otherwise};
	if (http1_header(head, len, "transfer-encoding", value, sizeof(value))) {
		if (strcasecmp(value, "chunked"))
			return -1;
		b->framing = HTTP1_CHUNKED;
	} else if (http1_header(head, len, "content-length", value, sizeof(value))) {
		b->left = strtoull(value, &end, 10);
		if (value[0] < '0' || value[0] > '9' || *end)
			return -1;
		b->framing = b->left ? HTTP1_LENGTH : HTTP1_NO_BODY;
	}
	return 0;
}

struct http1_piece {
	size_t used;      /* bytes to take off the input */
	const char *data; /* decoded bytes among them */
	size_t len;
	bool done; /* the body is complete */
};

/* A chunk's size line, or a line behind the data. -1 = nonsense, 0 = fine or not complete. */
static inline int http1_chunk_line(struct http1_body *b, const char *p, size_t n,
				   struct http1_piece *out)
{
	const char *end = n ? memmem(p, n, "\r\n", 2) : NULL;
	char *stop;

	if (!end)
		return n > 1024 ? -1 : 0;
	out->used = (size_t)(end - p) + 2;
	if (b->part == HTTP1_SIZE) {
		b->left = strtoull(p, &stop, 16);
		if (stop == p || b->left > INT32_MAX)
			return -1;
		b->part = b->left ? HTTP1_DATA : HTTP1_TRAILER;
	} else if (b->part == HTTP1_DATA_END) {
		b->part = HTTP1_SIZE;
		return end == p ? 0 : -1;
	} else if (end == p) {
		out->done = true;
	}
	return 0;
}

/* The next piece of what has come in; called until used is 0 or done. p[n] must be readable and
 * no hexadecimal digit. -1 = the framing is broken. */
static inline int http1_body_next(struct http1_body *b, const char *p, size_t n,
				  struct http1_piece *out)
{
	*out = (struct http1_piece){.data = p};
	if (b->framing == HTTP1_NO_BODY) {
		out->done = true;
		return 0;
	}
	if (b->framing == HTTP1_CHUNKED && b->part != HTTP1_DATA)
		return http1_chunk_line(b, p, n, out);
	if (b->framing != HTTP1_UNTIL_CLOSE && n > b->left)
		n = (size_t)b->left;
	out->used = out->len = n;
	if (b->framing == HTTP1_UNTIL_CLOSE)
		return 0;
	b->left -= n;
	if (!b->left && b->framing == HTTP1_CHUNKED)
		b->part = HTTP1_DATA_END;
	out->done = !b->left && b->framing == HTTP1_LENGTH;
	return 0;
}

#endif
