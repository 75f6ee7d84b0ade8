/* The strict check: every text that JSON must or must not be, and that size is no weapon. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/json.h"

struct row {
	const char *text;
	const char *refusal; /* part of the sentence; NULL = accepted */
	size_t len;          /* 0 = strlen */
};

static const struct row rows[] = {
	/* values */
	{"null", NULL},
	{"true", NULL},
	{"false", NULL},
	{"0", NULL},
	{"\"\"", NULL},
	{"{}", NULL},
	{"[]", NULL},
	{" \t\r\n{ \"a\" : [ 1 , 2 ] }\n", NULL},
	{"[[],{},[{}]]", NULL},
	{"{\"a\":{\"a\":{\"a\":1}}}", NULL},
	{"[{\"a\":1},{\"a\":1}]", NULL},
	{"", "byte 0: the text is empty"},
	{" \n", "byte 2: the text is empty"},
	{"nul", "byte 0: unexpected 'n', expected a value"},
	{"nulll", "byte 4: unexpected 'l', expected the end"},
	{"True", "byte 0: unexpected 'T'"},
	{"NaN", "expected a value"},
	{"Infinity", "expected a value"},
	{"-Infinity", "byte 1: unexpected 'I', expected a digit"},
	{"undefined", "expected a value"},
	{"'a'", "byte 0: unexpected '''"},
	{"/* c */ 1", "byte 0: unexpected '/'"},
	{"1 // c", "byte 2: unexpected '/', expected the end"},
	{"\0", "byte 0: unexpected byte 0x00", 1},
	{"1\0", "byte 1: unexpected byte 0x00", 2},
	{"\f1", "byte 0: unexpected byte 0x0c"},
	{"\xc2\xa0"
	 "1",
	 "byte 0: unexpected byte 0xc2"},
	/* structure */
	{"[1,2,3]", NULL},
	{"[1,]", "byte 3: unexpected ']', expected a value"},
	{"[,1]", "byte 1: unexpected ','"},
	{"[1 2]", "byte 3: unexpected '2', expected ',' or ']'"},
	{"[1", "byte 2: the text ends early, expected ',' or ']'"},
	{"[", "byte 1: the text ends early"},
	{"]", "byte 0: unexpected ']'"},
	{"[1}", "byte 2: unexpected '}', expected ',' or ']'"},
	{"[]]", "byte 2: unexpected ']', expected the end"},
	{"{", "byte 1: the text ends early, expected a key"},
	{"{\"a\"}", "byte 4: unexpected '}', expected ':'"},
	{"{\"a\":}", "byte 5: unexpected '}', expected a value"},
	{"{\"a\":1,}", "byte 7: unexpected '}', expected a key in quotes"},
	{"{\"a\":1 \"b\":2}", "byte 7: unexpected '\"', expected ',' or '}'"},
	{"{a:1}", "byte 1: unexpected 'a', expected a key in quotes"},
	{"{1:1}", "byte 1: unexpected '1', expected a key in quotes"},
	{"{\"a\":1]", "byte 6: unexpected ']', expected ',' or '}'"},
	{"{} x", "byte 3: unexpected 'x', expected the end"},
	{"{}{}", "byte 2: unexpected '{', expected the end"},
	{"1 2", "byte 2: unexpected '2', expected the end"},
	{"\xef\xbb\xbf{}", "byte 0: a byte order mark"},
	/* numbers */
	{"-0", NULL},
	{"-1", NULL},
	{"1.5", NULL},
	{"1e5", NULL},
	{"1E+5", NULL},
	{"1e-5", NULL},
	{"0.0", NULL},
	{"0e0", NULL},
	{"1e308", NULL},
	{"1e-400", NULL},
	{"9007199254740993", NULL},
	{"12345678901234567890", NULL},
	{"123456789012345678901234567890123456789012345678901234567890123", NULL},
	{"1234567890123456789012345678901234567890123456789012345678901234",
	 "byte 0: a number of more than 63 characters"},
	{"[1e400]", "byte 1: the number is too large"},
	{"-1e999", "too large"},
	{"1.8e308", "too large"},
	{"01", "byte 0: a number must not begin with a zero"},
	{"[-012]", "byte 2: a number must not begin with a zero"},
	{"00", "begin with a zero"},
	{"[1.]", "byte 3: unexpected ']', expected a digit"},
	{".5", "byte 0: unexpected '.'"},
	{"+1", "byte 0: unexpected '+'"},
	{"-", "byte 1: the text ends early, expected a digit"},
	{"--1", "byte 1: unexpected '-', expected a digit"},
	{"1e", "byte 2: the text ends early, expected a digit"},
	{"1e+", "expected a digit"},
	{"1.e1", "byte 2: unexpected 'e', expected a digit"},
	{"0x10", "byte 1: unexpected 'x', expected the end"},
	{"1_000", "byte 1: unexpected '_'"},
	{"1a", "byte 1: unexpected 'a'"},
	/* strings */
	{"\"a b\"", NULL},
	{"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", NULL},
	{"\"\\u0041\\u00e9\\uFFFF\"", NULL},
	{"\"\\ud83d\\ude00\"", NULL},
	{"\"\x7f\"", NULL},
	{"\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"", NULL},
	{"\"\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf\"", NULL},
	{"\"\xe2\x80\xa8\"", NULL},
	{"\"a", "byte 2: the text ends within a string"},
	{"\"a\\", "byte 3: the text ends within a string"},
	{"\"a\\\"", "ends within a string"},
	{"\"\\x41\"", "byte 1: unknown escape"},
	{"\"\\'\"", "byte 1: unknown escape"},
	{"\"\\U0041\"", "byte 1: unknown escape"},
	{"\"\\\0\"", "byte 1: unknown escape", 4},
	{"\"\\u12\"", "byte 1: \\u must be followed by four"},
	{"\"\\u12g4\"", "four hexadecimal digits"},
	{"\"\\u", "four hexadecimal digits"},
	{"\"a\\u0000b\"", "byte 2: \\u0000 is not accepted"},
	{"{\"a\\u0000b\":1}", "byte 3: \\u0000 is not accepted"},
	{"\"\\ud800\"", "byte 1: lone high surrogate"},
	{"\"\\ud800\\u0041\"", "byte 1: lone high surrogate"},
	{"\"\\ud800\\ud800\"", "byte 1: lone high surrogate"},
	{"\"\\ud800x\"", "lone high surrogate"},
	{"\"\\udc00\"", "byte 1: lone low surrogate"},
	{"\"\\udc00\\ud800\"", "lone low surrogate"},
	{"\"a\nb\"", "byte 2: control character"},
	{"\"\t\"", "byte 1: control character"},
	{"\"\0\"", "byte 1: control character", 3},
	{"\"\x1f\"", "byte 1: control character"},
	{"\"\x80\"", "byte 1: invalid UTF-8"},
	{"\"\xff\"", "invalid UTF-8"},
	{"\"\xc0\xaf\"", "invalid UTF-8"},
	{"\"\xc1\xbf\"", "invalid UTF-8"},
	{"\"\xe0\x80\xaf\"", "invalid UTF-8"},
	{"\"\xe0\x9f\xbf\"", "invalid UTF-8"},
	{"\"\xf0\x80\x80\xaf\"", "invalid UTF-8"},
	{"\"\xed\xa0\x80\"", "byte 1: invalid UTF-8"},
	{"\"\xed\xbf\xbf\"", "invalid UTF-8"},
	{"\"\xf4\x90\x80\x80\"", "invalid UTF-8"},
	{"\"\xf5\x80\x80\x80\"", "invalid UTF-8"},
	{"\"\xc3\"", "invalid UTF-8"},
	{"\"\xe2\x82\"", "invalid UTF-8"},
	{"\"\xe2\x82", "invalid UTF-8"},
	{"\"ab\xc3(\"", "byte 3: invalid UTF-8"},
	/* keys */
	{"{\"a\":1,\"A\":2}", NULL},
	{"{\"\":1,\"a\":2}", NULL},
	{"{\"a\":1,\"b\":{\"a\":2}}", NULL},
	{"{\"a\":1,\"a\":2}", "byte 7: the key \"a\" stands twice"},
	{"{\"\":1,\"\":2}", "byte 6: the key \"\" stands twice"},
	{"{\"a\":1,\"\\u0061\":2}", "byte 7: the key \"a\" stands twice"},
	{"{\"\\u0061\":1,\"a\":2}", "byte 12: the key \"a\" stands twice"},
	{"{\"\\n\":1,\"\\u000a\":2}", "stands twice"},
	{"{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}", "stands twice"},
	{"[{\"x\":{\"b\":1,\"b\":2}}]", "byte 13: the key \"b\" stands twice"},
	{"{\"k\":{\"b\":1},\"c\":2,\"k\":3}", "byte 19: the key \"k\" stands twice"},
};

static void check_row(const struct row *row)
{
	struct err e = {0};
	size_t len = row->len ? row->len : strlen(row->text);
	/* An exact copy, so that the sanitizer sees a read behind the end. */
	char *copy = malloc(len ? len : 1);
	memcpy(copy, row->text, len);
	int rc = json_check(copy, len, NULL, &e);
	free(copy);
	if (!row->refusal && rc != 0)
		fail_msg("refused %s: %s", row->text, e.message);
	if (row->refusal && rc != -1)
		fail_msg("accepted %s", row->text);
	if (row->refusal && !strstr(e.message, row->refusal))
		fail_msg("%s: said \"%s\", expected \"%s\"", row->text, e.message, row->refusal);
	assert_int_equal(e.kind, row->refusal ? ERR_INVALID : ERR_NONE);
}

static void text_is_judged(void **state)
{
	(void)state;
	assert_true(ARRAY_LEN(rows) >= 80);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_row(&rows[i]);
}

/* What the check accepts, the parser must take as well, and each prefix of it must be refused. */
static void accepted_is_parsed(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(json_doc_t) doc = NULL;
		struct err e = {0};
		if (rows[i].refusal)
			continue;
		if (json_parse(rows[i].text, strlen(rows[i].text), NULL, &doc, &e) < 0)
			fail_msg("%s: %s", rows[i].text, e.message);
		assert_non_null(json_root(doc));
	}
}

