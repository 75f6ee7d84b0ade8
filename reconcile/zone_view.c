#include "reconcile/zone_view.h"

#include <stdlib.h>
#include <strings.h>

void zone_view_t_cleanup(zone_view_t *v)
{
	free(v->rows);
	*v = (struct zone_view){NULL, 0};
}

struct reading {
	struct zone_view *view;
	size_t cap;
	struct err *e;
};

static int add_row(const struct cf_record *r, const struct err *why, void *owner)
{
	struct reading *x = owner;
	struct zone_view *v = x->view;
	if (!r) {
		*x->e = *why;
		return -1;
	}
	if (v->n == x->cap) {
		x->cap = x->cap ? x->cap * 2 : 16;
		v->rows = mem_grow(v->rows, x->cap, sizeof(*v->rows));
	}
	v->rows[v->n++] = *r;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct cf_record *x = a, *y = b;
	return strcasecmp(x->name, y->name);
}

static int finish(struct zone_view *v, int rc)
{
	if (rc != 0)
		zone_view_t_cleanup(v);
	else if (v->n > 1)
		qsort(v->rows, v->n, sizeof(*v->rows), by_name);
	return rc != 0 ? -1 : 0;
}

int zone_view_read(const struct json *rows, struct zone_view *out, struct err *e)
{
	struct reading x = {.view = out, .e = e};
	struct cf_record r;
	struct err why;
	int rc = 0;
	JSON_EACH (row, rows)
		if (rc == 0)
			rc = add_row(cf_record_read(row, &r, &why) < 0 ? NULL : &r, &why, &x);
	return finish(out, rc);
}

int zone_view_read_page(const struct cf_page *page, struct zone_view *out, struct err *e)
{
	struct reading x = {.view = out, .e = e};
	return finish(out, cf_record_each(page, add_row, &x));
}

const struct cf_record *zone_view_name(const struct zone_view *v, const char *name, size_t *n)
{
	size_t low = 0, high = v->n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (strcasecmp(v->rows[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*n = 0;
	while (low + *n < v->n && strcasecmp(v->rows[low + *n].name, name) == 0)
		++*n;
	return *n ? &v->rows[low] : NULL;
}
