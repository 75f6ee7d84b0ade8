/* Rows that are taken over from the last listing are read as if they had been parsed anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cloudflare/records.h"

enum { PAGES = 3, ROWS_MAX = 40, IDS = 3000, LOOKS = 600 };

static uint64_t chance = 0x2545f4914f6cdd1du;

static unsigned pick(unsigned n)
{
	chance ^= chance << 13;
	chance ^= chance >> 7;
	chance ^= chance << 17;
	return (unsigned)((chance >> 11) % n);
}

#define CHOICE(list) (list)[pick(ARRAY_LEN(list))]

/* ---- a zone that others change ---- */

struct scene {
	char *texts[ROWS_MAX];
	size_t n;
};

static char *some_row(unsigned id)
{
	static const char *const types[] = {"CNAME", "A", "TXT", "SRV", "MX", "", "LOC"};
	static const char *const contents[] = {"\"x.example\"",
					       "\"192.0.2.1\"",
					       "\"\\u00e4 \\\"q\\\"\"",
					       "null",
					       "7",
					       "\"10 5 443 sip.example.com\""};
	static const char *const rests[] = {
		"",
		",\"comment\":\"adit:me/01\",\"proxied\":true",
		",\"comment\":null,\"ttl\":300",
		",\"ttl\":0",
		",\"priority\":10,\"proxied\":false",
		",\"meta\":{\"read_only\":true}",
		",\"data\":{\"priority\":1,\"weight\":2,\"port\":3,\"target\":\"t.example\"}",
		",\"data\":7",
	};
	static const char *const odd[] = {
		"{}",
		"null",
		"7",
		"[]",
		"{\"comment\":\"adit:me/01\"}",
		"{\"name\":\"n\",\"id\":\"0123456789abcdef0123456789abcdef\"}"};

	if (pick(20) == 0)
		return str_dup(CHOICE(odd));
	return str_format("{%s\"id\":\"%032x\",\"name\":\"n%u.example\",\"type\":\"%s\","
			  "\"content\":%s%s}",
			  pick(10) ? "" : " ", id, pick(9), CHOICE(types), CHOICE(contents),
			  CHOICE(rests));
}

static unsigned id_of(const char *row)
{
	const char *id = strstr(row, "\"id\":\"");

	return id ? (unsigned)strtoul(id + strlen("\"id\":\"0000000000000000"), NULL, 16) : 0;
}

static void scene_change(struct scene *z)
{
	size_t i = pick(ROWS_MAX), j = pick(ROWS_MAX);

	switch (pick(4)) {
	case 0: /* one more */
		if (z->n < ROWS_MAX) {
			z->texts[z->n++] = some_row(pick(IDS));
			i %= z->n;
			char *last = z->texts[z->n - 1];
			z->texts[z->n - 1] = z->texts[i];
			z->texts[i] = last;
		}
		break;
	case 1: /* one less; what follows moves up, across pages too */
		if (i < z->n) {
			free(z->texts[i]);
			z->n--;
			memmove(&z->texts[i], &z->texts[i + 1], (z->n - i) * sizeof(z->texts[0]));
		}
		break;
	case 2: /* another one */
		if (i < z->n) {
			char *old = z->texts[i];
			z->texts[i] = some_row(pick(4) ? id_of(old) : pick(IDS));
			free(old);
		}
		break;
	default: /* two in another order */
		if (i < z->n && j < z->n) {
			char *one = z->texts[i];
			z->texts[i] = z->texts[j];
			z->texts[j] = one;
		}
		break;
	}
}

static void scene_page(const struct scene *z, size_t page, struct buf *out)
{
	size_t per = (z->n + PAGES - 1) / PAGES;

	buf_str(out, "{\"success\":true,\"result\":[");
	for (size_t i = page * per; i < z->n && i < (page + 1) * per; i++)
		buf_printf(out, "%s%s", i > page * per ? "," : "", z->texts[i]);
	buf_str(out, "],\"result_info\":{}}");
}

