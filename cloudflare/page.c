/*
 * Page after page into one answer. What a listing may be taken for is decided here: complete and
 * without a row twice, or nothing at all, since absence is concluded from it.
 */
#include "cloudflare/page.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define RESTARTS_MAX 2
#define PAGES_SPARE  4
#define ROWS_LEAST   20 /* of a page, when the server gives less than it was asked for */

static void page_ask(struct cf_page *p);

/* ---- the rows so far ---- */

static void rows_drop(struct cf_page *p)
{
	cf_rows_unref(steal(&p->rows));
	p->n_pages = 0;
	p->count = 0;
	str_set(&p->cursor, p->cursors ? p->from : NULL);
	str_set(&p->next, NULL);
	p->page = p->from && !p->cursors ? strtoll(p->from, NULL, 10) : 1;
	p->total = -1;
}

/* Only of a family that decodes them is it worth keeping rows. */
static void rows_begin(struct cf_page *p)
{
	struct cf_rows *before = NULL;

	if (p->family)
		before = cf_shelf_find(cf_listings(p->cf), p->path);
	p->rows = cf_rows_new(p->family, before);
}

static void rows_end(struct cf_page *p)
{
	cf_rows_complete(p->rows);
	if (p->family)
		cf_shelf_put(cf_listings(p->cf), p->path, p->rows);
}

static void page_fail(struct cf_page *p)
{
	rows_drop(p);
	task_finish(&p->task);
}

/* It changed while it was read: once more from the beginning. */
static void page_restart(struct cf_page *p)
{
	if (p->restarts++ < RESTARTS_MAX) {
		rows_drop(p);
		page_ask(p);
		return;
	}
	(void)err_set(&p->task.err, ERR_UPSTREAM,
		      "Cloudflare's listing changed each of %d times while it was read",
		      RESTARTS_MAX + 1);
	(void)err_hint(&p->task.err, "Try again when fewer changes are made.");
	page_fail(p);
}

/* ---- one page ---- */

/* Counts are numbers, but strings in some families. */
static int64_t info_int(const struct json *info, const char *key)
{
	const struct json *v = json_get(info, key);
	const char *text = json_string(v);
	int64_t n;

	if (json_int(v, &n))
		return n < 0 ? -1 : n;
	if (!text || !*text || strlen(text) > 15 || text[strspn(text, "0123456789")])
		return -1;
	return strtoll(text, NULL, 10);
}

static const char *info_cursor(const struct json *info)
{
	const char *cursor = json_get_string(info, "cursor");

	if (!cursor || !*cursor)
		cursor = json_get_string(json_get(info, "cursors"), "after");
	return cursor && *cursor ? cursor : NULL;
}

static int page_refused(struct cf_page *p, const char *what)
{
	return err_set(&p->task.err, ERR_UPSTREAM, "Cloudflare's listing cannot be used: %s", what);
}

static int page_check(struct cf_page *p)
{
	const struct cf_call *c = &p->call;
	int64_t page = info_int(c->info, "page");

	if (!cf_call_listed(c) && !(p->cursors && c->doc && !c->result))
		return page_refused(p, "the result is no list");
	if (p->count + cf_rows_came(p->rows) > p->max_rows || (int64_t)p->n_pages >= p->max_pages) {
		(void)page_refused(p, "it is larger than adit takes");
		p->task.err.retryable = false;
		return -1;
	}
	if (page >= 0 && page != p->page && !p->cursor && !info_cursor(c->info))
		return page_refused(p, "another page came than the one asked for");
	return 0;
}

/* What the pages before a piece held. */
static int64_t rows_before(const struct cf_page *p)
{
	return p->from && !p->cursors ? (strtoll(p->from, NULL, 10) - 1) * p->per_page : 0;
}

enum page_next { PAGE_MORE, PAGE_LAST, PAGE_CHANGED, PAGE_SILENT };

static enum page_next page_after(struct cf_page *p, const struct json *info, size_t rows)
{
	const char *cursor = info_cursor(info);

