/* Host names, services, addresses, URLs: tables of what is accepted, and of what is smuggled. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

#define L63 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk"

static const char *const hostname_cases[][2] = {
	{"app.example.com", "app.example.com"},
	{"APP.Example.COM", "app.example.com"},
	{"app.example.com.", "app.example.com"},
	{"*.example.com", "*.example.com"},
	{"_acme-challenge.example.com", "_acme-challenge.example.com"},
	{"r3---x.example.com", "r3---x.example.com"},
	{"b\xc3\xbc"
	 "cher.example",
	 "xn--bcher-kva.example"},
	{"B\xc3\x9c"
	 "CHER.example",
	 "xn--bcher-kva.example"},
	{"*.b\xc3\xbc"
	 "cher.example",
	 "*.xn--bcher-kva.example"},
	{"xn--bcher-kva.example", "xn--bcher-kva.example"},
	{"XN--BCHER-KVA.example", "xn--bcher-kva.example"},
	{"stra\xc3\x9f"
	 "e.example",
	 "xn--strae-oqa.example"}, /* non-transitional */
	{"b\xc3\xbc"
	 "cher\xe3\x80\x82"
	 "example",
	 "xn--bcher-kva.example"},
	{L63 ".example.com", L63 ".example.com"},
	{"1.2.3.4a", "1.2.3.4a"},
	{"", NULL},
	{".", NULL},
	{"localhost", NULL},
	{"com.", NULL},
	{"*.com", NULL},
	{"*", NULL},
	{"*.", NULL},
	{"*.*.example.com", NULL},
	{"a.*.example.com", NULL},
	{"a*.example.com", NULL},
	{"*example.com", NULL},
	{"a..example.com", NULL},
	{".example.com", NULL},
	{"a.example.com..", NULL},
	{"-a.example.com", NULL},
	{"a-.example.com", NULL},
	{"a b.example.com", NULL},
	{" a.example.com", NULL},
	{"a.example.com\n", NULL},
	{"a.example.com:80", NULL},
	{"http://a.example.com", NULL},
	{"a.example.com/x", NULL},
	{"user@example.com", NULL},
	{"192.0.2.1", NULL},
	{"1.2", NULL},
	{"0x7f.0x1", NULL},
	{"*.1.2", NULL},
	{"[::1]", NULL},
	{"::1", NULL},
	{"a" L63 ".example.com", NULL},
	{"xn--a.example", NULL},
	{"xn--\xff.example", NULL},
	{"\xff\xfe.example", NULL},
	{"\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.1", NULL}, /* full-width digits */
	{L63 "." L63 "." L63 "." L63, NULL},
};

static void hostnames(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(hostname_cases); i++) {
		AUTO(str_t) out = NULL;
		struct err e = {0};
		int rc = hostname_normalise(hostname_cases[i][0], &out, &e);

		if (rc != (hostname_cases[i][1] ? 0 : -1))
			fail_msg("%s: %d %s", hostname_cases[i][0], rc, e.message);
		if (hostname_cases[i][1])
			assert_string_equal(out, hostname_cases[i][1]);
		else
			assert_null(out);
	}
}

static void longest_hostname(void **state)
{
	char name[300] = L63 "." L63 "." L63 "." L63;
	AUTO(str_t) out = NULL;
	struct err e;

	(void)state;
	name[HOSTNAME_MAX] = '\0';
	assert_int_equal(hostname_normalise(name, &out, &e), 0);
	name[HOSTNAME_MAX] = 'x';
	name[HOSTNAME_MAX + 1] = '\0';
	free(steal(&out));
	assert_int_equal(hostname_normalise(name, &out, &e), -1);
}

static void hostname_relations(void **state)
{
	(void)state;
	assert_true(hostname_matches("a.x.com", "a.x.com"));
	assert_true(hostname_matches("*.x.com", "a.x.com"));
	assert_true(hostname_matches("*.x.com", "b.a.x.com"));
	assert_true(hostname_matches("*.x.com", "*.x.com"));
	assert_false(hostname_matches("*.x.com", "x.com"));
	assert_false(hostname_matches("*.x.com", ".x.com"));
	assert_false(hostname_matches("*.x.com", "ax.com"));
	assert_false(hostname_matches("x.com", "a.x.com"));
	assert_true(hostname_within("x.com", "x.com"));
	assert_true(hostname_within("a.b.x.com", "x.com"));
	assert_false(hostname_within("ax.com", "x.com"));
	assert_false(hostname_within("x.com", "a.x.com"));
	assert_false(hostname_within("x.com", ""));
}

