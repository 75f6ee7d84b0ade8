/* Records in Cloudflare's forms: what is the same, what clashes, what was seen as wanted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/world.h"

static void contents_are_the_same(void **state)
{
	static const struct {
		const char *type, *a, *b;
		bool same;
	} rows[] = {
		{"A", "192.0.2.1", "192.0.2.1", true},
		{"A", "192.0.2.1", "192.0.2.2", false},
		{"A", "192.0.2.1", "x", false},
		{"A", "192.0.2.1", NULL, false},
		{"A", NULL, NULL, false},
		{"AAAA", "2001:db8::1", "2001:DB8:0:0:0:0:0:1", true},
		{"AAAA", "2001:db8::1", "2001:db8::2", false},
		{"CNAME", "a.example.net", "A.Example.NET.", true},
		{"CNAME", "a.example.net", "a.example.net2", false},
		{"CNAME", "", "a", false},
		{"MX", "mx.example.net.", "mx.example.net", true},
		{"MX", ".", ".", true},
		{"TXT", "a b", "\"a b\"", true},
		{"TXT", "\"a\" \"b\"", "ab", true},
		{"TXT", "\"a\"  \"b\"", "\"ab\"", true},
		{"TXT", "\"a\\\"b\"", "a\"b", true},
		{"TXT", "ab", "AB", false},
		{"TXT", "ab", "abc", false},
		{"TXT", "\"ab\"", "\"abc\"", false},
		{"TXT", "\"", "", true},
		{"TXT", "\"a\\", "a\\", true},
		{"TXT", "v \"x\"", "v x", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (record_content_same(rows[i].type, rows[i].a, rows[i].b) != rows[i].same ||
		    record_content_same(rows[i].type, rows[i].b, rows[i].a) != rows[i].same)
			fail_msg("row %zu", i);
}

static void types_clash(void **state)
{
	static const struct {
		const char *a, *b;
		bool clash;
	} rows[] = {
		{"A", "A", true},        {"A", "AAAA", false},     {"A", "CNAME", true},
		{"AAAA", "CNAME", true}, {"CNAME", "CNAME", true}, {"CNAME", "TXT", false},
		{"CNAME", "MX", false},  {"TXT", "TXT", true},     {"MX", "TXT", false},
		{"A", NULL, false},      {NULL, NULL, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (record_types_clash(rows[i].a, rows[i].b) != rows[i].clash ||
		    record_types_clash(rows[i].b, rows[i].a) != rows[i].clash)
			fail_msg("row %zu", i);
	assert_true(record_type_proxiable("AAAA"));
	assert_false(record_type_proxiable("TXT"));
	assert_false(record_type_proxiable(NULL));
}

static struct record *seen(void)
{
	struct record *r = record_new("a.example.com", "MX");

	str_set(&r->content, "mx.example.net");
	str_set(&r->comment, "post");
	r->proxied = false;
	r->ttl = r->observed.ttl = 300;
	r->priority = r->observed.priority = 10;
	str_set(&r->observed.content, "mx.example.net");
	str_set(&r->observed.comment, "adit:edge1/a1b2c3d4 post");
	return r;
}

static void every_member_counts(void **state)
{
	(void)state;
	for (int i = 0; i < 7; i++) {
		struct record *r = seen();

		if (i == 1)
			str_set(&r->content, "other.example.net");
		else if (i == 2)
			r->ttl = 1;
		else if (i == 3)
			r->priority = 0;
		else if (i == 4)
			str_set(&r->comment, NULL);
		else if (i == 5)
			str_set(&r->observed.comment, "adit:edge1/a1b2c3d4");
		else if (i == 6)
			r->observed.proxied = true;
		if (record_own_as_seen(r) != (i == 0))
			fail_msg("row %d", i);
		record_free(r);
	}
}

static void a_clash_is_found_by_name(void **state)
{
	struct world *w = world_new();
	struct record *a = record_new("a.example.com", "A"),
		      *t = record_new("a.example.com", "TXT");

	(void)state;
	world_add_record(w, a);
	world_add_record(w, t);
	assert_ptr_equal(world_find_clash(w, "A.example.com", "CNAME", ""), a);
	assert_ptr_equal(world_find_clash(w, "a.example.com", "TXT", a->id), t);
	assert_null(world_find_clash(w, "a.example.com", "A", a->id));
	assert_null(world_find_clash(w, "a.example.com", "MX", ""));
	assert_null(world_find_clash(w, "b.example.com", "A", ""));
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(contents_are_the_same),
		cmocka_unit_test(types_clash),
		cmocka_unit_test(every_member_counts),
		cmocka_unit_test(a_clash_is_found_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
