/*
 * The list of grants as operations keep it: loaded from the store, changed with it in one
 * transaction. What only takes away (revoking, freezing) holds at once, also while the disk takes
 * no writes, and is written when it does.
 */
#ifndef OPS_GRANTS_H
#define OPS_GRANTS_H

#include "ops/grant.h"
#include "ops/ops.h"

#define GRANTS_MAX 500

struct grants *grants_new(struct ops *o);
void grants_free(struct grants *gs);
/* The store is there: load what it holds, end what ran out meanwhile. Once. */
void grants_load(struct grants *gs);
/* The disk may take writes again: what could not be written is tried. */
void grants_keep(struct grants *gs);

/* Living or not: for lists and for revoking. */
size_t grants_all(const struct grants *gs, struct grant *const **items);
struct grant *grants_any(const struct grants *gs, const char *name);
/* There is none: ERR_NOT_FOUND with those that there are; -1. */
int grant_unknown(const struct grants *gs, const char *name, struct err *e);

/* ---- changes ---- */

/* Takes the row's grant into the list, once it is committed. */
void grants_add(struct grants *gs, const struct grant_row *row);
/* Its second token is another (hash), or void ("") until a new one is made. */
void grants_set_second(struct grant *g, const char *sha256);

enum grant_end { GRANT_REVOKED, GRANT_EXPIRED };
/* Row, hash and waiting plans go in one transaction; calls in its name end and watches are told in
 * any case. plans (may be NULL): how many waited. c: the call that revokes (for the reserve of the
 * disk), NULL = nobody asked. false with e: it is ended, and written later. The grant is freed. */
bool grants_end(struct grants *gs, struct grant *g, enum grant_end how, struct call *c,
		int64_t *plans, struct err *e);
/* false with e: it holds as long as this daemon runs, and is written later. Thawing (on false)
 * holds only when it was written. */
bool grants_set_freeze(struct grants *gs, bool on, const char *why, struct call *c, struct err *e);

/* ---- one of them (grant.c) ---- */

/* Never NULL: what cannot be read is damage. */
struct grant *grant_of_row(const struct grant_row *row);
void grant_free(struct grant *g);
MUST_USE int grant_take_spec(struct grant *g, struct err *e);
MUST_USE int grant_spend(struct grant *g, struct err *e);

#endif