static void tunnel_names(void **state)
{
	static const char *const good[] = {"web", "a", "Web 2.0_x-y", L63 "x"};
	static const char *const bad[] = {"",
					  " web",
					  "-web",
					  ".web",
					  "_web",
					  "w/b",
					  "w\nb",
					  "\xc3\xa9",
					  L63 "xy",
					  "w\"b",
					  "c1744f8b-faa1-48a4-9e5c-02ac921467fa"};
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_int_equal(tunnel_name_check(good[i], &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(tunnel_name_check(bad[i], &e), -1);
}

static void services(void **state)
{
	static const struct {
		const char *text;
		struct service s;
	} cases[] = {
		{"http://127.0.0.1:8080", {SERVICE_URL, "http", "127.0.0.1", 8080, 0, ""}},
		{"https://Origin.Example", {SERVICE_URL, "https", "origin.example", 0, 0, ""}},
		{"http://localhost.:80", {SERVICE_URL, "http", "localhost", 80, 0, ""}},
		{"ws://a_b:1", {SERVICE_URL, "ws", "a_b", 1, 0, ""}},
		{"wss://a:65535", {SERVICE_URL, "wss", "a", 65535, 0, ""}},
		{"tcp://10.0.0.5:22", {SERVICE_URL, "tcp", "10.0.0.5", 22, 0, ""}},
		{"ssh://h", {SERVICE_URL, "ssh", "h", 0, 0, ""}},
		{"rdp://h:3389", {SERVICE_URL, "rdp", "h", 3389, 0, ""}},
		{"smb://h:445", {SERVICE_URL, "smb", "h", 445, 0, ""}},
		{"http://[2001:DB8:0::1]:80", {SERVICE_URL, "http", "2001:db8::1", 80, 0, ""}},
		{"http://[::1]", {SERVICE_URL, "http", "::1", 0, 0, ""}},
		{"unix:/run/app.sock", {SERVICE_UNIX, "unix", "", 0, 0, "/run/app.sock"}},
		{"unix+tls:/run/a", {SERVICE_UNIX, "unix+tls", "", 0, 0, "/run/a"}},
		{"http_status:404", {SERVICE_STATUS, "http_status", "", 0, 404, ""}},
		{"http_status:100", {SERVICE_STATUS, "http_status", "", 0, 100, ""}},
		{"http_status:999", {SERVICE_STATUS, "http_status", "", 0, 999, ""}},
		{"hello_world", {SERVICE_BUILTIN, "hello_world", "", 0, 0, ""}},
		{"hello-world", {SERVICE_BUILTIN, "hello_world", "", 0, 0, ""}},
		{"bastion", {SERVICE_BUILTIN, "bastion", "", 0, 0, ""}},
		{"socks-proxy", {SERVICE_BUILTIN, "socks-proxy", "", 0, 0, ""}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct service *want = &cases[i].s;
		struct service s;
		struct err e = {0};

		if (service_parse(cases[i].text, &s, &e))
			fail_msg("%s: %s", cases[i].text, e.message);
		assert_int_equal(s.kind, want->kind);
		assert_string_equal(s.scheme, want->scheme);
		assert_string_equal(s.host, want->host);
		assert_int_equal(s.port, want->port);
		assert_int_equal(s.status, want->status);
		assert_string_equal(s.path, want->path);
	}
}

static const char *const service_refusals[][2] = {
	{"", "empty"},
	{"localhost:8080", "no scheme"},
	{"http:/h", "no scheme"},
	{"://h", "unknown scheme"},
	{"ftp://h:21", "unknown scheme"},
	{"htp://h:21", "accepted are http"},
	{"file:///etc/passwd", "unknown scheme"},
	{"http://h/path", "behind host and port"},
	{"http://h/", "behind host and port"},
	{"http://h?q", "behind host and port"},
	{"http://h#f", "behind host and port"},
	{"http://", "needs a host"},
	{"http://:80", "needs a host"},
	{"http://h..x", "needs a host"},
	{"http://h\\x", "needs a host"},
	{"http://h%00", "needs a host"},
	{"http://h:", "bad port"},
	{"http://h:0", "bad port"},
	{"http://h:65536", "bad port"},
	{"http://h:80x", "bad port"},
	{"http://h:+80", "bad port"},
	{"http://h:4294967376", "bad port"},
	{"http://::1", "brackets"},
	{"http://[::1", "IPv6"},
	{"http://[::1]80", "bad port"},
	{"http://[fe80::1%eth0]:80", "IPv6"},
	{"http://[]", "IPv6"},
	{"http://[127.0.0.1]", "IPv6"},
	{"http://user:hunter2@h", "password"},
	{"http://h x", "space"},
	{" http://h", "space"},
	{"http://h\n", "space"},
	{"tcp://h", "needs a port"},
	{"unix:", "absolute"},
	{"unix:/", "absolute"},
	{"unix:run/x", "absolute"},
	{"unix:/run/../x", "absolute"},
	{"unix:/run/./x", "absolute"},
	{"unix:/run/..", "absolute"},
	{"unix://run/x", "absolute"},
	{"unix:/run/x/", "absolute"},
	{"http_status:99", "100 to 999"},
	{"http_status:099", "100 to 999"},
	{"http_status:1000", "100 to 999"},
	{"http_status:abc", "100 to 999"},
	{"http_status:", "100 to 999"},
	{"bastion:22", "no scheme"},
	{"HELLO_WORLD", "no scheme"},
};

static void services_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(service_refusals); i++) {
		struct service s = {.port = -3};
		struct err e = {0};

		if (!service_parse(service_refusals[i][0], &s, &e) ||
		    !strstr(e.message, service_refusals[i][1]))
			fail_msg("%s: \"%s\"", service_refusals[i][0], e.message);
		assert_null(strstr(e.message, "hunter2"));
		assert_int_equal(e.kind, ERR_INVALID);
		assert_int_equal(s.port, -3);
	}
}

static void socket_path_length(void **state)
{
	char text[200] = "unix:/";
	struct service s;
	struct err e;

	(void)state;
	memset(text + 6, 'a', 106);
	assert_int_equal(service_parse(text, &s, &e), 0);
	assert_int_equal(strlen(s.path), 107);
	text[6 + 106] = 'a';
	assert_int_equal(service_parse(text, &s, &e), -1);
}

enum { LOOP = 1, LINK = 2, ANY = 4 };
static const struct {
	const char *host;
	int is;
} address_cases[] = {
	{"127.0.0.1", LOOP},
	{"127.255.0.9", LOOP},
	{"127.1", LOOP},
	{"0x7f000001", LOOP},
	{"2130706433", LOOP},
	{"0177.0.0.1", LOOP},
	{"::1", LOOP},
	{"[::1]", LOOP},
	{"0:0:0:0:0:0:0:1", LOOP},
	{"::ffff:127.0.0.1", LOOP},
	{"::ffff:7f00:1", LOOP},
	{"localhost", LOOP},
	{"LOCALHOST.", LOOP},
	{"0.0.0.0", ANY},
	{"0", ANY},
	{"::", ANY},
	{"::ffff:0.0.0.0", ANY},
	{"169.254.169.254", LINK},
	{"169.254.0.1", LINK},
	{"169.254.169.254.", LINK},
	{"169.254.43518", LINK},
	{"169.16689662", LINK},
	{"2852039166", LINK},
	{"0xa9fea9fe", LINK},
	{"0XA9FEA9FE", LINK},
	{"0xa9.0xfe.0xa9.0xfe", LINK},
	{"0251.0376.0251.0376", LINK},
	{"::ffff:169.254.169.254", LINK},
	{"::ffff:a9fe:a9fe", LINK},
	{"[::ffff:a9fe:a9fe]", LINK},
	{"::a9fe:a9fe", LINK},
	{"64:ff9b::a9fe:a9fe", LINK},
	{"2002:a9fe:a9fe::", LINK},
	{"fe80::1", LINK},
	{"FEBF::1", LINK},
	{"fe80::1%eth0", LINK},
	{"fd00:ec2::254", LINK},
	{"fd00:0ec2:0:0:0:0:0:0254", LINK},
	{"fd20:ce::254", LINK},
	{"100.100.100.200", LINK},
	{"168.63.129.16", LINK},
	{"metadata.google.internal", LINK},
	{"Metadata.Google.Internal.", LINK},
	{"metadata.goog", LINK},
	{"10.0.0.1", 0},
	{"169.253.0.1", 0},
	{"170.254.1.1", 0},
	{"128.0.0.1", 0},
	{"100.100.100.201", 0},
	{"fec0::1", 0},
	{"fd00:ec2::255", 0},
	{"2001:db8::1", 0},
	{"64:ff9b::a00:1", 0},
	{"example.com", 0},
	{"localhost.example.com", 0},
	{"127.0.0.1.example.com", 0},
	{"notmetadata.google.internal", 0},
	{"", 0},
	{".", 0},
	{"[", 0},
};

static void addresses(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(address_cases); i++) {
		int is = (address_is_loopback(address_cases[i].host) ? LOOP : 0) |
			 (address_is_link_local(address_cases[i].host) ? LINK : 0) |
			 (address_is_unspecified(address_cases[i].host) ? ANY : 0);

		if (is != address_cases[i].is)
			fail_msg("%s: %d", address_cases[i].host, is);
	}
	assert_false(address_is_loopback(NULL));
	assert_false(address_is_link_local(NULL));
}

