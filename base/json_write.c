/*
 * The writer: compact JSON straight into a buffer, without a tree. Whatever is given, what leaves
 * is valid: broken UTF-8 and NUL become U+FFFD, control characters and the two line separators of
 * Unicode are escaped, a number that is not finite becomes null.
 */
#include "base/json_text.h"
#include "base/text.h"
#include "base/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void json_write_init(struct json_writer *w, struct buf *out)
{
	*w = (struct json_writer){.out = out};
}

static void begin_value(struct json_writer *w)
{
	if (w->comma)
		buf_char(w->out, ',');
	w->comma = true;
}

static void begin(struct json_writer *w, char bracket)
{
	begin_value(w);
	buf_char(w->out, bracket);
	w->comma = false;
}

static void end(struct json_writer *w, char bracket)
{
	buf_char(w->out, bracket);
	w->comma = true;
}

void json_object_begin(struct json_writer *w)
{
	begin(w, '{');
}

void json_object_end(struct json_writer *w)
{
	end(w, '}');
}

void json_array_begin(struct json_writer *w)
{
	begin(w, '[');
}

void json_array_end(struct json_writer *w)
{
	end(w, ']');
}

/* ---- strings ---- */

static void write_escaped(struct buf *out, uint32_t code)
{
	static const char from[] = "\b\f\n\r\t", to[] = "bfnrt";
	const char *at = code < 0x80 ? strchr(from, (int)code) : NULL;
	if (at)
		buf_add(out, (const char[]){'\\', to[at - from]}, 2);
	else
		buf_printf(out, "\\u%04x", (unsigned)code);
}

/* One character that is not printable ASCII; returns the bytes it took. */
static size_t write_special(struct buf *out, const char *s, size_t len)
{
	uint32_t code = 0;
	size_t step = utf8_decode(s, len, &code);
	if (step == 0 || code == 0)
		buf_str(out, "\xef\xbf\xbd");
	else if (code < 0x20 || code == 0x2028 || code == 0x2029)
		write_escaped(out, code);
	else
		buf_add(out, s, step);
	return step ? step : 1;
}

static bool takes_backslash(char ch)
{
	return ch == '"' || ch == '\\';
}

/* Printable ASCII, which is nearly all there ever is; returns the bytes it took. */
static size_t write_printable(struct buf *out, const char *s, size_t len)
{
	size_t n = 0, more = 0;
	for (; n < len && (unsigned char)s[n] >= 0x20 && (unsigned char)s[n] < 0x80; n++)
		more += takes_backslash(s[n]);
	char *to = buf_more(out, n + more);
	for (size_t i = 0; to && i < n; i++) {
		if (takes_backslash(s[i]))
			*to++ = '\\';
		*to++ = s[i];
	}
	return n;
}

static void write_quoted(struct buf *out, const char *s, size_t len)
{
	buf_char(out, '"');
	while (len > 0) {
		size_t step = write_printable(out, s, len);
		if (step == 0)
			step = write_special(out, s, len);
		s += step;
		len -= step;
	}
	buf_char(out, '"');
}

/* The most frequent of all: text that needs no escapes, in one piece with what stands around it.
 * after: what follows the closing quote, '\0' = nothing. */
static bool write_plain(struct json_writer *w, const char *s, size_t len, char after)
{
	if (json_plain_length(s, len) < len)
		return false;
	char *to = buf_more(w->out, len + 2 + (w->comma ? 1 : 0) + (after ? 1 : 0));
	if (!to)
		return false;
	if (w->comma)
		*to++ = ',';
	*to++ = '"';
	memcpy(to, s, len);
	to += len;
	*to++ = '"';
	if (after)
		*to = after;
	return true;
}

void json_write_key(struct json_writer *w, const char *key)
{
	size_t len = strlen(key);
	if (!write_plain(w, key, len, ':')) {
		begin_value(w);
		write_quoted(w->out, key, len);
		buf_char(w->out, ':');
	}
	w->comma = false;
}

void json_write_stringn(struct json_writer *w, const char *s, size_t len)
{
	if (!s) {
		json_write_null(w);
		return;
	}
	if (write_plain(w, s, len, '\0')) {
		w->comma = true;
		return;
	}
	begin_value(w);
	write_quoted(w->out, s, len);
}

void json_write_string(struct json_writer *w, const char *s)
{
	json_write_stringn(w, s, s ? strlen(s) : 0);
}

/* ---- other values ---- */

void json_write_raw(struct json_writer *w, const char *text, size_t len)
{
	begin_value(w);
	buf_add(w->out, text, len);
}

void json_write_int(struct json_writer *w, int64_t v)
{
	char text[24], *from = text + sizeof(text);
	uint64_t rest = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
	do
		*--from = (char)('0' + rest % 10);
	while (rest /= 10);
	if (v < 0)
		*--from = '-';
	json_write_raw(w, from, (size_t)(text + sizeof(text) - from));
}

void json_write_bool(struct json_writer *w, bool v)
{
	const char *text = v ? "true" : "false";
	json_write_raw(w, text, strlen(text));
}

void json_write_null(struct json_writer *w)
{
	json_write_raw(w, "null", 4);
}

static void write_members(struct json_writer *w, const struct json *object)
{
	json_object_begin(w);
	JSON_EACH (member, object) {
		json_write_key(w, json_key(member));
		json_write_value(w, member);
	}
	json_object_end(w);
}

static void write_elements(struct json_writer *w, const struct json *array)
{
	json_array_begin(w);
	JSON_EACH (element, array)
		json_write_value(w, element);
	json_array_end(w);
}

/* As deep as the parser let the document be. */
void json_write_value(struct json_writer *w, const struct json *v)
{
	struct json_span raw;
	switch (json_type(v)) {
	case JSON_NULL:
		json_write_null(w);
		break;
	case JSON_BOOL:
		json_write_bool(w, json_bool(v, false));
		break;
	case JSON_NUMBER:
		raw = json_raw(v);
		json_write_raw(w, raw.p, raw.len);
		break;
	case JSON_STRING:
		json_write_string(w, json_string(v));
		break;
	case JSON_ARRAY:
		write_elements(w, v);
		break;
	case JSON_OBJECT:
		write_members(w, v);
		break;
	}
}

void json_print(const struct json *v, struct buf *out)
{
	struct json_writer w;
	json_write_init(&w, out);
	json_write_value(&w, v);
}

/* ---- key and value in one call ---- */

void json_put_string(struct json_writer *w, const char *key, const char *s)
{
	json_write_key(w, key);
	json_write_string(w, s);
}

void json_put_int(struct json_writer *w, const char *key, int64_t v)
{
	json_write_key(w, key);
	json_write_int(w, v);
}

void json_put_bool(struct json_writer *w, const char *key, bool v)
{
	json_write_key(w, key);
	json_write_bool(w, v);
}

void json_put_time(struct json_writer *w, const char *key, int64_t wall_ms)
{
	char text[TEXT_TIME_SIZE];
	if (wall_ms)
		time_format(wall_ms, text);
	json_put_string(w, key, wall_ms ? text : NULL);
}

void json_put_strlist(struct json_writer *w, const char *key, const struct strlist *l)
{
	json_write_key(w, key);
	json_array_begin(w);
	for (size_t i = 0; i < l->n; i++)
		json_write_string(w, l->items[i]);
	json_array_end(w);
}
