/*
 * The decoder of typed field tables: JSON into a struct, with one sentence per mistake that names
 * the place, what is wrong and what is accepted. A secret's value never stands in a sentence.
 */
#include "base/fields.h"
#include "base/text.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

#define MAX_STRING   4096
#define MAX_ITEMS    256
#define MAX_KEYS     64 /* of a table, for "did you mean" */
#define SHOWN_KEYS   12
#define A_LATER_TIME 4102444800000 /* relative times are checked against it: 2100-01-01 */

struct decoder {
	char path[FIELD_PATH_SIZE];
	size_t len;
	struct err *e;
};

static void *slot_of(const struct field *f, void *base)
{
	return (char *)base + f->offset;
}

static const void *value_of(const struct field *f, const void *base)
{
	return (const char *)base + f->offset;
}

const struct field *fields_find(const struct field *table, const char *name)
{
	for (const struct field *f = table; f->name; f++)
		if (strcmp(f->name, name) == 0)
			return f;
	return NULL;
}

/* ---- sentences ---- */

/* Returns the length to go back to; what does not fit is cut. */
static size_t push(struct decoder *d, const char *fmt, ...) PRINTF(2, 3);

static size_t push(struct decoder *d, const char *fmt, ...)
{
	size_t before = d->len;
	va_list ap;
	va_start(ap, fmt);
	AUTO(str_t) part = str_vformat(fmt, ap);
	va_end(ap);
	size_t room = sizeof(d->path) - 1 - d->len, n = strlen(part);
	if (n > room)
		n = utf8_whole(part, room);
	memcpy(d->path + d->len, part, n);
	d->len += n;
	d->path[d->len] = '\0';
	return before;
}

static size_t push_key(struct decoder *d, const char *key)
{
	return push(d, "%s%s", d->len ? "." : "", key);
}

static void pop(struct decoder *d, size_t len)
{
	d->len = len;
	d->path[len] = '\0';
}

static int say(struct decoder *d, const char *sentence)
{
	return err_set(d->e, ERR_INVALID, "%s%s%s", d->path, d->len ? ": " : "", sentence);
}

/* "path: what, expected what the field accepts", and advice behind it. */
static int mistake_with(struct decoder *d, const struct field *f, const char *what,
			const char *advice)
{
	AUTO(buf_t) sentence = {0};
	buf_printf(&sentence, "%s, expected ", what);
	fields_accepts(f, &sentence);
	buf_str(&sentence, advice);
	return say(d, buf_text(&sentence));
}

static int mistake(struct decoder *d, const struct field *f, const char *fmt, ...) PRINTF(3, 4);

static int mistake(struct decoder *d, const struct field *f, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	AUTO(str_t) what = str_vformat(fmt, ap);
	va_end(ap);
	return mistake_with(d, f, what, "");
}

static int wrong_type(struct decoder *d, const struct field *f, const struct json *v)
{
	enum json_type t = json_type(v);
	bool texts = f->type == FIELD_STRING || f->type == FIELD_STRINGS;
	bool quotes = texts && (t == JSON_NUMBER || t == JSON_BOOL);
	AUTO(str_t) what = str_format("is %s", json_type_name(t));
	return mistake_with(d, f, what, quotes ? "; put it in quotes" : "");
}

/* A value is shown, unless it is secret. */
static int wrong_value(struct decoder *d, const struct field *f, const char *value)
{
	if (f->flags & FIELD_SECRET)
		return mistake(d, f, "has a value that is not accepted");
	const char *near = f->values ? fields_nearest(f->values, value) : NULL;
	AUTO(str_t) what = str_format("\"%.64s\" is not accepted", value);
	AUTO(str_t) advice = near ? str_format("; did you mean \"%s\"?", near) : str_dup("");
	return mistake_with(d, f, what, advice);
}

static size_t list_names(const struct field *table, const char *names[MAX_KEYS + 1])
{
	size_t n = 0;
	for (const struct field *f = table; f->name && n < MAX_KEYS; f++)
		names[n++] = f->name;
	names[n] = NULL;
	return n;
}

