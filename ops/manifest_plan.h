/*
 * Pure: a manifest and the world to the edits that make the world what the document says, and the
 * words for people. What one manifest made, another one does not touch; what was made by hand is
 * taken into the manifest when the document names it. Only with prune is something dropped, and
 * only what the manifest of the same name made: as ordinary drops, which the guard sees.
 */
#ifndef OPS_MANIFEST_PLAN_H
#define OPS_MANIFEST_PLAN_H

#include "model/manifest.h"
#include "model/plan.h"
#include "model/world.h"

struct manifest_ask {
	const struct manifest *m;
	const char
		*name; /* whose manifest it is; NULL: nobody's, objects stay as if made by hand */
	bool prune;
	const struct strlist *overwrite; /* foreign records that may go, by id; NULL = none */
};

/* Appends to p. ERR_CONFLICT or ERR_INVALID with the place in the document. Nothing to change: no
 * edits, but all that the document names is touched. */
MUST_USE int manifest_plan(const struct world *w, const struct manifest_ask *ask, struct plan *p,
			   struct err *e);

#endif
