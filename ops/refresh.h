/* An answer that shall be fresh: Cloudflare is observed first, and waited for, bounded. */
#ifndef OPS_REFRESH_H
#define OPS_REFRESH_H

#include "ops/ops.h"

/* then() answers the call: when an observation that began after this one ended, or at the latest
 * after 30 s, with what is known by then. */
void refresh_then(struct call *c, void (*then)(struct call *c));
/* The same, waited for no longer than that. */
void refresh_within(struct call *c, int64_t ms, void (*then)(struct call *c));

#endif
