/* Handlers: connectors and events. */
#include <stdlib.h>

#include "base/clock.h"
#include "model/render.h"
#include "ops/find.h"

static void row_connector(const void *row, struct json_writer *w, const void *owner)
{
	render_connector(owner, row, w);
}

void run_connector_list(struct call *c)
{
	const struct connector_list_args *a = c->args;
	const struct tunnel *only = a->tunnel ? find_tunnel(c, a->tunnel) : NULL;
	struct list_answer l;
	if (a->tunnel && !only)
		return;
	if (list_begin(c, (const struct list_args *)a, &l) < 0) {
		call_fail(c);
		return;
	}
	TABLE_EACH (i, struct connector, x, &c->ops->world->connectors)
		if (!only || str_equal(x->tunnel_id, only->id))
			list_row(&l, row_connector, x, c->ops->world);
	list_end(&l, "model", clock_wall_ms());
}

/* ---- connector_restart ---- */

struct restart {
	char id[ID_SIZE + 4];
	int64_t asked_ms; /* wall: a process started later is the new one */
	int64_t in_vain;  /* replacements in vain before */
	bool upgrade;
};

static void restart_drop(struct call *c)
{
	free(c->state);
	c->state = NULL;
}

static bool restarted(const struct call *c, const struct connector *x)
{
	const struct restart *r = c->state;
	if (r->upgrade)
		return x && connector_serving(x) && !x->update_available;
	return x && connector_serving(x) && x->started_ms > r->asked_ms;
}

/* It was tried and does not come up: waiting does not help. */
static bool restart_failed(const struct call *c, const struct connector *x)
{
	const struct restart *r = c->state;
	return x->replaced_in_vain > r->in_vain ||
	       (x->state == CONNECTOR_BLOCKED && x->since_ms > r->asked_ms);
}

static void restart_answer(struct call *c)
{
	const struct restart *r = c->state;
	const struct connector *x = world_connector(c->ops->world, r->id);
	if (!x) {
		(void)err_set(&c->task.err, ERR_NOT_FOUND, "The connector was removed meanwhile");
		call_fail(c);
		return;
	}
	AUTO(buf_t) text = {0};
	struct json_writer inner, w;
	json_write_init(&inner, &text);
	render_connector(c->ops->world, x, &inner);
	call_object(c, &w);
	json_write_raw(&w, text.data + 1, text.len - 2);
	json_put_bool(&w, "converged", restarted(c, x));
	json_object_end(&w);
	call_answer(c);
}

static void restart_look(struct deferred *d, void *owner)
{
	struct call *c = owner;
	(void)d;
	if (!c->state)
		return;
	const struct restart *r = c->state;
	const struct connector *x = world_connector(c->ops->world, r->id);
	if (!x || restarted(c, x) || restart_failed(c, x))
		restart_answer(c);
}

static void restart_world_changed(struct watcher *x, enum object_type type, const char *id,
				  void *owner)
{
	struct call *c = owner;
	(void)x, (void)id;
	if (type == OBJECT_CONNECTOR)
		deferred_start(&c->look);
}

static void restart_deadline(struct timer *t, void *owner)
{
	(void)t;
	restart_answer(owner);
}

typedef bool ask_fn(struct supervisor *s, const char *connector_id);

static void ask_another(struct call *c, ask_fn *ask, bool upgrade)
{
	const struct connector_restart_args *a = c->args;
	const struct connector *x = find_connector(c, a->connector);
	if (!x)
		return;
	struct restart *r = mem_alloc(sizeof(*r));
	(void)str_copy(r->id, sizeof(r->id), x->id);
	r->asked_ms = clock_wall_ms() - 1;
	r->in_vain = x->replaced_in_vain;
	r->upgrade = upgrade;
	c->state = r;
	c->drop_state = restart_drop;
	if (!c->ops->supervisor || !ask(c->ops->supervisor, r->id)) {
		(void)err_set(&c->task.err, ERR_INTERNAL, "Supervision is not running");
		call_fail(c);
		return;
	}
	if (!a->wait || (upgrade && restarted(c, x))) {
		restart_answer(c);
		return;
	}
	deferred_init(&c->look, c->ops->loop, restart_look, c);
	world_watch(c->ops->world, &c->watcher, restart_world_changed, c);
	timer_init(&c->deadline, c->ops->loop, restart_deadline, c);
	timer_start(&c->deadline, a->timeout.ms);
}

void run_connector_restart(struct call *c)
{
	ask_another(c, supervisor_restart, false);
}

void run_connector_upgrade(struct call *c)
{
	ask_another(c, supervisor_upgrade, true);
}

/* ---- events ---- */

static void row_event(const void *row, struct json_writer *w, const void *owner)
{
	const struct event *ev = row;
	(void)owner;
	json_object_begin(w);
	json_put_int(w, "seq", ev->seq);
	json_put_time(w, "at", ev->at_ms);
	json_put_string(w, "kind", ev->kind);
	json_put_string(w, "object", object_type_name(ev->object_type));
	json_put_string(w, "id", ev->object_id);
	json_put_string(w, "name", ev->object_name);
	json_put_string(w, "message", ev->message);
	if (ev->untrusted_detail)
		json_put_string(w, "untrusted_detail", ev->untrusted_detail);
	json_object_end(w);
}

/* The local id behind a name of a tunnel, connector or host; the word itself when there is none. */
static const char *object_id_of(const struct world *w, const char *word)
{
	const struct tunnel *t = world_find_tunnel(w, word);
	const struct connector *x = t ? NULL : world_find_connector(w, word);
	const struct record *r = t || x ? NULL : world_find_record(w, word, "CNAME");
	return t ? t->id : x ? x->id : r ? r->id : word;
}

void run_event_list(struct call *c)
{
	const struct event_list_args *a = c->args;
	struct event_filter f = {.kind = a->kind, .limit = 10000};
	struct event *events = NULL;
	size_t n = 0;
	struct list_answer l;
	struct err e;
	if (!call_needs_store(c))
		return;
	if (a->object)
		f.object_id = object_id_of(c->ops->world, a->object);
	if ((a->since && time_parse(a->since, clock_wall_ms(), &f.since_ms, &e) < 0) ||
	    store_list_events(c->ops->store, &f, &events, &n, &e) < 0) {
		c->task.err = e;
		call_fail(c);
		return;
	}
	bool begun = list_begin(c, (const struct list_args *)a, &l) == 0;
	for (size_t i = 0; i < n; i++) {
		if (begun)
			list_row(&l, row_event, &events[i], NULL);
		event_free(&events[i]);
	}
	free(events);
	if (begun)
		list_end(&l, "model", clock_wall_ms());
	else
		call_fail(c);
}
