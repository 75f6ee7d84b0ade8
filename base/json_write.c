/*
 * The writer: compact JSON straight into a buffer, without a tree. Whatever is given, what leaves
 * is valid: broken UTF-8 and NUL become U+FFFD, control characters and the two line separators of
 * Unicode are escaped, a number that is not finite becomes null.
 */
#include "base/json_text.h"
#include "base/json_word.h"
#include "base/text.h"
#include "base/utf8.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void json_write_init(struct json_writer *w, struct buf *out)
{
	*w = (struct json_writer){.out = out};
}

/* Is the value that is to be written left out, with the member that it belongs to? */
static bool is_left_out(struct json_writer *w)
{
	if (!w->left_out)
		return false;
	if (w->left_out == 1)
		w->left_out = 0;
	return true;
}

/* A value's text, which is short or copied anyway. */
static void write_text(struct json_writer *w, const char *text, size_t len)
{
	char *to = buf_more(w->out, len + w->comma);
	if (to && w->comma)
		*to++ = ',';
	if (to && len)
		memcpy(to, text, len);
	w->comma = true;
}

static void begin_value(struct json_writer *w)
{
	if (w->comma)
		buf_char(w->out, ',');
	w->comma = true;
}

static void begin(struct json_writer *w, char bracket)
{
	if (w->left_out) {
		w->left_out++;
		return;
	}
	write_text(w, &bracket, 1);
	w->comma = false;
}

static void end(struct json_writer *w, char bracket)
{
	if (w->left_out) {
		w->left_out -= w->left_out == 2 ? 2 : 1;
		return;
	}
	/* No comma is due: nothing stands in it. */
	if (w->terse && !w->comma && json_terse_unwrite(w, 1))
		return;
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
static inline bool write_plain(struct json_writer *w, const char *s, size_t len, char after)
{
	struct buf *b = w->out;
	size_t before = b->len;
	char *to = buf_more(b, len + 2 + w->comma + (after != '\0'));
	if (!to)
		return false;
	if (w->comma)
		*to++ = ',';
	*to++ = '"';
	if (!word_copy_plain(to, s, len)) {
		b->len = before;
		b->data[before] = '\0';
		return false;
	}
	to += len;
	*to++ = '"';
	if (after)
		*to = after;
	return true;
}

/* Is the member that begins here left out? */
static inline bool leaves_out(struct json_writer *w, const char *key, uint32_t sign)
{
	if (!w->left_out && (w->signs & sign) && json_terse_drops(w, key))
		w->left_out = 1;
	return w->left_out > 0;
}

void json_write_keyn(struct json_writer *w, const char *key, size_t len)
{
	if (leaves_out(w, key, json_name_sign(key, len)))
		return;
	if (!write_plain(w, key, len, ':')) {
		begin_value(w);
		write_quoted(w->out, key, len);
		buf_char(w->out, ':');
	}
	w->comma = false;
}

void json_write_name(struct json_writer *w, const char *name, size_t len, uint32_t sign)
{
	if (leaves_out(w, name, sign))
		return;
	assert(json_plain_length(name, len) == len);
	char *to = buf_more(w->out, len + 3 + w->comma);
	if (!to)
		return;
	if (w->comma)
		*to++ = ',';
	*to++ = '"';
	memcpy(to, name, len);
	to[len] = '"';
	to[len + 1] = ':';
	w->comma = false;
}

void json_write_stringn(struct json_writer *w, const char *s, size_t len)
{
	if (!s) {
		json_write_null(w);
		return;
	}
	if (is_left_out(w) || (w->terse && len == 0 && json_terse_unwrite(w, 0)))
		return;
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

static bool says_nothing(const char *text, size_t len)
{
	return (len == 2 && *text != '-' && (*text < '0' || *text > '9')) ||
	       (len == 4 && memcmp(text, "null", 4) == 0);
}

void json_write_raw(struct json_writer *w, const char *text, size_t len)
{
	if (is_left_out(w))
		return;
	if (!w->terse) {
		write_text(w, text, len);
		return;
	}
	begin_value(w);
	size_t at = w->out->len;
	json_trim(text, len, w->drop, w->out);
	len = w->out->len - at;
	if (says_nothing(buf_text(w->out) + at, len))
		(void)json_terse_unwrite(w, len);
}

void json_write_members(struct json_writer *w, const char *object, size_t len)
{
	AUTO(buf_t) trimmed = {0};
	if (w->left_out)
		return;
	if (w->terse) {
		json_trim(object, len, w->drop, &trimmed);
		object = buf_text(&trimmed);
		len = trimmed.len;
	}
	if (len > 2)
		write_text(w, object + 1, len - 2);
}

void json_write_int(struct json_writer *w, int64_t v)
{
	char text[TEXT_INT_SIZE];
	if (is_left_out(w))
		return;
	const char *digits = int_format(v, text);
	write_text(w, digits, (size_t)(text + sizeof(text) - 1 - digits));
}

void json_write_bool(struct json_writer *w, bool v)
{
	if (!is_left_out(w))
		write_text(w, v ? "true" : "false", v ? 4 : 5);
}

void json_write_null(struct json_writer *w)
{
	if (!is_left_out(w) && !(w->terse && json_terse_unwrite(w, 0)))
		write_text(w, "null", 4);
}

static void write_number(struct json_writer *w, struct json_span digits)
{
	if (!is_left_out(w))
		write_text(w, digits.p, digits.len);
}

static void write_object(struct json_writer *w, const struct json *object)
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
		write_number(w, raw);
		break;
	case JSON_STRING:
		json_write_string(w, json_string(v));
		break;
	case JSON_ARRAY:
		write_elements(w, v);
		break;
	case JSON_OBJECT:
		write_object(w, v);
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

void json_write_time(struct json_writer *w, int64_t wall_ms)
{
	char text[TEXT_TIME_SIZE];
	bool said = wall_ms && !w->left_out;
	if (said)
		time_format(wall_ms, text);
	json_write_string(w, said ? text : NULL);
}

void json_put_strlist(struct json_writer *w, const char *key, const struct strlist *l)
{
	json_write_key(w, key);
	json_array_begin(w);
	for (size_t i = 0; i < l->n; i++)
		json_write_string(w, l->items[i]);
	json_array_end(w);
}
