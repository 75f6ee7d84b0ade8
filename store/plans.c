/*
 * Plans as rows: who, when and state as columns, the rest as one JSON body. What was proposed never
 * changes (a trigger refuses it), and a plan that waits is given out only with the hash that it was
 * stored with: that hash is what a person approves.
 */
#include "store/private.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int store_add_plan(struct store *s, struct plan *p, struct err *e)
{
	AUTO(query_t) q = {0};
	AUTO(buf_t) body = {0};

	assert(!p->number && p->hash[0]);
	plan_write_body(p, &body);
	if (query_open(&q, s, SQL_PLAN_ADD, e))
		return -1;
	bind_text(&q, p->operation);
	bind_text(&q, p->principal);
	bind_text(&q, p->reason);
	bind_text(&q, p->decided_by);
	bind_int(&q, p->made_ms);
	bind_int(&q, p->expires_ms);
	bind_int(&q, p->decided_ms);
	bind_int(&q, p->revision);
	bind_text(&q, plan_state_name(p->state));
	bind_text(&q, p->hash);
	bind_text(&q, buf_text(&body));
	bind_int(&q, plan_drops(p));
	if (query_run(&q, e))
		return -1;
	p->number = sqlite3_last_insert_rowid(s->db);
	return 0;
}

int store_count_drops(struct store *s, const char *principal, int64_t since_ms, int64_t *count,
		      struct err *e)
{
	AUTO(query_t) q = {0};

	if (query_open(&q, s, SQL_PLAN_DROPS, e))
		return -1;
	bind_text(&q, principal);
	bind_int(&q, since_ms);
	bind_text(&q, plan_state_name(PLAN_APPLIED));
	if (query_step(&q, e) < 0)
		return -1;
	*count = col_int(&q, 0);
	return 0;
}

static int fail_missing(int64_t number, struct err *e)
{
	char id[24];

	plan_id(number, id);
	return err_set(e, ERR_NOT_FOUND, "there is no plan %s", id);
}

int store_decide_plan(struct store *s, const struct plan *p, struct err *e)
{
	AUTO(query_t) q = {0};

	if (query_open(&q, s, SQL_PLAN_DECIDE, e))
		return -1;
	bind_int(&q, p->number);
	bind_text(&q, plan_state_name(p->state));
	bind_text(&q, p->decided_by);
	bind_int(&q, p->decided_ms);
	bind_int(&q, p->revision);
	if (query_run(&q, e))
		return -1;
	return sqlite3_changes(s->db) ? 0 : fail_missing(p->number, e);
}

/* ---- reading ---- */

static bool waits(const struct plan *p)
{
	return p->state == PLAN_PLANNED || p->state == PLAN_NEEDS_APPROVAL;
}

static int fail_changed(const struct plan *p, struct err *e)
{
	char id[24];

	plan_id(p->number, id);
	err_set(e, ERR_CONFLICT, "plan %s in the store is not what was proposed", id);
	return err_hint(e, "Reject it and propose the change again.");
}

static int read_body(struct query *q, struct plan *p, struct err *e)
{
	const char *hash = col_text(q, 10), *body = col_text(q, 11);
	int state = plan_state_by_name(col_text(q, 9));

	if (state < 0)
		return fail_changed(p, e);
	p->state = (enum plan_state)state;
	if (plan_read_body(p, body, strlen(body), e))
		return err_wrap(e, "plan p%lld in the store", (long long)p->number);
	if (waits(p)) {
		plan_seal(p);
		return str_equal(p->hash, hash) ? 0 : fail_changed(p, e);
	}
	return str_copy(p->hash, sizeof(p->hash), hash) ? 0 : fail_changed(p, e);
}

static int read_plan(struct query *q, struct plan **out, struct err *e)
{
	AUTO(plan_t) p = plan_new(col_text(q, 1), col_text(q, 2), col_text(q, 3));

	p->number = col_int(q, 0);
	str_set(&p->decided_by, col_text(q, 4));
	p->made_ms = col_int(q, 5);
	p->expires_ms = col_int(q, 6);
	p->decided_ms = col_int(q, 7);
	p->revision = col_int(q, 8);
	if (read_body(q, p, e))
		return -1;
	*out = steal(&p);
	return 0;
}

int store_load_plan(struct store *s, int64_t number, struct plan **p, struct err *e)
{
	AUTO(query_t) q = {0};
	int got;

	if (query_open(&q, s, SQL_PLAN_GET, e))
		return -1;
	bind_int(&q, number);
	got = query_step(&q, e);
	if (got < 0)
		return -1;
	return got ? read_plan(&q, p, e) : fail_missing(number, e);
}

static int read_plan_row(struct query *q, void *row, struct err *e)
{
	return read_plan(q, row, e);
}

static void drop_plan(void *row)
{
	struct plan **p = row;

	plan_free(*p);
}

int store_list_plans(struct store *s, int state, int64_t before, int64_t limit,
		     struct plan ***plans, size_t *n, struct err *e)
{
	static const struct rows_of kind = {sizeof(**plans), read_plan_row, drop_plan};
	AUTO(query_t) q = {0};
	void *found;

	if (query_open_page(&q, s, state < 0 ? SQL_PLAN_LIST : SQL_PLAN_LIST_STATE, before, limit,
			    e))
		return -1;
	if (state >= 0)
		bind_text(&q, plan_state_name((enum plan_state)state));
	if (query_rows(&q, &kind, &found, n, e))
		return -1;
	*plans = found;
	return 0;
}

int store_count_plans(struct store *s, int state, int64_t *count, struct err *e)
{
	AUTO(query_t) q = {0};
	int64_t changes = sqlite3_total_changes64(s->db);

	if (s->counted.state == state && s->counted.changes == changes) {
		*count = s->counted.plans;
		return 0;
	}
	if (query_open(&q, s, state < 0 ? SQL_PLAN_COUNT : SQL_PLAN_COUNT_STATE, e))
		return -1;
	if (state >= 0)
		bind_text(&q, plan_state_name((enum plan_state)state));
	if (query_step(&q, e) < 0)
		return -1;
	*count = col_int(&q, 0);
	/* What stands in an open transaction may yet be taken back. */
	s->counted.changes = s->in_tx ? -1 : changes;
	s->counted.state = state;
	s->counted.plans = *count;
	return 0;
}

int store_expire_plans(struct store *s, int64_t wall_ms, int64_t *expired, struct err *e)
{
	AUTO(query_t) q = {0};

	if (query_open(&q, s, SQL_PLAN_EXPIRE, e))
		return -1;
	bind_int(&q, wall_ms);
	bind_text(&q, plan_state_name(PLAN_EXPIRED));
	bind_text(&q, plan_state_name(PLAN_PLANNED));
	bind_text(&q, plan_state_name(PLAN_NEEDS_APPROVAL));
	if (query_run(&q, e))
		return -1;
	*expired = sqlite3_changes64(s->db);
	return 0;
}
