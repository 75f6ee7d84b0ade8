/*
 * Object to JSON, in one place, for people and machines: each writes one JSON object. What is not
 * known or does not apply is left out, as the answers' schemas have it. Times are RFC 3339,
 * next_try_s counts from now. Text from outside stands in members named untrusted_*. Never a
 * secret: none is in the world.
 */
#ifndef MODEL_RENDER_H
#define MODEL_RENDER_H

#include "base/json.h"
#include "model/groups.h"
#include "model/plan.h"

/*
 * state is one word, the first of these that holds:
 *   deleting   it is to go, and is not gone yet
 *   problem    see problem; or it was at Cloudflare and is there no more
 *   pending    it is not created, or its configuration is not put yet
 *   down       no connector of this host serves
 *   degraded   some serve, or not with all edge connections
 *   healthy    all connectors of this host are ready
 * The last three are Cloudflare's own words when no connector is wanted on this host.
 * connectors.ready counts those that serve, connectors.total those wanted here.
 */
void render_tunnel(struct groups *x, const struct tunnel *t, struct json_writer *out);
/* That word alone; a literal. */
const char *render_tunnel_state(struct groups *x, const struct tunnel *t);
/* state: problem (of the route, its tunnel or its record), live (rule put, name leads there, a
 * connector runs the configuration) or else pending. A wildcard has no url. */
void render_route(struct groups *x, const struct route *r, struct json_writer *out);
void render_record(const struct world *w, const struct record *r, struct json_writer *out);
void render_zone(const struct zone *z, struct json_writer *out);
void render_connector(const struct world *w, const struct connector *c, struct json_writer *out);
/* approvals is their number in the line of a list; full: the sentences, and changes, warnings,
 * touches and hash. */
void render_plan(const struct plan *p, bool full, struct json_writer *out);
void render_change(const struct change *c, struct json_writer *out);
/* The member "changes" of the object that is open. */
void render_changes(const struct plan *p, struct json_writer *out);
void render_problem(const struct problem *p, struct json_writer *out); /* NULL writes null */
/* Its members, into the object that is open. */
void render_problem_members(const struct problem *p, struct json_writer *out);
/* {limit, remaining, reset_s}; {} when Cloudflare did not say yet. */
void render_rate(const struct world *w, struct json_writer *out);

#endif
