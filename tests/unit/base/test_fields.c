/* Field tables: every type decoded, every mistake in one sentence, schema and text forms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/fields.h"

struct health {
	struct duration interval;
	int64_t failures;
};

struct sample {
	char *name;
	char *drift;
	char *token;
	char *since;
	char *host;
	int64_t limit;
	int64_t offset;
	bool wait;
	struct duration timeout;
	struct strlist groups;
	struct strlist methods;
	struct raw_json origin;
	struct health health;
};

static int host_checked(const char *value, struct err *e)
{
	if (strchr(value, '.'))
		return 0;
	return err_set(e, ERR_INVALID, "\"%s\" is no host name", value);
}

static const char *const drifts[] = {"report", "repair", "ignore", NULL};
static const char *const methods[] = {"list", "get", "create", NULL};

static const struct field health_fields[] = {
	FIELD(struct health, interval, .doc = "Between probes.", .fallback = "5s", .min = 1000,
	      .max = 60000),
	FIELD(struct health, failures, .doc = "In a row.", .fallback = "3", .min = 1, .max = 10),
	FIELDS_END};

static const struct field fields[] = {
	FIELD(struct sample, name, .doc = "Its name.", .flags = FIELD_REQUIRED, .min = 1, .max = 8),
	FIELD(struct sample, drift, .doc = "What to do.", .fallback = "report", .values = drifts),
	FIELD(struct sample, token, .doc = "Secret.", .flags = FIELD_SECRET, .min = 4),
	FIELD(struct sample, since, .doc = "When.", .flags = FIELD_TIME),
	FIELD(struct sample, host, .doc = "Host.", .check = host_checked),
	FIELD(struct sample, limit, .doc = "Rows.", .fallback = "50", .min = 1, .max = 100),
	FIELD(struct sample, offset, .doc = "From.", .min = -5, .max = INT64_MAX),
	FIELD(struct sample, wait, .doc = "Wait.", .fallback = "true"),
	FIELD(struct sample, timeout, .doc = "How long.", .fallback = "30s"),
	FIELD(struct sample, groups, .doc = "Groups.", .fallback = "adit,wheel", .max = 3),
	FIELD(struct sample, methods, .doc = "Methods.", .values = methods),
	FIELD(struct sample, origin, .doc = "Options."),
	FIELD_SUB(struct sample, health, health_fields, .doc = "Probes."),
	FIELDS_END};

static int decode(const char *text, struct sample *out, char *path, struct err *e)
{
	AUTO(json_doc_t) doc = NULL;
	struct err ignored;
	assert_int_equal(json_parse(text, strlen(text), NULL, &doc, &ignored), 0);
	return fields_decode(fields, json_root(doc), out, path, e);
}

static void defaults_fill_in(void **state)
{
	(void)state;
	struct sample s = {0};
	struct err e = {0};
	assert_int_equal(decode("{\"name\":\"a\",\"host\":null}", &s, NULL, &e), 0);
	assert_string_equal(s.name, "a");
	assert_string_equal(s.drift, "report");
	assert_null(s.token);
	assert_null(s.host);
	assert_int_equal(s.limit, 50);
	assert_int_equal(s.offset, 0);
	assert_true(s.wait);
	assert_int_equal(s.timeout.ms, 30000);
	assert_int_equal(s.groups.n, 2);
	assert_string_equal(s.groups.items[1], "wheel");
	assert_int_equal(s.methods.n, 0);
	assert_null(s.origin.text);
	assert_int_equal(s.health.interval.ms, 5000);
	assert_int_equal(s.health.failures, 3);
	fields_free(fields, &s);
	assert_null(s.name);
	assert_int_equal(s.groups.n, 0);
	assert_int_equal(s.health.failures, 0);
	fields_free(fields, &s);
}

static void all_types_are_decoded(void **state)
{
	(void)state;
	struct sample s = {0};
	struct err e = {0};
	static const char text[] =
		"{\"name\":\"b\",\"drift\":\"ignore\",\"token\":\"hunter2\",\"since\":\"48h\","
		"\"host\":\"a.b\",\"limit\":7,\"offset\":-5,\"wait\":false,\"timeout\":\"1m30s\","
		"\"groups\":[],\"methods\":[\"get\",\"list\"],"
		"\"origin\":{\"id\" : 12345678901234567890},"
		"\"health\":{\"interval\":\"2s\",\"failures\":10}}";
	assert_int_equal(decode(text, &s, NULL, &e), 0);
	assert_string_equal(s.drift, "ignore");
	assert_string_equal(s.token, "hunter2");
	assert_string_equal(s.since, "48h");
	assert_string_equal(s.host, "a.b");
	assert_int_equal(s.limit, 7);
	assert_int_equal(s.offset, -5);
	assert_false(s.wait);
	assert_int_equal(s.timeout.ms, 90000);
	assert_int_equal(s.groups.n, 0);
	assert_int_equal(s.methods.n, 2);
	assert_string_equal(s.methods.items[0], "get");
	assert_string_equal(s.origin.text, "{\"id\" : 12345678901234567890}");
	assert_int_equal(s.health.interval.ms, 2000);
	assert_int_equal(s.health.failures, 10);
	fields_free(fields, &s);
}

struct mistake {
	const char *text, *path, *sentence;
};

static const struct mistake mistakes[] = {
	{"[]", "", "is an array, expected an object"},
	{"{}", "name", "name: is missing, expected a string of 1 to 8 characters"},
	{"{\"name\":null}", "name", "name: is missing, expected a string of 1 to 8 characters"},
	{"{\"name\":5}", "name",
	 "name: is a number, expected a string of 1 to 8 characters; put it in quotes"},
	{"{\"name\":true}", "name",
	 "name: is a boolean, expected a string of 1 to 8 characters; put it in quotes"},
	{"{\"name\":[]}", "name", "name: is an array, expected a string of 1 to 8 characters"},
	{"{\"name\":\"\"}", "name",
	 "name: has 0 characters, expected a string of 1 to 8 characters"},
	{"{\"name\":\"123456789\"}", "name",
	 "name: has 9 characters, expected a string of 1 to 8 characters"},
	{"{\"drift\":\"reapir\"}", "drift",
	 "drift: \"reapir\" is not accepted, expected one of report, repair, ignore; did you mean "
	 "\"repair\"?"},
	{"{\"drift\":\"x\"}", "drift",
	 "drift: \"x\" is not accepted, expected one of report, repair, ignore"},
	{"{\"token\":\"abc\"}", "token",
	 "token: has 3 characters, expected a string of at least 4 characters"},
	{"{\"since\":\"noon\"}", "since", "since: \"noon\" is no time"},
	{"{\"host\":\"x\"}", "host", "host: \"x\" is no host name"},
	{"{\"limit\":0}", "limit", "limit: is 0, expected a whole number from 1 to 100"},
	{"{\"limit\":101}", "limit", "limit: is 101, expected a whole number from 1 to 100"},
	{"{\"limit\":1.5}", "limit",
	 "limit: is not a whole number within 2^53, expected a whole number from 1 to 100"},
	{"{\"limit\":\"5\"}", "limit", "limit: is a string, expected a whole number from 1 to 100"},
	{"{\"offset\":-6}", "offset", "offset: is -6, expected a whole number of at least -5"},
	{"{\"offset\":9007199254740993}", "offset", "offset: is not a whole number"},
	{"{\"wait\":\"yes\"}", "wait", "wait: is a string, expected true or false"},
	{"{\"timeout\":30}", "timeout", "timeout: is a number, expected a duration, as in \"30s\""},
	{"{\"timeout\":\"30\"}", "timeout",
	 "timeout: \"30\" is not accepted, expected a duration, as in \"30s\""},
	{"{\"groups\":\"adit\"}", "groups",
	 "groups: is a string, expected a list of strings of at most 3 items"},
	{"{\"groups\":[\"a\",\"b\",\"c\",\"d\"]}", "groups",
	 "groups: has 4 items, expected a list of strings of at most 3 items"},
	{"{\"groups\":[\"a\",5]}", "groups[1]",
	 "groups[1]: is a number, expected a list of strings of at most 3 items; put it in quotes"},
	{"{\"methods\":[\"gte\"]}", "methods[0]",
	 "methods[0]: \"gte\" is not accepted, expected a list of strings, each one of list, get, "
	 "create; did you mean \"get\"?"},
	{"{\"origin\":\"x\"}", "origin", "origin: is a string, expected a JSON object or array"},
	{"{\"health\":[]}", "health",
	 "health: is an array, expected an object with the keys interval, failures"},
	{"{\"health\":{\"interval\":\"500ms\"}}", "health.interval",
	 "health.interval: is 500ms, expected a duration from 1s to 1m, as in \"30s\""},
	{"{\"health\":{\"intervall\":\"5s\"}}", "health.intervall",
	 "health.intervall: unknown key \"intervall\"; did you mean \"interval\"? accepted: "
	 "interval, failures"},
	{"{\"health\":{\"zzz\":1}}", "health.zzz",
	 "health.zzz: unknown key \"zzz\"; accepted: interval, failures"},
	{"{\"limits\":1}", "limits", "limits: unknown key \"limits\"; did you mean \"limit\"?"},
	{"{\"Name\":\"a\"}", "Name", "Name: unknown key \"Name\"; did you mean \"name\"?"},
};

static void mistakes_have_sentences(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(mistakes); i++) {
		const struct mistake *m = &mistakes[i];
		struct sample s = {0};
		struct err e = {0};
		char path[FIELD_PATH_SIZE] = "untouched";
		if (decode(m->text, &s, path, &e) == 0)
			fail_msg("accepted %s", m->text);
		assert_int_equal(e.kind, ERR_INVALID);
		assert_string_equal(path, m->path);
		if (!str_starts(e.message, m->sentence))
			fail_msg("%s: said \"%s\", expected \"%s\"", m->text, e.message,
				 m->sentence);
		/* Nothing may stay behind: neither defaults nor members decoded before. */
		static const struct sample zero;
		assert_memory_equal(&s, &zero, sizeof(s));
	}
}

