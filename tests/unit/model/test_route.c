/* The order of rules: whatever the order in which routes were made, the narrower one stands first.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/route.h"

struct key {
	const char *hostname, *path;
};

/* As the rules must stand. */
static const struct key ordered[] = {
	{"b.example.com", "^/api/v1/"},  {"a.example.com", "^/api/"},
	{"b.example.com", "^/api/"},     {"b.example.com", "^/zzz/"},
	{"a.example.com", "^/"},         {"a.example.com", NULL},
	{"b.example.com", NULL},         {"x.y.example.com", NULL},
	{"*.deep.er.example.com", NULL}, {"*.deep.example.com", "^/"},
	{"*.deep.example.com", NULL},    {"*.example.com", "^/long/path"},
	{"*.example.com", "^/"},         {"*.another-longer-domain.org", NULL},
	{"*.example.com", NULL},
};

static struct route *make(const struct key *k)
{
	struct route *r = route_new();

	str_set(&r->hostname, k->hostname);
	str_set(&r->path, k->path);
	return r;
}

static int sign(int n)
{
	return (n > 0) - (n < 0);
}

static void order_is_total(void **state)
{
	struct route *routes[ARRAY_LEN(ordered)];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ordered); i++)
		routes[i] = make(&ordered[i]);
	for (size_t i = 0; i < ARRAY_LEN(ordered); i++)
		for (size_t k = 0; k < ARRAY_LEN(ordered); k++) {
			int wanted = i < k ? -1 : i > k;

			if (sign(route_compare(routes[i], routes[k])) != wanted)
				fail_msg("%s %s against %s %s", routes[i]->hostname,
					 routes[i]->path ? routes[i]->path : "-",
					 routes[k]->hostname,
					 routes[k]->path ? routes[k]->path : "-");
		}
	for (size_t i = 0; i < ARRAY_LEN(ordered); i++)
		route_free(routes[i]);
}

static void equal_keys_are_ordered_by_id(void **state)
{
	struct route *a = make(&ordered[0]), *b = make(&ordered[0]);

	(void)state;
	strcpy(a->id, "r0000000001");
	strcpy(b->id, "r0000000002");
	assert_true(route_compare(a, b) < 0);
	assert_true(route_compare(b, a) > 0);
	route_free(a);
	route_free(b);
}

static void key_is_name_and_path(void **state)
{
	static const struct {
		struct key has, asked;
		bool same;
	} rows[] = {
		{{"a.example.com", NULL}, {"a.example.com", NULL}, true},
		{{"a.example.com", NULL}, {"A.Example.COM", NULL}, true},
		{{"a.example.com", NULL}, {"a.example.com", ""}, true},
		{{"a.example.com", "^/x"}, {"a.example.com", "^/x"}, true},
		{{"a.example.com", "^/x"}, {"a.example.com", "^/X"}, false},
		{{"a.example.com", "^/x"}, {"a.example.com", NULL}, false},
		{{"a.example.com", NULL}, {"b.example.com", NULL}, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct route *r = make(&rows[i].has);

		assert_int_equal(route_same_key(r, rows[i].asked.hostname, rows[i].asked.path),
				 rows[i].same);
		route_free(r);
	}
}

static void ids_are_fresh(void **state)
{
	struct route *a = route_new(), *b = route_new();

	(void)state;
	assert_int_equal(a->id[0], 'r');
	assert_int_equal(strlen(a->id), 1 + ID_DIGITS);
	assert_true(hex_valid(a->id + 1, ID_DIGITS));
	assert_string_not_equal(a->id, b->id);
	assert_int_equal(a->generation, 1);
	route_free(a);
	route_free(b);
	route_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_is_total),
		cmocka_unit_test(equal_keys_are_ordered_by_id),
		cmocka_unit_test(key_is_name_and_path),
		cmocka_unit_test(ids_are_fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
