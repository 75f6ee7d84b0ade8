/*
 * What happens to connectors, on its way into the store. It waits until the loop turns: a restart
 * waits for no disk, and what a turn tells of many connectors is one transaction. Nothing that is
 * done depends on it; a kill loses what the last turn told.
 */
#ifndef SUPERVISE_NOTES_H
#define SUPERVISE_NOTES_H

#include "base/buf.h"
#include "base/map.h"
#include "loop/loop.h"
#include "model/world.h"
#include "store/store.h"

/* That something happened to a connector. All borrowed. */
struct note {
	const char *connector_id, *name, *kind, *message;
	const char *untrusted_detail; /* NULL = none */
};

/* Texts are kept in one piece: what is freed so soon would leave a hole beside each struct that
 * stays. */
struct notes {
	struct world *world;
	struct noted *events; /* owned, in the order in which they came */
	size_t n, cap;
	struct buf texts;
	struct map unsaved; /* ids of connectors whose rows are to be written, borrowed */
	struct deferred turn;
	struct store *store; /* NULL: nothing is kept */
};

void notes_init(struct notes *n, struct loop *l, struct world *w, struct store *s);
/* Writes what is left. */
void notes_end(struct notes *n);
/* What waits for the store before goes to the store before. */
void notes_attach(struct notes *n, struct store *s);
void notes_event(struct notes *n, const struct note *note);
/* The row is written as the connector is then. The id stays where it is until then, or until it is
 * dropped: one that is gone has no row. */
void notes_save(struct notes *n, const char *connector_id);
void notes_drop(struct notes *n, const char *connector_id);

#endif
