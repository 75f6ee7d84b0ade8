/* A row of the accounts: what is not as it should be costs that member, and no id the row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "cloudflare/accounts.h"

#define ID "023e105f4ecef8ad9ca31a8372d0c353"

static const struct {
	const char *text, *name;
	int rc, second_factor;
} rows[] = {
	{"{\"id\":\"" ID "\",\"name\":\"A & B\",\"settings\":{\"enforce_twofactor\":true}}",
	 "A & B", 0, CF_SECOND_FACTOR_ASKED},
	{"{\"id\":\"" ID "\",\"name\":\"A\",\"settings\":{\"enforce_twofactor\":false}}", "A", 0,
	 CF_SECOND_FACTOR_NOT_ASKED},
	{"{\"id\":\"" ID "\",\"name\":7,\"settings\":{\"enforce_twofactor\":\"no\"}}", NULL, 0,
	 CF_SECOND_FACTOR_UNKNOWN},
	{"{\"id\":\"" ID "\",\"settings\":[]}", NULL, 0, CF_SECOND_FACTOR_UNKNOWN},
	{"{\"name\":\"A\"}", NULL, -1, 0},
	{"{\"id\":\"../" ID "\"}", NULL, -1, 0},
	{"[]", NULL, -1, 0},
	{"null", NULL, -1, 0},
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(json_doc_t) doc = NULL;
		struct cf_account_row a = {0};
		struct err e;
		assert_int_equal(json_parse(rows[i].text, strlen(rows[i].text), NULL, &doc, &e), 0);
		assert_int_equal(cf_account_read(json_root(doc), &a), rows[i].rc);
		if (rows[i].rc < 0)
			continue;
		assert_true(str_equal(a.name, rows[i].name));
		assert_int_equal(a.second_factor, rows[i].second_factor);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
