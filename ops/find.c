#include "ops/find.h"

#include <stdlib.h>

#include "ops/sight.h"
#include "ops/write.h"

static void hint_nearest(struct call *c, const char **names, size_t n, const char *word)
{
	names[n] = NULL;
	const char *near = fields_nearest(names, word);
	if (near)
		(void)err_hint(&c->task.err, "Did you mean \"%s\"?", near);
	else if (n && n <= 8) {
		AUTO(buf_t) all = {.limit = 180};
		for (size_t i = 0; i < n; i++)
			(void)buf_printf(&all, "%s%s", i ? ", " : "", names[i]);
		(void)err_hint(&c->task.err, "There are: %s.", buf_text(&all));
	}
}

const struct tunnel *find_tunnel(struct call *c, const char *name)
{
	const struct world *w = call_world(c);
	const struct tunnel *found = world_find_tunnel(w, name);
	if (found)
		return found;
	(void)err_set(&c->task.err, ERR_NOT_FOUND, "There is no tunnel \"%.64s\"", name);
	const char **names = mem_array(w->tunnels.n + 1, sizeof(*names));
	size_t n = 0;
	TABLE_EACH (i, struct tunnel, t, &w->tunnels)
		names[n++] = t->name;
	hint_nearest(c, names, n, name);
	free(names);
	call_fail(c);
	return NULL;
}

const struct connector *find_connector(struct call *c, const char *name)
{
	const struct world *w = call_world(c);
	const struct connector *found = world_find_connector(w, name);
	if (found)
		return found;
	(void)err_set(&c->task.err, ERR_NOT_FOUND, "There is no connector \"%.80s\" on this host",
		      name);
	(void)err_hint(&c->task.err,
		       "Connectors are named after tunnel and slot, as in TUNNEL/1; see "
		       "adit connector list.");
	call_fail(c);
	return NULL;
}

int find_hostname(struct call *c, const char *text, char **out)
{
	struct err e;
	if (hostname_normalise(text, out, &e) == 0)
		return 0;
	(void)err_wrap(&e, "hostname");
	c->task.err = e;
	call_fail(c);
	return -1;
}

int find_which(struct call *c, const char *connector, const char *tunnel,
	       const struct connector *list[TUNNEL_SLOTS_MAX], size_t *n)
{
	const struct tunnel *t = NULL;
	const struct connector *one = NULL;
	if (!connector == !tunnel) {
		(void)err_set(&c->task.err, ERR_INVALID,
			      "connector: name one, or a tunnel for all of its connectors");
		call_fail(c);
		return -1;
	}
	if (tunnel ? !(t = find_tunnel(c, tunnel)) : !(one = find_connector(c, connector)))
		return -1;
	*n = 0;
	const struct world *w = call_world(c);
	TABLE_EACH (i, struct connector, x, &w->connectors)
		if (*n < TUNNEL_SLOTS_MAX && (x == one || (t && str_equal(x->tunnel_id, t->id))))
			list[(*n)++] = x;
	return 0;
}

static int compare_routes(const void *a, const void *b)
{
	return route_compare(*(const struct route *const *)a, *(const struct route *const *)b);
}

struct route **sort_routes(const struct members *m)
{
	struct route **routes = mem_array(m->n + 1, sizeof(*routes));
	for (size_t i = 0; i < m->n; i++)
		routes[i] = m->items[i];
	qsort(routes, m->n, sizeof(*routes), compare_routes);
	return routes;
}

size_t find_routes(const struct world *w, const char *tunnel_id, struct route ***routes)
{
	AUTO(groups_t) groups = {0};
	groups_of_one(&groups, w, tunnel_id);
	const struct group *g = group_of(&groups, tunnel_id);
	*routes = sort_routes(&g->routes);
	return g->routes.n;
}

int64_t find_generation(const struct world *w, const char *id)
{
	const struct tunnel *t = world_tunnel(w, id);
	const struct record *d = world_record(w, id);
	const struct route *r = world_route(w, id);
	return t ? t->generation : d ? d->generation : r ? r->generation : 0;
}

int zone_unknown(const char *name, struct err *e)
{
	(void)err_set(e, ERR_NOT_FOUND, "There is no zone \"%.253s\" in the account", name);
	return err_hint(e, "See adit zone list.");
}

/* Of those that the caller sees; with none near, the hint stays as it is. */
static void hint_nearest_zone(struct call *c, const char *name)
{
	const struct world *w = call_world(c);
	const char **names = mem_array(w->zones.n + 1, sizeof(*names));
	size_t n = 0;
	TABLE_EACH (i, struct zone, z, &w->zones)
		names[n++] = z->name;
	const char *near = fields_nearest(names, name);
	if (near)
		(void)err_hint(&c->task.err, "Did you mean \"%s\"? See adit zone list.", near);
	free(names);
}

const struct zone *find_zone(struct call *c, const char *name)
{
	const struct zone *found = world_find_zone(call_world(c), name);
	if (found && c->ops->cf)
		return found;
	(void)zone_unknown(name, &c->task.err);
	hint_nearest_zone(c, name);
	call_fail(c);
	return NULL;
}

int tunnel_check_stays(const struct tunnel *t, struct err *e)
{
	if (t->want == WANT_PRESENT)
		return 0;
	(void)err_set(e, ERR_CONFLICT, "Tunnel %s is being %s", t->name,
		      t->want == WANT_ABSENT ? "deleted" : "given back");
	return err_hint(e, "Again when adit tunnel list no longer shows it.");
}

const char *plan_new_tunnel(struct plan *p, const char *name, int64_t replicas)
{
	plan_change(p, '+', "tunnel", name, "%lld connector%s on this host", (long long)replicas,
		    replicas == 1 ? "" : "s");
	struct edit *ed = plan_put_new(p, EDIT_TUNNEL_PUT);
	str_set(&ed->name, name);
	ed->replicas = replicas;
	return ed->id;
}

const char *policy_said(const char *drift)
{
	return str_equal(drift, "setting") ? NULL : drift;
}

bool policy_is(enum drift_policy now, const char *drift)
{
	return !drift || str_equal(drift_policy_name(now), policy_said(drift));
}
