/*
 * A part of the world, as somebody sees it who may not see all of it: a world of its own whose
 * tables hold the same objects, so that whoever reads worlds reads parts of them too. It owns no
 * object: it is good until the world changes, for reading, and nobody watches it.
 */
#ifndef MODEL_VIEW_H
#define MODEL_VIEW_H

#include "model/world.h"

/* Is this object of the world in it? */
typedef bool view_keeps_fn(enum object_type type, const void *object, void *owner);

/* Fill a view, zeroed or filled before: routes are asked for first, then records, zones, tunnels
 * and connectors, so that what holds others can depend on them. Notices, which tell of everything,
 * are left out. */
void view_fill(struct world *view, const struct world *of, view_keeps_fn *keeps, void *owner);
/* What belongs to no object, as it is now. */
void view_facts(struct world *view, const struct world *of);
void view_free(struct world *view);

#endif
