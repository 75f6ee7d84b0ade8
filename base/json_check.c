/*
 * The strict check that stands before cJSON: RFC 8259 grammar, valid UTF-8, no \u0000, finite
 * numbers, bounded depth and size, and no key twice in an object. One pass over the bytes with a
 * stack of its own, so that neither depth nor size of hostile text can hurt. An object's keys are
 * compared when it closes (json_keys.h).
 */
#include "base/json_keys.h"
#include "base/json_text.h"
#include "base/utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum step { STEP_BAD = -1, STEP_VALUE, STEP_FIRST, STEP_KEY, STEP_AFTER, STEP_END };

struct frame {
	bool object;
	uint32_t at;      /* the opening bracket */
	size_t first_key; /* the object's keys begin here among the check's */
	size_t place;     /* index in check.places */
};

struct check {
	const char *text;
	size_t len, pos;
	int max_depth, depth;
	struct frame frames[JSON_MAX_DEPTH];
	struct json_keys keys;
	struct json_places *places;
	struct json_rows *rows;
	bool in_rows;     /* within the array that rows are taken from */
	int wanted;       /* which of the wanted members of a row is read; -1 = none */
	size_t wanted_at; /* its value */
	struct err *e;
};

static int bad(struct check *c, size_t pos, const char *what)
{
	return err_set(c->e, ERR_INVALID, "byte %zu: %s", pos, what);
}

/* What was found where something else had to stand. */
static int unexpected(struct check *c, const char *expected)
{
	if (c->pos >= c->len)
		return err_set(c->e, ERR_INVALID, "byte %zu: the text ends early, expected %s",
			       c->pos, expected);
	unsigned char ch = (unsigned char)c->text[c->pos];
	if (ch > 0x20 && ch < 0x7f)
		return err_set(c->e, ERR_INVALID, "byte %zu: unexpected '%c', expected %s", c->pos,
			       ch, expected);
	return err_set(c->e, ERR_INVALID, "byte %zu: unexpected byte 0x%02x, expected %s", c->pos,
		       ch, expected);
}

static inline int peek(const struct check *c)
{
	return c->pos < c->len ? (unsigned char)c->text[c->pos] : -1;
}

static bool is_digit(int ch)
{
	return ch >= '0' && ch <= '9';
}

static inline void skip_space(struct check *c)
{
	const char *p = c->text + c->pos, *end = c->text + c->len;
	if (p<end && * p> ' ')
		return;
	while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
		p++;
	c->pos = (size_t)(p - c->text);
}

static size_t note_place(struct check *c, size_t start, size_t len)
{
	struct json_places *p = c->places;
	if (!p)
		return 0;
	if (p->n == p->cap) {
		p->cap = p->cap ? p->cap * 2 : 64;
		p->items = mem_grow(p->items, p->cap, sizeof(p->items[0]));
	}
	p->items[p->n] = (struct json_place){.start = (uint32_t)start, .len = (uint32_t)len};
	return p->n++;
}

/* ---- strings ---- */

/* At "\u": one character, that is one escape or a pair of surrogates. */
static int check_unicode_escape(struct check *c)
{
	const char *p = c->text + c->pos;
	size_t left = c->len - c->pos;
	int unit = json_hex4(p + 2, left - 2);
	if (unit < 0)
		return bad(c, c->pos, "\\u must be followed by four hexadecimal digits");
	if (unit == 0)
		return bad(c, c->pos, "\\u0000 is not accepted");
	if (json_low_surrogate(unit))
		return bad(c, c->pos, "lone low surrogate");
	c->pos += 6;
	if (!json_high_surrogate(unit))
		return 0;
	if (left < 12 || p[6] != '\\' || p[7] != 'u' ||
	    !json_low_surrogate(json_hex4(p + 8, left - 8)))
		return bad(c, c->pos - 6, "lone high surrogate");
	c->pos += 6;
	return 0;
}

static int check_escape(struct check *c)
{
	if (c->pos + 1 >= c->len)
		return bad(c, c->len, "the text ends within a string");
	char ch = c->text[c->pos + 1];
	if (ch == 'u')
		return check_unicode_escape(c);
	if (!ch || !strchr("\"\\/bfnrt", ch))
		return bad(c, c->pos, "unknown escape in a string");
	c->pos += 2;
	return 0;
}

