/* Settings: every default, every range, and a place in every sentence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/settings.h"

static int parse(const char *text, struct settings *out, struct err *e)
{
	return settings_parse("adit.yaml", text, strlen(text), out, e);
}

/* ---- defaults ---- */

static void expect_defaults(const struct settings *s)
{
	assert_null(s->owner);
	assert_string_equal(s->state_dir, "/var/lib/adit");
	assert_string_equal(s->socket, "/run/adit/adit.sock");
	assert_int_equal(s->access.viewer.groups.n, 1);
	assert_string_equal(s->access.viewer.groups.items[0], "adit");
	assert_int_equal(s->access.operator.groups.n, 1);
	assert_string_equal(s->access.operator.groups.items[0], "adit-operator");
	assert_int_equal(s->access.admin.groups.n, 1);
	assert_string_equal(s->access.admin.groups.items[0], "adit-admin");
	assert_int_equal(s->access.admin.users.n, 0);
	assert_null(s->cloudflare.account_id);
	assert_string_equal(s->cloudflare.api_token_file, "/etc/adit/cloudflare-token");
	assert_null(s->cloudflare.read_token_file);
	assert_string_equal(s->cloudflare.base_url, "https://api.cloudflare.com/client/v4");
	assert_null(s->cloudflare.ca_file);
	assert_string_equal(s->cloudflare.budget, "600/5m");
	assert_int_equal(s->cloudflare.fleet_size, 1);
	assert_int_equal(s->reconcile.interval.ms, 60000);
	assert_string_equal(s->reconcile.drift, "report");
	assert_int_equal(s->safety.max_delete, 10);
	assert_int_equal(s->safety.protect.n, 0);
	assert_int_equal(s->safety.allow_services.n, 0);
	assert_string_equal(s->connectors.launcher, "auto");
	assert_string_equal(s->connectors.cloudflared, "/usr/bin/cloudflared");
	assert_string_equal(s->connectors.protocol, "quic");
	assert_int_equal(s->connectors.grace_period.ms, 30000);
	assert_int_equal(s->connectors.health.interval.ms, 5000);
	assert_int_equal(s->connectors.health.timeout.ms, 2000);
	assert_int_equal(s->connectors.health.failures, 3);
	assert_int_equal(s->connectors.health.unready.ms, 45000);
	assert_string_equal(s->connectors.upgrade, "notice");
	assert_null(s->mcp.listen);
	assert_false(s->mcp.metrics);
	assert_string_equal(s->log.level, "info");
}

static void defaults_are_those_of_the_design(void **state)
{
	static const char *const texts[] = {"", "# nothing\n", "cloudflare:\naccess:\n",
					    "log: {}\n"};
	AUTO(settings_t) s = {0};

	(void)state;
	settings_default(&s);
	expect_defaults(&s);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		AUTO(settings_t) parsed = {0};
		struct err e = {0};

		if (parse(texts[i], &parsed, &e) < 0)
			fail_msg("%s", e.message);
		expect_defaults(&parsed);
	}
}

static void no_file_gives_defaults(void **state)
{
	AUTO(settings_t) s = {0};
	struct err e;

	(void)state;
	assert_int_equal(settings_parse_all(NULL, 0, &s, &e), 0);
	expect_defaults(&s);
}

/* ---- a whole file ---- */

static const char whole[] =
	"owner: edge1\n"
	"state_dir: /srv/adit\n"
	"socket: /run/other.sock\n"
	"access:\n"
	"  viewer:   {groups: [staff, adit], users: [ann]}\n"
	"  operator: {groups: []}\n"
	"cloudflare:\n"
	"  account_id: 023e105f4ecef8ad9ca31a8372d0c353\n"
	"  api_token_file: /etc/token\n"
	"  read_token_file: /etc/read-token\n"
	"  base_url: http://127.0.0.1:8700/client/v4\n"
	"  edge_url: http://127.0.0.1:8701\n"
	"  ca_file: /etc/ca.pem\n"
	"  budget: 1200/5m\n"
	"  fleet_size: 4\n"
	"reconcile: {interval: 5m, drift: repair}\n"
	"safety:\n"
	"  max_delete: 0\n"
	"  protect: [VPN.Example.com, \"*.prod.example.com\"]\n"
	"  allow_services: [\"unix:/run/app.sock\", \"tcp://10.0.0.5:22\", bastion, socks-proxy]\n"
	"connectors:\n"
	"  launcher: child\n"
	"  cloudflared: /opt/cloudflared\n"
	"  protocol: http2\n"
	"  grace_period: 3m\n"
	"  health: {interval: 200ms, timeout: 200ms, failures: 1, unready: 1s}\n"
	"  upgrade: roll\n"
	"mcp: {listen: \"127.0.0.1:7437\", metrics: true}\n"
	"log: {level: debug}\n";

