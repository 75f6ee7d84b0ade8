/* One merge, shared by what matches, what tells and what writes. */
#ifndef RECONCILE_MERGE_PRIVATE_H
#define RECONCILE_MERGE_PRIVATE_H

#include "reconcile/merge.h"
#include "reconcile/place.h"

/* One desired route and what becomes of it. */
struct wish {
	const struct route *route;
	struct json_doc *origin;  /* owned; NULL = none */
	struct rule key;          /* owned */
	struct strlist takes;     /* owned: hashes of rules that a person let it take */
	const struct rule *base;  /* put last under this key; NULL = never */
	const struct rule *found; /* the document's rule that is ours; NULL = to be inserted */
	bool fresh;
	bool adopted;  /* found is foreign so far: a person let it be taken */
	bool returned; /* it was, but the route has no place */
	bool rewrite;  /* found is not as wanted */
	bool edited;   /* by somebody: found is rewritten all the same */
	bool out;      /* it has an issue: found, if any, stays as it is */
	enum route_seen seen;
};

struct merging {
	const struct merge_input *in;
	struct merge_result *out;
	struct rules remote, base, sent;
	struct rule_index remote_keys, base_keys, sent_keys, wish_keys;
	struct rules wished;  /* keys of the wishes, borrowed, for wish_keys */
	struct wish *wishes;  /* in total order */
	struct place *places; /* of the wishes */
	size_t n;
	bool *taken; /* of the document's rules: ours, or going away */
	const struct rule **foreign;
	size_t n_foreign;
	size_t *issue_wish; /* of each issue: an index into wishes */
	bool changed;
};

const struct json *wish_origin(const struct wish *x);
bool wish_as(const struct wish *x, const struct rule *r); /* r is what we would write */
bool wish_sent(const struct merging *m, const struct rule *r);

/* ---- merge_issue.c ---- */

/* The route is left out. foreign: the rule of the document that is in the way, or NULL. */
void issue_add(struct merging *m, size_t which, enum merge_issue_kind kind,
	       const struct rule *foreign);
/* Forget those of this wish. */
void issue_drop(struct merging *m, size_t which);

/* ---- merge_write.c ---- */

char *merge_write_document(const struct merging *m);
char *merge_write_rules(const struct merging *m); /* in the order of the document */
char *merge_write_sent(const struct merging *m);

#endif
