/*
 * Grants: what a program may see and do that speaks MCP. A grant is narrower than its role, ends by
 * itself, and is asked anew at each call: whoever holds it has no copy of its rights. Whatever
 * cannot be read of a grant narrows it to nothing, never widens it.
 */
#ifndef OPS_GRANT_H
#define OPS_GRANT_H

#include "base/list.h"
#include "base/secret.h"
#include "ops/decl/decl.h"
#include "ops/principal.h"

struct ops;
struct grants;

struct grant {
	int64_t id; /* never given twice */
	char *name;
	enum role role;
	unsigned methods;    /* GRANT_*, never 0 */
	struct strlist tags; /* of operations; each of these lists: empty = not narrowed by it */
	struct strlist zones, hosts, tunnels;
	struct strlist origins; /* services that its routes may lead to without approval */
	bool ask;               /* elicitation before each write */
	bool has_second;        /* X-Adit-Token must come too */
	int64_t budget_calls, budget_per_ms;
	int64_t created_ms, expires_at_ms, last_used_ms; /* wall; last used 0 = never */
	char *created_by;
	struct grants *home; /* the list that it stands in */

	/* private */
	struct grant_spec spec;
	char token_sha256[SHA256_HEX_SIZE], second_sha256[SHA256_HEX_SIZE];
	char *damage;     /* why it gives nothing; NULL = it is whole */
	int64_t spent_us; /* of the budget: when, by the monotonic clock, all of it is there again
			   */
	bool used;        /* last_used_ms is not in the store yet */
	bool second_unsaved; /* its second token is void, and the store does not say so yet */
};

/* Name of a grant: a-z, 0-9, "-", "_" and ".", 64 at the most, a letter or digit first. */
MUST_USE int grant_name_check(const char *name, struct err *e);

/* ---- the living ones: not revoked, not expired, whole ---- */

size_t grants_count(const struct grants *gs);
const struct grant *grants_find(const struct grants *gs, int64_t id);
const struct grant *grants_by_name(const struct grants *gs, const char *name);
/* Bearer and second token (NULL = none came) against all grants, in constant time. NULL for
 * unknown, expired, damaged and wrong second alike: the caller cannot tell which. */
const struct grant *grants_by_token(const struct grants *gs, const char *bearer, const char *second,
				    int64_t wall_ms);

/* One call of its budget. ERR_RATE_LIMITED; ERR_DENIED when it has ended. */
MUST_USE int grants_spend(struct grants *gs, int64_t id, struct err *e);
/* Calls that are left of it now; -1 = there is no budget. */
int64_t grant_budget_left(const struct grant *g);

/* ---- read-only for all ---- */

bool grants_frozen(const struct grants *gs);
struct freeze {
	bool on;
	int64_t at_ms;
	char *by, *why; /* why may be NULL */
};
const struct freeze *grants_freeze(const struct grants *gs);

/* ---- being told; a watch is zeroed and filled in by its owner ---- */

struct grant_watch {
	struct list node;
	/* It was revoked or has expired: what is open in its name is to be closed. It is found no
	 * more. Its plans that waited are rejected and its calls are over by then. */
	void (*ended)(int64_t id, void *owner);
	/* Frozen, or thawed: what grants may do is another. NULL = does not matter. */
	void (*froze)(void *owner);
	void *owner;
};
void grants_watch(struct grants *gs, struct grant_watch *w);
void grants_unwatch(struct grant_watch *w); /* fine on a zeroed one */

/* ---- what lies inside; an empty list narrows nothing ---- */

bool grant_covers_zone(const struct grant *g, const char *zone_name);
/* A pattern is a name or "*." and a domain. NULL (a rule for whatever host) lies inside only where
 * hosts are not narrowed. */
bool grant_covers_host(const struct grant *g, const char *hostname);
/* By name or id, as the grant has it: ask for each that the tunnel goes by. */
bool grant_covers_tunnel(const struct grant *g, const char *name_or_id);
/* Is the service one of its origins? An empty list holds none. */
bool grant_covers_origin(const struct grant *g, const char *service);
/* Are zones, hosts or tunnels narrowed at all? */
bool grant_is_scoped(const struct grant *g);

#endif
