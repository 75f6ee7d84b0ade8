/*
 * Is an object as wanted? Every check is a fact of the world, in the order in which they come
 * true; the first that fails becomes the sentence. A problem's own sentence says more than any
 * other, so it is looked at first.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "model/groups.h"

static bool missing(char **why, const char *fmt, ...) PRINTF(2, 3);

static bool missing(char **why, const char *fmt, ...)
{
	va_list ap;

	if (!why)
		return false;
	va_start(ap, fmt);
	*why = str_vformat(fmt, ap);
	va_end(ap);
	return false;
}

/* ---- records ---- */

char *record_content(const struct world *w, const struct record *r)
{
	const struct tunnel *t = *r->tunnel_id ? world_tunnel(w, r->tunnel_id) : NULL;

	if (!*r->tunnel_id)
		return str_dup(r->content);
	return t && *t->remote_id ? str_format("%s" TUNNEL_DOMAIN, t->remote_id) : NULL;
}

bool content_leads_to(const char *content, const char *remote_id)
{
	size_t n = strlen(remote_id);
	if (!content || !n)
		return false;
	if (strncmp(content, remote_id, n) == 0 && strcmp(content + n, TUNNEL_DOMAIN) == 0)
		return true; /* as nearly all of them are, letter by letter */
	return strncasecmp(content, remote_id, n) == 0 &&
	       strcasecmp(content + n, TUNNEL_DOMAIN) == 0;
}

static const struct tunnel *tunnel_of(const struct world *w, const struct record *r,
				      const struct tunnel *near)
{
	if (near && strcmp(near->id, r->tunnel_id) == 0)
		return near;
	return *r->tunnel_id ? world_tunnel(w, r->tunnel_id) : NULL;
}

/* Asked of all records with each answer: the content of a tunnel's record is not written out. */
static bool leads_as_wanted(const struct record *r, const struct tunnel *t, char **why)
{
	if (!*r->tunnel_id)
		return record_content_same(r->type, r->observed.content, r->content) ||
		       missing(why, "record %s: it does not lead to %s yet", r->name, r->content);
	if (!t || !*t->remote_id)
		return missing(why, "record %s: its tunnel does not exist at Cloudflare yet",
			       r->name);
	return content_leads_to(r->observed.content, t->remote_id) ||
	       missing(why, "record %s: it does not lead to %s" TUNNEL_DOMAIN " yet", r->name,
		       t->remote_id);
}

static bool stands_as_wanted(const struct record *r, const struct tunnel *t, char **why)
{
	if (!leads_as_wanted(r, t, why))
		return false;
	if (r->observed.type && !str_equal(r->observed.type, r->type) &&
	    strcasecmp(r->observed.type, r->type) != 0)
		return missing(why, "record %s: it is not a %s record yet", r->name, r->type);
	if (r->observed.proxied != r->proxied)
		return missing(why, "record %s: it is %s proxied", r->name,
			       r->proxied ? "not yet" : "still");
	if (r->applied_generation != r->generation || (!*r->tunnel_id && !record_own_as_seen(r)))
		return missing(why, "record %s: its last change is not made yet", r->name);
	return true;
}

/* What its policy says of a difference is looked up when there is one. */
static bool record_as_wanted(const struct world *w, const struct record *r, const struct tunnel *t,
			     char **why)
{
	return stands_as_wanted(r, t, NULL) ||
	       (r->applied_generation == r->generation &&
		world_record_policy(w, r) == DRIFT_IGNORE) ||
	       stands_as_wanted(r, t, why);
}

bool record_converged(const struct world *w, const struct record *r, char **why)
{
	return record_converged_near(w, r, NULL, why);
}

bool record_converged_near(const struct world *w, const struct record *r, const struct tunnel *near,
			   char **why)
{
	if (r->problem)
		return missing(why, "record %s: %s", r->name, r->problem->err.message);
	if (r->want != WANT_PRESENT)
		return missing(why, "record %s: it is not %s yet", r->name,
			       r->want == WANT_ABSENT ? "deleted" : "given back");
	if (!*r->remote_id)
		return missing(why, "record %s: it is not created at Cloudflare yet", r->name);
	if (r->observed.gone)
		return missing(why, "record %s: it is gone from Cloudflare", r->name);
	if (!r->observed.found)
		return missing(why, "record %s: it was not seen at Cloudflare yet", r->name);
	if (!r->observed.marked)
		return missing(why, "record %s: it does not bear our mark", r->name);
	return record_as_wanted(w, r, tunnel_of(w, r, near), why);
}

bool world_record_converged(const struct world *w, const char *id, char **why)
{
	const struct record *r = world_record(w, id);

	return !r || record_converged(w, r, why);
}

/* ---- tunnels ---- */

static bool tunnel_exists(const struct tunnel *t, char **why)
{
	if (t->problem)
		return missing(why, "tunnel %s: %s", t->name, t->problem->err.message);
	if (t->want != WANT_PRESENT)
		return missing(why, "tunnel %s: it is not %s yet", t->name,
			       t->want == WANT_ABSENT ? "deleted" : "given back");
	if (!*t->remote_id)
		return missing(why, "tunnel %s: it is not created at Cloudflare yet", t->name);
	if (t->observed.gone)
		return missing(why, "tunnel %s: it is gone from Cloudflare", t->name);
	if (t->renames)
		return missing(why, "tunnel %s: it does not have that name at Cloudflare yet",
			       t->name);
	return true;
}

/* Of another host's tunnel nothing is put. */
bool tunnel_configured(const struct tunnel *t, bool has_routes)
{
	bool needed = has_routes || t->config_version > 0;

	return !t->observed.put_unknown_ms &&
	       (t->joined || !needed || t->applied_generation == t->generation);
}

