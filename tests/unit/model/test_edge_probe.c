/* What is a probe's route, and what its answers mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "model/edge_probe.h"

static const struct {
	struct edge_answer a;
	enum edge_seen seen;
} answers[] = {
	{{.status = 200, .arrived = true, .proved = true}, EDGE_PASSED},
	{{.status = 200, .arrived = true}, EDGE_HALF},
	{{.status = 404, .arrived = true}, EDGE_HALF},
	{{.failed = ERR_TIMEOUT, .arrived = true}, EDGE_HALF},
	/* the right answer to what never came cannot be ours */
	{{.status = 200, .proved = true}, EDGE_ELSEWHERE},
	{{.failed = ERR_TIMEOUT}, EDGE_TIMEOUT},
	{{.failed = ERR_UPSTREAM}, EDGE_UNREACHED},
	{{.failed = ERR_INVALID}, EDGE_UNREACHED},
	{{.status = 530}, EDGE_NO_TUNNEL},
	{{.status = 302}, EDGE_STOPPED},
	{{.status = 401}, EDGE_STOPPED},
	{{.status = 403}, EDGE_STOPPED},
	{{.status = 429}, EDGE_STOPPED},
	{{.status = 200}, EDGE_ELSEWHERE},
	{{.status = 404}, EDGE_ELSEWHERE},
	{{.status = 502}, EDGE_ELSEWHERE},
	{{.status = 503}, EDGE_ELSEWHERE},
};

static void test_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++)
		assert_int_equal(edge_judge(&answers[i].a), answers[i].seen);
}

static const struct {
	const char *path, *service;
	bool is;
} routes[] = {
	{EDGE_PROBE_PATH, "unix:/var/lib/adit/edge-probe.sock", true},
	{EDGE_PROBE_PATH, "unix:/edge-probe.sock", true},
	{EDGE_PROBE_PATH, "unix:/run/app.sock", false},
	{EDGE_PROBE_PATH, "unix+tls:/var/lib/adit/edge-probe.sock", false},
	{EDGE_PROBE_PATH, "http://127.0.0.1:80", false},
	{EDGE_PROBE_PATH, "unix:/x-edge-probe.sock", false},
	{NULL, "unix:/var/lib/adit/edge-probe.sock", false},
	{"^/\\.well-known/adit-probe/", "unix:/var/lib/adit/edge-probe.sock", false},
	{EDGE_PROBE_PATH, NULL, false},
};

static void test_routes(void **state)
{
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(routes); i++)
		assert_int_equal(edge_probe_is(routes[i].path, routes[i].service), routes[i].is);
	assert_int_equal(pattern_check(EDGE_PROBE_PATH, &e), 0);
	assert_int_equal(pattern_matches(EDGE_PROBE_PATH,
					 EDGE_PROBE_PREFIX "0123456789abcdef0123456789abcdef"),
			 1);
	assert_int_equal(pattern_matches(EDGE_PROBE_PATH,
					 "/x" EDGE_PROBE_PREFIX "0123456789abcdef0123456789abcdef"),
			 0);
	assert_int_equal(pattern_matches(EDGE_PROBE_PATH,
					 EDGE_PROBE_PREFIX "0123456789abcdef0123456789abcdef/.."),
			 0);
}

static struct route *add(struct world *w, const char *tunnel, const char *host, bool probe)
{
	struct route *r = route_new();

	(void)str_copy(r->tunnel_id, sizeof(r->tunnel_id), tunnel);
	str_set(&r->hostname, host);
	str_set(&r->path, probe ? EDGE_PROBE_PATH : NULL);
	str_set(&r->service, probe ? "unix:/s/edge-probe.sock" : "http://127.0.0.1:1");
	world_add_route(w, r);
	return r;
}

static void test_names(void **state)
{
	struct world *w = world_new();
	struct route *p = add(w, "t1", "a.x.org", true);

	(void)state;
	assert_ptr_equal(world_edge_probe(w, "a.x.org"), p);
	assert_null(world_edge_probe(w, "b.x.org"));
	/* A probe publishes nothing. */
	assert_false(world_is_published(w, "a.x.org", NULL));
	add(w, "t2", "a.x.org", false);
	assert_true(world_is_published(w, "a.x.org", NULL));
	assert_false(world_is_published(w, "a.x.org", "t1"));
	assert_true(world_is_published(w, "a.x.org", "t2"));
	world_free(w);
}

/* Each failure is a sentence with what to do; what proves nothing is no failure. */
static void test_sentences(void **state)
{
	struct world *w = world_new();
	struct route *r = add(w, "t1", "a.x.org", true);

	(void)state;
	for (int s = EDGE_UNASKED; s <= EDGE_HALF; s++) {
		struct problem p;
		r->edge.seen = (enum edge_seen)s;
		r->edge.status = 404;
		bool fails = route_edge_problem(r, &p);
		AUTO(str_t) unproved = route_edge_unproved(r);

		assert_int_equal(fails, edge_seen_fails(r->edge.seen));
		assert_true(!fails || (strstr(p.err.message, "a.x.org") && p.err.hint[0]));
		assert_int_equal(unproved != NULL, s == EDGE_STOPPED);
		assert_true(edge_seen_name(r->edge.seen)[0]);
	}
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_sentences),
	};
	return cmocka_run_group_tests_name("edge_probe", tests, NULL, NULL);
}
