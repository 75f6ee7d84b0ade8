/* A short array: there are never many. */
#include "model/notice.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static struct notice *find(const struct notices *l, const char *key)
{
	for (size_t i = 0; i < l->n; i++)
		if (str_equal(l->items[i].key, key))
			return &l->items[i];
	return NULL;
}

const struct notice *notices_find(const struct notices *l, const char *key)
{
	return find(l, key);
}

static bool take_away(struct notices *l, struct notice *x)
{
	size_t at = x ? (size_t)(x - l->items) : 0;

	if (!x)
		return false;
	l->n--;
	memmove(x, x + 1, (l->n - at) * sizeof(*x));
	return true;
}

bool notices_put(struct notices *l, const char *key, const struct err *e, int64_t wall_ms)
{
	struct notice *x = find(l, key);

	if (!e)
		return take_away(l, x);
	if (x && str_equal(x->problem.err.message, e->message))
		return false;
	if (!x) {
		l->items = mem_grow(l->items, l->n + 1, sizeof(*l->items));
		x = &l->items[l->n++];
		memset(x, 0, sizeof(*x));
		(void)str_copy(x->key, sizeof(x->key), key);
		x->problem.since_ms = wall_ms;
		x->problem.attempts = 1;
	}
	x->problem.err = *e;
	return true;
}

void notices_free(struct notices *l)
{
	free(l->items);
	*l = (struct notices){.n = 0};
}
