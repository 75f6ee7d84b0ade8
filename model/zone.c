/* Zones are Cloudflare's; their remote id is their only id here. */
#include "model/zone.h"

#include <assert.h>
#include <stdlib.h>

struct zone *zone_new(const char *id, const char *name)
{
	struct zone *z = mem_alloc(sizeof(*z));
	bool fits = str_copy(z->id, sizeof(z->id), id);

	assert(fits);
	(void)fits;
	z->name = str_dup(name);
	z->records = -1;
	return z;
}

void zone_free(struct zone *z)
{
	if (!z)
		return;
	free(z->name);
	free(z->status);
	free(z->plan);
	free(z);
}
