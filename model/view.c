#include "model/view.h"

#include <stdlib.h>

struct pair {
	struct table *to;
	const struct table *from;
	enum object_type type;
};

static void table_clear(struct table *t)
{
	free(t->items);
	map_free(&t->by_id);
	*t = (struct table){0};
}

/* Every object begins with its id, as the tables of the world have it. */
static void table_fill(const struct pair *p, view_keeps_fn *keeps, void *owner)
{
	table_clear(p->to);
	p->to->items = mem_array(p->from->n + 1, sizeof(*p->to->items));
	p->to->cap = p->from->n + 1;
	p->to->by_id.borrows = true;
	for (size_t i = 0; i < p->from->n; i++) {
		void *object = p->from->items[i];
		if (!keeps(p->type, object, owner))
			continue;
		p->to->items[p->to->n++] = object;
		(void)map_set(&p->to->by_id, object, object);
	}
}

void view_facts(struct world *view, const struct world *of)
{
	view->system = of->system;
	view->system.notices = (struct notices){0};
	view->revision = of->revision;
	view->sequence = of->sequence;
}

void view_fill(struct world *view, const struct world *of, view_keeps_fn *keeps, void *owner)
{
	const struct pair pairs[] = {
		{&view->routes, &of->routes, OBJECT_ROUTE},
		{&view->records, &of->records, OBJECT_RECORD},
		{&view->zones, &of->zones, OBJECT_ZONE},
		{&view->tunnels, &of->tunnels, OBJECT_TUNNEL},
		{&view->connectors, &of->connectors, OBJECT_CONNECTOR},
	};
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		table_fill(&pairs[i], keeps, owner);
	view_facts(view, of);
}

void view_free(struct world *view)
{
	table_clear(&view->tunnels);
	table_clear(&view->routes);
	table_clear(&view->records);
	table_clear(&view->connectors);
	table_clear(&view->zones);
	*view = (struct world){0};
}