	if (p->cursors && (!cursor || rows == 0))
		return PAGE_LAST;
	if (cursor) {
		if (str_equal(cursor, p->cursor))
			return PAGE_CHANGED;
		str_set(&p->cursor, cursor);
		return PAGE_MORE;
	}
	if (p->cursor || rows == 0)
		return PAGE_LAST;
	p->page++;
	if (p->total >= 0)
		return rows_before(p) + (int64_t)p->count >= p->total ? PAGE_LAST : PAGE_MORE;
	/* Without a total, only a page that is smaller than the server says its pages are is the
	 * last; without that too, only an empty one. */
	return (int64_t)rows < info_int(info, "per_page") ? PAGE_LAST : PAGE_MORE;
}

static enum page_next page_take(struct cf_page *p)
{
	const struct json *info = p->call.info;
	int64_t total = info_int(info, "total_count");
	size_t rows = cf_rows_came(p->rows);
	bool first = p->n_pages++ == 0;

	if (!cf_rows_take(p->rows, &p->call.req.answer))
		return PAGE_CHANGED;
	p->count += rows;
	if (!first && total >= 0 && total != p->total)
		return PAGE_CHANGED;
	if (first)
		p->total = total;
	enum page_next next = page_after(p, info, rows);
	if (p->piece)
		return next;
	if (next == PAGE_LAST && p->total >= 0 && (int64_t)p->count != p->total)
		return PAGE_CHANGED;
	/* Nothing at all, and no word that this is so: "all gone" is not read out of silence. */
	if (next == PAGE_LAST && p->total < 0 && p->count == 0 && !p->cursors)
		return PAGE_SILENT;
	return next;
}

static char *page_goes_on(const struct cf_page *p)
{
	return p->cursor ? str_dup(p->cursor) : str_format("%lld", (long long)p->page);
}

static void page_came(struct task *t, void *owner)
{
	struct cf_page *p = owner;

	if (t->err.kind != ERR_NONE || page_check(p) < 0) {
		if (t->err.kind != ERR_NONE)
			p->task.err = t->err;
		page_fail(p);
		return;
	}
	enum page_next next = page_take(p);
	if (next == PAGE_CHANGED)
		page_restart(p);
	else if (next == PAGE_MORE && !p->piece)
		page_ask(p);
	else if (next == PAGE_SILENT) {
		(void)page_refused(p, "it is empty and does not say how many there are");
		page_fail(p);
	} else {
		if (next == PAGE_MORE)
			p->next = page_goes_on(p);
		rows_end(p);
		task_finish(&p->task);
	}
}

static void page_ask(struct cf_page *p)
{
	AUTO(buf_t) path = {0};

	if (!p->rows)
		rows_begin(p);
	(void)buf_printf(&path, "%s%c%s=%lld", p->path, strchr(p->path, '?') ? '&' : '?',
			 p->size_key, (long long)p->per_page);
	if (p->cursor) {
		AUTO(str_t) cursor = percent_encode(p->cursor);
		(void)buf_printf(&path, "&cursor=%s", cursor);
	} else if (!p->cursors) {
		(void)buf_printf(&path, "&page=%lld", (long long)p->page);
	}
	cf_call_start_with(p->cf, &p->call, p->share, "GET", buf_text(&path), NULL, NULL,
			   p->permission, p->beside ? CF_CALL_TRYING | CF_CALL_BESIDE : 0,
			   page_came, p);
	p->call.rows = p->rows;
}

/* ---- the task ---- */

static void page_begin(struct cf *cf, struct cf_page *p, task_done_fn *done, void *owner)
{
	cf_page_reset(p);
	task_begin(&p->task, cf_loop(cf), done, owner);
	p->cf = cf;
	rows_drop(p);
}

void cf_page_refuse(struct cf *cf, struct cf_page *p, const struct err *why, task_done_fn *done,
		    void *owner)
{
	struct err e = *why;

	page_begin(cf, p, done, owner);
	p->task.err = e;
	task_finish(&p->task);
}

static void page_open(struct cf *cf, struct cf_page *p, enum cf_share share, const char *path,
		      int64_t per_page, size_t max_rows, const char *permission, task_done_fn *done,
		      void *owner)
{
	page_begin(cf, p, done, owner);
	p->share = share;
	p->path = str_dup(path);
	p->permission = permission;
	p->size_key = "per_page";
	p->per_page = per_page > 0 ? per_page : ROWS_LEAST;
	p->max_rows = max_rows;
	p->max_pages = (int64_t)(max_rows / ROWS_LEAST) + PAGES_SPARE;
}

