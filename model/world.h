/*
 * The world: every object with what is wanted and what was observed, in memory, for all rooms.
 * Plain data: no I/O, no clock of its own. Nobody keeps a pointer into it over a loop turn; ids are
 * kept and looked up. Who changes an object calls world_changed; watchers only set dirty flags.
 */
#ifndef MODEL_WORLD_H
#define MODEL_WORLD_H

#include "base/list.h"
#include "base/map.h"
#include "model/connector.h"
#include "model/notice.h"
#include "model/record.h"
#include "model/route.h"
#include "model/tunnel.h"
#include "model/zone.h"

enum object_type {
	OBJECT_TUNNEL,
	OBJECT_ROUTE,
	OBJECT_RECORD,
	OBJECT_CONNECTOR,
	OBJECT_ZONE,
	OBJECT_PLAN,
	OBJECT_SYSTEM, /* token, account, budget, writes */
	OBJECT_TYPES
};
const char *object_type_name(enum object_type t); /* "tunnel", ... */

/* The state of our access to Cloudflare. */
enum access_state {
	ACCESS_UNCHECKED, /* not asked yet */
	ACCESS_MISSING,   /* no token or no account id configured */
	ACCESS_OK,
	ACCESS_REFUSED, /* 401/403 for the token as such: no writes until it is replaced */
	ACCESS_UNREACHABLE
};
const char *access_state_name(enum access_state s);

/* May the token read the audit log, which is optional? */
enum audit_state {
	AUDIT_UNASKED,
	AUDIT_READ,
	AUDIT_DENIED,
	AUDIT_UNAVAILABLE, /* Cloudflare does not give it */
};
const char *audit_state_name(enum audit_state s);

struct system_facts {
	char *owner;                 /* "edge1" */
	char install[9];             /* 8 hex digits */
	char account_id[CF_ID_SIZE]; /* "" = not configured */
	enum access_state access;
	enum audit_state audit;
	struct problem *access_problem;
	char *writes_off;  /* why nothing is written to Cloudflare; NULL = writes are on */
	char *writes_held; /* why a person must let writes go on (writes_resume); NULL = not held */
	char *writes_held_hint; /* and what he is to do; NULL = writes_resume */
	int64_t budget_limit, budget_remaining, budget_reset_s; /* limit 0 = not known */
	int64_t paused_until_ms;     /* wall: Cloudflare takes no calls until then; 0 = it does */
	enum drift_policy drift;     /* where an object does not say */
	struct notices notices;      /* problems that no single object has */
	int64_t observed_ms;         /* wall: end of the last complete observation; 0 = none */
	int64_t observe_interval_ms; /* in force, which may be longer than the settings say */
	int64_t zones_listed_ms;     /* wall; 0 = never completely */
	int64_t tunnels_listed_ms;   /* wall; 0 = never completely */
	int64_t started_ms;          /* wall: of this daemon */
};

/* Objects of one type in order of creation, and by id. */
struct table {
	void **items;
	size_t n, cap;
	struct map by_id;
	int64_t moved; /* +1 when an object comes or goes: others may stand elsewhere by then */
};

struct world {
	struct table tunnels, routes, records, connectors, zones;
	struct system_facts system;
	int64_t revision; /* of desired state, +1 with each committed change */
	int64_t sequence; /* +1 with each change of anything */
	struct list watchers;
};

struct world *world_new(void);
void world_free(struct world *w);

/* The world takes the object. Ids are unique (assert). Watchers are told. */
void world_add_tunnel(struct world *w, struct tunnel *t);
void world_add_route(struct world *w, struct route *r);
void world_add_record(struct world *w, struct record *r);
void world_add_connector(struct world *w, struct connector *c);
void world_add_zone(struct world *w, struct zone *z);
/* Remove and free; false when there is none. Watchers are told. */
bool world_drop(struct world *w, enum object_type type, const char *id);
/* Drop all zones, each told to the watchers. */
void world_clear_zones(struct world *w);

/* Move all objects and the revision of another world into this one, which has none of them but
 * connectors: those stay as they run here. Watchers are told. */
void world_take(struct world *w, struct world *from);

struct tunnel *world_tunnel(const struct world *w, const char *id);
struct route *world_route(const struct world *w, const char *id);
struct record *world_record(const struct world *w, const char *id);
struct connector *world_connector(const struct world *w, const char *id);
struct zone *world_zone(const struct world *w, const char *id);

