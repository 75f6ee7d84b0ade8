/* Handlers: tunnels. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "model/render.h"
#include "ops/find.h"
#include "ops/release.h"
#include "ops/sight.h"
#include "ops/write.h"

static void row_tunnel(const void *row, struct json_writer *w, const void *owner)
{
	struct groups *const *groups = owner;
	render_tunnel(*groups, row, w);
}

void run_tunnel_list(struct call *c)
{
	const struct tunnel_list_args *a = c->args;
	struct list_answer l;
	if (list_begin(c, (const struct list_args *)a, &l) < 0) {
		call_fail(c);
		return;
	}
	const struct world *w = call_world(c);
	AUTO(groups_t) groups = {0};
	groups_of_all(&groups, w);
	TABLE_EACH (i, struct tunnel, t, &w->tunnels)
		if (!a->name || strcasestr(t->name, a->name))
			list_row(&l, row_tunnel, t, &(struct groups *){&groups});
	list_end(&l, "model", clock_wall_ms());
}

static void put_routes(struct groups *x, const struct group *g, struct json_writer *w)
{
	struct route **routes = sort_routes(&g->routes);
	json_write_key(w, "route_items");
	json_array_begin(w);
	for (size_t i = 0; i < g->routes.n; i++)
		render_route(x, routes[i], w);
	json_array_end(w);
	free(routes);
}

static void put_connectors(const struct world *world, const struct group *g, struct json_writer *w)
{
	json_write_key(w, "connector_items");
	json_array_begin(w);
	TABLE_EACH (i, struct connector, x, &g->connectors)
		render_connector(world, x, w);
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
	AUTO(groups_t) groups = {0};
	groups_of_one(&groups, call_world(c), t->id);
	const struct group *g = group_of(&groups, t->id);
	json_write_init(&inner, &text);
	render_tunnel(&groups, t, &inner);
	call_object(c, &w);
	json_write_members(&w, buf_text(&text), text.len);
	put_routes(&groups, g, &w);
	put_connectors(call_world(c), g, &w);
	json_object_end(&w);
	call_answer(c);
}

void run_tunnel_create(struct call *c)
{
	const struct tunnel_create_args *a = c->args;
	const struct tunnel *t = world_find_tunnel(call_world(c), a->name);
	if (t && tunnel_check_stays(t, &c->task.err) < 0) {
		call_fail(c);
		return;
	}
	struct plan *p = plan_new(c->op->name, c->who.name, a->reason);
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

/* ---- tunnel_update ---- */

static int check_name(const struct call *c, const struct tunnel *t, const char *name, struct err *e)
{
	const struct tunnel *other = world_find_tunnel(call_world(c), name);
	if (other && other != t)
		return err_set(e, ERR_CONFLICT, "There is a tunnel %s already", other->name);
	if (t->joined)
		return err_set(e, ERR_CONFLICT,
			       "Tunnel %s is another host's, and has the name that it gives it",
			       t->name);
	if (t->create_sent_ms && !t->remote_id[0])
		return err_set(e, ERR_BUSY, "Tunnel %s is just being created", t->name);
	return 0;
}

static int check_update(const struct call *c, const struct tunnel *t, struct err *e)
{
	const struct tunnel_update_args *a = c->args;
	if (tunnel_check_stays(t, e) < 0)
		return -1;
	return a->name && !str_equal(a->name, t->name) ? check_name(c, t, a->name, e) : 0;
}

/* Who relies on the default would be surprised by a second tunnel. */
static void warn_default(struct plan *p, const struct tunnel *t, const char *owner)
{
	if (!str_equal(t->name, owner))
		return;
	AUTO(str_t)
	text = str_format("A route_set that names no tunnel goes through the one named %s, as this "
			  "host's owner is, and makes it when it is missing.",
			  owner);
	strlist_add(&p->warnings, text);
}

static void update_name(struct plan *p, const struct tunnel *t, const char *name, const char *owner)
{
	if (!name || str_equal(name, t->name))
		return;
	warn_default(p, t, owner);
	str_set(&plan_put_tunnel(p, t)->name, name);
	plan_change(p, '~', "tunnel", t->name, "name, here and at Cloudflare: %s to %s", t->name,
		    name);
}

static void update_replicas(struct plan *p, const struct tunnel *t, int64_t replicas)
{
	if (replicas < 0 || replicas == t->replicas)
		return;
	plan_put_tunnel(p, t)->replicas = replicas;
	plan_change(p, '~', "tunnel", t->name, "replicas on this host: %lld to %lld",
		    (long long)t->replicas, (long long)replicas);
}

static void update_drift(struct plan *p, const struct tunnel *t, const char *drift)
{
	const char *is = drift_policy_name(t->drift);
	const char *wanted = str_equal(drift, "default") ? NULL : drift;
	if (!drift || str_equal(is, wanted))
		return;
	str_set(&plan_put_tunnel(p, t)->drift, wanted);
	plan_change(p, '~', "tunnel", t->name, "drift: %s to %s", is ? is : "as the settings say",
		    wanted ? wanted : "as the settings say");
}

void run_tunnel_update(struct call *c)
{
	const struct tunnel_update_args *a = c->args;
	const struct tunnel *t = find_tunnel(c, a->tunnel);
	struct err e;
	if (!t)
		return;
	if (check_update(c, t, &e) < 0) {
		c->task.err = e;
		call_fail(c);
		return;
	}
	struct plan *p = plan_new(c->op->name, c->who.name, a->reason);
	plan_touch(p, t->id, t->generation);
	update_name(p, t, a->name, c->ops->settings->owner);
	update_replicas(p, t, a->replicas);
	update_drift(p, t, a->drift);
	write_run(c, (const struct write_args *)a, p);
}

void run_tunnel_rotate(struct call *c)
{
	const struct tunnel_rotate_args *a = c->args;
	const struct tunnel *t = find_tunnel(c, a->tunnel);
	struct err e;
	if (!t)
		return;
	if (tunnel_check_stays(t, &e) < 0) {
		c->task.err = e;
		call_fail(c);
		return;
	}
	struct plan *p = plan_new(c->op->name, c->who.name, a->reason);
	plan_put_tunnel(p, t)->rotate = true;
	plan_change(p, '~', "tunnel", t->name,
		    "another secret; its connectors on this host are replaced");
	write_run(c, (const struct write_args *)a, p);
}

/* ---- tunnel_delete ---- */

static void drop_records(struct call *c, const struct tunnel *t, struct plan *p)
{
	const struct world *w = call_world(c);
	TABLE_EACH (i, struct record, r, &w->records) {
		if (!str_equal(r->tunnel_id, t->id))
			continue;
		(void)plan_take_off(p, EDIT_RECORD_DROP, r->id, r->generation);
		plan_change(p, '-', "record", r->name, "%s", r->type);
	}
}

static size_t drop_routes(struct call *c, const struct tunnel *t, struct plan *p)
{
	struct route **routes = NULL;
	size_t n = find_routes(call_world(c), t->id, &routes);
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
	if (t->want == WANT_PRESENT && t->joined) {
		release_tunnel(call_world(c), p, t);
	} else if (t->want == WANT_PRESENT) {
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
