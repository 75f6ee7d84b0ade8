/* What the audit log is taken for: a hint at configurations, a name for drift, and nothing else. */
#include "reconcile/audit.h"
#include "reconcile/drift.h"
#include "reconcile/reconciler.h"
#include "tests/unit/reconcile/bench.h"

#define LOG_AT  "/client/v4/accounts/" ACCOUNT "/logs/audit"
#define CONFIG  "/client/v4/accounts/" ACCOUNT "/cfd_tunnel/" REMOTE "/configurations"
#define ZONES   "/client/v4/zones"
#define NOTHING LISTING("", 0)
#define ONE_TUNNEL                                                                                 \
	LISTING("{\"id\":\"" REMOTE                                                                \
		"\",\"name\":\"web\",\"status\":\"healthy\",\"config_src\":\"cloudflare\","        \
		"\"deleted_at\":null}",                                                            \
		1)
#define EMPTY RESULT("{\"version\":2,\"config\":{\"ingress\":[{\"service\":\"http_status:404\"}]}}")

struct site {
	struct bench *b;
	struct tunnel *t;
	struct record *r;
	struct audit a;
};

static void set_up(struct site *s, void **state)
{
	s->b = *state;
	s->t = bench_tunnel(s->b, true);
	s->t->config_version = 1;
	s->r = bench_record(s->b, s->t, true);
	audit_init(&s->a, s->b->world, s->b->store, s->b->cf);
}

static struct cf_audit_entry entry(const char *uri)
{
	return (struct cf_audit_entry){.id = "e",
				       .time_ms = clock_wall_ms() - 1000,
				       .action = CF_AUDIT_UPDATE,
				       .email = "alice@example.com",
				       .context = "dash",
				       .uri = uri};
}

/* ---- entries ---- */

static void which_entries_make_a_configuration_due(void **state)
{
	static const struct {
		const char *uri, *id, *type;
		bool failed;
		enum cf_audit_action action;
		bool due;
	} cases[] = {
		{CONFIG, NULL, NULL, false, CF_AUDIT_UPDATE, true},
		{CONFIG "?x=1", REMOTE, "tunnel", false, CF_AUDIT_OTHER, true},
		{"/accounts/" ACCOUNT "/tunnels/" REMOTE "/configurations", NULL, NULL, false,
		 CF_AUDIT_UPDATE, true},
		{NULL, REMOTE, "tunnel_config", false, CF_AUDIT_UPDATE, true},
		{NULL, REMOTE, NULL, false, CF_AUDIT_UPDATE, true}, /* may be about anything */
		{NULL, REMOTE, "tunnel", false, CF_AUDIT_UPDATE, true},
		{NULL, REMOTE, "tunnel_connections", false, CF_AUDIT_DELETE, false},
		{CONFIG, NULL, NULL, true, CF_AUDIT_UPDATE, false}, /* refused */
		{CONFIG, NULL, NULL, false, CF_AUDIT_VIEW, false},
		{TUNNEL_AT, REMOTE, "tunnel", false, CF_AUDIT_UPDATE, false}, /* its name */
		{TUNNEL_AT "/connections", REMOTE, NULL, false, CF_AUDIT_DELETE, false},
		{TUNNELS "/11111111-2222-4333-8444-555555555555/configurations", NULL, NULL, false,
		 CF_AUDIT_UPDATE, false},
		{TUNNELS "/../configurations", "x", NULL, false, CF_AUDIT_UPDATE, false},
		{NULL, NULL, NULL, false, CF_AUDIT_UPDATE, false},
	};
	struct site s;
	set_up(&s, state);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct cf_audit_entry x = entry(cases[i].uri);
		x.resource_id = cases[i].id;
		x.resource_type = cases[i].type;
		x.failed = cases[i].failed;
		x.action = cases[i].action;
		audit_take(&s.a, &x);
		if (audit_release(&s.a, 9) != cases[i].due ||
		    s.t->observed.config_due != cases[i].due)
			fail_msg("case %zu", i);
		s.t->observed.config_due = false;
	}
	audit_fini(&s.a);
}

