/*
 * Pure: the rays of our latest writes, so that what the audit log tells of them is known as ours. A
 * ray that is not among them may be ours all the same: then we only look once more.
 */
#ifndef CLOUDFLARE_RAYS_H
#define CLOUDFLARE_RAYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RAYS_KEPT 2048

struct rays {
	uint64_t ids[RAYS_KEPT]; /* 0 = free */
	size_t next;
};

/* "230b030023ae2822-SJC"; the data centre behind it is left out. What is no ray is not kept. */
void rays_add(struct rays *r, const char *ray);
bool rays_has(const struct rays *r, const char *ray);

#endif
