/*
 * Path patterns. cloudflared runs them on Go's RE2, we on PCRE2; so a scan first refuses all that
 * RE2 refuses (look-around, backreferences, possessive and atomic groups, recursion, verbs,
 * callouts, large counts), and the options make PCRE2 read the rest as RE2 does. Match, depth and
 * heap limits hold whatever the pattern: it may have come from anyone.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "base/text.h"

#include <ctype.h>
#include <pcre2.h>
#include <string.h>

enum {
	PATTERN_MAX = 512,
	REPEAT_MAX = 1000, /* RE2's own, for nested counts multiplied as well */
	NEST_MAX = 50,
	MATCH_LIMIT = 200000,
	DEPTH_LIMIT = 2000,
	HEAP_LIMIT_KIB = 1024
};

/* A walk over the pattern. repeats[] is the largest product of counts inside each open group. */
struct scan {
	const char *p;
	const char *fault;
	int depth;
	int repeats[NEST_MAX + 1];
	int last; /* the product inside the item before p; 0 = nothing that can be repeated */
};

static void fail(struct scan *s, const char *fault)
{
	if (!s->fault)
		s->fault = fault;
}

static void add_item(struct scan *s, int product)
{
	s->last = product;
	if (product > s->repeats[s->depth])
		s->repeats[s->depth] = product;
}

static void scan_property(struct scan *s)
{
	static const char *const names[] = {
		"C",      "Cc",       "Cf",    "Co",  "Cs",     "L",     "Ll", "Lm", "Lo",
		"Lt",     "Lu",       "M",     "Mc",  "Me",     "Mn",    "N",  "Nd", "Nl",
		"No",     "P",        "Pc",    "Pd",  "Pe",     "Pf",    "Pi", "Po", "Ps",
		"S",      "Sc",       "Sk",    "Sm",  "So",     "Z",     "Zl", "Zp", "Zs",
		"Arabic", "Cyrillic", "Greek", "Han", "Hebrew", "Latin",
	};
	const char *name = s->p;
	bool braces = *name == '{';
	size_t len = 1;

	if (braces) {
		name += name[1] == '^' ? 2 : 1;
		len = strcspn(name, "}");
	}
	for (size_t i = 0; i < ARRAY_LEN(names) && (!braces || name[len]); i++) {
		if (strlen(names[i]) == len && strncmp(names[i], name, len) == 0) {
			s->p = name + len + (braces ? 1 : 0);
			return;
		}
	}
	fail(s, "an unknown Unicode class after \\p");
}

/* \xHH or \x{H...}; PCRE2 takes \x without digits for NUL, RE2 refuses it. */
static void scan_hex(struct scan *s)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	bool braces = *s->p == '{';
	size_t n = strspn(s->p + (braces ? 1 : 0), digits);

	if (braces ? n < 1 || n > 6 || s->p[n + 1] != '}' : n < 2)
		fail(s, "\\x needs two digits, or braces");
	else
		s->p += braces ? n + 2 : 2;
}

static void scan_escape(struct scan *s, bool in_class)
{
	unsigned char c = (unsigned char)*s->p;

	if (!c) {
		fail(s, "a backslash at the end");
		return;
	}
	s->p++;
	if (c == 'p' || c == 'P')
		scan_property(s);
	else if (c == 'x')
		scan_hex(s);
	else if (c >= '1' && c <= '9')
		fail(s, "a backreference");
	else if (c == 'g' || c == 'k')
		fail(s, "a named or relative reference");
	else if (c >= 0x80 ||
		 (isalnum(c) && !strchr(in_class ? "dDsSwWafnrt0" : "dDsSwWbBAzafnrt0", c)))
		fail(s, "an escape that RE2 does not know");
	add_item(s, 1);
}

static void scan_quoted(struct scan *s)
{
	const char *end = strstr(s->p, "\\E");

	add_item(s, end == s->p ? 0 : 1);
	s->p = end ? end + 2 : s->p + strlen(s->p);
}

static bool is_posix_class(const char *p)
{
	const char *end = strstr(p, ":]");

	return p[0] == '[' && p[1] == ':' && end && strcspn(p + 2, "[]\\") >= (size_t)(end - p - 2);
}

