/*
 * Lists and objects of any operation, from its result table. Which columns a list shows at first is
 * chosen here for what is known to be wide; `--fields` chooses anew, `--json` shows all.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/print.h"
#include "cli/view.h"
#include "cli/words.h"

/* ---- tables ---- */

struct columns {
	struct view_column list[VIEW_COLUMNS];
	size_t n;
};

static void add_column(struct columns *c, const char *path, const char *head)
{
	if (c->n == VIEW_COLUMNS)
		return;
	struct view_column *x = &c->list[c->n++];
	x->path = path;
	x->head = head;
}

static bool any_has(const struct json *items, const char *path)
{
	JSON_EACH (item, items)
		if (!json_is_null(view_get(item, path)))
			return true;
	return false;
}

/* The view's columns; without one, or when members were chosen, whatever came. */
static void choose_columns(const char *op_name, const struct field *rows, const struct json *items,
			   bool chosen, struct columns *out)
{
	const struct view_column *view = chosen ? NULL : view_of(op_name);

	for (; view && view->path; view++)
		if (any_has(items, view->path))
			add_column(out, view->path, view->head);
	if (view)
		return;
	for (const struct field *f = rows; f && f->name; f++)
		if (any_has(items, f->name) && (chosen || !view_hides(rows, f)))
			add_column(out, f->name, NULL);
}

static void add_head(struct table *t, const struct view_column *c)
{
	AUTO(str_t) head = str_dup(c->head ? c->head : c->path);

	for (char *p = head; *p; p++)
		*p = *p == '_' || *p == '.' ? ' ' : (char)toupper((unsigned char)*p);
	table_cell(t, TONE_BOLD, str_starts(head, "UNTRUSTED ") ? head + 10 : head);
}

static void add_value(struct table *t, const struct style *s, const struct field *rows,
		      const struct json *item, const char *path)
{
	AUTO(buf_t) text = {0};
	const struct json *v = view_get(item, path);
	const struct field *f = view_field(rows, path);

	if (str_equal(path, "at") && json_string(v))
		view_clock(json_string(v), &text);
	else
		print_value(&text, s, f, v);
	table_cell(t, str_equal(path, "state") ? state_tone(buf_text(&text)) : TONE_PLAIN,
		   buf_text(&text));
}

static void print_rows(const char *op_name, const struct field *rows, const struct json *items,
		       const struct style *s, size_t indent, struct buf *out)
{
	struct columns columns = {.n = 0};
	AUTO(table_t) t = {0};

	choose_columns(op_name, rows, items, s->chosen, &columns);
	t.columns = columns.n;
	for (size_t i = 0; i < columns.n; i++)
		add_head(&t, &columns.list[i]);
	JSON_EACH (item, items)
		for (size_t i = 0; i < columns.n; i++)
			add_value(&t, s, rows, item, columns.list[i].path);
	table_print(&t, s, indent, out);
}

/* ---- lists ---- */

static void print_row_problems(const struct json *items, const struct style *s, struct buf *out)
{
	bool first = true;

	JSON_EACH (item, items) {
		const struct json *problem = json_get(item, "problem");
		const char *name = json_get_string(item, "name");
		if (!name)
			name = json_get_string(item, "hostname");
		if (json_is_null(problem))
			continue;
		if (first)
			(void)buf_char(out, '\n');
		first = false;
		print_problem(out, s, name ? name : "", problem);
	}
}

static void print_more(const struct json *result, struct buf *out)
{
	const char *cursor = json_get_string(result, "next_cursor");
	int64_t total = json_get_int(result, "total", -1);
	char of[40] = "";

	if (!json_get_bool(result, "truncated", false) && !cursor)
		return;
	if (total >= 0)
		(void)snprintf(of, sizeof(of), " of %lld", (long long)total);
	(void)buf_printf(out, "\n%lld%s shown",
			 (long long)json_get_int(result, "count",
						 (int64_t)json_count(json_get(result, "items"))),
			 of);
	if (cursor) {
		(void)buf_str(out, "; go on with the same command and --cursor ");
		print_text(out, cursor);
	}
	(void)buf_char(out, '\n');
}

