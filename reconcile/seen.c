#include "reconcile/seen.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "cloudflare/tunnels.h"
#include "cloudflare/zones.h"

void seen_record(struct world *w, struct record *r, const struct cf_record *found)
{
	const struct system_facts *s = &w->system;
	r->observed.looked_ms = clock_wall_ms();
	r->observed.found = true;
	r->observed.gone = r->observed.missing = false;
	r->observed.marked = mark_is(found->comment, s->owner, s->install);
	r->observed.locked = found->locked;
	r->observed.proxied = found->proxied;
	r->observed.ttl = found->ttl;
	r->observed.priority = found->priority;
	(void)str_copy(r->observed.found_id, CF_ID_SIZE, found->id);
	str_set(&r->observed.type, found->type);
	str_set(&r->observed.content, found->content);
	str_set(&r->observed.comment, found->comment);
	str_set(&r->observed.conflict, NULL);
}

void seen_record_gone(struct record *r)
{
	r->observed.looked_ms = clock_wall_ms();
	r->observed.found = r->observed.marked = false;
	r->observed.missing = false;
	r->observed.gone = true;
}

bool seen_record_as_wanted(const struct world *w, const struct record *r)
{
	AUTO(str_t) content = record_content(w, r);
	if (!r->tunnel_id[0])
		return str_equal(r->observed.type, r->type) && record_own_as_seen(r);
	return content && r->observed.content && strcasecmp(content, r->observed.content) == 0 &&
	       r->observed.proxied == r->proxied && str_equal(r->observed.type, r->type);
}

/* ---- zones ---- */

static int add_zone(const struct json *row, void *owner)
{
	struct world *w = owner;
	struct err e;
	struct zone *z = cf_zone_read(row, &e);
	if (!z)
		return 0;
	if (world_zone(w, z->id))
		zone_free(z);
	else
		world_add_zone(w, z);
	return 0;
}

void seen_zones(struct world *w, const struct cf_page *page)
{
	world_clear_zones(w);
	(void)cf_page_each(page, add_zone, w);
	w->system.zones_listed_ms = clock_wall_ms();
	world_changed(w, OBJECT_SYSTEM, "");
}

/* ---- tunnels ---- */

/* Seen after the listing began. A time that lies ahead of now was of a clock that was set back. */
static bool seen_since(int64_t seen_ms, int64_t since_ms)
{
	return seen_ms >= since_ms && seen_ms <= clock_wall_ms();
}

static bool note_tunnel(struct tunnel *t, const struct json *row)
{
	struct cf_tunnel found;
	struct err e;
	bool was_gone = t->observed.gone;
	char before[sizeof(t->observed.status)];
	if (row && cf_tunnel_read(row, &found, &e) < 0)
		return false; /* it is there; more cannot be told */
	memcpy(before, t->observed.status, sizeof(before));
	if (row && !found.deleted) {
		t->observed.gone = t->observed.missing = false;
		str_set(&t->observed.name, found.name);
		t->observed.seen_ms = clock_wall_ms();
		t->observed.connections = found.connections;
		(void)str_copy(t->observed.status, sizeof(t->observed.status), found.status);
	} else
		t->observed.gone = true;
	return was_gone != t->observed.gone || !str_equal(before, t->observed.status);
}

void seen_tunnels(struct world *w, const struct cf_page *page, int64_t since_ms)
{
	TABLE_EACH (i, struct tunnel, t, &w->tunnels)
		if (t->remote_id[0] && !seen_since(t->observed.seen_ms, since_ms) &&
		    note_tunnel(t, cf_page_row(page, t->remote_id)))
			world_changed(w, OBJECT_TUNNEL, t->id);
	w->system.tunnels_listed_ms = clock_wall_ms();
}

/* ---- records ---- */

void seen_zone_records(struct world *w, const char *zone_id, const struct cf_page *page,
		       int64_t since_ms)
{
	struct cf_record found;
	struct err e;
	TABLE_EACH (i, struct record, r, &w->records) {
		if (!r->remote_id[0] || !str_equal(r->zone_id, zone_id) ||
		    seen_since(r->observed.looked_ms, since_ms))
			continue;
		const struct json *row = cf_page_row(page, r->remote_id);
		if (!row)
			seen_record_gone(r);
		else if (cf_record_read(row, &found, &e) == 0)
			seen_record(w, r, &found);
		else
			continue;
		r->observed.looked_ms = since_ms; /* what it shows may be as old as that */
		world_changed(w, OBJECT_RECORD, r->id);
	}
}
