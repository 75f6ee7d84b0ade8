/* The list of a zone's records: filters, order, pages. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sim/record_edit.h"
#include "sim/routes.h"

/* ---- one text against one filter ---- */

enum asked { NOT_ASKED, ASKED_PASSES, ASKED_FAILS };

static enum asked judge(bool passes)
{
	return passes ? ASKED_PASSES : ASKED_FAILS;
}

static bool contains(const char *text, const char *part)
{
	return strcasestr(text, part) != NULL;
}

static bool starts(const char *text, const char *part)
{
	return strncasecmp(text, part, strlen(part)) == 0;
}

static bool ends(const char *text, const char *part)
{
	size_t len = strlen(text), n = strlen(part);

	return n <= len && strcasecmp(text + len - n, part) == 0;
}

static bool equals(const char *text, const char *part)
{
	return strcasecmp(text, part) == 0;
}

static const struct {
	const char *suffix;
	bool (*passes)(const char *text, const char *part);
} comparisons[] = {
	{"", equals},        {".exact", equals}, {".contains", contains}, {".startswith", starts},
	{".endswith", ends},
};

/* Without match=any all that was asked must pass; with it, one. */
struct verdict {
	bool any, asked, passed, failed;
};

static void add_verdict(struct verdict *v, enum asked a)
{
	v->asked |= a != NOT_ASKED;
	v->passed |= a == ASKED_PASSES;
	v->failed |= a == ASKED_FAILS;
}

static bool verdict_passes(const struct verdict *v)
{
	if (!v->asked)
		return true;
	return v->any ? v->passed : !v->failed;
}

static void judge_text(const struct call *k, const char *key, const char *text, struct verdict *v)
{
	for (size_t i = 0; i < ARRAY_LEN(comparisons); i++) {
		AUTO(str_t) name = str_format("%s%s", key, comparisons[i].suffix);
		const char *part = call_arg(k, name);
		if (part)
			add_verdict(v, judge(text && comparisons[i].passes(text, part)));
	}
}

static void judge_comment(const struct call *k, const struct sim_record *r, struct verdict *v)
{
	bool present = r->comment && r->comment[0];

	judge_text(k, "comment", r->comment, v);
	if (call_arg(k, "comment.present"))
		add_verdict(v, judge(present));
	if (call_arg(k, "comment.absent"))
		add_verdict(v, judge(!present));
}

static bool record_asked(const struct call *k, const struct sim_record *r)
{
	struct verdict v = {.any = str_equal(call_arg(k, "match"), "any")};
	const char *type = call_arg(k, "type"), *proxied = call_arg(k, "proxied");
	const char *search = call_arg(k, "search"), *tag = call_arg(k, "tag.present");

	judge_text(k, "name", r->name, &v);
	judge_text(k, "content", r->content, &v);
	judge_comment(k, r, &v);
	if (type)
		add_verdict(&v, judge(equals(r->type, type)));
	if (proxied)
		add_verdict(&v, judge(str_equal(proxied, "true") == r->proxied));
	if (search)
		add_verdict(&v, judge(contains(r->name, search) || contains(r->content, search) ||
				      (r->comment && contains(r->comment, search))));
	if (tag)
		add_verdict(&v, judge(strlist_has(&r->tags, tag)));
	return verdict_passes(&v);
}

/* ---- order ---- */

static int by_name(const void *a, const void *b)
{
	const struct sim_record *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static int by_type(const void *a, const void *b)
{
	const struct sim_record *const *x = a, *const *y = b;

	return strcmp((*x)->type, (*y)->type);
}

static int by_content(const void *a, const void *b)
{
	const struct sim_record *const *x = a, *const *y = b;

	return strcmp((*x)->content, (*y)->content);
}

static int by_ttl(const void *a, const void *b)
{
	const struct sim_record *const *x = a, *const *y = b;

	return ((*x)->ttl > (*y)->ttl) - ((*x)->ttl < (*y)->ttl);
}

static int by_proxied(const void *a, const void *b)
{
	const struct sim_record *const *x = a, *const *y = b;

	return (int)(*x)->proxied - (int)(*y)->proxied;
}

static const struct {
	const char *name;
	int (*compare)(const void *a, const void *b);
} orders[] = {
	{"name", by_name}, {"type", by_type},       {"content", by_content},
	{"ttl", by_ttl},   {"proxied", by_proxied},
};

static void sort_page(const struct call *k, struct page *p)
{
	const char *order = call_arg(k, "order");

	for (size_t i = 0; i < ARRAY_LEN(orders); i++)
		if (p->n > 1 && str_equal(orders[i].name, order))
			qsort(p->items, p->n, sizeof *p->items, orders[i].compare);
	if (str_equal(call_arg(k, "direction"), "desc"))
		page_reverse(p);
}

static int check_words(struct call *k)
{
	const char *match = call_arg(k, "match"), *type = call_arg(k, "type");
	bool proxied;

	if (match && !str_equal(match, "any") && !str_equal(match, "all")) {
		call_fail(k, 400, CODE_OWN, "match must be any or all");
		return -1;
	}
	if (type && !record_type_known(type)) {
		call_fail(k, 400, 9020, "Invalid DNS record type.");
		return -1;
	}
	return call_arg_bool(k, "proxied", false, &proxied);
}

void answer_record_list(struct call *k)
{
	struct page p;

	if (check_words(k) < 0 || call_page(k, 1, 5000000, 100, &p) < 0)
		return;
	MAP_EACH (struct sim_record, r, &k->zone->records)
		if (record_asked(k, r))
			page_add(&p, r);
	sort_page(k, &p);
	call_ok_page(k, &p, write_record);
}
