#include "reconcile/batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "cloudflare/records.h"
#include "reconcile/deleting.h"
#include "reconcile/look.h"
#include "reconcile/overwritten.h"
#include "reconcile/record_write.h"
#include "reconcile/zone_view.h"

#define CODE_QUOTA 81045

static void batch_next(struct batch *b);

static void batch_end(struct batch *b)
{
	task_finish(&b->task);
}

static struct record *subject(const struct act *a)
{
	return world_record(a->x->world, a->action.object_id);
}

/* The member, while its fate is open and its object is there. */
static struct act *member(struct batch *b, size_t i)
{
	struct act *a = b->members[i];
	if (a && !subject(a)) {
		act_end(a);
		b->members[i] = a = NULL;
	}
	return a;
}

static struct act *member_told(struct batch *b, size_t i)
{
	return steal(&b->members[i]);
}

static void fail_all(struct batch *b, size_t from, size_t to, const struct err *e)
{
	for (size_t i = from; i < to; i++)
		if (member(b, i))
			act_fail(member_told(b, i), e);
}

static void push_range(struct batch *b, size_t from, size_t to)
{
	if (from == to)
		return;
	b->ranges = mem_grow(b->ranges, b->n_ranges + 1, sizeof(*b->ranges));
	b->ranges[b->n_ranges].from = from;
	b->ranges[b->n_ranges++].to = to;
}

/* ---- what came back of writes ---- */

/* All of it is stored, or nothing. */
static int store_results(struct batch *b, size_t from, size_t to, struct err *e)
{
	struct store *s = b->x->store;
	int rc = store_begin(s, e);
	for (size_t i = from; i < to && rc == 0; i++)
		if (member(b, i))
			rc = write_result_rows(b->members[i], e);
	if (rc == 0 && store_commit(s, e) == 0)
		return 0;
	store_rollback(s);
	return -1;
}

static void tell_results(struct batch *b, size_t from, size_t to)
{
	struct store *s = b->x->store;
	struct err e;
	/* What happened is told in one transaction as well; it is told without one, too. */
	bool together = store_begin(s, &e) == 0;
	for (size_t i = from; i < to; i++)
		if (member(b, i))
			write_resulted(member_told(b, i));
	if (together && store_commit(s, &e) < 0)
		log_warning("events of a batch not kept: %s", e.message);
}

static const struct json *next_row(const struct json **at)
{
	const struct json *row = *at;
	*at = row ? json_next(row) : NULL;
	return row;
}

/* By position; whether it is about the same record is looked at by each write. */
static void read_results(struct batch *b, size_t from, size_t to)
{
	const struct json *posts = cf_batch_row(b->call.result, CF_STEP_POST, 0);
	const struct json *patches = cf_batch_row(b->call.result, CF_STEP_PATCH, 0);
	struct err e;
	for (size_t i = from; i < to; i++) {
		struct act *a = b->members[i];
		if (!a)
			continue;
		const struct json *row = a->action.kind == ACT_RECORD_DELETE  ? NULL
					 : a->action.kind == ACT_RECORD_PATCH ? next_row(&patches)
									      : next_row(&posts);
		if (!subject(a))
			(void)member(b, i);
		else if (!write_answered(a, row, &e))
			write_failed(member_told(b, i), &e, true);
	}
}

static void writes_done(struct batch *b, size_t from, size_t to)
{
	struct err e;
	read_results(b, from, to);
	if (store_results(b, from, to, &e) == 0) {
		tell_results(b, from, to);
		return;
	}
	for (size_t i = from; i < to; i++)
		if (member(b, i))
			write_unstored(member_told(b, i), &e);
}

/* Is one of them to blame, so that the others may fare better without it? */
static bool one_is_wrong(const struct cf_call *c)
{
	enum err_kind k = c->task.err.kind;
	return !c->unknown && c->task.err.cloudflare.code != CODE_QUOTA &&
	       (k == ERR_INVALID || k == ERR_CONFLICT || k == ERR_NOT_FOUND);
}

static void writes_failed(struct batch *b, size_t from, size_t to)
{
	const struct err e = b->call.task.err;
	if (one_is_wrong(&b->call)) {
		size_t middle = from + (to - from) / 2;
		log_debug("batch of %zu refused, nothing was done: %s", to - from, e.message);
		push_range(b, middle, to);
		push_range(b, from, middle);
		return;
	}
	for (size_t i = from; i < to; i++)
		if (member(b, i))
			write_failed(member_told(b, i), &e, b->call.unknown);
}

