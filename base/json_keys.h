/*
 * Inside of the strict check only: the keys of the objects that are open, and whether one of them
 * stands twice. The rows of a listing mostly have the same keys in the same order: where a row's
 * stand byte for byte as those of the row before, they are known to be good and to differ, and
 * whether their values are wanted is known as well.
 */
#ifndef BASE_JSON_KEYS_H
#define BASE_JSON_KEYS_H

#include "base/buf.h"
#include "base/err.h"

#define JSON_ALIKE_MAX 32
#define JSON_UNLIKE    SIZE_MAX

struct json_key {
	uint32_t at;   /* the opening quote in the text */
	uint32_t len;  /* bytes of the decoded key */
	uint32_t pos;  /* of its first byte, in the text or in `decoded` */
	uint32_t mark; /* of length and some bytes: most unequal keys differ in it */
	int wanted;    /* of a row: its place among those that are wanted, -1 = none */
	bool escaped;  /* it stands in `decoded` */
};

/* Zeroed but for text and e: none. */
struct json_keys {
	const char *text;
	struct err *e;
	struct json_key *items; /* of all open objects */
	size_t n, cap;
	struct buf decoded; /* keys that were written with escapes */
	/* of the last row whose keys were compared: up to the first one with escapes */
	struct json_key before[JSON_ALIKE_MAX];
	size_t n_before;
	size_t alike; /* how many of the open row are the same, which is all; or JSON_UNLIKE */
};

/* A key that was read, quotes included, from at to end. */
struct json_key *json_keys_note(struct json_keys *k, size_t at, size_t end);
bool json_key_is(const struct json_keys *k, const struct json_key *key, const char *name,
		 size_t len);
/* The innermost object closes, whose keys began at first: they must differ, and are forgotten. */
MUST_USE int json_keys_close(struct json_keys *k, size_t first);

/* A row opens. */
void json_keys_row(struct json_keys *k);
/* The next key of the row stands at `at` and is the one of the row before, which is returned. NULL:
 * it is to be read, and noted. */
const struct json_key *json_keys_alike(struct json_keys *k, size_t at, size_t left);
/* json_keys_close of a row. */
MUST_USE int json_keys_close_row(struct json_keys *k, size_t first);
void json_keys_free(struct json_keys *k);

#endif
