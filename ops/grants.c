#include "ops/grants.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "ops/grants_private.h"

#define LOOK_MS   (60 * 1000) /* the wall clock may be set: expiry is looked at now and then */
#define TOKEN_MAX 256

/* ---- the list ---- */

static void put(struct grants *gs, struct grant *g)
{
	g->home = gs;
	gs->items = mem_grow(gs->items, gs->n + 1, sizeof(*gs->items));
	gs->items[gs->n++] = g;
	if (g->damage)
		log_error("grant %s gives nothing, since its row is damaged: %s", g->name,
			  g->damage);
}

void grants_take_out(struct grants *gs, const struct grant *g)
{
	size_t at = 0;
	while (at < gs->n && gs->items[at] != g)
		at++;
	if (at == gs->n)
		return;
	memmove(gs->items + at, gs->items + at + 1, (gs->n - at - 1) * sizeof(*gs->items));
	gs->n--;
}

size_t grants_all(const struct grants *gs, struct grant *const **items)
{
	*items = gs ? gs->items : NULL;
	return gs ? gs->n : 0;
}

struct grant *grants_any(const struct grants *gs, const char *name)
{
	for (size_t i = 0; gs && i < gs->n; i++)
		if (str_equal(gs->items[i]->name, name))
			return gs->items[i];
	return NULL;
}

int grant_unknown(const struct grants *gs, const char *name, struct err *e)
{
	AUTO(buf_t) names = {.limit = sizeof(e->hint) - sizeof("There are: " BUF_MORE)};
	(void)err_set(e, ERR_NOT_FOUND, "There is no grant %.64s", name);
	for (size_t i = 0; gs && i < gs->n; i++)
		buf_name(&names, gs->items[i]->name);
	if (!names.len)
		return err_hint(e, "There is none; adit grant create makes one.");
	return err_hint(e, "There are: %s%s", buf_text(&names), names.truncated ? "" : ".");
}

static bool is_alive(const struct grant *g, int64_t wall_ms)
{
	return !g->damage && wall_ms < g->expires_at_ms;
}

size_t grants_count(const struct grants *gs)
{
	size_t count = 0;
	int64_t now = clock_wall_ms();
	for (size_t i = 0; gs && i < gs->n; i++)
		count += is_alive(gs->items[i], now);
	return count;
}

static struct grant *find(const struct grants *gs, int64_t id)
{
	for (size_t i = 0; gs && i < gs->n; i++) {
		struct grant *g = gs->items[i];
		if (g->id == id && !g->damage && clock_before(g->expires_at_ms))
			return g;
	}
	return NULL;
}

const struct grant *grants_find(const struct grants *gs, int64_t id)
{
	return find(gs, id);
}

const struct grant *grants_by_name(const struct grants *gs, const char *name)
{
	const struct grant *g = grants_any(gs, name);
	return g && is_alive(g, clock_wall_ms()) ? g : NULL;
}

/* ---- tokens ---- */

/* What is too long is hashed as nothing, which is no token's hash. */
static void hash_token(const char *token, char out[SHA256_HEX_SIZE])
{
	size_t len = token ? strnlen(token, TOKEN_MAX + 1) : 0;
	sha256_hex(token ? token : "", len <= TOKEN_MAX ? len : 0, out);
}

/* All of them are compared, and all of each: time tells nothing. */
const struct grant *grants_by_token(const struct grants *gs, const char *bearer, const char *second,
				    int64_t wall_ms)
{
	char first_hash[SHA256_HEX_SIZE], second_hash[SHA256_HEX_SIZE] = "";
	const struct grant *found = NULL;
	hash_token(bearer, first_hash);
	if (second)
		hash_token(second, second_hash);
	for (size_t i = 0; gs && i < gs->n; i++) {
		const struct grant *g = gs->items[i];
		bool first = const_time_equal(g->token_sha256, first_hash, SHA256_HEX_SIZE - 1);
		bool further = const_time_equal(g->second_sha256, second_hash, SHA256_HEX_SIZE - 1);
		further &=
			second != NULL; /* the hash of a token that was taken back is empty too */
		bool fits = first & (further | !g->has_second) & is_alive(g, wall_ms);
		found = fits ? g : found;
	}
	return found;
}

