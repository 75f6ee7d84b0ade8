/*
 * Strict JSON in, written JSON out, and raw spans for the parts of a document that are not ours.
 * cJSON parses, but only text that the strict check let through (UTF-8, grammar, depth, duplicate
 * keys, \u0000), into an arena that is freed in one piece. No cJSON type leaves this room.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <string.h>

#include "base/buf.h"
#include "base/err.h"

struct json;     /* one value of a parsed document; lives as long as its document */
struct json_doc; /* owns text, tree and arena */

struct json_limits {
	size_t max_bytes; /* 0 = 16 MiB */
	int max_depth;    /* 0 = 64, which is also the most */
};

/* ERR_INVALID with "byte N: what is wrong" (the first byte is 0) when it is not strict JSON; a
 * number of more than 63 characters is refused as well. limits may be NULL. */
MUST_USE int json_check(const char *text, size_t len, const struct json_limits *limits,
			struct err *e);
/* Check and parse; the text is copied. The caller frees *doc with json_doc_free. */
MUST_USE int json_parse(const char *text, size_t len, const struct json_limits *limits,
			struct json_doc **doc, struct err *e);
void json_doc_free(struct json_doc *doc);
typedef struct json_doc *json_doc_t;
void json_doc_t_cleanup(json_doc_t *doc);
const struct json *json_root(const struct json_doc *doc);
size_t json_doc_size(const struct json_doc *doc); /* bytes of memory that it takes; NULL: none */

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

/* All getters take NULL (as an absent value) and never fail loudly. */
enum json_type json_type(const struct json *v); /* JSON_NULL for NULL */
const char *json_type_name(enum json_type t);   /* "a string", "an object", ... */
bool json_is_null(const struct json *v);        /* absent or null */
const struct json *json_get(const struct json *object, const char *key); /* case-sensitive */
const struct json *json_first(const struct json *container);
const struct json *json_next(const struct json *v);
const char *json_key(const struct json *member); /* of an object's member */
size_t json_count(const struct json *container);
const char *json_string(const struct json *v); /* NULL when not a string */
bool json_bool(const struct json *v, bool otherwise);
double json_double(const struct json *v, double otherwise);
/* true and *out set when v is an integral number within +-2^53. */
bool json_int(const struct json *v, int64_t *out);
int64_t json_int_or(const struct json *v, int64_t otherwise);

#define JSON_EACH(it, container)                                                                   \
	for (const struct json *it = json_first(container); it; it = json_next(it))

/* Shorthands: the member's value, or NULL / otherwise. */
/* json_get of each of n keys. */
void json_get_each(const struct json *object, const char *const *keys, size_t n,
		   const struct json **values);
const char *json_get_string(const struct json *object, const char *key);
int64_t json_get_int(const struct json *object, const char *key, int64_t otherwise);
bool json_get_bool(const struct json *object, const char *key, bool otherwise);

/* Write a parsed value back as compact JSON; numbers keep their digits. (Foreign parts use spans,
 * which keep white space and escapes too.) */
void json_print(const struct json *v, struct buf *out);

/* ---- raw spans: a document's parts as the bytes that were sent ---- */

struct json_span {
	const char *p; /* borrowed from the text */
	size_t len;    /* without surrounding white space; 0 = absent */
};

/* A number, array or object of a parsed document as it was sent; length 0 for all others. */
struct json_span json_raw(const struct json *v);

/* Walk the members or elements of an object or array whose text passed json_check. */
struct json_cursor {
	const char *p, *end;
	bool object;
};

struct json_span json_span_of(const char *text, size_t len); /* trims white space */
/* false when the span is neither an object nor an array. */
bool json_cursor_init(struct json_cursor *c, struct json_span container);
/* The next value; key is the member's name still quoted and escaped (len 0 in an array). */
bool json_cursor_next(struct json_cursor *c, struct json_span *key, struct json_span *value);
/* The member of an object by (plain) name, or a span of length 0. */
struct json_span json_span_member(struct json_span object, const char *key);
bool json_span_is(struct json_span s, const char *literal);
/* Decode a span that is a JSON string; the caller frees it. NULL when it is not a string. */
char *json_span_string(struct json_span s);

/* ---- rows: a long array in the root object, whose elements are read one by one ---- */

struct json_row {
	struct json_span text;        /* borrowed from the text that was parsed */
	const struct json_span *same; /* the known row that stands here, byte by byte; or NULL */
};

struct json_rows {
	/* In: the array's name, and the members of its objects that are wanted of each. known,
	 * where it is not NULL, is asked where a row begins for an object that may stand there: a
	 * row of a text that json_parse_rows took with the same limits. When its bytes do, they are
	 * not checked again, as nothing else can be said of them. */
	const char *key;
	const char *const *wanted;
	size_t n_wanted;
	const struct json_span *(*known)(const char *p, size_t left, void *owner);
	void *owner;
	/* out, borrowed from the text */
	struct json_row *items; /* owned, as members are */
	size_t n, cap;