static int check_character(struct check *c)
{
	unsigned char ch = (unsigned char)c->text[c->pos];
	if (ch == '\\')
		return check_escape(c);
	if (ch < 0x20)
		return bad(c, c->pos, "control character in a string, which must be escaped");
	uint32_t code;
	size_t step = utf8_decode(c->text + c->pos, c->len - c->pos, &code);
	if (step == 0)
		return bad(c, c->pos, "invalid UTF-8");
	c->pos += step;
	return 0;
}

/* From the opening to behind the closing quote. */
static int check_string(struct check *c)
{
	c->pos++;
	while (c->pos < c->len) {
		c->pos += json_plain_length(c->text + c->pos, c->len - c->pos);
		if (peek(c) == '"') {
			c->pos++;
			return 0;
		}
		if (c->pos < c->len && check_character(c) < 0)
			return -1;
	}
	return bad(c, c->pos, "the text ends within a string");
}

/* ---- numbers and words ---- */

static int check_digits(struct check *c)
{
	if (!is_digit(peek(c)))
		return unexpected(c, "a digit");
	while (is_digit(peek(c)))
		c->pos++;
	return 0;
}

static int check_exponent(struct check *c)
{
	c->pos++;
	if (peek(c) == '+' || peek(c) == '-')
		c->pos++;
	return check_digits(c);
}

static int check_integer_part(struct check *c)
{
	if (peek(c) == '-')
		c->pos++;
	bool zero = peek(c) == '0';
	size_t start = c->pos;
	if (check_digits(c) < 0)
		return -1;
	if (zero && c->pos > start + 1)
		return bad(c, start, "a number must not begin with a zero");
	return 0;
}

static bool is_finite(const char *p, size_t len)
{
	char copy[JSON_NUMBER_SIZE];
	memcpy(copy, p, len);
	copy[len] = '\0';
	return isfinite(strtod(copy, NULL));
}

static int check_number(struct check *c)
{
	size_t start = c->pos;
	if (check_integer_part(c) < 0)
		return -1;
	if (peek(c) == '.') {
		c->pos++;
		if (check_digits(c) < 0)
			return -1;
	}
	bool exponent = peek(c) == 'e' || peek(c) == 'E';
	if (exponent && check_exponent(c) < 0)
		return -1;
	size_t len = c->pos - start;
	if (len >= JSON_NUMBER_SIZE)
		return bad(c, start, "a number of more than 63 characters");
	if (exponent && !is_finite(c->text + start, len))
		return bad(c, start, "the number is too large");
	note_place(c, start, len);
	return 0;
}

static int check_word(struct check *c)
{
	static const char *const words[] = {"true", "false", "null"};
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		size_t n = strlen(words[i]);
		if (c->len - c->pos < n || memcmp(c->text + c->pos, words[i], n) != 0)
			continue;
		c->pos += n;
		return 0;
	}
	return unexpected(c, "a value");
}

/* ---- rows ---- */

#define ROW_DEPTH     2 /* in an array of the root */
#define COMMON_DIGITS 15

/* A value of the root object opens: does it hold the rows? */
static void rows_open(struct check *c)
{
	const struct json_keys *k = &c->keys;
	const char *name = c->rows->key;
	if (!c->frames[0].object || k->n == 0 ||
	    !json_key_is(k, &k->items[k->n - 1], name, strlen(name)))
		return;
	c->in_rows = true;
	c->rows->begin = c->pos;
}

static void rows_close(struct check *c)
{
	c->in_rows = false;
	c->rows->end = c->pos;
}

static bool at_row(const struct check *c)
{
	return c->in_rows && c->depth == ROW_DEPTH;
}

/* Among the members of a row, or the elements of one that is an array. */
static bool in_row(const struct check *c)
{
	return c->in_rows && c->depth == ROW_DEPTH + 1;
}

static void row_end(struct check *c)
{
	struct json_row *row = &c->rows->items[c->rows->n - 1];
	row->text.len = (size_t)(c->text + c->pos - row->text.p);
}

/* An object ends where its text says so: what was good before is good wherever it stands. */
static bool row_known(struct check *c, struct json_row *row)
{
	struct json_rows *r = c->rows;
	size_t left = c->len - c->pos;
	const struct json_span *known = r->known ? r->known(row->text.p, left, r->owner) : NULL;
	if (!known || known->len > left || memcmp(known->p, row->text.p, known->len) != 0)
		return false;
	row->same = known;
	c->pos += known->len;
	row_end(c);
	return true;
}

/* True when it is one that is known, and ends as well. */
static bool row_begin(struct check *c)
{
	struct json_row *row = json_rows_add(c->rows);
	row->text.p = c->text + c->pos;
	json_keys_row(&c->keys);
	return peek(c) == '{' && row_known(c, row);
}

