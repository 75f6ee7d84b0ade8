/*
 * Buffers of the stub. Out of memory is fatal. A buffer is appended at its end and read from its
 * front; sizes are bounded by who reads (frames by WIRE_MAX, heads by HTTP1_MAX_HEAD).
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sim/stub/stub.h"

void *must_alloc(size_t size)
{
	void *p = calloc(1, size ? size : 1);

	if (!p)
		abort();
	return p;
}

char *must_dup(const char *s)
{
	size_t n = strlen(s) + 1;

	return memcpy(must_alloc(n), s, n);
}

static void make_room(struct bytes *b, size_t len)
{
	size_t need = b->start + b->len + len + 1;

	if (b->start && (!b->len || need > b->cap)) {
		memmove(b->data, b->data + b->start, b->len);
		b->start = 0;
		need = b->len + len + 1;
	}
	if (need <= b->cap)
		return;
	b->cap = need * 2 < 4096 ? 4096 : need * 2;
	b->data = realloc(b->data, b->cap);
	if (!b->data)
		abort();
}

void bytes_add(struct bytes *b, const void *data, size_t len)
{
	make_room(b, len);
	if (len)
		memcpy(b->data + b->start + b->len, data, len);
	b->len += len;
	b->data[b->start + b->len] = '\0';
}

void bytes_printf(struct bytes *b, const char *fmt, ...)
{
	va_list ap;
	char *text = NULL;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		abort();
	bytes_add(b, text, (size_t)n);
	free(text);
}

void bytes_json(struct bytes *b, const char *text)
{
	bytes_add(b, "\"", 1);
	for (const char *p = text; *p; p++) {
		unsigned char c = (unsigned char)*p;

		if (c == '"' || c == '\\')
			bytes_printf(b, "\\%c", c);
		else if (c < 0x20)
			bytes_printf(b, "\\u%04x", c);
		else
			bytes_add(b, p, 1);
	}
	bytes_add(b, "\"", 1);
}

void bytes_take(struct bytes *b, size_t n)
{
	b->start += n;
	b->len -= n;
	if (!b->len)
		b->start = 0;
}

void bytes_free(struct bytes *b)
{
	free(b->data);
	*b = (struct bytes){0};
}

const char *bytes_at(const struct bytes *b)
{
	return b->len ? b->data + b->start : "";
}

int bytes_fill(struct bytes *b, int fd)
{
	ssize_t n;

	make_room(b, WIRE_PIECE);
	n = read(fd, b->data + b->start + b->len, WIRE_PIECE);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? -1 : -2;
	b->len += (size_t)n;
	b->data[b->start + b->len] = '\0';
	return n ? 1 : 0;
}

int bytes_drain(struct bytes *b, int fd)
{
	while (b->len) {
		ssize_t n = send(fd, b->data + b->start, b->len, MSG_NOSIGNAL);

		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -2;
		bytes_take(b, (size_t)n);
	}
	return 0;
}

static int base64_digit(char c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

bool base64_plain(const char *text, struct bytes *out)
{
	size_t len = strlen(text);

	if (!len || len % 4)
		return false;
	for (size_t i = 0; i < len; i += 4) {
		uint32_t word = 0;
		size_t pad = i + 4 < len ? 0 : (text[len - 1] == '=') + (text[len - 2] == '=');
		char three[3];

		for (size_t k = 0; k < 4; k++) {
			int d = k + pad >= 4 ? 0 : base64_digit(text[i + k]);

			if (d < 0)
				return false;
			word = word << 6 | (uint32_t)d;
		}
		for (int k = 0; k < 3; k++)
			three[k] = (char)(word >> (16 - 8 * k) & 255);
		bytes_add(out, three, 3 - pad);
	}
	return true;
}
