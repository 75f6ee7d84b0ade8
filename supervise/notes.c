#include "supervise/notes.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"

static void save_rows(struct notes *n)
{
	const struct map_entry *entry;
	struct err e;

	for (size_t i = 0; (entry = map_next(&n->unsaved, &i)) != NULL;) {
		const struct connector *c = world_connector(n->world, entry->key);

		if (c && store_save_connector(n->store, c, &e))
			log_warning("connector %s is not saved: %s", entry->key, e.message);
	}
}

static void save_events(struct notes *n)
{
	struct err e;

	for (size_t i = 0; i < n->n; i++)
		if (store_add_event(n->store, &n->events[i], &e))
			log_warning("an event is not saved: %s", e.message);
}

static void forget(struct notes *n)
{
	for (size_t i = 0; i < n->n; i++)
		event_free(&n->events[i]);
	free(n->events);
	n->events = NULL;
	n->n = n->cap = 0;
	map_free(&n->unsaved);
	n->unsaved = (struct map){0};
}

static int write_all(struct notes *n, struct err *e)
{
	if (store_begin(n->store, e))
		return -1;
	save_rows(n);
	save_events(n);
	return store_commit(n->store, e);
}

static void write_now(struct notes *n)
{
	struct err e;

	deferred_stop(&n->turn);
	if (n->store && (n->n > 0 || n->unsaved.count > 0) && write_all(n, &e))
		log_warning("what happened to connectors is not saved: %s", e.message);
	forget(n);
}

static void loop_turned(struct deferred *d, void *owner)
{
	(void)d;
	write_now(owner);
}

void notes_init(struct notes *n, struct loop *l, struct world *w, struct store *s)
{
	*n = (struct notes){.world = w, .store = s};
	deferred_init(&n->turn, l, loop_turned, n);
}

void notes_end(struct notes *n)
{
	write_now(n);
}

void notes_attach(struct notes *n, struct store *s)
{
	write_now(n);
	n->store = s;
}

void notes_event(struct notes *n, const struct event *ev)
{
	if (n->n == n->cap) {
		n->cap = n->cap ? n->cap * 2 : 8;
		n->events = mem_grow(n->events, n->cap, sizeof(*n->events));
	}
	n->events[n->n] = *ev;
	if (!ev->at_ms)
		n->events[n->n].at_ms = clock_wall_ms();
	n->n++;
	deferred_start(&n->turn);
}

void notes_save(struct notes *n, const char *connector_id)
{
	map_set(&n->unsaved, connector_id, n);
	deferred_start(&n->turn);
}
