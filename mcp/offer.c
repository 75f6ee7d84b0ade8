#include "mcp/offer.h"

#include <stdlib.h>
#include <string.h>

#include "ops/sight.h"

#define PLANS_MAX 200

struct offering {
	const char *begun;
	struct strlist found;
};

static void offer_one(struct offering *f, const char *value)
{
	if (value && strncasecmp(value, f->begun, strlen(f->begun)) == 0)
		strlist_add(&f->found, value);
}

static void offer_hosts(struct offering *f, const struct world *w)
{
	TABLE_EACH (i, struct route, r, &w->routes)
		offer_one(f, r->hostname);
}

static void offer_tunnels(struct offering *f, const struct world *w)
{
	TABLE_EACH (i, struct tunnel, t, &w->tunnels)
		offer_one(f, t->name);
}

static void offer_zones(struct offering *f, const struct world *w)
{
	TABLE_EACH (i, struct zone, z, &w->zones)
		offer_one(f, z->name);
}

/* Those that wait: of the others there are too many to choose from. */
static void offer_plans(struct offering *f, struct ops *o, const struct principal *who)
{
	struct plan **plans = NULL;
	size_t n = 0;
	struct err e;
	if (!o->store ||
	    store_list_plans(o->store, PLAN_NEEDS_APPROVAL, 0, PLANS_MAX, &plans, &n, &e) < 0)
		return;
	for (size_t i = 0; i < n; i++) {
		AUTO(str_t) id = str_format("p%lld", (long long)plans[i]->number);
		if (sight_plan(o, who, plans[i]))
			offer_one(f, id);
		plan_free(plans[i]);
	}
	free(plans);
}

static void offer_operations(struct offering *f, const struct principal *who)
{
	for (size_t i = 0; op_at(i); i++)
		if (principal_policy(who, op_at(i)) == POLICY_NONE)
			offer_one(f, op_at(i)->name);
}

static void offer_all(struct offering *f, struct ops *o, const struct principal *who,
		      enum offer what)
{
	const struct world *w = sight_world(o, who);
	switch (what) {
	case OFFER_HOST:
		if (principal_sees(who, OBJECT_ROUTE))
			offer_hosts(f, w);
		break;
	case OFFER_TUNNEL:
		if (principal_sees(who, OBJECT_TUNNEL))
			offer_tunnels(f, w);
		break;
	case OFFER_ZONE:
		if (principal_sees(who, OBJECT_ZONE))
			offer_zones(f, w);
		break;
	case OFFER_PLAN:
		if (principal_sees(who, OBJECT_PLAN))
			offer_plans(f, o, who);
		break;
	case OFFER_OPERATION:
		offer_operations(f, who);
		break;
	case OFFER_NONE:
	case OFFER_UNKNOWN:
	case OFFER_UNKNOWN_ARGUMENT:
		break;
	}
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

size_t offer_values(struct ops *o, const struct principal *who, enum offer what, const char *begun,
		    struct strlist *out)
{
	struct offering f = {.begun = begun};
	size_t n = 0;
	offer_all(&f, o, who, what);
	if (f.found.n)
		qsort(f.found.items, f.found.n, sizeof(*f.found.items), by_text);
	for (size_t i = 0; i < f.found.n; i++) {
		if (i > 0 && str_equal(f.found.items[i], f.found.items[i - 1]))
			continue;
		if (n++ < OFFERED_MAX)
			strlist_add(out, f.found.items[i]);
	}
	strlist_free(&f.found);
	return n;
}
