/* Listings by their paths: running, or kept. */
#include "cloudflare/reads.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define KEPT_MOST  64
#define KEPT_BYTES ((size_t)24 << 20)
#define AGAIN_MS   500

struct cf_listing {
	struct list node; /* in reads.running or reads.kept; the oldest first */
	size_t refs;      /* of those that have it, and one while it stands in a list */
	char *path, *key; /* key: the path, and which page of it */
	enum cf_source source;
	int64_t rows; /* of one page; 0 = all */
	char *cursor;
	char *id;               /* as in cf_target */
	struct cf_reads *reads; /* NULL = it stands in no list */
	struct cf_page page;
	struct cf_call call; /* of one object */
	struct timer again;
	bool again_done; /* a failure that may pass was tried once more */
	struct list waiting;
	int64_t as_of_ms;
};

struct cf_reads {
	struct cf *cf;
	struct list running, kept;
	size_t n_kept, bytes;
};

/* ---- listings ---- */

static bool is_object(const struct cf_listing *l)
{
	return cf_source_row(l->source)->paging == CF_PAGED_NOT;
}

/* Bytes of memory, nearly: an object's tree is several times its text. */
static size_t listing_size(const struct cf_listing *l)
{
	const struct cf_rows *rows = l->page.rows;

	if (is_object(l))
		return (l->call.text ? l->call.text->len : 0) + json_doc_size(l->call.doc);
	return rows ? cf_rows_size(rows) + rows->cap * sizeof(rows->items[0]) : 0;
}

static void listing_unref(struct cf_listing *l)
{
	if (--l->refs > 0)
		return;
	cf_page_cancel(&l->page);
	cf_page_reset(&l->page);
	cf_call_cancel(&l->call);
	cf_call_reset(&l->call);
	timer_stop(&l->again);
	free(l->path);
	free(l->key);
	free(l->cursor);
	free(l->id);
	free(l);
}

static void listing_leave(struct cf_listing *l)
{
	list_remove(&l->node);
	l->reads = NULL;
	listing_unref(l);
}

int cf_listing_some(const struct cf_listing *l, size_t *at, size_t most,
		    int (*row)(const struct json *row, void *owner), void *owner)
{
	struct cf_rows *rows = l->page.rows;
	int rc = 0;

	if (is_object(l))
		return l->call.result && (*at)++ == 0 ? row(l->call.result, owner) : 0;
	for (; rows && *at < rows->n && most > 0 && rc == 0; most--) {
		struct cf_row *one = &rows->items[(*at)++];
		rc = row(cf_row_json(one), owner);
		/* Trees of all rows at once would be many times their text. */
		json_doc_free(steal(&one->doc));
	}
	return rc;
}

int cf_listing_each(const struct cf_listing *l, int (*row)(const struct json *row, void *owner),
		    void *owner)
{
	size_t at = 0;

	return cf_listing_some(l, &at, SIZE_MAX, row, owner);
}

size_t cf_listing_count(const struct cf_listing *l)
{
	return is_object(l) ? l->call.result != NULL : l->page.count;
}

const struct json *cf_listing_object(const struct cf_listing *l)
{
	return l->call.result;
}

int64_t cf_listing_as_of(const struct cf_listing *l)
{
	return l->as_of_ms;
}

const char *cf_listing_next(const struct cf_listing *l)
{
	return l->page.next;
}

/* ---- kept ---- */

static void kept_drop(struct cf_reads *x, struct cf_listing *l)
{
	x->n_kept--;
	x->bytes -= listing_size(l);
	listing_leave(l);
}

/* The oldest stand first. */
static void kept_expire(struct cf_reads *x)
{
	int64_t now = clock_wall_ms();

	while (!list_empty(&x->kept)) {
		struct cf_listing *l = LIST_OF(x->kept.next, struct cf_listing, node);
		if (now - l->as_of_ms < CF_READS_KEPT_MS)
			return;
		kept_drop(x, l);
	}
}

