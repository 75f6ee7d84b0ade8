/*
 * What the store remembers of a tunnel's configuration: the rules of ours that Cloudflare confirmed
 * last, and those of PUTs whose answer never came. A merge tells ours from foreign by them.
 */
#ifndef RECONCILE_APPLIED_H
#define RECONCILE_APPLIED_H

#include "model/world.h"
#include "store/store.h"

/* Of the pairs of documents that two wrote at once, a tunnel's newest so many are kept. */
#define RACES_KEPT 20

struct applied {
	char *rules; /* owned; JSON array */
	char *sent;  /* owned; NULL = no PUT is without an answer */
	char *puts;  /* owned; those PUTs themselves (reconcile/unanswered.h) */
};
MUST_USE int applied_load(struct store *s, const char *tunnel_id, struct applied *out,
			  struct err *e);
void applied_free(struct applied *a);
typedef struct applied applied_t;
void applied_t_cleanup(applied_t *a);

/* In the caller's transaction; NULL removes it, and the PUTs with it. */
MUST_USE int applied_save_sent(struct store *s, const char *tunnel_id, const char *sent,
			       struct err *e);
MUST_USE int applied_save_puts(struct store *s, const char *tunnel_id, const char *puts,
			       struct err *e);
/* Edits of rules that are to be removed, which a plan named (as `takes` does) and a person agreed
 * to lose: more of them, in the caller's transaction; NULL = they are gone by now. */
MUST_USE int applied_agree(struct store *s, const char *tunnel_id, const char *takes,
			   struct err *e);
bool applied_agreed(struct store *s, const char *tunnel_id, const char *rule);
/* What two wrote at once, in a transaction of its own. */
MUST_USE int applied_keep_race(struct store *s, const char *tunnel_id, int64_t version,
			       const char *both, struct err *e);
/* At the start: what belongs to tunnels that are gone, and races beyond those that are kept. */
MUST_USE int applied_tidy(struct store *s, const struct world *w, struct err *e);

#endif