static void all_keys_are_read(void **state)
{
	AUTO(settings_t) s = {0};
	struct err e = {0};

	(void)state;
	if (parse(whole, &s, &e) < 0)
		fail_msg("%s", e.message);
	assert_string_equal(s.owner, "edge1");
	assert_string_equal(s.state_dir, "/srv/adit");
	assert_string_equal(s.socket, "/run/other.sock");
	assert_int_equal(s.access.viewer.groups.n, 2);
	assert_string_equal(s.access.viewer.users.items[0], "ann");
	assert_int_equal(s.access.operator.groups.n, 0);
	assert_string_equal(s.access.admin.groups.items[0], "adit-admin");
	assert_string_equal(s.cloudflare.account_id, "023e105f4ecef8ad9ca31a8372d0c353");
	assert_string_equal(s.cloudflare.base_url, "http://127.0.0.1:8700/client/v4");
	assert_string_equal(s.cloudflare.edge_url, "http://127.0.0.1:8701");
	assert_string_equal(s.cloudflare.budget, "1200/5m");
	assert_int_equal(s.cloudflare.fleet_size, 4);
	assert_int_equal(s.reconcile.interval.ms, 300000);
	assert_string_equal(s.reconcile.drift, "repair");
	assert_int_equal(s.safety.max_delete, 0);
	assert_string_equal(s.safety.protect.items[0], "vpn.example.com");
	assert_string_equal(s.safety.protect.items[1], "*.prod.example.com");
	assert_int_equal(s.safety.allow_services.n, 4);
	assert_int_equal(s.connectors.grace_period.ms, 180000);
	assert_int_equal(s.connectors.health.timeout.ms, 200);
	assert_string_equal(s.mcp.listen, "127.0.0.1:7437");
	assert_true(s.mcp.metrics);
	assert_string_equal(s.log.level, "debug");
}

/* ---- single values ---- */

struct value {
	const char *key; /* "section.key" or "key" */
	const char *text;
	bool taken;
};

