#include "reconcile/observe.h"

#include <string.h>

#include "base/clock.h"
#include "cloudflare/records.h"
#include "cloudflare/tunnels.h"
#include "cloudflare/zones.h"
#include "reconcile/seen.h"

enum { STAGE_ZONES, STAGE_TUNNELS, STAGE_RECORDS };

static void observe_next(struct observe *o);

static void observe_end(struct observe *o)
{
	cf_page_reset(&o->page);
	strlist_free(&o->zones);
	task_finish(&o->task);
}

/* Zones that hold records of ours at Cloudflare. */
static void collect_zones(struct observe *o)
{
	TABLE_EACH (i, struct record, r, &o->world->records)
		if (r->remote_id[0] && r->zone_id[0] && !strlist_has(&o->zones, r->zone_id))
			strlist_add(&o->zones, r->zone_id);
}

static void take_listing(struct observe *o)
{
	switch (o->stage) {
	case STAGE_ZONES:
		seen_zones(o->world, &o->page);
		break;
	case STAGE_TUNNELS:
		seen_tunnels(o->world, &o->page, o->since_ms);
		collect_zones(o);
		break;
	default:
		seen_zone_records(o->world, o->zones.items[o->next], &o->page, o->since_ms);
		break;
	}
}

static void listed(struct task *t, void *owner)
{
	struct observe *o = owner;
	o->paging = false;
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

static void observe_next(struct observe *o)
{
	cf_page_reset(&o->page);
	if (o->stage == STAGE_RECORDS && o->next >= o->zones.n) {
		observe_end(o);
		return;
	}
	o->paging = true;
	o->since_ms = clock_wall_ms();
	if (o->stage == STAGE_ZONES)
		cf_zone_list(o->cf, &o->page, CF_SHARE_READS, listed, o);
	else if (o->stage == STAGE_TUNNELS)
		cf_tunnel_list(o->cf, &o->page, CF_SHARE_READS, listed, o);
	else
		cf_record_list(o->cf, &o->page, CF_SHARE_READS, o->zones.items[o->next], NULL,
			       listed, o);
}

void observe_start(struct loop *l, struct cf *cf, struct world *w, struct observe *o,
		   task_done_fn *done, void *owner)
{
	memset(o, 0, sizeof(*o));
	o->cf = cf;
	o->world = w;
	task_begin(&o->task, l, done, owner);
	observe_next(o);
}

void observe_cancel(struct observe *o)
{
	if (o->paging)
		cf_page_cancel(&o->page);
	o->paging = false;
	task_abandon(&o->task);
}

void observe_fini(struct observe *o)
{
	cf_page_reset(&o->page);
	strlist_free(&o->zones);
}
