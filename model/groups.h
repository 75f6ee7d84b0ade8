/*
 * What belongs together: the routes and connectors of a tunnel, the records of a name. Who tells of
 * many objects asks here, instead of looking at all others for each of them. Made where a call
 * begins, and ended before anything changes: it is never kept, so it cannot lag behind the world.
 */
#ifndef MODEL_GROUPS_H
#define MODEL_GROUPS_H

#include "model/world.h"

/* In order of creation; TABLE_EACH walks over them. */
struct members {
	void **items;
	size_t n;
};

/* Of a tunnel. */
struct group {
	const struct tunnel *tunnel;
	struct members routes, connectors;
};

struct groups {
	const struct world *w;
	struct group *items;
	struct map by_id;   /* of them, the id being the tunnel's; empty where there is only one */
	struct group *last; /* that was asked for: the next object is often of the same */
	void **routes, **connectors;
	/* Made when they are first needed. */
	size_t names_asked;
	struct map names; /* where in the table a name's first record stands, + 1 */
	uint32_t *next;   /* behind each record: where the next one of its name stands, + 1 */
	struct map unsettled, kept;
	bool unsettled_known, kept_known;
};

void groups_of_all(struct groups *x, const struct world *w);
/* Of that tunnel alone, which need not be there: for who tells of one object. */
void groups_of_one(struct groups *x, const struct world *w, const char *tunnel_id);
typedef struct groups groups_t;
void groups_t_cleanup(groups_t *x);

/* Empty and without a tunnel where there is none of that id. */
const struct group *group_of(struct groups *x, const char *tunnel_id);
/* for (size_t at = 0; (r = groups_named(x, name, &at)) != NULL;) : the records of a name. */
struct record *groups_named(struct groups *x, const char *name, size_t *at);
/* The CNAME of a route's host name; NULL = there is none. */
const struct record *groups_record(struct groups *x, const char *hostname);
/* A record of that name which leads to a tunnel and is not as wanted (see record_converged). */
const struct record *groups_unsettled(struct groups *x, const char *hostname);
/* Place in the table of the first tunnel that keeps a rule for a name which left it; their number =
 * none does. */
size_t groups_keeper(struct groups *x, const char *hostname);

/* Is the tunnel as wanted, with its routes, its connectors and the records of its names? For why
 * see model/world.h. */
bool tunnel_converged(struct groups *x, const struct tunnel *t, char **why);
/* The tunnel by itself: not its routes, nor their records, which may wait for something else. */
bool tunnel_runs(struct groups *x, const struct tunnel *t, char **why);

#endif