static void prefixes_are_refused(void **state)
{
	(void)state;
	static const char text[] =
		"{\"a\\u00e9\\ud83d\\ude00\":[1.5e3,true,null,\"\xe2\x82\xac\\n\"],\"b\":{}}";
	struct err e;
	assert_int_equal(json_check(text, sizeof(text) - 1, NULL, &e), 0);
	for (size_t len = 0; len < sizeof(text) - 1; len++) {
		char *copy = malloc(len ? len : 1);
		memcpy(copy, text, len);
		assert_int_equal(json_check(copy, len, NULL, &e), -1);
		free(copy);
	}
}

/* Bytes are looked at eight at a time: each one must be seen at each place. */
static void every_byte_is_seen_everywhere(void **state)
{
	(void)state;
	for (int ch = 0; ch < 256; ch++) {
		for (size_t at = 1; at < 19; at++) {
			char text[] = "\"aaaaaaaaaaaaaaaaaa\"";
			struct err e;
			text[at] = (char)ch;
			bool good = ch >= 0x20 && ch < 0x80 && ch != '"' && ch != '\\';
			assert_int_equal(json_check(text, sizeof(text) - 1, NULL, &e),
					 good ? 0 : -1);
		}
	}
}

static void nest(struct buf *b, size_t depth, const char *open, const char *close)
{
	for (size_t i = 0; i < depth; i++)
		buf_str(b, open);
	buf_str(b, "1");
	for (size_t i = 0; i < depth; i++)
		buf_str(b, close);
}