/* What is not told is not empty. */
static void print_unknown(const struct json *result, const struct style *s, struct buf *out)
{
	const struct json *unknown = json_get(result, "unknown");
	int64_t unreadable = json_get_int(result, "unreadable", 0);

	if (json_count(unknown) > 0) {
		(void)buf_char(out, '\n');
		print_toned(out, s, TONE_BOLD, "NOT KNOWN");
		(void)buf_char(out, '\n');
	}
	JSON_EACH (row, unknown)
		print_problem(out, s, json_get_string(row, "part"), row);
	if (unreadable > 0)
		(void)buf_printf(out, "\n%lld rows of Cloudflare's could not be read.\n",
				 (long long)unreadable);
}

/* A word that nothing fits may have been a mistake. */
static void print_seen(const struct json *result, struct buf *out)
{
	const struct json *actions = json_get(result, "actions_seen");

	if (json_count(actions) == 0)
		return;
	(void)buf_str(out, "No rule has that action; there are");
	JSON_EACH (action, actions) {
		(void)buf_str(out, action == json_first(actions) ? " " : ", ");
		print_text(out, json_string(action));
	}
	(void)buf_str(out, ".\n");
}

/* A text to hand on: its lines stay lines. */
static void print_document(const char *text, struct buf *out)
{
	for (const char *at = text; *at;) {
		size_t len = strcspn(at, "\n");
		AUTO(str_t) line = str_ndup(at, len);
		print_text(out, line);
		(void)buf_char(out, '\n');
		at += len + (at[len] == '\n');
	}
}

static void print_list(const struct op *op, const struct json *result, const struct style *s,
		       struct buf *out)
{
	const struct json *items = json_get(result, "items");
	const struct field *f = fields_find(op->result, "items");
	const struct json *findings = json_get(result, "findings");
	const char *document = json_get_string(result, "untrusted_markdown");

	if (document) {
		print_document(document, out);
		print_unknown(result, s, out);
		print_more(result, out);
		return;
	}
	print_sentences(findings, "-", s, out);
	if (json_count(findings) > 0)
		(void)buf_char(out, '\n');
	if (json_count(items) == 0)
		(void)buf_str(out, json_count(json_get(result, "unknown")) == 0
					   ? "Nothing to list.\n"
					   : "Nothing to list of what could be read.\n");
	print_seen(result, out);
	print_rows(op->name, f ? f->sub : NULL, items, s, 0, out);
	print_row_problems(items, s, out);
	print_unknown(result, s, out);
	print_more(result, out);
}

/* ---- objects ---- */

static bool is_block(const struct json *v)
{
	return json_type(v) == JSON_ARRAY && json_type(json_first(v)) == JSON_OBJECT;
}

static const char *label_text(const char *name)
{
	return str_starts(name, "untrusted_") ? name + 10 : name;
}

static void print_label(struct buf *out, const struct style *s, const char *name, int width)
{
	AUTO(str_t) label = str_dup(label_text(name));

	for (char *p = label; *p; p++)
		if (*p == '_')
			*p = ' ';
	AUTO(str_t) padded = str_format("%-*s", width, label);
	print_toned(out, s, TONE_DIM, padded);
}

/* Sentences, one below the other. */
static void print_list_lines(struct buf *out, const struct style *s, const struct json *list,
			     int width)
{
	bool first = true;

	JSON_EACH (item, list) {
		AUTO(buf_t) text = {0};
		print_value(&text, s, NULL, item);
		if (!first)
			(void)buf_printf(out, "%*s", width + 2, "");
		first = false;
		print_wrapped(out, s, (size_t)width + 2, buf_text(&text));
	}
}

