/*
 * Pure: a cloudflared configuration file (config.yml) to a manifest of routes. What adit's routes
 * cannot say is told as left alone, and where the file's order of rules would not be adit's, that
 * is a warning: cloudflared takes the first rule that fits, adit puts the narrower ones first.
 */
#ifndef OPS_MANIFEST_IMPORT_H
#define OPS_MANIFEST_IMPORT_H

#include "model/manifest.h"
#include "model/plan.h"
#include "model/world.h"

struct import_ask {
	const char *file; /* its name, for sentences */
	const char *text;
	const struct tunnel *tunnel; /* NULL: the file's, where it is known, else this host's own */
	const char *own;             /* name of this host's own tunnel */
	bool dns;                    /* routes bring their records */
};

/* Words and warnings go to p. ERR_INVALID with the place in the file. The caller frees *out, which
 * names no tunnel when no rule became a route. */
MUST_USE int manifest_import(const struct world *w, const struct import_ask *ask, struct plan *p,
			     struct manifest **out, struct err *e);

#endif
