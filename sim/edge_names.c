/* Where the edge knows a name to lead. What the API changes reaches it after the lag that a test
 * ordered, counted from the first visitor that it concerns. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "sim/edge_private.h"

struct edge_name {
	char tunnel[UUID_SIZE]; /* "" = none */
	bool known;
	int64_t changed_ms; /* mono: it leads elsewhere since; 0 = it does not */
};

static void take(struct edge_name *x, const char *tunnel, bool known)
{
	(void)str_copy(x->tunnel, sizeof(x->tunnel), tunnel);
	x->known = known;
	x->changed_ms = 0;
}

static struct edge_name *name_of(struct edge *e, const char *host, const char *tunnel, bool known)
{
	struct edge_name *x = map_get(&e->names, host);

	if (!x && known) {
		x = mem_alloc(sizeof(*x));
		take(x, tunnel, known);
		map_set(&e->names, host, x);
	}
	return x;
}

const char *edge_tunnel_of(struct edge *e, const char *host, bool *known)
{
	const char *tunnel = cloud_edge_tunnel_of(e->cloud, host, known);
	struct edge_name *x = name_of(e, host, tunnel, *known);

	if (!x)
		return tunnel;
	if (x->known == *known && str_equal(x->tunnel, tunnel))
		x->changed_ms = 0;
	else if (!x->changed_ms)
		x->changed_ms = clock_mono_ms();
	if (!x->changed_ms || clock_mono_ms() - x->changed_ms >= e->record_lag_ms)
		take(x, tunnel, *known);
	*known = x->known;
	return x->tunnel;
}

void edge_names_free(struct edge *e)
{
	const struct map_entry *x;
	size_t i = 0;

	while ((x = map_next(&e->names, &i)) != NULL)
		free(x->value);
	map_free(&e->names);
}
