/*
 * Field tables and text: what a field accepts in words, one value from a command line, and the
 * name that somebody probably meant.
 */
#include "base/fields.h"
#include "base/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST_WORD 48

/* ---- what a field accepts ---- */

static void list_words(const char *const *words, struct buf *out)
{
	for (size_t i = 0; words[i]; i++)
		buf_printf(out, "%s%s", i ? ", " : "", words[i]);
}

/* " of 1 to 64 characters", or nothing when the table sets no bound. */
static void add_bounds(const struct field *f, const char *unit, struct buf *out)
{
	long long min = f->min, max = f->max;
	if (min > 0 && max > 0 && min == max)
		buf_printf(out, " of %lld %s", min, unit);
	else if (min > 0 && max > 0)
		buf_printf(out, " of %lld to %lld %s", min, max, unit);
	else if (max > 0)
		buf_printf(out, " of at most %lld %s", max, unit);
	else if (min > 0)
		buf_printf(out, " of at least %lld %s", min, unit);
}

static void accept_string(const struct field *f, struct buf *out)
{
	if (f->values) {
		buf_str(out, "one of ");
		list_words(f->values, out);
	} else if (f->flags & FIELD_TIME) {
		buf_str(out, "a time as RFC 3339, or back from now as in \"48h\"");
	} else {
		buf_str(out, "a string");
		add_bounds(f, "characters", out);
	}
}

static void accept_int(const struct field *f, struct buf *out)
{
	buf_printf(out, "a whole number ");
	if (f->max && f->max != INT64_MAX)
		buf_printf(out, "from %lld to %lld", (long long)f->min, (long long)f->max);
	else
		buf_printf(out, "of at least %lld", (long long)f->min);
}

static void accept_duration(const struct field *f, struct buf *out)
{
	char min[TEXT_TIME_SIZE], max[TEXT_TIME_SIZE];
	duration_format(f->min, min);
	duration_format(f->max, max);
	buf_str(out, "a duration");
	if (f->max && f->max != INT64_MAX)
		buf_printf(out, " from %s to %s", f->min ? min : "0s", max);
	else if (f->min)
		buf_printf(out, " of at least %s", min);
	buf_str(out, ", as in \"30s\"");
}

static void accept_strings(const struct field *f, struct buf *out)
{
	buf_str(out, "a list of strings");
	add_bounds(f, "items", out);
	if (f->values) {
		buf_str(out, ", each one of ");
		list_words(f->values, out);
	}
}

static void accept_object(const struct field *f, struct buf *out)
{
	buf_str(out, "an object with the keys ");
	for (const struct field *sub = f->sub; sub->name; sub++)
		buf_printf(out, "%s%s", sub == f->sub ? "" : ", ", sub->name);
}

void fields_accepts(const struct field *f, struct buf *out)
{
	switch (f->type) {
	case FIELD_STRING:
		accept_string(f, out);
		break;
	case FIELD_INT:
		accept_int(f, out);
		break;
	case FIELD_BOOL:
		buf_str(out, "true or false");
		break;
	case FIELD_DURATION:
		accept_duration(f, out);
		break;
	case FIELD_STRINGS:
		accept_strings(f, out);
		break;
	case FIELD_RAW:
		buf_str(out, "a JSON object or array");
		break;
	case FIELD_OBJECT:
		accept_object(f, out);
		break;
	case FIELD_ITEMS:
		buf_str(out, "a list of objects");
		break;
	}
}

/* ---- one value from text ---- */

static void write_list(const char *text, struct json_writer *w)
{
	json_array_begin(w);
	while (*text) {
		size_t len = strcspn(text, ",");
		json_write_stringn(w, text, len);
		text += len;
		/* A comma at the end announces one more item, an empty one. */
		if (*text == ',' && !*++text)
			json_write_string(w, "");
	}
	json_array_end(w);
}

static int write_json(const struct field *f, const char *text, struct json_writer *w, struct err *e)
{
	AUTO(buf_t) accepts = {0};
	size_t len = strlen(text);
	struct err why;
	if (json_check(text, len, NULL, &why) == 0) {
		json_write_raw(w, text, len);
		return 0;
	}
	fields_accepts(f, &accepts);
	return err_set(e, ERR_INVALID,
		       "%s: is no JSON (%s), expected %s, as in '{\"name\": \"value\"}'", f->name,
		       why.message, buf_text(&accepts));
}

