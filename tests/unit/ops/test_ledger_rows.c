/* What calls leave in the ledger, and how it is listed and verified piece by piece. */
#include "ops/grants.h"
#include "ops/ledger.h"
#include "tests/unit/ops/write_desk.h"

static void raw(struct desk *d, const char *sql)
{
	char *why = NULL;
	if (sqlite3_exec(d->store->db, sql, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", sql, why);
}

static const struct json *items(const struct desk *d)
{
	return json_get(json_root(d->answer), "items");
}

static size_t listed(struct desk *d, const char *args)
{
	RUNS(d, &root, "ledger_list", args, "");
	return json_count(items(d));
}

static void expect(const struct json *row, const char *member, const char *value)
{
	const char *said = json_get_string(row, member);
	if (!str_equal(said, value))
		fail_msg("%s: %s, not %s", member, said ? said : "NULL", value ? value : "NULL");
}

/* Claude over HTTP, as the door would have it. */
static struct principal claude(struct desk *d, const char *more)
{
	struct principal who;
	AUTO(str_t) args = str_format("{\"name\":\"claude\"%s}", more);
	RUNS(d, &root, "grant_create", args, "active");
	assert_int_equal(principal_of_grant(grants_by_name(d->ops.grants, "claude"), &who), 0);
	principal_claim(who.peer, sizeof(who.peer), "127.0.0.1:40000");
	principal_claim(who.client, sizeof(who.client), "claude-code/2.1\033[2J\u202e");
	principal_claim(who.tool_use, sizeof(who.tool_use), "toolu_01");
	return who;
}

#define OPERATOR ",\"role\":\"operator\",\"origins\":[\"http://127.0.0.1:80\"]"

static void a_row_says_who_what_and_why(void **state)
{
	struct desk *d = *state;
	struct principal who = claude(d, OPERATOR);
	RUNS(d, &who, "tunnel_create", "{\"name\":\"web\",\"reason\":\"so\",\"wait\":false}",
	     "applied");
	assert_int_equal(listed(d, "{\"principal\":\"grant claude\"}"), 3);
	const struct json *result = json_first(items(d));
	const struct json *intent = json_next(result);
	const struct json *asked = json_next(intent);
	for (const struct json *row = result; row; row = json_next(row)) {
		expect(row, "principal", "grant claude");
		expect(row, "door", "mcp");
		expect(row, "peer", "127.0.0.1:40000");
		expect(row, "untrusted_client", "claude-code/2.1?[2J?");
		expect(row, "untrusted_tool_use", "toolu_01");
		expect(row, "operation", "tunnel_create");
	}
	expect(asked, "phase", "asked");
	expect(asked, "decision", "allowed");
	expect(asked, "policy", "grant, role operator");
	assert_non_null(strstr(json_get_string(asked, "arguments"), "\"web\""));
	expect(intent, "phase", "intent");
	expect(intent, "plan", "p1");
	AUTO(str_t) mark = ledger_call_mark(json_get_string(asked, "object"));
	expect(intent, "detail", mark);
	assert_non_null(json_get_string(asked, "object"));
	expect(result, "object", json_get_string(asked, "object"));
	expect(result, "phase", "result");
	expect(result, "plan", "p1");
	expect(result, "outcome", "ok");
	expect(result, "decision", "allowed");
	assert_non_null(json_get_string(result, "plan_hash"));
}

static void approvals_and_rejections_are_told_apart(void **state)
{
	struct desk *d = *state;
	struct principal who = claude(d, OPERATOR);
	publish(d);
	RUNS(d, &who, "route_delete", UNPUBLISH, "needs_approval");
	AUTO(str_t) approve = approval(d, NULL);
	assert_int_equal(listed(d, "{\"decision\":\"needs_approval\"}"), 1);
	expect(json_first(items(d)), "plan", "p2");
	expect(json_first(items(d)), "policy", "approval");
	RUNS(d, &root, "plan_approve", approve, "applied");
	assert_int_equal(listed(d, "{\"decision\":\"approved\"}"), 1);
	expect(json_first(items(d)), "plan", "p2");
	expect(json_first(items(d)), "policy", "person");
	expect(json_first(items(d)), "principal", "root (uid 0)");
	assert_true(listed(d, "{\"plan\":\"p2\"}") >= 3);
}

static void denials_name_their_policy(void **state)
{
	static const struct {
		const char *more, *op, *args, *policy;
	} cases[] = {
		{"", "tunnel_create", "{\"name\":\"web\"}", "role"},
		{OPERATOR, "plan_approve", "{}", "door"},
		{OPERATOR ",\"methods\":[\"list\"]", "tunnel_rotate", "{\"tunnel\":\"w\"}",
		 "methods"},
		{OPERATOR ",\"tags\":[\"route\"]", "tunnel_list", "{}", "tags"},
		{OPERATOR ",\"methods\":[\"update\"]", "route_set", PUBLISH, "scope"},
	};
	struct desk *d = *state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct principal who = claude(d, cases[i].more);
		RUNS(d, &who, cases[i].op, cases[i].args, "denied");
		assert_true(listed(d, "{\"decision\":\"denied\"}") > 0);
		expect(json_first(items(d)), "policy", cases[i].policy);
		expect(json_first(items(d)), "principal", "grant claude");
		RUNS(d, &root, "grant_revoke", "{\"name\":\"claude\"}", "revoked");
	}
	struct principal who = claude(d, OPERATOR ",\"budget\":\"1/1h\"");
	RUNS(d, &who, "route_list", "{}", "");
	RUNS(d, &who, "route_list", "{}", "rate_limited");
	assert_true(listed(d, "{\"decision\":\"denied\",\"limit\":1}") == 1);
	expect(json_first(items(d)), "policy", "budget");
	RUNS(d, &root, "grant_revoke", "{\"name\":\"claude\"}", "revoked");
	RUNS(d, &who, "route_list", "{}", "denied");
	assert_true(listed(d, "{\"decision\":\"denied\",\"limit\":1}") == 1);
	expect(json_first(items(d)), "policy", "ended");
	RUNS(d, &operator, "tunnel_create", "{\"nam\":\"web\"}", "invalid");
	assert_int_equal(listed(d, "{\"decision\":\"refused\"}"), 1);
	expect(json_first(items(d)), "policy", NULL);
}

static void reads_over_mcp_are_gathered(void **state)
{
	struct desk *d = *state;
	struct principal who = claude(d, "");
	for (int i = 0; i < 5; i++)
		RUNS(d, &who, "route_list", "{}", "");
	RUNS(d, &who, "route_list", "{\"limit\":3}", "");
	RUNS(d, &operator, "route_list", "{}", "");
	assert_int_equal(listed(d, "{\"operation\":\"route_list\"}"), 2);
	const struct json *first = json_next(json_first(items(d)));
	expect(first, "detail", "5 such calls within a second");
	expect(first, "untrusted_tool_use", "toolu_01");
	expect(first, "decision", "allowed");
	expect(json_first(items(d)), "detail", NULL);
	for (int i = 1; i <= 200; i++) {
		AUTO(str_t) args = str_format("{\"limit\":%d}", i);
		RUNS(d, &who, "route_list", args, "");
	}
	assert_true(listed(d, "{\"operation\":\"route_list\",\"limit\":500}") < 2 + 200);
	assert_true(listed(d, "{\"operation\":\"reads\"}") >= 1);
}

static void reads_are_written_by_themselves(void **state)
{
	struct desk *d = *state;
	struct principal who = claude(d, "");
	int64_t rows = 0, before = 0;
	struct err e;
	assert_int_equal(store_verify_ledger(d->store, &before, &e), 0);
	RUNS(d, &who, "route_list", "{}", "");
	for (int turns = 0; rows <= before && turns < 3000; turns++) {
		loop_turn(d->loop);
		assert_int_equal(store_verify_ledger(d->store, &rows, &e), 0);
	}
	assert_int_equal(rows, before + 1);
}

static void what_was_elicited_is_kept(void **state)
{
	struct desk *d = *state;
	struct principal who = claude(d, OPERATOR);
	struct err e;
	assert_int_equal(
		ledger_elicited(&d->ops, &who, "route_set", "p7", "abc", ELICITED_DECLINED, &e), 0);
	assert_int_equal(
		ledger_elicited(&d->ops, &who, "route_set", NULL, NULL, ELICITED_ACCEPTED, &e), 0);
	assert_int_equal(listed(d, "{\"decision\":\"declined\"}"), 1);
	expect(json_first(items(d)), "plan", "p7");
	expect(json_first(items(d)), "policy", "elicitation");
	expect(json_first(items(d)), "peer", "127.0.0.1:40000");
	assert_int_equal(listed(d, "{\"decision\":\"accepted\"}"), 1);
}

/* ---- listing ---- */

static void many(struct desk *d, int n)
{
	struct err e;
	const struct ledger_row row = {.phase = LEDGER_RESULT,
				       .principal = (char[]){"somebody"},
				       .operation = (char[]){"thing"}};
	assert_int_equal(store_begin(d->store, &e), 0);
	for (int i = 0; i < n; i++)
		assert_int_equal(store_add_ledger(d->store, &row, NULL, &e), 0);
	assert_int_equal(store_commit(d->store, &e), 0);
}

static void pages_follow_each_other_to_the_end(void **state)
{
	struct desk *d = *state;
	AUTO(str_t) cursor = NULL;
	int64_t last = INT64_MAX;
	size_t count = 0, pages = 0;
	RUNS(d, &operator, "tunnel_create", "{\"name\":\"web\",\"wait\":false}", "applied");
	many(d, 5000);
	do {
		AUTO(str_t)
		args = cursor ? str_format("{\"limit\":700,\"cursor\":\"%s\"}", cursor)
			      : str_dup("{\"limit\":700}");
		count += listed(d, args);
		JSON_EACH (row, items(d)) {
			assert_true(json_get_int(row, "seq", 0) < last);
			last = json_get_int(row, "seq", 0);
		}
		str_set(&cursor, json_get_string(json_root(d->answer), "next_cursor"));
		pages++;
	} while (cursor && pages < 20);
	assert_int_equal(count, 5003);
	assert_int_equal(last, 1);
	assert_int_equal(listed(d, "{\"operation\":\"tunnel_create\"}"), 3);
	assert_int_equal(listed(d, "{\"cursor\":\"1\"}"), 0);
	assert_int_equal(listed(d, "{\"since\":\"1h\",\"operation\":\"tunnel_create\"}"), 3);
	assert_int_equal(listed(d, "{\"until\":\"1h\"}"), 0);
	assert_int_equal(listed(d, "{\"limit\":2,\"fields\":[\"seq\"]}"), 2);
	assert_null(json_get(json_first(items(d)), "principal"));
	RUNS(d, &root, "ledger_list", "{\"cursor\":\"x\"}", "invalid");
	RUNS(d, &root, "ledger_list", "{\"since\":\"x\"}", "invalid");
	RUNS(d, &root, "ledger_list", "{\"fields\":[\"x\"]}", "invalid");
	RUNS(d, &operator, "ledger_list", "{}", "denied");
}

static void a_call_that_is_left_leaves_nothing(void **state)
{
	struct desk *d = *state;
	struct call c;
	static const char *const ops[] = {"ledger_list", "ledger_verify"};
	many(d, 5000);
	for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
		begin(d, &c, &root, ops[i], "{}");
		loop_turn(d->loop);
		call_cancel(&c);
		call_fini(&c);
	}
	assert_int_equal(d->ops.running, 0);
}

