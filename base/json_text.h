/*
 * Inside of the JSON files only: the strict check with the places of what it met, and the
 * decoding of string escapes. Text given to json_unescape must have passed the check.
 */
#ifndef BASE_JSON_TEXT_H
#define BASE_JSON_TEXT_H

#include "base/json.h"

#define JSON_MAX_DEPTH     64
#define JSON_MAX_BYTES     (16u << 20)
#define JSON_NUMBER_SIZE   64         /* cJSON reads a number's first 63 characters */
#define JSON_CEILING_BYTES (1u << 30) /* places are 32 bits wide */

struct json_place {
	uint32_t start, len;
};

/* Where each number, array and object stands, in the order in which they begin. */
struct json_places {
	struct json_place *items; /* owned */
	size_t n, cap;
};

/* json_check; places and rows may be NULL, and are to be freed by the caller in any case. */
MUST_USE int json_check_places(const char *text, size_t len, const struct json_limits *limits,
			       struct json_places *places, struct json_rows *rows, struct err *e);
/* One row more, of which nothing is known. */
struct json_row *json_rows_add(struct json_rows *rows);
/* The places of its wanted members, in their order; a length of 0 = it has none. */
struct json_place *json_rows_members(const struct json_rows *rows, size_t i);
/* How many of n bytes stand for themselves in a string: ASCII but no control character, quote or
 * backslash. */
size_t json_plain_length(const char *p, size_t n);
/* Behind the string that begins at p with its quote; end where it does not end. */
const char *json_string_end(const char *p, const char *end);
/* Four hex digits at p as a number; -1 when they are not. */
int json_hex4(const char *p, size_t n);
bool json_high_surrogate(int unit);
bool json_low_surrogate(int unit);
/* Is it the name of a member that a terse writer leaves out? */
bool json_terse_drops(const struct json_writer *w, const char *key);
/* Where a member's key was just written, and so many of its value's bytes, it is as if it had not
 * been; false where there is no such key. */
bool json_terse_unwrite(struct json_writer *w, size_t of_value);
/* Append the characters that stand between a string's quotes. */
void json_unescape(const char *p, size_t len, struct buf *out);

#endif
