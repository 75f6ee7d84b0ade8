/*
 * The tables of the world. An object's id is its first member, so that one table does for all
 * types; order of creation is kept because lists, plans and screens show it.
 */
#include "model/world.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static_assert(offsetof(struct tunnel, id) == 0, "a table reads the id at the front");
static_assert(offsetof(struct route, id) == 0, "a table reads the id at the front");
static_assert(offsetof(struct record, id) == 0, "a table reads the id at the front");
static_assert(offsetof(struct connector, id) == 0, "a table reads the id at the front");
static_assert(offsetof(struct zone, id) == 0, "a table reads the id at the front");

const char *object_type_name(enum object_type t)
{
	static const char *const names[OBJECT_TYPES] = {
		"tunnel", "route", "record", "connector", "zone", "plan", "system",
	};

	return (unsigned)t < OBJECT_TYPES ? names[t] : "unknown";
}

const char *access_state_name(enum access_state s)
{
	static const char *const names[] = {"unchecked", "missing", "ok", "refused", "unreachable"};

	return (unsigned)s < ARRAY_LEN(names) ? names[s] : "unknown";
}

const char *audit_state_name(enum audit_state s)
{
	static const char *const names[] = {
		[AUDIT_UNASKED] = "not asked",
		[AUDIT_READ] = "read",
		[AUDIT_DENIED] = "not permitted",
		[AUDIT_UNAVAILABLE] = "not available",
	};

	return names[s];
}

static void free_tunnel(void *object)
{
	tunnel_free(object);
}

static void free_route(void *object)
{
	route_free(object);
}

static void free_record(void *object)
{
	record_free(object);
}

static void free_connector(void *object)
{
	connector_free(object);
}

static void free_zone(void *object)
{
	zone_free(object);
}

/* Where objects of a type are kept; plans and the system have no table here. */
static const struct {
	size_t table;
	void (*release)(void *object);
} kinds[OBJECT_TYPES] = {
	[OBJECT_TUNNEL] = {offsetof(struct world, tunnels), free_tunnel},
	[OBJECT_ROUTE] = {offsetof(struct world, routes), free_route},
	[OBJECT_RECORD] = {offsetof(struct world, records), free_record},
	[OBJECT_CONNECTOR] = {offsetof(struct world, connectors), free_connector},
	[OBJECT_ZONE] = {offsetof(struct world, zones), free_zone},
};

static struct table *table_of(struct world *w, enum object_type type)
{
	return (struct table *)(void *)((char *)w + kinds[type].table);
}

struct world *world_new(void)
{
	struct world *w = mem_alloc(sizeof(*w));

	list_init(&w->watchers);
	return w;
}

static void table_free(struct table *t, void (*release)(void *object))
{
	for (size_t i = 0; i < t->n; i++)
		release(t->items[i]);
	free(t->items);
	map_free(&t->by_id);
}

void world_free(struct world *w)
{
	if (!w)
		return;
	while (!list_empty(&w->watchers)) /* a late world_unwatch must not touch freed memory */
		list_remove(w->watchers.next);
	for (int type = 0; type < OBJECT_TYPES; type++)
		if (kinds[type].release)
			table_free(table_of(w, (enum object_type)type), kinds[type].release);
	free(w->system.owner);
	free(w->system.writes_off);
	free(w->system.writes_held);
	free(w->system.writes_held_hint);
	problem_clear(&w->system.access_problem);
	notices_free(&w->system.notices);
	free(w);
}

static void add(struct world *w, enum object_type type, void *object)
{
	struct table *t = table_of(w, type);
	void *old;

	assert(*(const char *)object && !map_get(&t->by_id, object));
	if (!t->by_id.cap) /* an object outlives its entry, and its id stands in it */
		t->by_id.borrows = true;
	if (t->n == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 16;
		t->items = mem_grow(t->items, t->cap, sizeof(*t->items));
	}
	t->items[t->n++] = object;
	t->moved++;
	old = map_set(&t->by_id, object, object);
	(void)old;
	world_changed(w, type, object);
}

void world_add_tunnel(struct world *w, struct tunnel *t)
{
	add(w, OBJECT_TUNNEL, t);
}

void world_add_route(struct world *w, struct route *r)
{
	add(w, OBJECT_ROUTE, r);
}

void world_add_record(struct world *w, struct record *r)
{
	add(w, OBJECT_RECORD, r);
}