/* After the opening bracket. */
static void scan_class(struct scan *s)
{
	bool first = true;

	if (*s->p == '^')
		s->p++;
	for (; *s->p && (first || *s->p != ']'); first = false) {
		if (is_posix_class(s->p)) {
			s->p = strstr(s->p, ":]") + 2;
		} else if (*s->p == '\\') {
			s->p++;
			scan_escape(s, true);
		} else {
			s->p++;
		}
		if (s->fault)
			return;
	}
	if (!*s->p)
		fail(s, "a [ without its ]");
	else
		s->p++;
	add_item(s, 1);
}

static void open_group(struct scan *s)
{
	if (s->depth == NEST_MAX) {
		fail(s, "groups nested deeper than 50");
		return;
	}
	s->repeats[++s->depth] = 1;
	s->last = 0;
}

/* At most one minus, with something behind it. */
static bool flags_valid(const char *p, size_t len)
{
	const char *minus = memchr(p, '-', len);
	size_t before = minus ? (size_t)(minus - p) : len;

	return !minus || (before + 1 < len && !memchr(minus + 1, '-', len - before - 1));
}

/* Behind "(?": a flag group, (?:, or (?P<name>. All else is refused by its name. */
static void scan_extension(struct scan *s)
{
	size_t flags = strspn(s->p, "imsU-");

	if (s->p[0] == '=' || s->p[0] == '!' ||
	    (s->p[0] == '<' && (s->p[1] == '=' || s->p[1] == '!')))
		fail(s, "look-around");
	else if (s->p[0] == '>')
		fail(s, "an atomic group");
	else if (s->p[0] == 'R' || s->p[0] == '&' || str_starts(s->p, "P>") ||
		 isdigit((unsigned char)s->p[0]) ||
		 ((s->p[0] == '+' || s->p[0] == '-') && isdigit((unsigned char)s->p[1])))
		fail(s, "recursion");
	else if (str_starts(s->p, "P="))
		fail(s, "a backreference");
	else if (s->p[0] == 'C')
		fail(s, "a callout");
	else if (str_starts(s->p, "P<"))
		s->p += strcspn(s->p, ">") + (strchr(s->p, '>') ? 1 : 0);
	else if (flags_valid(s->p, flags) && s->p[flags] == ':')
		s->p += flags + 1;
	else if (flags > 0 && flags_valid(s->p, flags) && s->p[flags] == ')')
		s->p += flags; /* the group closes at once and cannot be repeated */
	else
		fail(s, "a group that RE2 does not know; (?:...), (?P<name>...) and the flags i, "
			"m, s and U are accepted");
	open_group(s);
}

static void scan_open(struct scan *s)
{
	if (*s->p == '*') {
		fail(s, "a verb");
	} else if (*s->p == '?') {
		s->p++;
		scan_extension(s);
	} else {
		open_group(s);
	}
}

static void scan_close(struct scan *s)
{
	int inside = s->repeats[s->depth];

	if (s->depth == 0) {
		fail(s, "a ) without its (");
		return;
	}
	s->depth--;
	add_item(s, inside);
}

/* The larger number of "{n}", "{n,}" or "{n,m}" at p and its length; 0 when p is no such thing and
 * the brace stands for itself. */
static size_t read_count(const char *p, int *most)
{
	int value[2] = {0, 0};
	const char *q = p + 1;

	for (int i = 0; i < 2; i++) {
		const char *start = q;

		for (; isdigit((unsigned char)*q); q++)
			value[i] = value[i] > REPEAT_MAX ? value[i] : value[i] * 10 + (*q - '0');
		if (i == 0 && q == start)
			return 0;
		if (i == 1 || *q != ',')
			break;
		q++;
	}
	if (*q != '}')
		return 0;
	*most = value[0] > value[1] ? value[0] : value[1];
	return (size_t)(q - p) + 1;
}

