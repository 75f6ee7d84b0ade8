/* The command line: words and options to an operation and JSON, and what is refused in which
 * words. Every operation of the table is called in each of its spellings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/args.h"
#include "cli/commands.h"
#include "cli/input.h"

enum { MOST = 40 };

struct line {
	char *argv[MOST + 1];
	int argc;
};

static void line_add(struct line *l, const char *word)
{
	assert_true(l->argc < MOST);
	l->argv[l->argc++] = str_dup(word);
}

/* Words are separated by one space; a ^ stands for a space inside a word. */
static void line_split(struct line *l, const char *text)
{
	line_add(l, "adit");
	while (text && *text) {
		size_t n = strcspn(text, " ");
		AUTO(str_t) word = str_ndup(text, n);
		for (char *c = word; *c; c++)
			if (*c == '^')
				*c = ' ';
		line_add(l, word);
		text += n + (text[n] == ' ');
	}
}

static void line_free(struct line *l)
{
	for (int i = 0; i < l->argc; i++)
		free(l->argv[i]);
}

static int parse(const char *text, struct cli *c, struct err *e)
{
	struct line l = {.argc = 0};
	line_split(&l, text);
	int rc = args_parse(l.argc, l.argv, c, e);
	line_free(&l);
	return rc;
}

static void words_become_json(void **state)
{
	(void)state;
	static const struct {
		const char *line, *op, *json;
	} rows[] = {
		{"status", "status_get", "{}"},
		{"mcp", "mcp", "{}"},
		{"mcp --grant claude", "mcp", "{\"grant\":\"claude\"}"},
		{"mcp --grant=claude.2 --socket /x", "mcp", "{\"grant\":\"claude.2\"}"},
		{"status get", "status_get", "{}"},
		{"status_get", "status_get", "{}"},
		{"tunnel list", "tunnel_list", "{}"},
		{"tunnel_list", "tunnel_list", "{}"},
		{"tunnel-list", "tunnel_list", "{}"},
		{"tunnel list --limit 5", "tunnel_list", "{\"limit\":5}"},
		{"tunnel list --limit=5", "tunnel_list", "{\"limit\":5}"},
		{"tunnel list --fields a,b", "tunnel_list", "{\"fields\":[\"a\",\"b\"]}"},
		{"tunnel list --fields a --fields b", "tunnel_list", "{\"fields\":[\"a\",\"b\"]}"},
		{"tunnel create web", "tunnel_create", "{\"name\":\"web\"}"},
		{"tunnel create --name web", "tunnel_create", "{\"name\":\"web\"}"},
		{"tunnel create --name=web", "tunnel_create", "{\"name\":\"web\"}"},
		{"tunnel create two^words", "tunnel_create", "{\"name\":\"two words\"}"},
		{"tunnel create web --replicas 2 --dry-run", "tunnel_create",
		 "{\"name\":\"web\",\"replicas\":2,\"dry_run\":true}"},
		{"tunnel create --replicas 2 web --dry_run", "tunnel_create",
		 "{\"name\":\"web\",\"replicas\":2,\"dry_run\":true}"},
		{"tunnel create web --no-wait", "tunnel_create",
		 "{\"name\":\"web\",\"wait\":false}"},
		{"tunnel create web --wait=false", "tunnel_create",
		 "{\"name\":\"web\",\"wait\":false}"},
		{"tunnel create web --wait", "tunnel_create", "{\"name\":\"web\",\"wait\":true}"},
		{"tunnel create web --timeout 1m", "tunnel_create",
		 "{\"name\":\"web\",\"timeout\":\"1m\"}"},
		{"tunnel create web --reason --odd", "tunnel_create",
		 "{\"name\":\"web\",\"reason\":\"--odd\"}"},
		{"tunnel create -- web", "tunnel_create", "{\"name\":\"web\"}"},
		{"tunnel delete web --no-cascade", "tunnel_delete",
		 "{\"tunnel\":\"web\",\"cascade\":false}"},
		{"tunnel delete web --yes", "tunnel_delete",
		 "{\"tunnel\":\"web\",\"approve\":true}"},
		{"--yes tunnel delete web", "tunnel_delete",
		 "{\"tunnel\":\"web\",\"approve\":true}"},
		{"tunnel delete web --yes=5c1e0d5c1e0d", "tunnel_delete",
		 "{\"tunnel\":\"web\",\"approve\":true,\"hash\":\"5c1e0d5c1e0d\"}"},
		{"tunnel list --yes", "tunnel_list", "{}"},
		{"--json tunnel list", "tunnel_list", "{}"},
		{"--socket /x tunnel list", "tunnel_list", "{}"},
		{"route set app.example.com http://127.0.0.1:1", "route_set",
		 "{\"hostname\":\"app.example.com\",\"service\":\"http://127.0.0.1:1\"}"},
		{"publish app.example.com http://127.0.0.1:1 --tunnel web", "route_set",
		 "{\"hostname\":\"app.example.com\",\"service\":\"http://127.0.0.1:1\","
		 "\"tunnel\":\"web\"}"},
		{"publish --service http://127.0.0.1:1 app.example.com", "route_set",
		 "{\"hostname\":\"app.example.com\",\"service\":\"http://127.0.0.1:1\"}"},
		{"publish a.b http://c --origin {\"noTLSVerify\":true}", "route_set",
		 "{\"hostname\":\"a.b\",\"service\":\"http://c\",\"origin\":"
		 "{\"noTLSVerify\":true}}"},
		{"unpublish a.b", "route_delete", "{\"hostname\":\"a.b\"}"},
		{"plan", "plan_list", "{\"state\":\"waiting\"}"},
		{"plan --limit 3", "plan_list", "{\"limit\":3,\"state\":\"waiting\"}"},
		{"plan --state applied", "plan_list", "{\"state\":\"applied\"}"},
		{"plan list", "plan_list", "{}"},
		{"plan get p7", "plan_get", "{\"plan\":\"p7\"}"},
		{"approve p7 --hash 0123456789ab", "plan_approve",
		 "{\"plan\":\"p7\",\"hash\":\"0123456789ab\"}"},
		{"reject p7 --reason no", "plan_reject", "{\"plan\":\"p7\",\"reason\":\"no\"}"},
		{"connector restart web/1", "connector_restart", "{\"connector\":\"web/1\"}"},
		{"event list --since 48h", "event_list", "{\"since\":\"48h\"}"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(cli_t) c = {0};
		struct err e = {0};
		if (parse(rows[i].line, &c, &e) < 0)
			fail_msg("%s: %s", rows[i].line, e.message);
		assert_int_equal(c.verb, CLI_CALL);
		assert_string_equal(c.op->name, rows[i].op);
		if (!str_equal(buf_text(&c.body), rows[i].json))
			fail_msg("%s: %s, not %s", rows[i].line, buf_text(&c.body), rows[i].json);
	}
}

static void mistakes_have_sentences(void **state)
{
	(void)state;
	static const struct {
		const char *line, *message, *hint;
	} rows[] = {
		{"", "What to do is missing", "adit --help"},
		{"adopt web", "no command \"adopt\"", "adit tunnel adopt?"},
		{"tunel list", "no command \"tunel\"", "adit tunnel?"},
		{"statsu", "no command \"statsu\"", "adit status?"},
		{"tunnel", "What to do with tunnel is missing", "list, get"},
		{"tunnel lst", "no command \"tunnel lst\"", "adit tunnel list?"},
		{"plan approv p1", "no command \"plan approv\"", "adit plan approve?"},
		{"zzzzzzzz", "no command \"zzzzzzzz\"", "adit --help"},
		{"tunnel create", "NAME is missing", "adit tunnel create --help"},
		{"publish", "HOSTNAME is missing", "adit publish --help"},
		{"apply site.yaml", "\"site.yaml\" is one word too many", "adit apply -f"},
		{"plan approve p7", "--hash is missing", "adit plan approve --help"},
		{"tunnel create a b", "\"b\" is one word too many", "--help"},
		{"tunnel list --limt 4", "no option --limt", "--limit?"},
		{"tunnel list --nothing-like-it", "no option --nothing-like-it", "--help"},
		{"tunnel list --limit", "--limit wants a value", ""},
		{"tunnel list --limit x", "limit: \"x\" is not accepted", "--help"},
		{"tunnel list --limit 0", "limit: is 0", "--help"},
		{"tunnel list --limit 1 --limit 2", "--limit is given twice", ""},
		{"tunnel create web --no-wait=1", "takes no value", ""},
		{"tunnel create web --wait=maybe", "wait: \"maybe\"", ""},
		{"tunnel create web --no-replicas", "no option --no-replicas", ""},
		{"tunnel create web --timeout 1", "timeout", ""},
		{"publish a.b http://c --origin {", "origin", ""},
		{"plan list --state waitin", "state", ""},
		{"--json=1 status", "--json takes no value", ""},
		{"--color=blue status", "--color: \"blue\"", ""},
		{"--socket", "--socket wants a value", ""},
		{"--socket= status", "--socket wants a path", ""},
		{"-x status", "no option -x", ""},
		{"plan get p7 --yes=0123456789ab", "makes no plan", ""},
		{"gen", "adit gen wants one word", ""},
		{"tunnel list --help-me", "no option --help-me", ""},
		{"tunnel list --an-option-of-many-letters-that-is-longer-than-any-name 1",
		 "no option --an-option", ""},
		{"config check /nonexistent/adit.yaml", "/nonexistent/adit.yaml cannot be opened",
		 ""},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(cli_t) c = {0};
		struct err e = {0};
		assert_int_equal(parse(rows[i].line, &c, &e), -1);
		if (!strstr(e.message, rows[i].message) || !strstr(e.hint, rows[i].hint))
			fail_msg("%s: %s | %s", rows[i].line, e.message, e.hint);
	}
}

static void other_verbs(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		enum cli_verb verb;
		const char *op, *topic;
	} rows[] = {
		{"--help", CLI_HELP, NULL, ""},
		{"-h", CLI_HELP, NULL, ""},
		{"help", CLI_HELP, NULL, ""},
		{"tunnel --help", CLI_HELP, NULL, "tunnel"},
		{"help tunnel", CLI_HELP, NULL, "tunnel"},
		{"tunnel create --help", CLI_HELP, "tunnel_create", ""},
		{"tunnel create --bad --help", CLI_HELP, "tunnel_create", ""},
		{"help tunnel create", CLI_HELP, "tunnel_create", ""},
		{"tunnel_create --help", CLI_HELP, "tunnel_create", ""},
		{"publish --help", CLI_HELP, "route_set", ""},
		{"--socket /x publish --help", CLI_HELP, "route_set", ""},
		{"plan --help", CLI_HELP, NULL, "plan"},
		{"--version", CLI_VERSION, NULL, ""},
		{"gen man", CLI_GEN, NULL, "man"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(cli_t) c = {0};
		struct err e = {0};
		if (parse(rows[i].line, &c, &e) < 0)
			fail_msg("%s: %s", rows[i].line, e.message);
		assert_int_equal(c.verb, rows[i].verb);
		assert_true(str_equal(c.op ? c.op->name : NULL, rows[i].op));
		assert_string_equal(c.topic, rows[i].topic);
	}
}

static void what_the_client_notes(void **state)
{
	(void)state;
	AUTO(cli_t) a = {0};
	AUTO(cli_t) b = {0};
	AUTO(cli_t) c = {0};
	struct err e = {0};
	assert_int_equal(parse("--socket /x tunnel create web --json --color=never", &a, &e), 0);
	assert_string_equal(a.socket, "/x");
	assert_true(a.json && a.wait && !a.yes && !a.chosen);
	assert_int_equal(a.colour, COLOUR_NEVER);
	assert_int_equal(a.timeout_ms, 30000);
	assert_int_equal(parse("tunnel create web --timeout 2m --no-wait --yes", &b, &e), 0);
	assert_true(!b.json && !b.wait && b.yes);
	assert_int_equal(b.timeout_ms, 120000);
	assert_int_equal(parse("tunnel list --fields name --color", &c, &e), 0);
	assert_true(c.chosen && !c.wait);
	assert_int_equal(c.colour, COLOUR_ALWAYS);
}

/* ---- every operation ---- */

static char *temporary_file(const char *text)
{
	char path[] = "/tmp/adit-args-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	return str_dup(path);
}

static char *sample(const struct field *f, const char *file)
{
	if (f->flags & ARG_FILE)
		return str_dup(file);
	if (f->values)
		return str_dup(f->values[0]);
	if (f->type == FIELD_STRING && f->check && f->fallback)
		return str_dup(f->fallback);
	if (f->flags & FIELD_TIME)
		return str_dup("48h");
	if (f->type == FIELD_INT)
		return str_format("%lld", (long long)(f->min ? f->min : 1));
	if (f->type == FIELD_DURATION)
		return str_dup("5s");
	if (f->type == FIELD_RAW)
		return str_dup("{\"a\":1}");
	if (f->type == FIELD_STRINGS)
		return str_dup(f->check ? "a.example.com,none" : "name,state");
	return str_ndup("abcdef123456", f->min > 2 ? (size_t)f->min : 2);
}

static void add_field(struct line *l, const struct field *f, const char *file)
{
	AUTO(str_t) value = sample(f, file);
	char dashed[WORD_SIZE];
	if (field_is_hidden(f))
		return;
	field_word(f, dashed);
	AUTO(str_t) option = str_format("--%s", dashed);
	if (f->flags & FIELD_POSITIONAL) {
		line_add(l, value);
		return;
	}
	line_add(l, option);
	if (f->type != FIELD_BOOL)
		line_add(l, value);
}

static void check_line(const struct op *op, struct line *l, size_t fields)
{
	AUTO(cli_t) c = {0};
	AUTO(json_doc_t) doc = NULL;
	struct err e = {0};
	if (args_parse(l->argc, l->argv, &c, &e) < 0)
		fail_msg("%s: %s", op->name, e.message);
	assert_ptr_equal(c.op, op);
	assert_int_equal(json_parse(buf_text(&c.body), c.body.len, NULL, &doc, &e), 0);
	assert_true(json_count(json_root(doc)) >= fields);
	void *args = mem_alloc(op->args_size);
	if (fields_decode(op->args, json_root(doc), args, NULL, &e) < 0)
		fail_msg("%s: %s", op->name, e.message);
	fields_free(op->args, args);
	free(args);
}

static void call_with(const struct op *op, const char *words, bool all, const char *file)
{
	struct line l = {.argc = 0};
	size_t n = 0;
	line_split(&l, words);
	for (const struct field *f = op->args; f->name; f++) {
		if (!all && !(f->flags & FIELD_REQUIRED))
			continue;
		add_field(&l, f, file);
		n++;
	}
	check_line(op, &l, n);
	line_free(&l);
}

static void every_operation_can_be_called(void **state)
{
	(void)state;
	AUTO(str_t) file = temporary_file("owner: edge1\n");
	const struct op *op;
	char words[WORDS_SIZE], dashed[WORDS_SIZE];
	for (size_t i = 0; (op = op_at(i)); i++) {
		op_words(op, words);
		to_dashes(op->name, dashed, sizeof(dashed));
		call_with(op, words, false, file);
		call_with(op, words, true, file);
		call_with(op, op->name, false, file);
		call_with(op, dashed, false, file);
	}
	unlink(file);
}

/* What adit carries out by itself is called by words as operations are, and is none of them. */
static void own_commands_are_no_operations(void **state)
{
	(void)state;
	const struct op *op;
	size_t own = 0;
	for (size_t i = 0; (op = command_at(i)); i++) {
		assert_ptr_equal(command_find(op->name), op);
		own += command_is_own(op);
		assert_true(command_is_own(op) == !op_find(op->name));
	}
	assert_int_equal(own, 1);
	assert_ptr_equal(own_command_at(0), command_mcp());
	assert_null(command_find("nothing"));
}

static void shortcuts_lead_somewhere(void **state)
{
	(void)state;
	const struct shortcut *x;
	for (size_t i = 0; (x = shortcut_at(i)); i++) {
		const struct op *op = op_find(x->op);
		assert_non_null(op);
		assert_true(!x->key || fields_find(op->args, x->key));
	}
}

/* ---- files ---- */

static void files_are_sent_as_bytes(void **state)
{
	(void)state;
	AUTO(str_t) file = temporary_file("a: \"x\"\n");
	AUTO(str_t) text = str_format("config check %s", file);
	AUTO(str_t) named = str_format("config check %s --name other.yaml", file);
	AUTO(str_t) wanted = str_format("{\"text\":\"a: \\\"x\\\"\\n\",\"name\":\"%s\"}", file);
	AUTO(cli_t) a = {0};
	AUTO(cli_t) b = {0};
	struct err e = {0};
	assert_int_equal(parse(text, &a, &e), 0);
	assert_string_equal(buf_text(&a.body), wanted);
	assert_int_equal(parse(named, &b, &e), 0);
	assert_non_null(strstr(buf_text(&b.body), "\"name\":\"other.yaml\""));
	unlink(file);
}

static void files_must_be_text_and_small(void **state)
{
	(void)state;
	AUTO(str_t) bad = temporary_file("a: \xff\n");
	AUTO(str_t) small = temporary_file("0123456789");
	AUTO(buf_t) out = {0};
	struct err e = {0};
	assert_int_equal(input_read(bad, 0, &out, &e), -1);
	assert_non_null(strstr(e.message, "byte 3 is not UTF-8"));
	assert_int_equal(input_read(small, 9, &out, &e), -1);
	assert_non_null(strstr(e.message, "larger than 9 bytes"));
	assert_int_equal(out.len, 0);
	assert_int_equal(input_read(small, 10, &out, &e), 0);
	assert_string_equal(buf_text(&out), "0123456789");
	assert_int_equal(input_read("/tmp", 0, &out, &e), -1);
	unlink(bad);
	unlink(small);
}

static void long_file_names_are_cut_to_their_end(void **state)
{
	(void)state;
	char path[400];
	memset(path, 'a', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	memcpy(path + 200, "/", 1);
	assert_string_equal(input_name(path), path + 201);
	path[200] = 'a';
	assert_int_equal(strlen(input_name(path)), 255);
	assert_string_equal(input_name("x.yaml"), "x.yaml");
	assert_string_equal(input_name("-"), "standard input");
}

static void a_file_is_given_by_f(void **state)
{
	static const char *const ways[] = {"apply -f", "manifest apply -f", "apply --file"};
	AUTO(str_t) file = temporary_file("manifest: x\n");
	struct err e = {0};
	AUTO(cli_t) without = {0};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		AUTO(cli_t) c = {0};
		AUTO(json_doc_t) doc = NULL;
		AUTO(str_t) line = str_format("%s %s --prune", ways[i], file);
		if (parse(line, &c, &e) < 0)
			fail_msg("%s", e.message);
		assert_string_equal(c.op->name, "manifest_apply");
		assert_int_equal(json_parse(buf_text(&c.body), c.body.len, NULL, &doc, &e), 0);
		const struct json *root = json_root(doc);
		assert_string_equal(json_get_string(root, "file"), file);
		assert_string_equal(json_get_string(root, "text"), "manifest: x\n");
		assert_true(json_get_bool(root, "prune", false));
		assert_null(json_get_string(root, "name"));
	}
	assert_int_equal(parse("apply", &without, &e), -1);
	assert_string_equal(e.message, "-f FILE is missing: which file to read");
	assert_string_equal(e.hint, "As in adit apply -f site.yaml, or -f - for standard input.");
	unlink(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_become_json),
		cmocka_unit_test(mistakes_have_sentences),
		cmocka_unit_test(other_verbs),
		cmocka_unit_test(what_the_client_notes),
		cmocka_unit_test(every_operation_can_be_called),
		cmocka_unit_test(own_commands_are_no_operations),
		cmocka_unit_test(shortcuts_lead_somewhere),
		cmocka_unit_test(files_are_sent_as_bytes),
		cmocka_unit_test(files_must_be_text_and_small),
		cmocka_unit_test(a_file_is_given_by_f),
		cmocka_unit_test(long_file_names_are_cut_to_their_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