/* A key of a row: is the value behind it wanted? */
static void row_key_end(struct check *c, struct json_key *key)
{
	for (size_t i = 0; i < c->rows->n_wanted && key->wanted < 0; i++)
		if (json_key_is(&c->keys, key, c->rows->wanted[i], strlen(c->rows->wanted[i])))
			key->wanted = (int)i;
	c->wanted = key->wanted;
}

static void row_value_end(struct check *c, size_t at)
{
	struct json_place *places = json_rows_members(c->rows, c->rows->n - 1);
	places[c->wanted] =
		(struct json_place){.start = (uint32_t)at, .len = (uint32_t)(c->pos - at)};
	c->wanted = -1;
}

static size_t common_number(const char *p, size_t left)
{
	size_t n = 0;
	while (n < left && n < COMMON_DIGITS && is_digit(p[n]))
		n++;
	bool whole = n > 0 && n < left && (p[n] == ',' || p[n] == '}');
	return whole && (*p != '0' || n == 1) ? n : 0;
}

static size_t common_text(const char *p, size_t left)
{
	size_t n = 1 + json_plain_length(p + 1, left - 1);
	return n < left && p[n] == '"' ? n + 1 : 0;
}

static size_t common_word(const char *p, size_t left, const char *word)
{
	size_t n = strlen(word);
	return n <= left && memcmp(p, word, n) == 0 ? n : 0;
}

/* An object or a list of nothing, where one may still open. */
static size_t common_empty(const struct check *c, const char *p, size_t left)
{
	bool empty = left > 1 && (memcmp(p, "{}", 2) == 0 || memcmp(p, "[]", 2) == 0);
	return empty && c->depth < c->max_depth ? 2 : 0;
}

/* The length of what most values are, when this is one and good; 0: the steps read it. */
static size_t common_value(const struct check *c)
{
	const char *p = c->text + c->pos;
	size_t left = c->len - c->pos;
	switch (left > 0 ? *p : '\0') {
	case '"':
		return common_text(p, left);
	case 't':
		return common_word(p, left, "true");
	case 'f':
		return common_word(p, left, "false");
	case 'n':
		return common_word(p, left, "null");
	case '{':
	case '[':
		return common_empty(c, p, left);
	default:
		return common_number(p, left);
	}
}

/* ---- the steps ---- */

static enum step open_container(struct check *c, bool object)
{
	if (c->depth >= c->max_depth) {
		err_set(c->e, ERR_INVALID, "byte %zu: nested deeper than %d", c->pos, c->max_depth);
		return STEP_BAD;
	}
	struct frame *f = &c->frames[c->depth++];
	*f = (struct frame){.object = object, .at = (uint32_t)c->pos, .first_key = c->keys.n};
	f->place = note_place(c, c->pos, 0);
	if (c->rows && !object && c->depth == ROW_DEPTH)
		rows_open(c);
	c->pos++;
	return STEP_FIRST;
}

static enum step close_container(struct check *c)
{
	struct frame *f = &c->frames[--c->depth];
	c->pos++;
	if (c->places)
		c->places->items[f->place].len = (uint32_t)c->pos - f->at;
	bool row = at_row(c);
	if (row)
		row_end(c);
	else if (c->in_rows && c->depth < ROW_DEPTH)
		rows_close(c);
	if (f->object && (row ? json_keys_close_row : json_keys_close)(&c->keys, f->first_key) < 0)
		return STEP_BAD;
	if (c->wanted >= 0 && in_row(c))
		row_value_end(c, c->wanted_at);
	return STEP_AFTER;
}

static enum step step_value(struct check *c)
{
	int ch = peek(c), rc;
	if (at_row(c) && row_begin(c))
		return STEP_AFTER;
	if (c->wanted >= 0 && in_row(c))
		c->wanted_at = c->pos;
	if (ch == '{' || ch == '[')
		return open_container(c, ch == '{');
	if (ch == '"')
		rc = check_string(c);
	else if (ch == '-' || is_digit(ch))
		rc = check_number(c);
	else
		rc = check_word(c);
	if (rc < 0)
		return STEP_BAD;
	if (at_row(c))
		row_end(c);
	if (c->wanted >= 0 && in_row(c))
		row_value_end(c, c->wanted_at);
	return STEP_AFTER;
}

