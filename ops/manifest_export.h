/* Pure: the world as a manifest's text. Applied again under the same name it changes nothing; the
 * same world gives the same text. */
#ifndef OPS_MANIFEST_EXPORT_H
#define OPS_MANIFEST_EXPORT_H

#include "model/world.h"

struct manifest_scope {
	const char *name;            /* only what this manifest made; NULL = everything */
	const struct tunnel *tunnel; /* only this one with its routes; NULL = everything */
};

/* Appends the text; *objects counts what stands in it. */
MUST_USE int manifest_export(const struct world *w, const struct manifest_scope *scope,
			     struct buf *out, size_t *objects, struct err *e);

#endif
