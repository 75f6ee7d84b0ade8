#include "supervise/notes.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

/* Where its texts begin; all of them end with a NUL. */
struct noted {
	int64_t at_ms;
	size_t connector_id, name, kind, message, detail;
	bool detailed;
};

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
	char *texts = n->texts.data;
	struct err e;

	for (size_t i = 0; i < n->n; i++) {
		const struct noted *x = &n->events[i];
		const struct event ev = {
			.at_ms = x->at_ms,
			.object_type = OBJECT_CONNECTOR,
			.object_id = texts + x->connector_id,
			.object_name = texts + x->name,
			.kind = texts + x->kind,
			.message = texts + x->message,
			.untrusted_detail = x->detailed ? texts + x->detail : NULL,
		};

		if (store_add_event(n->store, &ev, &e))
			log_warning("an event is not saved: %s", e.message);
	}
}

static void forget(struct notes *n)
{
	free(n->events);
	n->events = NULL;
	n->n = n->cap = 0;
	buf_free(&n->texts);
	map_free(&n->unsaved);
	n->unsaved.borrows = true;
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
	*n = (struct notes){.world = w, .store = s, .unsaved.borrows = true};
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

static size_t text_keep(struct notes *n, const char *text)
{
	size_t at = n->texts.len;

	(void)buf_add(&n->texts, text, strlen(text) + 1);
	return at;
}

void notes_event(struct notes *n, const struct note *note)
{
	const char *detail = note->untrusted_detail;

	if (n->n == n->cap) {
		n->cap = n->cap ? n->cap * 2 : 8;
		n->events = mem_grow(n->events, n->cap, sizeof(*n->events));
	}
	n->events[n->n++] = (struct noted){
		.at_ms = clock_wall_ms(),
		.connector_id = text_keep(n, note->connector_id),
		.name = text_keep(n, note->name),
		.kind = text_keep(n, note->kind),
		.message = text_keep(n, note->message),
		.detail = detail ? text_keep(n, detail) : 0,
		.detailed = detail != NULL,
	};
	deferred_start(&n->turn);
}

void notes_save(struct notes *n, const char *connector_id)
{
	map_set(&n->unsaved, connector_id, n);
	deferred_start(&n->turn);
}

void notes_drop(struct notes *n, const char *connector_id)
{
	map_remove(&n->unsaved, connector_id);
}
