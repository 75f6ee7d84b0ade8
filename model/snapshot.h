/*
 * Desired state as plain data: one put for each tunnel, route and record that is wanted. It is what
 * edits add up to, in the order in which they were made, so that any kept revision is rebuilt from
 * the edits of the store and from nothing else. No secrets, nothing observed.
 */
#ifndef MODEL_SNAPSHOT_H
#define MODEL_SNAPSHOT_H

#include "model/plan.h"

struct snapshot {
	struct edit *items; /* puts, by id, each id once */
	size_t n, cap;
};
typedef struct snapshot snapshot_t;
void snapshot_t_cleanup(snapshot_t *s); /* leaves an empty one */

/* A put replaces the object or adds it; a drop of what is not there changes nothing. */
void snapshot_apply(struct snapshot *s, const struct edit *d);
const struct edit *snapshot_find(const struct snapshot *s, const char *id); /* NULL = not wanted */

/* A JSON array of edits: all that is held, and what is applied to what is held. On failure
 * (ERR_INVALID) it is to be thrown away. */
void snapshot_write(const struct snapshot *s, struct buf *out);
MUST_USE int snapshot_read(struct snapshot *s, const char *text, size_t len, struct err *e);

/* Local ids never come back: an object that was dropped and made anew has another one. Where base
 * holds an object of the same name (and path, and type) that s does not know, s takes its id over,
 * in what leads through it too. The names of such tunnels are added to taken (NULL = not asked). */
void snapshot_align(struct snapshot *s, const struct snapshot *base, struct strlist *taken);
/* What base does not hold gets the id that is chosen for it. */
typedef void choose_id_fn(const struct edit *put, char id[ID_SIZE], void *owner);
void snapshot_renew(struct snapshot *s, const struct snapshot *base, choose_id_fn *choose,
		    void *owner);

/* The edits that make one of the other, and the changes as people read them, are added to p. */
void snapshot_diff(const struct snapshot *from, const struct snapshot *to, struct plan *p);

#endif
