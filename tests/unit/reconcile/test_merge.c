/* Our routes among foreign rules, case by case: what is put, and what stops the merge. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reconcile/merge.h"

struct given {
	const char *hostname, *path, *service, *origin;
};

struct merge_case {
	const char *name, *remote, *base;
	struct given routes[4];
	enum merge_outcome outcome;
	const char *document; /* CHANGED: all of it */
	const char *rules;    /* NULL = not looked at */
	int which;            /* CONFLICT: the route */
	const char *sentence; /* CONFLICT: what the sentence holds */
	bool repair;
	const char *sent;
};

#define ALL          "{\"service\":\"http_status:404\"}"
#define DOC(...)     "{\"ingress\":[" __VA_ARGS__ "]}"
#define R(host, svc) "{\"hostname\":\"" host "\",\"service\":\"" svc "\"}"
#define P(host, path, svc)                                                                         \
	"{\"hostname\":\"" host "\",\"path\":\"" path "\",\"service\":\"" svc "\"}"
#define O(host, svc, origin)                                                                       \
	"{\"hostname\":\"" host "\",\"service\":\"" svc "\",\"originRequest\":" origin "}"
#define A_EX  R("a.ex.org", "http://h:1")
#define FOR_X R("x.fo.org", "http://f:1")
#define FOR_Y R("y.fo.org", "http://f:2")
#define ROUTE_A                                                                                    \
	{                                                                                          \
		"a.ex.org", NULL, "http://h:1", NULL                                               \
	}

#define A_OTHER R("a.ex.org", "http://h:2")

