/*
 * Which of our records stand in which zone. An observation lists one zone after the other, and
 * would else look at all records for each of them. Places in the world's table are kept, and no
 * pointers: as soon as a record came or went they are found anew. What a place holds is checked
 * when it is used, since a record may change its zone; one that came into a zone since is as one
 * made since.
 */
#ifndef RECONCILE_ZONE_ROWS_H
#define RECONCILE_ZONE_ROWS_H

#include "model/world.h"

/* Zeroed = not found yet. */
struct zone_rows {
	int64_t moved;    /* of the table, then */
	struct map first; /* by zone: the place of its first record, + 1 */
	uint32_t *next;   /* behind each record: the place of the next one of its zone, + 1 */
};
typedef struct zone_rows zone_rows_t;
void zone_rows_t_cleanup(zone_rows_t *x);

/* for (size_t at = 0; (r = zone_rows_next(x, w, zone_id, &at)) != NULL;) : in order of creation,
 * those that have an id at Cloudflare. No record comes or goes inside. */
struct record *zone_rows_next(struct zone_rows *x, const struct world *w, const char *zone_id,
			      size_t *at);

#endif
