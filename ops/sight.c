/*
 * Views are kept for a grant until the world changes: many calls of one grant make one. Whoever
 * sees all never comes here but for the first line of each function.
 */
#include "ops/sight.h"

#include <stdlib.h>
#include <string.h>

#include "model/view.h"
#include "ops/inside.h"
#include "ops/screen.h"

#define VIEWS_KEPT 16

/* Who may call the list may see the objects. */
static const char *list_of(enum object_type type)
{
	switch (type) {
	case OBJECT_TUNNEL:
		return "tunnel_list";
	case OBJECT_ROUTE:
		return "route_list";
	case OBJECT_RECORD:
		return "dns_list";
	case OBJECT_CONNECTOR:
		return "connector_list";
	case OBJECT_ZONE:
		return "zone_list";
	case OBJECT_PLAN:
		return "plan_list";
	case OBJECT_SYSTEM:
		return "status_get";
	case OBJECT_TYPES:
		break;
	}
	return NULL;
}

bool principal_sees(const struct principal *p, enum object_type type)
{
	const char *name = list_of(type);
	struct err ignored;

	return name && principal_may(p, op_find(name), &ignored) == 0;
}

bool sight_is_limited(const struct principal *p)
{
	const struct grant *g = p->grant ? principal_grant(p) : NULL;
	return p->grant && (!g || grant_is_scoped(g));
}

/* ---- views ---- */

struct view {
	int64_t grant;
	bool alive; /* there was such a grant when it was made */
	int64_t sequence, used;
	struct world world;
};

struct sights {
	struct view *views[VIEWS_KEPT];
	int64_t clock;
};

struct building {
	struct inside in;
	struct map shown;  /* tunnels by id: a route that is inside leads through it */
	struct map serves; /* tunnels by id: any route does */
	struct map kept;   /* tunnels by id: in the view */
	struct map zones;  /* by id: a name that is inside is in it */
	struct revision *revisions;
	size_t n_revisions;
	bool read;
	struct ops *ops;
	const char *name; /* of the principal */
};

static void building_free(struct building *b)
{
	map_free(&b->shown);
	map_free(&b->serves);
	map_free(&b->kept);
	map_free(&b->zones);
	for (size_t i = 0; i < b->n_revisions; i++)
		revision_free(&b->revisions[i]);
	free(b->revisions);
}

static void note(struct map *m, const char *key)
{
	(void)map_set(m, key, m);
}

static void note_zone(struct building *b, const char *hostname)
{
	const struct zone *z = world_zone_of(b->in.world, hostname);
	if (z)
		note(&b->zones, z->id);
}

static bool is_narrow(const struct strlist *l)
{
	return l->n > 0;
}

/* A name of his that was made since he is there: another grant had it before, perhaps. */
static bool is_own(const struct grant *g, const char *name, const char *principal, int64_t at_ms)
{
	return g && str_equal(principal, name) && at_ms >= g->created_ms;
}

static bool makes_tunnels(const char *operation)
{
	return str_equal(operation, "tunnel_create") || str_equal(operation, "route_set") ||
	       str_equal(operation, "manifest_apply") || str_equal(operation, "manifest_import");
}

/* Whose revision was the last that could have made a tunnel of that name? */
static bool made_by_him(struct building *b, const struct tunnel *t)
{
	struct err e;
	if (!b->read && b->ops->store &&
	    store_list_revisions(b->ops->store, 0, 2 * REVISIONS_KEPT, &b->revisions,
				 &b->n_revisions, &e) < 0)
		b->n_revisions = 0;
	b->read = true;
	for (size_t i = 0; i < b->n_revisions; i++) {
		const struct revision *r = &b->revisions[i];
		if (makes_tunnels(r->operation) && strlist_has(&r->objects, t->name))
			return is_own(b->in.grant, b->name, r->principal, r->at_ms);
	}
	return false;
}

static bool keeps_tunnel(struct building *b, const struct tunnel *t)
{
	const struct grant *g = b->in.grant;
	bool kept = g && (is_narrow(&g->tunnels) ? inside_tunnel(&b->in, t)
			  : map_get(&b->shown, t->id)
				  ? true
				  : !map_get(&b->serves, t->id) && made_by_him(b, t));
	if (kept)
		note(&b->kept, t->id);
	return kept;
}

static bool keeps_route(struct building *b, const struct route *r)
{
	note(&b->serves, r->tunnel_id);
	if (!inside_route(&b->in, r))
		return false;
	note(&b->shown, r->tunnel_id);
	note_zone(b, r->hostname);
	return true;
}

static bool keeps_record(struct building *b, const struct record *r)
{
	if (!inside_record(&b->in, r))
		return false;
	note_zone(b, r->name);
	return true;
}

static bool keeps_zone(const struct building *b, const struct zone *z)
{
	const struct grant *g = b->in.grant;
	if (!g || !inside_part_of_zone(&b->in, z))
		return false;
	return is_narrow(&g->zones) || is_narrow(&g->hosts) || map_get(&b->zones, z->id);
}

static bool keeps(enum object_type type, const void *object, void *owner)
{
	struct building *b = owner;
	switch (type) {
	case OBJECT_TUNNEL:
		return keeps_tunnel(b, object);
	case OBJECT_ROUTE:
		return keeps_route(b, object);
	case OBJECT_RECORD:
		return keeps_record(b, object);
	case OBJECT_CONNECTOR:
		return map_get(&b->kept, ((const struct connector *)object)->tunnel_id) != NULL;
	case OBJECT_ZONE:
		return keeps_zone(b, object);
	case OBJECT_PLAN:
	case OBJECT_SYSTEM:
	case OBJECT_TYPES:
		break;
	}
	return false;
}

static struct view *view_slot(struct sights *s, int64_t grant)
{
	size_t oldest = 0;
	for (size_t i = 0; i < VIEWS_KEPT; i++) {
		if (!s->views[i]) {
			s->views[i] = mem_alloc(sizeof(struct view));
			return s->views[i];
		}
		if (s->views[i]->grant == grant)
			return s->views[i];
		if (s->views[i]->used < s->views[oldest]->used)
			oldest = i;
	}
	return s->views[oldest];
}

const struct world *sight_world(struct ops *o, const struct principal *p)
{
	struct building b = {.ops = o, .name = p->name};
	if (!sight_is_limited(p))
		return o->world;
	b.in = inside_of(o->world, p);
	if (!o->sights)
		o->sights = mem_alloc(sizeof(*o->sights));
	struct view *v = view_slot(o->sights, p->grant);
	v->used = ++o->sights->clock;
	if (v->grant != p->grant || v->alive != (b.in.grant != NULL) ||
	    v->sequence != o->world->sequence) {
		view_fill(&v->world, o->world, keeps, &b);
		v->grant = p->grant;
		v->alive = b.in.grant != NULL;
		v->sequence = o->world->sequence;
		building_free(&b);
	}
	view_facts(&v->world, o->world);
	return &v->world;
}

const struct world *call_world(const struct call *c)
{
	return sight_world(c->ops, &c->who);
}

void sights_free(struct ops *o)
{
	for (size_t i = 0; o->sights && i < VIEWS_KEPT; i++)
		if (o->sights->views[i]) {
			view_free(&o->sights->views[i]->world);
			free(o->sights->views[i]);
		}
	free(o->sights);
	o->sights = NULL;
}
