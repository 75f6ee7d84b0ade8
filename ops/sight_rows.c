/* Rows of the store, which tell of objects by name and id: of such as are gone by now too. */
#include <string.h>

#include "ops/inside.h"
#include "ops/screen.h"
#include "ops/sight.h"

static const void *find_in(const struct world *w, enum object_type type, const char *id)
{
	switch (type) {
	case OBJECT_TUNNEL:
		return world_tunnel(w, id);
	case OBJECT_ROUTE:
		return world_route(w, id);
	case OBJECT_RECORD:
		return world_record(w, id);
	case OBJECT_CONNECTOR:
		return world_connector(w, id);
	case OBJECT_ZONE:
		return world_zone(w, id);
	case OBJECT_PLAN:
	case OBJECT_SYSTEM:
	case OBJECT_TYPES:
		break;
	}
	return NULL;
}

static bool sees_plan_id(struct ops *o, const struct principal *p, const char *id)
{
	AUTO(plan_t) plan = NULL;
	int64_t number;
	struct err e;
	return o->store && plan_number(id, &number, &e) == 0 &&
	       store_load_plan(o->store, number, &plan, &e) == 0 && sight_plan(o, p, plan);
}

bool sight_object(struct ops *o, const struct principal *p, enum object_type type, const char *id)
{
	if (!sight_is_limited(p))
		return true;
	if (type == OBJECT_PLAN)
		return sees_plan_id(o, p, id);
	return type == OBJECT_SYSTEM || find_in(sight_world(o, p), type, id);
}

/* ---- by name ---- */

struct asking {
	struct inside in;
	const struct world *view;
	bool own; /* he made the row: what it tells of was inside then */
};

static struct asking asking_of(struct ops *o, const struct principal *p)
{
	return (struct asking){inside_of(o->world, p), sight_world(o, p), false};
}

/* He proposed it, and not another grant of that name before him. */
static void note_own(struct asking *x, const struct principal *p, const char *principal,
		     int64_t at_ms)
{
	x->own = x->in.grant && str_equal(p->name, principal) && at_ms >= x->in.grant->created_ms;
}

/* A route's name may go on with a path. */
static char *first_word(const char *name)
{
	return str_ndup(name, strcspn(name, " "));
}

static bool name_in(const struct world *w, const char *hostname)
{
	TABLE_EACH (i, struct route, r, &w->routes)
		if (str_equal(r->hostname, hostname))
			return true;
	TABLE_EACH (j, struct record, r, &w->records)
		if (str_equal(r->name, hostname))
			return true;
	return false;
}

/* in: its tunnel, where that is said. */
static bool sees_host(const struct asking *x, const char *name, const char *in)
{
	AUTO(str_t) hostname = first_word(name);
	if (!inside_host(&x->in, hostname))
		return false;
	if (!x->in.grant->tunnels.n || x->own || name_in(x->view, hostname))
		return true;
	return in && inside_tunnel_name(&x->in, in);
}

static bool sees_tunnel(const struct asking *x, const char *name)
{
	const struct tunnel *t = world_find_tunnel(x->in.world, name);
	if (t)
		return world_tunnel(x->view, t->id) != NULL || (x->own && inside_tunnel(&x->in, t));
	if (!x->in.grant)
		return false;
	return x->own || (x->in.grant->tunnels.n && inside_tunnel_name(&x->in, name));
}

static bool sees_named(const struct asking *x, const char *object, const char *name, const char *in)
{
	if (!x->in.grant)
		return false;
	if (str_equal(object, "tunnel"))
		return sees_tunnel(x, name);
	if (str_equal(object, "connector")) {
		AUTO(str_t) tunnel = str_ndup(name, strcspn(name, "/"));
		return sees_tunnel(x, tunnel);
	}
	if (str_equal(object, "setting")) /* of a file that the caller sent */
		return true;
	if (str_equal(object, "zone"))
		return world_find_zone(x->view, name) != NULL;
	return sees_host(x, name, str_equal(object, "route") ? in : NULL);
}

