/* Manifests: what is read, and what is refused where and in which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "model/drift.h"
#include "model/manifest.h"

static struct manifest *parse(const char *text)
{
	struct manifest *m = NULL;
	struct err e = {0};
	if (manifest_parse("f", text, strlen(text), &m, &e) < 0)
		fail_msg("%s\n%s", text, e.message);
	return m;
}

static void a_document_is_read(void **state)
{
	AUTO(manifest_t)
	m = parse("manifest: site\n"
		  "tunnels:\n"
		  "- name: web\n"
		  "  replicas: 2\n"
		  "  drift: repair\n"
		  "  routes:\n"
		  "  - hostname: B\xc3\xbc"
		  "cher.Example.com.\n"
		  "    path: ^/api\n"
		  "    service: http://127.0.0.1:8080\n"
		  "    origin: {noTLSVerify: true, connectTimeout: 1m, tlsTimeout: 5, x: 1.50}\n"
		  "    comment: books\n"
		  "  - {hostname: xn--bcher-kva.example.com, service: 'http_status:404'}\n"
		  "- name: idle\n"
		  "records:\n"
		  "- {name: Mail.example.com, type: MX, content: mx.example.net}\n");
	const struct manifest_route *r;
	const struct manifest_host *h;
	(void)state;
	assert_string_equal(m->name, "site");
	assert_int_equal(m->n_tunnels, 2);
	assert_int_equal(m->tunnels[0].replicas, 2);
	assert_string_equal(m->tunnels[0].drift, "repair");
	assert_int_equal(m->tunnels[1].replicas, 1);
	assert_null(m->tunnels[1].drift);
	assert_int_equal(m->n_routes, 2);
	r = manifest_route(m, "xn--bcher-kva.example.com", "^/api");
	assert_ptr_equal(r, &m->routes[0]);
	assert_string_equal(r->origin.text, "{\"noTLSVerify\":true,\"connectTimeout\":60,"
					    "\"tlsTimeout\":5,\"x\":1.50}");
	assert_true(r->dns);
	assert_string_equal(r->place, "tunnels[0].routes[0]");
	assert_null(manifest_route(m, "xn--bcher-kva.example.com", "^/other"));
	assert_null(m->routes[1].path);
	assert_null(m->routes[1].origin.text);
	assert_int_equal(m->n_hosts, 1);
	h = manifest_host(m, "xn--bcher-kva.example.com");
	assert_string_equal(h->comment, "books");
	assert_string_equal(manifest_tunnel(m, "WEB")->name, "web");
	assert_null(manifest_tunnel(m, "wev"));
	assert_int_equal(manifest_record(m, "mail.example.com", "MX")->priority, 10);
	assert_null(manifest_record(m, "mail.example.com", "A"));
}

static void json_is_yaml(void **state)
{
	AUTO(manifest_t)
	m = parse("{\"manifest\": \"site\", \"tunnels\": [{\"name\": \"web\", \"routes\": [\n"
		  "{\"hostname\": \"a.example.com\", \"service\": \"http://127.0.0.1:1\", "
		  "\"dns\": false, \"path\": null}]}], \"records\": null}");
	(void)state;
	assert_false(m->routes[0].dns);
	assert_int_equal(m->n_records, 0);
}

static void nothing_is_a_document(void **state)
{
	static const char *const texts[] = {"", "# words\n", "{}", "tunnels: []\nrecords:\n"};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		AUTO(manifest_t) m = parse(texts[i]);
		assert_null(m->name);
		assert_int_equal(m->n_tunnels + m->n_routes + m->n_records, 0);
	}
}

#define WEB   "tunnels:\n- name: web\n  routes:\n"
#define ROUTE "  - hostname: a.example.com\n    service: http://127.0.0.1:1\n"

static void mistakes_have_a_place(void **state)
{
	static const struct {
		const char *text, *sentence;
	} rows[] = {
		{"just words", "f:1:1: is a string, accepted are lines"},
		{"[]", "f:1:1: is an array, accepted are lines"},
		{"manifest: a b", "f:1:1: manifest: \"a b\" is no name of a manifest"},
		{"manifest: ''", "f:1:1: manifest: has 0 characters"},
		{"tunnel: []", "f:1:1: tunnel: unknown key \"tunnel\"; did you mean \"tunnels\"?"},
		{"tunnels: {a: 1}", "f:1:1: tunnels: is an object, accepted is a list"},
		{"tunnels: x", "f:1:1: tunnels: is a string, accepted is a list"},
		{"records: {}", "f:1:1: records: is an object, accepted is a list"},
		{"tunnels:\n- x", "f:2:3: tunnels[0]: is a string, accepted are lines"},
		{"tunnels:\n- replicas: 1", "f:2:3: tunnels[0].name: is missing"},
		{"tunnels:\n- name: 5", "f:2:3: tunnels[0].name: is a number"},
		{"tunnels:\n- name: -x", "tunnels[0].name: \"-x\" is no tunnel name"},
		{"tunnels:\n- name: a\n  replicas: 26", "f:3:3: tunnels[0].replicas: is 26"},
		{"tunnels:\n- name: a\n  drift: x",
		 "f:3:3: tunnels[0].drift: \"x\" is not accepted"},
		{"tunnels:\n- name: a\n  routes: {}",
		 "f:3:3: tunnels[0].routes: is an object, accepted is a list"},
		{"tunnels:\n- name: a\n- name: A",
		 "f:3:3: tunnels[1].name: A stands twice, first in tunnels[0]"},
		{WEB "  - service: http://a", "f:4:5: tunnels[0].routes[0].hostname: is missing"},
		{WEB "  - hostname: a.example.com", "tunnels[0].routes[0].service: is missing"},
		{WEB "  - {hostname: 'a b.c', service: hello_world}",
		 "f:4:6: tunnels[0].routes[0].hostname: \"a b.c\" is no host name"},
		{WEB "  - {hostname: a.b, service: nothing}",
		 "f:4:21: tunnels[0].routes[0].service: "},
		{WEB ROUTE "    path: (", "f:6:5: tunnels[0].routes[0].path: "},
		{WEB ROUTE "    hostnam: x", "routes[0].hostnam: unknown key \"hostnam\"; did you"},
		{WEB ROUTE "    dns: yes", "f:6:5: tunnels[0].routes[0].dns: is a string"},
		{WEB ROUTE "    origin: []", "f:6:5: tunnels[0].routes[0].origin: is an array"},
		{WEB ROUTE "    origin:\n      notlsverify: true",
		 "f:7:7: tunnels[0].routes[0].origin.notlsverify: is spelled noTLSVerify"},
		{WEB ROUTE "    origin:\n      noTLSVerify: 1",
		 "f:7:7: tunnels[0].routes[0].origin.noTLSVerify: is a number, accepted is true "
		 "or"},
		{WEB ROUTE "    origin: {connectTimeout: 500ms}",
		 "origin.connectTimeout: \"500ms\" is not accepted, accepted is a time in whole"},
		{WEB ROUTE "    origin: {connectTimeout: -1}",
		 "origin.connectTimeout: is out of range"},
		{WEB ROUTE "    origin: {connectTimeout: 1.5}", "origin.connectTimeout: is out of"},
		{WEB ROUTE "  - hostname: A.EXAMPLE.com\n    service: hello_world",
		 "f:6:5: tunnels[0].routes[1].hostname: a.example.com stands twice, first in "
		 "tunnels[0].routes[0]"},
		{WEB ROUTE "- name: b\n  routes:\n  - hostname: a.example.com\n    path: /x\n"
			   "    service: hello_world",
		 "f:8:5: tunnels[1].routes[0].hostname: a.example.com leads through tunnel web in "
		 "tunnels[0].routes[0]"},
		{WEB ROUTE "  - {hostname: a.example.com, path: /x, service: hello_world, dns: no}",
		 "dns: is a string"},
		{WEB ROUTE
		 "  - {hostname: a.example.com, path: /x, service: hello_world, dns: false}",
		 "tunnels[0].routes[1].dns: differs from tunnels[0].routes[0]"},
		{WEB ROUTE
		 "    comment: x\n"
		 "  - {hostname: a.example.com, path: /x, service: hello_world, comment: y}",
		 "tunnels[0].routes[1].comment: differs from"},
		{"records:\n- name: a.example.com\n  type: A",
		 "f:2:3: records[0].content: is missing"},
		{"records:\n- {name: a.example.com, type: SPF, content: x}",
		 "f:2:25: records[0].type: \"SPF\" is not accepted"},
		{"records:\n- {name: abc, type: A, content: x}",
		 "f:2:4: records[0].name: \"abc\" is no host name"},
		{"records:\n- &x {name: a.b, type: A, content: x}",
		 "f:2:3: anchors are not accepted"},
		{"records:\n- {name: a.b, type: A, content: x}\n- {name: A.b, type: A, content: y}",
		 "f:3:4: records[1].name: a record of a.b (A) stands twice, first in records[0]"},
		{"records:\n- {name: a.b, type: A, content: x}\n- {name: A.b, type: CNAME, "
		 "content: y}",
		 "f:3:4: records[1].name: a record of a.b (A) stands twice"},
		{WEB ROUTE "records:\n- {name: a.example.com, type: AAAA, content: '::1'}",
		 "f:7:4: records[0].name: a.example.com has the record of a route"},
		{"manifest: a\nmanifest: b", "f:2:1: the key \"manifest\" stands twice"},
		{"a:\n\t- b", "f:2:1: "},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(manifest_t) m = NULL;
		struct err e = {0};
		if (manifest_parse("f", rows[i].text, strlen(rows[i].text), &m, &e) == 0)
			fail_msg("accepted: %s", rows[i].text);
		assert_int_equal(e.kind, ERR_INVALID);
		if (!strstr(e.message, rows[i].sentence) || !str_starts(e.message, "f:"))
			fail_msg("%s\nsays \"%s\"\nnot  \"%s\"", rows[i].text, e.message,
				 rows[i].sentence);
	}
}

static void a_name_may_have_records_beside_a_route_without_dns(void **state)
{
	AUTO(manifest_t)
	m = parse(WEB ROUTE "    dns: false\n"
			    "records:\n"
			    "- {name: a.example.com, type: A, content: 192.0.2.1}\n"
			    "- {name: a.example.com, type: TXT, content: x}\n"
			    "- {name: a.example.com, type: AAAA, content: '::1'}\n");
	(void)state;
	assert_int_equal(m->n_records, 3);
}

/* One record, one comment, and the policies of all: whichever route says it. */
static void routes_of_a_name_add_up(void **state)
{
	AUTO(manifest_t)
	m = parse(WEB ROUTE "  - {hostname: a.example.com, path: /x, service: hello_world, "
			    "comment: words, drift: ignore}\n");
	const struct manifest_host *h = manifest_host(m, "a.example.com");
	(void)state;
	assert_string_equal(h->comment, "words");
	assert_int_equal(h->drifts, 1U << DRIFT_BY_SETTING | 1U << DRIFT_IGNORE);
}

