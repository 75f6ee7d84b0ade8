/*
 * Pure: where our rules stand among the foreign ones. The foreign keep their order, so a place is a
 * slot: slot s is right before foreign rule s, the last slot right before the catch-all. A new rule
 * of ours never comes before a foreign one whose requests it could take, nor where a foreign one
 * takes what ours is narrower for; a rule that stands there keeps its side of every foreign rule
 * that it shares requests with.
 */
#ifndef RECONCILE_PLACE_H
#define RECONCILE_PLACE_H

#include "reconcile/rules.h"

struct place {
	const struct rule *key;
	bool standing; /* it is in the document, at index `at` and in slot `slot` */
	bool out;      /* not to be put: where it stands it stays. Set for what has no place, too */
	bool moving;   /* result: it stands, and comes before a rule that it stood behind */
	size_t at;
	size_t slot;            /* result, where it is not out or stands */
	size_t lowest, highest; /* of place_rules: what the foreign rules leave it, */
	size_t earliest, tried; /* and ours besides */
};

enum place_fault {
	PLACE_SHADOWS, /* it would have to stand before a foreign rule that is broader */
	PLACE_DEAD,    /* a foreign rule before it takes all its requests */
	PLACE_KNOT     /* no order suits ours and the foreign ones */
};

/* Told of each fault with one of ours (an index) and a foreign rule (no meaning with PLACE_KNOT).
 * true = a person let ours stand before that rule; a knot is nothing that anybody can let. */
typedef bool place_ask_fn(void *owner, size_t which, enum place_fault fault, size_t foreign);

/* ours: in their total order (route_compare). One with a fault is out; the others are placed. */
void place_rules(struct place *ours, size_t n, const struct rule *const *foreign, size_t n_foreign,
		 place_ask_fn *ask, void *owner);
/* Could one request fit both? In doubt, yes. */
bool rules_meet(const struct rule *a, const struct rule *b);

#endif
