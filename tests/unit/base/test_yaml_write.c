/* YAML that is written is read back as the same value, whatever the strings look like. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/yaml.h"
#include "base/yaml_write.h"

static struct json_doc *parse(const char *text)
{
	struct json_doc *doc = NULL;
	struct err e = {0};
	if (json_parse(text, strlen(text), NULL, &doc, &e) < 0)
		fail_msg("%s: %s", text, e.message);
	return doc;
}

static void write_text(const char *json, struct buf *out)
{
	AUTO(json_doc_t) doc = parse(json);
	struct err e = {0};
	if (yaml_write(json_root(doc), out, &e) < 0)
		fail_msg("%s: %s", json, e.message);
}

static void comes_back(const char *json)
{
	AUTO(json_doc_t) doc = parse(json);
	AUTO(yaml_doc_t) back = NULL;
	AUTO(buf_t) yaml = {0}, before = {0}, after = {0};
	struct err e = {0};
	write_text(json, &yaml);
	if (yaml_parse("f", buf_text(&yaml), yaml.len, &back, &e) < 0)
		fail_msg("%s\n%s\n%s", json, buf_text(&yaml), e.message);
	json_print(json_root(doc), &before);
	json_print(yaml_root(back), &after);
	if (strcmp(buf_text(&before), buf_text(&after)) != 0)
		fail_msg("%s\n%s\n%s", buf_text(&before), buf_text(&yaml), buf_text(&after));
}

static void it_looks_like_this(void **state)
{
	static const char *const rows[][2] = {
		{"{}", "{}\n"},
		{"{\"a\":[]}", "a: []\n"},
		{"{\"a\":1,\"b\":true,\"c\":null}", "a: 1\nb: true\nc: null\n"},
		{"{\"a\":1.50,\"b\":1e3,\"c\":9007199254740993}",
		 "a: 1.50\nb: 1e3\nc: 9007199254740993\n"},
		{"{\"a\":\"http://127.0.0.1:80\"}", "a: http://127.0.0.1:80\n"},
		{"{\"a\":\"yes\",\"b\":\"1e3\",\"c\":\"\"}", "a: 'yes'\nb: '1e3'\nc: ''\n"},
		{"{\"a\":\"*\",\"b\":\"@\",\"c\":\"*.x\"}", "a: '*'\nb: '@'\nc: '*.x'\n"},
		{"{\"a\":[{\"b\":\"c\",\"d\":{\"e\":1}},{\"b\":\"f\"}]}",
		 "a:\n- b: c\n  d:\n    e: 1\n- b: f\n"},
		{"{\"no\":1,\"2\":2}", "'no': 1\n'2': 2\n"},
		{"{\"a\":\"b\\nc\"}", "a: \"b\\nc\"\n"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf_t) out = {0};
		write_text(rows[i][0], &out);
		assert_string_equal(buf_text(&out), rows[i][1]);
		comes_back(rows[i][0]);
	}
}

static void nasty_strings_come_back(void **state)
{
	static const char *const strings[] = {
		"",
		" ",
		" a",
		"a ",
		"a: b",
		"a:",
		":a",
		"a #b",
		"#a",
		"- a",
		"-",
		"--",
		"---",
		"...",
		"? a",
		"?",
		"!a",
		"!!str a",
		"&a",
		"*a",
		"%a",
		"%YAML 1.1",
		"@a",
		"`a`",
		"|",
		">",
		">-",
		"{a}",
		"{",
		"}",
		"[a]",
		"]",
		",",
		"a, b",
		"'",
		"''",
		"'a'",
		"\\\"",
		"\\\"a\\\"",
		"a'b",
		"null",
		"Null",
		"NULL",
		"~",
		"~a",
		"true",
		"True",
		"yes",
		"Yes",
		"no",
		"on",
		"OFF",
		"y",
		"N",
		"1",
		"-1",
		"+1",
		"1.5",
		".5",
		"1.",
		"1e3",
		"0x10",
		"0o7",
		"010",
		"1_000",
		"1:30",
		"12:30:45",
		"2026-11-22",
		".inf",
		"-.inf",
		".nan",
		"=",
		"<<",
		"<",
		"\\\\",
		"a\\\\b",
		"\\n",
		"a\\n",
		"\\na",
		"a\\n\\nb",
		"a\\n b",
		"\\t",
		"a\\tb",
		"\\r",
		"a\\r\\nb",
		"\\u0001",
		"\\u001b[31m",
		"\\u007f",
		"\\u0085",
		"\\u00a0",
		"\\u2028",
		"\\ufeff",
		"a\\ufeffb",
		"\\uffff",
		"\\ud83d\\ude00",
		("gr\xc3\xbc\xc3\x9f"
		 "e"),
		"\xe2\x80\x93",
		"\xf0\x9f\x98\x80",
		"^/api/(v1|v2)$",
		"^/(?:a|b)[^/]{2,3}\\\\.x$",
		"http://[::1]:80",
		"unix:/run/x.sock",
		"v=spf1 -all",
		"\\\"in\\\" \\\"pieces\\\"",
		"a  b",
		"a\\\\n",
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(strings); i++) {
		AUTO(str_t)
		value = str_format("{\"a\":\"%s\",\"b\":[\"%s\",{\"c\":\"%s\"}]}", strings[i],
				   strings[i], strings[i]);
		AUTO(str_t)
		key = str_format("{\"%s\":{\"%s\":[[],{},\"x\"]}}", strings[i], strings[i]);
		comes_back(value);
		comes_back(key);
	}
}

static void long_ones_come_back(void **state)
{
	char text[4096];
	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (size_t i = 70; i < sizeof(text) - 1; i += 97)
		text[i] = ' ';
	AUTO(str_t) json = str_format("{\"%s\":\"%s\"}", text, text);
	comes_back(json);
}

static uint64_t draw(uint64_t *seed, uint64_t n)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed % n;
}

static void random_string(uint64_t *seed, struct json_writer *w, struct buf *room)
{
	static const char *const pieces[] = {"a",  " ",  ":",   "#",    "-",        "'",
					     "\"", "\\", "\n",  "\t",   "[",        "}",
					     "*",  "&",  "!",   "%",    "@",        "1",
					     ".",  "e",  "yes", "null", "\xc3\xa9", "\xe2\x80\xa8",
					     "\r", ","};
	buf_reset(room);
	for (uint64_t n = draw(seed, 9); n > 0; n--)
		(void)buf_str(room, pieces[draw(seed, ARRAY_LEN(pieces))]);
	json_write_string(w, buf_text(room));
}

static void random_value(uint64_t *seed, struct json_writer *w, struct buf *room, int depth)
{
	uint64_t kind = draw(seed, depth < 4 ? 4 : 2);
	if (kind < 2) {
		random_string(seed, w, room);
		return;
	}
	if (kind == 2)
		json_array_begin(w);
	else
		json_object_begin(w);
	for (uint64_t n = draw(seed, 4); n > 0; n--) {
		AUTO(str_t) key = str_format("%s%d", draw(seed, 2) ? "- " : "k", (int)n);
		if (kind == 3)
			json_write_key(w, key);
		random_value(seed, w, room, depth + 1);
	}
	if (kind == 2)
		json_array_end(w);
	else
		json_object_end(w);
}

static void random_values_come_back(void **state)
{
	uint64_t seed = 88172645463325252;
	(void)state;
	for (int i = 0; i < 3000; i++) {
		AUTO(buf_t) text = {0}, room = {0};
		struct json_writer w;
		json_write_init(&w, &text);
		json_object_begin(&w);
		json_write_key(&w, "v");
		random_value(&seed, &w, &room, 0);
		json_object_end(&w);
		comes_back(buf_text(&text));
	}
}

/* Other readers take these for truth values, null, or a merge. */
static void words_of_other_readers_are_quoted(void **state)
{
	static const char *const words[] = {"null", "true", "false", "yes", "no", "on", "off",
					    "y",    "n",    "NO",    "Off", "N",  "<<", "=",
					    "~",    "1",    "-",     ".",   "+1"};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		AUTO(str_t) json = str_format("{\"a\":\"%s\"}", words[i]);
		AUTO(str_t) wanted = str_format("a: '%s'\n", words[i]);
		AUTO(buf_t) yaml = {0};
		write_text(json, &yaml);
		assert_string_equal(buf_text(&yaml), wanted);
	}
}

static void a_limit_is_kept(void **state)
{
	AUTO(json_doc_t) doc = parse("{\"a\":\"bcdefgh\"}");
	AUTO(buf_t) out = {.limit = 5};
	struct err e = {0};
	(void)state;
	assert_int_equal(yaml_write(json_root(doc), &out, &e), -1);
	assert_int_equal(e.kind, ERR_INTERNAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_looks_like_this),
		cmocka_unit_test(nasty_strings_come_back),
		cmocka_unit_test(long_ones_come_back),
		cmocka_unit_test(random_values_come_back),
		cmocka_unit_test(words_of_other_readers_are_quoted),
		cmocka_unit_test(a_limit_is_kept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