static int check_depth(size_t depth, int limit, const char *open, const char *close, struct err *e)
{
	AUTO(buf_t) b = {0};
	struct json_limits limits = {.max_depth = limit};
	nest(&b, depth, open, close);
	return json_check(b.data, b.len, limit ? &limits : NULL, e);
}

static void depth_is_bounded(void **state)
{
	(void)state;
	struct err e;
	assert_int_equal(check_depth(64, 0, "[", "]", &e), 0);
	assert_int_equal(check_depth(65, 0, "[", "]", &e), -1);
	assert_string_equal(e.message, "byte 64: nested deeper than 64");
	assert_int_equal(check_depth(64, 0, "{\"a\":", "}", &e), 0);
	assert_int_equal(check_depth(65, 0, "{\"a\":", "}", &e), -1);
	assert_int_equal(check_depth(3, 3, "[", "]", &e), 0);
	assert_int_equal(check_depth(4, 3, "[", "]", &e), -1);
	assert_int_equal(check_depth(65, 1000, "[", "]", &e), -1);
	assert_int_equal(check_depth(1000000, 0, "[", "]", &e), -1);
}

static void size_is_bounded(void **state)
{
	(void)state;
	struct err e;
	struct json_limits limits = {.max_bytes = 4};
	assert_int_equal(json_check("true", 4, &limits, &e), 0);
	assert_int_equal(json_check("true ", 5, &limits, &e), -1);
	assert_non_null(strstr(e.message, "has 5 bytes, accepted are 4"));
	assert_int_equal(json_check("", (16u << 20) + 1, NULL, &e), -1);
}

static double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void many_keys(struct buf *b, int n, const char *last)
{
	buf_str(b, "{");
	for (int i = 0; i < n; i++)
		buf_printf(b, "\"k%s%06d\":1,", i % 2 ? "\\u0041" : "", i);
	buf_printf(b, "\"%s\":1}", last);
}

/* 100,000 keys: a quadratic comparison would take minutes, not a second. */
static void many_keys_are_quick(void **state)
{
	(void)state;
	AUTO(buf_t) good = {0};
	AUTO(buf_t) twice = {0};
	struct err e;
	many_keys(&good, 100000, "last");
	many_keys(&twice, 100000, "kA000777");
	double start = seconds();
	assert_int_equal(json_check(good.data, good.len, NULL, &e), 0);
	assert_int_equal(json_check(twice.data, twice.len, NULL, &e), -1);
	assert_true(seconds() - start < 5);
	assert_non_null(strstr(e.message, "the key \"kA000777\" stands twice"));
}

/* Just around the number of keys at which the comparison changes its way. */
static void duplicates_are_found_among_any_number(void **state)
{
	(void)state;
	for (int n = 1; n < 40; n++) {
		AUTO(buf_t) b = {0};
		struct err e;
		many_keys(&b, n, "k000000");
		assert_int_equal(json_check(b.data, b.len, NULL, &e), -1);
		assert_non_null(strstr(e.message, "\"k000000\" stands twice"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_judged),
		cmocka_unit_test(accepted_is_parsed),
		cmocka_unit_test(prefixes_are_refused),
		cmocka_unit_test(every_byte_is_seen_everywhere),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(size_is_bounded),
		cmocka_unit_test(many_keys_are_quick),
		cmocka_unit_test(duplicates_are_found_among_any_number),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
