/* Records as Cloudflare listed them, of one name or of a whole zone, to be found by name and id. It
 * borrows from the answer. */
#ifndef RECONCILE_ZONE_VIEW_H
#define RECONCILE_ZONE_VIEW_H

#include "cloudflare/records.h"

struct zone_view {
	struct cf_record *rows; /* by name */
	size_t n;
};
typedef struct zone_view zone_view_t;
void zone_view_t_cleanup(zone_view_t *v);

/* An array of rows, or a whole listing. -1 when a row is no record: nothing is taken from it then.
 */
MUST_USE int zone_view_read(const struct json *rows, struct zone_view *out, struct err *e);
MUST_USE int zone_view_read_page(const struct cf_page *page, struct zone_view *out, struct err *e);
/* The first of the *n records of that name; NULL when it has none. */
const struct cf_record *zone_view_name(const struct zone_view *v, const char *name, size_t *n);

#endif
