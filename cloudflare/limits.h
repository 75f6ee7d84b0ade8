/*
 * Pure: the headers by which Cloudflare says how much is left. Structured-field lists, of which one
 * malformed item makes the whole header void; our own limit holds without them too.
 */
#ifndef CLOUDFLARE_LIMITS_H
#define CLOUDFLARE_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#define LIMIT_ITEMS 8

struct limit_item {
	char name[32];
	int64_t count, seconds; /* -1 = not given */
};

/* The items of "burst";q=100;w=60, "default";...; count and seconds name the two parameters.
 * Returns how many there are; 0 when the header is absent or malformed. */
int limits_parse(const char *header, char count, char seconds, struct limit_item out[LIMIT_ITEMS]);
/* The one with the least left; the longer wait where two are equal. NULL when no item has both. */
const struct limit_item *limits_least(const struct limit_item *items, int n);
/* The one that bears the name of another header's item, else the smallest. NULL = none. */
const struct limit_item *limits_named(const struct limit_item *items, int n,
				      const struct limit_item *like);

#endif