static const struct value values[] = {
	{"owner", "edge-1.example_x", true},
	{"owner", "\"\"", false},
	{"owner", "\"two words\"", false},
	{"owner", "-edge", false},
	{"owner", "a/b", false},
	{"owner", "\xc3\xa4", false},
	{"owner", "a23456789012345678901234567890123456789012345678901234567890123", true},
	{"owner", "a234567890123456789012345678901234567890123456789012345678901234", false},
	{"state_dir", "/srv/adit", true},
	{"state_dir", "srv/adit", false},
	{"state_dir", "/", false},
	{"state_dir", "\"/a\\nb\"", false},
	{"socket", "run/adit.sock", false},
	{"cloudflare.account_id", "023E105f4ecef8ad9ca31a8372d0c353", true},
	{"cloudflare.account_id", "023e105f4ecef8ad9ca31a8372d0c35", false},
	{"cloudflare.account_id", "023e105f4ecef8ad9ca31a8372d0c3533", false},
	{"cloudflare.account_id", "g23e105f4ecef8ad9ca31a8372d0c353", false},
	{"cloudflare.api_token_file", "token", false},
	{"cloudflare.read_token_file", "token", false},
	{"cloudflare.ca_file", "ca.pem", false},
	{"cloudflare.edge_url", "https://edge.example.com:8443", true},
	{"cloudflare.edge_url", "http://192.0.2.1", false},
	{"cloudflare.edge_url", "http://127.0.0.1:1/", false},
	{"cloudflare.edge_url", "https://edge.example.com/x", false},
	{"cloudflare.base_url", "https://proxy.example.com/client/v4", true},
	{"cloudflare.base_url", "http://localhost:8700/client/v4", true},
	{"cloudflare.base_url", "\"http://[::1]:8700/client/v4\"", true},
	{"cloudflare.base_url", "http://127.8.9.1/client/v4", true},
	{"cloudflare.base_url", "http://api.cloudflare.com/client/v4", false},
	{"cloudflare.base_url", "http://127.0.0.1.example.com/client/v4", false},
	{"cloudflare.base_url", "http://10.0.0.1/client/v4", false},
	{"cloudflare.base_url", "ftp://127.0.0.1/", false},
	{"cloudflare.base_url", "https://user:word@api.cloudflare.com/client/v4", false},
	{"cloudflare.base_url", "https://api.cloudflare.com/client/v4/", false},
	{"cloudflare.base_url", "api.cloudflare.com", false},
	{"cloudflare.budget", "1/5m", true},
	{"cloudflare.budget", "0/5m", false},
	{"cloudflare.budget", "1200/5m", true},
	{"cloudflare.budget", "1201/5m", false},
	{"cloudflare.budget", "240/1m", true},
	{"cloudflare.budget", "241/1m", false},
	{"cloudflare.budget", "4/1s", true},
	{"cloudflare.budget", "5/1s", false},
	{"cloudflare.budget", "14400/1h", true},
	{"cloudflare.budget", "14401/1h", false},
	{"cloudflare.budget", "12/1h", true},
	{"cloudflare.budget", "11/1h", false},
	{"cloudflare.budget", "600/2h", false},
	{"cloudflare.budget", "1/999ms", false},
	{"cloudflare.budget", "9223372036854775807/1h", false},
	{"cloudflare.budget", "600", false},
	{"cloudflare.budget", "\"600\"", false},
	{"cloudflare.budget", "\"\"", false},
	{"cloudflare.fleet_size", "1", true},
	{"cloudflare.fleet_size", "100", true},
	{"cloudflare.fleet_size", "0", false},
	{"cloudflare.fleet_size", "101", false},
	{"cloudflare.fleet_size", "\"1\"", false},
	{"reconcile.interval", "1s", true},
	{"reconcile.interval", "24h", true},
	{"reconcile.interval", "999ms", false},
	{"reconcile.interval", "25h", false},
	{"reconcile.interval", "60", false},
	{"reconcile.drift", "ignore", true},
	{"reconcile.drift", "fix", false},
	{"safety.max_delete", "1000", true},
	{"safety.max_delete", "1001", false},
	{"safety.max_delete", "-1", false},
	{"safety.protect", "[a.example.com]", true},
	{"safety.protect", "[\"*\"]", false},
	{"safety.protect", "[\"a.*.example.com\"]", false},
	{"safety.protect", "[\"https://a.example.com\"]", false},
	{"safety.protect", "[\"\"]", false},
	{"safety.protect", "a.example.com", false},
	{"safety.allow_services", "[\"unix+tls:/run/a\"]", true},
	{"safety.allow_services", "[\"http://10.0.0.5:8080\"]", true},
	{"safety.allow_services", "[\"unix:run/a\"]", false},
	{"safety.allow_services", "[\"unix:/\"]", false},
	{"safety.allow_services", "[\"tcp://\"]", false},
	{"safety.allow_services", "[\"tcp://a b\"]", false},
	{"safety.allow_services", "[\"gopher://a:70\"]", false},
	{"safety.allow_services", "[\"bastions\"]", false},
	{"safety.allow_services", "[\"\"]", false},
	{"connectors.launcher", "systemd", true},
	{"connectors.launcher", "docker", false},
	{"connectors.cloudflared", "cloudflared", false},
	{"connectors.protocol", "auto", false},
	{"connectors.grace_period", "0s", true},
	{"connectors.grace_period", "180s", true},
	{"connectors.grace_period", "181s", false},
	{"connectors.upgrade", "roll", true},
	{"connectors.upgrade", "never", false},
	{"connectors.health", "{timeout: 5s}", true},
	{"connectors.health", "{timeout: 5001ms}", false},
	{"connectors.health", "{interval: 1s}", false},
	{"connectors.health", "{interval: 1s, timeout: 1s}", true},
	{"connectors.health", "{interval: 1m}", false},
	{"connectors.health", "{interval: 1m, unready: 1m}", true},
	{"connectors.health", "{interval: 99ms, timeout: 50ms}", false},
	{"connectors.health", "{timeout: 49ms}", false},
	{"connectors.health", "{failures: 0}", false},
	{"connectors.health", "{failures: 101}", false},
	{"connectors.health", "{unready: 2h}", false},
	{"mcp.listen", "\"[::1]:7437\"", true},
	{"mcp.listen", "localhost:7437", true},
	{"mcp.listen", "0.0.0.0:7437", false},
	{"mcp.listen", "10.0.0.1:7437", false},
	{"mcp.listen", "127.0.0.1", false},
	{"mcp.listen", "\":7437\"", false},
	{"mcp.listen", "7437", false},
	{"mcp.listen", "127.0.0.1:0", false},
	{"mcp.listen", "127.0.0.1:65536", false},
	{"mcp.listen", "127.0.0.1:80/x", false},
	{"mcp.listen", "\"\"", false},
	{"mcp.listen", "\"a@127.0.0.1:80\"", false},
	{"mcp.metrics", "\"yes\"", false},
	{"log.level", "warning", true},
	{"log.level", "warn", false},
	{"access.viewer", "{groups: [\"\"]}", false},
	{"access.viewer", "{groups: [\"a:b\"]}", false},
	{"access.viewer", "{users: [\"domain users\"]}", true},
};

