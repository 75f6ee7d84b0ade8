/*
 * Events: what happened, one sentence each, for people. Only the newest are kept; each new one
 * takes at most a few old ones along, so that no turn of the loop pays for a large clean-up.
 */
#include "store/private.h"

#include <stdlib.h>

#include "base/clock.h"

#define EVENTS_KEPT 10000

void event_free(struct event *ev)
{
	free(ev->object_id);
	free(ev->object_name);
	free(ev->kind);
	free(ev->message);
	free(ev->untrusted_detail);
	*ev = (struct event){0};
}

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

static int insert(struct store *s, const struct event *ev, struct err *e)
{
	AUTO(query_t) q = {0};

	if (query_open(&q, s, SQL_EVENT_ADD, e))
		return -1;
	bind_int(&q, ev->at_ms ? ev->at_ms : clock_wall_ms());
	bind_text(&q, object_type_name(ev->object_type));
	bind_text(&q, or_empty(ev->object_id));
	bind_text(&q, or_empty(ev->object_name));
	bind_text(&q, or_empty(ev->kind));
	bind_text(&q, or_empty(ev->message));
	bind_text(&q, ev->untrusted_detail);
	return query_run(&q, e);
}

static int prune(struct store *s, struct err *e)
{
	AUTO(query_t) q = {0};

	if (query_open(&q, s, SQL_EVENT_PRUNE, e))
		return -1;
	bind_int(&q, sqlite3_last_insert_rowid(s->db) - EVENTS_KEPT);
	return query_run(&q, e);
}

int store_add_event(struct store *s, const struct event *ev, struct err *e)
{
	bool own;

	if (tx_enter(s, &own, e))
		return -1;
	return tx_leave(s, own, insert(s, ev, e) || prune(s, e) ? -1 : 0, e);
}

/* ---- reading ---- */

static enum object_type type_by_name(const char *name)
{
	for (int t = 0; t < OBJECT_TYPES; t++)
		if (str_equal(object_type_name((enum object_type)t), name))
			return (enum object_type)t;
	return OBJECT_SYSTEM;
}

static int read_event(struct query *q, void *out, struct err *e)
{
	struct event *ev = out;

	(void)e;
	*ev = (struct event){
		.seq = col_int(q, 0),
		.at_ms = col_int(q, 1),
		.object_type = type_by_name(col_text(q, 2)),
		.object_id = col_dup(q, 3),
		.object_name = col_dup(q, 4),
		.kind = col_dup(q, 5),
		.message = col_dup(q, 6),
		.untrusted_detail = col_dup(q, 7),
	};
	return 0;
}

static void drop_event(void *row)
{
	event_free(row);
}

int store_list_events(struct store *s, const struct event_filter *f, struct event **events,
		      size_t *n, struct err *e)
{
	static const struct rows_of kind = {sizeof(**events), read_event, drop_event};
	AUTO(query_t) q = {0};
	void *found;

	if (query_open_page(&q, s, SQL_EVENT_LIST, f->before, f->limit, e))
		return -1;
	bind_int(&q, f->since_ms);
	bind_text(&q, f->kind);
	bind_text(&q, f->object_id);
	if (query_rows(&q, &kind, &found, n, e))
		return -1;
	*events = found;
	return 0;
}
