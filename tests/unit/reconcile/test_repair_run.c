/* Drift put back unasked, against a real store: what holds it, and when it ends. */
#include "model/plan.h"
#include "reconcile/repair.h"
#include "tests/unit/reconcile/bench.h"

#define HOUR (3600 * 1000LL)

struct site {
	struct tunnel *t;
	struct route *route;
	struct record *r;
};

/* A record that somebody pointed elsewhere, of a name that a confirmed rule serves. */
static void set_up(struct bench *b, struct site *s)
{
	s->t = bench_tunnel(b, true);
	s->t->replicas = 0;
	s->r = bench_record(b, s->t, true);
	bench_route(b, s->t);
	s->route = b->world->routes.items[0];
	s->route->applied_generation = s->route->generation;
	b->world->system.drift = DRIFT_REPAIR;
	s->r->observed.looked_ms = clock_wall_ms();
	s->r->observed.found = s->r->observed.marked = s->r->observed.proxied = true;
	str_set(&s->r->observed.type, "CNAME");
	str_set(&s->r->observed.content, "elsewhere.example.org");
}

/* The same of a rule. */
static void edit_rule(struct bench *b, struct site *s)
{
	(void)b;
	str_set(&s->r->observed.content, REMOTE ".cfargotunnel.com");
	s->route->observed.seen = ROUTE_EDITED;
	str_set(&s->route->observed.service, "http://127.0.0.1:81");
	s->t->observed.config = str_dup("{\"ingress\":[{\"hostname\":\"app.example.com\","
					"\"service\":\"http://127.0.0.1:81\"},"
					"{\"service\":\"http_status:404\"}]}");
}

static int64_t generations(const struct site *s)
{
	return s->t->generation + s->r->generation + s->route->generation;
}

/* Was it put back, by a stored plan with its row in the ledger? */
static bool repaired(struct bench *b, const struct site *s)
{
	int64_t before = generations(s), plans = 0, rows = 0, n;
	struct err e;
	assert_int_equal(store_count_plans(b->store, PLAN_APPLIED, &plans, &e), 0);
	assert_int_equal(store_verify_ledger(b->store, &rows, &e), 0);
	repair_run(b->world, b->store);
	bool put = generations(s) > before;
	assert_int_equal(store_count_plans(b->store, PLAN_APPLIED, &n, &e), 0);
	assert_int_equal(n, plans + put);
	assert_int_equal(store_verify_ledger(b->store, &n, &e), 0);
	assert_int_equal(n, rows + put);
	return put;
}

static void wait_with(struct bench *b, enum plan_state state, const char *id)
{
	AUTO(plan_t) p = plan_new("test", "somebody", NULL);
	struct err e;
	plan_touch(p, id, 1);
	p->state = state;
	p->made_ms = clock_wall_ms();
	p->expires_ms = p->made_ms + HOUR;
	plan_seal(p);
	if (store_begin(b->store, &e) < 0 || store_add_plan(b->store, p, &e) < 0 ||
	    store_commit(b->store, &e) < 0)
		fail_msg("%s", e.message);
}

/* ---- what holds it ---- */

static void nothing(struct bench *b, struct site *s)
{
	(void)b;
	(void)s;
}
static void plan_waits(struct bench *b, struct site *s)
{
	wait_with(b, PLAN_NEEDS_APPROVAL, s->r->id);
}
static void plan_planned(struct bench *b, struct site *s)
{
	wait_with(b, PLAN_PLANNED, s->r->id);
}
static void plan_applied(struct bench *b, struct site *s)
{
	wait_with(b, PLAN_APPLIED, s->r->id);
}
static void plan_for_another(struct bench *b, struct site *s)
{
	(void)s;
	wait_with(b, PLAN_PLANNED, "d0000000000");
}
static void writes_off(struct bench *b, struct site *s)
{
	(void)s;
	str_set(&b->world->system.writes_off, "because");
}
/* Writing still works. */
static int no_state(void *owner, int action, const char *table, const char *column, const char *x,
		    const char *y)
{
	(void)owner;
	(void)x;
	(void)y;
	return action == SQLITE_READ && str_equal(table, "plan") && str_equal(column, "expires_ms")
		       ? SQLITE_DENY
		       : SQLITE_OK;
}
static void plans_cannot_be_read(struct bench *b, struct site *s)
{
	(void)s;
	assert_int_equal(sqlite3_set_authorizer(b->store->db, no_state, NULL), SQLITE_OK);
}
static void no_rule(struct bench *b, struct site *s)
{
	(void)b;
	s->route->applied_generation = 0;
}
static void rule_of_another_tunnel(struct bench *b, struct site *s)
{
	(void)b;
	(void)str_copy(s->route->tunnel_id, ID_SIZE, "t0000000000");
}
static void no_connector(struct bench *b, struct site *s)
{
	(void)b;
	s->t->replicas = 1;
}
static void record_problem(struct bench *b, struct site *s)
{
	struct err e;
	(void)b;
	(void)err_set(&e, ERR_CONFLICT, "something");
	problem_set(&s->r->problem, &e, 1);
}
static void reported_only(struct bench *b, struct site *s)
{
	(void)b;
	s->r->drift = DRIFT_REPORT;
}
static void rule_edited(struct bench *b, struct site *s)
{
	edit_rule(b, s);
}
static void rule_edited_and_tunnel_waits(struct bench *b, struct site *s)
{
	edit_rule(b, s);
	wait_with(b, PLAN_PLANNED, s->t->id);
}
static void rule_edited_of_a_joined_one(struct bench *b, struct site *s)
{
	edit_rule(b, s);
	s->t->joined = true;
}
static void rule_edited_and_tunnel_problem(struct bench *b, struct site *s)
{
	struct err e;
	edit_rule(b, s);
	(void)err_set(&e, ERR_CONFLICT, "something");
	problem_set(&s->t->problem, &e, 1);
}

