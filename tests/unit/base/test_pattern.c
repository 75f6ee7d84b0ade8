/* Path patterns: what RE2 refuses is refused, what it takes is taken and means the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/text.h"

static void accepted(void **state)
{
	static const char *const patterns[] = {
		"",
		"^/api/",
		"\\.(jpg|png|css)$",
		"/(?:a|b)+?/c{2,5}",
		"(?i)^/Admin",
		"(?i:x)(?-s:y)(?im-sU)z",
		"(?P<name>[a-z]+)",
		"[]a]",
		"[^]a-z\\d_-]",
		"[[:alpha:][:^digit:]]",
		"\\Q(?=.*\\E+",
		"\\Qunfinished",
		"a{,5}",
		"a{b}",
		"{",
		"\\pL\\p{Lu}\\P{^Greek}",
		"\\x41\\x{1F600}\\0",
		"\\bfoo\\B\\A\\z",
		"a|b||",
		"()",
		"(a{10}){100}",
		"a{1000}",
		"\\*\\+\\?\\(\\)\\\\",
		"[(?=*+{]",
		"\xc3\xa9+",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
		struct err e = {0};

		if (pattern_check(patterns[i], &e))
			fail_msg("%s: %s", patterns[i], e.message);
	}
}

static const char *const refusals[][2] = {
	{"(?=a)", "look-around"},
	{"(?!a)", "look-around"},
	{"(?<=a)", "look-around"},
	{"(?<!a)", "look-around"},
	{"(a)\\1", "backreference"},
	{"(a)\\9", "backreference"},
	{"(?P<n>a)(?P=n)", "backreference"},
	{"(a)\\g1", "reference"},
	{"(a)\\g{-1}", "reference"},
	{"(?P<n>a)\\k<n>", "reference"},
	{"(?>a)", "atomic"},
	{"a*+", "possessive"},
	{"a++", "possessive"},
	{"a?+", "possessive"},
	{"a{2}+", "possessive"},
	{"(?R)", "recursion"},
	{"(?1)", "recursion"},
	{"(?-1)", "recursion"},
	{"(?+1)(a)", "recursion"},
	{"(?&n)", "recursion"},
	{"(?P>n)", "recursion"},
	{"\\C", "escape"},
	{"\\K", "escape"},
	{"\\R", "escape"},
	{"\\X", "escape"},
	{"\\G", "escape"},
	{"\\h", "escape"},
	{"\\N", "escape"},
	{"\\Z", "escape"},
	{"\\E", "escape"},
	{"[\\b]", "escape"},
	{"[\\Qa\\E]", "escape"},
	{"\\\xc3\xa9", "escape"},
	{"\\Q\\E*", "with nothing"},
	{"(?C1)", "callout"},
	{"(?C)", "callout"},
	{"(*UCP)a", "verb"},
	{"(*LIMIT_MATCH=9999999)a", "verb"},
	{"a(*FAIL)", "verb"},
	{"(?<name>a)", "group"},
	{"(?'name'a)", "group"},
	{"(?|a|b)", "group"},
	{"(?#note)", "group"},
	{"(?(1)a|b)", "group"},
	{"(?x)a", "group"},
	{"(?J)a", "group"},
	{"(?^)a", "group"},
	{"(?-)a", "group"},
	{"(?i-m-s)a", "group"},
	{"(?", "group"},
	{"*a", "repetition"},
	{"a**", "repetition"},
	{"a*??", "repetition"},
	{"a{2}{3}", "repetition"},
	{"a|*", "repetition"},
	{"(*a)", "verb"},
	{"(+a)", "repetition"},
	{"a{1001}", "1000"},
	{"a{2,99999999999}", "1000"},
	{"(a{100}){11}", "1000"},
	{"((a{10}){10}){11}", "1000"},
	{"((a{10})*){101}", "1000"},
	{"(", "without its )"},
	{"(a", "without its )"},
	{"a)", "without its ("},
	{"[a", "without its ]"},
	{"[]", "without its ]"},
	{"a\\", "backslash"},
	{"\\x4", "\\x"},
	{"\\x", "\\x"},
	{"\\x{}", "\\x"},
	{"\\p{Xan}", "Unicode"},
	{"\\p", "Unicode"},
	{"\\p{L", "Unicode"},
	{"a{3,2}", "refused"},
	{"[z-a]", "refused"},
	{"[a-\\d]", "refused"},
	{"[[:nope:]]", "refused"},
	{"\xff", "refused"},
	{"\\x{110000}", "refused"},
	{"(?P<1>a)", "refused"},
	{"(?P<n", "refused"},
	{"(?P<n>a)(?P<n>b)", "refused"},
};

static void refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		struct err e = {0};

		if (!pattern_check(refusals[i][0], &e) || !strstr(e.message, refusals[i][1]))
			fail_msg("%s: \"%s\"", refusals[i][0], e.message);
		assert_int_equal(pattern_matches(refusals[i][0], "aaaa"), -1);
	}
}

static void size_and_nesting(void **state)
{
	char text[600];
	struct err e;

	(void)state;
	memset(text, 'a', sizeof(text));
	text[512] = '\0';
	assert_int_equal(pattern_check(text, &e), 0);
	text[512] = 'a';
	text[513] = '\0';
	assert_int_equal(pattern_check(text, &e), -1);
	for (int depth = 50; depth <= 51; depth++) {
		memset(text, '(', (size_t)depth);
		memset(text + depth, ')', (size_t)depth);
		text[2 * depth] = '\0';
		assert_int_equal(pattern_check(text, &e), depth == 50 ? 0 : -1);
	}
	memset(text, '(', 512);
	text[512] = '\0';
	assert_int_equal(pattern_check(text, &e), -1);
}

static void matching(void **state)
{
	static const struct {
		const char *pattern, *subject;
		int result;
	} cases[] = {
		{"/api", "/v1/api/x", 1}, /* unanchored */
		{"^/api", "/v1/api", 0},    {"\\.png$", "/a.png", 1},
		{"\\.png$", "/a.png\n", 0}, /* RE2's $ is the very end */
		{"a.b", "a\nb", 0},         {"(?s)a.b", "a\nb", 1},
		{"a.b", "a\rb", 1},         {"API", "/api", 0},
		{"(?i)API", "/api", 1},     {"^\\w+$", "\xc3\xa9", 0}, /* ASCII classes */
		{"^.$", "\xc3\xa9", 1},     {"x", "\xff\xfex", 1}, /* a path need not be UTF-8 */
		{"", "/anything", 1},       {"\\Qa+b\\E", "a+b", 1},
		{"^a{2,3}$", "aaaa", 0},    {"^(?P<n>a|b)c$", "bc", 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int rc = pattern_matches(cases[i].pattern, cases[i].subject);

		if (rc != cases[i].result)
			fail_msg("%s on %s: %d", cases[i].pattern, cases[i].subject, rc);
	}
}

