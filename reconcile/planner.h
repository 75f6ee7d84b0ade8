/*
 * Pure: the world to the actions that are due, each one request to Cloudflare (or one step without
 * any), each with the reason for it; and to refusals, which become problems on their objects. Asked
 * again after every change; nothing about "where we are" is kept anywhere.
 */
#ifndef RECONCILE_PLANNER_H
#define RECONCILE_PLANNER_H

#include "model/world.h"

enum action_kind {
	ACT_ZONES_LIST,
	ACT_TUNNEL_FIND,   /* by name, before a create and after a lost answer */
	ACT_TUNNEL_SEARCH, /* among all, after a lost answer: somebody may have renamed it */
	ACT_TUNNEL_CLAIM,  /* read its token: does it carry our secret? */
	ACT_TUNNEL_CREATE,
	ACT_TUNNEL_TOKEN,
	ACT_TUNNEL_LOOK,    /* by id: what is its name? */
	ACT_TUNNEL_RENAME,  /* no request when it has its name by now */
	ACT_TUNNEL_SECRET,  /* another secret is put */
	ACT_TUNNEL_CONFIRM, /* read its token: does it carry that one? */
	ACT_CONFIG_READ,
	ACT_CONFIG_MERGE, /* no request: merge, then PUT if it changed anything */
	ACT_RECORD_FIND,  /* by name */
	ACT_RECORD_READ,  /* by id, right before a change or delete */
	ACT_RECORD_CREATE,
	ACT_RECORD_PATCH,
	ACT_RECORD_REPLACE, /* foreign ones that may give way, or our own of another type */
	ACT_RECORD_DELETE,
	ACT_RECORD_RELEASE, /* our mark is taken off its comment if it is there; the row goes */
	ACT_RECORD_FORGET,  /* no request: the row goes, nothing is left at Cloudflare */
	ACT_CONNECTIONS_CLEAR,
	ACT_TUNNEL_DELETE,
	ACT_TUNNEL_FORGET, /* no request */
	ACTION_KINDS
};
const char *action_name(enum action_kind k);

struct action {
	enum action_kind kind;
	char object_id[ID_SIZE]; /* tunnel or record; with ACT_ZONES_LIST one that waits for it */
	const char *reason;      /* a literal */
};

/* What stands in the way of an object, when no action helps. */
struct refusal {
	enum object_type type;
	char object_id[ID_SIZE];
	struct err err;
};

struct work {
	struct action *actions;
	size_t n_actions;
	struct refusal *refusals;
	size_t n_refusals;
	int64_t wake_wall_ms; /* look again then (a create that may still land); 0 = no need */
};

/* How long after a POST whose answer was lost its effect may still appear. */
#define SETTLE_MS (35 * 1000)
/* A name that somebody else has is looked up again after this. */
#define TAKEN_MS (60 * 1000)
/* How old the look at a record may be right before it is changed or deleted. */
#define FRESH_MS (10 * 1000)
/* The same of a configuration, which is written as a whole: what somebody changes in that time is
 * written over, though it is kept and told. */
#define CONFIG_FRESH_MS (2 * 1000)

/* Which names have a rule that Cloudflare confirmed, and which tunnels a connector that runs it:
 * found when it is first asked, for as long as the world stands still. Zeroed = not asked yet. */
struct serving {
	struct map rules, connectors;
	bool found;
};
void serving_free(struct serving *s);
/* May its name be led where it is wanted? What serves it there has to run first. */
bool plan_may_lead(const struct world *w, struct serving *s, const struct record *r);
void plan_next(const struct world *w, int64_t wall_ms, struct work *out);
void work_free(struct work *k);

#endif