static void only_configurations_that_are_ours_and_not_read_since(void **state)
{
	struct site s;
	set_up(&s, state);
	struct cf_audit_entry x = entry(CONFIG);
	s.t->joined = true;
	audit_take(&s.a, &x);
	s.t->joined = false;
	s.t->config_version = 0;
	audit_take(&s.a, &x);
	s.t->config_version = 1;
	s.t->observed.config_seen_ms = clock_wall_ms() + 3600 * 1000;
	audit_take(&s.a, &x);
	assert_int_equal(audit_release(&s.a, 9), 0);
	s.t->observed.config_seen_ms = x.time_ms;
	audit_take(&s.a, &x);
	audit_take(&s.a, &x);
	assert_int_equal(s.a.due.n, 1);
	/* what must wait is not forgotten */
	assert_int_equal(audit_release(&s.a, 0), 0);
	assert_false(s.t->observed.config_due);
	assert_int_equal(audit_release(&s.a, 1), 1);
	assert_true(s.t->observed.config_due);
	assert_int_equal(audit_release(&s.a, 1), 0);
	audit_fini(&s.a);
}

/* Our write goes by a look of LOOKED, and was answered at WROTE. */
static void an_edit_that_nobody_saw_is_told(void **state)
{
	enum { LOOKED = 10500, WROTE = 13200 };
	static const struct {
		int64_t at;
		bool failed, told;
	} cases[] = {
		{9000, false, false},  {10000, false, true}, /* in whole seconds: it may be 10.9 */
		{10400, false, false}, {10501, false, true},  {13000, false, true},
		{13200, false, true},  {13201, false, false}, {12000, true, false},
	};
	struct site s;
	set_up(&s, state);
	int64_t now = clock_wall_ms() / 1000 * 1000 - 20000;
	size_t all = 0;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct cf_audit_entry x = entry(RECORD_AT);
		s.r->observed.wrote_after_ms = now + LOOKED;
		s.r->observed.wrote_ms = now + WROTE;
		x.time_ms = now + cases[i].at;
		x.failed = cases[i].failed;
		audit_take(&s.a, &x);
		audit_take(&s.a, &x); /* once */
		all += cases[i].told;
		if (bench_edits_told(s.b) != all)
			fail_msg("case %zu: %zu told", i, bench_edits_told(s.b));
	}
	s.r->observed.wrote_after_ms = 0; /* nothing was written in this life */
	struct cf_audit_entry x = entry(RECORD_AT);
	audit_take(&s.a, &x);
	assert_int_equal(bench_edits_told(s.b), all);
	audit_fini(&s.a);
}

static void a_difference_has_a_name(void **state)
{
	struct site s;
	set_up(&s, state);
	AUTO(drift_list_t) l = {0};
	struct cf_audit_entry x = entry(RECORD_AT), old = entry(RECORD_AT), config = entry(CONFIG);
	s.r->observed.looked_ms = clock_wall_ms();
	s.r->observed.found = true;
	s.r->observed.gone = true;
	old.time_ms -= 5000;
	old.email = "bob@example.com";
	audit_take(&s.a, &config);
	audit_take(&s.a, &x);
	audit_take(&s.a, &old); /* came late */
	drift_find(s.b->world, &l);
	assert_int_equal(l.n, 1);
	assert_int_equal(strncmp(l.items[0].actor, "alice@example.com by dash, 20", 29), 0);
	drift_list_t_cleanup(&l);
	/* an entry that is too old to be about this */
	s.r->observed.drift.since_ms = clock_wall_ms() + 24 * 3600 * 1000LL;
	drift_find(s.b->world, &l);
	assert_int_equal(l.n, 1);
	assert_null(l.items[0].actor);
	audit_fini(&s.a);
}

