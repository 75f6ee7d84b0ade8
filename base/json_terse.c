/*
 * What a terse writer leaves out, so that nobody has to take it out again (json_trim). A member
 * whose value turns out to say nothing stands at the end of the text, and is cut off there.
 */
#include "base/json_text.h"

#include <string.h>

void json_write_init_terse(struct json_writer *w, struct buf *out, const char *const *drop)
{
	*w = (struct json_writer){.out = out, .terse = true, .drop = drop};
	for (size_t i = 0; drop && drop[i]; i++)
		w->signs |= json_name_sign(drop[i], strlen(drop[i]));
}

bool json_terse_drops(const struct json_writer *w, const char *key)
{
	for (size_t i = 0; w->drop[i]; i++)
		if (w->drop[i][0] == key[0] && strcmp(w->drop[i], key) == 0)
			return true;
	return false;
}

/* Behind a backslash that is not itself behind one. */
static bool is_escaped(const char *text, size_t at)
{
	size_t n = 0;
	while (n < at && text[at - n - 1] == '\\')
		n++;
	return n % 2 == 1;
}

/* The quote before which that one closes a key. */
static size_t opening_quote(const char *text, size_t at)
{
	do
		at--;
	while (at > 0 && (text[at] != '"' || is_escaped(text, at)));
	return at;
}

bool json_terse_unwrite(struct json_writer *w, size_t of_value)
{
	struct buf *b = w->out;
	if (b->len < of_value + 3 || b->data[b->len - of_value - 1] != ':')
		return false;
	size_t at = opening_quote(b->data, b->len - of_value - 2);
	w->comma = at > 0 && b->data[at - 1] == ',';
	b->len = at - w->comma;
	b->data[b->len] = '\0';
	return true;
}
