/* Handlers: tunnels. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "model/render.h"
#include "ops/find.h"
#include "ops/write.h"

static void row_tunnel(const void *row, struct json_writer *w, const void *owner)
{
	render_tunnel(owner, row, w);
}

void run_tunnel_list(struct call *c)
{
	const struct tunnel_list_args *a = c->args;
	struct list_answer l;
	if (list_begin(c, (const struct list_args *)a, &l) < 0) {
		call_fail(c);
		return;
	}
	TABLE_EACH (i, struct tunnel, t, &c->ops->world->tunnels)
		if (!a->name || strcasestr(t->name, a->name))
			list_row(&l, row_tunnel, t, c->ops->world);
	list_end(&l, "model", clock_wall_ms());
}

/* The members of an object that was rendered, without its braces, then more. */
static void object_open(struct json_writer *w, const struct buf *object)
{
	json_object_begin(w);
	if (object->len > 2)
		json_write_raw(w, object->data + 1, object->len - 2);
}

static void put_routes(const struct call *c, const struct tunnel *t, struct json_writer *w)
{
	struct route **routes = NULL;
	size_t n = find_routes(c->ops->world, t->id, &routes);
	json_write_key(w, "route_items");
	json_array_begin(w);
	for (size_t i = 0; i < n; i++)
		render_route(c->ops->world, routes[i], w);
	json_array_end(w);
	free(routes);
}

static void put_connectors(const struct call *c, const struct tunnel *t, struct json_writer *w)
{
	json_write_key(w, "connector_items");
	json_array_begin(w);
	TABLE_EACH (i, struct connector, x, &c->ops->world->connectors)
		if (str_equal(x->tunnel_id, t->id))
			render_connector(c->ops->world, x, w);
	json_array_end(w);
}

void run_tunnel_get(struct call *c)
{
	const struct tunnel_get_args *a = c->args;
	const struct tunnel *t = find_tunnel(c, a->tunnel);
	if (!t)
		return;
	AUTO(buf_t) text = {0};
	struct json_writer inner, w;
	json_write_init(&inner, &text);
	render_tunnel(c->ops->world, t, &inner);
	buf_reset(&c->result);
	json_write_init(&w, &c->result);
	object_open(&w, &text);
	put_routes(c, t, &w);
	put_connectors(c, t, &w);
	json_object_end(&w);
	call_answer(c);
}

void run_tunnel_create(struct call *c)
{
	const struct tunnel_create_args *a = c->args;
	const struct tunnel *t = world_find_tunnel(c->ops->world, a->name);
	struct plan *p = plan_new(c->op->name, c->who.name, a->reason);
	if (t && t->want != WANT_PRESENT) {
		plan_free(p);
		(void)err_set(&c->task.err, ERR_CONFLICT, "Tunnel %s is being deleted", t->name);
		(void)err_hint(&c->task.err,
			       "Create it again when adit tunnel list no longer shows it.");
		call_fail(c);
		return;
	}
	if (!t)
		(void)plan_new_tunnel(p, a->name, a->replicas < 0 ? 1 : a->replicas);
	else {
		plan_touch(p, t->id, t->generation);
		if (a->replicas >= 0 && t->replicas != a->replicas) {
			plan_change(p, '~', "tunnel", t->name, "replicas %lld to %lld",
				    (long long)t->replicas, (long long)a->replicas);
			plan_put_tunnel(p, t)->replicas = a->replicas;
		}
	}
	write_run(c, (const struct write_args *)a, p);
}

static void drop_records(struct call *c, const struct tunnel *t, struct plan *p)
{
	TABLE_EACH (i, struct record, r, &c->ops->world->records) {
		if (!str_equal(r->tunnel_id, t->id))
			continue;
		(void)plan_take_off(p, EDIT_RECORD_DROP, r->id, r->generation);
		plan_change(p, '-', "record", r->name, "%s", r->type);
	}
}

static size_t drop_routes(struct call *c, const struct tunnel *t, struct plan *p)
{
	struct route **routes = NULL;
	size_t n = find_routes(c->ops->world, t->id, &routes);
	for (size_t i = 0; i < n; i++) {
		(void)plan_take_off(p, EDIT_ROUTE_DROP, routes[i]->id, routes[i]->generation);
		plan_change(p, '-', "route", routes[i]->hostname, "to %s", routes[i]->service);
	}
	free(routes);
	return n;
}

void run_tunnel_delete(struct call *c)
{
	const struct tunnel_delete_args *a = c->args;
	const struct tunnel *t = find_tunnel(c, a->tunnel);
	if (!t)
		return;
	struct plan *p = plan_new(c->op->name, c->who.name, a->reason);
	plan_touch(p, t->id, t->generation);
	if (t->want == WANT_PRESENT) {
		size_t routes = drop_routes(c, t, p);
		if (routes && !a->cascade) {
			plan_free(p);
			(void)err_set(&c->task.err, ERR_CONFLICT, "Tunnel %s has %zu routes",
				      t->name, routes);
			(void)err_hint(&c->task.err, "Delete them first, or let cascade be true.");
			call_fail(c);
			return;
		}
		drop_records(c, t, p);
		(void)plan_edit(p, EDIT_TUNNEL_DROP, t->id);
		plan_change(p, '-', "tunnel", t->name, "%s",
			    t->remote_id[0] ? t->remote_id : "not made yet");
	}
	write_run(c, (const struct write_args *)a, p);
}
