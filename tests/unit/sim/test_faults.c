/* Fault rules: what is taken, and which request they strike. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sim/faults.h"

static int add(struct faults *f, const char *text, struct err *e)
{
	AUTO(json_doc_t) doc = NULL;

	assert_int_equal(json_parse(text, strlen(text), NULL, &doc, e), 0);
	return faults_add(f, json_root(doc), e);
}

static bool strikes(struct faults *f, const char *method, const char *path, const char *body)
{
	return faults_strike(f, method, path, body) != NULL;
}

static void bad_rules_are_refused_whole(void **state)
{
	static const char *const bad[] = {
		"{}",
		"{\"do\":\"explode\"}",
		"{\"do\":\"error\",\"stauts\":500}",
		"{\"do\":\"error\",\"status\":99}",
		"{\"do\":\"slow\",\"bytes\":0}",
		"{\"do\":\"delay\",\"ms\":-1}",
		"[{\"do\":\"drop\"},{\"do\":\"nope\"}]",
		"[7]",
	};
	struct faults f;
	struct err e = {0};

	(void)state;
	faults_init(&f);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(add(&f, bad[i], &e), -1);
		assert_true(list_empty(&f.rules));
	}
	faults_clear(&f);
}

static void a_rule_strikes_what_it_names(void **state)
{
	struct faults f;
	struct err e = {0};

	(void)state;
	faults_init(&f);
	assert_int_equal(add(&f,
			     "{\"do\":\"drop\",\"method\":\"POST\",\"path\":\"/accounts/*/cfd\","
			     "\"body_has\":\"web\",\"count\":0}",
			     &e),
			 0);
	assert_false(strikes(&f, "GET", "/accounts/1/cfd", "web"));
	assert_false(strikes(&f, "POST", "/accounts/1/cfd/2", "web"));
	assert_false(strikes(&f, "POST", "/accounts/1/cfd", "other"));
	assert_false(strikes(&f, "POST", "/accounts/1/cfd", NULL));
	assert_true(strikes(&f, "POST", "/accounts/1/cfd", "a web b"));
	assert_true(strikes(&f, "POST", "/accounts/1/cfd", "a web b"));
	faults_clear(&f);
	assert_false(strikes(&f, "POST", "/accounts/1/cfd", "a web b"));
}

static void a_rule_counts(void **state)
{
	struct faults f;
	struct err e = {0};
	static const bool want[] = {false, true, true, false};

	(void)state;
	faults_init(&f);
	assert_int_equal(add(&f, "{\"do\":\"limit\",\"nth\":2,\"count\":2}", &e), 0);
	for (size_t i = 0; i < sizeof want / sizeof *want; i++)
		assert_int_equal(strikes(&f, "GET", "/x", ""), want[i]);
	AUTO(buf_t) out = {0};
	faults_write(&f, &out);
	assert_non_null(strstr(out.data, "\"seen\":4,\"done\":2"));
	faults_clear(&f);
}

static void rules_follow_each_other(void **state)
{
	struct faults f;
	struct err e = {0};

	(void)state;
	faults_init(&f);
	assert_int_equal(add(&f, "[{\"do\":\"limit\"},{\"do\":\"error\",\"code\":7}]", &e), 0);
	const struct fault *first = faults_strike(&f, "GET", "/x", "");
	assert_int_equal(first->kind, FAULT_LIMIT);
	assert_int_equal(first->status, 429);
	assert_int_equal(first->code, 971);
	const struct fault *second = faults_strike(&f, "GET", "/x", "");
	assert_int_equal(second->kind, FAULT_ERROR);
	assert_int_equal(second->status, 500);
	assert_int_equal(second->code, 7);
	assert_null(faults_strike(&f, "GET", "/x", ""));
	faults_clear(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_rules_are_refused_whole),
		cmocka_unit_test(a_rule_strikes_what_it_names),
		cmocka_unit_test(a_rule_counts),
		cmocka_unit_test(rules_follow_each_other),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
