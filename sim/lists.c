/*
 * The endpoints that are lists of a kind, their rows one by one, and changes of them: members,
 * roles, permission groups, tokens, access rules, lockdowns, rules by user agent.
 */
#include <string.h>

#include "base/secret.h"
#include "sim/kinds.h"
#include "sim/people.h"
#include "sim/routes.h"

static void write_row(struct call *k, const void *item)
{
	const struct json *row = row_json(item);
	const char *kind = kind_of_pattern(k->r->family)->name;

	if (str_equal(kind, "members"))
		write_member(k, row);
	else
		json_write_value(&k->w, row);
}

static void answer_row(struct call *k, const struct sim_row *x)
{
	call_ok_begin(k);
	write_row(k, x);
	call_ok_end(k);
}

/* The kind, with its rows up to date. */
static const struct shelf_kind *kind_asked(struct call *k)
{
	const struct shelf_kind *kind = kind_of_pattern(k->r->family);

	if (str_equal(kind->name, "tokens"))
		tokens_to_shelf(k->c, call_owner(k));
	return kind;
}

static bool is_past(struct call *k, const struct json *row)
{
	bool expired;

	if (!str_equal(json_get_string(row, "status"), "expired"))
		return false;
	return call_arg_bool(k, "include_expired", false, &expired) == 0 && !expired;
}

void answer_list(struct call *k)
{
	const struct shelf_kind *kind = kind_asked(k);
	const struct map *rows = shelf_find(k->c, kind->name, call_owner(k));
	bool expired;
	struct page p;

	if (kind_check(k, kind) < 0 || call_arg_bool(k, "include_expired", false, &expired) < 0 ||
	    call_page(k, kind->least, kind->most, kind->otherwise, &p) < 0)
		return;
	if (rows)
		MAP_EACH (struct sim_row, x, rows)
			if (kind_passes(k, kind, row_json(x)) && !is_past(k, row_json(x)))
				page_add(&p, x);
	kind_sort(k, kind, &p);
	call_ok_page(k, &p, write_row);
}

/* NULL = refused. */
static struct sim_row *row_asked(struct call *k)
{
	const struct shelf_kind *kind = kind_asked(k);
	struct sim_row *x = shelf_row(k->c, kind->name, call_owner(k), call_last_id(k));

	if (!x)
		call_fail(k, 404, str_equal(kind->name, "members") ? 1003 : CODE_OWN,
			  "there is no such row of %s", kind->name);
	return x;
}

void answer_list_row(struct call *k)
{
	const struct sim_row *x = row_asked(k);

	if (x)
		answer_row(k, x);
}

/* ---- changes ---- */

static int check_needs(struct call *k, const struct shelf_kind *kind)
{
	for (size_t i = 0; kind->needs && kind->needs[i]; i++) {
		if (!json_is_null(json_get(k->body, kind->needs[i])))
			continue;
		call_fail(k, 400, CODE_OWN, "%s is required", kind->needs[i]);
		return -1;
	}
	return 0;
}

/* What a row that POST makes starts from. */
static int made_of(const struct shelf_kind *kind, struct json_doc **out)
{
	struct err e = {0};

	if (!kind->made)
		return 0;
	return json_parse(kind->made, strlen(kind->made), NULL, out, &e);
}

static struct sim_row *keep(struct call *k, const struct shelf_kind *kind, const char *id,
			    const struct json *before)
{
	AUTO(buf_t) text = {0};

	kind_fill(kind, id, k->body, before, k->q->now_ms, &text);
	str_copy(k->r->object, sizeof k->r->object, id);
	return shelf_put(k->c, kind->name, call_owner(k), buf_text(&text));
}

void answer_list_create(struct call *k)
{
	const struct shelf_kind *kind = kind_asked(k);
	AUTO(json_doc_t) made = NULL;
	char id[SIM_ID_SIZE];

	if (call_body(k) < 0 || check_needs(k, kind) < 0 || made_of(kind, &made) < 0)
		return;
	random_hex(id, SIM_ID_SIZE - 1);
	answer_row(k, keep(k, kind, id, made ? json_root(made) : NULL));
}

void answer_list_change(struct call *k)
{
	const struct shelf_kind *kind = kind_asked(k);
	const struct sim_row *x = row_asked(k);
	bool whole = str_equal(k->q->method, "PUT") && !str_equal(kind->name, "members");

	if (!x || call_body(k) < 0 || (whole && check_needs(k, kind) < 0))
		return;
	answer_row(k, keep(k, kind, x->id, whole ? NULL : row_json(x)));
}

void answer_list_delete(struct call *k)
{
	const struct sim_row *x = row_asked(k);
	char id[UUID_SIZE];

	if (!x)
		return;
	str_copy(id, sizeof id, x->id);
	shelf_drop(k->c, kind_of_pattern(k->r->family)->name, call_owner(k), id);
	str_copy(k->r->object, sizeof k->r->object, id);
	call_ok_begin(k);
	json_object_begin(&k->w);
	json_put_string(&k->w, "id", id);
	json_object_end(&k->w);
	call_ok_end(k);
}