static void tunnel_renamed(struct bench *b, struct site *s)
{
	(void)b;
	str_set(&s->r->observed.content, REMOTE ".cfargotunnel.com");
	str_set(&s->t->observed.name, "theirs");
}
static void tunnel_renamed_with_a_problem(struct bench *b, struct site *s)
{
	struct err e;
	tunnel_renamed(b, s);
	(void)err_set(&e, ERR_CONFLICT, "something");
	problem_set(&s->t->problem, &e, 1);
}

static const struct {
	const char *label;
	void (*happens)(struct bench *b, struct site *s);
	bool repaired;
} cases[] = {
	{"a record", nothing, true},
	{"a plan waits for approval", plan_waits, false},
	{"a plan waits to be applied", plan_planned, false},
	{"a plan was applied", plan_applied, true},
	{"a plan waits for something else", plan_for_another, true},
	{"writes are off", writes_off, false},
	{"nobody knows which plans wait", plans_cannot_be_read, false},
	{"no rule serves the name", no_rule, false},
	{"a rule of another tunnel does", rule_of_another_tunnel, false},
	{"no connector serves it", no_connector, false},
	{"it has a problem", record_problem, false},
	{"it is only to be told", reported_only, false},
	{"a rule", rule_edited, true},
	{"a rule, and a plan waits for its tunnel", rule_edited_and_tunnel_waits, false},
	{"a rule, and its tunnel is another host's", rule_edited_of_a_joined_one, false},
	{"a tunnel's name", tunnel_renamed, true},
	{"a tunnel's name, and it has a problem", tunnel_renamed_with_a_problem, false},
	{"a rule, and its tunnel has a problem", rule_edited_and_tunnel_problem, false},
};

static void each_case(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct site s;
		struct bench *b;
		void *own = NULL;
		(void)bench_open(&own);
		b = own;
		print_message("%s\n", cases[i].label);
		set_up(b, &s);
		cases[i].happens(b, &s);
		assert_int_equal(repaired(b, &s), cases[i].repaired);
		assert_int_equal(sqlite3_set_authorizer(b->store->db, NULL, NULL), SQLITE_OK);
		(void)bench_close(&own);
	}
	(void)state;
}

/* ---- how often ---- */

static size_t fights_told(struct bench *b)
{
	struct event_filter f = {.limit = 100};
	struct event *events = NULL;
	size_t n = 0, told = 0;
	struct err e;
	assert_int_equal(store_list_events(b->store, &f, &events, &n, &e), 0);
	for (size_t i = 0; i < n; i++) {
		told += str_equal(events[i].kind, "drift_fought");
		event_free(&events[i]);
	}
	free(events);
	return told;
}

/* It was written, and somebody changed it again. */
static void undo(struct site *s)
{
	s->r->applied_generation = s->r->generation;
}

static void who_undoes_it_each_time_is_not_fought(void **state)
{
	struct bench *b = *state;
	struct site s;
	set_up(b, &s);
	s.r->observed.proxied = true;
	for (int i = 0; i < DRIFT_REPAIRS_MAX; i++, undo(&s))
		assert_true(repaired(b, &s));
	assert_int_equal(fights_told(b), 0);
	assert_false(repaired(b, &s));
	assert_false(repaired(b, &s));
	assert_true(s.r->observed.drift.fought);
	assert_int_equal(fights_told(b), 1);
}

/* The oldest of them is more than an hour ago, and no earlier fight is on. */
static void after_an_hour_it_may_be_put_back_again(void **state)
{
	struct bench *b = *state;
	struct site s;
	set_up(b, &s);
	for (int i = 0; i < DRIFT_REPAIRS_MAX; i++, undo(&s))
		assert_true(repaired(b, &s));
	s.r->observed.drift.repaired_ms[0] -= DRIFT_FIGHT_MS + 1;
	assert_true(repaired(b, &s));
}

static void what_a_waiting_plan_holds_is_told_until_it_is_decided(void **state)
{
	struct bench *b = *state;
	AUTO(plan_t) p = NULL;
	struct site s;
	struct err e;
	set_up(b, &s);
	assert_null(drift_record_hindrance(s.r));
	plan_waits(b, &s);
	assert_false(repaired(b, &s));
	assert_string_equal(drift_record_hindrance(s.r),
			    "a plan that touches it waits for a decision");
	assert_false(s.route->observed.drift.held);
	assert_int_equal(store_load_plan(b->store, 1, &p, &e), 0);
	p->state = PLAN_REJECTED;
	assert_int_equal(store_begin(b->store, &e), 0);
	assert_int_equal(store_decide_plan(b->store, p, &e), 0);
	assert_int_equal(store_commit(b->store, &e), 0);
	assert_true(repaired(b, &s));
	assert_null(drift_record_hindrance(s.r));
}

static void a_full_disk_changes_nothing(void **state)
{
	struct bench *b = *state;
	struct site s;
	set_up(b, &s);
	bench_full(b, true);
	assert_false(repaired(b, &s));
	assert_int_equal(s.r->observed.drift.repaired_ms[DRIFT_REPAIRS_MAX - 1], 0);
	bench_full(b, false);
	assert_true(repaired(b, &s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_case),
		TEST(who_undoes_it_each_time_is_not_fought),
		TEST(after_an_hour_it_may_be_put_back_again),
		TEST(what_a_waiting_plan_holds_is_told_until_it_is_decided),
		TEST(a_full_disk_changes_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
