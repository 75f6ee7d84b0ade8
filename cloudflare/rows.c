/*
 * Rows of listings. The order of the rows hardly changes from one listing to the next: the row
 * behind the last one that was known is expected, and where another stands, its id tells which one
 * it may be. Both are guesses; base/json compares all bytes before it believes one.
 */
#include "cloudflare/rows.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define ID_MAX 64
#define LIKELY 64 /* bytes by which a row is recognised: they hold its id */

struct cf_rows *cf_rows_ref(struct cf_rows *r)
{
	if (r)
		r->refs++;
	return r;
}

struct cf_rows *cf_rows_new(const struct cf_family *family, struct cf_rows *before)
{
	struct cf_rows *r = mem_alloc(sizeof(*r));

	assert(!before || before->family == family);
	assert(!family || family->n_members <= CF_MEMBERS_MAX);
	r->family = family;
	r->by_id.borrows = true;
	r->before = cf_rows_ref(before);
	return cf_rows_ref(r);
}

static void row_free(struct cf_row *row)
{
	json_doc_free(row->doc);
	free(row->own_id);
	if (row->decoded && --row->decoded->refs == 0)
		free(row->decoded);
}

void cf_rows_unref(struct cf_rows *r)
{
	if (!r || --r->refs > 0)
		return;
	map_free(&r->by_id);
	for (size_t i = 0; i < r->n; i++)
		row_free(&r->items[i]);
	for (size_t i = 0; i < r->n_texts; i++)
		free(r->texts[i]);
	free(r->texts);
	free(r->items);
	json_doc_free(r->scratch);
	json_rows_free(&r->page);
	cf_rows_unref(r->before);
	free(r);
}

/* ---- which row it may be ---- */

/* Rows begin with their id. Whatever else is made of it here is only a guess. */
static const struct cf_row *guess_by_id(const struct cf_rows *r, const char *p, size_t left)
{
	static const char start[] = "{\"id\":\"";
	char id[ID_MAX];
	size_t skip = sizeof(start) - 1;

	if (left < skip || memcmp(p, start, skip) != 0)
		return NULL;
	size_t most = left - skip < sizeof(id) ? left - skip : sizeof(id);
	const char *end = memchr(p + skip, '"', most);
	if (!end)
		return NULL;
	size_t len = (size_t)(end - (p + skip));
	memcpy(id, p + skip, len);
	id[len] = '\0';
	return cf_rows_find(r, id);
}

static bool may_stand_at(const struct cf_row *row, const char *p, size_t left)
{
	size_t n = row->text.len < LIKELY ? row->text.len : LIKELY;

	return n <= left && memcmp(row->text.p, p, n) == 0;
}

static const struct json_span *row_known(const char *p, size_t left, void *owner)
{
	struct cf_rows *r = owner;
	const struct cf_rows *before = r->before;
	const struct cf_row *row = NULL;

	if (r->expected < before->n && may_stand_at(&before->items[r->expected], p, left))
		row = &before->items[r->expected];
	else
		row = guess_by_id(before, p, left);
	if (!row || row->text.p[0] != '{')
		return NULL;
	r->expected = (size_t)(row - before->items) + 1;
	return &row->text;
}

/* ---- a page ---- */

static const char *const id_alone[] = {"id"};

int cf_rows_read(struct cf_rows *r, const struct buf *text, const struct json_limits *limits,
		 struct json_doc **doc, struct err *e)
{
	json_rows_free(&r->page);
	r->page = (struct json_rows){.key = "result",
				     .wanted = r->family ? r->family->members : id_alone,
				     .n_wanted = r->family ? r->family->n_members : 1,
				     .known = r->before ? row_known : NULL,
				     .owner = r};
	if (json_parse_rows(text->data, text->len, limits, &r->page, doc, e) == 0)
		return 0;
	json_rows_free(&r->page);
	return -1;
}

size_t cf_rows_came(const struct cf_rows *r)
{
	return r->page.n;
}

static void rows_room(struct cf_rows *r, size_t more)
{
	if (r->cap - r->n >= more)
		return;
	r->cap = r->n + more > r->cap * 2 ? r->n + more : r->cap * 2;
	r->items = mem_grow(r->items, r->cap, sizeof(r->items[0]));
}

