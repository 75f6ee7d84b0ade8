/* What is known of a host name, from what Cloudflare just answered and from the world, as facts for
 * the truth ladder. */
#ifndef OPS_HEALTH_FACTS_H
#define OPS_HEALTH_FACTS_H

#include "cloudflare/client.h"
#include "model/ladder.h"
#include "model/tunnel_connections.h"
#include "model/world.h"
#include "ops/rule_look.h"

/* What was asked for; an answer that did not come, or not well, leaves its call's error. */
struct health_answers {
	struct cf_call record, connections, config;
	struct cf_call exact; /* the host's own records, where the route is of a wildcard */
	bool record_came, connections_came, config_came, exact_came; /* well */
	char unasked[480]; /* the first failure; "" = none */
	bool origin_asked;
	bool edge_waits; /* a request through the edge is on its way, and not back yet */
};

struct health_facts {
	struct ladder_facts f;
	char *name, *wildcard, *shown, *words, *differs, *service, *record_problem, *record_hint;
	char connector[96], behind[96];
	char record_id[CF_ID_SIZE];
	char via[96];
	char *unproved; /* why nothing is known of the way through the edge */
	struct problem origin, edge;
	struct err refused;
};

/* w: as the caller sees it; in: what of it is his. q: the request; t: the tunnel; r: our route for
 * it, NULL = none. */
void health_facts_gather(const struct world *w, const struct inside *in, const struct request *q,
			 const struct tunnel *t, const struct route *r,
			 const struct health_answers *a, struct health_facts *out);
void health_facts_free(struct health_facts *x);

#endif
