#include "reconcile/batch.h"

#include <stdlib.h>
#include <string.h>

#include "cloudflare/records.h"
#include "reconcile/record_write.h"

static void group_free(struct batch_group *g)
{
	free(g->members);
	*g = (struct batch_group){.kind = BATCH_NONE};
}

void batch_groups_t_cleanup(batch_groups_t *g)
{
	for (size_t i = 0; i < g->n; i++)
		group_free(&g->items[i]);
	free(g->items);
	*g = (struct batch_groups){NULL, 0};
}

static enum batch_kind kind_of(const struct action *a)
{
	if (write_kind(a->kind))
		return BATCH_WRITES;
	return a->kind == ACT_RECORD_FIND || a->kind == ACT_RECORD_READ ? BATCH_LOOKS : BATCH_NONE;
}

static const struct zone *zone_of(const struct world *w, const struct record *r)
{
	if (!r)
		return NULL;
	return r->zone_id[0] ? world_zone(w, r->zone_id) : world_zone_of(w, r->name);
}

static size_t steps_of(const struct world *w, const struct action *a)
{
	const struct record *r = world_record(w, a->object_id);
	return a->kind == ACT_RECORD_REPLACE && r ? r->observed.taking.n + 2 : 1;
}

static struct batch_group *group_new(struct batch_groups *gs, enum batch_kind kind,
				     const char *zone_id)
{
	gs->items = mem_grow(gs->items, gs->n + 1, sizeof(*gs->items));
	struct batch_group *g = &gs->items[gs->n++];
	*g = (struct batch_group){.kind = kind};
	(void)str_copy(g->zone_id, sizeof(g->zone_id), zone_id);
	return g;
}

static void group_add(struct batch_group *g, size_t member, size_t steps)
{
	g->members = mem_grow(g->members, g->n + 1, sizeof(*g->members));
	g->members[g->n++] = member;
	g->steps += steps;
}

/* The open group of that kind and zone in which there is room. */
static struct batch_group *group_open(struct batch_groups *gs, enum batch_kind kind,
				      const struct zone *z, size_t steps)
{
	size_t most = kind == BATCH_WRITES ? cf_batch_max(z->plan) : SIZE_MAX;
	for (size_t i = gs->n; i-- > 0;) {
		struct batch_group *g = &gs->items[i];
		if (g->kind == kind && str_equal(g->zone_id, z->id) && g->steps + steps <= most)
			return g;
	}
	return group_new(gs, kind, z->id);
}

static bool too_few(const struct batch_group *g)
{
	return g->n < (g->kind == BATCH_LOOKS ? LOOKS_TOGETHER : 2);
}

/* What found no company goes alone. */
static void take_apart(struct batch_groups *gs, size_t i)
{
	size_t n = gs->items[i].n;
	gs->items[i].kind = BATCH_NONE;
	for (size_t k = 1; k < n; k++) {
		size_t member = gs->items[i].members[k];
		group_add(group_new(gs, BATCH_NONE, ""), member, 1);
	}
	gs->items[i].n = 1;
}

static int by_first(const void *a, const void *b)
{
	const struct batch_group *x = a, *y = b;
	return (x->members[0] > y->members[0]) - (x->members[0] < y->members[0]);
}

void batch_group(const struct world *w, const struct action *actions, size_t n,
		 struct batch_groups *out)
{
	struct batch_groups alone = {NULL, 0};
	*out = (struct batch_groups){NULL, 0};
	for (size_t i = 0; i < n; i++) {
		enum batch_kind kind = kind_of(&actions[i]);
		const struct zone *z = kind == BATCH_NONE
					       ? NULL
					       : zone_of(w, world_record(w, actions[i].object_id));
		bool together = z && !(kind == BATCH_LOOKS && z->records > LISTED_MOST);
		size_t steps = together ? steps_of(w, &actions[i]) : 1;
		group_add(together ? group_open(out, kind, z, steps)
				   : group_new(&alone, BATCH_NONE, ""),
			  i, steps);
	}
	for (size_t i = 0, open = out->n; i < open; i++)
		if (too_few(&out->items[i]))
			take_apart(out, i);
	for (size_t i = 0; i < alone.n; i++) {
		out->items = mem_grow(out->items, out->n + 1, sizeof(*out->items));
		out->items[out->n++] = alone.items[i];
	}
	free(alone.items);
	if (out->n > 1)
		qsort(out->items, out->n, sizeof(*out->items), by_first);
}
