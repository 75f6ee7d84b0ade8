/*
 * Pure: the truth ladder of a host name. Each rung stands on those before it: facts go in, what is
 * true, broken or not known comes out, with the first broken rung and the command that mends it.
 * What stands above a broken rung is not known, however well it looks; what is explained by a rung
 * further on is not called broken itself.
 */
#ifndef MODEL_LADDER_H
#define MODEL_LADDER_H

#include "model/route.h"

enum rung_name {
	RUNG_RECORD,    /* the DNS record is there, ours, and leads to the tunnel */
	RUNG_PROXIED,   /* Cloudflare's edge answers for it */
	RUNG_EDGE,      /* a request through the public edge arrives here */
	RUNG_TUNNEL,    /* Cloudflare sees connections of the tunnel */
	RUNG_CONNECTOR, /* our connector serves */
	RUNG_CONFIG,    /* it runs the configuration that stands at Cloudflare */
	RUNG_RULE,      /* the rule that takes the request is the wanted one */
	RUNG_ORIGIN,    /* something takes connections where it leads */
	RUNGS
};

enum rung_state { RUNG_OK, RUNG_BROKEN, RUNG_UNKNOWN, RUNG_NOT_CHECKED };

struct rung {
	enum rung_state state;
	bool weak;      /* it holds, but not as it should */
	char *evidence; /* one sentence */
	char *cure;     /* what to do, in words; NULL = nothing */
	char *command;  /* that does it; NULL = there is none that runs as it stands */
	char *detail;   /* text from outside; NULL = none */
};

enum ladder_state { LADDER_OK, LADDER_DEGRADED, LADDER_DOWN };

struct ladder {
	struct rung rungs[RUNGS];
	enum rung_name broken; /* the first one; RUNGS = none is */
	enum ladder_state state;
};

/* All strings borrowed. -1 = not known, of numbers. */
struct ladder_facts {
	const char *host;
	const char *name;    /* of its record and route, as a shell takes it: '*.example.com' */
	const char *unasked; /* why Cloudflare's word is not of now; NULL = it is */
	const char *tunnel;  /* NULL = no tunnel of ours is for it */
	const char *service; /* of the route; NULL = there is none */
	struct {
		bool zone;  /* the account has one for the name */
		bool known; /* a complete look was had */
		bool found, ours, leads, proxied;
		const char *id, *shown;     /* of the one that is in the way */
		const char *hides;          /* the wildcard of the route, which it stands before */
		const char *problem, *hint; /* of our row */
	} record;
	struct {
		enum edge_seen seen;
		const char *unasked; /* why nothing is known of it */
		bool waits;          /* an answer was waited for, and did not come yet */
		const char *via;     /* the connector that the request came by */
		int64_t took_ms;
		int missed; /* of the last EDGE_LAST */
		const char *problem, *hint;
	} edge;
	struct {
		bool made, gone;
		int64_t replicas;    /* wanted on this host */
		int64_t connections; /* by Cloudflare */
		bool lists_ours;     /* one that serves here is among them */
		const char *problem, *hint;
	} at_cloudflare;
	struct {
		int64_t total, serving;
		const char *name; /* the first that does not serve, else the first */
		const char *state, *reason, *hint;
		bool stopped; /* by a person */
	} connectors;
	struct {
		bool local;         /* a file configures it */
		bool pending;       /* what is wanted is not put yet */
		int64_t version;    /* at Cloudflare */
		int64_t running;    /* the oldest of the connectors that serve */
		bool one_runs;      /* one of them runs it */
		const char *behind; /* the connector of running */
	} config;
	struct {
		const char *refused; /* why the rules cannot be read; NULL = they can */
		size_t number;       /* 0 = there are no rules */
		bool last_resort, certain, as_wanted;
		const char *words, *differs;
		bool drifted; /* a plan from drift puts it back */
	} rule;
	struct {
		enum reach state;
		int status;          /* of its HTTP answer; 0 = none was asked for */
		const char *unasked; /* why it is not asked about */
		const char *problem, *hint;
	} origin;
};

void ladder_climb(const struct ladder_facts *f, struct ladder *out);
void ladder_free(struct ladder *l);

const char *rung_name(enum rung_name r);
const char *rung_state_name(enum rung_state s);
const char *ladder_state_name(enum ladder_state s);

#endif
