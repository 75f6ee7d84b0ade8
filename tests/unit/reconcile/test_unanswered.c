/* PUTs without an answer: which of them landed, and whether somebody wrote in between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "reconcile/unanswered.h"

#define TEST(name) cmocka_unit_test(name)
#define ONE        "{\"n\":1}"
#define TWO        "{\"n\":2}"

/* Takes what was known, as all callers do. */
static void add(char **known, bool earlier, int64_t version, const char *document)
{
	char *more = unanswered_add(*known, earlier, version, "{\"read\":true}", document);
	free(*known);
	*known = more;
}

static void answered(char **known, const char *document, bool effect)
{
	char *rest = unanswered_without(*known, document, effect);
	free(*known);
	*known = rest;
}

static void expect(const char *known, int64_t version, const char *config, bool found, bool raced,
		   bool alone)
{
	AUTO(landing_t) l = {0};
	assert_int_equal(unanswered_find(known, version, config, &l), found);
	assert_int_equal(l.raced, raced);
	assert_int_equal(l.alone, alone);
	if (found)
		assert_string_equal(l.read, "{\"read\":true}");
}

static void one_that_landed_is_known(void **state)
{
	AUTO(str_t) known = NULL;
	(void)state;
	expect(known, 4, ONE, false, false, false);
	add(&known, false, 3, ONE);
	expect(known, 4, ONE, true, false, true);
	expect(known, 5, ONE, true, true, true);
	expect(known, 4, TWO, false, false, false);
	expect(known, 4, NULL, false, false, false);
	/* It stood there before it was sent: whether it landed is not seen. */
	expect(known, 3, ONE, false, false, false);
}

static void the_first_version_of_all_is_no_race(void **state)
{
	AUTO(str_t) known = NULL;
	(void)state;
	add(&known, false, 0, ONE);
	expect(known, 1, ONE, true, false, true);
	expect(known, 2, ONE, true, true, true);
}

static void our_own_in_between_are_no_race(void **state)
{
	AUTO(str_t) known = NULL;
	(void)state;
	add(&known, false, 3, ONE);
	add(&known, false, 3, TWO);
	/* Either may have come first. */
	expect(known, 5, ONE, true, false, false);
	expect(known, 5, TWO, true, false, false);
	expect(known, 6, TWO, true, true, false);
	answered(&known, TWO, true);
	expect(known, 5, ONE, true, false, false);
	expect(known, 6, ONE, true, true, false);
}

static void what_was_refused_made_no_version(void **state)
{
	AUTO(str_t) known = NULL;
	(void)state;
	add(&known, false, 3, ONE);
	add(&known, false, 3, TWO);
	answered(&known, TWO, false);
	expect(known, 4, TWO, false, false, false);
	expect(known, 5, ONE, true, true, true);
}

static void what_is_not_remembered_counts(void **state)
{
	AUTO(str_t) known = NULL;
	(void)state;
	add(&known, true, 3, ONE);
	expect(known, 5, ONE, true, false, false);
	expect(known, 6, ONE, true, true, false);
	free(steal(&known));
	for (int i = 0; i < 20; i++)
		add(&known, false, 3, i ? TWO : ONE);
	expect(known, 23, TWO, true, false, false);
	expect(known, 4, ONE, false, false, false);
	assert_true(strlen(known) < 1000);
	expect("no JSON", 4, ONE, false, false, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_that_landed_is_known),       TEST(the_first_version_of_all_is_no_race),
		TEST(our_own_in_between_are_no_race), TEST(what_was_refused_made_no_version),
		TEST(what_is_not_remembered_counts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