/* What takes a backtracking engine for ever ends at the limits, soon. */
static void catastrophes_end(void **state)
{
	static const char *const patterns[] = {"^(a+)+$", "^(a|aa)+$", "^(a*)*b",
					       "(.*)(.*)(.*)(.*)(.*)X", "^((a?){100}){9}b$"};
	char subject[4001];
	clock_t start = clock();

	(void)state;
	memset(subject, 'a', sizeof(subject) - 2);
	subject[3999] = '!';
	subject[4000] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
		struct err e;

		assert_int_equal(pattern_check(patterns[i], &e), 0);
		assert_true(pattern_matches(patterns[i], subject) <= 0);
	}
	assert_int_equal(pattern_matches("^(a+)+$", subject), -1);
	assert_true(clock() - start < 5 * CLOCKS_PER_SEC);
}

/* Random pieces of syntax, each in memory of its own length so that a read past its end shows. */
static void nonsense_does_no_harm(void **state)
{
	static const char *const pieces[] = {
		"(", ")",  "[",  "]",     "{",   "}",        "\\",  "?",     "*",   "+",   "|",
		"^", "$",  "a",  "b",     "1",   "9",        ",",   "-",     ":",   "<",   ">",
		"=", "!",  "P",  "p",     "x",   "L",        "Q",   "(?",    "i",   "R",   "C",
		".", "[:", ":]", "alpha", "\\E", "\xc3\xa9", "{2}", "{2,3}", "(?:", "\\Q", "\xff"};
	size_t good = 0;

	(void)state;
	srand(815);
	for (int i = 0; i < 20000; i++) {
		char text[64] = "";
		struct err e;
		AUTO(str_t) pattern = NULL;
		int rc;

		for (int n = rand() % 9; n > 0; n--)
			strcat(text, pieces[(size_t)rand() % ARRAY_LEN(pieces)]);
		pattern = str_dup(text);
		rc = pattern_check(pattern, &e);
		good += rc == 0;
		assert_true(rc == 0 || pattern_matches(pattern, "ab1") == -1);
		assert_true(rc == -1 || pattern_matches(pattern, "ab1") >= 0);
	}
	assert_true(good > 100 && good < 19900);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepted),         cmocka_unit_test(refused),
		cmocka_unit_test(size_and_nesting), cmocka_unit_test(matching),
		cmocka_unit_test(catastrophes_end), cmocka_unit_test(nonsense_does_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
