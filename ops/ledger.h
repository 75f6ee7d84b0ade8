/*
 * What a call leaves in the ledger: who asked for what, what was decided and by which policy, and
 * what came of it. Writes leave a row before they run and one after; what is refused leaves one;
 * reads over MCP are gathered for a second and written together, so that reading costs no commit.
 */
#ifndef OPS_LEDGER_H
#define OPS_LEDGER_H

#include "ops/ops.h"

/* A write is not run without its row, unless it only takes away. -1 with the call's error. */
MUST_USE int ledger_asked(struct call *c);
/* The call is over. */
void ledger_result(struct call *c);
/* It was never run: who tried what, and why not. */
void ledger_refused(struct call *c);

/* What was decided on the call's plan, for its last row; the text is a literal. */
void ledger_decided(struct call *c, const char *decision, enum policy policy, const struct plan *p);

/* A question to the user of an MCP client before a write. */
enum elicited { ELICITED_ACCEPTED, ELICITED_DECLINED, ELICITED_CANCELLED };
/* plan: as in "p7", hash: the plan's; both may be NULL. Declining and cancelling have happened
 * whether or not this can be written; what was accepted may go on only on 0. */
MUST_USE int ledger_elicited(struct ops *o, const struct principal *who, const char *operation,
			     const char *plan, const char *hash, enum elicited answer,
			     struct err *e);

/* ---- reads over MCP ---- */

struct read_rows;
struct read_rows *read_rows_new(struct ops *o);
void read_rows_free(struct read_rows *r); /* writes what it has */
void read_rows_flush(struct read_rows *r);
void read_rows_add(struct read_rows *r, const struct call *c, const struct ledger_row *row);

/* The members of a row that say who, by which door; borrowed from the principal and scratch. */
struct ledger_scratch {
	char policy[64], peer[64];
};
void ledger_who(struct ledger_row *row, const struct principal *who, struct ledger_scratch *x);

#endif
