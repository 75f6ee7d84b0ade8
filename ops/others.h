/* Whose connectors, of those that Cloudflare shows with a tunnel, are not this host's. */
#ifndef OPS_OTHERS_H
#define OPS_OTHERS_H

#include "cloudflare/connections.h"
#include "model/world.h"

/* One line each, "" when there is none; the caller frees it. ERR_UPSTREAM when the answer cannot be
 * read as a whole. Of a connector of ours both processes are, while one replaces the other, and
 * the one before; one that has not told its id counts as another host's: who is not known to be
 * ours may be anybody. */
MUST_USE int others_read(const struct world *w, const char *tunnel_id, const struct cf_call *c,
			 char **others, struct err *e);

#endif
