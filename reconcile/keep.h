/*
 * Make before break: a name that moves to another tunnel is served by the old one until its record
 * leads to the new, and a little longer (model/leaving.h). So long the old tunnel keeps the rule
 * that it had, beyond its last route for the name.
 */
#ifndef RECONCILE_KEEP_H
#define RECONCILE_KEEP_H

#include "model/groups.h"
#include "store/store.h"

/* Rules of ours as routes, for the merge. */
struct kept {
	struct route **items; /* owned */
	size_t n;
	struct map leftover; /* names of rules that no route of the tunnel wants, kept or not */
};

/* rules: what was put last (store_load_rules). */
void keep_rules(struct groups *x, const struct tunnel *t, const char *rules, int64_t wall_ms,
		struct kept *out);
/* The tunnel holds these: all that are left over, or those that it keeps. */
void keep_names(struct tunnel *t, const struct kept *k, bool all);
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

/* Does the tunnel hold a rule that it need keep no longer? Where it is still to keep all, *until
 * becomes the time at which to ask again, if time alone ends it. */
bool keep_is_over(struct groups *x, const struct tunnel *t, int64_t wall_ms, int64_t *until);

#endif
