/* cloudflared's own files: what becomes a route, what is left alone and why, what is refused where,
 * and where the order of the file's rules would not be adit's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ops/manifest_import.h"

struct result {
	struct world *w;
	struct plan *p;
	struct manifest *m;
	struct err e;
	struct buf told, warned;
};

static void result_free(struct result *r)
{
	manifest_free(r->m);
	plan_free(r->p);
	world_free(r->w);
	buf_free(&r->told);
	buf_free(&r->warned);
}

static int import_text(const char *text, struct result *r)
{
	const struct import_ask ask = {
		.file = "config.yml", .text = text, .own = "edge1", .dns = true};
	struct tunnel *known = tunnel_new("known");
	*r = (struct result){.w = world_new(), .p = plan_new("manifest_import", "root", NULL)};
	(void)str_copy(known->remote_id, sizeof(known->remote_id),
		       "6ff42ae2-765d-4adf-8112-31c55c1551ef");
	world_add_tunnel(r->w, known);
	int rc = manifest_import(r->w, &ask, r->p, &r->m, &r->e);
	for (size_t i = 0; i < r->p->n_changes; i++)
		(void)buf_printf(&r->told, "%c%s %s %s; ", r->p->changes[i].sign,
				 r->p->changes[i].object, r->p->changes[i].name,
				 r->p->changes[i].detail);
	for (size_t i = 0; i < r->p->warnings.n; i++)
		(void)buf_printf(&r->warned, "%s ", r->p->warnings.items[i]);
	return rc;
}

static void must(const char *text, struct result *r)
{
	if (import_text(text, r) < 0)
		fail_msg("%s\n%s", r->e.message, text);
}

static void same(const char *is, const char *wanted, const char *text)
{
	if (strcmp(is, wanted) != 0)
		fail_msg("%s\nnot\n%s\n%s", is, wanted, text);
}

static void a_realistic_file(void **state)
{
	static const char text[] = "tunnel: 6ff42ae2-765d-4adf-8112-31c55c1551ef\n"
				   "credentials-file: /etc/cloudflared/x.json\n"
				   "originRequest:\n"
				   "  connectTimeout: 30s\n"
				   "  noTLSVerify: false\n"
				   "warp-routing:\n"
				   "  enabled: true\n"
				   "loglevel: debug\n"
				   "strange: 1\n"
				   "ingress:\n"
				   "  - hostname: GitLab.widgetcorp.tech\n"
				   "    service: http://localhost:80\n"
				   "  - hostname: gitlab-ssh.widgetcorp.tech\n"
				   "    service: ssh://localhost:22\n"
				   "    originRequest:\n"
				   "      connectTimeout: 1m30s\n"
				   "      noTLSVerify: true\n"
				   "      access: {required: true, teamName: t, audTag: [a]}\n"
				   "  - path: /healthz\n"
				   "    service: hello-world\n"
				   "  - hostname: api.widgetcorp.tech\n"
				   "    path: ^/v1/\n"
				   "    service: hello-world\n"
				   "  - service: http_status:503\n";
	struct result r;
	(void)state;
	must(text, &r);
	assert_int_equal(r.m->n_tunnels, 1);
	assert_string_equal(r.m->tunnels[0].name, "known");
	assert_int_equal(r.m->n_routes, 3);
	assert_string_equal(r.m->routes[0].hostname, "gitlab.widgetcorp.tech");
	assert_string_equal(r.m->routes[0].origin.text,
			    "{\"connectTimeout\":30,\"noTLSVerify\":false}");
	assert_string_equal(r.m->routes[1].origin.text,
			    "{\"connectTimeout\":90,\"noTLSVerify\":true,\"access\":{\"required\":"
			    "true,\"teamName\":\"t\",\"audTag\":[\"a\"]}}");
	assert_string_equal(r.m->routes[2].service, "hello_world");
	assert_string_equal(r.m->routes[2].path, "^/v1/");
	same(buf_text(&r.told),
	     "=rule ingress[2] for /healthz of every host left alone: a route has a host name; "
	     "=rule ingress[4] to http_status:503 left alone: what no route takes is answered 404 "
	     "by adit; "
	     "=setting credentials-file left alone: adit's connectors have a token of their own; "
	     "=setting warp-routing left alone: private networks are none of adit's routes; "
	     "=setting loglevel left alone: an option of the connector; adit's settings have their "
	     "own; "
	     "=setting strange left alone: adit does not know it; ",
	     text);
	assert_int_equal(r.warned.len, 0);
	result_free(&r);
}

#define RULE(host, path)                                                                           \
	"- hostname: '" host "'\n  path: '" path "'\n  service: http://localhost:80\n"
#define LAST "- service: http_status:404\n"

static void the_order_of_rules_is_looked_at(void **state)
{
	static const struct {
		const char *rules, *warning;
	} rows[] = {
		{RULE("a.example.com", "") RULE("*.example.com", "") LAST, ""},
		{RULE("*.example.com", "") RULE("a.example.com", "") LAST,
		 "ingress[1] (a.example.com) is never reached in the file, since ingress[0] "
		 "(*.example.com) stands before it; as a route it is. "},
		{RULE("a.example.com", "") RULE("a.example.com", "/api") LAST,
		 "ingress[1] (a.example.com /api) is never reached in the file, since ingress[0] "
		 "(a.example.com) stands before it; as a route it is. "},
		{RULE("a.example.com", "/api") RULE("a.example.com", "") LAST, ""},
		{RULE("a.example.com", "/a") RULE("a.example.com", "/longer") LAST,
		 "A request that fits both ingress[0] (a.example.com /a) and ingress[1] "
		 "(a.example.com /longer) is answered by the first of them in the file, by the "
		 "second as routes. "},
		{RULE("a.example.com", "^/a") RULE("a.example.com", "^/longer") LAST, ""},
		{RULE("a.example.com", "^/a") RULE("a.example.com", "^/alonger") LAST,
		 "A request that fits both ingress[0] (a.example.com ^/a) and ingress[1] "
		 "(a.example.com ^/alonger) is answered by the first of them in the file, by the "
		 "second as routes. "},
		{RULE("a.example.com", "^/(a|b)") RULE("a.example.com", "^/longer|x") LAST,
		 "A request that fits both ingress[0] (a.example.com ^/(a|b)) and ingress[1] "
		 "(a.example.com ^/longer|x) is answered by the first of them in the file, by the "
		 "second as routes. "},
		{RULE("*.example.com", "/a") RULE("x.example.com", "/b") LAST,
		 "A request that fits both ingress[0] (*.example.com /a) and ingress[1] "
		 "(x.example.com /b) is answered by the first of them in the file, by the second "
		 "as "
		 "routes. "},
		{RULE("*.example.com", "/a") RULE("x.example.net", "/longer") LAST, ""},
		{RULE("a.example.com", ""), "The file's last rule does not take every request, so "
					    "cloudflared would refuse the "
					    "file; adit adds such a rule by itself. "},
		{"", ""},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(str_t) text = str_format("ingress:\n%s", rows[i].rules);
		struct result r;
		must(text, &r);
		same(buf_text(&r.warned), rows[i].warning, text);
		assert_string_equal(r.m->tunnels[0].name, "edge1");
		result_free(&r);
	}
}

static void many_warnings_are_counted(void **state)
{
	AUTO(buf_t) text = {0};
	struct result r;
	(void)state;
	(void)buf_str(&text, "ingress:\n" RULE("*.example.com", ""));
	for (int i = 0; i < 1990; i++)
		(void)buf_printf(&text, "- {hostname: h%d.example.com, service: hello_world}\n", i);
	must(buf_text(&text), &r);
	assert_int_equal(r.p->warnings.n, 22);
	assert_string_equal(r.p->warnings.items[21],
			    "1970 more pairs of rules change their order.");
	result_free(&r);
}

static void which_tunnel(void **state)
{
	static const struct {
		const char *text, *tunnel, *told;
	} rows[] = {
		{"{}", "edge1", ""},
		{"tunnel: KNOWN", "known", ""},
		{"tunnel: other", "edge1",
		 "=setting tunnel left alone: other is no tunnel of adit's; the routes go through "
		 "edge1; "},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct result r;
		must(rows[i].text, &r);
		assert_string_equal(r.m->tunnels[0].name, rows[i].tunnel);
		same(buf_text(&r.told), rows[i].told, rows[i].text);
		result_free(&r);
	}
}

static void a_rule_that_stands_twice_is_never_reached(void **state)
{
	struct result r;
	(void)state;
	must("ingress:\n" RULE("a.example.com", "") RULE("A.example.com", "") LAST, &r);
	assert_int_equal(r.m->n_routes, 1);
	assert_string_equal(buf_text(&r.told),
			    "=rule ingress[1] for a.example.com left alone: it is "
			    "never reached, since ingress[0] takes the same; ");
	result_free(&r);
}

static void access_at_no_rule_is_no_access(void **state)
{
	struct result r;
	(void)state;
	must("originRequest: {access: {required: true}, proxyType: socks}\n"
	     "ingress:\n" RULE("a.example.com", "") LAST,
	     &r);
	assert_string_equal(r.m->routes[0].origin.text, "{\"proxyType\":\"socks\"}");
	assert_true(
		str_starts(buf_text(&r.warned), "cloudflared ignores the file's originRequest."));
	result_free(&r);
}

static void mistakes_have_a_place(void **state)
{
	static const struct {
		const char *text, *sentence;
	} rows[] = {
		{"- a", "config.yml:1:1: is an array, accepted are lines of the form key: value"},
		{"tunnel: 5", "config.yml:1:1: tunnel: is a number, accepted is a name or an id"},
		{"ingress: {a: 1}", "config.yml:1:1: ingress: is an object, accepted is a list"},
		{"ingress:\n- a", "config.yml:2:3: ingress[0]: is a string"},
		{"ingress:\n- hostname: a.example.com",
		 "config.yml:2:3: ingress[0].service: is missing"},
		{"ingress:\n- service: http_status:404\n" RULE("a.example.com", ""),
		 "config.yml:2:3: ingress[0]: takes every request, so no rule behind it is "
		 "reached"},
		{"ingress:\n- {hostname: a.example.com, service: 'localhost:80'}",
		 "config.yml:2:29: ingress[0].service: "},
		{"ingress:\n- {hostname: 'a b.c', service: hello_world}",
		 "config.yml:2:4: ingress[0].hostname: \"a b.c\" is no host name"},
		{"ingress:\n- hostname: a.example.com\n  service: hello_world\n  path: '('",
		 "config.yml:4:3: ingress[0].path: "},
		{"ingress:\n- hostname: a.example.com\n  service: hello_world\n  orginRequest: {}",
		 "config.yml:4:3: ingress[0].orginRequest: unknown key \"orginRequest\"; did you"},
		{"ingress:\n- hostname: a.example.com\n  service: hello_world\n  originRequest:\n"
		 "    noTLSverify: true",
		 "config.yml:5:5: ingress[0].originRequest.noTLSverify: is spelled noTLSVerify"},
		{"originRequest:\n  connectTimeout: 30",
		 "config.yml:2:3: originRequest.connectTimeout: is a number, accepted is a time"},
		{"originRequest:\n  connectTimeot: 30s",
		 "config.yml:2:3: originRequest.connectTimeot: unknown option; did you mean "
		 "\"connectTimeout\"?"},
		{"originRequest: 5",
		 "config.yml:1:1: originRequest: is a number, accepted is an object"},
		{"a: [", "config.yml:"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct result r;
		if (import_text(rows[i].text, &r) == 0)
			fail_msg("accepted: %s", rows[i].text);
		assert_int_equal(r.e.kind, ERR_INVALID);
		if (!str_starts(r.e.message, rows[i].sentence))
			fail_msg("\"%s\"\nnot \"%s\"", r.e.message, rows[i].sentence);
		result_free(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_realistic_file),
		cmocka_unit_test(the_order_of_rules_is_looked_at),
		cmocka_unit_test(many_warnings_are_counted),
		cmocka_unit_test(which_tunnel),
		cmocka_unit_test(a_rule_that_stands_twice_is_never_reached),
		cmocka_unit_test(access_at_no_rule_is_no_access),
		cmocka_unit_test(mistakes_have_a_place),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
