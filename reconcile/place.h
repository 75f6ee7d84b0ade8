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
	size_t at;
	size_t slot;                   /* result */
	size_t lowest, highest, tried; /* of place_rules: what the foreign rules leave it */
};

enum place_fault {
	PLACE_OK,
	PLACE_SHADOWS, /* it would have to stand before a foreign rule that is broader */
	PLACE_DEAD,    /* a foreign rule before it takes all its requests */
	PLACE_KNOT     /* no order suits ours and the foreign ones */
};

/* ours: in their total order (route_compare). On a fault *which is one of ours, *foreign_index the
 * foreign rule (no meaning with PLACE_KNOT). */
enum place_fault place_rules(struct place *ours, size_t n, const struct rule *const *foreign,
			     size_t n_foreign, size_t *which, size_t *foreign_index);
/* Two of ours that share requests stand in the wrong order in the document. */
bool place_inverted(const struct place *ours, size_t n);
/* Could one request fit both? In doubt, yes. */
bool rules_meet(const struct rule *a, const struct rule *b);

#endif
