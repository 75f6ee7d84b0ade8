/*
 * What an operation asks of Cloudflare for people: several reads at once, joined. The handler goes
 * on when all of them have ended; one that failed fails nothing by itself, the handler judges. What
 * comes is all that the token may see: handlers choose the part that is the caller's.
 */
#ifndef OPS_GATHER_H
#define OPS_GATHER_H

#include "ops/ops.h"

#define GATHER_MAX_AGE_MS 30000 /* of what will do unless it is asked for afresh */
/* Of what will do for whoever goes on with a list: the rows that he has had, not all read again. */
#define GATHER_GO_ON_MS CF_READS_KEPT_MS

struct gather;
/* All reads have ended. Whoever asks for more here is called again when those have, too. */
typedef void gathered_fn(struct call *c, struct gather *g);

/* It becomes the call's state. fresh: nothing that was kept will do, but to go on from a cursor. */
struct gather *gather_begin(struct call *c, bool fresh, gathered_fn *then);
/* The handler's own beside it, freed by drop (NULL: free). */
void gather_set_own(struct gather *g, void *own, void (*drop)(void *own));
void *gather_own(const struct gather *g);

/* One read more; its number, which counts from 0. t as of cf_read_start, copied. */
size_t gather_read(struct gather *g, enum cf_source s, const struct cf_target *t);
size_t gather_count(const struct gather *g);
/* NULL = it failed. */
const struct cf_listing *gather_listing(const struct gather *g, size_t i);
/* NULL = it came. Of gather's. */
const struct err *gather_error(const struct gather *g, size_t i);
/* When the oldest that came was read; wall. */
int64_t gather_as_of(const struct gather *g);

/* Which account is meant, by name or id; NULL = the configured one, whose id is NULL then, as in
 * cf_target. false: the accounts are read for it, and then() is called when they came; or the call
 * has failed. *account is g's. */
bool gather_account(struct call *c, struct gather *g, const char *name, const char **account);

#define GATHER_ROWS_A_TURN 250
/* Every row of the ith read, if it came, until row() is not 0; and then then(), NULL: that of
 * gather_begin. So many are walked in a turn of the loop, so that nobody else has to wait. Nothing
 * is to be asked for before then() is called, which may be at once: c may be gone afterwards. */
void gather_each(struct gather *g, size_t i, int (*row)(const struct json *row, void *owner),
		 void *owner, gathered_fn *then);

/* The call fails as that read did. */
void gather_fail(struct call *c, const struct gather *g, size_t i);
/* Ends a list of what was gathered: with its age, and the budget of the client that asked. */
void gather_list_end(const struct gather *g, struct list_answer *l);
/* "rate" of that client, for an answer that is no list. */
void gather_put_rate(const struct call *c, struct json_writer *w);

/* What the caller may read of at all: a zone that is wholly his; the account as a whole, which
 * nobody has whose grant is narrowed to zones, host names or tunnels. Else the call has failed. */
const struct zone *gather_zone(struct call *c, const char *name);
bool gather_whole_account(struct call *c);

#endif