static void scene_free(struct scene *z)
{
	while (z->n > 0)
		free(z->texts[--z->n]);
}

/* ---- listings ---- */

/* NULL when a row came twice; *known counts what was taken over. */
static struct cf_rows *listed(const struct scene *z, struct cf_rows *before, size_t *known)
{
	struct cf_rows *r = cf_rows_new(cf_record_family(), before);

	for (size_t i = 0; i < PAGES; i++) {
		AUTO(json_doc_t) doc = NULL;
		AUTO(buf_t) text = {0};
		struct err e;

		scene_page(z, i, &text);
		assert_int_equal(cf_rows_read(r, &text, NULL, &doc, &e), 0);
		assert_int_equal(json_count(json_get(json_root(doc), "result")), 0);
		for (size_t j = 0; j < cf_rows_came(r); j++)
			*known += r->page.items[j].same != NULL;
		if (!cf_rows_take(r, &text)) {
			cf_rows_unref(r);
			return NULL;
		}
		assert_int_equal(text.len, 0);
	}
	cf_rows_complete(r);
	return r;
}

static void assert_record(const struct cf_record *a, const struct cf_record *b)
{
	const char *const x[] = {a->id, a->name, a->type, a->content, a->comment};
	const char *const y[] = {b->id, b->name, b->type, b->content, b->comment};

	for (size_t i = 0; i < ARRAY_LEN(x); i++)
		assert_true(str_equal(x[i], y[i]));
	assert_int_equal(a->proxied, b->proxied);
	assert_int_equal(a->locked, b->locked);
	assert_int_equal(a->ttl, b->ttl);
	assert_int_equal(a->priority, b->priority);
	assert_int_equal(a->data == NULL, b->data == NULL);
	AUTO(str_t) c = cf_record_content(a);
	AUTO(str_t) d = cf_record_content(b);
	assert_string_equal(c, d);
}

/* What the listing tells of an id, and what parsing the row's own text tells. */
static void record_agrees(struct cf_page *p, const char *id, const struct json *row)
{
	struct cf_record a, b;
	struct err e;
	struct cf_row *known = cf_page_find(p, id);

	assert_non_null(known);
	int found = cf_record_row(p, known, &a, &e);
	assert_int_equal(found, cf_record_read(row, &b, &e));
	if (found == 0)
		assert_record(&a, &b);
}

struct labels {
	struct buf text;
};

static void label_joins(const struct cf_record_label *l, void *owner)
{
	struct labels *all = owner;

	buf_printf(&all->text, "%s|%s|%s\n", l->id ? l->id : "-", l->name ? l->name : "-",
		   l->comment ? l->comment : "-");
}

static int row_joins(const struct json *row, void *owner)
{
	const struct cf_record_label l = {json_get_string(row, "id"), json_get_string(row, "name"),
					  json_get_string(row, "comment")};

	label_joins(&l, owner);
	return 0;
}

static void listing_agrees(const struct scene *z, struct cf_rows *r)
{
	struct cf_page p = {.rows = r, .count = r->n};
	struct labels a = {{0}}, b = {{0}};
	size_t ids = 0;

	assert_int_equal(r->n, z->n);
	for (size_t i = 0; i < z->n; i++) {
		AUTO(json_doc_t) doc = NULL;
		struct err e;

		assert_int_equal(json_parse(z->texts[i], strlen(z->texts[i]), NULL, &doc, &e), 0);
		const char *id = json_get_string(json_root(doc), "id");
		assert_true(str_equal(r->items[i].id, id));
		if (id)
			record_agrees(&p, id, json_root(doc));
		ids += id != NULL;
	}
	assert_int_equal(r->by_id.count, ids);
	cf_record_labels(&p, label_joins, &a);
	(void)cf_page_each(&p, row_joins, &b);
	assert_string_equal(buf_text(&a.text), buf_text(&b.text));
	buf_free(&a.text);
	buf_free(&b.text);
	cf_rows_rest(r);
}