/* "" is as good as absent. */
static void what_is_empty_is_not_there(void **state)
{
	AUTO(manifest_t)
	m = parse(WEB ROUTE "    path: ''\n    comment: ''\nrecords:\n- {name: b.example.com, "
			    "type: A, content: 192.0.2.1, comment: ''}\n");
	(void)state;
	assert_ptr_equal(manifest_route(m, "a.example.com", NULL), &m->routes[0]);
	assert_null(m->routes[0].path);
	assert_null(m->routes[0].comment);
	assert_null(manifest_host(m, "a.example.com")->comment);
	assert_null(m->records[0].comment);
}

static void names_of_manifests(void **state)
{
	static const struct {
		const char *name;
		bool good;
	} rows[] = {
		{"site", true},
		{"a", true},
		{"A.b-c_9", true},
		{"9", true},
		{"", false},
		{"a b", false},
		{"-a", false},
		{"a/b", false},
		{".a", false},
		{"\xc3\xbc", false},
		{"a\n", false},
		{"a23456789012345678901234567890123456789012345678901234567890123", true},
		{"a234567890123456789012345678901234567890123456789012345678901234x", false},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = {0};
		if ((manifest_name_check(rows[i].name, &e) == 0) != rows[i].good)
			fail_msg("%s: %s", rows[i].name, e.message);
	}
}