/* "a.b" becomes nested lines; where the key of the value stands is line and column. */
static char *document(const struct value *v, int *line, int *column)
{
	const char *dot = strchr(v->key, '.');

	*line = dot ? 2 : 1;
	*column = dot ? 3 : 1;
	if (!dot)
		return str_format("%s: %s\n", v->key, v->text);
	return str_format("%.*s:\n  %s: %s\n", (int)(dot - v->key), v->key, dot + 1, v->text);
}

static void values_are_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		int line, column;
		AUTO(str_t) text = document(&values[i], &line, &column);
		AUTO(settings_t) s = {0};
		AUTO(str_t) place = str_format("adit.yaml:%d:", line);
		struct err e = {0};
		int result = parse(text, &s, &e);

		if (result != (values[i].taken ? 0 : -1))
			fail_msg("%s: %s", text, e.message);
		if (result == 0)
			continue;
		assert_int_equal(e.kind, ERR_INVALID);
		if (!str_starts(e.message, place) || !strstr(e.message, values[i].key))
			fail_msg("%s: %s", text, e.message);
		assert_null(s.state_dir);
	}
}

/* ---- places ---- */

static void mistakes_have_a_place(void **state)
{
	static const struct {
		const char *text, *start;
	} rows[] = {
		{"ownr: x\n", "adit.yaml:1:1: ownr: "},
		{"log:\n  level: info\n  colour: red\n", "adit.yaml:3:3: log.colour: "},
		{"safety:\n  protect:\n    - a.example.com\n    - \"x y\"\n",
		 "adit.yaml:4:7: safety.protect[1]: "},
		{"cloudflare: 5\n", "adit.yaml:1:1: cloudflare: "},
		{"connectors:\n  health:\n    failures: 3\n    timeout: 30s\n",
		 "adit.yaml:4:5: connectors.health.timeout: "},
		{"connectors:\n  health:\n    interval: 1s\n",
		 "adit.yaml:2:3: connectors.health.timeout: "},
		{"owner: a\nowner: b\n", "adit.yaml:2:1: "},
		{"owner: [\n", "adit.yaml:"},
		{"- a\n", "adit.yaml:1:1: "},
		{"just words\n", "adit.yaml:1:1: "},
		{"a.b: 1\n", "adit.yaml:1:1: "},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(settings_t) s = {0};
		struct err e = {0};

		if (parse(rows[i].text, &s, &e) == 0)
			fail_msg("taken: %s", rows[i].text);
		if (!str_starts(e.message, rows[i].start))
			fail_msg("%s: %s", rows[i].text, e.message);
	}
}