static void later_looks_tell_what_first_ones_do(void **state)
{
	(void)state;
	struct scene z = {.n = 0};
	struct cf_rows *kept = NULL;
	size_t known = 0, none = 0, twice = 0, complete = 0;

	for (int i = 0; i < LOOKS; i++) {
		for (unsigned n = pick(6); n > 0; n--)
			scene_change(&z);
		struct cf_rows *later = listed(&z, kept, &known);
		struct cf_rows *first = listed(&z, NULL, &none);

		assert_int_equal(later == NULL, first == NULL);
		if (!later) {
			twice++;
			scene_change(&z);
			continue;
		}
		complete++;
		listing_agrees(&z, first);
		listing_agrees(&z, later);
		cf_rows_unref(first);
		cf_rows_unref(kept);
		kept = later;
	}
	listing_agrees(&z, kept ? kept : NULL);
	cf_rows_unref(kept);
	scene_free(&z);
	assert_int_equal(none, 0);
	assert_true(complete > 20 && twice > 20 && known > complete);
}

/* Whoever is first done, and whoever gives up, the others keep what they read. */
static void listings_at_once(void **state)
{
	(void)state;
	struct scene z = {.n = 0};
	size_t known = 0;

	z.texts[z.n++] = str_dup("{\"id\":\"0123456789abcdef0123456789abcdef\",\"name\":\"n\","
				 "\"type\":\"TXT\",\"content\":\"text\",\"comment\":\"c\"}");
	struct cf_rows *first = listed(&z, NULL, &known), *a = listed(&z, first, &known),
		       *b = listed(&z, first, &known);
	assert_int_equal(known, 2);
	assert_ptr_equal(a->items[0].decoded, b->items[0].decoded);
	cf_rows_unref(first);
	cf_rows_unref(a);
	listing_agrees(&z, b);
	struct cf_rows *left = cf_rows_new(cf_record_family(), b);
	cf_rows_unref(b);
	AUTO(buf_t) text = {0};
	AUTO(json_doc_t) doc = NULL;
	struct err e;
	scene_page(&z, 0, &text);
	assert_int_equal(cf_rows_read(left, &text, NULL, &doc, &e), 0);
	cf_rows_unref(left); /* before it takes what it has read */
	scene_free(&z);
}

static void the_shelf_is_bounded(void **state)
{
	(void)state;
	struct cf_shelf s = {.n = 0};
	struct scene z = {.n = 0};
	size_t known = 0;

	for (int i = 0; i < CF_SHELF_LISTINGS + 5; i++) {
		AUTO(str_t) path = str_format("/zones/%d", i / 2);
		struct cf_rows *r = listed(&z, NULL, &known);

		cf_shelf_put(&s, path, r);
		assert_ptr_equal(cf_shelf_find(&s, path), r);
		cf_rows_unref(r);
	}
	assert_int_equal(s.n, (CF_SHELF_LISTINGS + 6) / 2);
	for (int i = 0; i < CF_SHELF_LISTINGS; i++) {
		AUTO(str_t) path = str_format("/others/%d", i);
		struct cf_rows *r = listed(&z, NULL, &known);

		cf_shelf_put(&s, path, r);
		cf_rows_unref(r);
	}
	assert_int_equal(s.n, CF_SHELF_LISTINGS);
	assert_null(cf_shelf_find(&s, "/zones/0"));
	assert_non_null(cf_shelf_find(&s, "/others/0"));
	struct cf_rows *large = cf_rows_new(cf_record_family(), NULL);
	large->items = mem_array(1, sizeof(large->items[0]));
	large->items[large->n++].text = (struct json_span){.p = "", .len = CF_SHELF_BYTES + 1};
	cf_shelf_put(&s, "/large", large);
	cf_rows_unref(large);
	assert_null(cf_shelf_find(&s, "/large"));
	cf_shelf_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(later_looks_tell_what_first_ones_do),
		cmocka_unit_test(listings_at_once),
		cmocka_unit_test(the_shelf_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