static void what_is_younger_than_a_listing_makes_a_look_due(void **state)
{
	static const struct {
		const char *uri, *zone;
		int64_t after_ms;
		bool due;
	} cases[] = {
		{TUNNEL_AT, NULL, 1, true},
		{CONFIG, NULL, 1, true},
		{TUNNEL_AT, NULL, -1, false},
		{RECORDS "/batch", NULL, 1, true},
		{RECORDS, ZONE, 1, true},
		{NULL, ZONE, 1, true},
		{RECORD_AT, NULL, -1, false},
		{"/zones/" ZONE "/settings/ssl", ZONE, 1, false},
		{"/zones/11111111111111111111111111111111/dns_records", NULL, 1, false},
		{NULL, NULL, 1, false},
	};
	struct site s;
	set_up(&s, state);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct cf_audit_entry x = entry(cases[i].uri);
		audit_begin(&s.a);
		x.zone_id = cases[i].zone;
		x.time_ms = s.a.look_began_ms + cases[i].after_ms;
		audit_take(&s.a, &x);
		if (s.a.look_due != cases[i].due)
			fail_msg("case %zu", i);
	}
	audit_fini(&s.a);
}

/* ---- in a look ---- */

#define PUT_BY(id, at)                                                                             \
	"{\"id\":\"" id "\",\"action\":{\"type\":\"update\",\"result\":\"success\",\"time\":\"" at \
	"\"},\"actor\":{\"email\":\"alice@example.com\",\"context\":\"dash\"},"                    \
	"\"raw\":{\"cf_ray_id\":\"8e9b1c60ef9e1c9a\",\"method\":\"PUT\",\"uri\":\"" CONFIG         \
	"\"},\"resource\":{\"id\":\"" REMOTE "\"}}"

static struct reconciler *reconcile(struct bench *b)
{
	struct reconciler_options o = {.interval_ms = 3600 * 1000};
	struct reconciler *r = reconciler_new(b->loop, b->world, b->store, b->cf, &o);
	reconciler_start(r);
	return r;
}

static void basics(struct bench *b)
{
	bench_answers(b, "GET", ZONES, 200, NOTHING, 0);
	bench_answers(b, "GET", TUNNELS, 200, ONE_TUNNEL, 0);
	bench_answers(b, "GET", CONFIG, 200, EMPTY, 0);
}

/* The same entry is shown again and again, and is news once. */
static void an_entry_is_read_once_and_its_configuration_too(void **state)
{
	struct bench *b = *state;
	char now[TEXT_TIME_SIZE];
	bench_tunnel(b, true)->config_version = 1;
	time_format(clock_wall_ms() - 2000, now);
	AUTO(str_t) body = str_format(RESULT("[" PUT_BY("one", "%s") "]"), now);
	bench_answers(b, "GET", LOG_AT, 200, body, 0);
	basics(b);
	struct reconciler *r = reconcile(b);
	UNTIL(b, bench_count(b, "GET " CONFIG) == 1);
	UNTIL(b, reconciler_passes(r) == 1);
	size_t calls = bench_count(b, "GET ") - bench_count(b, "GET " CONFIG);
	assert_int_equal(calls, 3); /* zones, tunnels, the log */
	assert_int_equal(b->world->system.audit, AUDIT_READ);
	struct tunnel *t = b->world->tunnels.items[0];
	UNTIL(b, !t->observed.config_due);
	AUTO(str_t) since = store_get_meta(b->store, "audit_since");
	assert_null(since); /* nothing that the overlap would not show again */
	(void)reconciler_observe(r);
	t->observed.config_due = false; /* a person's look reads it anyway */
	UNTIL(b, reconciler_passes(r) == 2);
	bench_turn(b, 100);
	assert_int_equal(bench_count(b, "GET " LOG_AT), 2);
	assert_int_equal(bench_count(b, "GET " CONFIG), 1);
	reconciler_free(r);
}

