/* Which rule takes a request: the table follows what was measured of cloudflared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reconcile/match.h"

#define ALL        "{\"service\":\"http_status:404\"}"
#define RULE(host) "{\"hostname\":\"" host "\",\"service\":\"http://a:1\"},"
#define PATH(host, path)                                                                           \
	"{\"hostname\":\"" host "\",\"path\":\"" path "\",\"service\":\"http://a:1\"},"
#define DOC(...) "{\"ingress\":[" __VA_ARGS__ ALL "]}"

static const struct {
	const char *config, *url;
	size_t number;
	const char *verdicts; /* a letter each: Matches Later Host Case Path Unsure */
	bool uncertain;
} cases[] = {
	/* exact names, in order */
	{DOC(RULE("a.x.org") RULE("b.x.org")), "https://b.x.org/", 2, "HML", false},
	{DOC(RULE("a.x.org") RULE("a.x.org")), "https://a.x.org/", 1, "MLL", false},
	{DOC(RULE("a.x.org")), "https://a.x.org:8443/?q#f", 1, "ML", false},
	{DOC(RULE("a.x.org")), "a.x.org", 1, "ML", false},
	{DOC(RULE("a.x.org")), "wss://a.x.org", 1, "ML", false},
	{DOC(RULE("a.x.org")), "https://x.org/", 2, "HM", false},
	{DOC(RULE("a.x.org")), "https://b.a.x.org/", 2, "HM", false},
	/* the case of letters counts */
	{DOC(RULE("a.x.org")), "https://A.x.org/", 2, "CM", false},
	{DOC(RULE("A.x.org")), "https://a.x.org/", 2, "CM", false},
	{DOC(RULE("A.x.org")), "https://A.x.org/", 1, "ML", false},
	{DOC(RULE("*.X.org")), "https://a.x.org/", 2, "CM", false},
	/* one wildcard in front, at any depth, never the name itself */
	{DOC(RULE("*.x.org")), "https://a.x.org/", 1, "ML", false},
	{DOC(RULE("*.x.org")), "https://c.b.a.x.org/", 1, "ML", false},
	{DOC(RULE("*.x.org")), "https://x.org/", 2, "HM", false},
	{DOC(RULE("*.x.org")), "https://ax.org/", 2, "HM", false},
	{DOC(RULE("*.a.x.org") RULE("*.x.org")), "https://b.x.org/", 2, "HML", false},
	{DOC(RULE("*.x.org") RULE("a.x.org")), "https://a.x.org/", 1, "MLL", false},
	{DOC(PATH("*", "^/a")), "https://a.x.org/a", 1, "ML", false},
	{DOC(PATH("", "^/a")), "https://a.x.org/b", 2, "PM", false},
	{DOC(RULE("a.*")), "https://a.x.org/", 2, "HM", false},
	/* international names have an ASCII twin, which is what browsers send */
	{DOC(RULE("b\xc3\xbc.x.org")), "https://xn--b-eha.x.org/", 1, "ML", false},
	{DOC(RULE("b\xc3\xbc.x.org")), "https://b\xc3\xbc.x.org/", 1, "ML", false},
	{DOC(RULE("xn--b-eha.x.org")), "https://b\xc3\xbc.x.org/", 1, "ML", false},
	/* paths: unanchored, decoded, without the query */
	{DOC(PATH("a.x.org", "/api")), "https://a.x.org/v1/api/2", 1, "ML", false},
	{DOC(PATH("a.x.org", "^/api")), "https://a.x.org/v1/api", 2, "PM", false},
	{DOC(PATH("a.x.org", "^/api$")), "https://a.x.org/api?x=1", 1, "ML", false},
	{DOC(PATH("a.x.org", "^/api$")), "https://a.x.org/api/", 2, "PM", false},
	{DOC(PATH("a.x.org", "^/$")), "https://a.x.org", 1, "ML", false},
	{DOC(PATH("a.x.org", "^/a b$")), "https://a.x.org/a%20b", 1, "ML", false},
	{DOC(PATH("a.x.org", "^/a[+]b$")), "https://a.x.org/a+b", 1, "ML", false},
	{DOC(PATH("a.x.org", "(?i)^/API")), "https://a.x.org/api", 1, "ML", false},
	{DOC(PATH("a.x.org", "/API")), "https://a.x.org/api", 2, "PM", false},
	{DOC(PATH("a.x.org", "[.](jpg|png)$")), "https://a.x.org/i/b.png", 1, "ML", false},
	{DOC(PATH("b.x.org", "/a") PATH("a.x.org", "/a") RULE("a.x.org")), "https://a.x.org/b", 3,
	 "HPML", false},
	/* what cannot be judged is said */
	{DOC(PATH("a.x.org", "(?=a)")), "https://a.x.org/a", 2, "UM", true},
	{DOC(PATH("b.x.org", "(?=a)") RULE("a.x.org")), "https://a.x.org/a", 2, "HML", false},
	{DOC(RULE("a.x.org") PATH("a.x.org", "(?=a)")), "https://a.x.org/a", 1, "MUL", false},
	{DOC(PATH("a.x.org", "^(a|aa)+$") RULE("a.x.org")),
	 "https://a.x.org/"
	 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!",
	 2, "PML", false},
	/* nothing there */
	{NULL, "https://a.x.org/", 0, "", false},
	{"{}", "https://a.x.org/", 0, "", false},
	{"{\"ingress\":[]}", "https://a.x.org/", 0, "", false},
	{"{\"ingress\":[" ALL "]}", "https://a.x.org/", 1, "M", false},
};

