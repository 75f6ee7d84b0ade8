/*
 * Pure: our routes merged into a tunnel's configuration document. Rules and members that are not
 * ours come back byte for byte and in their order; ours stand in their total order, and never where
 * they take a foreign rule's requests; the catch-all stays last and is made when missing.
 */
#ifndef RECONCILE_MERGE_H
#define RECONCILE_MERGE_H

#include "base/json.h"
#include "model/route.h"

struct merge_input {
	const char *remote; /* text of the "config" member; NULL = never configured or null */
	const char *base; /* rules of ours that were applied last: JSON array (store_load_rules) */
	const struct route *const *routes; /* desired, any order */
	size_t n_routes;
	/* Put back what somebody else edited in our rules or removed of them. Otherwise that is a
	 * conflict, unless the route was changed here as well: then what is wanted here wins. */
	bool repair;
	const char *sent; /* rules of PUTs whose answers never came: they may stand there or not */
};

enum merge_outcome { MERGE_SAME, MERGE_CHANGED, MERGE_CONFLICT };

struct merge_result {
	enum merge_outcome outcome;
	char *document;      /* MERGE_CHANGED: the text to put */
	char *rules;         /* our rules in it, as base of the next merge; not on conflict */
	char *sent;          /* what may stand there when this PUT's answer is lost too */
	char *route_id;      /* MERGE_CONFLICT: the route that is in the way of something foreign */
	struct err conflict; /* the sentence about it */
};

/* -1 when remote is no configuration that can be understood (nothing may be written then). */
MUST_USE int merge(const struct merge_input *in, struct merge_result *out, struct err *e);
void merge_result_free(struct merge_result *r);

#endif