static struct cf_row *row_add(struct cf_rows *r)
{
	r->items[r->n] = (struct cf_row){.id = NULL};
	return &r->items[r->n++];
}

/* False when another row has that id. */
static bool row_identify(struct cf_rows *r, struct cf_row *row, const char *id)
{
	if (!row->decoded)
		row->own_id = str_dup(id);
	row->id = row->decoded ? row->decoded->id : row->own_id;
	return !row->id || !map_set(&r->by_id, row->id, (void *)(uintptr_t)r->n);
}

static bool take_known(struct cf_rows *r, struct cf_row *row, const struct json_span *same)
{
	const struct cf_row *before = (const struct cf_row *)(const void *)same;

	row->decoded = before->decoded;
	if (row->decoded)
		row->decoded->refs++;
	return row_identify(r, row, before->id);
}

static bool take_new(struct cf_rows *r, struct cf_row *row, size_t i)
{
	const struct json *members[CF_MEMBERS_MAX];

	json_row_read(&r->page, i, &r->scratch, members);
	row->decoded = r->family ? r->family->decode(members) : NULL;
	if (row->decoded)
		row->decoded->refs = 1;
	return row_identify(r, row, json_string(members[0]));
}

bool cf_rows_take(struct cf_rows *r, struct buf *text)
{
	bool once = true;

	rows_room(r, r->page.n);
	for (size_t i = 0; i < r->page.n && once; i++) {
		const struct json_row *came = &r->page.items[i];
		struct cf_row *row = row_add(r);

		row->text = came->text;
		once = came->same ? take_known(r, row, came->same) : take_new(r, row, i);
	}
	json_rows_free(&r->page);
	r->texts = mem_grow(r->texts, r->n_texts + 1, sizeof(r->texts[0]));
	r->texts[r->n_texts++] = buf_steal(text);
	return once;
}

void cf_rows_complete(struct cf_rows *r)
{
	cf_rows_unref(steal(&r->before));
	json_doc_free(steal(&r->scratch));
}

void cf_rows_rest(struct cf_rows *r)
{
	for (size_t i = 0; i < r->n; i++)
		json_doc_free(steal(&r->items[i].doc));
}

size_t cf_rows_size(const struct cf_rows *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		n += r->items[i].text.len;
	return n;
}

/* ---- one row ---- */

struct cf_row *cf_rows_find(const struct cf_rows *r, const char *id)
{
	size_t place = (size_t)(uintptr_t)map_get(&r->by_id, id);

	return place ? &r->items[place - 1] : NULL;
}

const struct json *cf_row_json(struct cf_row *row)
{
	/* The limits of its page held for it as well. */
	static const struct json_limits any = {.max_bytes = SIZE_MAX};
	struct err e;

	if (!row->doc && json_parse(row->text.p, row->text.len, &any, &row->doc, &e) < 0)
		return NULL;
	return json_root(row->doc);
}

/* ---- the last listings ---- */

static size_t shelf_place(const struct cf_shelf *s, const char *path)
{
	size_t i = 0;

	while (i < s->n && !str_equal(s->items[i].path, path))
		i++;
	return i;
}

static void shelf_drop(struct cf_shelf *s, size_t i)
{
	free(s->items[i].path);
	cf_rows_unref(s->items[i].rows);
	s->n--;
	memmove(&s->items[i], &s->items[i + 1], (s->n - i) * sizeof(s->items[0]));
}

static size_t shelf_size(const struct cf_shelf *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += cf_rows_size(s->items[i].rows);
	return n;
}

struct cf_rows *cf_shelf_find(const struct cf_shelf *s, const char *path)
{
	size_t i = shelf_place(s, path);

	return i < s->n ? s->items[i].rows : NULL;
}

void cf_shelf_put(struct cf_shelf *s, const char *path, struct cf_rows *rows)
{
	size_t i = shelf_place(s, path);

	if (i < s->n)
		shelf_drop(s, i);
	if (s->n == CF_SHELF_LISTINGS)
		shelf_drop(s, 0);
	s->items[s->n].path = str_dup(path);
	s->items[s->n++].rows = cf_rows_ref(rows);
	while (shelf_size(s) > CF_SHELF_BYTES)
		shelf_drop(s, 0);
}

void cf_shelf_free(struct cf_shelf *s)
{
	while (s->n > 0)
		shelf_drop(s, 0);
}
