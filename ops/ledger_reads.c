/*
 * Reads over MCP, for the ledger. Those of a second that differ in nothing but the moment are one
 * row with their number, and there are so many rows a second at the most: a client that asks in a
 * loop neither waits for the disk nor fills it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "ops/ledger.h"

#define GATHER_MS 1000
#define ROWS_MAX  64
#define TEXT_MAX  2048 /* arguments of a row */

struct read_row {
	uint64_t key;
	int64_t times;
	struct ledger_row row; /* owned */
};

struct read_rows {
	struct ops *ops;
	struct timer timer;
	struct read_row rows[ROWS_MAX];
	size_t n;
	int64_t more; /* calls that found no room */
};

static uint64_t mix(uint64_t hash, const char *s)
{
	for (const char *p = s ? s : ""; *p; p++)
		hash = (hash ^ (unsigned char)*p) * 1099511628211u;
	return (hash ^ 0xff) * 1099511628211u;
}

static uint64_t key_of(const struct ledger_row *row)
{
	uint64_t hash = mix(14695981039346656037u, row->principal); /* FNV-1a */
	hash = mix(mix(hash, row->operation), row->arguments);
	hash = mix(mix(hash, row->peer), row->client);
	return mix(mix(hash, row->outcome), row->decision);
}

static struct read_row *find(struct read_rows *r, uint64_t key)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->rows[i].key == key)
			return &r->rows[i];
	return NULL;
}

static char *arguments_of(const struct ledger_row *row)
{
	if (row->arguments && strlen(row->arguments) > TEXT_MAX)
		return str_dup("{}");
	return str_dup(row->arguments);
}

void read_rows_add(struct read_rows *r, const struct call *c, const struct ledger_row *row)
{
	uint64_t key = key_of(row);
	struct read_row *x = find(r, key);
	(void)c;
	if (!timer_active(&r->timer))
		timer_start(&r->timer, GATHER_MS);
	if (x) {
		x->times++;
		return;
	}
	if (r->n == ROWS_MAX) {
		r->more++;
		return;
	}
	x = &r->rows[r->n++];
	*x = (struct read_row){.key = key, .times = 1};
	x->row = (struct ledger_row){
		.phase = row->phase,
		.principal = str_dup(row->principal),
		.operation = str_dup(row->operation),
		.object = str_dup(row->object),
		.arguments = arguments_of(row),
		.outcome = str_dup(row->outcome),
		.detail = str_dup(row->detail),
		.door = str_dup(row->door),
		.peer = str_dup(row->peer),
		.client = str_dup(row->client),
		.tool_use = str_dup(row->tool_use),
		.decision = str_dup(row->decision),
		.policy = str_dup(row->policy),
		.rays = str_dup(row->rays),
	};
}

static void tell_times(struct read_rows *r)
{
	for (size_t i = 0; i < r->n; i++) {
		struct ledger_row *row = &r->rows[i].row;
		if (r->rows[i].times == 1)
			continue;
		char *detail = str_format("%lld such calls within a second%s%s",
					  (long long)r->rows[i].times, row->detail ? ": " : "",
					  row->detail ? row->detail : "");
		free(row->detail);
		row->detail = detail;
	}
}

static int add_more(struct read_rows *r, struct err *e)
{
	AUTO(str_t)
	detail = str_format("%lld more reads within the same second", (long long)r->more);
	const struct ledger_row row = {.phase = LEDGER_RESULT,
				       .principal = (char[]){"adit"},
				       .operation = (char[]){"reads"},
				       .outcome = (char[]){"ok"},
				       .detail = detail,
				       .door = (char[]){"mcp"},
				       .decision = (char[]){"allowed"}};
	return r->more ? store_add_ledger(r->ops->store, &row, NULL, e) : 0;
}

static int write_all(struct read_rows *r, struct err *e)
{
	struct store *s = r->ops->store;
	if (store_begin(s, e) < 0)
		return -1;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < r->n; i++)
		rc = store_add_ledger(s, &r->rows[i].row, NULL, e);
	if (rc == 0 && add_more(r, e) == 0 && store_commit(s, e) == 0)
		return 0;
	store_rollback(s);
	return -1;
}

void read_rows_flush(struct read_rows *r)
{
	struct err e;
	tell_times(r);
	if (r->n && r->ops->store && write_all(r, &e) < 0)
		log_warning("ledger: %zu rows of reads not written: %s", r->n, e.message);
	for (size_t i = 0; i < r->n; i++)
		ledger_row_free(&r->rows[i].row);
	r->n = 0;
	r->more = 0;
}

static void gathered(struct timer *t, void *owner)
{
	(void)t;
	read_rows_flush(owner);
}

struct read_rows *read_rows_new(struct ops *o)
{
	struct read_rows *r = mem_alloc(sizeof(*r));
	r->ops = o;
	timer_init(&r->timer, o->loop, gathered, r);
	return r;
}

void read_rows_free(struct read_rows *r)
{
	if (!r)
		return;
	read_rows_flush(r);
	timer_stop(&r->timer);
	free(r);
}