static void service_ports(void **state)
{
	static const struct {
		const char *service;
		int port;
	} rows[] = {{"http://h", 80},  {"https://h", 443}, {"ws://h", 80},         {"wss://h", 443},
		    {"ssh://h", 22},   {"rdp://h", 3389},  {"smb://h", 445},       {"tcp://h:7", 7},
		    {"http://h:8", 8}, {"unix:/s", 0},     {"http_status:404", 0}, {"bastion", 0}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct service s;
		struct err e;

		assert_int_equal(service_parse(rows[i].service, &s, &e), 0);
		assert_int_equal(service_port(&s), rows[i].port);
	}
}

static void urls(void **state)
{
	static const char *const bad[] = {
		"",           "example.com",    "ftp://h",      "http://",
		"http:///x",  "http://u:p@h",   "http://u@h",   "http://h:0",
		"http://h:",  "http://h:99999", "http://h?q",   "http://h/#f",
		"http://h /", "http://h/a b",   "http://h\\@x", "httpx://h",
		"http://[::1"};
	struct url u;
	struct err e;

	(void)state;
	assert_int_equal(url_parse("https://API.cloudflare.com/client/v4", &u, &e), 0);
	assert_string_equal(u.scheme, "https");
	assert_string_equal(u.host, "api.cloudflare.com");
	assert_int_equal(u.port, 443);
	assert_string_equal(u.path, "/client/v4");
	assert_int_equal(url_parse("HTTP://[::1]:81", &u, &e), 0);
	assert_string_equal(u.scheme, "http");
	assert_string_equal(u.host, "::1");
	assert_int_equal(u.port, 81);
	assert_string_equal(u.path, "");
	assert_int_equal(url_parse("http://h/@a:b", &u, &e), 0);
	assert_int_equal(u.port, 80);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (url_parse(bad[i], &u, &e) != -1)
			fail_msg("%s", bad[i]);
	assert_string_equal(u.host, "h");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hostnames),          cmocka_unit_test(longest_hostname),
		cmocka_unit_test(hostname_relations), cmocka_unit_test(tunnel_names),
		cmocka_unit_test(services),           cmocka_unit_test(services_refused),
		cmocka_unit_test(socket_path_length), cmocka_unit_test(addresses),
		cmocka_unit_test(service_ports),      cmocka_unit_test(urls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
