/* Object to JSON, in one place, for people and machines: each writes one JSON object. Text from
 * outside stands in members named untrusted_*. Never a secret: none is in the world. */
#ifndef MODEL_RENDER_H
#define MODEL_RENDER_H

#include "base/json.h"
#include "model/plan.h"
#include "model/world.h"

void render_tunnel(const struct world *w, const struct tunnel *t, struct json_writer *out);
void render_route(const struct world *w, const struct route *r, struct json_writer *out);
void render_record(const struct world *w, const struct record *r, struct json_writer *out);
void render_zone(const struct zone *z, struct json_writer *out);
void render_connector(const struct world *w, const struct connector *c, struct json_writer *out);
/* full: with changes, approvals, touches, hash; else the line of a list. */
void render_plan(const struct plan *p, bool full, struct json_writer *out);
void render_problem(const struct problem *p, struct json_writer *out); /* NULL writes null */
/* {limit, remaining, reset_s} */
void render_rate(const struct world *w, struct json_writer *out);

#endif
