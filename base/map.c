/*
 * The hash map: entries in order of insertion, and beside them open-addressed slots that hold
 * their indexes. Keys may come from outside, so the hash is SipHash-1-3 under a key drawn once per
 * process; the order of iteration does not depend on it.
 */
#include "base/map.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { FIRST_CAP = 8 };

/* Drawn at the first use; a map must work before anything is initialised. */
static struct {
	uint64_t k0, k1;
	bool drawn;
} seed;

static void draw_seed(void)
{
	uint64_t k[2] = {0x243f6a8885a308d3u, 0x13198a2e03707344u};
	/* When the kernel has no entropy yet, these fixed numbers are good enough to go on with. */
	ssize_t n = getrandom(k, sizeof(k), GRND_NONBLOCK);

	(void)n;
	seed.k0 = k[0];
	seed.k1 = k[1];
	seed.drawn = true;
}

static inline uint64_t rotate(uint64_t v, int bits)
{
	return v << bits | v >> (64 - bits);
}

static inline void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

static inline void sip_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
}

static uint64_t hash_key(const char *key)
{
	size_t len = strlen(key), i = 0;
	uint64_t v[4], word;

	if (!seed.drawn)
		draw_seed();
	v[0] = seed.k0 ^ 0x736f6d6570736575u;
	v[1] = seed.k1 ^ 0x646f72616e646f6du;
	v[2] = seed.k0 ^ 0x6c7967656e657261u;
	v[3] = seed.k1 ^ 0x7465646279746573u;
	for (; len - i >= 8; i += 8) {
		memcpy(&word, key + i, 8);
		sip_word(v, word);
	}
	word = 0;
	memcpy(&word, key + i, len - i);
	sip_word(v, word | (uint64_t)len << 56);
	v[2] ^= 0xff;
	for (int round = 0; round < 3; round++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static struct map_entry *find(const struct map *m, const char *key, uint64_t hash)
{
	size_t mask = m->nslots - 1;

	if (m->nslots == 0)
		return NULL;
	for (size_t at = hash & mask; m->slots[at]; at = (at + 1) & mask) {
		struct map_entry *entry = &m->entries[m->slots[at] - 1];

		if (entry->key && entry->hash == hash && strcmp(entry->key, key) == 0)
			return entry;
	}
	return NULL;
}

static void link_slot(struct map *m, size_t index)
{
	size_t mask = m->nslots - 1, at = m->entries[index].hash & mask;

	while (m->slots[at])
		at = (at + 1) & mask;
	m->slots[at] = (uint32_t)index + 1;
}

/* Close the holes; double only when that alone would not free half of the room. */
static void grow(struct map *m)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->used; i++)
		if (m->entries[i].key)
			m->entries[kept++] = m->entries[i];
	m->used = kept;
	if (kept >= m->cap / 2) {
		m->cap = m->cap ? m->cap * 2 : FIRST_CAP;
		assert(m->cap < UINT32_MAX / 2);
		m->entries = mem_grow(m->entries, m->cap, sizeof(*m->entries));
	}
	free(m->slots);
	m->nslots = m->cap * 2;
	m->slots = mem_array(m->nslots, sizeof(*m->slots));
	for (size_t i = 0; i < m->used; i++)
		link_slot(m, i);
}

static char *key_keep(const struct map *m, const char *key)
{
	return m->borrows ? (char *)(uintptr_t)key : str_dup(key);
}

static void key_drop(const struct map *m, char *key)
{
	if (!m->borrows)
		free(key);
}

void *map_get(const struct map *m, const char *key)
{
	struct map_entry *entry = m->count ? find(m, key, hash_key(key)) : NULL;

	return entry ? entry->value : NULL;
}

void *map_set(struct map *m, const char *key, void *value)
{
	uint64_t hash = hash_key(key);
	struct map_entry *entry = find(m, key, hash);

	assert(value);
	if (entry) {
		void *old = entry->value;

		entry->value = value;
		return old;
	}
	if (m->used == m->cap)
		grow(m);
	m->entries[m->used] = (struct map_entry){key_keep(m, key), value, hash};
	link_slot(m, m->used);
	m->used++;
	m->count++;
	return NULL;
}

void *map_remove(struct map *m, const char *key)
{
	struct map_entry *entry = m->count ? find(m, key, hash_key(key)) : NULL;
	void *value;

	if (!entry)
		return NULL;
	value = entry->value;
	key_drop(m, entry->key); /* key may have been this very string; it is not used again */
	entry->key = NULL;
	entry->value = NULL;
	m->count--;
	return value;
}

void map_free(struct map *m)
{
	for (size_t i = 0; i < m->used; i++)
		key_drop(m, m->entries[i].key);
	free(m->entries);
	free(m->slots);
	memset(m, 0, sizeof(*m));
}

const struct map_entry *map_next(const struct map *m, size_t *i)
{
	while (*i < m->used) {
		const struct map_entry *entry = &m->entries[(*i)++];

		if (entry->key)
			return entry;
	}
	return NULL;
}