void cf_page_start(struct cf *cf, struct cf_page *p, enum cf_share share, const char *path,
		   int64_t per_page, size_t max_rows, const char *permission, task_done_fn *done,
		   void *owner)
{
	page_open(cf, p, share, path, per_page, max_rows, permission, done, owner);
	page_ask(p);
}

static void page_by_cursor(struct cf_page *p)
{
	p->cursors = p->beside = true;
	/* A server that gives less than it is asked for must not cost a call for each few rows. */
	p->max_pages = (int64_t)p->max_rows / p->per_page + PAGES_SPARE;
}

void cf_page_start_cursor(struct cf *cf, struct cf_page *p, enum cf_share share, const char *path,
			  int64_t limit, size_t max_rows, const char *permission,
			  task_done_fn *done, void *owner)
{
	page_open(cf, p, share, path, limit, max_rows, permission, done, owner);
	p->size_key = "limit";
	page_by_cursor(p);
	page_ask(p);
}

void cf_page_start_source(struct cf *cf, struct cf_page *p, enum cf_share share, const char *path,
			  const struct cf_source_row *source, task_done_fn *done, void *owner)
{
	page_open(cf, p, share, path, source->per_page, source->max_rows, source->permission, done,
		  owner);
	p->size_key = source->size_key;
	p->beside = true;
	if (source->paging == CF_PAGED_CURSORS)
		page_by_cursor(p);
	page_ask(p);
}

static bool from_fits(const struct cf_source_row *source, const char *from)
{
	size_t len = from ? strlen(from) : 0;

	if (source->paging == CF_PAGED_CURSORS || !from)
		return true;
	return len > 0 && len < 10 && strspn(from, "0123456789") == len && *from != '0';
}

void cf_page_start_piece(struct cf *cf, struct cf_page *p, enum cf_share share, const char *path,
			 const struct cf_source_row *source, int64_t rows, const char *from,
			 task_done_fn *done, void *owner)
{
	struct err e;

	if (!from_fits(source, from)) {
		(void)err_set(&e, ERR_INVALID, "a listing does not go on at \"%.40s\"", from);
		cf_page_refuse(cf, p, &e, done, owner);
		return;
	}
	page_open(cf, p, share, path, rows < source->per_page ? rows : source->per_page,
		  source->max_rows, source->permission, done, owner);
	p->size_key = source->size_key;
	p->beside = p->piece = true;
	p->from = str_dup(from);
	if (source->paging == CF_PAGED_CURSORS)
		page_by_cursor(p);
	rows_drop(p);
	page_ask(p);
}

void cf_page_cancel(struct cf_page *p)
{
	cf_call_cancel(&p->call);
	task_abandon(&p->task);
}

void cf_page_reset(struct cf_page *p)
{
	assert(!p->task.busy);
	if (p->rows)
		cf_rows_rest(p->rows);
	str_set(&p->from, NULL);
	rows_drop(p);
	cf_call_reset(&p->call);
	free(p->path);
	memset(p, 0, sizeof(*p));
}

void cf_page_decoded(struct cf_page *p, const struct cf_family *family)
{
	assert(p->n_pages == 0);
	p->family = family;
	cf_rows_unref(p->rows);
	rows_begin(p);
	p->call.rows = p->rows;
}

/* ---- what came ---- */

int cf_page_each(const struct cf_page *p, int (*row)(const struct json *row, void *owner),
		 void *owner)
{
	int rc = 0;

	for (size_t i = 0; p->rows && i < p->rows->n && rc == 0; i++) {
		struct cf_row *r = &p->rows->items[i];
		bool kept = r->doc != NULL;

		rc = row(cf_row_json(r), owner);
		if (!kept)
			json_doc_free(steal(&r->doc));
	}
	return rc;
}

struct cf_row *cf_page_find(const struct cf_page *p, const char *id)
{
	return p->rows ? cf_rows_find(p->rows, id) : NULL;
}

const struct json *cf_page_row(const struct cf_page *p, const char *id)
{
	struct cf_row *row = cf_page_find(p, id);

	return row ? cf_row_json(row) : NULL;
}