static void late_mistakes_free_all(void **state)
{
	(void)state;
	struct sample s = {0};
	struct err e = {0};
	assert_int_equal(decode("{\"name\":\"a\",\"groups\":[\"x\"],\"origin\":{},\"limit\":0}", &s,
				NULL, &e),
			 -1);
	assert_null(s.name);
	assert_null(s.origin.text);
	assert_int_equal(s.groups.n, 0);
}

static void secrets_stay_secret(void **state)
{
	(void)state;
	static const char *const words[] = {"right", NULL};
	static const struct field table[] = {
		FIELD(struct sample, token, .flags = FIELD_SECRET, .values = words),
		FIELD(struct sample, host, .flags = FIELD_SECRET, .check = host_checked),
		FIELDS_END
	};
	static const char *const rows[] = {"{\"token\":\"hunter2\"}", "{\"host\":\"hunter2\"}"};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(json_doc_t) doc = NULL;
		struct sample s = {0};
		struct err e = {0};
		assert_int_equal(json_parse(rows[i], strlen(rows[i]), NULL, &doc, &e), 0);
		assert_int_equal(fields_decode(table, json_root(doc), &s, NULL, &e), -1);
		assert_null(strstr(e.message, "hunter2"));
	}
}

static void lengths_count_characters(void **state)
{
	(void)state;
	struct sample s = {0};
	struct err e = {0};
	assert_int_equal(decode("{\"name\":\"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3"
				"\xa4\xc3\xa4\"}",
				&s, NULL, &e),
			 0);
	fields_free(fields, &s);
}

