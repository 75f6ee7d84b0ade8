/* Look-ups that handlers share; those that take a call fail it with a sentence when there is no
 * such object, and return NULL. */
#ifndef OPS_FIND_H
#define OPS_FIND_H

#include "model/groups.h"
#include "ops/ops.h"

const struct tunnel *find_tunnel(struct call *c, const char *name);
const struct connector *find_connector(struct call *c, const char *name);
/* A host name of the arguments, as routes have it. -1: the call has failed. */
MUST_USE int find_hostname(struct call *c, const char *text, char **out);
/* One connector, or instead all of a tunnel on this host. -1: the call has failed. */
MUST_USE int find_which(struct call *c, const char *connector, const char *tunnel,
			const struct connector *list[TUNNEL_SLOTS_MAX], size_t *n);
/* Routes in match order; the caller frees the array. */
struct route **sort_routes(const struct members *m);
/* Those of a tunnel, likewise. */
size_t find_routes(const struct world *w, const char *tunnel_id, struct route ***routes);
/* The version of a tunnel, route or record; 0 = there is none of that id. */
int64_t find_generation(const struct world *w, const char *id);
/* A zone of the account that Cloudflare can be asked about now. */
const struct zone *find_zone(struct call *c, const char *name);
int zone_unknown(const char *name, struct err *e);
/* A tunnel that is on its way out is not changed: ERR_CONFLICT. */
MUST_USE int tunnel_check_stays(const struct tunnel *t, struct err *e);
/* The edits and words of a new tunnel; its local id is in the edit. */
const char *plan_new_tunnel(struct plan *p, const char *name, int64_t replicas);

/* What puts back what differs of an object (NULL: of all that the caller may change): edits and
 * words are added to p (run_drift.c). */
MUST_USE int plan_from_drift(const struct call *c, struct plan *p, const char *object,
			     struct err *e);
/* A policy as an argument says it, where "setting" leaves it to the settings (NULL). */
const char *policy_said(const char *drift);
/* Is that the object's own policy already? NULL: nothing was said. */
bool policy_is(enum drift_policy now, const char *drift);

#endif
