#include "ops/refresh.h"

#include <stdlib.h>

#define REFRESH_MS 30000

struct refresh {
	void (*then)(struct call *c);
	int64_t passes; /* ended before; one more is waited for */
};

static void refresh_drop(struct call *c)
{
	free(c->state);
	c->state = NULL;
}

static void refresh_end(struct call *c)
{
	struct refresh *x = c->state;
	void (*then)(struct call *) = x->then;
	world_unwatch(&c->watcher);
	deferred_stop(&c->look);
	timer_stop(&c->deadline);
	refresh_drop(c);
	c->drop_state = NULL;
	then(c);
}

static void refresh_look(struct deferred *d, void *owner)
{
	struct call *c = owner;
	const struct refresh *x = c->state;
	(void)d;
	if (x && reconciler_passes(c->ops->reconciler) >= x->passes)
		refresh_end(c);
}

static void refresh_moved(struct watcher *x, enum object_type type, const char *id, void *owner)
{
	struct call *c = owner;
	(void)x, (void)id;
	if (type == OBJECT_SYSTEM)
		deferred_start(&c->look);
}

static void refresh_late(struct timer *t, void *owner)
{
	(void)t;
	refresh_end(owner);
}

void refresh_then(struct call *c, void (*then)(struct call *c))
{
	refresh_within(c, REFRESH_MS, then);
}

void refresh_within(struct call *c, int64_t ms, void (*then)(struct call *c))
{
	struct reconciler *r = c->ops->reconciler;
	if (!r) {
		then(c);
		return;
	}
	struct refresh *x = mem_alloc(sizeof(*x));
	x->then = then;
	c->state = x;
	c->drop_state = refresh_drop;
	deferred_init(&c->look, c->ops->loop, refresh_look, c);
	world_watch(c->ops->world, &c->watcher, refresh_moved, c);
	timer_init(&c->deadline, c->ops->loop, refresh_late, c);
	timer_start(&c->deadline, ms);
	x->passes = reconciler_observe(r);
}
