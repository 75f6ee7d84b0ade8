#include "reconcile/seen.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "cloudflare/tunnels.h"
#include "cloudflare/zones.h"
#include "model/leaving.h"

static bool name_same(const char *a, const char *b)
{
	return strcmp(a, b) == 0 || strcasecmp(a, b) == 0;
}

/* As it was at looked_ms; heard of at now_ms. */
static void record_seen(struct world *w, struct record *r, const struct cf_record *found,
			int64_t looked_ms, int64_t now_ms)
{
	const struct system_facts *s = &w->system;
	AUTO(str_t) made = NULL;
	const char *content = cf_record_content_in(found, &made);
	record_led(r, content, now_ms);
	r->observed.looked_ms = looked_ms;
	r->observed.found = true;
	r->observed.gone = r->observed.missing = false;
	r->observed.marked = mark_is(found->comment, s->owner, s->install);
	r->observed.locked = found->locked;
	r->observed.proxied = found->proxied;
	r->observed.ttl = found->ttl;
	r->observed.priority = found->priority;
	(void)str_copy(r->observed.found_id, CF_ID_SIZE, found->id);
	str_set(&r->observed.renamed, name_same(found->name, r->name) ? NULL : found->name);
	str_set(&r->observed.type, found->type);
	str_set(&r->observed.content, content);
	str_set(&r->observed.comment, found->comment);
	str_set(&r->observed.conflict, NULL);
}

void seen_record(struct world *w, struct record *r, const struct cf_record *found)
{
	int64_t now = clock_wall_ms();
	record_seen(w, r, found, now, now);
}

void seen_record_gone(struct record *r)
{
	r->observed.looked_ms = clock_wall_ms();
	r->observed.found = r->observed.marked = false;
	r->observed.missing = false;
	r->observed.gone = true;
}

/* Where no text is wanted, any may stand behind the mark of a record that leads to a tunnel. */
static bool text_as_wanted(const struct record *r)
{
	return !r->comment || str_equal(mark_text(r->observed.comment), r->comment);
}

