#include "model/leaving.h"

#include <string.h>

#include "base/clock.h"

/* What was not looked at yet may lead there. */
static bool leads_to(const struct record *r, const struct tunnel *t)
{
	return !r->observed.content || content_leads_to(r->observed.content, t->remote_id);
}

/* Where it led before this life, or before it moved twice, is not known: then the rules that the
 * tunnel was last put tell. */
static bool led_to(const struct record *r, const struct tunnel *t)
{
	if (r->observed.led && content_leads_to(r->observed.led, t->remote_id))
		return true;
	return (!r->observed.led || r->observed.led_elsewhere) &&
	       map_get(&t->observed.config_keeps, r->name);
}

static bool is_wanted_elsewhere(const struct record *r, const struct tunnel *t)
{
	return r->want == WANT_PRESENT && r->remote_id[0] && t->remote_id[0] && !r->observed.gone &&
	       !str_equal(r->tunnel_id, t->id);
}

bool record_leaves(const struct record *r, const struct tunnel *t, int64_t wall_ms)
{
	return is_wanted_elsewhere(r, t) &&
	       (leads_to(r, t) || (wall_ms < r->observed.led_ms + LEAVING_MS && led_to(r, t)));
}

int64_t record_leaves_until(const struct record *r, const struct tunnel *t)
{
	return leads_to(r, t) ? 0 : r->observed.led_ms + LEAVING_MS;
}

void record_led(struct record *r, const char *content, int64_t wall_ms)
{
	bool first = !r->observed.content;
	if (!first && str_equal(r->observed.content, content))
		return;
	/* What was not ours before was served by nobody here. */
	if (first && !r->remote_id[0])
		return;
	r->observed.led_elsewhere =
		!first && r->observed.led_ms && wall_ms < r->observed.led_ms + LEAVING_MS;
	str_set(&r->observed.led, first ? NULL : r->observed.content);
	r->observed.led_ms = wall_ms;
}

const struct record *world_leaves(const struct world *w, const struct tunnel *t, int64_t wall_ms)
{
	TABLE_EACH (i, struct record, r, &w->records)
		if (record_leaves(r, t, wall_ms))
			return r;
	return NULL;
}

bool world_connectors_stay(const struct world *w, const struct tunnel *t, int64_t wall_ms)
{
	return (t->want != WANT_PRESENT || t->replicas == 0) && !t->joined &&
	       world_leaves(w, t, wall_ms);
}

const struct tunnel *route_left(struct groups *x, const struct route *r, const struct record *d)
{
	const struct table *all = &x->w->tunnels;

	for (size_t i = groups_keeper(x, r->hostname); i < all->n; i++) {
		const struct tunnel *t = all->items[i];

		if (map_get(&t->observed.config_keeps, r->hostname) &&
		    record_leaves(d, t, clock_wall_ms()))
			return t;
	}
	return NULL;
}
