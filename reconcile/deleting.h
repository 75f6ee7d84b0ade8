/*
 * DELETEs of records that have no answer, as the store remembers them: noted before each leaves, so
 * that one that lands after a restart does not take away a name that was wanted again meanwhile.
 */
#ifndef RECONCILE_DELETING_H
#define RECONCILE_DELETING_H

#include "reconcile/act.h"

/* Since then (wall) its answer is known to be lost. */
#define DELETING_ON_ITS_WAY 0

/* In the caller's transaction. */
MUST_USE int deleting_note(struct store *s, const char *record_id, int64_t lost_ms, struct err *e);
MUST_USE int deleting_drop(struct store *s, const char *record_id, struct err *e);
/* The doubt about a record became another one (lost_ms 0: it is over); in a transaction of its own.
 * A failure is only logged: what the store has then doubts longer. */
void deleting_became(struct store *s, const char *record_id, int64_t lost_ms);
/* At the start: doubts of an earlier life, and away with those that are over. */
void deleting_recall(const struct act_context *x);

#endif
