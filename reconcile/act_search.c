/*
 * The tunnel of a lost answer, which somebody renamed before it was looked for by its name: of all
 * that were made about when our POST left, the one whose token carries our secret. No other is
 * touched.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "cloudflare/tunnels.h"
#include "reconcile/act.h"

#define SKEW_MS    (10 * 60 * INT64_C(1000)) /* between Cloudflare's clock and ours */
#define TOKENS_MAX 100

struct candidate {
	char id[UUID_SIZE];
	int64_t distance; /* of when it was made from when our POST left */
};

struct search {
	struct candidate *items; /* owned */
	size_t n, next;
};

static void search_free(struct act *a)
{
	struct search *s = a->extra;
	if (!s)
		return;
	free(s->items);
	free(s);
	a->extra = NULL;
}

static struct tunnel *subject(struct act *a)
{
	return world_tunnel(a->x->world, a->action.object_id);
}

static void search_end(struct act *a)
{
	struct tunnel *t = subject(a);
	/* Its name is another's, and no other is ours: ours is not made. */
	if (t && t->observed.found_id[0]) {
		act_disown(a, t);
		return;
	}
	if (t) {
		t->observed.searched_ms = clock_wall_ms();
		world_changed(a->x->world, OBJECT_TUNNEL, t->id);
	}
	act_end(a);
}

static void search_next(struct act *a);

/* One that went away meanwhile, or whose token is no token, is not ours. */
static void token_came(struct task *task, void *owner)
{
	struct act *a = owner;
	struct search *s = a->extra;
	struct tunnel *t = subject(a);
	const char *id = s->items[s->next++].id;
	bool ours = false;
	struct err e;
	(void)task;
	if (t && a->call.absent) {
		a->calling = false;
		search_next(a);
		return;
	}
	if (act_failed(a))
		return;
	const char *token = json_string(a->call.result);
	if (t && token && act_token_is_ours(a, token, &ours, &e) < 0 && e.kind != ERR_UPSTREAM) {
		act_fail(a, &e);
		return;
	}
	if (!t || !ours)
		search_next(a);
	else
		act_claim(a, t, id);
}

static void search_next(struct act *a)
{
	struct search *s = a->extra;
	if (s->next == s->n || !subject(a)) {
		search_end(a);
		return;
	}
	cf_call_reset(&a->call);
	a->calling = true;
	cf_tunnel_token(a->x->cf, &a->call, s->items[s->next].id, token_came, a);
}

static int compare_distances(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	return (x->distance > y->distance) - (x->distance < y->distance);
}

static bool is_known(const struct world *w, const char *remote_id)
{
	TABLE_EACH (i, struct tunnel, t, &w->tunnels)
		if (str_equal(t->remote_id, remote_id))
			return true;
	return false;
}

/* What has its name was asked before. */
static bool is_refuted(struct act *a, const char *id)
{
	return str_equal(subject(a)->observed.found_id, id);
}

/* Made between our POST and when it could no longer land. What does not say when may be it. */
static int consider(const struct json *row, void *owner)
{
	struct act *a = owner;
	struct search *s = a->extra;
	int64_t sent = subject(a)->create_sent_ms;
	struct cf_tunnel found;
	struct err ignored;
	if (cf_tunnel_read(row, &found, &ignored) < 0 || found.deleted ||
	    is_known(a->x->world, found.id) || is_refuted(a, found.id))
		return 0;
	int64_t made = found.created_ms;
	if (made && (made < sent - SKEW_MS || made > sent + SETTLE_MS + SKEW_MS))
		return 0;
	s->items = mem_grow(s->items, s->n + 1, sizeof(*s->items));
	struct candidate *c = &s->items[s->n++];
	c->distance = !made ? INT64_MAX : made < sent ? sent - made : made - sent;
	(void)str_copy(c->id, UUID_SIZE, found.id);
	return 0;
}

static void tunnels_listed(struct task *task, void *owner)
{
	struct act *a = owner;
	a->paging = false;
	if (task->err.kind != ERR_NONE) {
		act_fail(a, &task->err);
		return;
	}
	if (!subject(a)) {
		act_end(a);
		return;
	}
	struct search *s = mem_alloc(sizeof(*s));
	a->extra = s;
	a->drop_extra = search_free;
	(void)cf_page_each(&a->page, consider, a);
	if (s->n)
		qsort(s->items, s->n, sizeof(*s->items), compare_distances);
	if (s->n > TOKENS_MAX) {
		log_warning("of %zu tunnels that may be a lost one only %d are asked", s->n,
			    TOKENS_MAX);
		s->n = TOKENS_MAX;
	}
	search_next(a);
}

void act_search(struct act *a)
{
	a->paging = true;
	cf_tunnel_list(a->x->cf, &a->page, CF_SHARE_RECONCILE, tunnels_listed, a);
}

act_fn *act_search_starter(enum action_kind k)
{
	return k == ACT_TUNNEL_SEARCH ? act_search : NULL;
}
