/* A request against the configuration of a tunnel: which rule takes it, whose that is, and whether
 * it is the one that is wanted. Pure. */
#ifndef OPS_RULE_LOOK_H
#define OPS_RULE_LOOK_H

#include "ops/inside.h"
#include "reconcile/match.h"

struct rule_look {
	struct rules rules;
	struct match match;
	const struct route *route;  /* of ours that put the rule which takes it; NULL = none did */
	const struct route *wanted; /* of ours that is to take it; NULL = none is */
	bool outside;               /* what takes it was left out by rule_look_narrow */
	bool as_wanted;             /* nothing is wanted otherwise */
	bool drifted;               /* somebody changed or removed the rule of what is wanted */
};

typedef struct rule_look rule_look_t;
void rule_look_t_cleanup(rule_look_t *k);

/* config: text of a configuration document; NULL = there is none. -1 when it cannot be understood.
 */
MUST_USE int rule_look(const struct world *w, const struct tunnel *t, const char *config,
		       const struct request *q, struct rule_look *out, struct err *e);
/* Leave out what is outside, once it is known what it does to the request. */
void rule_look_narrow(struct rule_look *k, const struct inside *in);
/* The rule that takes it; NULL = there are no rules at all. */
const struct rule *rule_look_taker(const struct rule_look *k);
/* Our route whose rule this is; NULL = we did not make it. */
const struct route *rule_owner(const struct world *w, const struct tunnel *t,
			       const struct rule *rule);
/* One sentence: which takes it. And why that is not as wanted; NULL when it is. The caller frees
 * them. */
char *rule_look_words(const struct rule_look *k);
char *rule_look_differs(const struct rule_look *k);

/* The route of ours, of any tunnel, that a request is for, or whose host name at least it has. */
const struct route *route_for(const struct world *w, const struct request *q);

#endif
