/*
 * The error value and the one table of its kinds. Sentences are cut and cleaned here, in one
 * place, so that no caller has to think of newlines in a log or of half a character at the end.
 */
#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/utf8.h"

static const struct {
	const char *name;
	int http, exit;
	bool retryable;
} kinds[ERR_KINDS] = {
	[ERR_NONE] = {"none", 200, 0, false},
	[ERR_INVALID] = {"invalid", 400, 64, false},
	[ERR_NOT_FOUND] = {"not_found", 404, 1, false},
	[ERR_DENIED] = {"denied", 403, 77, false},
	[ERR_CONFLICT] = {"conflict", 409, 1, false},
	[ERR_NEEDS_APPROVAL] = {"needs_approval", 409, 77, false},
	[ERR_BUSY] = {"busy", 503, 75, true},
	[ERR_RATE_LIMITED] = {"rate_limited", 429, 75, true},
	[ERR_UPSTREAM] = {"upstream", 502, 69, true},
	[ERR_TIMEOUT] = {"timeout", 504, 75, true},
	[ERR_CANCELLED] = {"cancelled", 409, 1, false},
	[ERR_INTERNAL] = {"internal", 500, 1, false},
};

static enum err_kind known(enum err_kind kind)
{
	return (unsigned)kind < ERR_KINDS ? kind : ERR_INTERNAL;
}

static void clean_format(char *dst, size_t size, const char *fmt, va_list ap) PRINTF(3, 0);

static void clean_format(char *dst, size_t size, const char *fmt, va_list ap)
{
	int n = vsnprintf(dst, size, fmt, ap);

	if (n < 0)
		n = 0;
	if ((size_t)n >= size)
		n = (int)utf8_whole(dst, size - 1);
	dst[n] = '\0';
	text_printable(dst);
}

/* The arguments may point into e itself, so all is formatted aside before e changes. */
static int set_text(struct err *e, enum err_kind kind, const char *text)
{
	if (e) {
		memset(e, 0, sizeof(*e));
		e->kind = kind;
		e->retryable = kinds[kind].retryable;
		str_copy(e->message, sizeof(e->message), text);
	}
	return -1;
}

int err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
{
	char text[sizeof(e->message)];
	va_list ap;

	va_start(ap, fmt);
	clean_format(text, sizeof(text), fmt, ap);
	va_end(ap);
	return set_text(e, known(kind), text);
}

static void clean_printf(char *dst, size_t size, const char *fmt, ...) PRINTF(3, 4);

static void clean_printf(char *dst, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	clean_format(dst, size, fmt, ap);
	va_end(ap);
}

int err_wrap(struct err *e, const char *fmt, ...)
{
	char what[sizeof(e->message)], text[sizeof(e->message)];
	va_list ap;

	if (!e)
		return -1;
	va_start(ap, fmt);
	clean_format(what, sizeof(what), fmt, ap);
	va_end(ap);
	clean_printf(text, sizeof(text), "%s: %s", what, e->message);
	str_copy(e->message, sizeof(e->message), text);
	return -1;
}

int err_hint(struct err *e, const char *fmt, ...)
{
	char text[sizeof(e->hint)];
	va_list ap;

	if (!e)
		return -1;
	va_start(ap, fmt);
	clean_format(text, sizeof(text), fmt, ap);
	va_end(ap);
	str_copy(e->hint, sizeof(e->hint), text);
	return -1;
}

static enum err_kind kind_of_errno(int number)
{
	if (number == ENOENT)
		return ERR_NOT_FOUND;
	return number == EACCES || number == EPERM ? ERR_DENIED : ERR_INTERNAL;
}

int err_errno(struct err *e, const char *fmt, ...)
{
	int number = errno;
	char what[sizeof(e->message)], text[sizeof(e->message)];
	va_list ap;

	va_start(ap, fmt);
	clean_format(what, sizeof(what), fmt, ap);
	va_end(ap);
	clean_printf(text, sizeof(text), "%s: %s", what, strerror(number));
	return set_text(e, kind_of_errno(number), text);
}

void err_clear(struct err *e)
{
	if (e)
		memset(e, 0, sizeof(*e));
}

const char *err_kind_name(enum err_kind kind)
{
	return kinds[known(kind)].name;
}

enum err_kind err_kind_by_name(const char *name)
{
	for (int i = ERR_NONE + 1; i < ERR_KINDS; i++)
		if (str_equal(kinds[i].name, name))
			return (enum err_kind)i;
	return ERR_INTERNAL;
}

int err_kind_http(enum err_kind kind)
{
	return kinds[known(kind)].http;
}

int err_kind_exit(enum err_kind kind)
{
	return kinds[known(kind)].exit;
}