/* Each row of the ledger is to say which call it was. */
static void share_ray(struct batch *b, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (b->members[i]) {
			cf_call_reset(&b->members[i]->call);
			(void)str_copy(b->members[i]->call.ray, sizeof(b->call.ray), b->call.ray);
		}
}

static void batch_answered(struct task *t, void *owner)
{
	struct batch *b = owner;
	size_t from = b->ranges[b->n_ranges - 1].from, to = b->ranges[b->n_ranges - 1].to;
	share_ray(b, from, to);
	b->calling = false;
	b->n_ranges--;
	if (t->err.kind == ERR_NONE)
		writes_done(b, from, to);
	else
		writes_failed(b, from, to);
	batch_next(b);
}

/* ---- writes ---- */

static size_t count_steps(struct batch *b, size_t from, size_t to, size_t *alive)
{
	size_t steps = 0;
	*alive = 0;
	for (size_t i = from; i < to; i++)
		if (member(b, i)) {
			steps += write_count(b->members[i]);
			++*alive;
		}
	return steps;
}

static void send_range(struct batch *b, size_t from, size_t to, size_t n)
{
	struct cf_step *steps = mem_array(n, sizeof(*steps));
	size_t at = 0;
	for (size_t i = from; i < to; i++)
		if (b->members[i]) {
			write_steps(b->members[i], steps + at);
			at += write_count(b->members[i]);
		}
	b->calling = true;
	cf_call_reset(&b->call);
	cf_record_batch(b->x->cf, &b->call, b->zone_id, steps, n, batch_answered, b);
	free(steps);
}

static void batch_next(struct batch *b)
{
	while (b->n_ranges) {
		size_t from = b->ranges[b->n_ranges - 1].from, to = b->ranges[b->n_ranges - 1].to;
		size_t alive, steps = count_steps(b, from, to, &alive);
		if (alive > 1) {
			send_range(b, from, to, steps);
			return;
		}
		b->n_ranges--;
		for (size_t i = from; i < to; i++)
			if (b->members[i])
				write_send(member_told(b, i));
	}
	batch_end(b);
}

static int store_intents(struct batch *b, struct err *e)
{
	struct store *s = b->x->store;
	int rc = store_begin(s, e);
	for (size_t i = 0; i < b->n && rc == 0; i++)
		if (b->members[i])
			rc = write_intent_rows(b->members[i], e);
	if (rc == 0 && store_commit(s, e) == 0)
		return 0;
	store_rollback(s);
	return -1;
}

static void start_writes(struct batch *b)
{
	struct err e;
	for (size_t i = 0; i < b->n; i++)
		if (member(b, i) && write_prepare(b->members[i], &e) < 0)
			act_fail(member_told(b, i), &e);
	if (store_intents(b, &e) < 0) {
		fail_all(b, 0, b->n, &e);
		batch_end(b);
		return;
	}
	for (size_t i = 0; i < b->n; i++)
		if (b->members[i])
			write_intended(b->members[i]);
	push_range(b, 0, b->n);
	batch_next(b);
}

/* ---- looks ---- */

struct looked {
	size_t member;
	const char *operation;
	struct record row;
};

static int store_looks(struct batch *b, const struct looked *l, size_t n, struct err *e)
{
	struct store *s = b->x->store;
	int rc = store_begin(s, e);
	for (size_t i = 0; i < n && rc == 0; i++) {
		rc = store_save_record(s, &l[i].row, e);
		if (rc == 0)
			rc = act_ledger(b->members[l[i].member], LEDGER_RESULT, l[i].operation,
					l[i].row.name, NULL, e);
	}
	if (rc == 0 && store_commit(s, e) == 0)
		return 0;
	store_rollback(s);
	return -1;
}

static void end_look(struct batch *b, size_t i)
{
	struct act *a = member_told(b, i);
	world_changed(b->x->world, OBJECT_RECORD, a->action.object_id);
	act_end(a);
}

/* true: it is told by the caller. What the listing lacks is asked for by its id: absence is
 * believed from there alone. */
