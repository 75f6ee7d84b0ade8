/* A tunnel: what we want of it, what Cloudflare last showed us, and why the two differ. */
#ifndef MODEL_TUNNEL_H
#define MODEL_TUNNEL_H

#include "base/map.h"
#include "base/text.h"
#include "model/drift.h"
#include "model/problem.h"
#include "model/tunnel_connections.h"

#define ID_SIZE          24 /* local ids: a letter and ID_DIGITS; connectors add -SLOT */
#define ID_DIGITS        10
#define CF_ID_SIZE       33
#define TUNNEL_SLOTS_MAX 25 /* replicas that Cloudflare allows a tunnel */

/* Released: given back as it stands. Our mark is taken off, nothing else is written, the row goes.
 */
enum want { WANT_PRESENT, WANT_ABSENT, WANT_RELEASED };

struct tunnel {
	char id[ID_SIZE]; /* local, never changes: "t0123456789" */
	char *name;
	/* While a new name is on its way: those that it may have at Cloudflare instead and that may
	 * be replaced, a line each; NULL = none is. */
	char *renames;
	enum want want;
	int64_t replicas; /* connectors on this host, 0..25 */
	bool adopted;     /* somebody else made it: there is no secret of ours */
	bool joined;      /* another host owns it: we run replicas, and write nothing of it */
	bool convert;     /* a person agreed to turn its local configuration into a remote one */
	enum drift_policy drift;
	char *manifest;             /* that made it; NULL = none */
	int64_t generation;         /* +1 with each change of what we want (its routes included) */
	int64_t applied_generation; /* of the configuration that Cloudflare confirmed */
	char remote_id[UUID_SIZE];  /* "" until created; an attribute, not the identity */
	int64_t create_sent_ms;     /* wall: a POST may have taken effect since; 0 = none */
	int64_t token_generation; /* +1 with each new connector token in the store; 0 = none yet */
	bool token_stale;         /* that token is of no use any more: another one is to be read */
	/* A new secret of ours, which the store has, is on its way to Cloudflare: */
	bool rotating;
	bool rotate_lost;       /* and somebody else's stands there instead */
	int64_t rotate_sent_ms; /* wall: a PATCH with it may have taken effect since; 0 = none */
	int64_t config_version; /* the version that holds applied_generation; 0 = never put */
	bool connections_due;   /* supervise asks who is connected to it, by Cloudflare's account */
	bool token_due;         /* and whether the token is another one by now: it was refused */

	struct {
		bool gone;    /* had a remote id; a complete look-up says it is absent */
		bool missing; /* a listing lacks it, and that is not believed yet */
		char *name;   /* as Cloudflare shows it, from outside; NULL = not seen */
		struct drift_facts drift;
		int64_t named_ms;          /* wall: last look at its name by its id; 0 = none */
		int64_t name_refused_ms;   /* wall: another tunnel had the new name then */
		int64_t secret_looked_ms;  /* wall: its token did not have the new secret then */
		int64_t secret_refused_ms; /* wall: Cloudflare refused the new one then, */
		char *secret_refusal;      /* and said this */
		int64_t seen_ms;           /* wall: last time Cloudflare showed it */
		char status[16];           /* inactive, degraded, healthy, down */
		int64_t looked_ms;   /* wall: last look-up by name that was complete; 0 = none */
		int64_t searched_ms; /* wall: last look through all tunnels for a lost one; 0 = none
				      */
		char found_id[UUID_SIZE]; /* what that look-up found, "" = nothing */
		int64_t refuted_ms;       /* wall: that had another secret then; 0 = not asked */
		int64_t config_seen_ms;   /* wall; 0 = the configuration must be read */
		bool config_due;  /* somebody may have changed it: to be read and looked at */
		bool config_came; /* it was read since, and not looked at yet */
		struct drift_actor config_actor; /* who else wrote it last */
		int64_t put_unknown_ms; /* wall; a PUT then has no answer and may still land; 0 =
					   none */
		/* What was found to be a race when it was read: that version, and the one that our
		 * PUT was made from; raced until it is the tunnel's problem. */
		int64_t raced_version, raced_read;
		bool raced;
		int64_t config_version; /* 0 = never configured */
		/* Names of rules of ours that it holds beyond its routes: they move away, or did
		 * so. Values have no meaning. */
		struct map config_keeps;
		char *config;        /* text of the "config" member as sent; NULL = null */
		bool config_local;   /* source is a local file: adit does not write it */
		int64_t connections; /* of all connectors, ours or not; -1 = not known */
		/* Who they are, by the last answer that was whole. */
		struct tunnel_connections clients;
		int64_t clients_tried_ms; /* monotonic: last time it was tried to ask */
		int64_t clients_asked_ms; /* monotonic: when that was asked; 0 = never */
		int64_t clients_seen_ms;  /* wall; 0 = never */
		bool connections_cleared; /* DELETE connections was answered since want = absent */
	} observed;
	struct problem *problem;
};

struct tunnel *tunnel_new(const char *name); /* fresh id, generation 1, replicas 1 */
void tunnel_free(struct tunnel *t);

#endif
