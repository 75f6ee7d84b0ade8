/*
 * Does anything take connections where our routes lead? Each place is asked once for all routes
 * that lead to it: by a connection, never a byte; of routes that want it, by asking for the head of
 * "/". What it says stands on the routes, for people: up, refused or timeout, and the status of an
 * HTTP answer, never what is in it. No connector is ever restarted for it. Nothing is asked that no
 * route may lead to, nor for tunnels whose connectors run elsewhere; without routes nothing wakes
 * up.
 */
#ifndef SUPERVISE_ORIGIN_PROBE_H
#define SUPERVISE_ORIGIN_PROBE_H

#include "loop/http.h"
#include "model/world.h"
#include "store/store.h"

struct origin_probes;

/* May this route be asked about (design 3.6)? */
typedef bool origin_permits_fn(const struct route *r, void *owner);

/* All borrowed. Starts at once, and whenever a route changes. */
struct origin_probes *origin_probes_new(struct loop *l, struct world *w, struct http *pool,
					origin_permits_fn *permits, void *owner);
void origin_probes_free(struct origin_probes *p);
/* From now on changes become events of the routes, a few an hour of each place; NULL = they do not.
 * Borrowed. */
void origin_probes_attach(struct origin_probes *p, struct store *s);
/* Somebody wants to know now: asked at once, and the route is told of as changed when the answer is
 * there, whatever it is. False when it is not asked about at all. */
bool origin_probes_hurry(struct origin_probes *p, const char *route_id);

#endif