void world_add_connector(struct world *w, struct connector *c)
{
	add(w, OBJECT_CONNECTOR, c);
}

void world_add_zone(struct world *w, struct zone *z)
{
	add(w, OBJECT_ZONE, z);
}

static void take_out(struct table *t, const void *object)
{
	size_t i = 0;

	while (t->items[i] != object)
		i++;
	t->n--;
	t->moved++;
	memmove(&t->items[i], &t->items[i + 1], (t->n - i) * sizeof(*t->items));
}

bool world_drop(struct world *w, enum object_type type, const char *id)
{
	struct table *t;
	void *object;

	if (!kinds[type].release)
		return false;
	t = table_of(w, type);
	object = map_remove(&t->by_id, id);
	if (!object)
		return false;
	take_out(t, object);
	world_changed(w, type, object); /* its own id: the caller's may be part of the object */
	kinds[type].release(object);
	return true;
}

void world_clear_zones(struct world *w)
{
	while (w->zones.n)
		world_drop(w, OBJECT_ZONE, w->zones.items[w->zones.n - 1]);
}

/* A connector that runs already knows more than its row; only what adds up is taken over. */
static void take_connector(struct world *w, struct connector *c)
{
	struct connector *here = world_connector(w, c->id);

	if (!here) {
		world_add_connector(w, c);
		return;
	}
	here->restarts += c->restarts;
	connector_free(c);
}

static void take_object(struct world *w, enum object_type type, void *object)
{
	switch (type) {
	case OBJECT_TUNNEL:
		world_add_tunnel(w, object);
		break;
	case OBJECT_ROUTE:
		world_add_route(w, object);
		break;
	case OBJECT_RECORD:
		world_add_record(w, object);
		break;
	case OBJECT_CONNECTOR:
		take_connector(w, object);
		break;
	case OBJECT_ZONE:
		world_add_zone(w, object);
		break;
	case OBJECT_PLAN:
	case OBJECT_SYSTEM:
	case OBJECT_TYPES:
		break;
	}
}

void world_take(struct world *w, struct world *from)
{
	for (int type = 0; type < OBJECT_TYPES; type++) {
		struct table *t =
			kinds[type].release ? table_of(from, (enum object_type)type) : NULL;

		for (size_t i = 0; t && i < t->n; i++)
			take_object(w, (enum object_type)type, t->items[i]);
		if (t) {
			t->n = 0;
			map_free(&t->by_id);
			t->by_id = (struct map){0};
		}
	}
	w->revision = from->revision;
}

struct tunnel *world_tunnel(const struct world *w, const char *id)
{
	return map_get(&w->tunnels.by_id, id);
}

struct route *world_route(const struct world *w, const char *id)
{
	return map_get(&w->routes.by_id, id);
}

struct record *world_record(const struct world *w, const char *id)
{
	return map_get(&w->records.by_id, id);
}

struct connector *world_connector(const struct world *w, const char *id)
{
	return map_get(&w->connectors.by_id, id);
}

struct zone *world_zone(const struct world *w, const char *id)
{
	return map_get(&w->zones.by_id, id);
}

const char *world_writes_off(const struct world *w)
{
	return w->system.writes_held ? w->system.writes_held : w->system.writes_off;
}

/* ---- drift policies and notices ---- */

static enum drift_policy first_said(const struct world *w, enum drift_policy own,
				    const char *tunnel_id)
{
	const struct tunnel *t = tunnel_id && *tunnel_id ? world_tunnel(w, tunnel_id) : NULL;

	if (own != DRIFT_BY_SETTING)
		return own;
	if (t && t->drift != DRIFT_BY_SETTING)
		return t->drift;
	return w->system.drift != DRIFT_BY_SETTING ? w->system.drift : DRIFT_REPORT;
}

enum drift_policy world_tunnel_policy(const struct world *w, const struct tunnel *t)
{
	return first_said(w, t->drift, NULL);
}

enum drift_policy world_route_policy(const struct world *w, const struct route *r)
{
	return first_said(w, r->drift, r->tunnel_id);
}

enum drift_policy world_record_policy(const struct world *w, const struct record *r)
{
	return first_said(w, r->drift, r->tunnel_id);
}

void world_notice(struct world *w, const char *key, const struct err *e, int64_t wall_ms)
{
	if (notices_put(&w->system.notices, key, e, wall_ms))
		world_changed(w, OBJECT_SYSTEM, "");
}
