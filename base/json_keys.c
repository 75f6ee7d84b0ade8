/* Keys are compared in pairs while they are few, else sorted: never quadratic. */
#include "base/json_keys.h"

#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"

#define FEW_KEYS 24

static const char *key_bytes(const struct json_keys *k, const struct json_key *key)
{
	return (key->escaped ? k->decoded.data : k->text) + key->pos;
}

static int compare_keys(const void *a, const void *b, void *context)
{
	const struct json_key *x = a, *y = b;
	if (x->mark != y->mark)
		return x->mark < y->mark ? -1 : 1;
	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	if (x->len == 0)
		return 0;
	return memcmp(key_bytes(context, x), key_bytes(context, y), x->len);
}

static int duplicate(struct json_keys *k, const struct json_key *a, const struct json_key *b)
{
	const struct json_key *later = a->at > b->at ? a : b;
	int shown = later->len > 64 ? 64 : (int)later->len;
	return err_set(k->e, ERR_INVALID, "byte %u: the key \"%.*s\" stands twice in an object",
		       later->at, shown, key_bytes(k, later));
}

static int check_few(struct json_keys *k, const struct json_key *keys, size_t n)
{
	for (size_t i = 1; i < n; i++)
		for (size_t j = 0; j < i; j++)
			if (keys[i].mark == keys[j].mark &&
			    compare_keys(&keys[i], &keys[j], k) == 0)
				return duplicate(k, &keys[i], &keys[j]);
	return 0;
}

static int check_many(struct json_keys *k, struct json_key *keys, size_t n)
{
	qsort_r(keys, n, sizeof(keys[0]), compare_keys, k);
	for (size_t i = 1; i < n; i++)
		if (compare_keys(&keys[i], &keys[i - 1], k) == 0)
			return duplicate(k, &keys[i], &keys[i - 1]);
	return 0;
}

int json_keys_close(struct json_keys *k, size_t first)
{
	size_t n = k->n - first;
	k->n = first;
	if (n < 2)
		return 0;
	struct json_key *keys = k->items + first;
	return n <= FEW_KEYS ? check_few(k, keys, n) : check_many(k, keys, n);
}

static uint32_t mark_of(const char *p, uint32_t len)
{
	if (len == 0)
		return 0;
	unsigned char middle = (unsigned char)p[len / 2], last = (unsigned char)p[len - 1];
	return len << 16 ^ (uint32_t)middle << 8 ^ last;
}

static struct json_key *key_add(struct json_keys *k)
{
	if (k->n == k->cap) {
		k->cap = k->cap ? k->cap * 2 : 64;
		k->items = mem_grow(k->items, k->cap, sizeof(k->items[0]));
	}
	return &k->items[k->n++];
}

struct json_key *json_keys_note(struct json_keys *k, size_t at, size_t end)
{
	struct json_key *key = key_add(k);
	size_t len = end - at - 2;
	bool escaped = len > 0 && memchr(k->text + at + 1, '\\', len);
	size_t pos = escaped ? k->decoded.len : at + 1;
	if (escaped) {
		json_unescape(k->text + at + 1, len, &k->decoded);
		len = k->decoded.len - pos;
	}
	*key = (struct json_key){.at = (uint32_t)at,
				 .len = (uint32_t)len,
				 .pos = (uint32_t)pos,
				 .wanted = -1,
				 .escaped = escaped};
	key->mark = mark_of(key_bytes(k, key), key->len);
	return key;
}

bool json_key_is(const struct json_keys *k, const struct json_key *key, const char *name,
		 size_t len)
{
	return key->len == len && memcmp(key_bytes(k, key), name, len) == 0;
}

/* ---- rows ---- */

void json_keys_row(struct json_keys *k)
{
	k->alike = 0;
}

/* From here on they are to be compared: those that were alike as well. */
static void turn_unlike(struct json_keys *k)
{
	for (size_t i = 0; i < k->alike; i++)
		*key_add(k) = k->before[i];
	k->alike = JSON_UNLIKE;
}

const struct json_key *json_keys_alike(struct json_keys *k, size_t at, size_t left)
{
	if (k->alike == JSON_UNLIKE)
		return NULL;
	const struct json_key *before = k->alike < k->n_before ? &k->before[k->alike] : NULL;
	if (before && left >= before->len + 2 &&
	    memcmp(k->text + at, k->text + before->at, before->len + 2) == 0) {
		k->alike++;
		return before;
	}
	turn_unlike(k);
	return NULL;
}

int json_keys_close_row(struct json_keys *k, size_t first)
{
	if (k->alike != JSON_UNLIKE)
		return 0;
	const struct json_key *keys = k->items + first;
	size_t n = 0;
	while (n < k->n - first && n < JSON_ALIKE_MAX && !keys[n].escaped) {
		k->before[n] = keys[n];
		n++;
	}
	k->n_before = n;
	return json_keys_close(k, first);
}

void json_keys_free(struct json_keys *k)
{
	free(k->items);
	buf_free(&k->decoded);
}
