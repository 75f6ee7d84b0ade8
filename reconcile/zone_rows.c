#include "reconcile/zone_rows.h"

#include <stdlib.h>

void zone_rows_t_cleanup(zone_rows_t *x)
{
	map_free(&x->first);
	free(x->next);
	*x = (struct zone_rows){.next = NULL};
}

static void *mark_of(size_t at)
{
	return (void *)(uintptr_t)at;
}

static size_t first_of(const struct zone_rows *x, const char *zone_id)
{
	return (size_t)(uintptr_t)map_get(&x->first, zone_id);
}

/* From the end, so that each finds the one behind it: mostly of the same zone. */
static void find(struct zone_rows *x, const struct table *records)
{
	const char *zone = NULL;
	size_t at = 0;
	zone_rows_t_cleanup(x);
	x->moved = records->moved;
	x->next = mem_array(records->n + 1, sizeof(*x->next));
	for (size_t i = records->n; i-- > 0;) {
		const struct record *r = records->items[i];
		if (!r->zone_id[0])
			continue;
		if (zone && !str_equal(zone, r->zone_id)) {
			(void)map_set(&x->first, zone, mark_of(at));
			at = first_of(x, r->zone_id);
		}
		x->next[i] = (uint32_t)at;
		zone = r->zone_id;
		at = i + 1;
	}
	if (zone)
		(void)map_set(&x->first, zone, mark_of(at));
}

struct record *zone_rows_next(struct zone_rows *x, const struct world *w, const char *zone_id,
			      size_t *at)
{
	const struct table *records = &w->records;
	if (!*at && (!x->next || x->moved != records->moved))
		find(x, records);
	*at = *at ? x->next[*at - 1] : first_of(x, zone_id);
	for (; *at; *at = x->next[*at - 1]) {
		struct record *r = records->items[*at - 1];
		if (r->remote_id[0] && str_equal(r->zone_id, zone_id))
			return r;
	}
	return NULL;
}
