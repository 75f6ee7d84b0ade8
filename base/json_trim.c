/*
 * JSON text copied without what says nothing, in one pass: a member is taken back when its value
 * has turned out empty, so that what becomes empty by that goes as well.
 */
#include "base/json.h"

#include <string.h>

struct trim {
	struct buf *out;
	const char *end;
	const char *const *drop;
};

static const char *skip_space(const struct trim *t, const char *p)
{
	while (p < t->end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
		p++;
	return p;
}

static const char *string_end(const struct trim *t, const char *p)
{
	for (p++; p < t->end && *p != '"'; p++)
		if (*p == '\\')
			p++;
	return p < t->end ? p + 1 : t->end;
}

/* Numbers and words. */
static const char *plain_end(const struct trim *t, const char *p)
{
	while (p < t->end && *p != ',' && *p != '}' && *p != ']' && (unsigned char)*p > ' ')
		p++;
	return p;
}

static void take_back(struct buf *out, size_t len)
{
	if (out->len == len)
		return;
	out->len = len;
	out->data[len] = '\0';
}

static bool says_nothing(const struct buf *out, size_t from)
{
	const char *p = buf_text(out) + from;
	size_t len = out->len - from;
	return (len == 2 && (memcmp(p, "\"\"", 2) == 0 || memcmp(p, "[]", 2) == 0 ||
			     memcmp(p, "{}", 2) == 0)) ||
	       (len == 4 && memcmp(p, "null", 4) == 0);
}

/* key is still quoted. */
static bool is_dropped(const struct trim *t, const char *key, size_t len)
{
	for (size_t i = 0; t->drop && t->drop[i]; i++)
		if (t->drop[i][0] == key[1] && strncmp(t->drop[i], key + 1, len - 2) == 0 &&
		    t->drop[i][len - 2] == '\0')
			return true;
	return false;
}

static const char *trim_value(struct trim *t, const char *p);

static const char *trim_member(struct trim *t, const char *p, bool *any)
{
	const char *key = p, *key_end = string_end(t, p);
	size_t before = t->out->len;
	if (*any)
		buf_char(t->out, ',');
	buf_add(t->out, key, (size_t)(key_end - key));
	buf_add(t->out, ":", 1);
	size_t from = t->out->len;
	p = skip_space(t, key_end);
	p = trim_value(t, skip_space(t, p < t->end ? p + 1 : p));
	if (says_nothing(t->out, from) || is_dropped(t, key, (size_t)(key_end - key)))
		take_back(t->out, before);
	else
		*any = true;
	return p;
}

static const char *trim_container(struct trim *t, const char *p)
{
	bool object = *p == '{', any = false;
	buf_char(t->out, *p);
	for (p = skip_space(t, p + 1); p < t->end && *p != '}' && *p != ']';) {
		if (*p == ',') {
			p = skip_space(t, p + 1);
		} else if (object) {
			p = skip_space(t, trim_member(t, p, &any));
		} else {
			if (any)
				buf_char(t->out, ',');
			any = true;
			p = skip_space(t, trim_value(t, p));
		}
	}
	buf_char(t->out, object ? '}' : ']');
	return p < t->end ? p + 1 : p;
}

static const char *trim_value(struct trim *t, const char *p)
{
	if (p >= t->end)
		return t->end;
	if (*p == '{' || *p == '[')
		return trim_container(t, p);
	const char *to = *p == '"' ? string_end(t, p) : plain_end(t, p);
	buf_add(t->out, p, (size_t)(to - p));
	return to > p ? to : p + 1;
}

void json_trim(const char *text, size_t len, const char *const *drop, struct buf *out)
{
	struct trim t = {.out = out, .end = text + len, .drop = drop};
	(void)trim_value(&t, skip_space(&t, text));
}
