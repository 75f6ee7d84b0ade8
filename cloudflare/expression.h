/* What can be told of an expression of a rule's without running it. Pure. */
#ifndef CLOUDFLARE_EXPRESSION_H
#define CLOUDFLARE_EXPRESSION_H

#include <stdbool.h>

/* Does it hold for no request of that zone? Only what asks for the zone's name besides other things
 * that must all hold is seen through; of all else it is false. */
bool cf_expression_excludes_zone(const char *expression, const char *zone);

#endif
