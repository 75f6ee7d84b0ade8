/*
 * What happens to connectors, on its way into the store. It waits until the loop turns: a restart
 * waits for no disk, and what a turn tells of many connectors is one transaction. Nothing that is
 * done depends on it; a kill loses what the last turn told.
 */
#ifndef SUPERVISE_NOTES_H
#define SUPERVISE_NOTES_H

#include "base/map.h"
#include "loop/loop.h"
#include "model/world.h"
#include "store/store.h"

struct notes {
	struct world *world;
	struct event *events; /* owned, in the order in which they came */
	size_t n, cap;
	struct map unsaved; /* ids of connectors whose rows are to be written */
	struct deferred turn;
	struct store *store; /* NULL: nothing is kept */
};

void notes_init(struct notes *n, struct loop *l, struct world *w, struct store *s);
/* Writes what is left. */
void notes_end(struct notes *n);
/* What waits for the store before goes to the store before. */
void notes_attach(struct notes *n, struct store *s);
/* Takes the members of the event over. */
void notes_event(struct notes *n, const struct event *ev);
/* The row is written as the connector is then; one that is gone by then has none. */
void notes_save(struct notes *n, const char *connector_id);

#endif
