/* YAML: what becomes of each scalar, what is refused and where, and the places of paths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/yaml.h"

static struct yaml_doc *parse(const char *text)
{
	struct yaml_doc *doc = NULL;
	struct err e = {0};
	if (yaml_parse("f", text, strlen(text), &doc, &e) < 0)
		fail_msg("%s: %s", text, e.message);
	return doc;
}

static void yaml_becomes_json(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{"", "{}"},
		{"# nothing\n", "{}"},
		{"---\n", "{}"},
		{"{}", "{}"},
		{"a: 1", "{\"a\":1}"},
		{"a: -1.50e3", "{\"a\":-1.50e3}"},
		{"a: 12345678901234567890", "{\"a\":12345678901234567890}"},
		{"a: '1'\nb: \"2\"", "{\"a\":\"1\",\"b\":\"2\"}"},
		{"a: true\nb: false", "{\"a\":true,\"b\":false}"},
		{"a: null\nb: ~\nc:", "{\"a\":null,\"b\":null,\"c\":null}"},
		{"a: 'null'\nb: ''", "{\"a\":\"null\",\"b\":\"\"}"},
		{"[yes, no, on, off, True, NULL, y]",
		 "[\"yes\",\"no\",\"on\",\"off\",\"True\",\"NULL\",\"y\"]"},
		{"[0x10, 0o7, 010, 1_000, .5, 1., +1, 1:30]",
		 "[\"0x10\",\"0o7\",\"010\",\"1_000\",\".5\",\"1.\",\"+1\",\"1:30\"]"},
		{"[.nan, .inf, -.inf, NaN, 1e400, -]",
		 "[\".nan\",\".inf\",\"-.inf\",\"NaN\",\"1e400\",\"-\"]"},
		{"a: 2026-11-21", "{\"a\":\"2026-11-21\"}"},
		{"a: 600/5m", "{\"a\":\"600/5m\"}"},
		{"a: {b: [c, {d: e}]}\nf:\n  - g\n  - h: i",
		 "{\"a\":{\"b\":[\"c\",{\"d\":\"e\"}]},\"f\":[\"g\",{\"h\":\"i\"}]}"},
		{"a: |\n  x\n  y\n", "{\"a\":\"x\\ny\\n\"}"},
		{"a: >\n  x\n  y\n", "{\"a\":\"x y\\n\"}"},
		{"a: \"\\u00e9\\t\\x01\"", "{\"a\":\"\xc3\xa9\\t\\u0001\"}"},
		{"a: http://127.0.0.1:8080", "{\"a\":\"http://127.0.0.1:8080\"}"},
		{"'1': x", "{\"1\":\"x\"}"},
		{"<<: x", "{\"<<\":\"x\"}"},
		{"a: {x: 1}\nb: {x: 2}", "{\"a\":{\"x\":1},\"b\":{\"x\":2}}"},
		{"\xef\xbb\xbf"
		 "a: 1",
		 "{\"a\":1}"},
		{"just text", "\"just text\""},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(yaml_doc_t) doc = parse(rows[i][0]);
		AUTO(buf_t) b = {0};
		json_print(yaml_root(doc), &b);
		assert_string_equal(buf_text(&b), rows[i][1]);
	}
}

static void yaml_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *text, *refusal;
		size_t len;
	} rows[] = {
		{"a: 1\nb: 2\na: 3", "f:3:1: the key \"a\" stands twice"},
		{"x:\n  a: 1\n  'a': 2", "f:3:3: the key \"a\" stands twice"},
		{"[{a: 1, \"\\x61\": 2}]", "f:1:9: the key \"a\" stands twice"},
		{"a: &x 1", "f:1:4: anchors are not accepted"},
		{"a: &x {b: 1}", "anchors are not accepted"},
		{"a: &x [1]", "anchors are not accepted"},
		{"a: *x", "f:1:4: aliases are not accepted"},
		{"a: !!str 1", "f:1:4: tags are not accepted"},
		{"a: !x {b: 1}", "tags are not accepted"},
		{"a: !x [1]", "tags are not accepted"},
		{"a: 1\n---\nb: 2", "f:2:1: a second document is not accepted"},
		{"1: x", "f:1:1: a key must be a string; put it in quotes"},
		{"true: x", "a key must be a string"},
		{"~: x", "a key must be a string"},
		{"? {a: 1}\n: x", "f:1:3: a key must be a string"},
		{"? [a]\n: x", "a key must be a string"},
		{"a: \"x\\0y\"", "f:1:4: a NUL character is not accepted"},
		{"a: [1", "f:2:1: a list without its end, expected ',' or ']'; what it belongs to "
			  "begins in line 1"},
		{"a: {b: 1", "f:2:1: an object without its end, expected ',' or '}'"},
		{"a: b: c", "f:1:5: a second \": \" in one line, or lines that are not equally far "
			    "in; expected one key: value a line"},
		{"a:\n\t- x", "f:2:1: nothing begins so, expected blanks instead of a tab"},
		{"a: @x", "f:1:4: nothing begins so, "},
		{"a: \"x\" y", "f:1:8: no key stands here, expected one as far in as those before "
			       "it"},
		{"t:\n  a: 1\n b: 2", "f:3:2: no key stands here, expected one as far in as those "
				      "before it, or the end of a text in quotes or brackets; what "
				      "it belongs to begins in line 1"},
		{"a: 1\nb\nc: 2", "f:3:1: a line without \": \", expected lines of the form"},
		{"a:\n- x\nb: - y", "f:3:4: an item of a list behind a key, expected it on a line "
				    "of its own"},
		{"a:\n- x\n y: 1", "f:3:"},
		{"- a\nb: 1", "f:2:1: no item of the list, expected one that begins with \"- \""},
		{"a: 'x\nb: 1", "f:2:5: the text ends within quotes; what it belongs to begins in "
				"line 1"},
		{"a: |x\n", "f:1:5: is no YAML (did not find expected comment or line break), "
			    "expected lines of the form key: value, or - value in a list"},
		{"a: \"\\ud800\"", "f:1:"},
		{"a: \xff", "f:1:1: invalid leading UTF-8 octet at byte 3, expected UTF-8"},
		{"a: \x01", "f:1:"},
		{"\xff\xfe"
		 "a\0",
		 "f:1:", 4},
		{"%YAML 9.9\n---\na: 1", "f:1:"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct yaml_doc *doc = NULL;
		struct err e = {0};
		size_t len = rows[i].len ? rows[i].len : strlen(rows[i].text);
		if (yaml_parse("f", rows[i].text, len, &doc, &e) == 0)
			fail_msg("accepted %s", rows[i].text);
		assert_null(doc);
		assert_int_equal(e.kind, ERR_INVALID);
		if (!strstr(e.message, rows[i].refusal))
			fail_msg("%s: said \"%s\", expected \"%s\"", rows[i].text, e.message,
				 rows[i].refusal);
	}
}

static int parse_nested(int depth, const char *open, const char *close, struct err *e)
{
	AUTO(buf_t) b = {0};
	AUTO(yaml_doc_t) doc = NULL;
	for (int i = 0; i < depth; i++)
		buf_str(&b, open);
	buf_str(&b, "x");
	for (int i = 0; i < depth; i++)
		buf_str(&b, close);
	return yaml_parse("f", b.data, b.len, &doc, e);
}

static void depth_and_size_are_bounded(void **state)
{
	(void)state;
	struct err e = {0};
	AUTO(yaml_doc_t) doc = NULL;
	AUTO(buf_t) big = {0};
	assert_int_equal(parse_nested(32, "[", "]", &e), 0);
	assert_int_equal(parse_nested(33, "[", "]", &e), -1);
	assert_string_equal(e.message, "f:1:33: nested deeper than 32");
	assert_int_equal(parse_nested(32, "{a: ", "}", &e), 0);
	assert_int_equal(parse_nested(33, "{a: ", "}", &e), -1);
	assert_int_equal(parse_nested(900, "[", "]", &e), -1);
	while (big.len <= (1u << 20))
		buf_str(&big, "# a long comment, repeated\n");
	assert_int_equal(yaml_parse("f", big.data, big.len, &doc, &e), -1);
	assert_non_null(strstr(e.message, "accepted are 1048576"));
}

/* A megabyte of members must neither be slow nor be mistaken for duplicates. */
static void many_members_parse(void **state)
{
	(void)state;
	AUTO(buf_t) b = {0};
	struct err e = {0};
	for (int i = 0; i < 60000; i++)
		buf_printf(&b, "key%d: value\n", i);
	AUTO(yaml_doc_t) doc = NULL;
	assert_int_equal(yaml_parse("f", b.data, b.len, &doc, &e), 0);
	assert_int_equal(json_count(yaml_root(doc)), 60000);
	assert_string_equal(yaml_where(doc, "key59999"), "f:60000:1");
}

