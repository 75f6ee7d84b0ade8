/*
 * Rulesets of zones, accounts and Cloudflare itself: rows of the list "rulesets", each a whole
 * ruleset as GET answers it.
 */
#ifndef SIM_RULESETS_H
#define SIM_RULESETS_H

#include "sim/shelf.h"

#define RULESETS "rulesets"

/* The whole text of a ruleset that a seed or a caller gives, of that kind if it says none; before =
 * what it was, or NULL. A rule with the id or ref of one that was there and the same content keeps
 * its version and time. */
void ruleset_fill(const char *kind, const char *id, const struct json *given,
		  const struct json *before, int64_t now_ms, struct buf *out);
/* The id, or the one that is the same in each run. */
void ruleset_id(const char *owner, const struct json *given, char out[SIM_ID_SIZE]);
/* Whether the token of the call may read rules of that phase there. */
bool ruleset_may_read(const struct call *k, const char *phase);
/* The zone's or account's own ruleset of that phase, by which a request enters; NULL = none. */
struct sim_row *ruleset_entry(const struct call *k, const char *phase);
bool phase_known(const char *phase);
/* The whole answer. */
void answer_ruleset(struct call *k, const struct sim_row *x);

#endif
