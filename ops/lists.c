/* List answers: one frame around rows, with cursor, limit and a choice of members. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/render.h"
#include "ops/ops.h"

/* The members that a row of the answer may have. */
static const struct field *rows_of(const struct op *op)
{
	const struct field *items = fields_find(op->result, "items");
	return items ? items->sub : NULL;
}

static int check_fields(const struct call *c, const struct strlist *fields, struct err *e)
{
	const struct field *rows = rows_of(c->op);
	AUTO(buf_t) names = {.limit = sizeof(e->hint) - sizeof("There are: " BUF_MORE)};
	const char *wrong = NULL;
	for (size_t i = 0; rows && !wrong && i < fields->n; i++)
		if (!fields_find(rows, fields->items[i]))
			wrong = fields->items[i];
	if (!wrong)
		return 0;
	for (size_t i = 0; rows[i].name; i++)
		buf_name(&names, rows[i].name);
	(void)err_set(e, ERR_INVALID, "fields: an item has no member \"%.40s\"", wrong);
	return err_hint(e, "There are: %s%s", buf_text(&names), names.truncated ? "" : ".");
}

int list_begin(struct call *c, const struct list_args *args, struct list_answer *l)
{
	*l = (struct list_answer){.call = c, .args = args};
	if (args->cursor) {
		char *end = NULL;
		long long start = strtoll(args->cursor, &end, 10);
		if (end == args->cursor || *end || start < 0)
			return err_set(
				&c->task.err, ERR_INVALID,
				"cursor: \"%.40s\" is none; give back next_cursor of an answer",
				args->cursor);
		l->start = start;
	}
	if (check_fields(c, &args->fields, &c->task.err) < 0)
		return -1;
	call_object(c, &l->w);
	json_write_key(&l->w, "items");
	json_array_begin(&l->w);
	return 0;
}

bool list_wants(struct list_answer *l)
{
	int64_t at = l->seen++;
	return at >= l->start && at < l->start + l->args->limit;
}

/* Only the chosen members of a row, in the row's own order. */
static void row_select(struct list_answer *l, const struct buf *row)
{
	AUTO(json_doc_t) doc = NULL;
	struct err e;
	if (json_parse(buf_text(row), row->len, NULL, &doc, &e) < 0)
		return;
	json_object_begin(&l->w);
	JSON_EACH (member, json_root(doc)) {
		if (!strlist_has(&l->args->fields, json_key(member)))
			continue;
		json_write_key(&l->w, json_key(member));
		json_write_value(&l->w, member);
	}
	json_object_end(&l->w);
}

void list_row(struct list_answer *l,
	      void (*render)(const void *row, struct json_writer *w, const void *owner),
	      const void *row, const void *owner)
{
	if (!list_wants(l))
		return;
	l->written++;
	if (!l->args->fields.n) {
		render(row, &l->w, owner);
		return;
	}
	AUTO(buf_t) text = {0};
	struct json_writer w;
	json_write_init(&w, &text);
	render(row, &w, owner);
	row_select(l, &text);
}

void list_rows_end(struct list_answer *l)
{
	if (!l->rows_ended)
		json_array_end(&l->w);
	l->rows_ended = true;
}

static void list_finish(struct list_answer *l, const char *source, int64_t as_of_ms,
			const struct world *budget)
{
	int64_t next = l->start + l->written;
	bool more = next < l->seen;
	list_rows_end(l);
	json_put_int(&l->w, "count", l->written);
	json_put_int(&l->w, "total", l->seen);
	if (more) {
		char cursor[24];
		(void)snprintf(cursor, sizeof(cursor), "%" PRId64, next);
		json_put_string(&l->w, "next_cursor", cursor);
	}
	json_put_bool(&l->w, "truncated", more);
	json_put_time(&l->w, "as_of", as_of_ms);
	json_put_string(&l->w, "source", source);
	if (budget) {
		json_write_key(&l->w, "rate");
		render_rate(budget, &l->w);
	}
	json_object_end(&l->w);
	call_answer(l->call);
}

void list_end(struct list_answer *l, const char *source, int64_t as_of_ms)
{
	bool asked = str_equal(source, "api");
	list_finish(l, source, as_of_ms, asked ? l->call->ops->world : NULL);
}

void list_end_asked(struct list_answer *l, int64_t as_of_ms, const struct world *budget)
{
	list_finish(l, "api", as_of_ms, budget);
}
