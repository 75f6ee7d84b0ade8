#include "cloudflare/rays.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS 16

/* 0 = it is no ray. */
static uint64_t ray_id(const char *ray)
{
	char digits[DIGITS + 1] = "";

	for (size_t i = 0; i < DIGITS; i++) {
		if (!ray || !isxdigit((unsigned char)ray[i]))
			return 0;
		digits[i] = ray[i];
	}
	if (ray[DIGITS] && ray[DIGITS] != '-')
		return 0;
	return strtoull(digits, NULL, 16);
}

void rays_add(struct rays *r, const char *ray)
{
	uint64_t id = ray_id(ray);

	if (!id)
		return;
	r->ids[r->next] = id;
	r->next = (r->next + 1) % RAYS_KEPT;
}

bool rays_has(const struct rays *r, const char *ray)
{
	uint64_t id = ray_id(ray);

	for (size_t i = 0; id && i < RAYS_KEPT; i++)
		if (r->ids[i] == id)
			return true;
	return false;
}
