/* Grants: made, found by their tokens, narrowed, frozen, spent, and ended in every way, also on a
 * disk that takes no writes and with rows that are damaged. */
#include "ops/grants.h"
#include "ops/ledger.h"
#include "tests/unit/ops/write_desk.h"

#define OPERATOR ",\"role\":\"operator\",\"origins\":[\"http://127.0.0.1:80\"]"

static void full(struct desk *d, bool is)
{
	const char *sql = is ? "PRAGMA query_only = 1" : "PRAGMA query_only = 0";
	assert_int_equal(sqlite3_exec(d->store->db, sql, NULL, NULL, NULL), SQLITE_OK);
}

static void raw(struct desk *d, const char *sql)
{
	char *why = NULL;
	if (sqlite3_exec(d->store->db, sql, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", sql, why);
}

static int64_t raw_int(struct desk *d, const char *sql)
{
	sqlite3_stmt *st = NULL;
	assert_int_equal(sqlite3_prepare_v2(d->store->db, sql, -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	int64_t n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return n;
}

static const char *told(const struct desk *d, const char *member)
{
	return json_get_string(json_root(d->answer), member);
}

/* more: further members of the arguments, each with a comma before it. The grant as a principal. */
static struct principal make(struct desk *d, const char *name, const char *more)
{
	struct principal who;
	AUTO(str_t) args = str_format("{\"name\":\"%s\"%s}", name, more);
	RUNS(d, &root, "grant_create", args, grants_frozen(d->ops.grants) ? "read_only" : "active");
	assert_int_equal(principal_of_grant(grants_by_name(d->ops.grants, name), &who), 0);
	return who;
}

static void again(struct desk *d)
{
	forget_call(d);
	ops_fini(&d->ops);
	ops_init(&d->ops);
}

/* ---- tokens ---- */

static const struct grant *by_token(struct desk *d, const char *bearer, const char *second)
{
	return grants_by_token(d->ops.grants, bearer, second, clock_wall_ms());
}

static void a_token_is_shown_once_and_kept_as_its_hash(void **state)
{
	struct desk *d = *state;
	char hash[SHA256_HEX_SIZE];
	(void)make(d, "claude", ",\"role\":\"operator\"");
	AUTO(str_t) token = str_dup(told(d, "token"));
	assert_true(str_starts(token, "adit_"));
	assert_int_equal(strlen(token), 5 + 43);
	assert_null(strpbrk(token, "+/= "));
	assert_null(told(d, "second_token"));
	sha256_hex(token, strlen(token), hash);
	AUTO(str_t)
	sql = str_format("SELECT count(*) FROM access_grant WHERE token_sha256 = '%s'", hash);
	assert_int_equal(raw_int(d, sql), 1);
	AUTO(str_t)
	anywhere = str_format("SELECT count(*) FROM ledger WHERE arguments LIKE '%%%s%%' OR detail "
			      "LIKE '%%%s%%'",
			      token + 5, token + 5);
	assert_int_equal(raw_int(d, anywhere), 0);
	RUNS(d, &root, "grant_list", "{}", "");
	AUTO(buf_t) list = {0};
	json_print(json_root(d->answer), &list);
	assert_null(strstr(buf_text(&list), "adit_"));
	assert_non_null(by_token(d, token, NULL));
	assert_non_null(by_token(d, token, "whatever")); /* none is asked for */
	token[20] = token[20] == 'a' ? 'b' : 'a';
	assert_null(by_token(d, token, NULL));
	AUTO(str_t) lengthy = mem_alloc(100001);
	memset(lengthy, 'a', 100000);
	const char *const wrong[] = {NULL, "", "adit_", hash, lengthy};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_null(by_token(d, wrong[i], NULL));
}

static void a_second_token_is_asked_for_and_taken_apart(void **state)
{
	struct desk *d = *state;
	(void)make(d, "two", ",\"second_token\":true");
	AUTO(str_t) first = str_dup(told(d, "token"));
	AUTO(str_t) second = str_dup(told(d, "second_token"));
	assert_string_not_equal(first, second);
	assert_non_null(by_token(d, first, second));
	assert_null(by_token(d, first, NULL));
	assert_null(by_token(d, first, ""));
	assert_null(by_token(d, first, first));
	assert_null(by_token(d, second, first));
	RUNS(d, &root, "grant_revoke", "{\"name\":\"two\",\"second_only\":true}",
	     "second_token_revoked");
	assert_null(by_token(d, first, NULL));
	assert_null(by_token(d, first, second));
	assert_null(by_token(d, first, ""));
	again(d);
	assert_null(by_token(d, first, second));
	assert_null(by_token(d, first, NULL));
	RUNS(d, &root, "grant_create", "{\"name\":\"two\",\"second_only\":true}", "active");
	assert_null(told(d, "token"));
	AUTO(str_t) anew = str_dup(told(d, "second_token"));
	assert_non_null(by_token(d, first, anew));
	assert_null(by_token(d, first, second));
	again(d);
	assert_non_null(by_token(d, first, anew));
	assert_non_null(grants_by_name(d->ops.grants, "two"));
	RUNS(d, &root, "grant_create", "{\"name\":\"no\",\"second_only\":true}", "not_found");
}

/* ---- what is asked for ---- */

static void what_makes_no_sense_is_refused(void **state)
{
	static const char *const bad[] = {
		"{\"name\":\"Claude\"}",
		"{\"name\":\"x (uid 0)\"}",
		"{\"name\":\"-x\"}",
		"{\"name\":\"x\",\"role\":\"root\"}",
		"{\"name\":\"x\",\"role\":\"none\"}",
		"{\"name\":\"x\",\"methods\":[\"all\"]}",
		"{\"name\":\"x\",\"tags\":[\"tunel\"]}",
		"{\"name\":\"x\",\"hosts\":[\"http://a.example.com\"]}",
		"{\"name\":\"x\",\"zones\":[\"com\"]}",
		"{\"name\":\"x\",\"origins\":[\"nonsense\"]}",
		"{\"name\":\"x\",\"budget\":\"0/1m\"}",
		"{\"name\":\"x\",\"budget\":\"9999999/1m\"}",
		"{\"name\":\"x\",\"budget\":\"1/10ms\"}",
		"{\"name\":\"x\",\"expires_at\":\"0s\"}",
		"{\"name\":\"x\",\"expires_at\":\"400d\"}",
		"{\"name\":\"x\",\"expires_at\":\"99999999999d\"}",
		"{\"name\":\"x\",\"expires_at\":\"2001-01-01T00:00:00Z\"}",
		"{\"name\":\"x\",\"expires_at\":\"never\"}",
	};
	struct desk *d = *state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (!str_equal(run(d, &root, "grant_create", bad[i]), "invalid"))
			fail_msg("not refused: %s", bad[i]);
	RUNS(d, &operator, "grant_create", "{\"name\":\"x\"}", "denied");
	assert_int_equal(raw_int(d, "SELECT count(*) FROM access_grant"), 0);
	(void)make(d, "x", "");
	RUNS(d, &root, "grant_create", "{\"name\":\"x\"}", "conflict");
	RUNS(d, &root, "grant_revoke", "{\"name\":\"y\"}", "not_found");
	RUNS(d, &root, "grant_test", "{\"name\":\"y\"}", "not_found");
	RUNS(d, &root, "grant_test", "{\"name\":\"x\",\"operation\":\"route_sett\"}", "not_found");
	RUNS(d, &root, "grant_test", "{\"name\":\"x\",\"host\":\"a b\"}", "invalid");
}

static void a_month_is_what_is_not_said(void **state)
{
	struct desk *d = *state;
	clock_freeze(1, 1700000000000);
	(void)make(d, "m", "");
	const struct grant *g = grants_by_name(d->ops.grants, "m");
	assert_int_equal(g->expires_at_ms, 1700000000000 + 30 * 86400000LL);
	assert_int_equal(g->role, ROLE_VIEWER);
	assert_int_equal(g->methods, GRANT_ALL);
	assert_int_equal(g->budget_calls, 600);
	assert_false(g->ask || g->has_second || grant_is_scoped(g));
	clock_freeze(0, 0);
}

/* ---- what lies inside ---- */

static void lists_narrow(void **state)
{
	struct desk *d = *state;
	(void)make(d, "g",
		   ",\"hosts\":[\"App.example.com\",\"*.dev.example.com\"],"
		   "\"zones\":[\"example.com\"],\"tunnels\":[\"web\"],"
		   "\"origins\":[\"http://127.0.0.1:3000\"]");
	const struct grant *g = grants_by_name(d->ops.grants, "g");
	const struct {
		const char *host;
		bool in;
	} hosts[] = {{"app.example.com", true},
		     {"APP.Example.com", true},
		     {"a.dev.example.com", true},
		     {"b.a.dev.example.com", true},
		     {"*.dev.example.com", true},
		     {"dev.example.com", false},
		     {"xdev.example.com", false},
		     {"app.example.com.evil.net", false},
		     {"evil-app.example.com", false},
		     {"*.example.com", false},
		     {"", false},
		     {NULL, false}};
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++)
		if (grant_covers_host(g, hosts[i].host) != hosts[i].in)
			fail_msg("%s", hosts[i].host ? hosts[i].host : "NULL");
	assert_true(grant_covers_zone(g, "Example.com"));
	assert_false(grant_covers_zone(g, "xexample.com"));
	assert_false(grant_covers_zone(g, NULL));
	assert_true(grant_covers_tunnel(g, "web"));
	assert_false(grant_covers_tunnel(g, "web2"));
	assert_false(grant_covers_tunnel(g, NULL));
	assert_true(grant_covers_origin(g, "http://127.0.0.1:3000"));
	assert_false(grant_covers_origin(g, "http://127.0.0.1:30000"));
	assert_true(grant_is_scoped(g));
	(void)make(d, "wide", "");
	g = grants_by_name(d->ops.grants, "wide");
	assert_true(grant_covers_host(g, NULL) && grant_covers_zone(g, NULL) &&
		    grant_covers_tunnel(g, NULL));
	assert_false(grant_covers_origin(g, "http://127.0.0.1:3000"));
}

static void each_policy_says_no_by_its_name(void **state)
{
	static const struct {
		const char *more, *op;
		enum policy policy;
	} cases[] = {
		{"", "status_get", POLICY_NONE},
		{"", "route_set", POLICY_ROLE},
		{",\"role\":\"operator\"", "route_set", POLICY_NONE},
		{",\"role\":\"operator\"", "plan_approve", POLICY_DOOR},
		{",\"role\":\"admin\"", "plan_approve", POLICY_DOOR},
		{",\"role\":\"admin\"", "grant_create", POLICY_DOOR},
		{",\"role\":\"admin\"", "ledger_list", POLICY_DOOR},
		{",\"role\":\"operator\",\"methods\":[\"list\"]", "route_list", POLICY_NONE},
		{",\"role\":\"operator\",\"methods\":[\"list\"]", "status_get", POLICY_METHOD},
		{",\"role\":\"operator\",\"methods\":[\"list\"]", "route_set", POLICY_METHOD},
		{",\"role\":\"operator\",\"methods\":[\"update\"]", "route_set", POLICY_NONE},
		{",\"role\":\"operator\",\"methods\":[\"create\"]", "route_delete", POLICY_METHOD},
		{",\"role\":\"operator\",\"tags\":[\"route\"]", "route_set", POLICY_NONE},
		{",\"role\":\"operator\",\"tags\":[\"route\"]", "tunnel_list", POLICY_TAG},
	};
	struct desk *d = *state;
	struct err e;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(str_t) name = str_format("g%zu", i);
		struct principal who = make(d, name, cases[i].more);
		enum policy policy = principal_policy(&who, op_find(cases[i].op));
		if (policy != cases[i].policy)
			fail_msg("%s %s: %s", cases[i].more, cases[i].op, policy_name(policy));
		assert_int_equal(principal_may(&who, op_find(cases[i].op), &e) == 0,
				 policy == POLICY_NONE);
		if (policy != POLICY_NONE)
			assert_int_equal(e.kind, ERR_DENIED);
	}
}

/* What a plan does counts, not what its operation could do. */
static void methods_hold_for_what_a_plan_does(void **state)
{
	struct desk *d = *state;
	struct principal maker = make(d, "maker", OPERATOR ",\"methods\":[\"create\"]");
	struct principal changer = make(d, "changer", OPERATOR ",\"methods\":[\"update\"]");
	RUNS(d, &changer, "route_set", PUBLISH, "denied");
	assert_non_null(strstr(d->call.task.err.message, "create"));
	assert_int_equal(d->world->revision, 0);
	RUNS(d, &maker, "route_set", PUBLISH, "applied");
	RUNS(d, &maker, "tunnel_update", "{\"tunnel\":\"edge1\",\"replicas\":2,\"wait\":false}",
	     "denied");
	RUNS(d, &changer, "tunnel_update", "{\"tunnel\":\"edge1\",\"replicas\":2,\"wait\":false}",
	     "applied");
	RUNS(d, &maker, "route_delete", UNPUBLISH, "denied");
}

static void a_budget_is_spent_and_comes_back(void **state)
{
	struct desk *d = *state;
	clock_freeze(1000000, 1700000000000);
	struct principal who = make(d, "b", ",\"budget\":\"3/3s\"");
	const struct grant *g = grants_by_name(d->ops.grants, "b");
	for (int i = 3; i > 0; i--) {
		assert_int_equal(grant_budget_left(g), i);
		RUNS(d, &who, "route_list", "{}", "");
	}
	RUNS(d, &who, "route_list", "{}", "rate_limited");
	assert_true(d->call.task.err.retry_after_ms > 0 && d->call.task.err.retry_after_ms <= 1001);
	assert_true(d->call.task.err.retryable);
	clock_freeze(1001000, 1700000001000);
	assert_int_equal(grant_budget_left(g), 1);
	RUNS(d, &who, "route_list", "{}", "");
	RUNS(d, &who, "route_list", "{}", "rate_limited");
	clock_freeze(9000000, 1700000002000);
	assert_int_equal(grant_budget_left(g), 3);
	assert_int_equal(g->last_used_ms, 1700000001000);
	clock_freeze(0, 0);
}

/* ---- ending ---- */

struct ear {
	struct grant_watch watch;
	int64_t ended;
	int endings, freezes;
};

static void heard_end(int64_t id, void *owner)
{
	struct ear *x = owner;
	x->ended = id;
	x->endings++;
}

static void heard_freeze(void *owner)
{
	((struct ear *)owner)->freezes++;
}

static void listen_to(struct desk *d, struct ear *x)
{
	*x = (struct ear){.watch = {.ended = heard_end, .froze = heard_freeze, .owner = x}};
	grants_watch(d->ops.grants, &x->watch);
}

/* A plan of the grant that needs approval. */
static void propose(struct desk *d, const struct principal *who)
{
	publish(d);
	RUNS(d, who, "route_delete", UNPUBLISH, "needs_approval");
	check_plan(d, 2, PLAN_NEEDS_APPROVAL);
}

static void revoking_ends_all_that_is_of_it(void **state)
{
	struct desk *d = *state;
	struct ear ear;
	struct err e;
	struct principal who = make(d, "claude", ",\"role\":\"operator\"");
	AUTO(str_t) token = str_dup(told(d, "token"));
	propose(d, &who);
	AUTO(str_t) approve = approval(d, NULL);
	listen_to(d, &ear);
	RUNS(d, &root, "grant_revoke", "{\"name\":\"claude\"}", "revoked");
	assert_int_equal(json_get_int(json_root(d->answer), "plans_rejected", -1), 1);
	assert_int_equal(json_count(json_get(json_root(d->answer), "warnings")), 0);
	assert_int_equal(ear.endings, 1);
	assert_int_equal(ear.ended, who.grant);
	grants_unwatch(&ear.watch);
	check_plan(d, 2, PLAN_REJECTED);
	assert_null(by_token(d, token, NULL));
	assert_int_equal(principal_policy(&who, op_find("status_get")), POLICY_ENDED);
	assert_int_equal(principal_spend(&who, &e), -1);
	RUNS(d, &who, "route_list", "{}", "denied");
	RUNS(d, &root, "plan_approve", approve, "conflict");
	assert_int_equal(d->world->routes.n, 1);
	assert_int_equal(raw_int(d, "SELECT count(*) FROM access_grant"), 0);
	assert_int_equal(raw_int(d, "SELECT count(*) FROM ledger WHERE operation = 'plan_reject'"
				    " AND plan = 'p2' AND detail LIKE '%revoked by root%'"),
			 1);
	/* Another one of that name is another one. */
	struct principal heir = make(d, "claude", ",\"role\":\"operator\"");
	assert_int_not_equal(heir.grant, who.grant);
	assert_int_equal(principal_policy(&who, op_find("status_get")), POLICY_ENDED);
}

struct closer {
	struct grant_watch watch;
	struct ear **others; /* two, freed when this one is told */
};

static void closes_others(int64_t id, void *owner)
{
	struct closer *x = owner;
	(void)id;
	for (size_t i = 0; i < 2; i++) {
		grants_unwatch(&x->others[i]->watch);
		free(x->others[i]);
	}
}

/* As the door does, which closes streams that are watching too. */
static void whoever_is_told_may_close_the_next_ones(void **state)
{
	struct desk *d = *state;
	struct ear first, last;
	struct ear *others[] = {mem_alloc(sizeof(struct ear)), mem_alloc(sizeof(struct ear))};
	struct closer closer = {.watch = {.ended = closes_others}, .others = others};
	closer.watch.owner = &closer;
	(void)make(d, "claude", "");
	listen_to(d, &first);
	listen_to(d, others[0]);
	grants_watch(d->ops.grants, &closer.watch);
	listen_to(d, others[1]);
	listen_to(d, &last);
	RUNS(d, &root, "grant_freeze", "{}", "on");
	assert_int_equal(others[0]->freezes + others[1]->freezes, 2);
	RUNS(d, &root, "grant_revoke", "{\"name\":\"claude\"}", "revoked");
	assert_int_equal(first.endings, 1);
	assert_int_equal(last.endings, 1);
	assert_int_equal(first.freezes + last.freezes, 2);
	grants_unwatch(&first.watch);
	grants_unwatch(&last.watch);
	grants_unwatch(&closer.watch);
}

static void a_running_call_ends_with_its_grant(void **state)
{
	struct desk *d = *state;
	struct call waits, revokes;
	struct principal who = make(d, "claude", ",\"role\":\"operator\"");
	d->done = 0;
	begin(d, &waits, &who, "route_set",
	      "{\"hostname\":\"a.example.com\",\"service\":\"http_status:204\"}");
	begin(d, &revokes, &root, "grant_revoke", "{\"name\":\"claude\"}");
	wait_for(d, 2);
	assert_int_equal(waits.task.err.kind, ERR_DENIED);
	assert_int_equal(revokes.task.err.kind, ERR_NONE);
	assert_int_equal(d->world->routes.n, 0);
	call_fini(&waits);
	call_fini(&revokes);
}

static void expiry_comes_by_itself(void **state)
{
	struct desk *d = *state;
	struct ear ear;
	struct principal who = make(d, "brief", ",\"role\":\"operator\",\"expires_at\":\"400ms\"");
	AUTO(str_t) token = str_dup(told(d, "token"));
	propose(d, &who);
	listen_to(d, &ear);
	for (int turns = 0; !ear.endings && turns < 5000; turns++)
		loop_turn(d->loop);
	grants_unwatch(&ear.watch);
	assert_int_equal(ear.ended, who.grant);
	assert_null(by_token(d, token, NULL));
	check_plan(d, 2, PLAN_REJECTED);
	assert_int_equal(raw_int(d, "SELECT count(*) FROM access_grant"), 0);
	assert_int_equal(raw_int(d, "SELECT count(*) FROM ledger WHERE operation = 'grant_expire'"),
			 1);
}

/* To the millisecond, whatever the timer does. */
static void what_has_expired_is_dead_before_it_is_gone(void **state)
{
	struct desk *d = *state;
	clock_freeze(1, 1700000000000);
	struct principal who = make(d, "brief", ",\"expires_at\":\"1h\"");
	AUTO(str_t) token = str_dup(told(d, "token"));
	clock_freeze(1, 1700000000000 + 3600000 - 1);
	assert_non_null(by_token(d, token, NULL));
	assert_int_equal(principal_policy(&who, op_find("status_get")), POLICY_NONE);
	clock_freeze(1, 1700000000000 + 3600000);
	assert_null(by_token(d, token, NULL));
	assert_int_equal(grants_count(d->ops.grants), 0);
	assert_null(grants_by_name(d->ops.grants, "brief"));
	assert_int_equal(principal_policy(&who, op_find("status_get")), POLICY_ENDED);
	clock_freeze(0, 0);
}

static void what_expired_meanwhile_goes_at_the_start(void **state)
{
	struct desk *d = *state;
	struct principal who = make(d, "brief", ",\"role\":\"operator\"");
	(void)make(d, "stays", "");
	propose(d, &who);
	raw(d, "UPDATE access_grant SET expires_at_ms = 1000 WHERE name = 'brief'");
	again(d);
	check_plan(d, 2, PLAN_REJECTED);
	assert_int_equal(raw_int(d, "SELECT count(*) FROM access_grant"), 1);
	assert_non_null(grants_by_name(d->ops.grants, "stays"));
	assert_int_equal(grants_count(d->ops.grants), 1);
}

static void revoking_works_on_a_disk_that_takes_nothing(void **state)
{
	struct desk *d = *state;
	struct principal who = make(d, "claude", ",\"role\":\"operator\"");
	AUTO(str_t) token = str_dup(told(d, "token"));
	propose(d, &who);
	AUTO(str_t) approve = approval(d, NULL);
	full(d, true);
	RUNS(d, &root, "grant_revoke", "{\"name\":\"claude\"}", "revoked");
	assert_int_equal(json_count(json_get(json_root(d->answer), "warnings")), 1);
	assert_null(by_token(d, token, NULL));
	RUNS(d, &who, "route_list", "{}", "denied");
	RUNS(d, &root, "plan_get", "{\"plan\":\"p2\"}", "rejected");
	full(d, false);
	RUNS(d, &root, "plan_approve", approve, "conflict");
	assert_int_equal(raw_int(d, "SELECT count(*) FROM access_grant"), 1);
	ops_store_look(&d->ops);
	assert_int_equal(raw_int(d, "SELECT count(*) FROM access_grant"), 0);
	check_plan(d, 2, PLAN_REJECTED);
	again(d);
	assert_null(by_token(d, token, NULL));
}

static void one_that_cannot_be_made_is_not_made(void **state)
{
	struct desk *d = *state;
	full(d, true);
	RUNS(d, &root, "grant_create", "{\"name\":\"x\"}", "internal");
	assert_null(grants_any(d->ops.grants, "x"));
	full(d, false);
	assert_int_equal(raw_int(d, "SELECT count(*) FROM access_grant"), 0);
}

/* ---- the read-only switch ---- */

static void freezing_stops_all_writes_at_once(void **state)
{
	struct desk *d = *state;
	struct ear ear;
	struct principal who = make(d, "claude", ",\"role\":\"operator\"");
	propose(d, &who);
	AUTO(str_t) approve = approval(d, NULL);
	listen_to(d, &ear);
	RUNS(d, &root, "grant_freeze", "{\"reason\":\"odd things\"}", "on");
	RUNS(d, &root, "grant_freeze", "{}", "on");
	assert_false(json_get_bool(json_root(d->answer), "changed", true));
	assert_string_equal(told(d, "reason"), "odd things");
	assert_int_equal(ear.freezes, 1);
	RUNS(d, &who, "route_list", "{}", "");
	RUNS(d, &who, "tunnel_create", "{\"name\":\"web\"}", "denied");
	assert_int_equal(principal_policy(&who, op_find("route_set")), POLICY_FROZEN);
	RUNS(d, &root, "plan_approve", approve, "denied");
	assert_non_null(notices_find(&d->world->system.notices, "grants"));
	RUNS(d, &operator, "tunnel_create", "{\"name\":\"mine\",\"wait\":false}", "applied");
	grants_unwatch(&ear.watch);
	again(d);
	assert_true(grants_frozen(d->ops.grants));
	struct principal later = make(d, "later", ",\"role\":\"operator\"");
	RUNS(d, &later, "tunnel_create", "{\"name\":\"web\"}", "denied");
	RUNS(d, &root, "grant_freeze", "{\"state\":\"off\"}", "off");
	assert_null(notices_find(&d->world->system.notices, "grants"));
	RUNS(d, &later, "tunnel_create", "{\"name\":\"web\",\"wait\":false}", "applied");
	again(d);
	assert_false(grants_frozen(d->ops.grants));
}

static void freezing_works_on_a_disk_that_takes_nothing(void **state)
{
	struct desk *d = *state;
	struct principal who = make(d, "claude", ",\"role\":\"operator\"");
	full(d, true);
	RUNS(d, &root, "grant_freeze", "{}", "on");
	assert_int_equal(json_count(json_get(json_root(d->answer), "warnings")), 1);
	assert_int_equal(principal_policy(&who, op_find("route_set")), POLICY_FROZEN);
	RUNS(d, &root, "grant_freeze", "{\"state\":\"off\"}", "internal");
	assert_true(grants_frozen(d->ops.grants));
	full(d, false);
	ops_store_look(&d->ops);
	again(d);
	assert_true(grants_frozen(d->ops.grants));
}

static void a_switch_that_cannot_be_read_is_on(void **state)
{
	struct desk *d = *state;
	raw(d, "INSERT INTO meta VALUES ('grants_frozen', '{damaged')");
	again(d);
	assert_true(grants_frozen(d->ops.grants));
	RUNS(d, &root, "grant_freeze", "{\"state\":\"off\"}", "off");
	again(d);
	assert_false(grants_frozen(d->ops.grants));
}

/* ---- damage ---- */

static void a_damaged_row_gives_nothing_and_can_be_revoked(void **state)
{
	static const char *const damages[] = {
		"spec = '{'",
		"spec = '[]'",
		"spec = '{}'",
		"spec = json_remove(spec, '$.hosts')",
		"spec = json_set(spec, '$.role', 'emperor')",
		"spec = json_set(spec, '$.hosts', 'x')",
		"spec = json_set(spec, '$.more', 1)",
		"spec = json_set(spec, '$.budget', '1/0s')",
		"token_sha256 = 'abc'",
		"second_sha256 = 'abc'",
		"name = 'X (uid 0)'",
	};
	struct desk *d = *state;
	for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
		(void)make(d, "claude", ",\"hosts\":[\"app.example.com\"]");
		AUTO(str_t) token = str_dup(told(d, "token"));
		AUTO(str_t) sql = str_format("UPDATE access_grant SET %s", damages[i]);
		raw(d, sql);
		again(d);
		if (by_token(d, token, NULL) || grants_count(d->ops.grants))
			fail_msg("lives on: %s", damages[i]);
		RUNS(d, &root, "grant_list", "{}", "");
		const struct json *row = json_first(json_get(json_root(d->answer), "items"));
		assert_string_equal(json_get_string(row, "state"), "damaged");
		assert_non_null(json_get_string(row, "damage"));
		AUTO(str_t)
		name = str_format("{\"name\":\"%s\"}", json_get_string(row, "name"));
		RUNS(d, &root, "grant_test", name, "damaged");
		assert_null(json_get(json_root(d->answer), "operations"));
		RUNS(d, &root, "grant_revoke", name, "revoked");
		assert_int_equal(raw_int(d, "SELECT count(*) FROM access_grant"), 0);
	}
}

static void without_a_store_there_are_none_until_it_comes(void **state)
{
	struct desk *d = *state;
	struct store *s = d->store;
	struct principal who = make(d, "claude", "");
	AUTO(str_t) token = str_dup(told(d, "token"));
	forget_call(d);
	ops_fini(&d->ops);
	d->ops.store = NULL;
	ops_init(&d->ops);
	assert_null(by_token(d, token, NULL));
	RUNS(d, &root, "grant_create", "{\"name\":\"x\"}", "internal");
	RUNS(d, &root, "grant_list", "{}", "");
	RUNS(d, &root, "grant_freeze", "{}", "on");
	d->ops.store = s;
	ops_store_came(&d->ops);
	assert_non_null(by_token(d, token, NULL));
	assert_true(grants_frozen(d->ops.grants));
	who.grants = d->ops.grants;
	assert_int_equal(principal_policy(&who, op_find("status_get")), POLICY_NONE);
}

/* ---- grant_test ---- */

static bool says(const struct desk *d, const char *args, const char *policy)
{
	const struct json *answer = json_root(d->answer);
	(void)args;
	if (json_get_bool(answer, "allowed", false) != (policy == NULL))
		return false;
	return str_equal(json_get_string(answer, "policy"), policy);
}

static void a_test_says_what_a_grant_may(void **state)
{
	static const struct {
		const char *args, *policy;
	} cases[] = {
		{"\"operation\":\"route_list\"", NULL},
		{"\"operation\":\"route_set\",\"host\":\"app.example.com\"", NULL},
		{"\"operation\":\"route_set\",\"host\":\"no.example.com\"", "scope"},
		{"\"host\":\"no.example.com\"", "scope"},
		{"\"operation\":\"plan_approve\"", "door"},
		{"\"operation\":\"route_delete\",\"host\":\"app.example.com\"", "methods"},
	};
	struct desk *d = *state;
	publish(d);
	(void)make(d, "claude",
		   ",\"role\":\"operator\",\"methods\":[\"list\",\"create\"],"
		   "\"hosts\":[\"app.example.com\"]");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(str_t) args = str_format("{\"name\":\"claude\",%s}", cases[i].args);
		RUNS(d, &root, "grant_test", args, "active");
		if (!says(d, args, cases[i].policy))
			fail_msg("%s: %s", args, told(d, "message"));
	}
	const struct json *answer = json_root(d->answer);
	assert_string_equal(json_string(json_first(json_get(answer, "sees_hosts"))),
			    "app.example.com");
	assert_string_equal(json_string(json_first(json_get(answer, "sees_tunnels"))), "edge1");
	assert_true(json_count(json_get(answer, "operations")) > 3);
	assert_true(json_count(json_get(answer, "refused")) > 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_token_is_shown_once_and_kept_as_its_hash),
		TEST(a_second_token_is_asked_for_and_taken_apart),
		TEST(what_makes_no_sense_is_refused),
		TEST(a_month_is_what_is_not_said),
		TEST(lists_narrow),
		TEST(each_policy_says_no_by_its_name),
		TEST(methods_hold_for_what_a_plan_does),
		TEST(a_budget_is_spent_and_comes_back),
		TEST(revoking_ends_all_that_is_of_it),
		TEST(whoever_is_told_may_close_the_next_ones),
		TEST(a_running_call_ends_with_its_grant),
		TEST(expiry_comes_by_itself),
		TEST(what_has_expired_is_dead_before_it_is_gone),
		TEST(what_expired_meanwhile_goes_at_the_start),
		TEST(revoking_works_on_a_disk_that_takes_nothing),
		TEST(one_that_cannot_be_made_is_not_made),
		TEST(freezing_stops_all_writes_at_once),
		TEST(freezing_works_on_a_disk_that_takes_nothing),
		TEST(a_switch_that_cannot_be_read_is_on),
		TEST(a_damaged_row_gives_nothing_and_can_be_revoked),
		TEST(without_a_store_there_are_none_until_it_comes),
		TEST(a_test_says_what_a_grant_may),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