static void long_paths_are_cut(void **state)
{
	(void)state;
	AUTO(buf_t) b = {0};
	char path[FIELD_PATH_SIZE];
	struct sample s = {0};
	struct err e = {0};
	buf_str(&b, "{\"");
	for (int i = 0; i < 1000; i++)
		buf_str(&b, "\xc3\xa4");
	buf_str(&b, "\":1}");
	assert_int_equal(decode(b.data, &s, path, &e), -1);
	assert_int_equal(strlen(path), 254);
}

static void structs_are_written(void **state)
{
	(void)state;
	AUTO(buf_t) b = {0};
	struct json_writer w;
	struct sample s = {0}, back = {0};
	struct err e = {0};
	assert_int_equal(decode("{\"name\":\"a\",\"token\":\"hunter2\",\"origin\":{\"x\": 1}}", &s,
				NULL, &e),
			 0);
	json_write_init(&w, &b);
	fields_write(fields, &s, &w);
	assert_string_equal(
		buf_text(&b),
		"{\"name\":\"a\",\"drift\":\"report\",\"token\":\"***\",\"limit\":50,\"offset\":0,"
		"\"wait\":true,\"timeout\":\"30s\",\"groups\":[\"adit\",\"wheel\"],\"methods\":[],"
		"\"origin\":{\"x\": 1},\"health\":{\"interval\":\"5s\",\"failures\":3}}");
	fields_free(fields, &s);
	str_set(&s.name, "n");
	buf_reset(&b);
	json_write_init(&w, &b);
	fields_write(fields, &s, &w);
	assert_int_equal(decode(buf_text(&b), &back, NULL, &e), 0);
	fields_free(fields, &s);
	fields_free(fields, &back);
}