/* A line for each value that fits on one; blocks come later. */
static void print_line(struct buf *out, const struct style *s, const struct field *f,
		       const char *name, const struct json *v, int width)
{
	AUTO(buf_t) text = {0};

	print_label(out, s, name, width);
	(void)buf_str(out, "  ");
	if (json_type(v) == JSON_ARRAY) {
		print_list_lines(out, s, v, width);
		return;
	}
	print_value(&text, s, f, v);
	if (str_equal(name, "state"))
		print_toned(out, s, state_tone(buf_text(&text)), buf_text(&text));
	else if (f && (f->flags & FIELD_TIME) && json_string(v)) {
		view_clock(json_string(v), out);
		(void)buf_printf(out, " (%s)", buf_text(&text));
	} else {
		print_wrapped(out, s, (size_t)width + 2, buf_text(&text));
		return;
	}
	(void)buf_char(out, '\n');
}

/* What the table does not declare is not for people. */
static bool is_shown(const struct field *table, const struct json *v)
{
	if (!fields_find(table, json_key(v)))
		return false;
	if (json_type(v) == JSON_ARRAY || json_type(v) == JSON_OBJECT)
		return json_count(v) > 0;
	return !json_is_null(v);
}

static bool shown_as_block(const struct json *member)
{
	return is_block(member) || str_equal(json_key(member), "problem");
}

static int label_width(const struct field *table, const struct json *object)
{
	size_t width = 0;

	JSON_EACH (member, object) {
		size_t n = strlen(label_text(json_key(member)));
		if (!shown_as_block(member) && is_shown(table, member) && n > width)
			width = n;
	}
	return width > 24 ? 24 : (int)width;
}

static void print_block(struct buf *out, const struct style *s, const struct field *f,
			const char *name, const struct json *v)
{
	if (str_equal(name, "problem")) {
		print_problem(out, s, "", v);
		return;
	}
	(void)buf_char(out, '\n');
	print_label(out, s, name, 0);
	(void)buf_char(out, '\n');
	if (str_equal(name, "changes"))
		print_changes(v, s, out);
	else
		print_rows(name, f ? f->sub : NULL, v, s, 2, out);
}

void print_members(const struct field *table, const struct json *object, const struct style *s,
		   struct buf *out)
{
	int width = label_width(table, object);

	JSON_EACH (member, object)
		if (!shown_as_block(member) && is_shown(table, member))
			print_line(out, s, fields_find(table, json_key(member)), json_key(member),
				   member, width);
	JSON_EACH (block, object)
		if (shown_as_block(block) && is_shown(table, block))
			print_block(out, s, fields_find(table, json_key(block)), json_key(block),
				    block);
}

static void print_whole_plan(const struct json *result, const struct style *s, struct buf *out)
{
	const char *who = json_get_string(result, "decided_by");
	const char *when = json_get_string(result, "decided");

	print_plan(result, s, out);
	if (!plan_is_open(result) && when) {
		(void)buf_str(out, "decided ");
		print_age(out, s, when);
		(void)buf_str(out, who ? " by " : "");
		print_text(out, who ? who : "");
		(void)buf_char(out, '\n');
	}
	print_how_to_decide(result, s, out);
}

void print_answer(const struct op *op, const struct json *result, const struct style *s,
		  struct buf *out)
{
	if (str_equal(op->name, "status_get"))
		print_status(result, s, out);
	else if (str_equal(op->name, "log_search"))
		print_log(result, s, out);
	else if (str_equal(op->name, "health_get"))
		print_health(result, s, out);
	else if (is_write_answer(op))
		print_write(result, s, out);
	else if (str_equal(op->name, "plan_get"))
		print_whole_plan(result, s, out);
	else if (str_equal(op->name, "grant_create"))
		print_grant(op->result, result, s, out);
	else if (str_equal(op->name, "manifest_export"))
		(void)buf_str(out, json_get_string(result, "text"));
	else if (json_type(json_get(result, "items")) == JSON_ARRAY)
		print_list(op, result, s, out);
	else
		print_members(op->result, result, s, out);
}