/* ---- verifying ---- */

static void drop_triggers(struct desk *d)
{
	raw(d, "DROP TRIGGER ledger_no_update; DROP TRIGGER ledger_no_delete");
}

static void verify_names_the_first_bad_row(void **state)
{
	struct desk *d = *state;
	many(d, 5000);
	RUNS(d, &root, "ledger_verify", "{}", "");
	assert_true(json_get_bool(json_root(d->answer), "valid", false));
	assert_int_equal(json_get_int(json_root(d->answer), "rows", 0), 5000);
	assert_int_equal(strlen(json_get_string(json_root(d->answer), "head")), 64);
	drop_triggers(d);
	raw(d, "CREATE TABLE saved AS SELECT * FROM ledger");
	static const struct {
		const char *sql;
		int64_t bad;
	} cases[] = {
		{"UPDATE ledger SET decision = 'allowed' WHERE seq = 4321", 4321},
		{"DELETE FROM ledger WHERE seq = 2000", 2000},
		{"DELETE FROM ledger WHERE seq > 4000", 4001},
		{"UPDATE ledger SET principal = 'x' WHERE seq IN (1, 2001)", 1},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		raw(d, cases[i].sql);
		RUNS(d, &root, "ledger_verify", "{}", "");
		assert_false(json_get_bool(json_root(d->answer), "valid", true));
		assert_int_equal(json_get_int(json_root(d->answer), "bad_row", 0), cases[i].bad);
		assert_int_equal(json_get_int(json_root(d->answer), "rows", -1), cases[i].bad - 1);
		assert_non_null(json_get_string(json_root(d->answer), "message"));
		raw(d, "DELETE FROM ledger; INSERT INTO ledger SELECT * FROM saved");
	}
	RUNS(d, &root, "ledger_verify", "{}", "");
	assert_true(json_get_bool(json_root(d->answer), "valid", false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_row_says_who_what_and_why),
		TEST(approvals_and_rejections_are_told_apart),
		TEST(denials_name_their_policy),
		TEST(reads_over_mcp_are_gathered),
		TEST(reads_are_written_by_themselves),
		TEST(what_was_elicited_is_kept),
		TEST(pages_follow_each_other_to_the_end),
		TEST(a_call_that_is_left_leaves_nothing),
		TEST(verify_names_the_first_bad_row),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