static void a_token_that_may_not_is_asked_seldom_and_no_problem(void **state)
{
	struct bench *b = *state;
	bench_tunnel(b, true);
	bench_answers(b, "GET", LOG_AT, 403, FAILURE(10000), 0);
	basics(b);
	struct reconciler *r = reconcile(b);
	UNTIL(b, reconciler_passes(r) == 1);
	(void)reconciler_observe(r);
	UNTIL(b, reconciler_passes(r) == 2);
	assert_int_equal(bench_count(b, "GET " LOG_AT), 1);
	assert_int_equal(bench_count(b, "GET " TUNNELS), 2);
	assert_int_equal(b->world->system.audit, AUDIT_DENIED);
	assert_int_equal(b->world->system.notices.n, 0);
	assert_null(b->world->system.access_problem);
	assert_int_equal(b->world->system.access, ACCESS_OK);
	/* new settings may bring another token */
	reconciler_configure(r, &(struct reconciler_options){.interval_ms = 3600 * 1000});
	(void)reconciler_observe(r);
	UNTIL(b, bench_count(b, "GET " LOG_AT) == 2);
	reconciler_free(r);
}

/* A failure that passes is tried again in the next look, and harms no look. */
static void a_failure_is_none_of_the_look(void **state)
{
	struct bench *b = *state;
	bench_tunnel(b, true);
	bench_answers(b, "GET", LOG_AT, 500, FAILURE(1), 1);
	bench_answers(b, "GET", LOG_AT, 200, "[]", 1);
	bench_answers(b, "GET", LOG_AT, 200, RESULT("null"), 0);
	basics(b);
	struct reconciler *r = reconcile(b);
	UNTIL(b, reconciler_passes(r) == 1);
	assert_true(b->world->system.observed_ms > 0);
	assert_int_equal(b->world->system.audit, AUDIT_UNASKED);
	for (int64_t n = 2; n < 4; n++) {
		(void)reconciler_observe(r);
		UNTIL(b, reconciler_passes(r) == n);
	}
	assert_int_equal(b->world->system.audit, AUDIT_READ);
	assert_int_equal(b->world->system.notices.n, 0);
	reconciler_free(r);
}

static void who_has_nothing_asks_nothing(void **state)
{
	struct bench *b = *state;
	bench_tunnel(b, false)->want = WANT_ABSENT;
	basics(b);
	struct reconciler *r = reconcile(b);
	UNTIL(b, reconciler_passes(r) == 1);
	assert_int_equal(bench_count(b, "GET " LOG_AT), 0);
	reconciler_free(r);
}

/* ---- from when on ---- */

static void how_far_it_was_read_is_kept(void **state)
{
	struct site s;
	struct cf_page p = {0};
	char now[TEXT_TIME_SIZE];
	set_up(&s, state);
	int64_t at = clock_wall_ms() - 1000;
	assert_true(s.a.since_ms <= clock_wall_ms() - AUDIT_OVERLAP_MS);
	s.a.since_ms -= 3600 * 1000; /* aditd was away for an hour */
	time_format(at, now);
	AUTO(str_t)
	body = str_format(
		RESULT("[" PUT_BY("one", "%s") "," PUT_BY("two", "2099-01-01T00:00:00Z") "]"), now);
	bench_answers(s.b, "GET", LOG_AT, 200, body, 0);
	audit_list(&s.a, &p, bench_acted, s.b);
	UNTIL(s.b, s.b->done == 1);
	audit_listed(&s.a, &p, &p.task.err);
	/* an entry of a day that has not come moves nothing */
	assert_int_equal(s.a.since_ms, at - AUDIT_OVERLAP_MS);
	audit_fini(&s.a);
	audit_init(&s.a, s.b->world, s.b->store, s.b->cf);
	assert_int_equal(s.a.since_ms, at - AUDIT_OVERLAP_MS);
	cf_page_reset(&p);
	audit_fini(&s.a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(which_entries_make_a_configuration_due),
		TEST(only_configurations_that_are_ours_and_not_read_since),
		TEST(an_edit_that_nobody_saw_is_told),
		TEST(a_difference_has_a_name),
		TEST(what_is_younger_than_a_listing_makes_a_look_due),
		TEST(an_entry_is_read_once_and_its_configuration_too),
		TEST(a_token_that_may_not_is_asked_seldom_and_no_problem),
		TEST(a_failure_is_none_of_the_look),
		TEST(who_has_nothing_asks_nothing),
		TEST(how_far_it_was_read_is_kept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