bool sight_foreign(struct ops *o, const struct principal *p, const char *hostname)
{
	if (!sight_is_limited(p))
		return true;
	struct inside in = inside_of(o->world, p);
	return in.grant && !in.grant->tunnels.n && inside_host(&in, hostname);
}

bool sight_change(struct ops *o, const struct principal *p, const struct change *x)
{
	if (!sight_is_limited(p))
		return true;
	struct asking a = asking_of(o, p);
	return sees_named(&a, x->object, x->name, x->in);
}

/* ---- plans ---- */

/* Every object that the edit is about, as it is and as it would be. */
static bool sees_edit(const struct asking *x, const struct edit *d)
{
	const struct tunnel *t = d->tunnel_id[0] ? world_tunnel(x->in.world, d->tunnel_id) : NULL;
	char letter = edit_letter(d->kind);
	enum object_type type = letter == 't'   ? OBJECT_TUNNEL
				: letter == 'r' ? OBJECT_ROUTE
				: letter == 'd' ? OBJECT_RECORD
						: OBJECT_CONNECTOR;
	if (!x->own && find_in(x->in.world, type, d->id) && !find_in(x->view, type, d->id))
		return false;
	if (t && !inside_tunnel(&x->in, t))
		return false;
	if (!d->name || letter == 'c')
		return true;
	return letter == 't' ? sees_tunnel(x, d->name) : inside_host(&x->in, d->name);
}

bool sight_plan(struct ops *o, const struct principal *p, const struct plan *plan)
{
	if (!sight_is_limited(p))
		return true;
	struct asking x = asking_of(o, p);
	note_own(&x, p, plan->principal, plan->made_ms);
	if (!x.in.grant || (!plan->n_edits && !x.own))
		return false;
	for (size_t i = 0; i < plan->n_edits; i++)
		if (!sees_edit(&x, &plan->edits[i]))
			return false;
	for (size_t i = 0; i < plan->n_changes; i++) {
		const struct change *c = &plan->changes[i];
		if (c->sign != '=' && !sees_named(&x, c->object, c->name, c->in))
			return false;
	}
	return true;
}

/* ---- events and revisions ---- */

bool sight_event(struct ops *o, const struct principal *p, const struct event *ev)
{
	if (!sight_is_limited(p))
		return true;
	struct asking x = asking_of(o, p);
	const char *type = object_type_name(ev->object_type);
	bool seen = false;
	if (!x.in.grant)
		return false;
	if (ev->object_type == OBJECT_SYSTEM)
		seen = true;
	else if (ev->object_type == OBJECT_PLAN)
		seen = sees_plan_id(o, p, ev->object_id);
	else if (find_in(x.in.world, ev->object_type, ev->object_id))
		seen = find_in(x.view, ev->object_type, ev->object_id);
	else
		seen = ev->object_name && sees_named(&x, type, ev->object_name, NULL);
	return seen && screen_allows(o, p, ev->message) &&
	       screen_allows(o, p, ev->untrusted_detail);
}

/* It says names alone, of whatever type. */
static bool sees_anything_named(const struct asking *x, const char *name)
{
	AUTO(str_t) before = str_ndup(name, strcspn(name, "/"));
	if (world_find_tunnel(x->in.world, before))
		return sees_tunnel(x, before);
	return sees_host(x, name, NULL) || sees_tunnel(x, before);
}

bool sight_revision(struct ops *o, const struct principal *p, const struct revision *r)
{
	if (!sight_is_limited(p))
		return true;
	struct asking x = asking_of(o, p);
	note_own(&x, p, r->principal, r->at_ms);
	if (!x.in.grant)
		return false;
	for (size_t i = 0; i < r->objects.n; i++)
		if (!sees_anything_named(&x, r->objects.items[i]))
			return false;
	return r->objects.n > 0 || x.own;
}

const struct tunnel *sight_own_tunnel(const struct call *c, const char *owner)
{
	struct inside in = inside_of(c->ops->world, &c->who);
	const struct tunnel *t = world_find_tunnel(c->ops->world, owner);
	return t && inside_tunnel(&in, t) ? t : NULL;
}
