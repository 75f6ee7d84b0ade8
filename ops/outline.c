#include "ops/outline.h"

#include <string.h>
#include <strings.h>

#include "base/map.h"
#include "reconcile/guard.h"

enum {
	MAKE_CALLS = 3,
	TAKE_CALLS = 2,
	DROP_CALLS = 2,
	CONFIG_CALLS = 2,
	ZONE_CALLS = 2,
	ROTATE_CALLS = 2
};

/* ---- where a change belongs ---- */

static bool is_route(enum edit_kind k)
{
	return edit_letter(k) == 'r';
}

static bool is_record(enum edit_kind k)
{
	return edit_letter(k) == 'd';
}

static const char *edit_hostname(const struct world *w, const struct edit *d)
{
	const struct route *r = world_route(w, d->id);
	return d->name ? d->name : r ? r->hostname : NULL;
}

static const char *name_of_tunnel(const struct world *w, const struct plan *p, const char *id)
{
	const struct tunnel *t = world_tunnel(w, id);
	if (t)
		return t->name;
	for (size_t i = 0; i < p->n_edits; i++)
		if (str_equal(p->edits[i].id, id))
			return p->edits[i].name;
	return NULL;
}

static const char *tunnel_of_edit(const struct world *w, const struct plan *p, const struct edit *d)
{
	const struct route *r = world_route(w, d->id);
	return name_of_tunnel(w, p, d->tunnel_id[0] ? d->tunnel_id : r ? r->tunnel_id : "");
}

static const char *tunnel_of_route(const struct world *w, const struct plan *p,
				   const char *hostname)
{
	for (size_t i = 0; i < p->n_edits; i++) {
		const char *name = edit_hostname(w, &p->edits[i]);
		if (is_route(p->edits[i].kind) && name && strcasecmp(name, hostname) == 0)
			return tunnel_of_edit(w, p, &p->edits[i]);
	}
	return NULL;
}

/* What is told of a configuration belongs to the one tunnel that the plan is about. */
static const char *only_tunnel(const struct world *w, const struct plan *p)
{
	const char *only = NULL;
	for (size_t i = 0; i < p->n_touches; i++) {
		const char *id = p->touches[i].id;
		const char *name = id[0] == 't' ? name_of_tunnel(w, p, id) : NULL;
		if (only && name && !str_equal(only, name))
			return NULL;
		only = name ? name : only;
	}
	return only;
}

static char *place_of(const struct world *w, const struct plan *p, const struct change *c)
{
	const struct zone *z = world_zone_of(w, c->name);
	if (str_equal(c->object, "tunnel") || str_equal(c->object, "zone"))
		return str_dup(c->name);
	if (str_equal(c->object, "connector"))
		return str_ndup(c->name, strcspn(c->name, "/"));
	if (str_equal(c->object, "record"))
		return str_dup(z ? z->name : NULL);
	const char *tunnel = tunnel_of_route(w, p, c->name);
	return str_dup(tunnel ? tunnel : only_tunnel(w, p));
}

void outline_plan(const struct world *w, struct plan *p)
{
	p->base = w->revision;
	for (size_t i = 0; i < p->n_changes; i++)
		if (!p->changes[i].in)
			p->changes[i].in = place_of(w, p, &p->changes[i]);
}

/* ---- what it costs ---- */

static int64_t tunnel_calls(const struct world *w, const struct edit *d)
{
	const struct tunnel *t = world_tunnel(w, d->id);
	if (d->kind == EDIT_TUNNEL_DROP)
		return t && t->remote_id[0] && !t->joined ? DROP_CALLS : 0;
	if (d->rotate)
		return ROTATE_CALLS;
	if (d->kind != EDIT_TUNNEL_PUT || (t && !d->anew && !d->remote_id))
		return 0;
	return d->remote_id ? TAKE_CALLS : MAKE_CALLS;
}

/* Each once, whatever the number of edits: configurations are put whole, records go in batches. */
static int64_t once(struct map *seen, const char *what, const char *name, int64_t calls)
{
	AUTO(str_t) key = str_format("%s %s", what, name);
	if (map_get(seen, key))
		return 0;
	(void)map_set(seen, key, seen);
	return calls;
}

static int64_t route_calls(const struct world *w, const struct edit *d, struct map *seen)
{
	const struct route *r = world_route(w, d->id);
	int64_t calls = d->tunnel_id[0] ? once(seen, "tunnel", d->tunnel_id, CONFIG_CALLS) : 0;
	if (r && d->kind != EDIT_ROUTE_RELEASE)
		calls += once(seen, "tunnel", r->tunnel_id, CONFIG_CALLS);
	return calls;
}

static int64_t record_calls(const struct world *w, const struct edit *d, struct map *seen)
{
	const struct record *r = world_record(w, d->id);
	const char *name = d->name ? d->name : r ? r->name : "";
	const struct zone *z = world_zone_of(w, name);
	return once(seen, "zone", z ? z->id : "", ZONE_CALLS);
}

int64_t outline_calls(const struct world *w, const struct plan *p)
{
	struct map seen = {0};
	int64_t calls = 0;
	for (size_t i = 0; i < p->n_edits; i++) {
		const struct edit *d = &p->edits[i];
		calls += is_route(d->kind)    ? route_calls(w, d, &seen)
			 : is_record(d->kind) ? record_calls(w, d, &seen)
					      : tunnel_calls(w, d);
	}
	map_free(&seen);
	return calls;
}

int64_t outline_deletes(const struct plan *p)
{
	return guard_drops(p);
}
