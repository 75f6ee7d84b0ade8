/* Handler: the audit log. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "ops/audit_row.h"
#include "ops/audit_walk.h"
#include "ops/rule_rows.h"
#include "ops/sight.h"

#define PAGES_MOST 20 /* in one answer: a word that only few entries hold may be far back */

struct listing {
	struct audit_walk walk;
	struct list_answer l;
	struct list_args args;
	bool full, whole; /* whole: from the beginning */
	bool asked;       /* for entries: which account it is, is known */
	struct call *call;
};

static void listing_free(void *own)
{
	struct listing *x = own;
	audit_walk_fini(&x->walk);
	free(x);
}

static bool take_entry(const struct cf_audit_entry *entry, void *owner)
{
	struct listing *x = owner;
	const struct audit_row row = {.x = *entry, .full = x->full};
	if (x->l.written == x->args.limit)
		return false;
	list_row(&x->l, audit_row_write, &row, x->call->ops);
	return true;
}

/* What the answer does not cover, so that it is not taken for nothing. */
static void put_unknown_parts(const struct audit_walk *k, struct json_writer *w)
{
	if (k->old_error.kind == ERR_NONE)
		return;
	json_write_key(w, "unknown");
	json_array_begin(w);
	put_unknown(w, AUDIT_API_OLD, &k->old_error);
	json_array_end(w);
}

static void answer(struct call *c, const struct gather *g, struct listing *x)
{
	struct json_writer *w = &x->l.w;
	const struct audit_walk *k = &x->walk;
	json_array_end(w);
	json_put_int(w, "count", x->l.written);
	if (x->whole && !k->more && k->old_error.kind == ERR_NONE)
		json_put_int(w, "total", x->l.written);
	if (k->more) {
		AUTO(str_t) cursor = audit_walk_cursor(k);
		json_put_string(w, "next_cursor", cursor);
	}
	json_put_bool(w, "truncated", k->more);
	json_put_time(w, "since", k->ask.since_ms);
	json_put_time(w, "until", k->ask.before_ms);
	if (k->more && k->looked_ms)
		json_put_time(w, "looked_back_to", k->looked_ms);
	if (k->unreadable)
		json_put_int(w, "unreadable", k->unreadable);
	put_unknown_parts(k, w);
	json_put_time(w, "as_of", gather_as_of(g));
	json_put_string(w, "source", "api");
	gather_put_rate(c, w);
	json_object_end(w);
	call_answer(c);
}

static void ask_first(struct call *c, struct gather *g, struct listing *x)
{
	const struct audit_log_list_args *a = c->args;
	if (!gather_account(c, g, a->account, &x->walk.account))
		return; /* where the call has failed, x is no more */
	x->asked = true;
	audit_walk_ask(g, &x->walk);
}

static void page_came(struct call *c, struct gather *g)
{
	struct listing *x = gather_own(g);
	if (!x->asked) {
		ask_first(c, g, x);
		return;
	}
	int rc = audit_walk_came(g, &x->walk, &c->task.err);
	if (rc < 0)
		call_fail(c);
	else if (rc == 0)
		answer(c, g, x);
}

static int read_window(const struct audit_log_list_args *a, struct audit_ask *ask, struct err *e)
{
	int64_t now = clock_wall_ms();
	ask->before_ms = now;
	if (time_parse(a->since, now, &ask->since_ms, e) < 0)
		return err_wrap(e, "since");
	if (a->until && time_parse(a->until, now, &ask->before_ms, e) < 0)
		return err_wrap(e, "until");
	return 0;
}

static int listing_begin(struct call *c, struct listing *x, const struct zone *z)
{
	const struct audit_log_list_args *a = c->args;
	struct audit_ask *ask = &x->walk.ask;
	*ask = (struct audit_ask){.zone = z,
				  .narrowed = sight_is_limited(&c->who),
				  .actor = a->actor,
				  .action = a->action,
				  .result = a->result,
				  .resource = a->resource,
				  .product = a->product,
				  .type = a->type};
	x->call = c;
	x->full = list_takes_details((struct list_args *)c->args, a->details);
	x->whole = !a->cursor;
	x->args = (struct list_args){.limit = a->limit, .fields = a->fields};
	x->walk.take = take_entry;
	x->walk.owner = x;
	x->walk.pages_most = PAGES_MOST;
	if (read_window(a, ask, &c->task.err) < 0 ||
	    audit_walk_begin(&x->walk, a->cursor, &c->task.err) < 0)
		return -1;
	return list_begin(c, &x->args, &x->l);
}

void run_audit_log_list(struct call *c)
{
	const struct audit_log_list_args *a = c->args;
	const struct zone *z = NULL;
	if (a->zone ? !(z = gather_zone(c, a->zone)) : !gather_whole_account(c))
		return;
	struct gather *g = gather_begin(c, a->fresh, page_came);
	struct listing *x = mem_alloc(sizeof(*x));
	gather_set_own(g, x, listing_free);
	if (listing_begin(c, x, z) < 0) {
		call_fail(c);
		return;
	}
	ask_first(c, g, x);
}
