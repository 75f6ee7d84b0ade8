/* One case of merge: what stands there, what was put last, our routes; what is put, and what is
 * told. */
#ifndef TESTS_UNIT_RECONCILE_MERGE_CASES_H
#define TESTS_UNIT_RECONCILE_MERGE_CASES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/secret.h"
#include "reconcile/merge.h"

struct given {
	const char *hostname, *path, *service, *origin;
	bool applied;      /* not fresh */
	const char *takes; /* text of a foreign rule that a person let it take */
};

/* What is left out. */
struct told {
	const char *sentence;
	enum merge_issue_kind kind;
	int which; /* route */
};

struct merge_case {
	const char *name, *remote, *base;
	struct given routes[4];
	enum merge_outcome outcome;
	const char *document; /* CHANGED: all of it */
	const char *rules;    /* NULL = not looked at */
	const char *sent;
	struct told told[3];
	bool always;
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

#define APPLIED_A                                                                                  \
	{                                                                                          \
		"a.ex.org", NULL, "http://h:1", NULL, true                                         \
	}

#define A_OTHER R("a.ex.org", "http://h:2")

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
		if (c->routes[i].applied)
			routes[i]->applied_generation = routes[i]->generation;
		if (c->routes[i].takes) {
			char hash[SHA256_HEX_SIZE];
			sha256_hex(c->routes[i].takes, strlen(c->routes[i].takes), hash);
			routes[i]->takes = str_format("[{\"rule\":\"%s\"}]", hash);
		}
	}
}

static void assert_text(const struct merge_case *c, const char *got, const char *wanted)
{
	if (!str_equal(got, wanted))
		fail_msg("%s:\n%s\nis not\n%s", c->name, got ? got : "(none)",
			 wanted ? wanted : "(none)");
}

static enum route_seen seen_of(enum merge_issue_kind k)
{
	return k == MERGE_EDITED    ? ROUTE_EDITED
	       : k == MERGE_REMOVED ? ROUTE_REMOVED
				    : ROUTE_BLOCKED;
}

static const struct merge_fate *fate_of(const struct merge_result *r, const char *route_id)
{
	for (size_t i = 0; i < r->n_fates; i++)
		if (str_equal(r->fates[i].route_id, route_id))
			return &r->fates[i];
	fail_msg("route %s has no fate", route_id);
	abort();
}

static bool is_told(const struct merge_result *r, const struct told *t, struct route *const *routes)
{
	for (size_t i = 0; i < r->n_issues; i++) {
		const struct merge_issue *x = &r->issues[i];
		if (x->kind != t->kind || !strstr(x->err.message, t->sentence))
			continue;
		if (t->which >= 0 && !str_equal(x->route_id, routes[t->which]->id))
			continue;
		assert_int_equal(x->err.kind, ERR_CONFLICT);
		assert_true(x->err.hint[0]);
		assert_int_equal(x->rule[0] != '\0', merge_permittable(x->kind));
		assert_int_equal(x->number > 0, merge_permittable(x->kind));
		assert_int_equal(fate_of(r, x->route_id)->seen, seen_of(x->kind));
		return true;
	}
	return false;
}

static void assert_issues(const struct merge_case *c, const struct merge_result *r,
			  struct route *const *routes)
{
	size_t n = 0;
	while (n < ARRAY_LEN(c->told) && c->told[n].sentence)
		n++;
	for (size_t i = 0; i < n; i++)
		if (!is_told(r, &c->told[i], routes))
			fail_msg("%s: \"%s\" is not told; the first is \"%s\"", c->name,
				 c->told[i].sentence,
				 r->n_issues ? r->issues[0].err.message : "(none)");
	if (r->n_issues != n)
		fail_msg("%s: %zu issues, the last: %s", c->name, r->n_issues,
			 r->issues[r->n_issues - 1].err.message);
	assert_int_equal(r->n_fates, count_routes(c));
}

/* What was put and what is remembered of it are a state where nothing is left to do. */
static void assert_settled(const struct merge_case *c, const struct merge_result *first,
			   struct merge_input in, struct route *const *routes)
{
	struct merge_result again = {0};
	struct err e;
	in.remote = first->document ? first->document : in.remote;
	in.base = first->rules;
	in.sent = NULL;
	in.always = false;
	for (size_t i = 0; i < in.n_routes; i++)
		if (fate_of(first, routes[i]->id)->seen == ROUTE_AS_PUT)
			routes[i]->applied_generation = routes[i]->generation;
	if (merge(&in, &again, &e) < 0)
		fail_msg("%s, again: %s", c->name, e.message);
	if (again.outcome != MERGE_SAME || again.document)
		fail_msg("%s, again: %s", c->name, again.document);
	if (again.n_issues != first->n_issues)
		fail_msg("%s, again: %zu issues: %s", c->name, again.n_issues,
			 again.n_issues ? again.issues[0].err.message : "");
	assert_text(c, again.rules, first->rules);
	merge_result_free(&again);
}

__attribute__((unused)) static void merge_run_case(const struct merge_case *c)
{
	struct route *routes[4] = {0};
	struct merge_result r = {0};
	struct err e;
	make_routes(c, routes);
	struct merge_input in = {c->remote,       c->base, (const struct route *const *)routes,
				 count_routes(c), c->sent, c->always};
	if (merge(&in, &r, &e) < 0)
		fail_msg("%s: %s", c->name, e.message);
	assert_issues(c, &r, routes);
	if (r.outcome != c->outcome)
		fail_msg("%s: outcome %d, document %s", c->name, (int)r.outcome,
			 r.document ? r.document : "(none)");
	assert_text(c, r.document, c->document);
	if (c->rules)
		assert_text(c, r.rules, c->rules);
	assert_settled(c, &r, in, routes);
	merge_result_free(&r);
	for (size_t i = 0; i < ARRAY_LEN(routes); i++)
		route_free(routes[i]);
}

#endif