/* Numbers, true and false stand in JSON as they are written. */
static int write_plain(const struct field *f, const char *text, struct json_writer *w,
		       struct err *e)
{
	AUTO(buf_t) accepts = {0};
	if (*text && strchr("-0123456789tf", *text) &&
	    json_check(text, strlen(text), NULL, NULL) == 0) {
		json_write_raw(w, text, strlen(text));
		return 0;
	}
	fields_accepts(f, &accepts);
	return err_set(e, ERR_INVALID, "%s: \"%.64s\" is not accepted, expected %s", f->name, text,
		       buf_text(&accepts));
}

static int write_text(const struct field *f, const char *text, struct json_writer *w, struct err *e)
{
	switch (f->type) {
	case FIELD_STRING:
	case FIELD_DURATION:
		json_write_string(w, text);
		return 0;
	case FIELD_STRINGS:
		write_list(text, w);
		return 0;
	case FIELD_INT:
	case FIELD_BOOL:
		return write_plain(f, text, w, e);
	case FIELD_RAW:
	case FIELD_OBJECT:
		return write_json(f, text, w, e);
	case FIELD_ITEMS:
		break;
	}
	return err_set(e, ERR_INVALID, "%s: cannot be given as text", f->name);
}

/* The same decoder as everywhere judges the value, so that the sentences are the same. */
static int judge(const struct field *f, const struct buf *value, struct err *e)
{
	union {
		char *string;
		int64_t integer;
		bool truth;
		struct duration duration;
		struct strlist strings;
		struct raw_json raw;
	} slot = {0};
	struct field table[] = { *f, FIELDS_END };
	AUTO(buf_t) text = {0};
	AUTO(json_doc_t) doc = NULL;
	struct json_writer w;
	table[0].offset = 0;
	table[0].fallback = NULL;
	json_write_init(&w, &text);
	json_object_begin(&w);
	json_write_key(&w, f->name);
	json_write_raw(&w, value->data, value->len);
	json_object_end(&w);
	if (json_parse(text.data, text.len, NULL, &doc, e) < 0)
		return err_wrap(e, "%s", f->name);
	if (fields_decode(table, json_root(doc), &slot, NULL, e) < 0)
		return -1;
	fields_free(table, &slot);
	return 0;
}

int fields_parse_text(const struct field *f, const char *text, struct json_writer *w, struct err *e)
{
	AUTO(buf_t) value = {0};
	struct json_writer to;
	json_write_init(&to, &value);
	if (write_text(f, text, &to, e) < 0)
		return -1;
	/* The struct behind an object is not known here: the daemon judges its members. */
	if (f->type != FIELD_OBJECT && judge(f, &value, e) < 0)
		return -1;
	json_write_raw(w, value.data, value.len);
	return 0;
}

/* ---- the nearest name ---- */

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static bool same_letter(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Edits that turn a into b: insert, delete, replace a letter, or swap two neighbours. */
static size_t edit_distance(const char *a, size_t na, const char *b, size_t nb)
{
	size_t d[LONGEST_WORD + 1][LONGEST_WORD + 1];
	for (size_t i = 0; i <= na; i++)
		d[i][0] = i;
	for (size_t j = 0; j <= nb; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= na; i++) {
		for (size_t j = 1; j <= nb; j++) {
			size_t cost = same_letter(a[i - 1], b[j - 1]) ? 0 : 1;
			d[i][j] =
				least(least(d[i - 1][j], d[i][j - 1]) + 1, d[i - 1][j - 1] + cost);
			if (i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) &&
			    same_letter(a[i - 2], b[j - 1]))
				d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
		}
	}
	return d[na][nb];
}

const char *fields_nearest(const char *const *names, const char *word)
{
	size_t len = strlen(word), best = len / 3 + 1;
	const char *nearest = NULL;
	if (len == 0 || len > LONGEST_WORD)
		return NULL;
	/* One edit in three letters, and one in a short word. */
	if (best < 2)
		best = 2;
	for (size_t i = 0; names[i]; i++) {
		size_t n = strlen(names[i]);
		size_t distance = n <= LONGEST_WORD ? edit_distance(word, len, names[i], n) : best;
		if (distance < best) {
			best = distance;
			nearest = names[i];
		}
	}
	return nearest;
}