static int unknown_key(struct decoder *d, const struct field *table, const char *key)
{
	const char *names[MAX_KEYS + 1];
	size_t n = list_names(table, names);
	AUTO(buf_t) sentence = {0};
	buf_printf(&sentence, "unknown key \"%.64s\"", key);
	const char *near = fields_nearest(names, key);
	if (near)
		buf_printf(&sentence, "; did you mean \"%s\"?", near);
	if (n == 0)
		buf_str(&sentence, "; no key is accepted");
	else if (n <= SHOWN_KEYS)
		buf_printf(&sentence, "%s accepted: ", near ? "" : ";");
	for (size_t i = 0; n <= SHOWN_KEYS && i < n; i++)
		buf_printf(&sentence, "%s%s", i ? ", " : "", names[i]);
	return say(d, buf_text(&sentence));
}

/* ---- values ---- */

static int64_t most(const struct field *f, int64_t otherwise)
{
	return f->max ? f->max : otherwise;
}

static bool in_list(const char *const *values, const char *value)
{
	for (size_t i = 0; values[i]; i++)
		if (strcmp(values[i], value) == 0)
			return true;
	return false;
}

/* In characters, as JSON Schema counts. */
static int64_t count_characters(const char *s)
{
	size_t left = strlen(s);
	int64_t count = 0;
	while (left > 0) {
		uint32_t code;
		size_t step = utf8_decode(s, left, &code);
		step = step ? step : 1;
		s += step;
		left -= step;
		count++;
	}
	return count;
}

static int check_further(struct decoder *d, const struct field *f, const char *s)
{
	struct err why = {0};
	int64_t ignored;
	int rc = 0;
	if (f->flags & FIELD_TIME)
		rc = time_parse(s, A_LATER_TIME, &ignored, &why);
	if (rc == 0 && f->check)
		rc = f->check(s, &why);
	if (rc == 0)
		return 0;
	return f->flags & FIELD_SECRET ? wrong_value(d, f, s) : say(d, why.message);
}

/* Of a string itself, and of each string of a list, whose bounds then count items. */
static int check_string(struct decoder *d, const struct field *f, const char *s)
{
	bool item = f->type == FIELD_STRINGS;
	int64_t n = count_characters(s), max = item ? MAX_STRING : most(f, MAX_STRING);
	if (n > max || (!item && n < f->min))
		return mistake(d, f, "has %lld character%s", (long long)n, n == 1 ? "" : "s");
	if (f->values && !in_list(f->values, s))
		return wrong_value(d, f, s);
	return check_further(d, f, s);
}

static int decode_string(struct decoder *d, const struct field *f, const struct json *v, void *slot)
{
	const char *s = json_string(v);
	if (!s)
		return wrong_type(d, f, v);
	if (check_string(d, f, s) < 0)
		return -1;
	str_set(slot, s);
	return 0;
}

static int decode_int(struct decoder *d, const struct field *f, const struct json *v, void *slot)
{
	int64_t n, max = most(f, INT64_MAX);
	if (json_type(v) != JSON_NUMBER)
		return wrong_type(d, f, v);
	if (!json_int(v, &n))
		return mistake(d, f, "is not a whole number within 2^53");
	if (n < f->min || n > max)
		return mistake(d, f, "is %lld", (long long)n);
	*(int64_t *)slot = n;
	return 0;
}

static int decode_bool(struct decoder *d, const struct field *f, const struct json *v, void *slot)
{
	if (json_type(v) != JSON_BOOL)
		return wrong_type(d, f, v);
	*(bool *)slot = json_bool(v, false);
	return 0;
}

static int decode_duration(struct decoder *d, const struct field *f, const struct json *v,
			   void *slot)
{
	const char *s = json_string(v);
	struct duration *out = slot;
	int64_t ms;
	if (!s)
		return wrong_type(d, f, v);
	if (duration_parse(s, &ms, NULL) < 0)
		return wrong_value(d, f, s);
	if (ms < f->min || ms > most(f, INT64_MAX))
		return mistake(d, f, "is %.64s", s);
	out->ms = ms;
	return 0;
}

static int decode_item(struct decoder *d, const struct field *f, const struct json *v, size_t index,
		       struct strlist *list)
{
	const char *s = json_string(v);
	size_t back = push(d, "[%zu]", index);
	if (!s)
		return wrong_type(d, f, v);
	if (check_string(d, f, s) < 0)
		return -1;
	strlist_add(list, s);
	pop(d, back);
	return 0;
}