bool seen_record_as_wanted(const struct world *w, const struct record *r)
{
	if (r->observed.renamed || !str_equal(r->observed.type, r->type))
		return false;
	if (!r->tunnel_id[0])
		return record_own_as_seen(r);
	const struct tunnel *t = world_tunnel(w, r->tunnel_id);
	return text_as_wanted(r) && t && content_leads_to(r->observed.content, t->remote_id) &&
	       r->observed.proxied == r->proxied;
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

/* What a listing of a zone's records told outlives a listing of the zones. */
struct zone_size {
	char id[CF_ID_SIZE];
	int64_t records;
};

void seen_zones(struct world *w, const struct cf_page *page)
{
	size_t n = w->zones.n;
	struct zone_size *sizes = mem_array(n + 1, sizeof(*sizes));
	TABLE_EACH (i, struct zone, z, &w->zones) {
		(void)str_copy(sizes[i].id, CF_ID_SIZE, z->id);
		sizes[i].records = z->records;
	}
	world_clear_zones(w);
	(void)cf_page_each(page, add_zone, w);
	for (size_t i = 0; i < n; i++) {
		struct zone *z = world_zone(w, sizes[i].id);
		if (z)
			z->records = sizes[i].records;
	}
	free(sizes);
	w->system.zones_listed_ms = clock_wall_ms();
	world_changed(w, OBJECT_SYSTEM, "");
}

/* ---- tunnels ---- */

/* Seen after the listing began. A time that lies ahead of now was of a clock that was set back. */
static bool seen_since(int64_t seen_ms, int64_t since_ms)
{
	return seen_ms >= since_ms && seen_ms <= clock_wall_ms();
}

void seen_listing_free(struct seen_listing *l)
{
	strlist_free(&l->missing);
	strlist_free(&l->leaving);
	strlist_free(&l->unknown);
	*l = (struct seen_listing){.known = 0};
}

/* An object of ours that the listing shows, or does not. What adit itself is deleting may have gone
 * by a request whose answer was lost: its absence is no reason to doubt anything. */
static void count_row(struct seen_listing *l, const char *id, bool shown, bool gone, enum want want)
{
	if (!shown && gone) {
		l->gone++;
		return;
	}
	if (!shown && want != WANT_PRESENT) {
		strlist_add(&l->leaving, id);
		return;
	}
	l->known++;
	if (!shown)
		strlist_add(&l->missing, id);
}

/* How a configuration is kept tells whether somebody turned it over. */
static void note_source(struct tunnel *t, bool remote)
{
	if (t->observed.config_version && remote == t->observed.config_local)
		t->observed.config_due = true;
}

void seen_tunnel(struct world *w, struct tunnel *t, const struct cf_tunnel *found)
{
	bool gone = !found || found->deleted;
	bool moved = gone != t->observed.gone || t->observed.missing;
	t->observed.missing = false;
	t->observed.gone = gone;
	if (!gone) {
		moved = moved || !str_equal(t->observed.status, found->status) ||
			!str_equal(t->observed.name, found->name);
		str_set(&t->observed.name, found->name);
		t->observed.seen_ms = clock_wall_ms();
		t->observed.connections = found->connections;
		(void)str_copy(t->observed.status, sizeof(t->observed.status), found->status);
		note_source(t, found->remote);
	}
	if (moved)
		world_changed(w, OBJECT_TUNNEL, t->id);
}

void seen_missing(struct world *w, enum object_type type, const char *id)
{
	struct tunnel *t = type == OBJECT_TUNNEL ? world_tunnel(w, id) : NULL;
	struct record *r = type == OBJECT_RECORD ? world_record(w, id) : NULL;
	bool *missing = t ? &t->observed.missing : r ? &r->observed.missing : NULL;
	if (!missing || *missing)
		return;
	*missing = true;
	world_changed(w, type, id);
}

void seen_tunnels(struct world *w, const struct cf_page *page, int64_t since_ms,
		  struct seen_listing *l)
{
	struct cf_tunnel found;
	struct err e;
	TABLE_EACH (i, struct tunnel, t, &w->tunnels) {
		if (!t->remote_id[0] || seen_since(t->observed.seen_ms, since_ms))
			continue;
		struct cf_row *row = cf_page_find(page, t->remote_id);
		count_row(l, t->id, row, t->observed.gone, t->want);
		/* A row that cannot be read is there; more cannot be told. */
		if (row && cf_tunnel_row(page, row, &found, &e) == 0)
			seen_tunnel(w, t, &found);
	}
	w->system.tunnels_listed_ms = clock_wall_ms();
}

/* ---- records ---- */

/* Of a zone's records: what bears our mark, whosever it is. */
struct marks {
	const struct world *w;
	const struct map *own; /* remote ids of ours; NULL: only count */
	struct seen_listing *l;
	size_t n;
};

static void note_mark(const struct cf_record_label *row, void *owner)
{
	struct marks *m = owner;
	if (!row->comment || !mark_is(row->comment, m->w->system.owner, m->w->system.install))
		return;
	m->n++;
	if (!m->own || !row->id || !row->name || !hex_valid(row->id, CF_ID_SIZE - 1) ||
	    map_get(m->own, row->id))
		return;
	AUTO(str_t) text = str_format("%s %s", row->id, row->name);
	text_printable(text);
	strlist_add(&m->l->unknown, text);
}

void seen_marks(const struct world *w, const struct cf_page *page, struct seen_listing *l)
{
	struct map own = {.entries = NULL};
	TABLE_EACH (i, struct record, r, &w->records)
		if (r->remote_id[0])
			(void)map_set(&own, r->remote_id, r);
	cf_record_labels(page, note_mark, &(struct marks){.w = w, .own = &own, .l = l});
	map_free(&own);
}

/* Only when there are more than ours is it worth knowing which. */
static void find_unknown(const struct world *w, const struct cf_page *page, size_t ours,
			 struct seen_listing *l)
{
	struct marks m = {.w = w, .l = l};
	cf_record_labels(page, note_mark, &m);
	if (m.n != ours)
		seen_marks(w, page, l);
}

struct look {
	struct world *w;
	const struct cf_page *page;
	int64_t since_ms, now_ms;
	struct seen_listing *l;
	size_t ours, shown;
};

static void record_look(struct look *k, struct record *r)
{
	struct cf_row *row = cf_page_find(k->page, r->remote_id);
	struct cf_record found;
	struct err e;
	count_row(k->l, r->id, row, r->observed.gone, r->want);
	k->shown += row != NULL;
	if (!row || cf_record_row(k->page, row, &found, &e) < 0)
		return;
	/* what it shows may be as old as that */
	record_seen(k->w, r, &found, k->since_ms, k->now_ms);
	k->ours += r->observed.marked;
	world_changed(k->w, OBJECT_RECORD, r->id);
}

void seen_zone_records(struct world *w, struct zone_rows *rows, const char *zone_id,
		       const struct cf_page *page, int64_t since_ms, struct seen_listing *l)
{
	struct look k = {
		.w = w, .page = page, .since_ms = since_ms, .now_ms = clock_wall_ms(), .l = l};
	struct zone *z = world_zone(w, zone_id);
	if (z)
		z->records = (int64_t)page->count;
	struct record *r;
	for (size_t at = 0; (r = zone_rows_next(rows, w, zone_id, &at)) != NULL;)
		if (!seen_since(r->observed.looked_ms, since_ms))
			record_look(&k, r);
	if (k.shown < page->count)
		find_unknown(w, page, k.ours, l);
}
