/*
 * What a caller may be shown: one predicate for lists, streams and whatever else tells of objects.
 * Who is narrowed to a part gets a world of that part (model/view.h), so that lists, look-ups,
 * hints, counts and words are made from nothing else; rows of the store are asked for one by one,
 * before they are counted. Who sees all gets the world itself.
 */
#ifndef OPS_SIGHT_H
#define OPS_SIGHT_H

#include "model/plan.h"
#include "ops/ops.h"

/* May he read objects of this type at all? As the operation that lists them has it. */
bool principal_sees(const struct principal *p, enum object_type type);
/* Does he see a part only? */
bool sight_is_limited(const struct principal *p);

/* The world as he sees it: for reading, in this turn of the loop. */
const struct world *sight_world(struct ops *o, const struct principal *p);
const struct world *call_world(const struct call *c);

/* An object that is there, by its id; a plan by "p7". Its role is no part of it. */
bool sight_object(struct ops *o, const struct principal *p, enum object_type type, const char *id);
/* Rows of the store. */
bool sight_event(struct ops *o, const struct principal *p, const struct event *ev);
bool sight_plan(struct ops *o, const struct principal *p, const struct plan *plan);
bool sight_revision(struct ops *o, const struct principal *p, const struct revision *r);
/* A line of a plan or of a difference between revisions. */
bool sight_change(struct ops *o, const struct principal *p, const struct change *x);
/* What stands at Cloudflare, is not adit's, and leads nowhere that is known. */
bool sight_foreign(struct ops *o, const struct principal *p, const char *hostname);

/* What this host's own tunnel is called, where he may publish through it though nothing of his is
 * there yet; NULL = there is none for him. */
const struct tunnel *sight_own_tunnel(const struct call *c, const char *owner);

void sights_free(struct ops *o);

#endif
