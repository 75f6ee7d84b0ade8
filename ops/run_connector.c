/* Handlers: connectors and events. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/untrusted.h"
#include "model/render.h"
#include "ops/find.h"
#include "ops/scope.h"
#include "ops/sight.h"

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
	const struct world *w = call_world(c);
	TABLE_EACH (i, struct connector, x, &w->connectors)
		if (!only || str_equal(x->tunnel_id, only->id))
			list_row(&l, row_connector, x, w);
	list_end(&l, "model", clock_wall_ms());
}

/* ---- connector_restart and connector_upgrade ---- */

struct awaited {
	char id[ID_SIZE + 4];
	int64_t in_vain; /* replacements in vain before */
};

struct restart {
	struct awaited list[TUNNEL_SLOTS_MAX];
	size_t n;
	bool whole;       /* a tunnel, all of its connectors */
	int64_t asked_ms; /* wall: a process started later is the new one */
	bool upgrade;
};

static void restart_drop(struct call *c)
{
	free(c->state);
	c->state = NULL;
}

static const struct connector *awaited_connector(const struct call *c, const struct awaited *a)
{
	return world_connector(c->ops->world, a->id);
}

static bool restarted(const struct restart *r, const struct connector *x)
{
	if (!connector_serving(x))
		return false;
	return r->upgrade ? !x->update_available : x->started_ms > r->asked_ms;
}

/* It was tried and does not come up: waiting does not help. */
static bool restart_failed(const struct restart *r, const struct awaited *a,
			   const struct connector *x)
{
	return connector_past(x)->replaced_in_vain > a->in_vain ||
	       (x->state == CONNECTOR_BLOCKED && x->since_ms > r->asked_ms);
}

/* What was removed meanwhile is in nobody's way. */
static bool all_restarted(const struct call *c)
{
	const struct restart *r = c->state;
	for (size_t i = 0; i < r->n; i++) {
		const struct connector *x = awaited_connector(c, &r->list[i]);
		if (x && !restarted(r, x))
			return false;
	}
	return true;
}

/* The first that is in vain: the others behind it wait in vain, too. */
static const struct connector *first_failed(const struct call *c)
{
	const struct restart *r = c->state;
	for (size_t i = 0; i < r->n; i++) {
		const struct connector *x = awaited_connector(c, &r->list[i]);
		if (x && !restarted(r, x) && restart_failed(r, &r->list[i], x))
			return x;
	}
	return NULL;
}

static void answer_one(struct call *c)
{
	const struct restart *r = c->state;
	const struct connector *x = awaited_connector(c, &r->list[0]);
	if (!x) {
		(void)err_set(&c->task.err, ERR_NOT_FOUND, "The connector was removed meanwhile");
		call_fail(c);
		return;
	}
	AUTO(buf_t) text = {0};
	struct json_writer inner, w;
	json_write_init(&inner, &text);
	render_connector(call_world(c), x, &inner);
	call_object(c, &w);
	json_write_members(&w, buf_text(&text), text.len);
	json_put_bool(&w, "converged", restarted(r, x));
	json_object_end(&w);
	call_answer(c);
}

static void answer_whole(struct call *c)
{
	const struct restart *r = c->state;
	const struct connector *failed = first_failed(c);
	struct json_writer w;
	call_object(c, &w);
	json_put_bool(&w, "converged", all_restarted(c));
	json_write_key(&w, "connector_items");
	json_array_begin(&w);
	for (size_t i = 0; i < r->n; i++) {
		const struct connector *x = awaited_connector(c, &r->list[i]);
		if (x)
			render_connector(call_world(c), x, &w);
	}
	json_array_end(&w);
	if (failed && failed->problem) {
		json_write_key(&w, "problem");
		render_problem(failed->problem, &w);
	}
	json_object_end(&w);
	call_answer(c);
}

static void restart_answer(struct call *c)
{
	const struct restart *r = c->state;
	if (r->whole)
		answer_whole(c);
	else
		answer_one(c);
}

