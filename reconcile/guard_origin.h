/* Pure: the options of a route (originRequest), as far as safety depends on them. */
#ifndef RECONCILE_GUARD_ORIGIN_H
#define RECONCILE_GUARD_ORIGIN_H

#include "base/json.h"

struct origin_safety {
	bool no_tls_verify;
	bool access_required;
	bool bastion, socks; /* turn any service into one that leads anywhere */
	char *access;        /* owned: as compact JSON; NULL = none */
};

/* ERR_INVALID when it is no JSON object, a flag is no boolean, or a name that matters is spelled in
 * another case (cloudflared would take it all the same). origin NULL = none. */
MUST_USE int origin_read(const char *origin, struct origin_safety *out, struct err *e);
void origin_safety_free(struct origin_safety *o);
typedef struct origin_safety origin_safety_t;
void origin_safety_t_cleanup(origin_safety_t *o);

#endif