static void test_cases(void **state)
{
	static const char letters[] = "MLHCPU";
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct rules r = {0};
		AUTO(request_t) q = {0};
		AUTO(match_t) m = {0};
		AUTO(buf_t) got = {0};
		struct err e = {0};
		if (rules_read_config(cases[i].config, &r, &e) < 0 ||
		    request_parse(cases[i].url, &q, &e) < 0)
			fail_msg("case %zu: %s", i, e.message);
		match_rules(&r, &q, &m);
		for (size_t k = 0; k < m.n; k++)
			(void)buf_char(&got, letters[m.verdicts[k]]);
		if (m.number != cases[i].number || m.certain == cases[i].uncertain ||
		    strcmp(buf_text(&got), cases[i].verdicts) != 0)
			fail_msg("case %zu (%s): rule %zu %s certain %d", i, cases[i].url, m.number,
				 buf_text(&got), m.certain);
		rules_free(&r);
	}
}

/* A pattern that would take for ever ends, and is told. */
static void test_limits(void **state)
{
	AUTO(buf_t) url = {0};
	AUTO(request_t) q = {0};
	struct err e;
	(void)state;
	(void)buf_str(&url, "https://a.x.org/");
	for (int i = 0; i < 2000; i++)
		(void)buf_char(&url, 'a');
	assert_int_equal(request_parse(buf_text(&url), &q, &e), 0);
	assert_int_equal(match_one("a.x.org", NULL, "(a+)+[bc]$", &q), VERDICT_UNSURE);
}

static const struct {
	const char *url, *why;
} bad[] = {
	{"", "no host"},
	{"https://", "no host"},
	{"https:///a", "no host"},
	{"ftp://a.x.org/", "https://"},
	{"tcp://a.x.org", "https://"},
	{"https://user:pw@a.x.org/", "password"},
	{"https://a.x.org:http/", "port"},
	{"https://a.x.org:/", "port"},
	{"https://*.x.org/", "wildcard"},
	{"https://10.0.0.1/", "address"},
	{"https://[::1]/", "port"},
	{"https://localhost/", "one label"},
	{"https://a.x.org/ b", "space"},
	{"https://a.x.org\\b", "backslash"},
	{"https://a.x.org/%", "hexadecimal"},
	{"https://a.x.org/%4", "hexadecimal"},
	{"https://a.x.org/%zz", "hexadecimal"},
	{"https://a.x.org/%00", "NUL"},
	{"https://-a.x.org/", "hyphen"},
};

static void test_bad_urls(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct request q = {0};
		struct err e = {0};
		assert_int_equal(request_parse(bad[i].url, &q, &e), -1);
		assert_int_equal(e.kind, ERR_INVALID);
		if (!strstr(e.message, bad[i].why))
			fail_msg("%s: %s", bad[i].url, e.message);
		assert_null(q.host);
		assert_null(q.path);
	}
}

static void test_words(void **state)
{
	(void)state;
	for (int v = VERDICT_MATCHES; v <= VERDICT_UNSURE; v++) {
		assert_non_null(verdict_name((enum verdict)v));
		assert_true(strlen(verdict_doc((enum verdict)v)) > 10);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_bad_urls),
		cmocka_unit_test(test_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
