/* DNS records and the mark in their comments. The mark is one word: what only looks like it, or
 * belongs to another owner or install, is not ours. */
#include "model/record.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "base/utf8.h"
#include "model/settings_check.h"

static const char mark_prefix[] = "adit:";
enum { INSTALL_DIGITS = 8 };

struct record *record_new(const char *name, const char *type)
{
	struct record *r = mem_alloc(sizeof(*r));

	r->id[0] = 'd';
	random_hex(r->id + 1, ID_DIGITS);
	r->name = str_dup(name);
	r->type = str_dup(type);
	r->proxied = true;
	r->ttl = 1;
	r->generation = 1;
	return r;
}

void record_free(struct record *r)
{
	if (!r)
		return;
	free(r->name);
	free(r->type);
	free(r->content);
	free(r->comment);
	free(r->manifest);
	free(r->takes);
	free(r->applied);
	free(r->asked);
	free(r->observed.renamed);
	free(r->observed.type);
	free(r->observed.content);
	free(r->observed.led);
	free(r->observed.comment);
	free(r->observed.conflict);
	free(r->observed.drift.actor.text);
	strlist_free(&r->observed.taking);
	problem_clear(&r->problem);
	free(r);
}

/* Cloudflare counts characters; a byte that is none counts as one. */
static size_t count_characters(const char *s)
{
	size_t n = 0, len = strlen(s);

	for (size_t i = 0; i < len; n++) {
		uint32_t code;
		size_t step = utf8_decode(s + i, len - i, &code);

		i += step ? step : 1;
	}
	return n;
}

int mark_write(const char *owner, const char *install, const char *text, char **comment,
	       struct err *e)
{
	bool has_text = text && *text;
	AUTO(str_t)
	whole = str_format("%s%s/%s%s%s", mark_prefix, owner, install, has_text ? " " : "",
			   has_text ? text : "");
	size_t n = count_characters(whole);

	if (n > COMMENT_MAX) {
		err_set(e, ERR_INVALID,
			"the comment has %zu characters with the mark of ownership, %d are allowed",
			n, COMMENT_MAX);
		return err_hint(e, "Shorten the comment by %zu characters.", n - COMMENT_MAX);
	}
	*comment = steal(&whole);
	return 0;
}

static bool word_ends(char c)
{
	return c == '\0' || c == ' ';
}

/* Behind this beginning, or NULL. */
static const char *past(const char *s, const char *beginning)
{
	return s && beginning && str_starts(s, beginning) ? s + strlen(beginning) : NULL;
}

bool mark_is(const char *comment, const char *owner, const char *install)
{
	const char *slash = past(past(comment, mark_prefix), owner);
	const char *end = past(past(slash, "/"), install);

	return end && word_ends(*end);
}

/* What the setting takes. Anything else was not written by an adit, and is nobody's name. */
/* The end of the mark's word, or NULL when the comment does not begin with one. */
static const char *mark_end(const char *comment)
{
	const char *owner, *slash, *end;

	if (!comment || !str_starts(comment, mark_prefix))
		return NULL;
	owner = comment + strlen(mark_prefix);
	end = owner + strcspn(owner, " ");
	slash = memrchr(owner, '/', (size_t)(end - owner));
	if (slash && !owner_form(owner, (size_t)(slash - owner)))
		return NULL;
	if (!slash || slash == owner || end - slash - 1 != INSTALL_DIGITS)
		return NULL;
	return strspn(slash + 1, "0123456789abcdef") == INSTALL_DIGITS ? end : NULL;
}

const char *mark_text(const char *comment)
{
	const char *end = mark_end(comment);

	if (!end)
		return NULL;
	return *end == ' ' ? end + 1 : end;
}

char *mark_owner(const char *comment)
{
	const char *end = mark_end(comment);
	char *owner = end ? str_ndup(comment + strlen(mark_prefix),
				     (size_t)(end - comment) - strlen(mark_prefix))
			  : NULL;

	if (owner)
		text_printable(owner);
	return owner;
}
