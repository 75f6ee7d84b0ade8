#include "ops/inside.h"

#include <string.h>

#include "reconcile/rules.h"

struct inside inside_of(const struct world *w, const struct principal *p)
{
	const struct grant *g = p->grant ? principal_grant(p) : NULL;
	return (struct inside){w, g, !p->grant || (g && !grant_is_scoped(g))};
}

/* The zone that holds the name is asked; where none is known, each that could. */
static bool in_zone(const struct inside *x, const char *hostname)
{
	const struct zone *z = world_zone_of(x->world, hostname);
	if (!x->grant->zones.n)
		return true;
	if (z)
		return grant_covers_zone(x->grant, z->name);
	for (const char *at = hostname; at; at = strchr(at, '.')) {
		at += *at == '.';
		if (grant_covers_zone(x->grant, at))
			return true;
	}
	return false;
}

bool inside_host(const struct inside *x, const char *hostname)
{
	if (x->all || !x->grant)
		return x->all;
	if (!hostname || !*hostname)
		return !x->grant->hosts.n && !x->grant->zones.n;
	return grant_covers_host(x->grant, hostname) && in_zone(x, hostname);
}

bool inside_tunnel_name(const struct inside *x, const char *name)
{
	if (x->all || !x->grant)
		return x->all;
	return !x->grant->tunnels.n || grant_covers_tunnel(x->grant, name);
}

bool inside_tunnel(const struct inside *x, const struct tunnel *t)
{
	return inside_tunnel_name(x, t->name) || inside_tunnel_name(x, t->id) ||
	       (t->remote_id[0] && inside_tunnel_name(x, t->remote_id));
}

static bool inside_tunnel_id(const struct inside *x, const char *id)
{
	const struct tunnel *t = world_tunnel(x->world, id);
	return t ? inside_tunnel(x, t) : inside_tunnel_name(x, id);
}

bool inside_route(const struct inside *x, const struct route *r)
{
	return inside_host(x, r->hostname) && inside_tunnel_id(x, r->tunnel_id);
}

bool inside_record(const struct inside *x, const struct record *r)
{
	return inside_host(x, r->name) && inside_tunnel_id(x, r->tunnel_id);
}

bool inside_rule(const struct inside *x, const struct rule *r)
{
	const char *service = json_get_string(r->value, "service");
	if (!r->hostname && rule_takes_all(r) && service && str_starts(service, "http_status:"))
		return true;
	return inside_host(x, r->hostname);
}

static bool rules_inside(const struct inside *x, const struct tunnel *t)
{
	struct rules rules = {0};
	struct err e;
	bool inside = true;
	if (!t->observed.config)
		return !t->adopted && !t->joined && !t->observed.config_local &&
		       (t->config_version == 0 || t->observed.config_seen_ms);
	if (rules_read_config(t->observed.config, &rules, &e) < 0)
		return false;
	for (size_t i = 0; i < rules.n && inside; i++)
		inside = inside_rule(x, &rules.items[i]);
	rules_free(&rules);
	return inside;
}

bool inside_whole_tunnel(const struct inside *x, const struct tunnel *t)
{
	if (x->all)
		return true;
	if (!inside_tunnel(x, t))
		return false;
	TABLE_EACH (i, struct route, r, &x->world->routes)
		if (str_equal(r->tunnel_id, t->id) && !inside_host(x, r->hostname))
			return false;
	TABLE_EACH (i, struct record, r, &x->world->records)
		if (str_equal(r->tunnel_id, t->id) && !inside_host(x, r->name))
			return false;
	return (x->grant && !x->grant->hosts.n && !x->grant->zones.n) || rules_inside(x, t);
}

/* A pattern may lie in a zone, or a zone in what the pattern names. */
static bool pattern_meets(const char *pattern, const char *zone)
{
	bool wild = str_starts(pattern, "*.");
	const char *domain = wild ? pattern + 2 : pattern;
	return hostname_within(domain, zone) || (wild && hostname_within(zone, domain));
}

bool inside_part_of_zone(const struct inside *x, const struct zone *z)
{
	if (x->all || !x->grant)
		return x->all;
	if (x->grant->zones.n && !grant_covers_zone(x->grant, z->name))
		return false;
	for (size_t i = 0; i < x->grant->hosts.n; i++)
		if (pattern_meets(x->grant->hosts.items[i], z->name))
			return true;
	return !x->grant->hosts.n;
}

bool inside_whole_zone(const struct inside *x, const struct zone *z)
{
	if (x->all)
		return true;
	return inside_part_of_zone(x, z) && !x->grant->hosts.n && !x->grant->tunnels.n;
}
