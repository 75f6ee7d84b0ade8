/*
 * Documents: text that passed the strict check, parsed by cJSON into an arena that is freed in one
 * piece, and getters over the tree. Nothing here may call cJSON_Delete or cJSON's constructors.
 *
 * cJSON leaves two fields unused in numbers, arrays and objects: after parsing, valuestring points
 * to the value's text and valueint is its length. That is how json_raw gives foreign numbers and
 * documents back as they were sent.
 */
#include "base/json_doc.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_MIN   ((size_t)1 << 10)
#define CHUNK_MAX   ((size_t)1 << 20)
#define MAX_INTEGER 9007199254740992.0 /* 2^53: doubles hold every integer up to here */

/* cJSON's hooks are global. This is the document being parsed; NULL at all other times. */
static _Thread_local struct json_doc *parsing;

static void chunk_add(struct json_doc *doc, size_t size)
{
	/* Not zeroed: the parser fills what it takes. */
	struct json_chunk *chunk = mem_grow(NULL, sizeof(*chunk) + size, 1);
	*chunk = (struct json_chunk){.next = doc->chunks, .size = size};
	doc->chunks = chunk;
}

void *json_doc_take(struct json_doc *doc, size_t size)
{
	struct json_chunk *chunk = doc->chunks;
	size = (size + 7) & ~(size_t)7;
	if (chunk->size - chunk->used < size) {
		size_t next = chunk->size < CHUNK_MAX ? chunk->size * 2 : CHUNK_MAX;
		chunk_add(doc, next < size ? size : next);
		chunk = doc->chunks;
	}
	void *p = chunk->data + chunk->used;
	chunk->used += size;
	return p;
}

static void *hook_malloc(size_t size)
{
	return parsing ? json_doc_take(parsing, size) : malloc(size);
}

/* What a failing parse frees is in the arena and goes with it. */
static void hook_free(void *p)
{
	if (!parsing)
		free(p);
}

static cJSON *parse_into(struct json_doc *doc, const char *text, size_t len)
{
	const char *end = NULL;
	cJSON_Hooks hooks = {.malloc_fn = hook_malloc, .free_fn = hook_free};
	cJSON_InitHooks(&hooks);
	parsing = doc;
	cJSON *root = cJSON_ParseWithLengthOpts(text, len, &end, 0);
	parsing = NULL;
	return root;
}

/* Read here rather than by cJSON's functions: it is asked for every value of large listings. */
static int kind_of(const cJSON *v)
{
	return v->type & 0xff;
}

static bool has_place(const cJSON *v)
{
	return (kind_of(v) & (cJSON_Number | cJSON_Array | cJSON_Object)) != 0;
}

/* Give the places to a value and those beside it, which the parser made in the same order. The
 * depth is bounded by the check. */
static void set_places(cJSON *v, char *text, const struct json_place **place)
{
	for (; v; v = v->next) {
		if (!has_place(v))
			continue;
		v->valuestring = text + (*place)->start;
		v->valueint = (int)(*place)->len;
		(*place)++;
		if (v->child)
			set_places(v->child, text, place);
	}
}

static void arena_open(struct json_doc *doc, size_t len)
{
	size_t guess = len * 6; /* what the tree of a record takes */
	chunk_add(doc, guess < CHUNK_MIN ? CHUNK_MIN : guess > CHUNK_MAX ? CHUNK_MAX : guess);
}

