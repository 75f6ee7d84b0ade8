/* Who is asked about next is found in the world each time: nothing is queued, nothing forgotten. */
#include "reconcile/rollcall.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#define STEADY_MS     (5 * 60 * 1000LL)
#define GAP_LEAST_MS  200
#define GAP_MOST_MS   (5 * 60 * 1000LL)
#define SHARE_ALL     10 /* per cent of the budget: the most, */
#define SHARE_STEADY  5  /* and what the steady pace takes of it */
#define FAILURES_MOST 16

/* ---- pace ---- */

static int64_t time_for(int64_t calls, int64_t budget_calls, int64_t window_ms, int64_t percent)
{
	if (budget_calls <= 0 || window_ms <= 0)
		return 0;
	return calls * window_ms / budget_calls * 100 / percent;
}

int64_t rollcall_gap(int64_t budget_calls, int64_t window_ms, int failures)
{
	int64_t gap = time_for(1, budget_calls, window_ms, SHARE_ALL);

	if (gap < GAP_LEAST_MS)
		gap = GAP_LEAST_MS;
	for (int i = 0; i < failures && i < FAILURES_MOST && gap < GAP_MOST_MS; i++)
		gap *= 2;
	return gap < GAP_MOST_MS ? gap : GAP_MOST_MS;
}

int64_t rollcall_steady(int64_t budget_calls, int64_t window_ms, int64_t tunnels)
{
	int64_t least = time_for(tunnels, budget_calls, window_ms, SHARE_STEADY);

	return least > STEADY_MS ? least : STEADY_MS;
}

/* ---- whom to ask about ---- */

/* One of ours says that it is connected to it: else there is nothing to check, and NULL. */
static struct tunnel *called(const struct world *w, const struct connector *c)
{
	struct tunnel *t = c->edge_connections > 0 ? world_tunnel(w, c->tunnel_id) : NULL;

	return t && *t->remote_id && !t->observed.gone ? t : NULL;
}

static int64_t due_ms(const struct tunnel *t, int64_t steady_ms)
{
	if (t->connections_due)
		return 1;
	return t->observed.clients_tried_ms + steady_ms;
}

/* The one that waits longest; of those that are due, the one that was tried longest ago: one that
 * always fails keeps nobody from its turn. */
static struct tunnel *choose(const struct rollcall *r, int64_t *at_ms)
{
	struct tunnel *next = NULL;
	int64_t n = 0, steady, at;

	TABLE_EACH (i, struct connector, x, &r->world->connectors)
		n += called(r->world, x) != NULL;
	steady = rollcall_steady(r->budget_calls, r->window_ms, n);
	TABLE_EACH (i, struct connector, c, &r->world->connectors) {
		struct tunnel *t = called(r->world, c);

		if (!t)
			continue;
		at = due_ms(t, steady);
		if (next &&
		    (at > *at_ms || (at == *at_ms && t->observed.clients_tried_ms >=
							     next->observed.clients_tried_ms)))
			continue;
		next = t;
		*at_ms = at;
	}
	return next;
}

/* ---- asking ---- */

static void wake_at(struct rollcall *r, int64_t at_ms)
{
	int64_t gap = rollcall_gap(r->budget_calls, r->window_ms, r->failures);
	int64_t now = clock_mono_ms();

	if (r->asked_ms && at_ms < r->asked_ms + gap)
		at_ms = r->asked_ms + gap;
	timer_start(&r->timer, at_ms > now ? at_ms - now : 0);
}

static void arm(struct rollcall *r)
{
	int64_t at_ms = 0;

	timer_stop(&r->timer);
	if (!r->calling && choose(r, &at_ms))
		wake_at(r, at_ms);
}

static bool same(const struct tunnel_connections *a, const struct tunnel_connections *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->items[i].id, b->items[i].id) != 0 ||
		    a->items[i].connections != b->items[i].connections ||
		    a->items[i].config_version != b->items[i].config_version)
			return false;
	return true;
}

/* Who only hears that it is as before looks when he wakes anyway. */
static void take(const struct rollcall *r, struct tunnel *t, struct tunnel_connections *fresh)
{
	bool news = t->observed.clients_asked_ms == 0 || !same(&t->observed.clients, fresh);

	tunnel_connections_t_cleanup(&t->observed.clients);
	t->observed.clients = *fresh;
	*fresh = (struct tunnel_connections){0};
	t->observed.clients_asked_ms = r->asked_ms;
	t->observed.clients_seen_ms = clock_wall_ms();
	t->connections_due = false;
	if (news)
		world_changed(r->world, OBJECT_TUNNEL, t->id);
}

static void answered(struct task *task, void *owner)
{
	struct rollcall *r = owner;
	struct tunnel *t = world_tunnel(r->world, r->asking);
	AUTO(tunnel_connections_t) fresh = {0};
	struct err e = task->err;

	r->calling = false;
	if (e.kind == ERR_NONE && cf_connections_read(&r->call, &fresh, &e) == 0) {
		r->failures = 0;
		if (t)
			take(r, t, &fresh);
	} else if (r->failures++ == 0) {
		log_info("who is connected to a tunnel is not known: %s", e.message);
	}
	cf_call_reset(&r->call);
	arm(r);
}

static void due(struct timer *timer, void *owner)
{
	struct rollcall *r = owner;
	int64_t at_ms = 0;
	struct tunnel *t = choose(r, &at_ms);

	(void)timer;
	if (!t || at_ms > clock_mono_ms()) {
		arm(r);
		return;
	}
	(void)str_copy(r->asking, sizeof(r->asking), t->id);
	r->asked_ms = t->observed.clients_tried_ms = clock_mono_ms();
	r->calling = true;
	cf_connections_ask(r->cf, &r->call, CF_SHARE_READS, t->remote_id, answered, r);
}

/* No search here: a thousand connectors may move at once. */
static void world_moved(struct watcher *w, enum object_type type, const char *id, void *owner)
{
	struct rollcall *r = owner;
	const struct tunnel *t = type == OBJECT_TUNNEL ? world_tunnel(r->world, id) : NULL;

	(void)w;
	if (r->calling)
		return;
	if (t ? t->connections_due : type == OBJECT_CONNECTOR && !timer_active(&r->timer))
		wake_at(r, 0);
}

/* ---- life ---- */

void rollcall_configure(struct rollcall *r, int64_t budget_calls, int64_t window_ms)
{
	r->budget_calls = budget_calls;
	r->window_ms = window_ms;
	arm(r);
}

void rollcall_start(struct rollcall *r, const struct act_context *x, int64_t budget_calls,
		    int64_t window_ms)
{
	r->loop = x->loop;
	r->cf = x->cf;
	r->world = x->world;
	timer_init(&r->timer, r->loop, due, r);
	world_watch(r->world, &r->watcher, world_moved, r);
	rollcall_configure(r, budget_calls, window_ms);
}

void rollcall_stop(struct rollcall *r)
{
	if (!r->loop)
		return;
	world_unwatch(&r->watcher);
	timer_stop(&r->timer);
	cf_call_cancel(&r->call);
	cf_call_reset(&r->call);
	r->loop = NULL;
}
