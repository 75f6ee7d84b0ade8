#include "reconcile/observe.h"

#include <string.h>

#include "base/clock.h"
#include "cloudflare/records.h"
#include "cloudflare/tunnels.h"
#include "cloudflare/zones.h"
#include "reconcile/overwritten.h"
#include "reconcile/seen.h"

/* By id, after one listing; what is left is looked at after the next. */
#define LOOKS_MAX 40
/* Zones that are only searched for our mark. */
#define OTHERS_MAX 50

enum { STAGE_ZONES, STAGE_TUNNELS, STAGE_RECORDS, STAGE_AUDIT };

static void observe_next(struct observe *o);

static void observe_end(struct observe *o)
{
	if (o->task.err.kind == ERR_NONE)
		belief_end(o->belief);
	cf_page_reset(&o->page);
	cf_call_reset(&o->call);
	strlist_free(&o->zones);
	zone_rows_t_cleanup(&o->rows);
	strlist_free(&o->missing);
	task_finish(&o->task);
}

/* ---- which zones ---- */

static size_t count_in(struct observe *o, const char *zone_id)
{
	size_t n = 0;
	for (size_t at = 0; zone_rows_next(&o->rows, o->world, zone_id, &at);)
		n++;
	return n;
}

static char *scope_of(const char *zone_id)
{
	return str_format("zone %s", zone_id);
}

/* A zone that is no longer shown tells nothing about its records. */
static void lose_zone(struct observe *o, const struct record *one)
{
	AUTO(str_t) scope = scope_of(one->zone_id);
	AUTO(str_t) zone_id = str_dup(one->zone_id);
	bool believed = belief_zone_lost(o->belief, scope, one->name, count_in(o, zone_id));
	struct record *r;
	for (size_t at = 0; (r = zone_rows_next(&o->rows, o->world, zone_id, &at)) != NULL;) {
		if (r->observed.gone)
			continue;
		if (believed && o->missing.n < LOOKS_MAX)
			strlist_add(&o->missing, r->id);
		else
			seen_missing(o->world, OBJECT_RECORD, r->id);
	}
}

/* Zones that hold records of ours at Cloudflare; then, where asked for, the others. */
static void collect_zones(struct observe *o)
{
	struct map known = {.borrows = true};
	const char *last = "";
	TABLE_EACH (i, struct record, r, &o->world->records) {
		if (!r->remote_id[0] || !r->zone_id[0] || str_equal(r->zone_id, last))
			continue;
		last = r->zone_id;
		if (map_set(&known, last, r))
			continue;
		if (!o->zones_came || world_zone(o->world, r->zone_id))
			strlist_add(&o->zones, r->zone_id);
		else
			lose_zone(o, r);
	}
	o->full = o->zones.n;
	TABLE_EACH (j, struct zone, z, &o->world->zones)
		if (o->everywhere && o->zones.n < o->full + OTHERS_MAX && !map_get(&known, z->id))
			strlist_add(&o->zones, z->id);
	map_free(&known);
}

/* ---- what a listing lacks ---- */

static void judge(struct observe *o, enum object_type type, const char *scope, const char *what,
		  const struct seen_listing *l)
{
	bool look = belief_listed(o->belief, scope, what, l);
	for (size_t i = 0; i < l->missing.n; i++)
		if (look && o->missing.n < LOOKS_MAX)
			strlist_add(&o->missing, l->missing.items[i]);
		else
			seen_missing(o->world, type, l->missing.items[i]);
	for (size_t i = 0; i < l->leaving.n && o->missing.n < LOOKS_MAX; i++)
		strlist_add(&o->missing, l->leaving.items[i]);
	for (size_t i = 0; i < l->unknown.n; i++)
		strlist_add(&o->belief->unknown, l->unknown.items[i]);
}

static void take_records(struct observe *o, const char *zone_id, struct seen_listing *l)
{
	seen_zone_records(o->world, &o->rows, zone_id, &o->page, o->since_ms, l);
	if (o->audit->store)
		overwritten_settle_zone(o->world, o->audit->store, &o->rows, zone_id);
}

static void take_zone(struct observe *o, struct seen_listing *l)
{
	const char *id = o->zones.items[o->next];
	const struct zone *z = world_zone(o->world, id);
	AUTO(str_t) scope = scope_of(id);
	AUTO(str_t) what = str_format("records of %s", z ? z->name : id);
	if (o->next >= o->full)
		seen_marks(o->world, &o->page, l);
	else
		take_records(o, id, l);
	judge(o, OBJECT_RECORD, scope, what, l);
}

static void take_listing(struct observe *o)
{
	struct seen_listing l = {0};
	switch (o->stage) {
	case STAGE_ZONES:
		seen_zones(o->world, &o->page);
		o->zones_came = true;
		break;
	case STAGE_TUNNELS:
		seen_tunnels(o->world, &o->page, o->since_ms, &l);
		judge(o, OBJECT_TUNNEL, "tunnels", "tunnels", &l);
		collect_zones(o);
		break;
	default:
		take_zone(o, &l);
		break;
	}
	seen_listing_free(&l);
}