static void chunks_free(struct json_chunk *chunk)
{
	for (struct json_chunk *next; chunk; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
}

struct json_doc *json_doc_again(struct json_doc *doc, size_t len)
{
	if (!doc) {
		doc = mem_alloc(sizeof(*doc));
		arena_open(doc, len);
	}
	chunks_free(doc->chunks->next);
	doc->chunks->next = NULL;
	doc->chunks->used = 0;
	return doc;
}

static struct json_doc *doc_new(const char *text, size_t len)
{
	struct json_doc *doc = mem_alloc(sizeof(*doc));
	doc->text = mem_grow(NULL, len + 1, 1);
	memcpy(doc->text, text, len);
	doc->text[len] = '\0';
	arena_open(doc, len);
	return doc;
}

static struct json_doc *doc_parse(const char *text, size_t len, const struct json_place *place)
{
	struct json_doc *doc = doc_new(text, len);
	doc->root = parse_into(doc, doc->text, len);
	if (doc->root)
		set_places(doc->root, doc->text, &place);
	return doc;
}

int json_parse(const char *text, size_t len, const struct json_limits *limits,
	       struct json_doc **doc, struct err *e)
{
	struct json_places places = {0};
	int rc = json_check_places(text, len, limits, &places, NULL, e);
	if (rc == 0) {
		AUTO(json_doc_t) parsed = doc_parse(text, len, places.items);
		if (parsed->root)
			*doc = steal(&parsed);
		else
			rc = err_set(e, ERR_INVALID, "byte 0: the JSON parser refused the text");
	}
	free(places.items);
	return rc;
}

void json_doc_free(struct json_doc *doc)
{
	if (!doc)
		return;
	chunks_free(doc->chunks);
	free(doc->text);
	free(doc);
}

void json_doc_t_cleanup(json_doc_t *doc)
{
	json_doc_free(*doc);
}

/* ---- getters ---- */

static const cJSON *to_cjson(const struct json *v)
{
	return (const cJSON *)(const void *)v;
}

static const struct json *from_cjson(const cJSON *v)
{
	return (const struct json *)(const void *)v;
}

const struct json *json_root(const struct json_doc *doc)
{
	return doc ? from_cjson(doc->root) : NULL;
}

size_t json_doc_size(const struct json_doc *doc)
{
	size_t n = doc && doc->text ? strlen(doc->text) : 0;

	for (const struct json_chunk *c = doc ? doc->chunks : NULL; c; c = c->next)
		n += c->size;
	return n;
}

enum json_type json_type(const struct json *v)
{
	switch (v ? kind_of(to_cjson(v)) : cJSON_NULL) {
	case cJSON_False:
	case cJSON_True:
		return JSON_BOOL;
	case cJSON_Number:
		return JSON_NUMBER;
	case cJSON_String:
		return JSON_STRING;
	case cJSON_Array:
		return JSON_ARRAY;
	case cJSON_Object:
		return JSON_OBJECT;
	default:
		return JSON_NULL;
	}
}

const char *json_type_name(enum json_type t)
{
	static const char *const names[] = {
		[JSON_NULL] = "null",       [JSON_BOOL] = "a boolean", [JSON_NUMBER] = "a number",
		[JSON_STRING] = "a string", [JSON_ARRAY] = "an array", [JSON_OBJECT] = "an object",
	};
	return (size_t)t < ARRAY_LEN(names) ? names[t] : "unknown";
}

bool json_is_null(const struct json *v)
{
	return json_type(v) == JSON_NULL;
}

const struct json *json_get(const struct json *object, const char *key)
{
	if (json_type(object) != JSON_OBJECT)
		return NULL;
	for (const cJSON *member = to_cjson(object)->child; member; member = member->next)
		if (member->string[0] == key[0] && strcmp(member->string, key) == 0)
			return from_cjson(member);
	return NULL;
}

const struct json *json_first(const struct json *container)
{
	return container ? from_cjson(to_cjson(container)->child) : NULL;
}

const struct json *json_next(const struct json *v)
{
	return v ? from_cjson(to_cjson(v)->next) : NULL;
}

const char *json_key(const struct json *member)
{
	return member ? to_cjson(member)->string : NULL;
}

size_t json_count(const struct json *container)
{
	size_t n = 0;
	JSON_EACH (item, container)
		n++;
	return n;
}

const char *json_string(const struct json *v)
{
	return json_type(v) == JSON_STRING ? to_cjson(v)->valuestring : NULL;
}

bool json_bool(const struct json *v, bool otherwise)
{
	return json_type(v) == JSON_BOOL ? kind_of(to_cjson(v)) == cJSON_True : otherwise;
}

double json_double(const struct json *v, double otherwise)
{
	return json_type(v) == JSON_NUMBER ? to_cjson(v)->valuedouble : otherwise;
}

/* At exactly 2^53 the double may have been rounded from 2^53 + 1: then the digits decide. */
static bool is_two_to_53(const cJSON *c)
{
	static const char digits[] = "9007199254740992";
	const char *p = c->valuestring;
	size_t len = (size_t)c->valueint;
	if (len > 0 && *p == '-') {
		p++;
		len--;
	}
	return len == sizeof(digits) - 1 && memcmp(p, digits, len) == 0;
}

bool json_int(const struct json *v, int64_t *out)
{
	if (json_type(v) != JSON_NUMBER)
		return false;
	const cJSON *c = to_cjson(v);
	double d = c->valuedouble, size = fabs(d);
	if (size > MAX_INTEGER || d != floor(d) || (size == MAX_INTEGER && !is_two_to_53(c)))
		return false;
	*out = (int64_t)d;
	return true;
}

int64_t json_int_or(const struct json *v, int64_t otherwise)
{
	int64_t value = otherwise;
	json_int(v, &value);
	return value;
}

void json_get_each(const struct json *object, const char *const *keys, size_t n,
		   const struct json **values)
{
	for (size_t i = 0; i < n; i++)
		values[i] = json_get(object, keys[i]);
}

const char *json_get_string(const struct json *object, const char *key)
{
	return json_string(json_get(object, key));
}

int64_t json_get_int(const struct json *object, const char *key, int64_t otherwise)
{
	return json_int_or(json_get(object, key), otherwise);
}

bool json_get_bool(const struct json *object, const char *key, bool otherwise)
{
	return json_bool(json_get(object, key), otherwise);
}

struct json_span json_raw(const struct json *v)
{
	const cJSON *c = to_cjson(v);
	if (!c || !has_place(c))
		return (struct json_span){0};
	return (struct json_span){.p = c->valuestring, .len = (size_t)c->valueint};
}
