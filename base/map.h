/* A string-keyed hash map; keys are copied unless it borrows them, values borrowed. Iteration is in
 * order of insertion. Zeroed = empty. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/mem.h"

struct map_entry {
	char *key; /* NULL: removed */
	void *value;
	uint64_t hash;
};

struct map {
	struct map_entry *entries; /* in order of insertion, with holes until the next growth */
	size_t used, count, cap;
	uint32_t *slots; /* index + 1 into entries; 0 = free */
	size_t nslots;
	bool borrows; /* set while it is empty: keys are the caller's, and stay while they are in it
		       */
};

void *map_get(const struct map *m, const char *key); /* NULL when absent */
/* Set or replace; returns the old value or NULL. A NULL value is refused (assert). */
void *map_set(struct map *m, const char *key, void *value);
void *map_remove(struct map *m, const char *key); /* the value or NULL */
void map_free(struct map *m);                     /* values are the caller's */

/* for (size_t i = 0; (e = map_next(m, &i)) != NULL;) */
const struct map_entry *map_next(const struct map *m, size_t *i);

#endif
