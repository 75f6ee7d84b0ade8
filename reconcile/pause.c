#include "reconcile/pause.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#define KEPT           "pause"
#define WORTH_WHILE_MS 1000 /* a pause that ends so much later is kept anew */

struct pause {
	struct world *world;
	struct store *store;
	struct cf *cf;
	struct watcher watcher;
	struct deferred look;
	int64_t kept_until_ms; /* wall */
};

int64_t pause_left(int64_t said_ms, int64_t until_ms, int64_t wall_ms)
{
	int64_t most = until_ms - said_ms, left = until_ms - wall_ms;

	if (said_ms <= 0 || most <= 0 || left <= 0)
		return 0;
	most = most < PAUSE_MOST_MS ? most : PAUSE_MOST_MS;
	return left < most ? left : most;
}

/* "<when it was said> <until when> <mark of the token>" */
static void keep(struct pause *p, int64_t until_ms)
{
	char mark[SHA256_HEX_SIZE];
	struct err e;

	cf_token_mark(p->cf, p->world->system.install, mark);
	AUTO(str_t)
	text = str_format("%lld %lld %s", (long long)clock_wall_ms(), (long long)until_ms, mark);
	p->kept_until_ms = until_ms;
	if (store_begin(p->store, &e) == 0) {
		if (store_set_meta(p->store, KEPT, text, &e) == 0 &&
		    store_commit(p->store, &e) == 0)
			return;
		store_rollback(p->store);
	}
	log_debug("that Cloudflare said to wait is not kept: %s", e.message);
}

static void recall(struct pause *p)
{
	AUTO(str_t) text = store_get_meta(p->store, KEPT);
	char mark[SHA256_HEX_SIZE], *rest = text;

	cf_token_mark(p->cf, p->world->system.install, mark);
	int64_t said = text ? strtoll(text, &rest, 10) : 0,
		until = text ? strtoll(rest, &rest, 10) : 0;
	if (!text || !mark[0] || *rest != ' ' || !str_equal(rest + 1, mark))
		return;
	int64_t left = pause_left(said, until, clock_wall_ms());
	if (!left)
		return;
	p->kept_until_ms = clock_wall_ms() + left;
	log_info("Cloudflare said before the start to wait: calls go on in %lld s",
		 (long long)(left + 999) / 1000);
	cf_pause(p->cf, left);
}

static void look(struct deferred *d, void *owner)
{
	struct pause *p = owner;
	int64_t until = p->world->system.paused_until_ms;

	(void)d;
	if (until > clock_wall_ms() && until > p->kept_until_ms + WORTH_WHILE_MS)
		keep(p, until);
}

static void world_moved(struct watcher *w, enum object_type type, const char *id, void *owner)
{
	struct pause *p = owner;

	(void)w;
	(void)id;
	if (type == OBJECT_SYSTEM)
		deferred_start(&p->look);
}

struct pause *pause_new(struct loop *l, struct world *w, struct store *s, struct cf *cf)
{
	struct pause *p = mem_alloc(sizeof(*p));

	p->world = w;
	p->store = s;
	p->cf = cf;
	deferred_init(&p->look, l, look, p);
	world_watch(w, &p->watcher, world_moved, p);
	recall(p);
	return p;
}

void pause_free(struct pause *p)
{
	if (!p)
		return;
	world_unwatch(&p->watcher);
	deferred_stop(&p->look);
	free(p);
}
