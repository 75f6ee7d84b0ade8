/*
 * The history of desired state: each applied change with who, why and its edits. A revision is
 * rebuilt by adding its edits to all earlier ones, so one costs what it changed, not what there is.
 * When the oldest go, what they add up to is kept as the base that the others begin from.
 */
#include "store/private.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

/* The oldest are folded together this many at a time: a change pays for it once in a while. */
#define FOLD_EVERY 100

void revision_free(struct revision *r)
{
	free(r->principal);
	free(r->operation);
	free(r->reason);
	strlist_free(&r->objects);
	*r = (struct revision){0};
}

/* ---- writing ---- */

static void write_edits(const struct plan *p, struct buf *out)
{
	struct json_writer w;

	json_write_init(&w, out);
	json_array_begin(&w);
	for (size_t i = 0; i < p->n_edits; i++)
		edit_write(&p->edits[i], &w);
	json_array_end(&w);
}

static void name_object(struct map *seen, struct json_writer *w, const char *name)
{
	if (!name || map_get(seen, name))
		return;
	(void)map_set(seen, name, seen);
	json_write_string(w, name);
}

/* Names that the change shows, and those of what its edits put, each once. */
static void write_objects(const struct plan *p, struct buf *out)
{
	struct map seen = {0};
	struct json_writer w;

	json_write_init(&w, out);
	json_array_begin(&w);
	for (size_t i = 0; i < p->n_changes; i++)
		name_object(&seen, &w, p->changes[i].name);
	for (size_t i = 0; i < p->n_edits; i++)
		name_object(&seen, &w, p->edits[i].name);
	json_array_end(&w);
	map_free(&seen);
}

static int add_revision(struct store *s, int64_t revision, const struct plan *p, struct err *e)
{
	AUTO(buf_t) edits = {0};
	AUTO(buf_t) objects = {0};
	AUTO(query_t) q = {0};

	write_edits(p, &edits);
	write_objects(p, &objects);
	if (query_open(&q, s, SQL_REVISION_ADD, e))
		return -1;
	bind_int(&q, revision);
	bind_int(&q, clock_wall_ms());
	bind_int(&q, p->number);
	bind_text(&q, p->principal);
	bind_text(&q, buf_text(&edits));
	bind_text(&q, p->operation);
	bind_text(&q, p->reason);
	bind_int(&q, (int64_t)p->n_changes);
	bind_text(&q, buf_text(&objects));
	return query_run(&q, e);
}

static int put_base(struct store *s, int64_t number, const struct snapshot *state, struct err *e)
{
	AUTO(buf_t) objects = {0};
	AUTO(query_t) q = {0};

	snapshot_write(state, &objects);
	if (query_open(&q, s, SQL_REVISION_BASE_PUT, e))
		return -1;
	bind_int(&q, number);
	bind_text(&q, buf_text(&objects));
	return query_run(&q, e);
}

static int drop_through(struct store *s, int64_t number, struct err *e)
{
	AUTO(query_t) q = {0};

	if (query_open(&q, s, SQL_REVISION_PRUNE, e))
		return -1;
	bind_int(&q, number);
	return query_run(&q, e);
}

/* A history that cannot be read is kept as it is: no reason to refuse the change at hand. */
static int fold_through(struct store *s, int64_t number, struct err *e)
{
	AUTO(snapshot_t) state = {0};

	if (store_load_snapshot(s, number, &state, e)) {
		if (e->kind != ERR_INVALID && e->kind != ERR_NOT_FOUND)
			return -1;
		log_warning("old revisions are kept: %s", e->message);
		return 0;
	}
	if (put_base(s, number, &state, e))
		return -1;
	return drop_through(s, number, e);
}

int store_add_revision(struct store *s, int64_t revision, const struct plan *p, struct err *e)
{
	if (add_revision(s, revision, p, e))
		return -1;
	if (revision <= REVISIONS_KEPT || revision % FOLD_EVERY)
		return 0;
	return fold_through(s, revision - REVISIONS_KEPT, e);
}

/* ---- the state of a revision ---- */

