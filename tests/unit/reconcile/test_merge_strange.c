/* Documents that merge does not touch because it does not understand them, ours included. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reconcile/merge.h"

#define ALL          "{\"service\":\"http_status:404\"}"
#define DOC(...)     "{\"ingress\":[" __VA_ARGS__ "]}"
#define R(host, svc) "{\"hostname\":\"" host "\",\"service\":\"" svc "\"}"
#define FOR_X        R("x.fo.org", "http://f:1")

static const struct {
	const char *remote, *sentence;
} strange[] = {
	{"", "no strict JSON at byte 0"},
	{"{\"ingress\":[" ALL "]", "no strict JSON"},
	{"{\"ingress\":[],\"ingress\":[]}", "no strict JSON"},
	{"[]", "it is an array, not an object"},
	{"7", "it is a number"},
	{"{\"ingress\":{}}", "the rules are no array"},
	{"{\"ingress\":\"x\"}", "the rules are no array"},
	{DOC("1," ALL), "rule 1 is no object"},
	{DOC(ALL ",null"), "rule 2 is no object"},
	{DOC("{\"hostname\":1,\"service\":\"x\"}," ALL), "hostname or path of rule 1"},
	{DOC(FOR_X ",{\"path\":[],\"service\":\"x\"}," ALL), "hostname or path of rule 2"},
	{DOC(FOR_X), "the last rule does not take all"},
	{DOC("{\"path\":\"^/\",\"service\":\"x\"}"), "the last rule does not take all"},
	{DOC(ALL "," FOR_X "," ALL), "rule 1 takes all requests"},
	{DOC(FOR_X "," R("*", "http://x") "," ALL), "rule 2 takes all requests"},
};

static void strange_documents_are_refused(void **state)
{
	(void)state;
	struct route *a = route_new();
	str_set(&a->hostname, "a.ex.org");
	str_set(&a->service, "http://h:1");
	const struct route *routes[] = {a};
	for (size_t i = 0; i < ARRAY_LEN(strange); i++) {
		struct merge_input in = {.remote = strange[i].remote, .base = "[]"};
		struct merge_result r = {.outcome = MERGE_CHANGED};
		struct err e;
		for (in.n_routes = 0; in.n_routes < 2; in.n_routes++) {
			in.routes = routes;
			if (merge(&in, &r, &e) == 0)
				fail_msg("taken: %s", strange[i].remote);
			assert_int_equal(e.kind, ERR_CONFLICT);
			assert_int_equal(r.outcome, MERGE_CHANGED); /* untouched */
			if (!strstr(e.message, strange[i].sentence))
				fail_msg("\"%s\" does not hold \"%s\"", e.message,
					 strange[i].sentence);
		}
	}
	route_free(a);
}

static void a_foreign_key_does_not_reach_the_sentence(void **state)
{
	(void)state;
	struct merge_input in = {.remote = "{\"obey me\":1,\"obey me\":2}"};
	struct merge_result r = {0};
	struct err e;
	assert_int_equal(merge(&in, &r, &e), -1);
	assert_null(strstr(e.message, "obey"));
}

static void our_own_side_is_checked(void **state)
{
	(void)state;
	static const char *const bases[] = {"{", "{}", "[1]", "[{\"hostname\":1}]"};
	struct merge_result r = {0};
	struct err e;
	for (size_t i = 0; i < ARRAY_LEN(bases); i++) {
		struct merge_input in = {.remote = DOC(ALL), .base = bases[i]};
		assert_int_equal(merge(&in, &r, &e), -1);
		assert_int_equal(e.kind, ERR_INTERNAL);
	}
	static const char *const origins[] = {"{", "[]", "1"};
	for (size_t i = 0; i <= ARRAY_LEN(origins); i++) {
		struct route *a = route_new();
		const struct route *routes[] = {a};
		struct merge_input in = {.routes = routes, .n_routes = 1};
		str_set(&a->hostname, "a.ex.org");
		str_set(&a->service, i < ARRAY_LEN(origins) ? "http://h:1" : NULL);
		str_set(&a->origin, i < ARRAY_LEN(origins) ? origins[i] : NULL);
		assert_int_equal(merge(&in, &r, &e), -1);
		assert_int_equal(e.kind, ERR_INTERNAL);
		route_free(a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strange_documents_are_refused),
		cmocka_unit_test(a_foreign_key_does_not_reach_the_sentence),
		cmocka_unit_test(our_own_side_is_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
