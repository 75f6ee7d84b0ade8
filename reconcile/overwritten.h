/*
 * Edits of records of ours that somebody made and that a write of ours lost, without a plan that
 * named them: each told once, and kept for as long as people are shown it.
 */
#ifndef RECONCILE_OVERWRITTEN_H
#define RECONCILE_OVERWRITTEN_H

#include "reconcile/edited.h"
#include "reconcile/zone_rows.h"
#include "store/store.h"

struct overwritten {
	int64_t at_ms; /* wall */
	char *name, *field;
	char *put;  /* what was put instead; NULL = the record went */
	char *seen; /* what stood there; from outside */
	char *tunnel_id, *zone_id;
};
struct overwritten_list {
	struct overwritten *items;
	size_t n;
};
typedef struct overwritten_list overwritten_list_t;
void overwritten_list_t_cleanup(overwritten_list_t *l);

/* In the caller's transaction, before the write leaves; once for a generation and what stands
 * there. next NULL = the record goes. */
MUST_USE int overwritten_keep(struct store *s, const struct record *r, unsigned fields,
			      const struct edited_face *next, struct err *e);
/* By Cloudflare's audit log somebody changed it between the look before our last write and that
 * write: what stood there was seen by nobody. actor comes from outside; NULL = not told. */
void overwritten_unseen(struct store *s, const struct record *r, const char *actor);
/* These were just seen, or all of a zone: their rows keep what edited_settled says. */
void overwritten_settle(struct world *w, struct store *s, struct record *const *seen, size_t n);
void overwritten_settle_zone(struct world *w, struct store *s, struct zone_rows *rows,
			     const char *zone_id);
/* Field by field, the oldest first. */
MUST_USE int overwritten_load(struct store *s, int64_t wall_ms, struct overwritten_list *out,
			      struct err *e);

#endif