/* A key that is not known from the row before. */
static int read_key(struct check *c, bool row)
{
	size_t at = c->pos;
	if (peek(c) != '"')
		return unexpected(c, "a key in quotes");
	if (check_string(c) < 0)
		return -1;
	struct json_key *key = json_keys_note(&c->keys, at, c->pos);
	if (row)
		row_key_end(c, key);
	return 0;
}

/* Up to where its value begins. */
static int step_over_key(struct check *c, bool row)
{
	const struct json_key *alike =
		row ? json_keys_alike(&c->keys, c->pos, c->len - c->pos) : NULL;
	if (alike) {
		c->pos += alike->len + 2;
		c->wanted = alike->wanted;
	} else if (read_key(c, row) < 0) {
		return -1;
	}
	skip_space(c);
	if (peek(c) != ':')
		return unexpected(c, "':'");
	c->pos++;
	skip_space(c);
	return 0;
}

/* A row's members one after the other, as long as all is written as it mostly is. */
static enum step step_key(struct check *c)
{
	bool row = in_row(c), more;
	do {
		if (step_over_key(c, row) < 0)
			return STEP_BAD;
		size_t at = c->pos;
		c->pos += row ? common_value(c) : 0;
		if (c->pos == at)
			return step_value(c);
		if (c->wanted >= 0)
			row_value_end(c, at);
		more = c->len - c->pos > 1 && c->text[c->pos] == ',' && c->text[c->pos + 1] == '"';
		c->pos += more;
	} while (more);
	return STEP_AFTER;
}

static char closing(const struct frame *f)
{
	return f->object ? '}' : ']';
}

static enum step step_first(struct check *c)
{
	const struct frame *f = &c->frames[c->depth - 1];
	if (peek(c) == closing(f))
		return close_container(c);
	return f->object ? STEP_KEY : STEP_VALUE;
}

static enum step step_after(struct check *c)
{
	if (c->depth == 0) {
		if (c->pos < c->len)
			unexpected(c, "the end of the text");
		return c->pos < c->len ? STEP_BAD : STEP_END;
	}
	const struct frame *f = &c->frames[c->depth - 1];
	if (peek(c) == closing(f))
		return close_container(c);
	if (peek(c) == ',') {
		c->pos++;
		if (!f->object)
			return STEP_VALUE;
		skip_space(c);
		return step_key(c);
	}
	unexpected(c, f->object ? "',' or '}'" : "',' or ']'");
	return STEP_BAD;
}

static enum step take_step(struct check *c, enum step step)
{
	skip_space(c);
	switch (step) {
	case STEP_VALUE:
		return step_value(c);
	case STEP_FIRST:
		return step_first(c);
	case STEP_KEY:
		return step_key(c);
	case STEP_AFTER:
		return step_after(c);
	case STEP_BAD:
	case STEP_END:
		break;
	}
	return step;
}

static int check_start(struct check *c)
{
	if (c->len >= 3 && memcmp(c->text, "\xef\xbb\xbf", 3) == 0)
		return bad(c, 0, "a byte order mark, which is not accepted");
	skip_space(c);
	if (c->pos == c->len)
		return bad(c, c->pos, "the text is empty, expected a JSON value");
	return 0;
}

static int check_size(size_t len, const struct json_limits *limits, struct err *e)
{
	size_t max = limits && limits->max_bytes ? limits->max_bytes : JSON_MAX_BYTES;
	if (max > JSON_CEILING_BYTES)
		max = JSON_CEILING_BYTES;
	if (len > max)
		return err_set(e, ERR_INVALID, "byte %zu: the text has %zu bytes, accepted are %zu",
			       max, len, max);
	return 0;
}

int json_check_places(const char *text, size_t len, const struct json_limits *limits,
		      struct json_places *places, struct json_rows *rows, struct err *e)
{
	if (check_size(len, limits, e) < 0)
		return -1;
	struct check c = {.text = text, .len = len, .places = places, .rows = rows, .e = e};
	c.keys.text = text;
	c.keys.e = e;
	c.wanted = -1;
	c.max_depth = limits && limits->max_depth > 0 ? limits->max_depth : JSON_MAX_DEPTH;
	if (c.max_depth > JSON_MAX_DEPTH)
		c.max_depth = JSON_MAX_DEPTH;
	enum step step = check_start(&c) < 0 ? STEP_BAD : STEP_VALUE;
	while (step != STEP_BAD && step != STEP_END)
		step = take_step(&c, step);
	json_keys_free(&c.keys);
	return step == STEP_END ? 0 : -1;
}

int json_check(const char *text, size_t len, const struct json_limits *limits, struct err *e)
{
	return json_check_places(text, len, limits, NULL, NULL, e);
}