/* ---- several files ---- */

static int parse_three(const char *a, const char *b, const char *c, struct settings *out,
		       struct err *e)
{
	const struct settings_source sources[] = {
		{"adit.yaml", a, strlen(a)}, {"10.yaml", b, strlen(b)}, {"20.yaml", c, strlen(c)}};

	return settings_parse_all(sources, 3, out, e);
}

static void sections_are_joined(void **state)
{
	AUTO(settings_t) s = {0};
	struct err e = {0};

	(void)state;
	if (parse_three("owner: a\nconnectors: {health: {failures: 4}}\n",
			"connectors: {protocol: http2, health: {interval: 6s}}\nsafety:\n",
			"safety: {protect: [a.example.com]}\nconnectors: {health: {timeout: 3s}}\n",
			&s, &e) < 0)
		fail_msg("%s", e.message);
	assert_string_equal(s.owner, "a");
	assert_int_equal(s.connectors.health.failures, 4);
	assert_int_equal(s.connectors.health.interval.ms, 6000);
	assert_int_equal(s.connectors.health.timeout.ms, 3000);
	assert_string_equal(s.connectors.protocol, "http2");
	assert_int_equal(s.safety.protect.n, 1);
	assert_int_equal(s.safety.max_delete, 10);
}

static void files_fail_with_both_places(void **state)
{
	static const struct {
		const char *a, *b, *c, *start, *also;
	} rows[] = {
		{"owner: a\n", "", "\nowner: a\n", "20.yaml:2:1: owner: ", "adit.yaml:1:1"},
		{"", "log:\n  level: info\n", "log: {level: debug}\n",
		 "20.yaml:1:7: log.level: ", "10.yaml:2:3"},
		{"safety: {protect: [a.example.com]}\n", "safety:\n  protect: [b.example.com]\n",
		 "", "10.yaml:2:3: safety.protect: ", "adit.yaml:1:10"},
		{"log: {level: info}\n", "log: info\n", "", "10.yaml:1:1: log: ", "adit.yaml:1:1"},
		{"owner: a\n", "owner: b\n", "owner: c\n", "10.yaml:1:1: owner: ", "adit.yaml:1:1"},
		{"owner: a\n", "log:\n  levle: info\n", "", "10.yaml:2:3: log.levle: ", "level"},
		{"owner: a\n", "", "connectors:\n  health: {timeout: 50s}\n",
		 "20.yaml:2:12: connectors.health.timeout: ", "interval"},
		{"connectors: {health: {failures: 2}}\n", "connectors: {health: {timeout: 1h}}\n",
		 "", "10.yaml:1:23: connectors.health.timeout: ", ""},
		{"owner: a\n", "{", "", "10.yaml:", ""},
		{"owner: a\n", "", "[]\n", "20.yaml:1:1: ", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(settings_t) s = {0};
		struct err e = {0};

		if (parse_three(rows[i].a, rows[i].b, rows[i].c, &s, &e) == 0)
			fail_msg("row %zu is taken", i);
		if (!str_starts(e.message, rows[i].start) || !strstr(e.message, rows[i].also))
			fail_msg("row %zu: %s", i, e.message);
		assert_null(s.state_dir);
	}
}

static void the_schema_can_be_written(void **state)
{
	AUTO(buf_t) text = {0};
	struct json_writer w;
	struct err e = {0};

	(void)state;
	json_write_init(&w, &text);
	fields_schema(settings_table(), false, &w);
	assert_int_equal(json_check(buf_text(&text), text.len, NULL, &e), 0);
	assert_non_null(strstr(buf_text(&text), "grace_period"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_those_of_the_design),
		cmocka_unit_test(no_file_gives_defaults),
		cmocka_unit_test(all_keys_are_read),
		cmocka_unit_test(values_are_judged),
		cmocka_unit_test(mistakes_have_a_place),
		cmocka_unit_test(sections_are_joined),
		cmocka_unit_test(files_fail_with_both_places),
		cmocka_unit_test(the_schema_can_be_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
