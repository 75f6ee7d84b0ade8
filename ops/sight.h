/* What a caller may be shown: one predicate for lists, streams and whatever else tells of objects.
 */
#ifndef OPS_SIGHT_H
#define OPS_SIGHT_H

#include "model/world.h"
#include "ops/principal.h"

/* May he read objects of this type? As the operation that lists them has it. */
bool principal_sees(const struct principal *p, enum object_type type);

#endif
