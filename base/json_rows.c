/*
 * Rows: a page of a listing is walked once, by the strict check, which notes where the wanted
 * members of each row stand. They are made into the nodes that cJSON would have made of them, so
 * that the same getters read them; what nobody wants costs no more than the check.
 */
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_doc.h"

#define WHOLE_DIGITS 15
#define ROWS_FIRST   256

/* ---- where they stand ---- */

struct json_row *json_rows_add(struct json_rows *rows)
{
	if (rows->n == rows->cap) {
		rows->cap = rows->cap ? rows->cap * 4 : ROWS_FIRST;
		rows->items = mem_grow(rows->items, rows->cap, sizeof(rows->items[0]));
		rows->members = mem_grow(rows->members, rows->cap,
					 rows->n_wanted * sizeof(rows->members[0]));
	}
	struct json_row *row = &rows->items[rows->n++];
	*row = (struct json_row){.same = NULL};
	memset(json_rows_members(rows, rows->n - 1), 0, rows->n_wanted * sizeof(rows->members[0]));
	return row;
}

struct json_place *json_rows_members(const struct json_rows *rows, size_t i)
{
	return rows->members + i * rows->n_wanted;
}

int json_parse_rows(const char *text, size_t len, const struct json_limits *limits,
		    struct json_rows *rows, struct json_doc **doc, struct err *e)
{
	AUTO(buf_t) around = {0};
	if (json_check_places(text, len, limits, NULL, rows, e) < 0)
		return -1;
	rows->text = text;
	if (rows->end == 0)
		return json_parse(text, len, limits, doc, e);
	buf_add(&around, text, rows->begin + 1);
	buf_add(&around, text + rows->end - 1, len - rows->end + 1);
	return json_parse(around.data, around.len, limits, doc, e);
}

void json_rows_free(struct json_rows *rows)
{
	free(rows->items);
	free(rows->members);
	*rows = (struct json_rows){.key = NULL};
}

/* ---- nodes ---- */

static char *string_keep(struct json_doc *doc, const char *p, size_t len)
{
	char *s = json_doc_take(doc, len + 1);
	memcpy(s, p, len);
	s[len] = '\0';
	return s;
}

static char *string_of(struct json_doc *doc, struct json_span quoted)
{
	const char *p = quoted.p + 1;
	size_t len = quoted.len - 2;
	if (!memchr(p, '\\', len))
		return string_keep(doc, p, len);
	AUTO(buf_t) plain = {0};
	json_unescape(p, len, &plain);
	return string_keep(doc, plain.data, plain.len);
}

/* Most are short and whole, which a double holds as they are. */
static bool whole_number(struct json_span s, double *out)
{
	int64_t n = 0;
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		n = n * 10 + (s.p[i] - '0');
	}
	*out = (double)n;
	return true;
}

static double number_of(struct json_span s)
{
	char copy[JSON_NUMBER_SIZE];
	double n;
	if (s.len <= WHOLE_DIGITS && whole_number(s, &n))
		return n;
	memcpy(copy, s.p, s.len);
	copy[s.len] = '\0';
	return strtod(copy, NULL);
}

static struct cJSON *node_new(struct json_doc *doc, struct json_span s);

/* Key: with its quotes; a length of 0 = none. */
static struct cJSON *node_named(struct json_doc *doc, struct json_span key, struct json_span s)
{
	struct cJSON *node = node_new(doc, s);
	if (key.len > 0)
		node->string = string_of(doc, key);
	return node;
}

/* The depth is bounded by the check. */
static struct cJSON *nodes_of(struct json_doc *doc, struct json_span container)
{
	struct json_cursor c;
	struct json_span key, value;
	struct cJSON *first = NULL, **next = &first;
	(void)json_cursor_init(&c, container);
	while (json_cursor_next(&c, &key, &value)) {
		*next = node_named(doc, key, value);
		next = &(*next)->next;
	}
	return first;
}

static int type_of(char first)
{
	switch (first) {
	case '{':
		return cJSON_Object;
	case '[':
		return cJSON_Array;
	case '"':
		return cJSON_String;
	case 't':
		return cJSON_True;
	case 'f':
		return cJSON_False;
	case 'n':
		return cJSON_NULL;
	default:
		return cJSON_Number;
	}
}

static struct cJSON *node_new(struct json_doc *doc, struct json_span s)
{
	struct cJSON *node = json_doc_take(doc, sizeof(*node));
	*node = (struct cJSON){.type = type_of(*s.p)};
	if (node->type == cJSON_String)
		node->valuestring = string_of(doc, s);
	if ((node->type & (cJSON_Number | cJSON_Array | cJSON_Object)) != 0) {
		node->valuestring = (char *)(uintptr_t)s.p;
		node->valueint = (int)s.len;
	}
	if (node->type == cJSON_Number)
		node->valuedouble = number_of(s);
	if (node->type == cJSON_Array || node->type == cJSON_Object)
		node->child = nodes_of(doc, s);
	return node;
}

void json_row_read(const struct json_rows *rows, size_t i, struct json_doc **doc,
		   const struct json **members)
{
	const struct json_place *places = json_rows_members(rows, i);
	struct json_doc *d = *doc = json_doc_again(*doc, rows->items[i].text.len);
	for (size_t m = 0; m < rows->n_wanted; m++) {
		struct json_span s = {rows->text + places[m].start, places[m].len};
		members[m] = s.len ? (const void *)node_new(d, s) : NULL;
	}
}
