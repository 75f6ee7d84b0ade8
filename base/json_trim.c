/*
 * JSON text copied without what says nothing, in one pass: a member is taken back when its value
 * has turned out empty, so that what becomes empty by that goes as well. What is written is never
 * longer than what was read, so that its room is taken once.
 */
#include "base/json.h"

#include <string.h>

struct trim {
	char *to, *limit; /* where it is written */
	const char *end;  /* of what is read */
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

static void put(struct trim *t, char ch)
{
	if (t->to < t->limit)
		*t->to++ = ch;
}

static void put_text(struct trim *t, const char *p, size_t len)
{
	size_t room = (size_t)(t->limit - t->to), n = len < room ? len : room;
	memcpy(t->to, p, n);
	t->to += n;
}

static bool says_nothing(const char *p, size_t len)
{
	return (len == 2 && (memcmp(p, "\"\"", 2) == 0 || memcmp(p, "[]", 2) == 0 ||
			     memcmp(p, "{}", 2) == 0)) ||
	       (len == 4 && memcmp(p, "null", 4) == 0);
}

/* key is still quoted. */
static bool is_dropped(const struct trim *t, const char *key, size_t len)
{
	for (size_t i = 0; len > 2 && t->drop && t->drop[i]; i++)
		if (t->drop[i][0] == key[1] && strncmp(t->drop[i], key + 1, len - 2) == 0 &&
		    t->drop[i][len - 2] == '\0')
			return true;
	return false;
}

static const char *trim_value(struct trim *t, const char *p);

static const char *trim_member(struct trim *t, const char *p, bool *any)
{
	const char *key = p, *key_end = string_end(t, p);
	char *before = t->to;
	if (*any)
		put(t, ',');
	put_text(t, key, (size_t)(key_end - key));
	put(t, ':');
	char *from = t->to;
	p = skip_space(t, key_end);
	p = trim_value(t, skip_space(t, p < t->end ? p + 1 : p));
	if (says_nothing(from, (size_t)(t->to - from)) ||
	    is_dropped(t, key, (size_t)(key_end - key)))
		t->to = before;
	else
		*any = true;
	return p;
}

static const char *trim_container(struct trim *t, const char *p)
{
	bool object = *p == '{', any = false;
	put(t, *p);
	for (p = skip_space(t, p + 1); p < t->end && *p != '}' && *p != ']';) {
		if (*p == ',') {
			p = skip_space(t, p + 1);
		} else if (object) {
			p = skip_space(t, trim_member(t, p, &any));
		} else {
			if (any)
				put(t, ',');
			any = true;
			p = skip_space(t, trim_value(t, p));
		}
	}
	put(t, object ? '}' : ']');
	return p < t->end ? p + 1 : p;
}

static const char *trim_value(struct trim *t, const char *p)
{
	if (p >= t->end)
		return t->end;
	if (*p == '{' || *p == '[')
		return trim_container(t, p);
	const char *to = *p == '"' ? string_end(t, p) : plain_end(t, p);
	put_text(t, p, (size_t)(to - p));
	return to > p ? to : p + 1;
}

void json_trim(const char *text, size_t len, const char *const *drop, struct buf *out)
{
	size_t at = out->len;
	if (len == 0 || buf_add(out, text, len) < 0) /* its room; then written over */
		return;
	struct trim t = {
		.to = out->data + at,
		.limit = out->data + out->len,
		.end = text + len,
		.drop = drop,
	};
	(void)trim_value(&t, skip_space(&t, text));
	*t.to = '\0';
	out->len = (size_t)(t.to - out->data);
}