static const struct merge_case cases[] = {
	/* a PUT without an answer: what it carried may stand there or not */
	{"sent and unpublished since: it goes",
	 DOC(FOR_X "," A_EX "," ALL),
	 "[]",
	 {{0}},
	 MERGE_CHANGED,
	 DOC(FOR_X "," ALL),
	 .sent = "[" A_EX "]",
	 .rules = "[]"},
	{"sent, and never landed", DOC(ALL), "[]", {{0}}, MERGE_SAME, .sent = "[" A_EX "]"},
	{"sent with another service: rewritten",
	 DOC(A_OTHER "," ALL),
	 NULL,
	 {ROUTE_A},
	 MERGE_CHANGED,
	 DOC(A_EX "," ALL),
	 .sent = "[" A_OTHER "]"},
	{"what was sent was undone here: no edit of somebody else",
	 DOC(A_OTHER "," ALL),
	 "[" A_EX "]",
	 {ROUTE_A},
	 MERGE_CHANGED,
	 DOC(A_EX "," ALL),
	 .sent = "[" A_OTHER "]"},
	{"unpublished by what was sent, then published again",
	 DOC(ALL),
	 "[" A_EX "]",
	 {ROUTE_A},
	 MERGE_CHANGED,
	 DOC(A_EX "," ALL),
	 .sent = "[]"},
	{"of the key that was sent, but not what was sent: foreign",
	 DOC(A_OTHER "," ALL),
	 "[]",
	 {{0}},
	 MERGE_SAME,
	 .sent = "[" A_EX "]",
	 .rules = "[]"},
	/* nothing to do */
	{"nothing at all", NULL, NULL, {{0}}, MERGE_SAME, .rules = "[]"},
	{"null document", "null", "[]", {{0}}, MERGE_SAME, .rules = "[]"},
	{"foreign only", DOC(FOR_X "," ALL), "[]", {{0}}, MERGE_SAME, .rules = "[]"},
	{"empty ingress, no routes", "{\"ingress\":[]}", "[]", {{0}}, MERGE_SAME, .rules = "[]"},
	{"no ingress, no routes", "{\"warp-routing\":{}}", "[]", {{0}}, MERGE_SAME, .rules = "[]"},
	{"as wanted",
	 DOC(A_EX "," ALL),
	 "[" A_EX "]",
	 {ROUTE_A},
	 MERGE_SAME,
	 .rules = "[" A_EX "]"},
	{"a lost answer: exactly ours, not in base",
	 DOC(FOR_X "," A_EX "," ALL),
	 "[]",
	 {ROUTE_A},
	 MERGE_SAME,
	 .rules = "[" A_EX "]"},
	{"empty originRequest is none",
	 DOC(O("a.ex.org", "http://h:1", "{}") "," ALL),
	 "[" A_EX "]",
	 {ROUTE_A},
	 MERGE_SAME,
	 .rules = "[" A_EX "]"},
	{"null originRequest is none",
	 DOC(O("a.ex.org", "http://h:1", "null") "," ALL),
	 "[" A_EX "]",
	 {ROUTE_A},
	 MERGE_SAME},
	{"an empty path is none",
	 DOC(P("a.ex.org", "", "http://h:1") "," ALL),
	 "[" A_EX "]",
	 {ROUTE_A},
	 MERGE_SAME},
	{"case of host names",
	 DOC(R("A.Ex.ORG", "http://h:1") "," ALL),
	 "[" A_EX "]",
	 {ROUTE_A},
	 MERGE_SAME},
	{"numbers spelled otherwise",
	 DOC(O("a.ex.org", "http://h:1", "{\"connectTimeout\":1e1,\"x\":1.50}") "," ALL),
	 "[]",
	 {{"a.ex.org", NULL, "http://h:1", "{\"x\":1.5, \"connectTimeout\":10}"}},
	 MERGE_SAME},
	{"escapes spelled otherwise",
	 DOC(R("\\u0061.ex.org", "http:\\/\\/h:1") "," ALL),
	 "[" A_EX "]",
	 {ROUTE_A},
	 MERGE_SAME},
	{"null members of originRequest",
	 DOC(O("a.ex.org", "http://h:1", "{\"noTLSVerify\":true,\"caPool\":null}") "," ALL),
	 "[]",
	 {{"a.ex.org", NULL, "http://h:1", "{\"noTLSVerify\":true}"}},
	 MERGE_SAME},
	{"unknown members in ours",
	 DOC("{\"hostname\":\"a.ex.org\",\"id\":9007199254740993,\"service\":\"http://h:1\"}," ALL),
	 "[" A_EX "]",
	 {ROUTE_A},
	 MERGE_SAME},
	{"adopted rules stay where they are",
	 DOC(R("b.ex.org", "http://h:2") "," FOR_X "," A_EX "," ALL),
	 "[]",
	 {ROUTE_A, {"b.ex.org", NULL, "http://h:2", NULL}},
	 MERGE_SAME},
	{"a foreign wildcard behind ours",
	 DOC(A_EX "," R("*.ex.org", "http://f:1") "," ALL),
	 "[" A_EX "]",
	 {ROUTE_A},
	 MERGE_SAME},
	{"a foreign rule behind our wildcard",
	 DOC(R("*.ex.org", "http://h:1") "," R("q.ex.org", "http://f:1") "," ALL),
	 "[" R("*.ex.org", "http://h:1") "]",
	 {{"*.ex.org", NULL, "http://h:1", NULL}},
	 MERGE_SAME},
	{"a removal whose answer was lost",
	 DOC(FOR_X "," ALL),
	 "[" A_EX "]",
	 {{0}},
	 MERGE_SAME,
	 .rules = "[]"},

	/* the first rule */
	{"never configured", NULL, "[]", {ROUTE_A}, MERGE_CHANGED, DOC(A_EX "," ALL), "[" A_EX "]"},
	{"an empty object",
	 "{ }",
	 "[]",
	 {ROUTE_A},
	 MERGE_CHANGED,
	 "{\"ingress\":[" A_EX "," ALL "] }"},
	{"no ingress",
	 "{ \"warp-routing\" : {\"enabled\":true} }",
	 "[]",
	 {ROUTE_A},
	 MERGE_CHANGED,
	 "{\"ingress\":[" A_EX "," ALL "], \"warp-routing\" : {\"enabled\":true} }"},
	{"ingress is null",
	 "{\"a\":1,\"ingress\":null ,\"b\":2}",
	 "[]",
	 {ROUTE_A},
	 MERGE_CHANGED,
	 "{\"a\":1,\"ingress\":[" A_EX "," ALL "] ,\"b\":2}"},
	{"ingress is empty",
	 "{\"ingress\":[ ]}",
	 "[]",
	 {ROUTE_A},
	 MERGE_CHANGED,
	 DOC(A_EX "," ALL)},
	{"a foreign catch-all stays",
	 DOC("{\"service\": \"http://f:9\", \"x\":1e3}"),
	 "[]",
	 {ROUTE_A},
	 MERGE_CHANGED,
	 DOC(A_EX ",{\"service\": \"http://f:9\", \"x\":1e3}")},
	{"a catch-all written with a star",
	 DOC(R("*", "http://f:9")),
	 "[]",
	 {ROUTE_A},
	 MERGE_CHANGED,
	 DOC(A_EX "," R("*", "http://f:9"))},
	{"path and options",
	 NULL,
	 NULL,
	 {{"a.ex.org", "^/api", "http://h:1", " {\"connectTimeout\": 5} "}},
	 MERGE_CHANGED,
	 DOC("{\"hostname\":\"a.ex.org\",\"path\":\"^/api\",\"service\":\"http://h:1\","
	     "\"originRequest\":{\"connectTimeout\": 5}}," ALL)},

	/* order */
	{"behind the foreign ones",
	 DOC(FOR_X "," FOR_Y "," ALL),
	 "[]",
	 {ROUTE_A},
	 MERGE_CHANGED,
	 DOC(FOR_X "," FOR_Y "," A_EX "," ALL)},
	{"total order among ours",
	 NULL,
	 NULL,
	 {{"*.ex.org", NULL, "http://h:3", NULL},
	  {"a.ex.org", "^/api", "http://h:2", NULL},
	  ROUTE_A},
	 MERGE_CHANGED,
	 DOC(P("a.ex.org", "^/api", "http://h:2") "," A_EX "," R("*.ex.org", "http://h:3") "," ALL),
	 "[" P("a.ex.org", "^/api", "http://h:2") "," A_EX "," R("*.ex.org", "http://h:3") "]"},
	{"before our wildcard, which stands before foreign ones",
	 DOC(R("*.ex.org", "http://h:3") "," FOR_X "," ALL),
	 "[" R("*.ex.org", "http://h:3") "]",
	 {{"*.ex.org", NULL, "http://h:3", NULL}, ROUTE_A},
	 MERGE_CHANGED,
	 DOC(A_EX "," R("*.ex.org", "http://h:3") "," FOR_X "," ALL)},
	{"our wildcard behind a foreign exact name",
	 DOC(R("q.ex.org", "http://f:1") "," FOR_X "," ALL),
	 "[]",
	 {{"*.ex.org", NULL, "http://h:1", NULL}},
	 MERGE_CHANGED,
	 DOC(R("q.ex.org", "http://f:1") "," FOR_X "," R("*.ex.org", "http://h:1") "," ALL)},
	{"our name behind a foreign path of it",
	 DOC(P("a.ex.org", "^/old", "http://f:1") "," ALL),
	 "[]",
	 {ROUTE_A},
	 MERGE_CHANGED,
	 DOC(P("a.ex.org", "^/old", "http://f:1") "," A_EX "," ALL)},
	{"paths that cannot meet",
	 DOC(P("a.ex.org", "^/old/", "http://f:1") "," ALL),
	 "[]",
	 {{"a.ex.org", "^/new/deep/", "http://h:1", NULL}},
	 MERGE_CHANGED,
	 DOC(P("a.ex.org", "^/old/", "http://f:1") "," P("a.ex.org", "^/new/deep/",
							 "http://h:1") "," ALL)},
	{"a fixed path that the other does not fit",
	 DOC(P("a.ex.org", "^/o$", "http://f:1") "," ALL),
	 "[]",
	 {{"a.ex.org", "^/[a-m].*", "http://h:1", NULL}},
	 MERGE_CHANGED,
	 DOC(P("a.ex.org", "^/o$", "http://f:1") "," P("a.ex.org", "^/[a-m].*",
						       "http://h:1") "," ALL)},
	{"a wildcard elsewhere",
	 DOC(R("*.other.org", "http://f:1") "," ALL),
	 "[]",
	 {ROUTE_A},
	 MERGE_CHANGED,
	 DOC(R("*.other.org", "http://f:1") "," A_EX "," ALL)},
	{"the parent of a wildcard is not below it",
	 DOC(R("*.a.ex.org", "http://f:1") "," ALL),
	 "[]",
	 {ROUTE_A},
	 MERGE_CHANGED,
	 DOC(R("*.a.ex.org", "http://f:1") "," A_EX "," ALL)},
	{"ours in the wrong order are put right",
	 DOC(R("*.ex.org", "http://h:3") "," FOR_X "," A_EX "," ALL),
	 "[" R("*.ex.org", "http://h:3") "," A_EX "]",
	 {ROUTE_A, {"*.ex.org", NULL, "http://h:3", NULL}},
	 MERGE_CHANGED,
	 DOC(A_EX "," R("*.ex.org", "http://h:3") "," FOR_X "," ALL)},

	/* change and removal */
	{"a new service",
	 "{\"v\":1.50, \"ingress\": [ " FOR_X " , " A_EX " , " ALL " ] , \"z\":[1]}",
	 "[" A_EX "]",
	 {{"a.ex.org", NULL, "http://h:7", NULL}},
	 MERGE_CHANGED,
	 "{\"v\":1.50, \"ingress\": [" FOR_X "," R("a.ex.org", "http://h:7") "," ALL
									     "] , \"z\":[1]}",
	 "[" R("a.ex.org", "http://h:7") "]"},
	{"unknown members of our rule stay",
	 DOC("{ \"\\u0069d\" : 9007199254740993, \"service\":\"http://h:1\", "
	     "\"hostname\":\"a.ex.org\", "
	     "\"n\":{\"e\":[1.50,null]}}," ALL),
	 "[" A_EX "]",
	 {{"a.ex.org", NULL, "http://h:7", "{\"http2Origin\":true}"}},
	 MERGE_CHANGED,
	 DOC("{\"\\u0069d\" : "
	     "9007199254740993,\"service\":\"http://h:7\",\"hostname\":\"a.ex.org\","
	     "\"n\":{\"e\":[1.50,null]},\"originRequest\":{\"http2Origin\":true}}," ALL)},
	{"options go",
	 DOC(O("a.ex.org", "http://h:1", "{\"noTLSVerify\":true}") "," ALL),
	 "[" O("a.ex.org", "http://h:1", "{\"noTLSVerify\":true}") "]",
	 {ROUTE_A},
	 MERGE_CHANGED,
	 DOC(A_EX "," ALL)},
	{"options change in their place",
	 DOC("{\"originRequest\":{\"a\":1},\"hostname\":\"a.ex.org\",\"service\":\"http://"
	     "h:1\"}," ALL),
	 "[" O("a.ex.org", "http://h:1", "{\"a\":1}") "]",
	 {{"a.ex.org", NULL, "http://h:1", "{\"a\":2}"}},
	 MERGE_CHANGED,
	 DOC("{\"originRequest\":{\"a\":2},\"hostname\":\"a.ex.org\",\"service\":\"http://"
	     "h:1\"}," ALL)},
	{"a big number is not its neighbour",
	 DOC(O("a.ex.org", "http://h:1", "{\"n\":9007199254740992}") "," ALL),
	 "[" O("a.ex.org", "http://h:1", "{\"n\":9007199254740992}") "]",
	 {{"a.ex.org", NULL, "http://h:1", "{\"n\":9007199254740993}"}},
	 MERGE_CHANGED,
	 DOC(O("a.ex.org", "http://h:1", "{\"n\":9007199254740993}") "," ALL)},
	{"removed",
	 DOC(FOR_X "," A_EX "," FOR_Y "," ALL),
	 "[" A_EX "]",
	 {{0}},
	 MERGE_CHANGED,
	 DOC(FOR_X "," FOR_Y "," ALL),
	 "[]"},
	{"removed, though somebody edited it",
	 DOC(R("a.ex.org", "http://z:1") "," ALL),
	 "[" A_EX "]",
	 {{0}},
	 MERGE_CHANGED,
	 DOC(ALL),
	 "[]"},
	{"of two with one key the one we put goes",
	 DOC(R("a.ex.org", "http://z:1") "," A_EX "," ALL),
	 "[" A_EX "]",
	 {{0}},
	 MERGE_CHANGED,
	 DOC(R("a.ex.org", "http://z:1") "," ALL)},
	{"the key changes",
	 DOC(A_EX "," ALL),
	 "[" A_EX "]",
	 {{"a.ex.org", "^/x", "http://h:1", NULL}},
	 MERGE_CHANGED,
	 DOC(P("a.ex.org", "^/x", "http://h:1") "," ALL)},
	{"what is wanted here anew wins over an edit there",
	 DOC(R("a.ex.org", "http://z:1") "," ALL),
	 "[" A_EX "]",
	 {{"a.ex.org", NULL, "http://h:2", NULL}},
	 MERGE_CHANGED,
	 DOC(R("a.ex.org", "http://h:2") "," ALL)},
	{"removed there, changed here",
	 DOC(ALL),
	 "[" A_EX "]",
	 {{"a.ex.org", NULL, "http://h:2", NULL}},
	 MERGE_CHANGED,
	 DOC(R("a.ex.org", "http://h:2") "," ALL)},
	{"repair puts an edit back",
	 DOC(R("a.ex.org", "http://z:1") "," ALL),
	 "[" A_EX "]",
	 {ROUTE_A},
	 MERGE_CHANGED,
	 DOC(A_EX "," ALL),
	 .repair = true},
	{"repair puts a removed rule back",
	 DOC(ALL),
	 "[" A_EX "]",
	 {ROUTE_A},
	 MERGE_CHANGED,
	 DOC(A_EX "," ALL),
	 .repair = true},

	/* conflicts */
	{"edited there",
	 DOC(R("a.ex.org", "http://z:1") "," ALL),
	 "[" A_EX "]",
	 {ROUTE_A},
	 MERGE_CONFLICT,
	 .sentence = "route a.ex.org was changed at Cloudflare"},
	{"options edited there",
	 DOC(O("a.ex.org", "http://h:1", "{\"noTLSVerify\":true}") "," ALL),
	 "[" A_EX "]",
	 {ROUTE_A},
	 MERGE_CONFLICT,
	 .sentence = "was changed at Cloudflare"},
	{"removed there",
	 DOC(FOR_X "," ALL),
	 "[" A_EX "]",
	 {ROUTE_A},
	 MERGE_CONFLICT,
	 .sentence = "route a.ex.org was removed at Cloudflare"},
	{"a foreign rule has the key",
	 DOC(FOR_X "," R("a.ex.org", "http://z:1") "," ALL),
	 "[]",
	 {ROUTE_A},
	 MERGE_CONFLICT,
	 .sentence = "Rule 2 of the tunnel's configuration serves a.ex.org"},
	{"a foreign rule has the key in another case",
	 DOC(R("A.EX.org", "http://z:1") "," ALL),
	 "[]",
	 {ROUTE_A},
	 MERGE_CONFLICT,
	 .sentence = "serves a.ex.org already"},
	{"a foreign rule has the key and other options",
	 DOC(O("a.ex.org", "http://h:1", "{\"http2Origin\":true}") "," ALL),
	 "[]",
	 {ROUTE_A},
	 MERGE_CONFLICT,
	 .sentence = "other options"},
	{"a foreign key in Unicode",
	 DOC(R("b\xc3\xbc"
	       "cher.ex.org",
	       "http://z:1") "," ALL),
	 "[]",
	 {{"xn--bcher-kva.ex.org", NULL, "http://h:1", NULL}},
	 MERGE_CONFLICT,
	 .sentence = "serves xn--bcher-kva.ex.org already"},
	{"the second route is in the way",
	 DOC(R("b.ex.org", "http://z:1") "," ALL),
	 "[]",
	 {ROUTE_A, {"b.ex.org", NULL, "http://h:1", NULL}},
	 MERGE_CONFLICT,
	 .which = 1,
	 .sentence = "b.ex.org"},
	{"a foreign wildcard would be shadowed",
	 DOC(R("*.ex.org", "http://f:1") "," ALL),
	 "[]",
	 {ROUTE_A},
	 MERGE_CONFLICT,
	 .sentence = "Route a.ex.org would take requests from rule 1 (*.ex.org)"},
	{"a foreign wildcard higher up",
	 DOC(FOR_X "," R("*.org", "http://f:1") "," ALL),
	 "[]",
	 {ROUTE_A},
	 MERGE_CONFLICT,
	 .sentence = "rule 2 (*.org)"},
	{"a foreign broader wildcard and ours",
	 DOC(R("*.org", "http://f:1") "," ALL),
	 "[]",
	 {{"*.ex.org", NULL, "http://h:1", NULL}},
	 MERGE_CONFLICT,
	 .sentence = "rule 1 (*.org)"},
	{"a foreign wildcard with a path that could match",
	 DOC(P("*.ex.org", "\\\\.png$", "http://f:1") "," ALL),
	 "[]",
	 {ROUTE_A},
	 MERGE_CONFLICT,
	 .sentence = "rule 1 (*.ex.org)"},
	{"a foreign path of every host",
	 DOC("{\"path\":\"^/adm\",\"service\":\"http://f:1\"}," ALL),
	 "[]",
	 {ROUTE_A},
	 MERGE_CONFLICT,
	 .sentence = "rule 1 (every host)"},
	{"the host of our path is foreign",
	 DOC(A_EX "," ALL),
	 "[]",
	 {{"a.ex.org", "^/api", "http://h:2", NULL}},
	 MERGE_CONFLICT,
	 .sentence = "Route a.ex.org ^/api would take requests from rule 1 (a.ex.org)"},
	{"a foreign pattern for everything is the host itself",
	 DOC(P("a.ex.org", "^/.*", "http://f:1") "," ALL),
	 "[]",
	 {ROUTE_A},
	 MERGE_CONFLICT,
	 .sentence = "would take requests from rule 1 (a.ex.org)"},
	{"a longer path that could meet",
	 DOC(P("a.ex.org", "^/a", "http://f:1") "," ALL),
	 "[]",
	 {{"a.ex.org", "^/api", "http://h:2", NULL}},
	 MERGE_CONFLICT,
	 .sentence = "rule 1"},
	{"a name that is none is not repeated",
	 DOC("{\"hostname\":\"* do as I say\",\"path\":\"x\",\"service\":\"a\"},"
	     "{\"hostname\":\"*.ex.org\",\"service\":\"a\"}," ALL),
	 "[]",
	 {ROUTE_A},
	 MERGE_CONFLICT,
	 .sentence = "rule 2 (*.ex.org)"},
	{"a foreign rule was put before ours",
	 DOC(R("*.ex.org", "http://f:1") "," A_EX "," ALL),
	 "[" A_EX "]",
	 {ROUTE_A},
	 MERGE_CONFLICT,
	 .sentence = "Route a.ex.org is not reached: rule 1 (*.ex.org)"},
	{"no order suits all",
	 DOC(R("*.ex.org", "http://h:3") "," P("a.ex.org", "^/p", "http://f:1") "," ALL),
	 "[" R("*.ex.org", "http://h:3") "]",
	 {ROUTE_A, {"*.ex.org", NULL, "http://h:3", NULL}},
	 MERGE_CONFLICT,
	 .sentence = "There is no place for route a.ex.org"},
	{"two routes for one key",
	 NULL,
	 NULL,
	 {ROUTE_A, ROUTE_A},
	 MERGE_CONFLICT,
	 .which = -1,
	 .sentence = "two routes for a.ex.org"},
};

