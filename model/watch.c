/*
 * Telling watchers. Any watcher may leave or join while others are being told, and a change may be
 * told from inside another: so the walk keeps its place by two nodes of its own in the list, which
 * no watcher knows and no other walk calls.
 */
#include "model/world.h"

void world_watch(struct world *w, struct watcher *x, watch_fn *changed, void *owner)
{
	x->changed = changed;
	x->owner = owner;
	list_append(&w->watchers, &x->node);
}

void world_unwatch(struct watcher *x)
{
	if (x->node.next)
		list_remove(&x->node);
}

/* Step over the node behind the place; what comes back is a watcher, a place of a walk, or last. */
static struct watcher *advance(struct watcher *place)
{
	struct list *next = place->node.next;

	list_remove(&place->node);
	list_append(next->next, &place->node);
	return LIST_OF(next, struct watcher, node);
}

void world_changed(struct world *w, enum object_type type, const char *id)
{
	struct watcher place = {.changed = NULL}, last = {.changed = NULL}, *x;

	w->sequence++;
	list_append(w->watchers.next, &place.node); /* in front of all */
	list_append(&w->watchers, &last.node);
	while ((x = advance(&place)) != &last)
		if (x->changed)
			x->changed(x, type, id, x->owner);
	list_remove(&place.node);
	list_remove(&last.node);
}