static void schema_of(const struct field *table, bool output, struct buf *b)
{
	struct json_writer w;
	struct err e;
	json_write_init(&w, b);
	fields_schema(table, output, &w);
	assert_int_equal(json_check(b->data, b->len, NULL, &e), 0);
}

static void schema_is_written(void **state)
{
	(void)state;
	AUTO(buf_t) b = {0};
	schema_of(fields, false, &b);
	assert_string_equal(
		buf_text(&b),
		"{\"type\":\"object\",\"properties\":{"
		"\"name\":{\"description\":\"Its name.\",\"type\":\"string\",\"minLength\":1,"
		"\"maxLength\":8},"
		"\"drift\":{\"description\":\"What to "
		"do.\",\"type\":\"string\",\"enum\":[\"report\","
		"\"repair\",\"ignore\"],\"default\":\"report\"},"
		"\"token\":{\"description\":\"Secret.\",\"type\":\"string\",\"minLength\":4,"
		"\"maxLength\":4096},"
		"\"since\":{\"description\":\"When.\",\"type\":\"string\",\"maxLength\":4096},"
		"\"host\":{\"description\":\"Host.\",\"type\":\"string\",\"maxLength\":4096},"
		"\"limit\":{\"description\":\"Rows.\",\"type\":\"integer\",\"minimum\":1,"
		"\"maximum\":100,\"default\":50},"
		"\"offset\":{\"description\":\"From.\",\"type\":\"integer\",\"minimum\":-5},"
		"\"wait\":{\"description\":\"Wait.\",\"type\":\"boolean\",\"default\":true},"
		"\"timeout\":{\"description\":\"How long. Accepted: a duration, as in "
		"\\\"30s\\\".\","
		"\"type\":\"string\",\"pattern\":\"^([0-9]+(d|h|m|s|ms))+$\",\"default\":\"30s\"},"
		"\"groups\":{\"description\":\"Groups.\",\"type\":\"array\",\"items\":{\"type\":"
		"\"string\"},\"maxItems\":3,\"default\":[\"adit\",\"wheel\"]},"
		"\"methods\":{\"description\":\"Methods.\",\"type\":\"array\",\"items\":{\"type\":"
		"\"string\",\"enum\":[\"list\",\"get\",\"create\"]},\"maxItems\":256},"
		"\"origin\":{\"description\":\"Options.\",\"type\":[\"object\",\"array\"]},"
		"\"health\":{\"description\":\"Probes.\",\"type\":\"object\",\"properties\":{"
		"\"interval\":{\"description\":\"Between probes. Accepted: a duration from 1s to "
		"1m, as "
		"in \\\"30s\\\".\",\"type\":\"string\",\"pattern\":\"^([0-9]+(d|h|m|s|ms))+$\","
		"\"default\":\"5s\"},"
		"\"failures\":{\"description\":\"In a row.\",\"type\":\"integer\",\"minimum\":1,"
		"\"maximum\":10,\"default\":3}},\"additionalProperties\":false}},"
		"\"required\":[\"name\"],\"additionalProperties\":false}");
}

static void output_schema_is_written(void **state)
{
	(void)state;
	static const struct field rows[] = {
		FIELD_OUT("at", FIELD_STRING, .flags = FIELD_TIME, .doc = "When."),
		FIELD_OUT("n", FIELD_INT, .flags = FIELD_REQUIRED),
		FIELDS_END
	};
	static const struct field table[] = {
		FIELD_OUT("items", FIELD_ITEMS, .sub = rows),
		FIELD_OUT("one", FIELD_OBJECT, .sub = rows),
		FIELD_OUT("any", FIELD_RAW, .doc = "Any."),
		FIELDS_END
	};
	static const char row[] =
		"\"properties\":{\"at\":{\"description\":\"When.\",\"type\":\"string\",\"format\":"
		"\"date-time\"},\"n\":{\"type\":\"integer\"}},\"required\":[\"n\"]}";
	AUTO(buf_t) b = {0};
	AUTO(str_t)
	expected = str_format("{\"type\":\"object\",\"properties\":{\"items\":{\"type\":\"array\","
			      "\"items\":{\"type\":"
			      "\"object\",%s},\"one\":{\"type\":\"object\",%s,\"any\":{"
			      "\"description\":\"Any.\"}}}",
			      row, row);
	schema_of(table, true, &b);
	assert_string_equal(buf_text(&b), expected);
}

