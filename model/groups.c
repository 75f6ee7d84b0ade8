#include "model/groups.h"

#include <stdlib.h>
#include <string.h>

/* So many names are looked for one by one before all records are put into a map. */
#define FEW 32

/* ---- by tunnel ---- */

static struct group *find(struct groups *x, const char *tunnel_id)
{
	if (x->last && strcmp(x->last->tunnel->id, tunnel_id) == 0)
		return x->last;
	struct group *g = map_get(&x->by_id, tunnel_id);

	if (g)
		x->last = g;
	return g;
}

static struct members *members_of(struct group *g, size_t at)
{
	return (struct members *)(void *)((char *)g + at);
}

/* Where each group's members begin, once they are counted. */
static void deal_places(struct groups *x, size_t n_groups, size_t members, void **places)
{
	for (size_t i = 0; i < n_groups; i++) {
		struct members *m = members_of(&x->items[i], members);

		m->items = places;
		places += m->n;
		m->n = 0;
	}
}

/* The members of all groups, one group's behind the other's. tunnel_id and members: where those
 * stand in an object and in a group. */
static void **fill(struct groups *x, size_t n_groups, const struct table *from, size_t tunnel_id,
		   size_t members)
{
	if (!from->n)
		return NULL;
	struct group **owners = mem_array(from->n, sizeof(struct group *));
	void **places = mem_array(from->n, sizeof(*places));

	for (size_t i = 0; i < from->n; i++) {
		owners[i] = find(x, (const char *)from->items[i] + tunnel_id);
		if (owners[i])
			members_of(owners[i], members)->n++;
	}
	deal_places(x, n_groups, members, places);
	for (size_t i = 0; i < from->n; i++) {
		struct members *m = owners[i] ? members_of(owners[i], members) : NULL;

		if (m)
			m->items[m->n++] = from->items[i];
	}
	free(owners);
	return places;
}

static void fill_all(struct groups *x, size_t n)
{
	x->routes = fill(x, n, &x->w->routes, offsetof(struct route, tunnel_id),
			 offsetof(struct group, routes));
	x->connectors = fill(x, n, &x->w->connectors, offsetof(struct connector, tunnel_id),
			     offsetof(struct group, connectors));
}

static void begin(struct groups *x, const struct world *w, size_t n)
{
	*x = (struct groups){.w = w};
	x->by_id.borrows = x->names.borrows = true;
	x->unsettled.borrows = x->kept.borrows = true;
	x->items = mem_array(n + 1, sizeof(*x->items));
}

void groups_of_all(struct groups *x, const struct world *w)
{
	begin(x, w, w->tunnels.n);
	TABLE_EACH (i, struct tunnel, t, &w->tunnels) {
		x->items[i].tunnel = t;
		(void)map_set(&x->by_id, t->id, &x->items[i]);
	}
	fill_all(x, w->tunnels.n);
}

void groups_of_one(struct groups *x, const struct world *w, const char *tunnel_id)
{
	const struct tunnel *t = *tunnel_id ? world_tunnel(w, tunnel_id) : NULL;

	begin(x, w, 1);
	if (!t)
		return;
	x->items->tunnel = t;
	x->last = x->items;
	fill_all(x, 1);
}

void groups_t_cleanup(groups_t *x)
{
	map_free(&x->by_id);
	map_free(&x->names);
	free(x->next);
	map_free(&x->unsettled);
	map_free(&x->kept);
	free(x->items);
	free(x->routes);
	free(x->connectors);
	*x = (struct groups){.w = NULL};
}

const struct group *group_of(struct groups *x, const char *tunnel_id)
{
	static const struct group none;
	const struct group *g = find(x, tunnel_id);

	return g ? g : &none;
}

/* ---- by name ---- */

/* A place + 1, as a map holds it. */
static void *mark_of(size_t place)
{
	return (void *)(uintptr_t)(place + 1);
}

/* From the end, so that each finds the one behind it. */
static void map_names(struct groups *x)
{
	const struct table *all = &x->w->records;

	x->next = mem_array(all->n + 1, sizeof(*x->next));
	for (size_t i = all->n; i-- > 0;) {
		const struct record *r = all->items[i];

		x->next[i] = (uint32_t)(uintptr_t)map_set(&x->names, r->name, mark_of(i));
	}
}

static size_t next_named(const struct groups *x, const char *name, size_t from)
{
	const struct table *all = &x->w->records;

	if (x->next)
		return from ? x->next[from - 1] : (size_t)(uintptr_t)map_get(&x->names, name);
	for (size_t i = from; i < all->n; i++)
		if (str_equal(((const struct record *)all->items[i])->name, name))
			return i + 1;
	return 0;
}

struct record *groups_named(struct groups *x, const char *name, size_t *at)
{
	if (!*at && !x->next && x->names_asked++ == FEW)
		map_names(x);
	*at = next_named(x, name, *at);
	return *at ? x->w->records.items[*at - 1] : NULL;
}

const struct record *groups_record(struct groups *x, const char *hostname)
{
	const struct record *r;

	for (size_t at = 0; (r = groups_named(x, hostname, &at)) != NULL;)
		if (str_equal(r->type, "CNAME"))
			return r;
	return NULL;
}

const struct record *groups_unsettled(struct groups *x, const char *hostname)
{
	const struct tunnel *near = NULL;

	if (!x->unsettled_known)
		TABLE_EACH (i, struct record, r, &x->w->records) {
			if (!*r->tunnel_id)
				continue;
			if (!near || strcmp(near->id, r->tunnel_id) != 0)
				near = world_tunnel(x->w, r->tunnel_id);
			if (!record_converged_near(x->w, r, near, NULL))
				(void)map_set(&x->unsettled, r->name, r);
		}
	x->unsettled_known = true;
	return map_get(&x->unsettled, hostname);
}

static void map_kept(struct groups *x)
{
	const struct table *all = &x->w->tunnels;
	const struct map_entry *name;

	for (size_t i = all->n; i-- > 0;) {
		const struct tunnel *t = all->items[i];

		for (size_t k = 0; (name = map_next(&t->observed.config_keeps, &k)) != NULL;)
			(void)map_set(&x->kept, name->key, &all->items[i]);
	}
}

size_t groups_keeper(struct groups *x, const char *hostname)
{
	const struct table *all = &x->w->tunnels;

	if (!x->kept_known)
		map_kept(x);
	x->kept_known = true;
	void *const *at = map_get(&x->kept, hostname);

	return at ? (size_t)(at - all->items) : all->n;
}