static void kept_clear(struct cf_reads *x)
{
	LIST_EACH (it, &x->kept)
		kept_drop(x, LIST_OF(it, struct cf_listing, node));
}

static struct cf_listing *listing_find(struct list *in, const char *key)
{
	LIST_EACH (it, in) {
		struct cf_listing *l = LIST_OF(it, struct cf_listing, node);
		if (str_equal(l->key, key))
			return l;
	}
	return NULL;
}

/* It moves from those that run to those that are kept; the list's reference goes with it. */
static void listing_keep(struct cf_reads *x, struct cf_listing *l)
{
	struct cf_listing *old = listing_find(&x->kept, l->key);

	if (old)
		kept_drop(x, old);
	list_remove(&l->node);
	list_append(&x->kept, &l->node);
	x->n_kept++;
	x->bytes += listing_size(l);
	kept_expire(x);
	while (x->n_kept > KEPT_MOST || x->bytes > KEPT_BYTES)
		kept_drop(x, LIST_OF(x->kept.next, struct cf_listing, node));
}

/* ---- it ended ---- */

static void tell(struct cf_listing *l, const struct err *why)
{
	LIST_EACH (it, &l->waiting) {
		struct cf_read *r = LIST_OF(it, struct cf_read, node);
		list_remove(&r->node);
		if (why) {
			r->task.err = *why;
			r->waits = NULL;
			listing_unref(l);
		} else {
			r->listing = steal(&r->waits);
		}
		task_finish(&r->task);
	}
}

static void listing_ask(struct cf_listing *l);

static void again_due(struct timer *t, void *owner)
{
	(void)t;
	listing_ask(owner);
}

static void listing_ended(struct cf_listing *l, const struct err *why)
{
	struct cf_reads *x = l->reads;

	if (why && (why->kind == ERR_UPSTREAM || why->kind == ERR_TIMEOUT) && why->retryable &&
	    !l->again_done) {
		l->again_done = true;
		timer_start(&l->again, AGAIN_MS);
		return;
	}
	l->as_of_ms = clock_wall_ms();
	l->refs++;
	tell(l, why);
	if (why)
		listing_leave(l);
	else
		listing_keep(x, l);
	listing_unref(l);
}

static void page_ended(struct task *t, void *owner)
{
	struct err why = t->err;

	listing_ended(owner, why.kind == ERR_NONE ? NULL : &why);
}

/* Where the permission has no name here, what it is for has one. */
static void tell_phase(const struct cf_listing *l, struct err *e)
{
	bool entry = l->source == CF_SOURCE_ZONE_ENTRY || l->source == CF_SOURCE_ACCOUNT_ENTRY;

	if (e->cloudflare.status != 403 || cf_source_permission(l->source, l->id))
		return;
	AUTO(str_t) hint = str_dup(e->hint);
	(void)err_hint(e, "It takes a permission for the phase %s. %s",
		       entry ? l->id : "that the ruleset is of", hint);
}

static void call_ended(struct task *t, void *owner)
{
	struct cf_listing *l = owner;
	struct err why = t->err;

	tell_phase(l, &why);
	listing_ended(l, why.kind == ERR_NONE || l->call.absent ? NULL : &why);
}

static void listing_ask(struct cf_listing *l)
{
	const struct cf_source_row *row = cf_source_row(l->source);
	struct cf *cf = l->reads->cf;

	if (row->paging == CF_PAGED_NOT) {
		cf_call_start_with(cf, &l->call, CF_SHARE_PEOPLE, "GET", l->path, NULL, NULL,
				   cf_source_permission(l->source, l->id), CF_CALL_BESIDE,
				   call_ended, l);
		return;
	}
	if (l->rows) {
		cf_page_start_piece(cf, &l->page, CF_SHARE_PEOPLE, l->path, row, l->rows, l->cursor,
				    page_ended, l);
		return;
	}
	cf_page_start_source(cf, &l->page, CF_SHARE_PEOPLE, l->path, row, page_ended, l);
}

/* ---- all of them ---- */