/* By name or id, local or remote; case-insensitive for names. NULL when there is none. */
struct tunnel *world_find_tunnel(const struct world *w, const char *name_or_id);
struct zone *world_find_zone(const struct world *w, const char *name_or_id);
struct route *world_find_route(const struct world *w, const char *hostname, const char *path);
struct record *world_find_record(const struct world *w, const char *name, const char *type);
/* One of our records, other than id, beside which a record of this name and type cannot be. */
struct record *world_find_clash(const struct world *w, const char *name, const char *type,
				const char *id);
/* "web/1" or the id. */
struct connector *world_find_connector(const struct world *w, const char *name_or_id);
/* Is it one of this host's processes that Cloudflare lists by this id? */
bool world_runs_client(const struct world *w, const char *tunnel_id, const char *client_id);
/* The zone that holds a host name: longest suffix. */
struct zone *world_zone_of(const struct world *w, const char *hostname);
/* "web/1"; out has room for a name and a slot. */
void connector_name(const struct world *w, const struct connector *c, char *out, size_t size);

/* What the record is to hold: "<remote id of its tunnel>.cfargotunnel.com" or its own content. The
 * caller frees it; NULL while its tunnel has no remote id. */
char *record_content(const struct world *w, const struct record *r);
/* Does what a record holds lead to the tunnel of that remote id? "" or NULL leads nowhere. */
#define TUNNEL_DOMAIN ".cfargotunnel.com"
bool content_leads_to(const char *content, const char *remote_id);

/* break and continue do what they say. The table must not change inside, but for a return or break
 * right after it. */
#define TABLE_EACH(i, T, var, table)                                                               \
	for (size_t i = 0, left_##var = 0; i < (table)->n && !left_##var; i++)                     \
		for (T *var = (left_##var = 1, (table)->items[i]); var; var = NULL, left_##var = 0)

/* ---- convergence ---- */

/* Is this object as wanted, at Cloudflare and in the connectors? When it is not, *why (may be NULL)
 * gets one sentence about the first thing missing, which the caller frees. An id that is gone is
 * converged; what is to be deleted converges by being gone. Of tunnels: model/groups.h. */
bool world_record_converged(const struct world *w, const char *id, char **why);
/* The route by itself: its rule, not its name. */
bool world_route_converged(const struct world *w, const char *id, char **why);
/* Of those that stand in the world; of the route, its rule is meant to be ours. */
bool record_converged(const struct world *w, const struct record *r, char **why);
/* The same where the record probably leads to that tunnel, which is then not looked up. */
bool record_converged_near(const struct world *w, const struct record *r, const struct tunnel *near,
			   char **why);
bool route_converged(const struct world *w, const struct route *r, char **why);
/* A connector is as a person wants it: it serves, or is stopped. */
bool world_connector_converged(const struct world *w, const char *id, char **why);
/* Does its configuration stand at Cloudflare as wanted, with nothing on its way there? */
bool tunnel_configured(const struct tunnel *t, bool has_routes);

/* The policy in force: the object's own, else its tunnel's, else the settings'. */
enum drift_policy world_tunnel_policy(const struct world *w, const struct tunnel *t);
enum drift_policy world_route_policy(const struct world *w, const struct route *r);
enum drift_policy world_record_policy(const struct world *w, const struct record *r);

/* Put or replace the notice of that key; e NULL takes it away. Watchers are told of a change. */
void world_notice(struct world *w, const char *key, const struct err *e, int64_t wall_ms);

/* Why nothing is written to Cloudflare now; NULL = writes are on. */
const char *world_writes_off(const struct world *w);

/* ---- watching ---- */
struct watcher;
typedef void watch_fn(struct watcher *x, enum object_type type, const char *id, void *owner);
struct watcher {
	struct list node;
	watch_fn *changed;
	void *owner;
};
void world_watch(struct world *w, struct watcher *x, watch_fn *changed, void *owner);
void world_unwatch(struct watcher *x); /* safe inside changed(); idempotent on a zeroed watcher */
/* Count the change and tell all who watched when it was made: not those that join inside changed(),
 * nor those that leave before their turn. The id may belong to an object that is gone. */
void world_changed(struct world *w, enum object_type type, const char *id);

#endif