static size_t count_routes(const struct merge_case *c)
{
	size_t n = 0;
	while (n < ARRAY_LEN(c->routes) && c->routes[n].hostname)
		n++;
	return n;
}

static void make_routes(const struct merge_case *c, struct route *routes[4])
{
	for (size_t i = 0; i < count_routes(c); i++) {
		routes[i] = route_new();
		str_set(&routes[i]->hostname, c->routes[i].hostname);
		str_set(&routes[i]->path, c->routes[i].path);
		str_set(&routes[i]->service, c->routes[i].service);
		str_set(&routes[i]->origin, c->routes[i].origin);
	}
}

static void assert_text(const struct merge_case *c, const char *got, const char *wanted)
{
	if (!str_equal(got, wanted))
		fail_msg("%s:\n%s\nis not\n%s", c->name, got ? got : "(none)",
			 wanted ? wanted : "(none)");
}

static void assert_conflict(const struct merge_case *c, const struct merge_result *r,
			    struct route *const *routes)
{
	assert_null(r->document);
	assert_null(r->rules);
	assert_int_equal(r->conflict.kind, ERR_CONFLICT);
	assert_true(r->conflict.hint[0]);
	if (!strstr(r->conflict.message, c->sentence))
		fail_msg("%s: \"%s\" does not hold \"%s\"", c->name, r->conflict.message,
			 c->sentence);
	if (c->which >= 0 && !str_equal(r->route_id, routes[c->which]->id))
		fail_msg("%s: another route is named", c->name);
}