	/* private */
	const char *text;
	struct json_place *members; /* of each row, where the wanted ones stand */
	size_t begin, end;          /* of the array in the text; 0 = there is none */
};

/* json_parse, but the array is left empty in *doc and its elements become rows; none when there is
 * no such array. rows is zeroed but for what goes in, and to be freed in any case; text must stay
 * for as long as rows are read. */
MUST_USE int json_parse_rows(const char *text, size_t len, const struct json_limits *limits,
			     struct json_rows *rows, struct json_doc **doc, struct err *e);
/* The members that are wanted of the ith row, which is not one that is known, in their order; NULL:
 * it has none of that name. members has room for n_wanted; *doc, which may be NULL and whose memory
 * is used again, holds them: what was read into it before is gone. */
void json_row_read(const struct json_rows *rows, size_t i, struct json_doc **doc,
		   const struct json **members);
void json_rows_free(struct json_rows *rows);

/* ---- writing ---- */

/* Appends compact JSON to a buffer. Commas and quoting are done here; nesting is the caller's. */
struct json_writer {
	struct buf *out;
	bool comma;

	/* private */
	bool terse;
	unsigned left_out; /* 1: the value that comes next; n: what comes is n - 1 deep in one */
	uint32_t signs;    /* of what drop names */
	const char *const *drop;
};

void json_write_init(struct json_writer *w, struct buf *out);
/* What is written is what json_trim would make of it, without being written first; drop as there.
 */
void json_write_init_terse(struct json_writer *w, struct buf *out, const char *const *drop);
void json_object_begin(struct json_writer *w);
void json_object_end(struct json_writer *w);
void json_array_begin(struct json_writer *w);
void json_array_end(struct json_writer *w);
/* Of any bytes; len does not count a NUL. */
void json_write_keyn(struct json_writer *w, const char *key, size_t len);
/* Of what stands for itself; sign: json_name_sign of it. */
void json_write_name(struct json_writer *w, const char *name, size_t len, uint32_t sign);
/* One of 32 for each name: nearly every one is told from all of drop by that. */
static inline uint32_t json_name_sign(const char *name, size_t len)
{
	return 1u << (((unsigned char)*name + 7 * len) & 31);
}
/* Nearly always of a literal: what can be known of it is known before it runs. A literal stands for
 * itself. */
static inline void json_write_key(struct json_writer *w, const char *key)
{
	if (__builtin_constant_p(strlen(key)))
		json_write_name(w, key, strlen(key), json_name_sign(key, strlen(key)));
	else
		json_write_keyn(w, key, strlen(key));
}
/* Strings are written as valid UTF-8: bytes that are not become U+FFFD. NULL writes null. */
void json_write_string(struct json_writer *w, const char *s);
void json_write_stringn(struct json_writer *w, const char *s, size_t len);
void json_write_int(struct json_writer *w, int64_t v);
void json_write_bool(struct json_writer *w, bool v);
void json_write_null(struct json_writer *w);
/* Text that is JSON already, as it is. */
void json_write_raw(struct json_writer *w, const char *text, size_t len);
void json_write_value(struct json_writer *w, const struct json *v);
/* The members of an object that is JSON already, into the one that is open. */
void json_write_members(struct json_writer *w, const char *object, size_t len);

/* Append JSON text (which passed the check, or came of a writer) without white space, without the
 * members whose value is null, "", [] or {}, and without those that drop names (NULL-terminated;
 * may be NULL), at whatever depth. */
void json_trim(const char *text, size_t len, const char *const *drop, struct buf *out);

/* RFC 3339 UTC with milliseconds; 0 writes null. */
void json_write_time(struct json_writer *w, int64_t wall_ms);

/* key and value in one call */
static inline void json_put_string(struct json_writer *w, const char *key, const char *s)
{
	json_write_key(w, key);
	json_write_string(w, s);
}
static inline void json_put_int(struct json_writer *w, const char *key, int64_t v)
{
	json_write_key(w, key);
	json_write_int(w, v);
}
static inline void json_put_bool(struct json_writer *w, const char *key, bool v)
{
	json_write_key(w, key);
	json_write_bool(w, v);
}
static inline void json_put_time(struct json_writer *w, const char *key, int64_t wall_ms)
{
	json_write_key(w, key);
	json_write_time(w, wall_ms);
}
void json_put_strlist(struct json_writer *w, const char *key, const struct strlist *l);
/* {kind, message, hint, retryable, retry_after_s, missing_permission, cloudflare}: the one shape in
 * which an error leaves the house (design 3.2). Empty members are left out. */
void json_write_err(struct json_writer *w, const struct err *e);
/* Its members, into the object that is open. */
void json_put_err(struct json_writer *w, const struct err *e);
/* The same read back, for adit. */
void json_read_err(const struct json *v, struct err *e);

#endif