static int decode_strings(struct decoder *d, const struct field *f, const struct json *v,
			  void *slot)
{
	AUTO(strlist_t) list = {0};
	int64_t n = (int64_t)json_count(v);
	size_t index = 0;
	if (json_type(v) != JSON_ARRAY)
		return wrong_type(d, f, v);
	if (n < f->min || n > most(f, MAX_ITEMS))
		return mistake(d, f, "has %lld item%s", (long long)n, n == 1 ? "" : "s");
	JSON_EACH (item, v)
		if (decode_item(d, f, item, index++, &list) < 0)
			return -1;
	strlist_free(slot);
	*(struct strlist *)slot = list;
	list = (struct strlist){0};
	return 0;
}

static int decode_raw(struct decoder *d, const struct field *f, const struct json *v, void *slot)
{
	struct raw_json *out = slot;
	enum json_type t = json_type(v);
	if (t != JSON_OBJECT && t != JSON_ARRAY)
		return wrong_type(d, f, v);
	struct json_span raw = json_raw(v);
	free(out->text);
	out->text = str_ndup(raw.p, raw.len);
	return 0;
}

/* ---- objects ---- */

static int decode_object(struct decoder *d, const struct field *table, const struct json *object,
			 void *out);

static int decode_value(struct decoder *d, const struct field *f, const struct json *v, void *slot)
{
	switch (f->type) {
	case FIELD_STRING:
		return decode_string(d, f, v, slot);
	case FIELD_INT:
		return decode_int(d, f, v, slot);
	case FIELD_BOOL:
		return decode_bool(d, f, v, slot);
	case FIELD_DURATION:
		return decode_duration(d, f, v, slot);
	case FIELD_STRINGS:
		return decode_strings(d, f, v, slot);
	case FIELD_RAW:
		return decode_raw(d, f, v, slot);
	case FIELD_OBJECT:
		if (json_type(v) != JSON_OBJECT)
			return wrong_type(d, f, v);
		return decode_object(d, f->sub, v, slot);
	case FIELD_ITEMS:
		break;
	}
	return mistake(d, f, "cannot be given");
}

static int decode_member(struct decoder *d, const struct field *table, const struct json *member,
			 void *out)
{
	const struct field *f = fields_find(table, json_key(member));
	size_t back = push_key(d, json_key(member));
	if (!f)
		return unknown_key(d, table, json_key(member));
	/* null is as good as absent. */
	if (!json_is_null(member) && decode_value(d, f, member, slot_of(f, out)) < 0)
		return -1;
	pop(d, back);
	return 0;
}

static int check_required(struct decoder *d, const struct field *table, const struct json *object)
{
	for (const struct field *f = table; f->name; f++) {
		if (!(f->flags & FIELD_REQUIRED) || !json_is_null(json_get(object, f->name)))
			continue;
		push_key(d, f->name);
		return mistake(d, f, "is missing");
	}
	return 0;
}

static int decode_object(struct decoder *d, const struct field *table, const struct json *object,
			 void *out)
{
	JSON_EACH (member, object)
		if (decode_member(d, table, member, out) < 0)
			return -1;
	return check_required(d, table, object);
}

static int decode_root(struct decoder *d, const struct field *table, const struct json *object,
		       void *out)
{
	enum json_type t = json_type(object);
	if (t == JSON_OBJECT || t == JSON_NULL)
		return decode_object(d, table, object, out);
	return err_set(d->e, ERR_INVALID, "is %s, expected an object", json_type_name(t));
}

int fields_decode(const struct field *table, const struct json *object, void *out, char *path,
		  struct err *e)
{
	struct decoder d = {.e = e};
	fields_default(table, out);
	if (decode_root(&d, table, object, out) == 0)
		return 0;
	fields_free(table, out);
	if (path)
		str_copy(path, FIELD_PATH_SIZE, d.path);
	return -1;
}

/* ---- defaults, freeing, writing ---- */

/* "a,b" as items; empty text is an empty list. */
static void default_list(const char *text, struct strlist *list)
{
	while (*text) {
		size_t len = strcspn(text, ",");
		AUTO(str_t) item = str_ndup(text, len);
		strlist_add(list, item);
		text += text[len] ? len + 1 : len;
	}
}

