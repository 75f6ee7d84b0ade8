/*
 * Make before break: a name that moves to another tunnel is served by the old one until its record
 * leads to the new. So the old tunnel keeps the rule that it had, beyond its last route for the
 * name, for as long as the record leads to it.
 */
#ifndef RECONCILE_KEEP_H
#define RECONCILE_KEEP_H

#include "model/world.h"
#include "store/store.h"

/* Rules of ours as routes, for the merge. */
struct kept {
	struct route **items; /* owned */
	size_t n;
	bool leftover; /* rules were put last that no route of the tunnel wants, kept or not */
};

/* rules: what was put last (store_load_rules). */
void keep_rules(const struct world *w, const struct tunnel *t, const char *rules, struct kept *out);
void kept_free(struct kept *k);
typedef struct kept kept_t;
void kept_t_cleanup(kept_t *k);

/* Rules that an earlier life of ours kept for a name on its way. */
void keep_recall(struct world *w, struct store *s);

/* The same array without the rule of that key; NULL when it holds none. The caller frees it. */
char *rules_without(const char *rules, const char *hostname, const char *path);

/* Those of the rules whose key stands in keys too; the caller frees it. Either may be NULL: none.
 */
char *rules_within(const char *rules, const char *keys);

/* Does a record that is wanted elsewhere still lead to this tunnel? */
bool keep_waits(const struct world *w, const struct tunnel *t);

#endif