static void text_becomes_json(void **state)
{
	(void)state;
	static const char *const rows[][3] = {
		{"name", "5", "\"5\""},
		{"name", "a\"b", "\"a\\\"b\""},
		{"limit", "5", "5"},
		{"offset", "-5", "-5"},
		{"wait", "true", "true"},
		{"wait", "false", "false"},
		{"timeout", "1m", "\"1m\""},
		{"groups", "a,b", "[\"a\",\"b\"]"},
		{"groups", "", "[]"},
		{"groups", "a,", "[\"a\",\"\"]"},
		{"methods", "get", "[\"get\"]"},
		{"origin", "{\"x\": 1}", "{\"x\": 1}"},
		{"health", "{\"failures\":2}", "{\"failures\":2}"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf_t) b = {0};
		struct json_writer w;
		struct err e = {0};
		json_write_init(&w, &b);
		if (fields_parse_text(fields_find(fields, rows[i][0]), rows[i][1], &w, &e) < 0)
			fail_msg("%s: %s", rows[i][1], e.message);
		assert_string_equal(buf_text(&b), rows[i][2]);
	}
}

static void text_is_refused(void **state)
{
	(void)state;
	static const char *const rows[][3] = {
		{"name", "123456789", "name: has 9 characters"},
		{"limit", "abc",
		 "limit: \"abc\" is not accepted, expected a whole number from 1 to"},
		{"limit", "", "limit: \"\" is not accepted"},
		{"limit", "null", "limit: \"null\" is not accepted"},
		{"limit", "0", "limit: is 0, expected"},
		{"limit", "true", "limit: is a boolean"},
		{"limit", "0x10", "limit: \"0x10\" is not accepted"},
		{"wait", "yes", "wait: \"yes\" is not accepted, expected true or false"},
		{"timeout", "30", "timeout: \"30\" is not accepted"},
		{"methods", "get,gte", "methods[1]: \"gte\" is not accepted"},
		{"origin", "x",
		 "origin: is no JSON (byte 0: unexpected 'x', expected a value), expected a JSON "
		 "object or array, as in '{\"name\": \"value\"}'"},
		{"origin", "{x}", "origin: is no JSON (byte 1: "},
		{"origin", "5", "origin: is a number, expected a JSON object or array"},
		{"health", "{", "health: is no JSON (byte 1: "},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf_t) b = {0};
		struct json_writer w;
		struct err e = {0};
		json_write_init(&w, &b);
		assert_int_equal(
			fields_parse_text(fields_find(fields, rows[i][0]), rows[i][1], &w, &e), -1);
		if (!str_starts(e.message, rows[i][2]))
			fail_msg("\"%s\": said \"%s\"", rows[i][1], e.message);
		assert_int_equal(b.len, 0);
	}
}

static void near_names_are_found(void **state)
{
	(void)state;
	static const char *const names[] = {"interval",   "drift", "tunnel_list",
					    "tunnel_get", "wait",  NULL};
	static const char *const rows[][2] = {{"intervall", "interval"},
					      {"itnerval", "interval"},
					      {"INTERVAL", "interval"},
					      {"dirft", "drift"},
					      {"drft", "drift"},
					      {"tunnel_lst", "tunnel_list"},
					      {"tunel_get", "tunnel_get"},
					      {"wiat", "wait"},
					      {"wxyz", NULL},
					      {"", NULL},
					      {"x", NULL},
					      {"completely", NULL}};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_true(str_equal(fields_nearest(names, rows[i][0]), rows[i][1]));
	char longest[200];
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_null(fields_nearest(names, longest));
	const char *const far[] = {longest, NULL};
	assert_null(fields_nearest(far, "xx"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_fill_in),
		cmocka_unit_test(all_types_are_decoded),
		cmocka_unit_test(mistakes_have_sentences),
		cmocka_unit_test(late_mistakes_free_all),
		cmocka_unit_test(secrets_stay_secret),
		cmocka_unit_test(lengths_count_characters),
		cmocka_unit_test(long_paths_are_cut),
		cmocka_unit_test(structs_are_written),
		cmocka_unit_test(schema_is_written),
		cmocka_unit_test(output_schema_is_written),
		cmocka_unit_test(text_becomes_json),
		cmocka_unit_test(text_is_refused),
		cmocka_unit_test(near_names_are_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
