/* Handlers: the ledger. It grows without end, so both look at a piece of it in a turn of the loop.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "ops/ledger.h"

#define LOOK_ROWS 2000 /* a few ms */

/* ---- ledger_list ---- */

struct listing {
	struct list_answer l;
	struct list_args args;
	struct ledger_filter filter; /* borrows from the arguments */
	int64_t before, last;
	bool more;
};

static void put_said(struct json_writer *w, const char *key, const char *s)
{
	if (s)
		json_put_string(w, key, s);
}

static void row_ledger(const void *row, struct json_writer *w, const void *owner)
{
	const struct ledger_row *r = row;
	(void)owner;
	json_object_begin(w);
	json_put_int(w, "seq", r->seq);
	json_put_time(w, "at", r->at_ms);
	json_put_string(w, "phase", ledger_phase_name(r->phase));
	json_put_string(w, "principal", r->principal);
	put_said(w, "door", r->door);
	put_said(w, "peer", r->peer);
	put_said(w, "untrusted_client", r->client);
	put_said(w, "untrusted_tool_use", r->tool_use);
	json_put_string(w, "operation", r->operation);
	put_said(w, "object", r->object);
	put_said(w, "arguments", r->arguments);
	put_said(w, "decision", r->decision);
	put_said(w, "policy", r->policy);
	put_said(w, "plan", r->plan);
	put_said(w, "plan_hash", r->plan_hash);
	put_said(w, "outcome", r->outcome);
	put_said(w, "detail", r->detail);
	put_said(w, "rays", r->rays);
	json_put_string(w, "hash", r->hash);
	json_object_end(w);
}

static void list_drop(struct call *c)
{
	free(c->state);
	c->state = NULL;
}

static void list_answer_rows(struct call *c, struct listing *x)
{
	struct json_writer *w = &x->l.w;
	char cursor[24];
	json_array_end(w);
	json_put_int(w, "count", x->l.written);
	(void)snprintf(cursor, sizeof(cursor), "%" PRId64, x->last);
	if (x->more)
		json_put_string(w, "next_cursor", cursor);
	json_put_bool(w, "truncated", x->more);
	json_put_time(w, "as_of", clock_wall_ms());
	json_put_string(w, "source", "model");
	json_object_end(w);
	call_answer(c);
}

static void take_rows(struct listing *x, struct ledger_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (x->l.written == x->args.limit) {
			x->more = true;
		} else {
			list_row(&x->l, row_ledger, &rows[i], NULL);
			x->last = rows[i].seq;
		}
		ledger_row_free(&rows[i]);
	}
	free(rows);
}

static void list_piece(struct timer *t, void *owner)
{
	struct call *c = owner;
	struct listing *x = c->state;
	struct ledger_row *rows = NULL;
	size_t n = 0;
	struct err e;
	(void)t;
	int rc = store_find_ledger(c->ops->store, &x->filter, &x->before, LOOK_ROWS,
				   x->args.limit + 1 - x->l.written, &rows, &n, &e);
	if (rc < 0) {
		c->task.err = e;
		call_fail(c);
		return;
	}
	take_rows(x, rows, n);
	if (rc > 0 || x->more)
		list_answer_rows(c, x);
	else
		timer_start(&c->deadline, 0);
}

static int parse_since(const char *text, int64_t *ms, struct err *e)
{
	return text ? time_parse(text, clock_wall_ms(), ms, e) : 0;
}

/* The cursor is the row that the answer before ended with. */
static int parse_cursor(const char *cursor, int64_t *before, struct err *e)
{
	char *end = NULL;
	if (!cursor)
		return 0;
	*before = strtoll(cursor, &end, 10);
	if (end != cursor && !*end && *before > 0)
		return 0;
	return err_set(e, ERR_INVALID,
		       "cursor: \"%.40s\" is none; give back next_cursor of an answer", cursor);
}

void run_ledger_list(struct call *c)
{
	const struct ledger_list_args *a = c->args;
	struct listing *x = NULL;
	struct err e;
	if (!call_needs_store(c))
		return;
	read_rows_flush(c->ops->reads);
	x = mem_alloc(sizeof(*x));
	c->state = x;
	c->drop_state = list_drop;
	x->args = (struct list_args){.limit = a->limit, .fields = a->fields};
	x->filter = (struct ledger_filter){.principal = a->principal,
					   .operation = a->operation,
					   .decision = a->decision,
					   .plan = a->plan};
	if (parse_since(a->since, &x->filter.since_ms, &e) < 0 ||
	    parse_since(a->until, &x->filter.until_ms, &e) < 0 ||
	    parse_cursor(a->cursor, &x->before, &e) < 0) {
		c->task.err = e;
		call_fail(c);
		return;
	}
	if (x->before == 1) /* nothing is before the first row; 0 would be the newest */
		x->filter.until_ms = 1;
	if (list_begin(c, &x->args, &x->l) < 0) {
		call_fail(c);
		return;
	}
	timer_init(&c->deadline, c->ops->loop, list_piece, c);
	timer_start(&c->deadline, 0);
}

/* ---- ledger_verify ---- */

static void verify_answer(struct call *c, const struct ledger_walk *walk, const struct err *wrong)
{
	struct json_writer w;
	call_object(c, &w);
	json_put_bool(&w, "valid", !wrong);
	json_put_int(&w, "rows", walk->rows);
	if (wrong) {
		json_put_int(&w, "bad_row", walk->bad);
		json_put_string(&w, "message", wrong->message);
		json_put_string(&w, "hint", wrong->hint);
	} else {
		json_put_string(&w, "head", walk->link);
	}
	json_object_end(&w);
	call_answer(c);
}

static void verify_piece(struct timer *t, void *owner)
{
	struct call *c = owner;
	struct ledger_walk *walk = c->state;
	struct err e;
	(void)t;
	if (store_walk_ledger(c->ops->store, walk, LOOK_ROWS, &e) == 0) {
		if (walk->done)
			verify_answer(c, walk, NULL);
		else
			timer_start(&c->deadline, 0);
	} else if (e.kind == ERR_CONFLICT) {
		verify_answer(c, walk, &e);
	} else {
		c->task.err = e;
		call_fail(c);
	}
}

void run_ledger_verify(struct call *c)
{
	if (!call_needs_store(c))
		return;
	c->state = mem_alloc(sizeof(struct ledger_walk));
	c->drop_state = list_drop;
	timer_init(&c->deadline, c->ops->loop, verify_piece, c);
	timer_start(&c->deadline, 0);
}
