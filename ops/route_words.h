/* What becomes of a route, for people: the pieces that change, and options that nobody knows. */
#ifndef OPS_ROUTE_WORDS_H
#define OPS_ROUTE_WORDS_H

#include "model/plan.h"
#include "model/world.h"

/* As it is to be; all borrowed. */
struct route_goal {
	const char *tunnel_id, *tunnel_name, *service, *origin;
};

/* One piece more, behind a comma. */
void words_add(struct buf *words, const char *fmt, ...) PRINTF(2, 3);
/* Adds nothing when the route is so already. Its drift policy is the caller's. */
void route_differ(const struct world *w, const struct route *r, const struct route_goal *goal,
		  struct buf *words);
/* What leaves a tunnel is served by it for a while. */
void words_add_leaving(const struct world *w, const char *from_id, const char *to_id,
		       struct buf *words);
/* A tunnel by its id, which may be one that the plan makes. */
const char *tunnel_called(const struct world *w, const char *tunnel_id);
/* Do two texts of options (NULL = none) mean the same? */
bool origin_texts_same(const char *a, const char *b);
/* A misspelled option would silently be without effect. */
void warn_options(struct plan *p, const char *hostname, const char *origin);

#endif
