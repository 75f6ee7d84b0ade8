/*
 * What is believed of what Cloudflare shows, over observations and restarts: by which token objects
 * were last seen, which absences are doubted, and which records bear our mark and are not known
 * here. A doubt is a notice; unknown records with our mark hold all writes (the store may be older
 * than they are), until a person lets them go on.
 */
#ifndef RECONCILE_BELIEF_H
#define RECONCILE_BELIEF_H

#include "cloudflare/client.h"
#include "model/world.h"
#include "reconcile/seen.h"
#include "store/store.h"

struct belief {
	struct world *world;
	struct store *store;
	struct cf *cf;
	bool same_access;       /* in this observation */
	bool doubted;           /* in it, any absence */
	struct strlist doubts;  /* scopes, as notices; of this and earlier observations */
	struct map unseen;      /* scope -> how many a listing lacked, as text, owned */
	struct map accepted;    /* likewise, of scopes whose absences a person took for true */
	struct strlist unknown; /* of this observation: "<remote id> <name>" */
	char *holds;            /* the sentence by which we hold writes; NULL = we do not */
	struct map last;        /* local id -> remote id of each record, to know what went */
	struct strlist went;    /* remote ids of records that were ours a moment ago */
	int64_t *went_ms;       /* mono, of each */
};

void belief_init(struct belief *b, struct world *w, struct store *s, struct cf *cf);
void belief_fini(struct belief *b);
/* A record changed, came or went. */
void belief_record(struct belief *b, const char *id);

void belief_begin(struct belief *b);
/* A complete listing. scope is short and for people ("tunnels"), what is more ("records of
 * example.com"). True: what is missing is to be looked at by its id; else it is doubted, or nothing
 * is missing. */
bool belief_listed(struct belief *b, const char *scope, const char *what,
		   const struct seen_listing *l);
/* A zone with n records of ours, one of them of that name, is no longer shown. True: a person took
 * it for true. */
bool belief_zone_lost(struct belief *b, const char *scope, const char *name, size_t n);
/* The scope is seen as it should be. */
void belief_settled(struct belief *b, const char *scope);
/* All was listed. */
void belief_end(struct belief *b);

/* What is doubted and what holds writes was shown to a person, who lets them go on. How much there
 * was is put into *n. */
MUST_USE int belief_accept(struct belief *b, size_t *n, struct err *e);

#endif
