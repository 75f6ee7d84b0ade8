/*
 * Pure: a store that was lost or damaged, as a plan of what to take back. Ours is what bears
 * exactly our mark (records), what those lead to (tunnels), the rules for their names (routes), and
 * what the folders of connectors name. Applying the plan writes nothing to Cloudflare: everything
 * is wanted as it stands.
 */
#ifndef RECONCILE_REBUILD_H
#define RECONCILE_REBUILD_H

#include "base/map.h"
#include "cloudflare/records.h"
#include "cloudflare/tunnels.h"
#include "reconcile/guard.h"

#define REBUILD_OPERATION "store_rebuild"

/* A record that bears our mark. */
struct rebuild_record {
	char id[CF_ID_SIZE], zone_id[CF_ID_SIZE];
	char *name, *type, *content;
	char *text;             /* the user's, behind the mark; NULL = none */
	char tunnel[UUID_SIZE]; /* that it leads to; "" = to no tunnel */
	bool proxied;
	int64_t ttl, priority;
};

/* A live tunnel of the account. */
struct rebuild_tunnel {
	char remote_id[UUID_SIZE];
	char *name;
	char id[ID_SIZE]; /* local, of the folders of its connectors; "" = it has none here */
	int64_t replicas; /* highest slot of those folders */
	size_t records;   /* of ours that lead to it */
	bool others;      /* a record with another adit's mark leads to it */
	bool config_read; /* and is it local, or this text; NULL = none */
	bool config_local;
	char *config;
};

struct rebuild {
	struct rebuild_tunnel **tunnels;
	size_t n_tunnels;
	struct rebuild_record **records;
	size_t n_records;
	struct map by_id;       /* remote id -> tunnel */
	struct strlist orphans; /* connectors whose tunnel is not in the account */
};

void rebuild_free(struct rebuild *b);
/* In this order: all tunnels, then the folders, then the records. */
void rebuild_add_tunnel(struct rebuild *b, const struct cf_tunnel *t);
/* Connectors whose tunnel is in no store; the world knows them from their folders. */
void rebuild_add_folders(struct rebuild *b, const struct world *w);
void rebuild_add_record(struct rebuild *b, const struct world *w, const char *zone_id,
			const struct cf_record *r);
/* Its configuration is to be read. */
bool rebuild_is_ours(const struct rebuild_tunnel *t);
/* NULL when nothing is ours. old: what could be read of the damaged store; NULL = nothing. */
struct plan *rebuild_plan(const struct rebuild *b, const struct world *w, const struct world *old,
			  const struct guard_policy *g);

#endif
