/* Grants as rows, and what waits in their names. Tokens are here by their hashes alone. */
#include "store/private.h"

#include <stdlib.h>

void grant_row_free(struct grant_row *row)
{
	free(row->name);
	free(row->token_sha256);
	free(row->second_sha256);
	free(row->spec);
	free(row->created_by);
	*row = (struct grant_row){0};
}

static int name_is_free(struct store *s, const char *name, struct err *e)
{
	AUTO(query_t) q = {0};
	int got;

	if (query_open(&q, s, SQL_GRANT_LIST, e))
		return -1;
	while ((got = query_step(&q, e)) > 0)
		if (str_equal(col_text(&q, 1), name))
			return err_set(e, ERR_CONFLICT, "there is a grant %s already", name);
	return got;
}

int store_add_grant(struct store *s, struct grant_row *row, struct err *e)
{
	AUTO(query_t) q = {0};

	if (name_is_free(s, row->name, e) || query_open(&q, s, SQL_GRANT_ADD, e))
		return -1;
	bind_text(&q, row->name);
	bind_text(&q, row->token_sha256);
	bind_text(&q, row->second_sha256);
	bind_text(&q, row->spec);
	bind_int(&q, row->created_ms);
	bind_text(&q, row->created_by);
	bind_int(&q, row->expires_at_ms);
	bind_int(&q, row->last_used_ms);
	if (query_run(&q, e))
		return -1;
	row->id = sqlite3_last_insert_rowid(s->db);
	return 0;
}

int store_set_grant_second(struct store *s, int64_t id, const char *sha256, struct err *e)
{
	AUTO(query_t) q = {0};

	if (query_open(&q, s, SQL_GRANT_SECOND, e))
		return -1;
	bind_int(&q, id);
	bind_text(&q, sha256);
	return query_run(&q, e);
}

int store_set_grant_used(struct store *s, int64_t id, int64_t wall_ms, struct err *e)
{
	AUTO(query_t) q = {0};

	if (query_open(&q, s, SQL_GRANT_USED, e))
		return -1;
	bind_int(&q, id);
	bind_int(&q, wall_ms);
	return query_run(&q, e);
}

int store_drop_grant(struct store *s, int64_t id, struct err *e)
{
	AUTO(query_t) q = {0};

	if (query_open(&q, s, SQL_GRANT_DROP, e))
		return -1;
	bind_int(&q, id);
	return query_run(&q, e);
}

static int read_grant(struct query *q, void *out, struct err *e)
{
	struct grant_row *row = out;

	(void)e;
	*row = (struct grant_row){
		.id = col_int(q, 0),
		.name = col_dup(q, 1),
		.token_sha256 = col_dup(q, 2),
		.second_sha256 = col_dup(q, 3),
		.spec = col_dup(q, 4),
		.created_ms = col_int(q, 5),
		.created_by = col_dup(q, 6),
		.expires_at_ms = col_int(q, 7),
		.last_used_ms = col_int(q, 8),
	};
	return 0;
}

static void drop_grant(void *row)
{
	grant_row_free(row);
}

int store_list_grants(struct store *s, struct grant_row **rows, size_t *n, struct err *e)
{
	static const struct rows_of kind = {sizeof(**rows), read_grant, drop_grant};
	AUTO(query_t) q = {0};
	void *found;

	if (query_open(&q, s, SQL_GRANT_LIST, e) || query_rows(&q, &kind, &found, n, e))
		return -1;
	*rows = found;
	return 0;
}

static int read_waiting(struct query *q, void *out, struct err *e)
{
	struct waiting_plan *row = out;

	(void)e;
	row->number = col_int(q, 0);
	col_copy(q, 1, row->hash, sizeof(row->hash));
	return 0;
}

static void drop_waiting(void *row)
{
	(void)row;
}

int store_list_waiting(struct store *s, const char *principal, struct waiting_plan **rows,
		       size_t *n, struct err *e)
{
	static const struct rows_of kind = {sizeof(**rows), read_waiting, drop_waiting};
	AUTO(query_t) q = {0};
	void *found;

	if (query_open(&q, s, SQL_PLAN_WAITING, e))
		return -1;
	bind_text(&q, principal);
	bind_text(&q, plan_state_name(PLAN_PLANNED));
	bind_text(&q, plan_state_name(PLAN_NEEDS_APPROVAL));
	if (query_rows(&q, &kind, &found, n, e))
		return -1;
	*rows = found;
	return 0;
}