static bool look_at(struct batch *b, size_t i, const struct zone_view *v, struct looked *l)
{
	struct act *a = b->members[i];
	struct record *r = subject(a);
	size_t n = 0;
	l->member = i;
	if (a->action.kind == ACT_RECORD_FIND) {
		const struct cf_record *found = zone_view_name(v, r->name, &n);
		l->operation = look_by_name(b->x->world, r, found, n, b->since_ms, &l->row);
		return true;
	}
	struct cf_record found;
	struct err e;
	const struct json *row = cf_page_row(&b->page, r->remote_id);
	if (!row || cf_record_read(row, &found, &e) < 0) {
		act_record_starter(a->action.kind)(member_told(b, i));
		return false;
	}
	int64_t doubt = r->observed.deleting_ms;
	l->operation = look_by_id(b->x->world, r, &found, b->since_ms, &l->row);
	if (doubt && !r->observed.deleting_ms)
		deleting_became(b->x->store, r->id, 0);
	return true;
}

static void end_looks(struct batch *b)
{
	struct record **seen = mem_array(b->n + 1, sizeof(struct record *));
	size_t n = 0;
	for (size_t i = 0; i < b->n; i++)
		if (member(b, i))
			seen[n++] = subject(b->members[i]);
	overwritten_settle(b->x->world, b->x->store, seen, n);
	free(seen);
	for (size_t i = 0; i < b->n; i++)
		if (member(b, i))
			end_look(b, i);
}

static void looks_done(struct batch *b, const struct zone_view *v)
{
	struct looked *l = mem_array(b->n + 1, sizeof(*l));
	struct err e = {.kind = ERR_NONE};
	size_t n = 0;
	for (size_t i = 0; i < b->n; i++) {
		if (member(b, i) && look_at(b, i, v, &l[n]) && l[n].operation)
			n++;
	}
	bool stored = n == 0 || store_looks(b, l, n, &e) == 0;
	for (size_t i = 0; i < n; i++) {
		if (!stored) {
			act_fail(member_told(b, l[i].member), &e);
			continue;
		}
		look_stored(subject(b->members[l[i].member]), &l[i].row);
	}
	free(l);
	end_looks(b);
}

static void note_size(struct batch *b, size_t records)
{
	struct zone *z = world_zone(b->x->world, b->zone_id);
	if (z)
		z->records = (int64_t)records;
}

static void zone_listed(struct task *t, void *owner)
{
	struct batch *b = owner;
	AUTO(zone_view_t) v = {0};
	struct err e = t->err;
	b->paging = false;
	bool came = b->page.n_pages > 0;
	if (e.kind == ERR_NONE && zone_view_read_page(&b->page, &v, &e) == 0) {
		note_size(b, v.n);
		looks_done(b, &v);
	} else if (came) {
		/* It cannot be listed whole: each is looked at by itself, this time. */
		note_size(b, LISTED_MOST + 1);
		for (size_t i = 0; i < b->n; i++)
			if (member(b, i)) {
				struct act *a = member_told(b, i);
				act_record_starter(a->action.kind)(a);
			}
	} else
		fail_all(b, 0, b->n, &e);
	batch_end(b);
}

static void start_looks(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		struct record *r = subject(b->members[i]);
		if (r && !r->zone_id[0])
			(void)str_copy(r->zone_id, CF_ID_SIZE, b->zone_id);
	}
	b->since_ms = clock_wall_ms();
	b->paging = true;
	cf_record_list(b->x->cf, &b->page, CF_SHARE_RECONCILE, b->zone_id, NULL, zone_listed, b);
}

/* ---- life ---- */

void batch_start(const struct act_context *x, struct batch *b, const struct batch_group *group,
		 struct act **members, task_done_fn *done, void *owner)
{
	memset(b, 0, sizeof(*b));
	b->x = x;
	b->kind = group->kind;
	b->n = group->n;
	b->members = mem_array(group->n, sizeof(struct act *));
	memcpy(b->members, members, group->n * sizeof(struct act *));
	(void)str_copy(b->zone_id, sizeof(b->zone_id), group->zone_id);
	task_begin(&b->task, x->loop, done, owner);
	log_debug("%zu %s in one request", b->n, b->kind == BATCH_LOOKS ? "looks" : "writes");
	if (b->kind == BATCH_LOOKS)
		start_looks(b);
	else
		start_writes(b);
}

void batch_free(struct batch *b)
{
	if (b->calling)
		cf_call_cancel(&b->call);
	if (b->paging)
		cf_page_cancel(&b->page);
	task_abandon(&b->task);
	list_remove(&b->node);
	cf_call_reset(&b->call);
	cf_page_reset(&b->page);
	free(b->members);
	free(b->ranges);
	free(b);
}