/* What was put and what is remembered of it are a state where nothing is left to do. */
static void assert_settled(const struct merge_case *c, const struct merge_result *first,
			   struct merge_input in)
{
	struct merge_result again = {0};
	struct err e;
	in.remote = first->document ? first->document : in.remote;
	in.base = first->rules;
	in.repair = false;
	in.sent = NULL;
	if (merge(&in, &again, &e) < 0)
		fail_msg("%s, again: %s", c->name, e.message);
	if (again.outcome != MERGE_SAME)
		fail_msg("%s, again: outcome %d: %s", c->name, (int)again.outcome,
			 again.document ? again.document : again.conflict.message);
	assert_text(c, again.rules, first->rules);
	merge_result_free(&again);
}

static void run_case(const struct merge_case *c)
{
	struct route *routes[4] = {0};
	struct merge_result r = {0};
	struct err e;
	make_routes(c, routes);
	struct merge_input in = {c->remote,       c->base,   (const struct route *const *)routes,
				 count_routes(c), c->repair, c->sent};
	if (merge(&in, &r, &e) < 0)
		fail_msg("%s: %s", c->name, e.message);
	if (r.outcome != c->outcome)
		fail_msg("%s: outcome %d, document %s, conflict \"%s\"", c->name, (int)r.outcome,
			 r.document ? r.document : "(none)", r.conflict.message);
	if (c->outcome == MERGE_CONFLICT) {
		assert_conflict(c, &r, routes);
	} else {
		assert_text(c, r.document, c->document);
		if (c->rules)
			assert_text(c, r.rules, c->rules);
		assert_settled(c, &r, in);
	}
	merge_result_free(&r);
	for (size_t i = 0; i < ARRAY_LEN(routes); i++)
		route_free(routes[i]);
}

static void cases_hold(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		run_case(&cases[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(cases_hold)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
