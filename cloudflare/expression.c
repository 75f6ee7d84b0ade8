/* Words and strings, as far as they are needed: one term that is false makes all of it false where
 * nothing is turned round and nothing is an alternative. */
#include "cloudflare/expression.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

#define STRING_MAX 254

struct token {
	enum { TOKEN_END, TOKEN_WORD, TOKEN_STRING, TOKEN_OTHER } type;
	const char *p; /* of a string: behind its quote */
	size_t len;
};

static bool is_word_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '-';
}

/* An open end is none of a string: what stands there is not understood. */
static struct token string_at(const char **at)
{
	const char *p = ++*at;

	while (**at && **at != '"')
		*at += **at == '\\' && (*at)[1] ? 2 : 1;
	size_t len = (size_t)(*at - p);
	if (!**at)
		return (struct token){TOKEN_OTHER, p, len};
	++*at;
	return (struct token){TOKEN_STRING, p, len};
}

static struct token next_token(const char **at)
{
	while (isspace((unsigned char)**at))
		++*at;
	const char *p = *at;
	if (!*p)
		return (struct token){TOKEN_END, p, 0};
	if (*p == '"')
		return string_at(at);
	while (is_word_char(**at))
		++*at;
	if (*at > p)
		return (struct token){TOKEN_WORD, p, (size_t)(*at - p)};
	*at += strspn(p, "=!|^&<>~") ? strspn(p, "=!|^&<>~") : 1;
	return (struct token){TOKEN_OTHER, p, (size_t)(*at - p)};
}

static bool token_is(const struct token *t, const char *text)
{
	return t->type != TOKEN_STRING && t->len == strlen(text) &&
	       strncasecmp(t->p, text, t->len) == 0;
}

static bool is_one_of(const struct token *t, const char *const *texts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (token_is(t, texts[i]))
			return true;
	return false;
}

static bool names(const struct token *t, const char *zone)
{
	return t->type == TOKEN_STRING && t->len <= STRING_MAX && t->len == strlen(zone) &&
	       strncasecmp(t->p, zone, t->len) == 0;
}

/* Behind the field: is it compared with names, none of which is the zone's? */
static bool term_excludes(const char *at, const char *zone)
{
	struct token t = next_token(&at);
	bool named = false;

	if (token_is(&t, "eq") || token_is(&t, "==")) {
		t = next_token(&at);
		return t.type == TOKEN_STRING && !names(&t, zone);
	}
	if (!token_is(&t, "in"))
		return false;
	t = next_token(&at);
	if (!token_is(&t, "{"))
		return false;
	for (t = next_token(&at); t.type == TOKEN_STRING; t = next_token(&at))
		named = named || names(&t, zone);
	return token_is(&t, "}") && !named;
}

/* What stands beside it may be true though a part is false, or is not understood. */
static bool is_turning(const struct token *t, const char *behind)
{
	static const char *const plain[] = {"(", ")", ",",  "[",  "]", "*", "{",  "}",  "$",
					    "/", ":", "==", "&&", "<", ">", "<=", ">=", "~"};
	static const char *const turning[] = {"or", "not", "ne", "xor"};

	if (t->type == TOKEN_OTHER)
		return !is_one_of(t, plain, ARRAY_LEN(plain));
	/* r"..": a string with other rules */
	return is_one_of(t, turning, ARRAY_LEN(turning)) ||
	       (t->type == TOKEN_WORD && *behind == '"');
}

bool cf_expression_excludes_zone(const char *expression, const char *zone)
{
	bool excludes = false;

	for (const char *at = expression;;) {
		struct token t = next_token(&at);
		if (t.type == TOKEN_END)
			return excludes;
		if (is_turning(&t, at))
			return false;
		if (token_is(&t, "cf.zone.name"))
			excludes = excludes || term_excludes(at, zone);
	}
}