static void paths_have_places(void **state)
{
	(void)state;
	static const char text[] = "owner: edge1\n"
				   "access:\n"
				   "  viewer:\n"
				   "    groups:\n"
				   "      - adit\n"
				   "      - other\n"
				   "\n"
				   "reconcile: {interval: 60s,\n"
				   "            a.b: {c: 1}, a: {b: 2, \"\": 3}}\n";
	static const char *const rows[][2] = {
		{"owner", "f:1:1"},
		{"access", "f:2:1"},
		{"access.viewer", "f:3:3"},
		{"access.viewer.groups", "f:4:5"},
		{"access.viewer.groups[0]", "f:5:9"},
		{"access.viewer.groups[1]", "f:6:9"},
		{"access.viewer.groups[2]", "f:4:5"},
		{"access.viewer.users", "f:3:3"},
		{"access.admin.groups", "f:2:1"},
		{"reconcile.interval", "f:8:13"},
		{"reconcile.a.b.c", "f:9:19"},
		{"reconcile.a", "f:9:26"},
		{"reconcile.intervals", "f:8:1"},
		{"nothing", "f:1:1"},
		{"", "f:1:1"},
		{"[0]", "f:1:1"},
		{"..", "f:1:1"},
	};
	AUTO(yaml_doc_t) doc = parse(text);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_string_equal(yaml_where(doc, rows[i][0]), rows[i][1]);
	AUTO(yaml_doc_t) empty = parse("");
	assert_string_equal(yaml_where(empty, "a.b"), "f:1:1");
	AUTO(yaml_doc_t) list = parse("- a\n- {b: c}\n");
	assert_string_equal(yaml_where(list, "[1].b"), "f:2:4");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(yaml_becomes_json),          cmocka_unit_test(yaml_is_refused),
		cmocka_unit_test(depth_and_size_are_bounded), cmocka_unit_test(many_members_parse),
		cmocka_unit_test(paths_have_places),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