int grants_spend(struct grants *gs, int64_t id, struct err *e)
{
	struct grant *g = find(gs, id);
	if (!g)
		return err_set(e, ERR_DENIED, "The grant has ended");
	if (grant_spend(g, e) < 0)
		return -1;
	g->last_used_ms = clock_wall_ms();
	g->used = true;
	return 0;
}

/* ---- watching ---- */

void grants_watch(struct grants *gs, struct grant_watch *w)
{
	list_append(&gs->watches, &w->node);
}

void grants_unwatch(struct grant_watch *w)
{
	if (w->node.next)
		list_remove(&w->node);
}

/* ---- when they were used: now and then, since nothing hangs on it ---- */

static int save_used(const struct grants *gs, struct err *e)
{
	for (size_t i = 0; i < gs->n; i++)
		if (gs->items[i]->used && store_set_grant_used(gs->ops->store, gs->items[i]->id,
							       gs->items[i]->last_used_ms, e) < 0)
			return -1;
	return 0;
}

static void keep_used(struct grants *gs)
{
	struct store *s = gs->ops->store;
	struct err e;
	bool any = false;
	for (size_t i = 0; i < gs->n; i++)
		any |= gs->items[i]->used;
	if (!any || !s || store_disk(s) != STORE_DISK_FINE || store_begin(s, &e) < 0)
		return;
	if (save_used(gs, &e) < 0 || store_commit(s, &e) < 0) {
		store_rollback(s);
		return;
	}
	for (size_t i = 0; i < gs->n; i++)
		gs->items[i]->used = false;
}

/* ---- expiry ---- */

static void wait_on(struct grants *gs)
{
	int64_t now = clock_wall_ms(), delay = LOOK_MS;
	for (size_t i = 0; i < gs->n; i++) {
		int64_t left = gs->items[i]->expires_at_ms - now;
		if (left < delay)
			delay = left > 0 ? left : 0;
	}
	timer_start(&gs->timer, delay);
}

static struct grant *one_expired(const struct grants *gs)
{
	int64_t now = clock_wall_ms();
	for (size_t i = 0; i < gs->n; i++)
		if (now >= gs->items[i]->expires_at_ms)
			return gs->items[i];
	return NULL;
}

static void end_expired(struct grants *gs)
{
	struct grant *g;
	struct err e;
	while ((g = one_expired(gs))) {
		AUTO(str_t) name = str_dup(g->name);
		if (!grants_end(gs, g, GRANT_EXPIRED, NULL, NULL, &e))
			log_warning("grant %s has expired; its row goes later: %s", name,
				    e.message);
	}
}

static void looked(struct timer *t, void *owner)
{
	struct grants *gs = owner;
	(void)t;
	end_expired(gs);
	keep_used(gs);
	wait_on(gs);
}

/* ---- loading ---- */

void grants_add(struct grants *gs, const struct grant_row *row)
{
	put(gs, grant_of_row(row));
	wait_on(gs);
}

void grants_set_second(struct grant *g, const char *sha256)
{
	g->has_second = true;
	(void)str_copy(g->second_sha256, sizeof(g->second_sha256), sha256);
}

/* One that was ended while there was no writing to the store is not taken back. */
static void load_rows(struct grants *gs)
{
	struct grant_row *rows = NULL;
	size_t n = 0;
	struct err e;
	if (store_list_grants(gs->ops->store, &rows, &n, &e) < 0) {
		log_error("grants cannot be read, so there are none: %s", e.message);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		put(gs, grant_of_row(&rows[i]));
		grant_row_free(&rows[i]);
	}
	free(rows);
}

void grants_load(struct grants *gs)
{
	if (gs->loaded || !gs->ops->store)
		return;
	gs->loaded = true;
	load_rows(gs);
	grants_read_freeze(gs);
	end_expired(gs);
	wait_on(gs);
}

struct grants *grants_new(struct ops *o)
{
	struct grants *gs = mem_alloc(sizeof(*gs));
	gs->ops = o;
	list_init(&gs->watches);
	timer_init(&gs->timer, o->loop, looked, gs);
	grants_load(gs);
	return gs;
}

void grants_free(struct grants *gs)
{
	if (!gs)
		return;
	keep_used(gs);
	timer_stop(&gs->timer);
	grants_forget_ended(gs);
	while (gs->n)
		grant_free(gs->items[--gs->n]);
	free(gs->items);
	free(gs->freeze.by);
	free(gs->freeze.why);
	free(gs);
}
