/*
 * Pure: what lies inside a grant's zones, host names and tunnels. The one predicate: what may be
 * seen (ops/sight.h) and what may be changed (ops/scope.h) are both judged by it.
 */
#ifndef OPS_INSIDE_H
#define OPS_INSIDE_H

#include "model/world.h"
#include "ops/grant.h"

struct inside {
	const struct world *world; /* all of it */
	const struct grant *grant; /* NULL: nothing is inside, unless all is */
	bool all;
};

struct inside inside_of(const struct world *w, const struct principal *p);

/* By host names and zones alone. NULL, a rule for whatever host: only where neither is narrowed. */
bool inside_host(const struct inside *x, const char *hostname);
/* By tunnels alone, under each of the names that a tunnel goes by. */
bool inside_tunnel(const struct inside *x, const struct tunnel *t);
bool inside_tunnel_name(const struct inside *x, const char *name);
/* By every dimension. A record that leads to no tunnel is outside where tunnels are narrowed. */
bool inside_route(const struct inside *x, const struct route *r);
bool inside_record(const struct inside *x, const struct record *r);
/* Is all that the tunnel serves inside: routes, records that lead to it, foreign rules? What nobody
 * has read yet is not. */
bool inside_whole_tunnel(const struct inside *x, const struct tunnel *t);
/* May there be something of the grant's in the zone, by its host names and zones? And is all of the
 * zone the grant's? */
bool inside_part_of_zone(const struct inside *x, const struct zone *z);
bool inside_whole_zone(const struct inside *x, const struct zone *z);
/* A rule of a configuration. What answers the rest, as the last one must, is everybody's while it
 * only answers with a status. */
struct rule;
bool inside_rule(const struct inside *x, const struct rule *r);

#endif
