/*
 * Field tables as JSON Schema 2020-12. What the schema cannot say (the bounds of a duration) stands
 * in the description; whatever the schema admits, the decoder has the last word.
 */
#include "base/fields.h"
#include "base/text.h"

#include <string.h>

#define DURATION_PATTERN "^([0-9]+(d|h|m|s|ms))+$"

static void put_type(struct json_writer *w, const char *type)
{
	json_put_string(w, "type", type);
}

static void put_words(struct json_writer *w, const char *const *words)
{
	json_write_key(w, "enum");
	json_array_begin(w);
	for (size_t i = 0; words[i]; i++)
		json_write_string(w, words[i]);
	json_array_end(w);
}

static void put_description(const struct field *f, bool output, struct json_writer *w)
{
	AUTO(buf_t) text = {0};
	if (f->doc)
		buf_str(&text, f->doc);
	if (!output && f->type == FIELD_DURATION) {
		buf_str(&text, text.len ? " Accepted: " : "Accepted: ");
		fields_accepts(f, &text);
		buf_char(&text, '.');
	}
	if (text.len)
		json_put_string(w, "description", buf_text(&text));
}

/* The default in the words of JSON; the table's own text when it is a string. */
static void put_default(const struct field *f, struct json_writer *w)
{
	if (!f->fallback)
		return;
	AUTO(buf_t) value = {0};
	struct json_writer to;
	json_write_init(&to, &value);
	if (fields_parse_text(f, f->fallback, &to, NULL) < 0)
		return;
	json_write_key(w, "default");
	json_write_raw(w, value.data, value.len);
}

static void put_bounds(const struct field *f, const char *min_key, const char *max_key,
		       int64_t otherwise, struct json_writer *w)
{
	int64_t max = f->max ? f->max : otherwise;
	if (f->min != 0)
		json_put_int(w, min_key, f->min);
	if (max)
		json_put_int(w, max_key, max);
}

static void put_int_bounds(const struct field *f, struct json_writer *w)
{
	json_put_int(w, "minimum", f->min);
	if (f->max && f->max != INT64_MAX)
		json_put_int(w, "maximum", f->max);
}

static void put_string(const struct field *f, bool output, struct json_writer *w)
{
	put_type(w, "string");
	if (f->values)
		put_words(w, f->values);
	if (output && f->flags & FIELD_TIME)
		json_put_string(w, "format", "date-time");
	if (!output && !f->values)
		put_bounds(f, "minLength", "maxLength", 4096, w);
}

static void put_strings(const struct field *f, bool output, struct json_writer *w)
{
	put_type(w, "array");
	json_write_key(w, "items");
	json_object_begin(w);
	put_type(w, "string");
	if (f->values)
		put_words(w, f->values);
	json_object_end(w);
	if (!output)
		put_bounds(f, "minItems", "maxItems", 256, w);
}

static void put_members(const struct field *table, bool output, struct json_writer *w);

static void put_items(const struct field *f, bool output, struct json_writer *w)
{
	put_type(w, "array");
	json_write_key(w, "items");
	json_object_begin(w);
	put_members(f->sub, output, w);
	json_object_end(w);
}

/* In an answer a raw part may be any JSON; as an argument it is an object or an array. */
static void put_raw(bool output, struct json_writer *w)
{
	if (output)
		return;
	json_write_key(w, "type");
	json_array_begin(w);
	json_write_string(w, "object");
	json_write_string(w, "array");
	json_array_end(w);
}

static void put_shape(const struct field *f, bool output, struct json_writer *w)
{
	switch (f->type) {
	case FIELD_STRING:
		put_string(f, output, w);
		break;
	case FIELD_INT:
		put_type(w, "integer");
		if (!output)
			put_int_bounds(f, w);
		break;
	case FIELD_BOOL:
		put_type(w, "boolean");
		break;
	case FIELD_DURATION:
		put_type(w, "string");
		json_put_string(w, "pattern", DURATION_PATTERN);
		break;
	case FIELD_STRINGS:
		put_strings(f, output, w);
		break;
	case FIELD_RAW:
		put_raw(output, w);
		break;
	case FIELD_OBJECT:
		put_members(f->sub, output, w);
		break;
	case FIELD_ITEMS:
		put_items(f, output, w);
		break;
	}
}

static void put_required(const struct field *table, struct json_writer *w)
{
	bool any = false;
	for (const struct field *f = table; f->name; f++)
		any |= (f->flags & FIELD_REQUIRED) != 0;
	if (!any)
		return;
	json_write_key(w, "required");
	json_array_begin(w);
	for (const struct field *f = table; f->name; f++)
		if (f->flags & FIELD_REQUIRED)
			json_write_string(w, f->name);
	json_array_end(w);
}

static void put_property(const struct field *f, bool output, struct json_writer *w)
{
	json_write_key(w, f->name);
	json_object_begin(w);
	put_description(f, output, w);
	put_shape(f, output, w);
	if (!output)
		put_default(f, w);
	json_object_end(w);
}

static void put_members(const struct field *table, bool output, struct json_writer *w)
{
	put_type(w, "object");
	json_write_key(w, "properties");
	json_object_begin(w);
	for (const struct field *f = table; f->name; f++)
		put_property(f, output, w);
	json_object_end(w);
	put_required(table, w);
	if (!output)
		json_put_bool(w, "additionalProperties", false);
}

void fields_schema(const struct field *table, bool output, struct json_writer *w)
{
	json_object_begin(w);
	put_members(table, output, w);
	json_object_end(w);
}