static int read_base(struct store *s, int64_t *number, struct snapshot *state, struct err *e)
{
	AUTO(query_t) q = {0};
	const char *text;
	int got;

	if (query_open(&q, s, SQL_REVISION_BASE_GET, e))
		return -1;
	got = query_step(&q, e);
	if (got < 0)
		return -1;
	if (!got)
		return 0;
	*number = col_int(&q, 0);
	text = col_text(&q, 1);
	if (snapshot_read(state, text, strlen(text), e))
		return err_wrap(e, "the state of revision %lld in the store", (long long)*number);
	return 0;
}

static int newest_revision(struct store *s, int64_t *number, struct err *e)
{
	AUTO(query_t) q = {0};

	if (query_open(&q, s, SQL_REVISION_MAX, e) || query_step(&q, e) < 0)
		return -1;
	*number = col_int(&q, 0);
	return 0;
}

static int fail_gone(int64_t revision, int64_t oldest, struct err *e)
{
	err_set(e, ERR_NOT_FOUND, "Revision %lld is no longer kept", (long long)revision);
	return err_hint(e, "The oldest one that is: %lld.", (long long)oldest);
}

static int fail_ahead(int64_t revision, int64_t newest, struct err *e)
{
	err_set(e, ERR_NOT_FOUND, "There is no revision %lld", (long long)revision);
	return err_hint(e, "The desired state is at revision %lld; see adit revision list.",
			(long long)newest);
}

/* Every revision behind the base up to this one: a hole would give a state that never was. */
static int add_edits(struct store *s, int64_t base, int64_t revision, struct snapshot *state,
		     struct err *e)
{
	AUTO(query_t) q = {0};
	int64_t number = base;
	int got;

	if (query_open(&q, s, SQL_REVISION_EDITS, e))
		return -1;
	bind_int(&q, base);
	bind_int(&q, revision);
	while ((got = query_step(&q, e)) > 0) {
		const char *text = col_text(&q, 1);

		if (col_int(&q, 0) != ++number)
			break;
		if (snapshot_read(state, text, strlen(text), e))
			return err_wrap(e, "revision %lld in the store", (long long)number);
	}
	if (got < 0)
		return -1;
	if (got || number != revision)
		return err_set(e, ERR_INVALID,
			       "the store has no revision %lld, so what followed is not known",
			       (long long)(got ? number : number + 1));
	return 0;
}

int store_load_snapshot(struct store *s, int64_t revision, struct snapshot *out, struct err *e)
{
	AUTO(snapshot_t) state = {0};
	int64_t base = 0, newest = 0;

	if (newest_revision(s, &newest, e) || read_base(s, &base, &state, e))
		return -1;
	if (revision > newest)
		return fail_ahead(revision, newest, e);
	if (revision < base)
		return fail_gone(revision, base, e);
	if (add_edits(s, base, revision, &state, e))
		return -1;
	*out = state;
	state = (struct snapshot){0};
	return 0;
}

/* ---- the list ---- */

/* What cannot be read is shown without the names. */
static void read_objects(const char *text, struct strlist *objects)
{
	AUTO(json_doc_t) doc = NULL;
	struct err e;

	if (json_parse(text, strlen(text), NULL, &doc, &e))
		return;
	JSON_EACH (name, json_root(doc))
		if (json_string(name))
			strlist_add(objects, json_string(name));
}

static int read_revision(struct query *q, void *out, struct err *e)
{
	struct revision *r = out;

	(void)e;
	*r = (struct revision){
		.number = col_int(q, 0),
		.at_ms = col_int(q, 1),
		.plan = col_int(q, 2),
		.principal = col_dup(q, 3),
		.operation = col_dup(q, 4),
		.reason = col_dup(q, 5),
		.changes = col_int(q, 6),
	};
	read_objects(col_text(q, 7), &r->objects);
	return 0;
}

static void drop_revision(void *row)
{
	revision_free(row);
}

int store_list_revisions(struct store *s, int64_t before, int64_t limit, struct revision **rows,
			 size_t *n, struct err *e)
{
	static const struct rows_of kind = {sizeof(**rows), read_revision, drop_revision};
	AUTO(query_t) q = {0};
	void *found;

	if (query_open_page(&q, s, SQL_REVISION_LIST, before, limit, e) ||
	    query_rows(&q, &kind, &found, n, e))
		return -1;
	*rows = found;
	return 0;
}