static void restart_look(struct deferred *d, void *owner)
{
	struct call *c = owner;
	(void)d;
	if (c->state && (all_restarted(c) || first_failed(c)))
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

static void await(struct restart *r, const struct connector *x)
{
	struct awaited *a = &r->list[r->n++];
	(void)str_copy(a->id, sizeof(a->id), x->id);
	a->in_vain = connector_past(x)->replaced_in_vain;
}

/* Whom it is about; -1: the call has failed. */
static int await_named(struct call *c, struct restart *r, const char *connector, const char *tunnel)
{
	const struct connector *list[TUNNEL_SLOTS_MAX];
	size_t n = 0;
	if (find_which(c, connector, tunnel, list, &n) < 0)
		return -1;
	const struct tunnel *t = n ? world_tunnel(c->ops->world, list[0]->tunnel_id) : NULL;
	if (t && scope_check_tunnel(c->ops, &c->who, t, &c->task.err) < 0) {
		call_fail(c);
		return -1;
	}
	r->whole = tunnel != NULL;
	for (size_t i = 0; i < n; i++)
		await(r, list[i]);
	if (n > 0)
		return 0;
	(void)err_set(&c->task.err, ERR_NOT_FOUND, "Tunnel \"%.64s\" has no connector on this host",
		      tunnel);
	call_fail(c);
	return -1;
}

typedef bool ask_fn(struct supervisor *s, const char *connector_id);

static bool ask_each(const struct call *c, ask_fn *ask)
{
	const struct restart *r = c->state;
	for (size_t i = 0; i < r->n; i++)
		if (!c->ops->supervisor || !ask(c->ops->supervisor, r->list[i].id))
			return false;
	return true;
}

struct asking {
	const char *connector, *tunnel;
	bool wait, upgrade;
	int64_t timeout_ms;
	ask_fn *ask;
};

static void ask_another(struct call *c, const struct asking *a)
{
	struct restart *r = mem_alloc(sizeof(*r));
	r->asked_ms = clock_wall_ms() - 1;
	r->upgrade = a->upgrade;
	c->state = r;
	c->drop_state = restart_drop;
	if (await_named(c, r, a->connector, a->tunnel) < 0)
		return;
	if (!ask_each(c, a->ask)) {
		(void)err_set(&c->task.err, ERR_INTERNAL, "Supervision is not running");
		call_fail(c);
		return;
	}
	if (!a->wait || (a->upgrade && all_restarted(c))) {
		restart_answer(c);
		return;
	}
	deferred_init(&c->look, c->ops->loop, restart_look, c);
	world_watch(c->ops->world, &c->watcher, restart_world_changed, c);
	timer_init(&c->deadline, c->ops->loop, restart_deadline, c);
	timer_start(&c->deadline, a->timeout_ms);
}

void run_connector_restart(struct call *c)
{
	const struct connector_restart_args *a = c->args;
	ask_another(c, &(struct asking){.connector = a->connector,
					.wait = a->wait,
					.timeout_ms = a->timeout.ms,
					.ask = supervisor_restart});
}

void run_connector_upgrade(struct call *c)
{
	const struct connector_upgrade_args *a = c->args;
	ask_another(c, &(struct asking){.connector = a->connector,
					.tunnel = a->tunnel,
					.wait = a->wait,
					.upgrade = true,
					.timeout_ms = a->timeout.ms,
					.ask = supervisor_upgrade});
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
	json_put_untrusted_lines(w, "untrusted_detail", ev->untrusted_detail);
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
		f.object_id = object_id_of(call_world(c), a->object);
	if ((a->since && time_parse(a->since, clock_wall_ms(), &f.since_ms, &e) < 0) ||
	    store_list_events(c->ops->store, &f, &events, &n, &e) < 0) {
		c->task.err = e;
		call_fail(c);
		return;
	}
	bool begun = list_begin(c, (const struct list_args *)a, &l) == 0;
	for (size_t i = 0; i < n; i++) {
		if (begun && sight_event(c->ops, &c->who, &events[i]))
			list_row(&l, row_event, &events[i], NULL);
		event_free(&events[i]);
	}
	free(events);
	if (begun)
		list_end(&l, "model", clock_wall_ms());
	else
		call_fail(c);
}