struct cf_reads *cf_reads_new(struct cf *cf)
{
	struct cf_reads *x = mem_alloc(sizeof(*x));

	x->cf = cf;
	list_init(&x->running);
	list_init(&x->kept);
	return x;
}

/* Nobody is told. With the last that waits for it a listing goes. */
static void running_drop(struct cf_reads *x)
{
	while (!list_empty(&x->running)) {
		struct cf_listing *l = LIST_OF(x->running.next, struct cf_listing, node);
		if (list_empty(&l->waiting))
			listing_leave(l);
		else
			cf_read_cancel(LIST_OF(l->waiting.next, struct cf_read, node));
	}
}

void cf_reads_free(struct cf_reads *x)
{
	if (!x)
		return;
	running_drop(x);
	kept_clear(x);
	free(x);
}

void cf_reads_use(struct cf_reads *x, struct cf *cf)
{
	x->cf = cf;
	kept_clear(x);
	LIST_EACH (it, &x->running) {
		struct cf_listing *l = LIST_OF(it, struct cf_listing, node);
		cf_page_cancel(&l->page);
		cf_call_cancel(&l->call);
		timer_stop(&l->again);
		listing_ask(l);
	}
}

struct cf *cf_reads_client(const struct cf_reads *x)
{
	return x->cf;
}

/* ---- one reader ---- */

static struct cf_listing *listing_new(struct cf_reads *x, enum cf_source s,
				      const struct cf_target *t, char *path, char *key)
{
	struct cf_listing *l = mem_alloc(sizeof(*l));

	l->refs = 1;
	l->path = path;
	l->key = key;
	l->source = s;
	l->rows = t->rows;
	l->cursor = str_dup(t->cursor);
	l->id = str_dup(t->id);
	l->reads = x;
	list_init(&l->waiting);
	timer_init(&l->again, cf_loop(x->cf), again_due, l);
	list_append(&x->running, &l->node);
	listing_ask(l);
	return l;
}

static int read_path(const struct cf_reads *x, enum cf_source s, struct cf_target t, char **path,
		     struct err *e)
{
	const char *account;

	if (!t.account && strstr(cf_source_row(s)->path, "{account}")) {
		if (cf_account(x->cf, &account, e) < 0)
			return -1;
		t.account = account;
	}
	return cf_source_path(s, &t, path, e);
}

void cf_read_start(struct cf_reads *x, struct cf_read *r, enum cf_source s,
		   const struct cf_target *t, int64_t max_age_ms, task_done_fn *done, void *owner)
{
	AUTO(str_t) path = NULL;
	AUTO(str_t) key = NULL;

	cf_read_reset(r);
	kept_expire(x);
	task_begin(&r->task, cf_loop(x->cf), done, owner);
	list_init(&r->node);
	if (read_path(x, s, *t, &path, &r->task.err) < 0) {
		task_finish(&r->task);
		return;
	}
	key = t->rows ? str_format("%s#%lld %s", path, (long long)t->rows,
				   t->cursor ? t->cursor : "")
		      : str_dup(path);
	struct cf_listing *kept = listing_find(&x->kept, key);
	if (kept && clock_wall_ms() - kept->as_of_ms < max_age_ms) {
		kept->refs++;
		r->listing = kept;
		task_finish(&r->task);
		return;
	}
	struct cf_listing *l = listing_find(&x->running, key);
	if (!l)
		l = listing_new(x, s, t, steal(&path), steal(&key));
	l->refs++;
	r->waits = l;
	list_append(&l->waiting, &r->node);
}

void cf_read_cancel(struct cf_read *r)
{
	struct cf_listing *l = steal(&r->waits);

	task_abandon(&r->task);
	if (!l)
		return;
	list_remove(&r->node);
	/* The last one that waited: nobody wants it. */
	if (list_empty(&l->waiting) && l->reads)
		listing_leave(l);
	listing_unref(l);
}

void cf_read_reset(struct cf_read *r)
{
	assert(!r->task.busy);
	if (r->listing)
		listing_unref(r->listing);
	memset(r, 0, sizeof(*r));
}
