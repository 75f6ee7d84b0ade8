/* Zones of the account, and whether the token is any good. */
#ifndef CLOUDFLARE_ZONES_H
#define CLOUDFLARE_ZONES_H

#include "cloudflare/page.h"

/* All zones of the configured account. */
void cf_zone_list(struct cf *cf, struct cf_page *p, enum cf_share share, task_done_fn *done,
		  void *owner);
/* A new zone, or NULL with ERR_UPSTREAM. */
struct zone *cf_zone_read(const struct json *v, struct err *e);

/* GET /user/tokens/verify, and on 401 the account's own endpoint (a second call by the caller:
 * account = true). result.status is "active", "disabled" or "expired". Neither answer changes the
 * world's state of access. */
void cf_token_verify(struct cf *cf, struct cf_call *c, bool account, task_done_fn *done,
		     void *owner);

#endif
