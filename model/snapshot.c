/* Desired state from edits: kept in the order of ids, since it is searched more than it changes. */
#include "model/snapshot.h"

#include <stdlib.h>
#include <string.h>

/* Far above what an account can hold; keeps a damaged row from costing memory. */
enum { SNAPSHOT_ITEMS_MAX = 100000 };

/* Said or not said, it is the same. */
enum { TTL_AUTOMATIC = 1 };

void snapshot_t_cleanup(snapshot_t *s)
{
	for (size_t i = 0; i < s->n; i++)
		edit_clear(&s->items[i]);
	free(s->items);
	*s = (snapshot_t){NULL, 0, 0};
}

/* Where the id stands, or would stand. */
static size_t place_of(const struct snapshot *s, const char *id)
{
	size_t low = 0, high = s->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(s->items[middle].id, id) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool stands_at(const struct snapshot *s, size_t place, const char *id)
{
	return place < s->n && strcmp(s->items[place].id, id) == 0;
}

const struct edit *snapshot_find(const struct snapshot *s, const char *id)
{
	size_t place = place_of(s, id);

	return stands_at(s, place, id) ? &s->items[place] : NULL;
}

/* What an edit did once is no part of what is wanted. */
static void forget_once(struct edit *d)
{
	str_set(&d->remote_id, NULL);
	str_set(&d->zone_id, NULL);
	str_set(&d->takes, NULL);
	str_set(&d->others, NULL);
	d->convert = d->anew = d->rotate = false;
	str_set(&d->seen, NULL);
	d->overwrites = 0;
}

static void put(struct snapshot *s, const struct edit *d)
{
	size_t place = place_of(s, d->id);

	if (stands_at(s, place, d->id)) {
		edit_clear(&s->items[place]);
	} else {
		if (s->n == s->cap) {
			s->cap = s->cap ? 2 * s->cap : 16;
			s->items = mem_grow(s->items, s->cap, sizeof(*s->items));
		}
		memmove(&s->items[place + 1], &s->items[place], (s->n - place) * sizeof(*s->items));
		s->n++;
	}
	edit_copy(&s->items[place], d);
	if (d->ttl == TTL_AUTOMATIC)
		s->items[place].ttl = 0;
	forget_once(&s->items[place]);
}

static void drop(struct snapshot *s, const char *id)
{
	size_t place = place_of(s, id);

	if (!stands_at(s, place, id))
		return;
	edit_clear(&s->items[place]);
	s->n--;
	memmove(&s->items[place], &s->items[place + 1], (s->n - place) * sizeof(*s->items));
}

void snapshot_apply(struct snapshot *s, const struct edit *d)
{
	switch (d->kind) {
	case EDIT_TUNNEL_PUT:
	case EDIT_ROUTE_PUT:
	case EDIT_RECORD_PUT:
		put(s, d);
		break;
	case EDIT_TUNNEL_DROP:
	case EDIT_TUNNEL_RELEASE:
	case EDIT_ROUTE_DROP:
	case EDIT_ROUTE_RELEASE:
	case EDIT_RECORD_DROP:
	case EDIT_RECORD_RELEASE:
		drop(s, d->id);
		break;
	case EDIT_CONNECTOR_STOP:
	case EDIT_CONNECTOR_START:
	case EDIT_KINDS:
		break;
	}
}

/* ---- text ---- */

void snapshot_write(const struct snapshot *s, struct buf *out)
{
	struct json_writer w;

	json_write_init(&w, out);
	json_array_begin(&w);
	for (size_t i = 0; i < s->n; i++)
		edit_write(&s->items[i], &w);
	json_array_end(&w);
}

static int apply_text(struct snapshot *s, const struct json *v, struct err *e)
{
	struct edit d;

	if (edit_read(&d, v, e) < 0)
		return -1;
	snapshot_apply(s, &d);
	edit_clear(&d);
	return 0;
}

int snapshot_read(struct snapshot *s, const char *text, size_t len, struct err *e)
{
	AUTO(json_doc_t) doc = NULL;

	if (json_parse(text, len, NULL, &doc, e) < 0)
		return -1;
	if (json_type(json_root(doc)) != JSON_ARRAY ||
	    json_count(json_root(doc)) > SNAPSHOT_ITEMS_MAX)
		return err_set(e, ERR_INVALID, "the edits are no list, or too many");
	JSON_EACH (v, json_root(doc))
		if (apply_text(s, v, e) < 0)
			return -1;
	return 0;
}

/* ---- the same object under another id ---- */

static int compare_ids(const void *a, const void *b)
{
	return strcmp(((const struct edit *)a)->id, ((const struct edit *)b)->id);
}

/* The order is lost until sort_ids. */
static void rename_item(struct snapshot *s, struct edit *d, const char *id)
{
	for (size_t i = 0; d->kind == EDIT_TUNNEL_PUT && i < s->n; i++)
		if (strcmp(s->items[i].tunnel_id, d->id) == 0)
			(void)str_copy(s->items[i].tunnel_id, ID_SIZE, id);
	(void)str_copy(d->id, sizeof(d->id), id);
}

static void sort_ids(struct snapshot *s)
{
	if (s->n)
		qsort(s->items, s->n, sizeof(*s->items), compare_ids);
}

static bool same_key(const struct edit *a, const struct edit *b)
{
	if (a->kind != b->kind || !str_equal(a->name, b->name))
		return false;
	if (a->kind == EDIT_ROUTE_PUT)
		return str_equal(a->path, b->path);
	return a->kind != EDIT_RECORD_PUT || str_equal(a->type, b->type);
}

/* The object of base that d was made anew as, or was before. */
static const struct edit *twin_of(const struct snapshot *s, const struct snapshot *base,
				  const struct edit *d)
{
	if (snapshot_find(base, d->id))
		return NULL;
	for (size_t i = 0; i < base->n; i++)
		if (same_key(&base->items[i], d) && !snapshot_find(s, base->items[i].id))
			return &base->items[i];
	return NULL;
}

void snapshot_align(struct snapshot *s, const struct snapshot *base, struct strlist *taken)
{
	const struct edit **twins = mem_array(s->n + 1, sizeof(const struct edit *));

	for (size_t i = 0; i < s->n; i++)
		twins[i] = twin_of(s, base, &s->items[i]);
	for (size_t i = 0; i < s->n; i++) {
		if (!twins[i])
			continue;
		if (taken && s->items[i].kind == EDIT_TUNNEL_PUT)
			strlist_add(taken, s->items[i].name);
		rename_item(s, &s->items[i], twins[i]->id);
	}
	free(twins);
	sort_ids(s);
}

void snapshot_renew(struct snapshot *s, const struct snapshot *base, choose_id_fn *choose,
		    void *owner)
{
	for (size_t i = 0; i < s->n; i++) {
		char id[ID_SIZE] = "";

		if (snapshot_find(base, s->items[i].id))
			continue;
		choose(&s->items[i], id, owner);
		rename_item(s, &s->items[i], id);
	}
	sort_ids(s);
}
