/* What Cloudflare showed, written into the observed parts of the world: the one place for it, used
 * by single answers and by whole listings alike. */
#ifndef RECONCILE_SEEN_H
#define RECONCILE_SEEN_H

#include "cloudflare/page.h"
#include "cloudflare/records.h"
#include "cloudflare/tunnels.h"
#include "model/world.h"
#include "reconcile/zone_rows.h"

/* Our record as it stands there now. */
void seen_record(struct world *w, struct record *r, const struct cf_record *found);
/* A complete look-up by its id (or a complete listing) does not have it. */
void seen_record_gone(struct record *r);
bool seen_record_as_wanted(const struct world *w, const struct record *r);
/* A complete listing of the account's zones replaces the old one. */
void seen_zones(struct world *w, const struct cf_page *page);
/* What a complete listing has of ours. What was made or seen since it began tells more than the
 * listing, which may miss it, and is not counted. What is missing is nothing but that. */
struct seen_listing {
	size_t known;           /* ours that it should show, without what is known to be gone */
	size_t gone;            /* that is not shown either */
	struct strlist missing; /* of them, local ids of those that it does not */
	struct strlist leaving; /* likewise, which adit is deleting or giving back: not counted */
	struct strlist unknown; /* records with our mark that are not ours: "<id> <name>" */
};
void seen_listing_free(struct seen_listing *l);
/* The account's live tunnels, begun at since_ms. l is zeroed by the caller. */
void seen_tunnels(struct world *w, const struct cf_page *page, int64_t since_ms,
		  struct seen_listing *l);
/* The records of a zone, likewise. */
void seen_zone_records(struct world *w, struct zone_rows *rows, const char *zone_id,
		       const struct cf_page *page, int64_t since_ms, struct seen_listing *l);
/* Any records: only those that bear our mark and are not ours. */
void seen_marks(const struct world *w, const struct cf_page *page, struct seen_listing *l);
/* One tunnel, asked for by its id. found NULL = there is none. */
void seen_tunnel(struct world *w, struct tunnel *t, const struct cf_tunnel *found);
/* A look by its id told nothing, or may not be believed: nothing is concluded. */
void seen_missing(struct world *w, enum object_type type, const char *id);

#endif
