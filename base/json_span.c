/*
 * Raw spans: parts of a checked text as the bytes that were sent. The text has passed the strict
 * check, so brackets and quotes match and one scan finds the end of a value; every scan still stops
 * at the end of the text, whatever it is given.
 */
#include "base/json_text.h"

#include <string.h>

static bool is_space(char ch)
{
	return ch == ' ' || ch == '\n' || ch == '\r' || ch == '\t';
}

static const char *skip_container(const char *p, const char *end)
{
	size_t depth = 0;
	while (p < end) {
		if (*p == '"') {
			p = json_string_end(p, end);
			continue;
		}
		if (*p == '{' || *p == '[')
			depth++;
		if (*p == '}' || *p == ']')
			depth--;
		p++;
		if (depth == 0)
			break;
	}
	return p;
}

/* Numbers and words end where something else begins. */
static const char *skip_plain(const char *p, const char *end)
{
	while (p < end && !is_space(*p) && *p != ',' && *p != '}' && *p != ']')
		p++;
	return p;
}

static const char *skip_value(const char *p, const char *end)
{
	if (p == end)
		return p;
	if (*p == '"')
		return json_string_end(p, end);
	return *p == '{' || *p == '[' ? skip_container(p, end) : skip_plain(p, end);
}

struct json_span json_span_of(const char *text, size_t len)
{
	while (len > 0 && is_space(*text)) {
		text++;
		len--;
	}
	while (len > 0 && is_space(text[len - 1]))
		len--;
	return (struct json_span){.p = text, .len = len};
}

bool json_cursor_init(struct json_cursor *c, struct json_span container)
{
	struct json_span s = container;
	*c = (struct json_cursor){0};
	if (s.len < 2 || (*s.p != '{' && *s.p != '['))
		return false;
	*c = (struct json_cursor){.p = s.p + 1, .end = s.p + s.len - 1, .object = *s.p == '{'};
	return true;
}

static void skip_between(struct json_cursor *c, char separator)
{
	while (c->p < c->end && (is_space(*c->p) || *c->p == separator))
		c->p++;
}

static struct json_span take_value(struct json_cursor *c)
{
	const char *start = c->p;
	c->p = skip_value(start, c->end);
	return (struct json_span){.p = start, .len = (size_t)(c->p - start)};
}

bool json_cursor_next(struct json_cursor *c, struct json_span *key, struct json_span *value)
{
	*key = *value = (struct json_span){0};
	if (!c->p)
		return false;
	skip_between(c, ',');
	if (c->p >= c->end)
		return false;
	if (c->object) {
		*key = take_value(c);
		skip_between(c, ':');
	}
	*value = take_value(c);
	return value->len > 0;
}

static bool is_string(struct json_span s)
{
	return s.len >= 2 && s.p[0] == '"' && s.p[s.len - 1] == '"';
}

static bool key_is(struct json_span quoted, const char *key)
{
	if (!is_string(quoted))
		return false;
	struct json_span s = {.p = quoted.p + 1, .len = quoted.len - 2};
	if (!s.len || !memchr(s.p, '\\', s.len))
		return json_span_is(s, key);
	AUTO(str_t) plain = json_span_string(quoted);
	return str_equal(plain, key);
}

struct json_span json_span_member(struct json_span object, const char *key)
{
	struct json_cursor c;
	struct json_span name, value;
	if (!json_cursor_init(&c, object) || !c.object)
		return (struct json_span){0};
	while (json_cursor_next(&c, &name, &value))
		if (key_is(name, key))
			return value;
	return (struct json_span){0};
}

bool json_span_is(struct json_span s, const char *literal)
{
	size_t len = strlen(literal);
	return s.len == len && (len == 0 || memcmp(s.p, literal, len) == 0);
}

char *json_span_string(struct json_span s)
{
	if (!is_string(s))
		return NULL;
	AUTO(buf_t) plain = {0};
	json_unescape(s.p + 1, s.len - 2, &plain);
	return buf_steal(&plain);
}
