/*
 * Is our API token used by somebody else? Which token is ours the audit log tells itself: it names
 * the token of each write whose ray is ours. A change of what is ours by that token, with a ray
 * that neither the ledger nor this process knows, is told as a problem and kept as an event, unless
 * a write of ours went out then whose answer was lost. The problem ends with another token, or
 * after some days: the event stays. No call is made for any of this.
 */
#ifndef RECONCILE_MISUSE_H
#define RECONCILE_MISUSE_H

#include "cloudflare/auditlog.h"
#include "model/world.h"
#include "store/store.h"

#define MISUSE_NOTICE   "token" /* key of the notice */
#define MISUSE_EVENT    "token_used"
#define MISUSE_SHOWN_MS (72 * 3600 * 1000LL)
#define MISUSE_TOKEN    "token_known" /* in the store: mark of the token, since when, its id */

struct misuse {
	struct world *world;
	struct store *store; /* NULL: nothing is told */
	struct cf *cf;
	int64_t fleet_size;
	int64_t began_ms; /* wall: of the ledger; what was before it nobody knows */

	char mark[SHA256_HEX_SIZE]; /* of the token in use */
	char token_id[CF_ID_SIZE];  /* "" = the log has not told it yet */
	int64_t token_since_ms;     /* wall; 0 = it is the first one */

	int64_t noticed_ms; /* wall: of the last one that was told; 0 = none is */
	int64_t count;
	struct strlist told; /* ids of entries: the newest */
	bool recalled;
};

void misuse_init(struct misuse *m, struct world *w, struct store *s, struct cf *cf);
void misuse_fini(struct misuse *m);
/* A look begins: is the token another one, is a problem over? */
void misuse_begin(struct misuse *m);
/* Was the entry a write of ours? Also tells which token is ours. */
bool misuse_own(struct misuse *m, const struct cf_audit_entry *x);
/* An entry about something of ours that misuse_own() did not know; of a zone: about some of its
 * records. */
void misuse_take(struct misuse *m, const struct cf_audit_entry *x, enum object_type type,
		 const char *id, const char *name);

/* Is that the id of the token that adit uses, as far as the log has told it? */
bool misuse_is_ours(struct store *s, const char *token_id);

#endif