/* Defaults are the tables' own: they are not judged here, as this happens in every call. */
static void default_value(const struct field *f, void *slot)
{
	switch (f->type) {
	case FIELD_STRING:
		str_set(slot, f->fallback);
		break;
	case FIELD_INT:
		*(int64_t *)slot = strtoll(f->fallback, NULL, 10);
		break;
	case FIELD_BOOL:
		*(bool *)slot = strcmp(f->fallback, "true") == 0;
		break;
	case FIELD_DURATION:
		if (duration_parse(f->fallback, &((struct duration *)slot)->ms, NULL) < 0)
			((struct duration *)slot)->ms = 0;
		break;
	case FIELD_STRINGS:
		default_list(f->fallback, slot);
		break;
	case FIELD_RAW:
		str_set(&((struct raw_json *)slot)->text, f->fallback);
		break;
	case FIELD_OBJECT:
	case FIELD_ITEMS:
		break;
	}
}

void fields_default(const struct field *table, void *out)
{
	for (const struct field *f = table; f->name; f++) {
		if (f->type == FIELD_OBJECT)
			fields_default(f->sub, slot_of(f, out));
		else if (f->fallback)
			default_value(f, slot_of(f, out));
	}
}

static void wipe(char *s)
{
	if (s)
		explicit_bzero(s, strlen(s));
}

static void free_value(const struct field *f, void *slot)
{
	switch (f->type) {
	case FIELD_STRING:
		if (f->flags & FIELD_SECRET)
			wipe(*(char **)slot);
		str_set(slot, NULL);
		break;
	case FIELD_INT:
		*(int64_t *)slot = 0;
		break;
	case FIELD_BOOL:
		*(bool *)slot = false;
		break;
	case FIELD_DURATION:
		((struct duration *)slot)->ms = 0;
		break;
	case FIELD_STRINGS:
		strlist_free(slot);
		break;
	case FIELD_RAW:
		str_set(&((struct raw_json *)slot)->text, NULL);
		break;
	case FIELD_OBJECT:
		fields_free(f->sub, slot);
		break;
	case FIELD_ITEMS:
		break;
	}
}

void fields_free(const struct field *table, void *data)
{
	for (const struct field *f = table; f->name; f++)
		free_value(f, slot_of(f, data));
}

/* A zero outside the bounds can only mean that nothing was given. */
static bool is_absent(const struct field *f, const void *value)
{
	if (f->type == FIELD_STRING)
		return !*(char *const *)value;
	if (f->type == FIELD_RAW)
		return !((const struct raw_json *)value)->text;
	if (f->type == FIELD_INT)
		return *(const int64_t *)value == 0 && f->min > 0;
	if (f->type == FIELD_DURATION)
		return ((const struct duration *)value)->ms == 0 && f->min > 0;
	if (f->type == FIELD_STRINGS)
		return ((const struct strlist *)value)->n == 0 && f->min > 0;
	return f->type == FIELD_ITEMS;
}

static void write_raw(const struct raw_json *raw, struct json_writer *w)
{
	json_write_raw(w, raw->text, strlen(raw->text));
}

static void write_value(const struct field *f, const void *value, struct json_writer *w)
{
	char text[TEXT_TIME_SIZE];
	switch (f->type) {
	case FIELD_STRING:
		json_put_string(w, f->name, *(char *const *)value);
		break;
	case FIELD_INT:
		json_put_int(w, f->name, *(const int64_t *)value);
		break;
	case FIELD_BOOL:
		json_put_bool(w, f->name, *(const bool *)value);
		break;
	case FIELD_DURATION:
		duration_format(((const struct duration *)value)->ms, text);
		json_put_string(w, f->name, text);
		break;
	case FIELD_STRINGS:
		json_put_strlist(w, f->name, value);
		break;
	case FIELD_RAW:
		json_write_key(w, f->name);
		write_raw(value, w);
		break;
	case FIELD_OBJECT:
		json_write_key(w, f->name);
		fields_write(f->sub, value, w);
		break;
	case FIELD_ITEMS:
		break;
	}
}

void fields_write(const struct field *table, const void *data, struct json_writer *w)
{
	json_object_begin(w);
	for (const struct field *f = table; f->name; f++) {
		const void *value = value_of(f, data);
		if (is_absent(f, value))
			continue;
		if (f->flags & FIELD_SECRET)
			json_put_string(w, f->name, "***");
		else
			write_value(f, value, w);
	}
	json_object_end(w);
}
