/*
 * JSON text copied without what says nothing, in one pass. What stays is copied in as few pieces as
 * there are gaps; a member is taken back when its value has turned out empty, so that what becomes
 * empty by that goes as well. What is written is never longer than what was read, so that its room
 * is taken once.
 */
#include "base/json_text.h"

#include <string.h>

struct trim {
	const char *end; /* of what is read */
	const char *const *drop;
	struct written {
		char *to;         /* what is copied ends here */
		const char *from; /* what is read and stays, but is not copied yet, begins here */
	} at;
};

/* Copies up to there, and goes on behind. */
static void leave_out(struct trim *t, const char *p, const char *behind)
{
	size_t n = (size_t)(p - t->at.from);
	memcpy(t->at.to, t->at.from, n);
	t->at.to += n;
	t->at.from = behind;
}

static bool is_space(char ch)
{
	return ch == ' ' || ch == '\n' || ch == '\r' || ch == '\t';
}

static const char *skip_space(struct trim *t, const char *p)
{
	const char *start = p;
	if (p == t->end || !is_space(*p))
		return p;
	while (p < t->end && is_space(*p))
		p++;
	leave_out(t, start, p);
	return p;
}

/* Numbers and words. */
static const char *plain_end(const struct trim *t, const char *p)
{
	while (p < t->end && *p != ',' && *p != '}' && *p != ']' && (unsigned char)*p > ' ')
		p++;
	return p;
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

static const char *trim_value(struct trim *t, const char *p, bool *says);

static const char *trim_member(struct trim *t, const char *p, bool *says)
{
	const char *key = p, *key_end = json_string_end(p, t->end);
	p = skip_space(t, key_end);
	p = trim_value(t, skip_space(t, p < t->end ? p + 1 : p), says);
	*says = *says && !is_dropped(t, key, (size_t)(key_end - key));
	return p;
}

/* The comma before a value, which the first one that stays goes without. */
static const char *trim_comma(struct trim *t, const char *p, bool any)
{
	if (*p != ',')
		return p;
	if (!any)
		leave_out(t, p, p + 1);
	return skip_space(t, p + 1);
}

static bool is_inside(const struct trim *t, const char *p)
{
	return p < t->end && *p != '}' && *p != ']';
}

static const char *trim_container(struct trim *t, const char *p, bool *any)
{
	bool object = *p == '{', says = true;
	for (p = skip_space(t, p + 1); is_inside(t, p); p = skip_space(t, p)) {
		const struct written before = t->at;
		const char *start = p;
		p = trim_comma(t, p, *any);
		if (!is_inside(t, p))
			break;
		p = object ? trim_member(t, p, &says) : trim_value(t, p, &(bool){false});
		*any |= says;
		if (says)
			continue;
		t->at = before;
		leave_out(t, start, p);
	}
	return p < t->end ? p + 1 : p;
}

/* says: does it hold anything, now that it is trimmed? */
static const char *trim_value(struct trim *t, const char *p, bool *says)
{
	*says = false;
	if (p >= t->end)
		return t->end;
	if (*p == '{' || *p == '[')
		return trim_container(t, p, says);
	const char *to = *p == '"' ? json_string_end(p, t->end) : plain_end(t, p);
	size_t len = (size_t)(to - p);
	*says = *p == '"' ? len > 2 : len != 4 || memcmp(p, "null", 4) != 0;
	return to > p ? to : p + 1;
}

void json_trim(const char *text, size_t len, const char *const *drop, struct buf *out)
{
	size_t before = out->len;
	char *to = len ? buf_more(out, len) : NULL;
	bool says;
	if (!to)
		return;
	struct trim t = {.end = text + len, .drop = drop, .at = {.to = to, .from = text}};
	const char *end = trim_value(&t, skip_space(&t, text), &says);
	leave_out(&t, end, end);
	*t.at.to = '\0';
	out->len = before + (size_t)(t.at.to - to);
}
