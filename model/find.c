/*
 * Look-ups by what people write: names, ids of either side, host names. Linear on purpose: names
 * change in place, and an index that could lag behind them would lie.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "model/world.h"

/* How well a tunnel answers to a name: an id beats a name, one that stays beats one that goes. */
static int tunnel_fit(const struct tunnel *t, const char *name_or_id)
{
	int fit = 0;

	if (strcmp(t->id, name_or_id) == 0)
		return 8;
	if (*t->remote_id && strcasecmp(t->remote_id, name_or_id) == 0)
		return 7;
	if (strcmp(t->name, name_or_id) == 0)
		fit = 3;
	else if (strcasecmp(t->name, name_or_id) == 0)
		fit = 2;
	return fit && t->want == WANT_PRESENT ? fit + 2 : fit;
}

struct tunnel *world_find_tunnel(const struct world *w, const char *name_or_id)
{
	struct tunnel *best = NULL;
	int best_fit = 0;

	TABLE_EACH (i, struct tunnel, t, &w->tunnels) {
		int fit = tunnel_fit(t, name_or_id);

		if (fit > best_fit) {
			best = t;
			best_fit = fit;
		}
	}
	return best;
}

struct zone *world_find_zone(const struct world *w, const char *name_or_id)
{
	struct zone *z = world_zone(w, name_or_id);

	if (z)
		return z;
	TABLE_EACH (i, struct zone, it, &w->zones)
		if (strcasecmp(it->name, name_or_id) == 0)
			return it;
	return NULL;
}

struct route *world_find_route(const struct world *w, const char *hostname, const char *path)
{
	TABLE_EACH (i, struct route, r, &w->routes)
		if (route_same_key(r, hostname, path))
			return r;
	return NULL;
}

struct record *world_find_record(const struct world *w, const char *name, const char *type)
{
	TABLE_EACH (i, struct record, r, &w->records)
		if (strcasecmp(r->name, name) == 0 && strcasecmp(r->type, type) == 0)
			return r;
	return NULL;
}

struct record *world_find_clash(const struct world *w, const char *name, const char *type,
				const char *id)
{
	TABLE_EACH (i, struct record, r, &w->records)
		if (!str_equal(r->id, id) && strcasecmp(r->name, name) == 0 &&
		    record_types_clash(r->type, type))
			return r;
	return NULL;
}

/* "web/1": the slot stands behind the last slash. */
static struct connector *connector_by_name(const struct world *w, const char *name)
{
	const char *slash = strrchr(name, '/');
	AUTO(str_t) tunnel_name = slash ? str_ndup(name, (size_t)(slash - name)) : NULL;
	struct tunnel *t = slash ? world_find_tunnel(w, tunnel_name) : NULL;
	char id[ID_SIZE + 4];
	size_t digits = slash ? strspn(slash + 1, "0123456789") : 0;

	if (!t || digits == 0 || digits > 2 || slash[1] == '0' || slash[1 + digits])
		return NULL;
	snprintf(id, sizeof(id), "%s-%.2s", t->id, slash + 1);
	return world_connector(w, id);
}

struct connector *world_find_connector(const struct world *w, const char *name_or_id)
{
	struct connector *c = world_connector(w, name_or_id);

	return c ? c : connector_by_name(w, name_or_id);
}

bool world_runs_client(const struct world *w, const char *tunnel_id, const char *client_id)
{
	TABLE_EACH (i, struct connector, c, &w->connectors)
		if (str_equal(c->tunnel_id, tunnel_id) && connector_is_client(c, client_id))
			return true;
	return false;
}

struct zone *world_zone_of(const struct world *w, const char *hostname)
{
	struct zone *best = NULL;

	TABLE_EACH (i, struct zone, z, &w->zones)
		if (hostname_within(hostname, z->name) &&
		    (!best || strlen(z->name) > strlen(best->name)))
			best = z;
	return best;
}

void connector_name(const struct world *w, const struct connector *c, char *out, size_t size)
{
	const struct tunnel *t = world_tunnel(w, c->tunnel_id);

	snprintf(out, size, "%s/%d", t ? t->name : c->tunnel_id, c->slot);
}