static void large(struct buf *out, int n)
{
	(void)buf_str(out, WEB);
	for (int i = 0; i < n; i++)
		(void)buf_printf(out, "  - {hostname: h%d.example.com, service: hello_world}\n", i);
}

static void many_routes_are_read_fast_and_too_many_are_refused(void **state)
{
	AUTO(buf_t) text = {0};
	AUTO(manifest_t) none = NULL;
	struct err e = {0};
	clock_t start = clock();
	(void)state;
	large(&text, MANIFEST_MOST - 1);
	AUTO(manifest_t) m = parse(buf_text(&text));
	assert_int_equal(m->n_routes, MANIFEST_MOST - 1);
	assert_true(clock() - start < 5 * CLOCKS_PER_SEC);
	(void)buf_str(&text, "  - {hostname: one.example.com, service: hello_world}\n");
	assert_int_equal(manifest_parse("f", buf_text(&text), text.len, &none, &e), -1);
	assert_non_null(strstr(e.message, "f:10003:5: tunnels[0].routes[9999]: is one too many"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_document_is_read),
		cmocka_unit_test(json_is_yaml),
		cmocka_unit_test(nothing_is_a_document),
		cmocka_unit_test(mistakes_have_a_place),
		cmocka_unit_test(a_name_may_have_records_beside_a_route_without_dns),
		cmocka_unit_test(routes_of_a_name_add_up),
		cmocka_unit_test(what_is_empty_is_not_there),
		cmocka_unit_test(names_of_manifests),
		cmocka_unit_test(many_routes_are_read_fast_and_too_many_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