/* *, +, ?, or a count, at p; then perhaps one ? that makes it lazy. */
static void scan_repeat(struct scan *s, size_t len, int most)
{
	int product;

	if (s->last == 0)
		fail(s, "a repetition with nothing, or another repetition, before it");
	if (__builtin_mul_overflow(s->last, most ? most : 1, &product) || product > REPEAT_MAX)
		fail(s, "more than 1000 counted repetitions");
	s->p += len;
	if (*s->p == '?')
		s->p++;
	else if (*s->p == '+')
		fail(s, "a possessive repetition");
	add_item(s, product);
	s->last = 0;
}

static void scan_item(struct scan *s)
{
	size_t len = 1;
	int most = 1;
	char c = *s->p;

	if (c == '*' || c == '+' || c == '?') {
		scan_repeat(s, len, most);
		return;
	}
	len = c == '{' ? read_count(s->p, &most) : 0;
	if (len > 0) {
		scan_repeat(s, len, most);
		return;
	}
	s->p++;
	if (c == '\\' && *s->p == 'Q') {
		s->p++;
		scan_quoted(s);
	} else if (c == '\\') {
		scan_escape(s, false);
	} else if (c == '[') {
		scan_class(s);
	} else if (c == '(') {
		scan_open(s);
	} else if (c == ')') {
		scan_close(s);
	} else {
		add_item(s, 1);
		s->last = c == '|' ? 0 : 1;
	}
}

/* NULL, or what RE2 would refuse. */
static const char *scan_pattern(const char *pattern)
{
	struct scan s = {.p = pattern, .repeats = {1}};

	if (strlen(pattern) > PATTERN_MAX)
		return "more than 512 bytes";
	while (*s.p && !s.fault)
		scan_item(&s);
	if (!s.fault && s.depth > 0)
		return "a ( without its )";
	return s.fault;
}

typedef pcre2_code *code_t;

static void code_t_cleanup(code_t *code)
{
	pcre2_code_free(*code);
}

/* The compiled pattern or NULL; *why gets a sentence of PCRE2. */
static pcre2_code *compile(const char *pattern, char *why, size_t size)
{
	const uint32_t options = PCRE2_MATCH_INVALID_UTF | PCRE2_UTF | PCRE2_DOLLAR_ENDONLY |
				 PCRE2_NEVER_BACKSLASH_C | PCRE2_NEVER_UCP;
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	pcre2_code *code;
	int number = 0;
	size_t offset = 0;

	pcre2_set_newline(context, PCRE2_NEWLINE_LF);
	pcre2_set_parens_nest_limit(context, NEST_MAX);
	pcre2_set_max_pattern_length(context, PATTERN_MAX);
	code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, options, &number, &offset,
			     context);
	pcre2_compile_context_free(context);
	if (!code)
		pcre2_get_error_message(number, (PCRE2_UCHAR *)why, size);
	return code;
}

int pattern_check(const char *pattern, struct err *e)
{
	const char *fault = scan_pattern(pattern);
	char why[160] = "";
	AUTO(code_t) code = NULL;

	if (fault)
		return err_set(e, ERR_INVALID, "the pattern \"%.100s\" is refused: it has %s",
			       pattern, fault);
	code = compile(pattern, why, sizeof(why));
	if (!code)
		return err_set(e, ERR_INVALID, "the pattern \"%.100s\" is refused: %s", pattern,
			       why);
	return 0;
}

static int match(const pcre2_code *code, const char *subject)
{
	pcre2_match_context *context = pcre2_match_context_create(NULL);
	pcre2_match_data *data = pcre2_match_data_create_from_pattern(code, NULL);
	int rc;

	pcre2_set_match_limit(context, MATCH_LIMIT);
	pcre2_set_depth_limit(context, DEPTH_LIMIT);
	pcre2_set_heap_limit(context, HEAP_LIMIT_KIB);
	rc = pcre2_match(code, (PCRE2_SPTR)subject, strlen(subject), 0, 0, data, context);
	pcre2_match_data_free(data);
	pcre2_match_context_free(context);
	if (rc == PCRE2_ERROR_NOMATCH)
		return 0;
	return rc >= 0 ? 1 : -1;
}

int pattern_matches(const char *pattern, const char *subject)
{
	char why[160];
	AUTO(code_t) code = NULL;

	if (!scan_pattern(pattern))
		code = compile(pattern, why, sizeof(why));
	return code ? match(code, subject) : -1;
}
