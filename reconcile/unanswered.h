/*
 * Pure: PUTs of a tunnel's configuration that left and have no answer, as the store remembers them:
 * the version that each was made from, what was read then, and a hash of what was sent. So that
 * what landed is known again by whoever reads it, and known to have raced when versions lie between
 * that are nobody's of ours: a lost answer or a death in between hides no race.
 */
#ifndef RECONCILE_UNANSWERED_H
#define RECONCILE_UNANSWERED_H

#include <stdbool.h>
#include <stdint.h>

/* One PUT that stands there now. */
struct landing {
	int64_t read_version; /* what it was made from */
	char *read;           /* owned; NULL = there was none, or it is not known */
	bool raced;           /* somebody wrote between that and it */
	bool alone;           /* no other is without an answer */
};
void landing_free(struct landing *l);
typedef struct landing landing_t;
void landing_t_cleanup(landing_t *l);

/* known: text of what has no answer, NULL = nothing. The caller frees what is returned. */

/* One more leaves. earlier: there was one before that nothing is remembered of. */
char *unanswered_add(const char *known, bool earlier, int64_t version, const char *read,
		     const char *document);
/* Of this document came an answer: it took effect (and made one version), or it did not. */
char *unanswered_without(const char *known, const char *document, bool effect);
/* Is this configuration one of them? */
bool unanswered_find(const char *known, int64_t version, const char *config, struct landing *out);

#endif
