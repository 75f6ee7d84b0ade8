/* What ops/manifest_plan.c, ops/manifest_records.c and ops/manifest_prune.c share: the world by
 * name, and what the plan does with it so far. */
#ifndef OPS_MANIFEST_PRIVATE_H
#define OPS_MANIFEST_PRIVATE_H

#include "base/map.h"
#include "ops/manifest_plan.h"

/* Where a tunnel of the document is to be had. */
struct manifest_goal {
	const struct tunnel *t; /* NULL: the plan makes it */
	char id[ID_SIZE];
	const char *name;
};

struct planning {
	const struct world *w;
	const struct manifest *m;
	const char *name;
	bool prune;
	const struct strlist *overwrite; /* NULL = none */
	struct plan *p;
	struct err *e;
	struct manifest_goal *goals; /* one for each tunnel of the document */
	/* The world by what the document says: route (host name, path), record (name, type). */
	struct map routes, records;
	struct map hosts;   /* host name: the first of its routes, as place in world->routes, + 1 */
	size_t *next;       /* the next route of the same host name, + 1; 0 = none */
	struct map bumped;  /* tunnels that get another configuration, by id */
	struct map dropped; /* routes and records that go with the plan, by id */
	struct map moved;   /* routes that the plan moves, by id: the tunnel's id after it */
};

bool planning_is_ours(const struct planning *x, const char *manifest);
/* As it will be: an import that has no name leaves the manifest of what is there alone. */
const char *planning_manifest(const struct planning *x, const char *now);
/* What another manifest made is refused, with the place in the document. */
MUST_USE int planning_check_owner(const struct planning *x, const char *what, const char *name,
				  const char *manifest, const char *place);
const struct record *planning_record(const struct planning *x, const char *name, const char *type);
void planning_differ_in_manifest(const struct planning *x, const char *manifest, struct buf *words);
void planning_differ_in_drift(const struct planning *x, enum drift_policy now, const char *wanted,
			      struct buf *words);
/* A tunnel's configuration changes with its routes. */
void planning_bump(struct planning *x, const char *tunnel_id);
/* The first of the world's routes of that host name, + 1; the others follow by next. */
size_t planning_host(const struct planning *x, const char *hostname);
/* ---- manifest_records.c ---- */
/* The record that a host name's routes bring along. */
MUST_USE int planning_host_record(struct planning *x, const struct manifest_host *h);
MUST_USE int planning_own_record(struct planning *x, const struct manifest_record *d);

/* The record of the manifest that has to go before one of this type may stand at the name, since
 * the document names it no more; NULL = none. It is counted among the dropped. -1: not unasked. */
MUST_USE int planning_instead(struct planning *x, const char *name, const char *type,
			      const char *place, const struct record **out);
/* What the manifest made and the document names no more: left alone, or dropped. Routes first. */
void planning_prune_routes(struct planning *x);
void planning_prune(struct planning *x);

#endif