static bool configuration_put(const struct tunnel *t, bool has_routes, char **why)
{
	if (t->observed.put_unknown_ms)
		return missing(
			why,
			"tunnel %s: a write of its configuration had no answer and may still "
			"take effect",
			t->name);
	if (!tunnel_configured(t, has_routes))
		return missing(why, "tunnel %s: its configuration is not put to Cloudflare yet",
			       t->name);
	return true;
}

static bool connector_converged(const struct tunnel *t, const struct connector *c, int slot,
				char **why)
{
	if (!c)
		return missing(why, "connector %s/%d: it does not exist yet", t->name, slot);
	if (c->problem)
		return missing(why, "connector %s/%d: %s", t->name, slot, c->problem->err.message);
	if (!connector_serving(c))
		return missing(why, "connector %s/%d: it is %s%s%s", t->name, slot,
			       connector_state_name(c->state), c->reason ? ": " : "",
			       c->reason ? c->reason : "");
	if (t->config_version > 0 && c->config_version < t->config_version)
		return missing(why,
			       "connector %s/%d: it does not run configuration %lld of its tunnel "
			       "yet",
			       t->name, slot, (long long)t->config_version);
	return true;
}

static bool connectors_converged(const struct world *w, const struct group *g, char **why)
{
	const struct tunnel *t = g->tunnel;

	for (int slot = 1; slot <= t->replicas; slot++) {
		char id[CONNECTOR_ID_SIZE];

		connector_slot_id(t->id, slot, id);
		if (!connector_converged(t, world_connector(w, id), slot, why))
			return false;
	}
	TABLE_EACH (i, struct connector, c, &g->connectors)
		if (c->slot > t->replicas)
			return missing(why, "connector %s/%d: it is not stopped yet", t->name,
				       c->slot);
	return true;
}

/* A new secret counts when Cloudflare has it and our connectors have come up with it. */
static bool rotation_converged(const struct group *g, char **why)
{
	const struct tunnel *t = g->tunnel;

	if (t->rotating)
		return missing(why, "tunnel %s: its new secret is not confirmed by Cloudflare yet",
			       t->name);
	TABLE_EACH (i, struct connector, c, &g->connectors)
		if (!c->stopped_by_user && c->pid && c->token_generation < t->token_generation)
			return missing(why,
				       "connector %s/%d: it does not run with the new secret "
				       "yet",
				       t->name, c->slot);
	return true;
}

/* ---- routes ---- */

bool route_converged(const struct world *w, const struct route *r, char **why)
{
	const char *path = r->path ? r->path : "", *gap = r->path ? " " : "";
	bool differs = r->observed.seen == ROUTE_EDITED || r->observed.seen == ROUTE_REMOVED;
	bool told = differs && world_route_policy(w, r) != DRIFT_IGNORE;

	if (r->problem)
		return missing(why, "route %s%s%s: %s", r->hostname, gap, path,
			       r->problem->err.message);
	if (r->applied_generation != r->generation)
		return missing(why, "route %s%s%s: its rule is not put to Cloudflare yet",
			       r->hostname, gap, path);
	if (told && r->observed.seen == ROUTE_EDITED)
		return missing(why, "route %s%s%s: its rule was changed at Cloudflare", r->hostname,
			       gap, path);
	if (told && r->observed.seen == ROUTE_REMOVED)
		return missing(why, "route %s%s%s: its rule was removed at Cloudflare", r->hostname,
			       gap, path);
	return true;
}

bool world_route_converged(const struct world *w, const char *id, char **why)
{
	const struct route *r = world_route(w, id);
	const struct tunnel *t = r ? world_tunnel(w, r->tunnel_id) : NULL;

	return !r || (t && t->joined) || route_converged(w, r, why);
}

static bool routes_converged(const struct world *w, const struct group *g, char **why)
{
	TABLE_EACH (i, struct route, r, &g->routes)
		if (!g->tunnel->joined && !route_converged(w, r, why))
			return false;
	return true;
}

/* The records of its host names. */
static bool names_settled(struct groups *x, const struct group *g, char **why)
{
	TABLE_EACH (i, struct route, r, &g->routes) {
		const struct record *d = groups_unsettled(x, r->hostname);
		if (d)
			return record_converged_near(x->w, d, g->tunnel, why);
	}
	return true;
}

bool world_connector_converged(const struct world *w, const char *id, char **why)
{
	const struct connector *c = world_connector(w, id);
	char name[128];

	if (!c || (c->stopped_by_user ? c->state == CONNECTOR_STOPPED : connector_serving(c)))
		return true;
	connector_name(w, c, name, sizeof(name));
	return missing(why, "connector %s: it is %s%s%s", name, connector_state_name(c->state),
		       c->reason ? ": " : "", c->reason ? c->reason : "");
}

bool tunnel_runs(struct groups *x, const struct tunnel *t, char **why)
{
	const struct group *g = group_of(x, t->id);

	return tunnel_exists(t, why) && rotation_converged(g, why) &&
	       configuration_put(t, g->routes.n > 0, why) && connectors_converged(x->w, g, why);
}

bool tunnel_converged(struct groups *x, const struct tunnel *t, char **why)
{
	const struct group *g = group_of(x, t->id);

	return tunnel_exists(t, why) && rotation_converged(g, why) &&
	       configuration_put(t, g->routes.n > 0, why) && routes_converged(x->w, g, why) &&
	       connectors_converged(x->w, g, why) && names_settled(x, g, why);
}
