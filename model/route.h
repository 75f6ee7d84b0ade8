/* A route: host name and optional path to an origin service, through one tunnel. Deleting one
 * removes the object; what has to follow at Cloudflare is seen from the tunnel's applied rules. */
#ifndef MODEL_ROUTE_H
#define MODEL_ROUTE_H

#include "base/json.h"
#include "model/tunnel.h"

/* What the tunnel's configuration, when it was last read, held of the rule that was put. */
enum route_seen {
	ROUTE_UNSEEN,
	ROUTE_AS_PUT,
	ROUTE_EDITED,  /* the rule stands there with another service or other options */
	ROUTE_REMOVED, /* it stands there no more */
	ROUTE_BLOCKED, /* it cannot be put: something foreign is in the way (see problem) */
};

/* Does anything take connections where it leads? As seen from this host, by connecting. */
enum reach { REACH_UNKNOWN, REACH_UP, REACH_REFUSED, REACH_TIMEOUT };
const char *reach_name(enum reach r);

/* What the last request through the public edge showed; of a probe's route (model/edge_probe.h). */
enum edge_seen {
	EDGE_UNASKED,
	EDGE_PASSED,    /* it came through the edge to a connector of ours, and its answer back */
	EDGE_UNREACHED, /* no connection to the edge */
	EDGE_TIMEOUT,
	EDGE_NO_TUNNEL, /* the edge has no connection of the tunnel */
	EDGE_STOPPED,   /* something at the edge answered before the tunnel */
	EDGE_ELSEWHERE, /* it was answered, and not here */
	EDGE_HALF       /* it arrived, and its answer did not come back */
};

/* How that is found out: by a connection alone, by asking for the head of "/", or not at all. */
enum probing { PROBE_TCP, PROBE_HTTP, PROBE_NONE };
const char *probing_name(enum probing p);
enum probing probing_by_name(const char *name); /* NULL or unknown: PROBE_TCP */
/* NULL for PROBE_TCP, which nobody has to say: as edits and the store have it. */
const char *probing_said(enum probing p);
/* Can a service be asked so? The sentence says why not. */
MUST_USE int probing_check(enum probing p, const char *service, struct err *e);

struct route {
	char id[ID_SIZE]; /* "r0123456789" */
	char tunnel_id[ID_SIZE];
	char *hostname; /* normalised */
	char *path;     /* pattern as cloudflared takes it; NULL = all paths */
	char *service;
	char *origin; /* originRequest as JSON text, NULL = none */
	enum drift_policy drift;
	enum probing probing;
	int64_t until_ms; /* wall: it ends by itself then; 0 = it does not */
	char *manifest;   /* that made it; NULL = none */
	/* Rules that adit did not make and a person let it replace, or stand before: JSON array of
	 * {rule: SHA-256 of its text as it was shown, what: words}; NULL = none. */
	char *takes;
	int64_t generation;
	int64_t applied_generation; /* whose rule Cloudflare confirmed; 0 = none */
	struct {
		enum route_seen seen;
		int64_t seen_ms; /* wall: of the configuration that showed it; 0 = never */
		char *service;   /* ROUTE_EDITED: what stands there, from outside */
		struct drift_facts drift;
	} observed;
	struct {
		enum reach state;
		int64_t since_ms; /* wall: it is so since */
		int64_t asked_ms; /* wall: last asked; 0 = never */
		int status;       /* of the last HTTP answer; 0 = none was asked for, or came */
	} reach;                  /* written by supervise/ alone */
	struct {
		enum edge_seen seen;
		int64_t since_ms, asked_ms; /* wall, as of reach */
		int64_t took_ms;            /* the way there and back */
		int status;                 /* of an HTTP answer that was not ours; 0 = none */
		int missed;                 /* of its last EDGE_LAST requests */
		char *via;                  /* connector that the last one came by; NULL = none */
		char *words;                /* why it is not asked, or not reached; NULL = none */
	} edge;                             /* written by supervise/ alone */
	struct problem *problem;
};
#define EDGE_LAST 8

struct route *route_new(void);
void route_free(struct route *r);
/* One more entry of takes: the rule of that hash, in those words. */
void route_takes_add(char **takes, const char *rule, const char *what);
bool route_same_key(const struct route *r, const char *hostname, const char *path);
/* The order in which rules must stand: exact before wildcard, narrower wildcard before broader,
 * longer path before shorter, no path last; then by name, so that the order is total. */
int route_compare(const struct route *a, const struct route *b);

/* What is wrong with its origin: a sentence and what to do; false = nothing that is known. */
bool route_reach_problem(const struct route *r, struct problem *out);

#endif
