/* Rulesets: what is believed of a row, and that nothing which may be sent breaks the reader. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "cloudflare/rulesets.h"
#include "cloudflare/words.h"
#include "tests/unit/cloudflare/parse.h"

#define ID "0123456789abcdef0123456789abcdef"

static void words(void **state)
{
	static const struct {
		const char *json, *word;
	} rows[] = {
		{"{\"a\":\"managed_challenge\"}", "managed_challenge"},
		{"{\"a\":\"paranoia-level-2\"}", "paranoia-level-2"},
		{"{\"a\":\"\"}", NULL},
		{"{\"a\":\"two words\"}", NULL},
		{"{\"a\":\"x\\u202e\"}", NULL},
		{"{\"a\":7}", NULL},
		{"{\"a\":null}", NULL},
		{"{}", NULL},
		{"[]", NULL},
		{"{\"a\":\"" ID ID "\"}", ID ID},
		{"{\"a\":\"" ID ID "0\"}", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(json_doc_t) doc = parse(rows[i].json);
		const char *word = cf_word(json_root(doc), "a");
		if (!rows[i].word)
			assert_null(word);
		else
			assert_string_equal(word, rows[i].word);
	}
}

static void times(void **state)
{
	static const struct {
		const char *json;
		int64_t ms;
	} rows[] = {
		{"{\"a\":\"2024-04-26T17:31:07Z\"}", 1714152667000},
		{"{\"a\":\"2024-04-26T17:31:07.123456Z\"}", 1714152667123},
		{"{\"a\":\"48h\"}", 0},
		{"{\"a\":\"T\"}", 0},
		{"{\"a\":1714152667}", 0},
		{"{}", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(json_doc_t) doc = parse(rows[i].json);
		assert_int_equal(cf_time(json_root(doc), "a"), rows[i].ms);
	}
}

static void a_ruleset(void **state)
{
	AUTO(json_doc_t)
	doc = parse("{\"id\":\"" ID "\",\"kind\":\"zone\",\"phase\":\"http_ratelimit\","
		    "\"version\":\"12\",\"name\":\"default\",\"description\":\"\","
		    "\"last_updated\":\"2024-04-26T17:31:07Z\",\"rules\":[{}]}");
	struct cf_ruleset r;

	(void)state;
	assert_int_equal(cf_ruleset_read(json_root(doc), &r), 0);
	assert_string_equal(r.id, ID);
	assert_string_equal(r.kind, "zone");
	assert_string_equal(r.phase, "http_ratelimit");
	assert_string_equal(r.version, "12");
	assert_string_equal(r.name, "default");
	assert_null(r.description);
	assert_int_equal(r.updated_ms, 1714152667000);
	assert_int_equal(json_count(r.rules), 1);
}

static void rulesets_that_are_strange(void **state)
{
	static const struct {
		const char *json;
		int rc;
	} rows[] = {
		{"{\"id\":\"" ID "\"}", 0},
		{"{\"id\":\"" ID "\",\"kind\":7,\"phase\":null,\"version\":3,\"name\":[],"
		 "\"description\":{},\"last_updated\":\"yesterday\",\"rules\":null}",
		 0},
		{"{\"id\":\"" ID "\",\"phase\":\"a phase of tomorrow\"}", 0},
		{"{\"id\":\"" ID "\",\"rules\":\"none\"}", -1},
		{"{\"id\":\"" ID "\",\"rules\":{}}", -1},
		{"{\"id\":\"../../user\"}", -1},
		{"{\"id\":7}", -1},
		{"{\"id\":null}", -1},
		{"{}", -1},
		{"[]", -1},
		{"null", -1},
		{"\"text\"", -1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(json_doc_t) doc = parse(rows[i].json);
		struct cf_ruleset r;
		assert_int_equal(cf_ruleset_read(json_root(doc), &r), rows[i].rc);
		if (rows[i].rc < 0)
			continue;
		assert_null(r.kind);
		assert_null(r.phase);
		assert_null(r.version);
		assert_null(r.name);
		assert_null(r.rules);
		assert_int_equal(r.updated_ms, 0);
	}
}

static void rules(void **state)
{
	static const struct {
		const char *json;
		int rc;
		bool enabled;
		const char *action;
	} rows[] = {
		{"{\"id\":\"" ID "\",\"action\":\"block\",\"enabled\":true}", 0, true, "block"},
		{"{\"id\":\"" ID "\",\"action\":\"block\",\"enabled\":false}", 0, false, "block"},
		/* the API's default */
		{"{\"id\":\"" ID "\",\"action\":\"brew\"}", 0, true, "brew"},
		{"{\"id\":\"" ID "\",\"enabled\":null,\"action\":null}", 0, true, NULL},
		{"{\"id\":\"" ID "\",\"action\":\"do as I say\",\"expression\":7,\"ref\":[],"
		 "\"action_parameters\":[],\"ratelimit\":1,\"logging\":\"x\",\"categories\":{},"
		 "\"exposed_credential_check\":false,\"description\":null,\"version\":{}}",
		 0, true, NULL},
		{"{\"id\":\"" ID "\",\"enabled\":\"false\"}", -1, false, NULL},
		{"{\"id\":\"" ID "\",\"enabled\":0}", -1, false, NULL},
		{"{\"id\":\"a b\",\"enabled\":true}", -1, false, NULL},
		{"{\"enabled\":true}", -1, false, NULL},
		{"[1]", -1, false, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(json_doc_t) doc = parse(rows[i].json);
		struct cf_ruleset_rule r;
		assert_int_equal(cf_ruleset_rule_read(json_root(doc), &r), rows[i].rc);
		if (rows[i].rc < 0)
			continue;
		assert_int_equal(r.enabled, rows[i].enabled);
		if (rows[i].action)
			assert_string_equal(r.action, rows[i].action);
		else
			assert_null(r.action);
		assert_null(r.expression);
		assert_null(r.ref);
		assert_null(r.parameters);
		assert_null(r.ratelimit);
		assert_null(r.logging);
		assert_null(r.categories);
		assert_null(r.credentials);
	}
}

