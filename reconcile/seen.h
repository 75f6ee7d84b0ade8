/* What Cloudflare showed, written into the observed parts of the world: the one place for it, used
 * by single answers and by whole listings alike. */
#ifndef RECONCILE_SEEN_H
#define RECONCILE_SEEN_H

#include "cloudflare/page.h"
#include "cloudflare/records.h"
#include "model/world.h"

/* Our record as it stands there now. */
void seen_record(struct world *w, struct record *r, const struct cf_record *found);
/* A complete look-up by its id (or a complete listing) does not have it. */
void seen_record_gone(struct record *r);
bool seen_record_as_wanted(const struct world *w, const struct record *r);
/* A complete listing of the account's zones replaces the old one. */
void seen_zones(struct world *w, const struct cf_page *page);
/* A complete listing of the account's live tunnels, begun at since_ms: status of ours, and which
 * are gone. What was made or seen after that tells more than the listing, which may miss it. */
void seen_tunnels(struct world *w, const struct cf_page *page, int64_t since_ms);
/* A complete listing of the records of a zone, likewise: ours in it, and which are gone. */
void seen_zone_records(struct world *w, const char *zone_id, const struct cf_page *page,
		       int64_t since_ms);

#endif