static void looked(struct task *t, void *owner)
{
	struct observe *o = owner;
	const char *id = o->missing.items[o->looked++];
	struct tunnel *tunnel = world_tunnel(o->world, id);
	struct record *record = world_record(o->world, id);
	struct cf_tunnel found;
	struct cf_record row;
	struct err e;
	bool absent = t->err.kind != ERR_NONE && o->call.absent;
	o->calling = false;
	o->calls++;
	if (tunnel && absent)
		seen_tunnel(o->world, tunnel, NULL);
	else if (tunnel && t->err.kind == ERR_NONE &&
		 cf_tunnel_read(o->call.result, &found, &e) == 0)
		seen_tunnel(o->world, tunnel, &found);
	else if (record && absent)
		seen_record_gone(record);
	else if (record && t->err.kind == ERR_NONE && cf_record_read(o->call.result, &row, &e) == 0)
		seen_record(o->world, record, &row);
	else
		seen_missing(o->world, tunnel ? OBJECT_TUNNEL : OBJECT_RECORD, id);
	if (record)
		world_changed(o->world, OBJECT_RECORD, id);
	observe_next(o);
}

/* False when there is nothing more to be looked at. */
static bool look(struct observe *o)
{
	for (; o->looked < o->missing.n; o->looked++) {
		const char *id = o->missing.items[o->looked];
		const struct tunnel *t = world_tunnel(o->world, id);
		const struct record *r = world_record(o->world, id);
		if (!(t && t->remote_id[0]) && !(r && r->remote_id[0]))
			continue;
		o->calling = true;
		if (t)
			cf_tunnel_get(o->cf, &o->call, t->remote_id, looked, o);
		else
			cf_record_get(o->cf, &o->call, r->id, r->zone_id, r->remote_id, looked, o);
		return true;
	}
	strlist_free(&o->missing);
	o->looked = 0;
	return false;
}

/* ---- listings ---- */

static void listed(struct task *t, void *owner)
{
	struct observe *o = owner;
	o->paging = false;
	o->calls += o->page.n_pages ? (int64_t)o->page.n_pages : 1;
	if (o->stage == STAGE_AUDIT) {
		audit_listed(o->audit, &o->page, &t->err);
		observe_end(o);
		return;
	}
	/* What failed tells nothing. A token may see tunnels and no zones; without the tunnels
	 * nothing else is worth asking. */
	if (t->err.kind != ERR_NONE) {
		if (o->task.err.kind == ERR_NONE)
			o->task.err = t->err;
		if (o->stage == STAGE_TUNNELS) {
			observe_end(o);
			return;
		}
	} else
		take_listing(o);
	if (o->stage == STAGE_RECORDS)
		o->next++;
	else
		o->stage++;
	observe_next(o);
}

static void list_zone(struct observe *o)
{
	const struct system_facts *s = &o->world->system;
	AUTO(str_t) mark = str_format("adit:%s/%s", s->owner, s->install);
	AUTO(str_t) encoded = percent_encode(mark);
	AUTO(str_t) filter = str_format("comment.startswith=%s", encoded);
	cf_record_list(o->cf, &o->page, CF_SHARE_READS, o->zones.items[o->next],
		       o->next >= o->full ? filter : NULL, listed, o);
}

static void observe_next(struct observe *o)
{
	cf_page_reset(&o->page);
	cf_call_reset(&o->call);
	if (look(o))
		return;
	if (o->stage == STAGE_RECORDS && o->next >= o->zones.n) {
		if (!audit_wanted(o->audit)) {
			observe_end(o);
			return;
		}
		o->stage = STAGE_AUDIT;
	}
	o->paging = true;
	o->since_ms = clock_wall_ms();
	if (o->stage == STAGE_AUDIT)
		audit_list(o->audit, &o->page, listed, o);
	else if (o->stage == STAGE_ZONES)
		cf_zone_list(o->cf, &o->page, CF_SHARE_READS, listed, o);
	else if (o->stage == STAGE_TUNNELS)
		cf_tunnel_list(o->cf, &o->page, CF_SHARE_READS, listed, o);
	else
		list_zone(o);
}

void observe_start(struct loop *l, struct cf *cf, struct world *w, struct belief *b,
		   struct audit *a, bool everywhere, struct observe *o, task_done_fn *done,
		   void *owner)
{
	memset(o, 0, sizeof(*o));
	o->cf = cf;
	o->world = w;
	o->belief = b;
	o->audit = a;
	audit_begin(a);
	o->everywhere = everywhere;
	task_begin(&o->task, l, done, owner);
	belief_begin(b);
	observe_next(o);
}

void observe_cancel(struct observe *o)
{
	if (o->paging)
		cf_page_cancel(&o->page);
	if (o->calling)
		cf_call_cancel(&o->call);
	o->paging = o->calling = false;
	task_abandon(&o->task);
}

void observe_fini(struct observe *o)
{
	cf_page_reset(&o->page);
	cf_call_reset(&o->call);
	strlist_free(&o->zones);
	zone_rows_t_cleanup(&o->rows);
	strlist_free(&o->missing);
}