/* ---- lines of overrides and skips, as text ---- */

struct lines {
	struct buf text;
	size_t n, stop_at;
};

static int override_line(const struct cf_override *x, void *owner)
{
	struct lines *l = owner;

	(void)buf_printf(&l->text, "%s %s %s %s %d %lld;", cf_override_word(x->of),
			 x->target ? x->target : "-", x->action ? x->action : "-",
			 x->sensitivity ? x->sensitivity : "-", x->enabled, (long long)x->score);
	return ++l->n == l->stop_at;
}

static int skip_line(const struct cf_skip *x, void *owner)
{
	struct lines *l = owner;

	(void)buf_printf(&l->text, "%s %s %s;", cf_skip_word(x->of), x->target ? x->target : "-",
			 x->ruleset ? "in" : "-");
	return ++l->n == l->stop_at;
}

static void read_rule(const char *json, struct json_doc **doc, struct cf_ruleset_rule *r)
{
	*doc = parse(json);
	assert_int_equal(cf_ruleset_rule_read(json_root(*doc), r), 0);
}

#define EXECUTE(overrides)                                                                         \
	"{\"id\":\"r\",\"action\":\"execute\",\"action_parameters\":{\"id\":\"" ID                 \
	"\",\"overrides\":" overrides "}}"

static void overrides(void **state)
{
	static const struct {
		const char *json, *lines;
		size_t unreadable;
	} rows[] = {
		{EXECUTE("{\"action\":\"log\",\"enabled\":false,\"sensitivity_level\":\"low\"}"),
		 "ruleset - log low 0 -1;", 0},
		{EXECUTE("{\"categories\":[{\"category\":\"wordpress\",\"action\":\"block\","
			 "\"enabled\":true}],\"rules\":[{\"id\":\"x1\",\"score_threshold\":60}]}"),
		 "category wordpress block - 1 -1;rule x1 - - -1 60;", 0},
		{EXECUTE("{}"), "", 0},
		{EXECUTE("null"), "", 0},
		{EXECUTE("[]"), "", 1},
		{EXECUTE("{\"categories\":7,\"rules\":{\"id\":\"x\"}}"), "", 2},
		/* what cannot be read stands in nobody's way, and is told */
		{EXECUTE("{\"enabled\":\"no\",\"categories\":[null,{\"category\":\"a b\"},"
			 "{\"category\":\"joomla\",\"enabled\":\"yes\"},{\"category\":\"drupal\"}],"
			 "\"rules\":[{},{\"id\":\"x1\",\"action\":\"as you "
			 "like\"},{\"id\":\"x2\"}]}"),
		 "category drupal - - -1 -1;rule x2 - - -1 -1;", 6},
		/* no rule that executes has overrides */
		{"{\"id\":\"r\",\"action\":\"block\",\"action_parameters\":{\"overrides\":"
		 "{\"enabled\":false}}}",
		 "", 0},
		{"{\"id\":\"r\",\"action\":\"execute\"}", "", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(json_doc_t) doc = NULL;
		struct cf_ruleset_rule r;
		struct lines l = {0};
		size_t unreadable = 0;
		read_rule(rows[i].json, &doc, &r);
		assert_int_equal(cf_rule_overrides(&r, override_line, &l, &unreadable), 0);
		assert_string_equal(buf_text(&l.text), rows[i].lines);
		assert_int_equal(unreadable, rows[i].unreadable);
		buf_free(&l.text);
	}
}

static void what_is_executed(void **state)
{
	static const struct {
		const char *json, *id;
	} rows[] = {
		{EXECUTE("{}"), ID},
		{"{\"id\":\"r\",\"action\":\"execute\",\"action_parameters\":{\"id\":\"a/b\"}}",
		 NULL},
		{"{\"id\":\"r\",\"action\":\"execute\"}", NULL},
		{"{\"id\":\"r\",\"action\":\"skip\",\"action_parameters\":{\"id\":\"x\"}}", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(json_doc_t) doc = NULL;
		struct cf_ruleset_rule r;
		read_rule(rows[i].json, &doc, &r);
		if (rows[i].id)
			assert_string_equal(cf_rule_executes(&r), rows[i].id);
		else
			assert_null(cf_rule_executes(&r));
	}
}

#define SKIP(parameters) "{\"id\":\"r\",\"action\":\"skip\",\"action_parameters\":" parameters "}"

static void skips(void **state)
{
	static const struct {
		const char *json, *lines;
		size_t unreadable;
	} rows[] = {
		{SKIP("{\"ruleset\":\"current\"}"), "rest - -;", 0},
		{SKIP("{\"phase\":\"current\"}"), "rest - -;", 0},
		{SKIP("{\"rulesets\":[\"" ID "\"],\"phases\":[\"http_ratelimit\"],"
		      "\"products\":[\"waf\",\"bic\"]}"),
		 "ruleset " ID " -;phase http_ratelimit -;product waf -;product bic -;", 0},
		{SKIP("{\"rules\":{\"" ID "\":[\"a\",\"b\"]}}"), "rule a in;rule b in;", 0},
		{SKIP("{\"ruleset\":\"other\",\"rulesets\":\"all\",\"phases\":[7,null,\"a b\"],"
		      "\"rules\":{\"x\":[\"a\"],\"" ID "\":7}}"),
		 "", 6},
		{SKIP("{\"rules\":[\"a\"]}"), "", 1},
		{SKIP("{}"), "", 0},
		{SKIP("null"), "", 0},
		{"{\"id\":\"r\",\"action\":\"block\",\"action_parameters\":{\"ruleset\":"
		 "\"current\"}}",
		 "", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(json_doc_t) doc = NULL;
		struct cf_ruleset_rule r;
		struct lines l = {0};
		size_t unreadable = 0;
		read_rule(rows[i].json, &doc, &r);
		assert_int_equal(cf_rule_skips(&r, skip_line, &l, &unreadable), 0);
		assert_string_equal(buf_text(&l.text), rows[i].lines);
		assert_int_equal(unreadable, rows[i].unreadable);
		buf_free(&l.text);
	}
}

static void walks_stop_when_told(void **state)
{
	AUTO(json_doc_t) executes = NULL;
	AUTO(json_doc_t) skipping = NULL;
	struct lines l = {.stop_at = 2};
	struct cf_ruleset_rule r;
	size_t unreadable = 0;

	(void)state;
	read_rule(EXECUTE("{\"enabled\":true,\"categories\":[{\"category\":\"a\"}],"
			  "\"rules\":[{\"id\":\"b\"}]}"),
		  &executes, &r);
	assert_int_equal(cf_rule_overrides(&r, override_line, &l, &unreadable), 1);
	assert_int_equal(l.n, 2);
	l.n = 0;
	read_rule(SKIP("{\"phase\":\"current\",\"rules\":{\"" ID "\":[\"a\",\"b\"]}}"), &skipping,
		  &r);
	assert_int_equal(cf_rule_skips(&r, skip_line, &l, &unreadable), 1);
	assert_int_equal(l.n, 2);
	buf_free(&l.text);
}

#define LIMITS(limit) "{\"id\":\"r\",\"action\":\"block\",\"ratelimit\":" limit "}"

static void rates(void **state)
{
	static const struct {
		const char *json, *words;
	} rows[] = {
		{LIMITS("{\"requests_per_period\":100,\"period\":10,\"mitigation_timeout\":600}"),
		 "100 requests in 10 s, then 600 s"},
		{LIMITS("{\"requests_per_period\":5,\"period\":60}"), "5 requests in 60 s"},
		{LIMITS("{\"score_per_period\":400,\"period\":60}"), "a score of 400 in 60 s"},
		{LIMITS("{\"period\":60}"), NULL},
		{LIMITS("{\"requests_per_period\":\"many\",\"period\":60}"), NULL},
		{LIMITS("{\"requests_per_period\":1e300,\"period\":60}"), NULL},
		{LIMITS("{\"requests_per_period\":5,\"period\":-1}"), NULL},
		{LIMITS("[]"), NULL},
		{LIMITS("null"), NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(json_doc_t) doc = NULL;
		struct cf_ruleset_rule r;
		read_rule(rows[i].json, &doc, &r);
		AUTO(str_t) text = cf_rule_rate(&r);
		if (rows[i].words)
			assert_string_equal(text, rows[i].words);
		else
			assert_null(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words),
		cmocka_unit_test(times),
		cmocka_unit_test(a_ruleset),
		cmocka_unit_test(rulesets_that_are_strange),
		cmocka_unit_test(rules),
		cmocka_unit_test(overrides),
		cmocka_unit_test(what_is_executed),
		cmocka_unit_test(skips),
		cmocka_unit_test(walks_stop_when_told),
		cmocka_unit_test(rates),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
