/* Calls that go on by themselves: who may have them, whose they are, how many, and how they end. */
#include "fake_carrier.h"

#include "mcp/task_rows.h"
#include "ops/grant.h"

#define DECLARED                                                                                   \
	"\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","                   \
	"\"io.modelcontextprotocol/clientCapabilities\":{\"extensions\":{"                         \
	"\"io.modelcontextprotocol/tasks\":{}}}}"

/* A modern request of a client that can have tasks. */
static const struct json *ask(struct fake *f, const char *method, const char *params)
{
	AUTO(str_t)
	text = str_format("{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"%s\",\"params\":{%s%s%s}}",
			  method, DECLARED, *params ? "," : "", params);
	return fake_take(f, &fake_lines, text);
}

static const struct json *about(struct fake *f, const char *method, const char *id)
{
	AUTO(str_t) params = str_format("\"taskId\":\"%s\"", id);
	return json_get(ask(f, method, params), "result");
}

/* Nothing of it comes true on a desk without Cloudflare, so that it is waited for. */
#define SLOW                                                                                       \
	"\"name\":\"route_set\",\"arguments\":{\"hostname\":\"app.example.com\","                  \
	"\"service\":\"http://127.0.0.1:8080\",\"timeout\":\"%s\"}"

static char *begun(struct fake *f, const char *timeout)
{
	AUTO(str_t) params = str_format(SLOW, timeout);
	const struct json *r = json_get(ask(f, "tools/call", params), "result");
	if (!str_equal(json_get_string(r, "resultType"), "task"))
		fail_msg("no task: %s", buf_text(&f->text));
	assert_string_equal(json_get_string(r, "status"), "working");
	assert_int_equal(json_get_int(r, "ttlMs", 0), f->mcp->tasks.ttl_ms);
	assert_null(json_get(r, "result"));
	return str_dup(json_get_string(r, "taskId"));
}

static void it_ends_with_the_outcome(void **state)
{
	struct fake *f = *state;
	AUTO(str_t) id = begun(f, "2s");
	assert_string_equal(json_get_string(about(f, "tasks/get", id), "status"), "working");
	while (str_equal(json_get_string(about(f, "tasks/get", id), "status"), "working"))
		loop_turn(f->desk->loop);
	const struct json *r = about(f, "tasks/get", id);
	assert_string_equal(json_get_string(r, "resultType"), "complete");
	assert_string_equal(json_get_string(r, "status"), "completed");
	const struct json *content = json_get(json_get(r, "result"), "structuredContent");
	assert_string_equal(json_get_string(content, "state"), "applied");
	assert_false(json_get_bool(content, "converged", true));
	assert_null(json_get(r, "error"));
}

/* What still goes on is dropped when the daemon ends. */
static int close_all(void **state)
{
	struct fake *f = *state;
	fake_forget(f);
	tasks_free(f->mcp);
	return fake_close(state);
}

#define TASK_TEST(name) cmocka_unit_test_setup_teardown(name, fake_open, close_all)

static void one_that_is_cancelled_is_gone(void **state)
{
	struct fake *f = *state;
	AUTO(str_t) id = begun(f, "1m");
	for (int i = 0; i < 2; i++) {
		const struct json *r = about(f, "tasks/cancel", id);
		assert_string_equal(json_get_string(r, "resultType"), "complete");
		assert_null(json_get(r, "taskId"));
	}
	const struct json *r = about(f, "tasks/get", id);
	assert_string_equal(json_get_string(r, "status"), "cancelled");
	assert_null(json_get(r, "result"));
	r = about(f, "tasks/update", id);
	assert_string_equal(json_get_string(r, "resultType"), "complete");
}

static void it_is_its_callers_alone(void **state)
{
	static const char *const methods[] = {"tasks/get", "tasks/update", "tasks/cancel"};
	struct fake *f = *state;
	AUTO(str_t) id = begun(f, "1m");
	struct principal again = model_operator;
	again.grant = 5;
	const struct principal *const others[] = {&model_viewer, &again};
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		for (size_t k = 0; k < ARRAY_LEN(methods); k++) {
			f->who = others[i];
			assert_null(about(f, methods[k], id));
			assert_int_equal(fake_code(f), RPC_PARAMS);
		}
	f->who = &model_operator;
	assert_string_equal(json_get_string(about(f, "tasks/get", id), "status"), "working");
}

static void who_declares_nothing_has_none(void **state)
{
	static const char *const methods[] = {"tasks/get", "tasks/update", "tasks/cancel"};
	struct fake *f = *state;
	AUTO(str_t) params = str_format(SLOW, "2s");
	const struct json *r = json_get(fake_ask(f, "tools/call", params), "result");
	assert_string_equal(json_get_string(r, "resultType"), "complete");
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		(void)fake_ask(f, methods[i], "\"taskId\":\"x\"");
		assert_int_equal(fake_code(f), RPC_CAPABILITY);
		assert_int_equal(f->status, 400);
	}
	(void)fake_ask(f, "subscriptions/listen", "\"notifications\":{\"taskIds\":[]}");
	assert_int_equal(fake_code(f), RPC_CAPABILITY);
}

static void what_names_none_is_refused(void **state)
{
	static const char *const params[] = {"", "\"taskId\":5", "\"taskId\":null",
					     "\"taskId\":\"\"", "\"taskId\":\"no\""};
	struct fake *f = *state;
	for (size_t i = 0; i < ARRAY_LEN(params); i++) {
		(void)ask(f, "tasks/get", params[i]);
		assert_int_equal(fake_code(f), RPC_PARAMS);
	}
}

/* What is one too many is waited for. */
static void they_are_bounded(void **state)
{
	enum { N = TASKS_EACH + 2 };
	struct fake *f = *state;
	struct parcel *parcels[N];
	AUTO(str_t) slow = str_format(SLOW, "1m");
	for (size_t i = 0; i < N; i++) {
		AUTO(str_t)
		text = str_format("{\"jsonrpc\":\"2.0\",\"id\":%zu,\"method\":\"tools/call\","
				  "\"params\":{" DECLARED ",%s}}",
				  i, slow);
		parcels[i] = parcel_new(f->mcp, &fake_lines, f, f->who);
		parcel_take(parcels[i], text, strlen(text));
	}
	int64_t until = clock_mono_ms() + 2500;
	while (clock_mono_ms() < until)
		loop_turn(f->desk->loop);
	assert_int_equal(f->answers, TASKS_EACH);
	assert_int_equal(f->mcp->tasks.n, TASKS_EACH);
	for (size_t i = 0; i < N; i++)
		parcel_free(parcels[i]);
	assert_int_equal(f->mcp->tasks.n, TASKS_EACH);
}

static void it_lives_its_time(void **state)
{
	struct fake *f = *state;
	f->mcp->tasks.ttl_ms = 1000;
	AUTO(str_t) id = begun(f, "1m");
	assert_non_null(about(f, "tasks/get", id));
	for (int64_t until = clock_mono_ms() + 1500; clock_mono_ms() < until;)
		loop_turn(f->desk->loop);
	assert_int_equal(f->mcp->tasks.n, 0);
	assert_null(about(f, "tasks/get", id));
	assert_int_equal(fake_code(f), RPC_PARAMS);
}

/* ---- after a new start ---- */

/* The world is as the store has it, but for what Cloudflare showed: nothing is true yet. */
static void start_anew(struct fake *f)
{
	fake_forget(f);
	mcp_free(f->mcp);
	f->mcp = mcp_new(f->desk->loop, &f->desk->ops);
}

/* What a grant may do is told by its row; the principal is the caller's to keep. */
static void grant(struct fake *f, struct principal *who, const char *name)
{
	AUTO(str_t)
	args = str_format("{\"name\":\"%s\",\"role\":\"operator\","
			  "\"origins\":[\"http://127.0.0.1:8080\"]}",
			  name);
	RUNS(f->desk, &root, "grant_create", args, "active");
	assert_int_equal(principal_of_grant(grants_by_name(f->desk->ops.grants, name), who), 0);
	f->who = who;
}

static const struct json *content_of(const struct json *r)
{
	return json_get(json_get(r, "result"), "structuredContent");
}

/* What the model reads of an outcome that is no answer of the operation. */
static bool error_of(const struct json *r, struct err *out)
{
	const struct json *result = json_get(r, "result");
	const char *text = json_get_string(json_first(json_get(result, "content")), "text");
	AUTO(json_doc_t) doc = NULL;
	struct err e;
	if (!text || !json_get_bool(result, "isError", false))
		return false;
	assert_int_equal(json_parse(text, strlen(text), NULL, &doc, &e), 0);
	json_read_err(json_root(doc), out);
	return true;
}

static size_t plans(struct fake *f)
{
	int64_t n = -1;
	struct err e;
	assert_int_equal(store_count_plans(f->desk->store, -1, &n, &e), 0);
	return (size_t)n;
}

static void its_plan_is_waited_for(void **state)
{
	struct fake *f = *state;
	struct principal who;
	grant(f, &who, "claude");
	AUTO(str_t) id = begun(f, "1m");
	start_anew(f);
	const struct json *r = about(f, "tasks/get", id);
	assert_string_equal(json_get_string(r, "status"), "working");
	assert_null(json_get(r, "result"));
	assert_int_equal(json_get_int(r, "ttlMs", 0), TASK_TTL_MS);
	struct tunnel *t = f->desk->world->tunnels.items[0];
	problem_set(&t->problem, &(struct err){.kind = ERR_DENIED, .message = "No."}, 1);
	world_changed(f->desk->world, OBJECT_TUNNEL, t->id);
	for (int turns = 0; turns < 50; turns++)
		loop_turn(f->desk->loop);
	r = about(f, "tasks/get", id);
	assert_string_equal(json_get_string(r, "status"), "completed");
	assert_string_equal(json_get_string(json_get(r, "result"), "resultType"), "complete");
	assert_string_equal(json_get_string(content_of(r), "plan"), "p1");
	assert_string_equal(json_get_string(content_of(r), "state"), "applied");
	assert_int_equal(plans(f), 1);
	assert_int_equal(f->desk->world->routes.n, 1);
}

static void what_had_ended_is_told_at_once(void **state)
{
	struct fake *f = *state;
	struct principal who;
	grant(f, &who, "claude");
	AUTO(str_t) id = begun(f, "2s");
	while (str_equal(json_get_string(about(f, "tasks/get", id), "status"), "working"))
		loop_turn(f->desk->loop);
	for (int i = 0; i < 2; i++) {
		start_anew(f);
		const struct json *r = about(f, "tasks/get", id);
		assert_string_equal(json_get_string(r, "status"), "completed");
		assert_string_equal(json_get_string(content_of(r), "plan"), "p1");
		assert_false(json_get_bool(content_of(r), "converged", true));
	}
	assert_int_equal(plans(f), 1);
}

static void a_cancelled_one_stays_so(void **state)
{
	struct fake *f = *state;
	struct principal who;
	grant(f, &who, "claude");
	AUTO(str_t) id = begun(f, "1m");
	(void)about(f, "tasks/cancel", id);
	start_anew(f);
	assert_string_equal(json_get_string(about(f, "tasks/get", id), "status"), "cancelled");
	start_anew(f);
	(void)about(f, "tasks/cancel", id);
	assert_string_equal(json_get_string(about(f, "tasks/get", id), "status"), "cancelled");
}

static void one_of_before_can_be_cancelled(void **state)
{
	struct fake *f = *state;
	struct principal who;
	grant(f, &who, "claude");
	AUTO(str_t) id = begun(f, "1m");
	start_anew(f);
	assert_string_equal(json_get_string(about(f, "tasks/get", id), "status"), "working");
	(void)about(f, "tasks/cancel", id);
	assert_string_equal(json_get_string(about(f, "tasks/get", id), "status"), "cancelled");
	assert_int_equal(f->desk->ops.running, 0);
}

static size_t rows(struct fake *f)
{
	AUTO(strlist_t) keys = {0};
	struct err e;
	for (int turns = 0; turns < 5; turns++)
		loop_turn(f->desk->loop);
	assert_int_equal(store_list_meta(f->desk->store, "task ", &keys, &e), 0);
	return keys.n;
}

/* Not even another one of its name finds it, before or after. */
static void it_goes_with_its_grant(void **state)
{
	static const char revoke[] = "{\"name\":\"claude\"}";
	struct fake *f = *state;
	struct principal who, other;
	grant(f, &who, "claude");
	AUTO(str_t) id = begun(f, "1m");
	AUTO(str_t) second = begun(f, "1m");
	assert_int_equal(rows(f), 2);
	start_anew(f);
	grant(f, &other, "other");
	assert_null(about(f, "tasks/get", id));
	f->who = &who;
	assert_non_null(about(f, "tasks/get", id));
	fake_forget(f);
	RUNS(f->desk, &root, "grant_revoke", revoke, "revoked");
	assert_int_equal(rows(f), 0);
	grant(f, &who, "claude");
	AUTO(str_t) third = begun(f, "1m");
	fake_forget(f);
	mcp_free(f->mcp); /* nobody is there to hear of it */
	RUNS(f->desk, &root, "grant_revoke", revoke, "revoked");
	f->mcp = mcp_new(f->desk->loop, &f->desk->ops);
	grant(f, &who, "claude");
	assert_null(about(f, "tasks/get", third));
	assert_int_equal(rows(f), 0);
}

static void it_lives_no_longer_for_a_new_start(void **state)
{
	struct fake *f = *state;
	struct principal who;
	grant(f, &who, "claude");
	AUTO(str_t) id = begun(f, "1m");
	start_anew(f);
	f->mcp->tasks.ttl_ms = 1;
	assert_null(about(f, "tasks/get", id));
	assert_int_equal(fake_code(f), RPC_PARAMS);
	assert_int_equal(rows(f), 0);
}

/* Whoever cannot be promised one waits. */
static void without_a_row_there_is_no_task(void **state)
{
	struct fake *f = *state;
	AUTO(str_t) params = str_format(SLOW, "2s");
	sqlite3 *db = f->desk->store->db;
	assert_int_equal(sqlite3_exec(db,
				      "CREATE TRIGGER no BEFORE INSERT ON meta WHEN NEW.key"
				      " LIKE 'task %' BEGIN SELECT RAISE(ABORT, 'no'); END",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	const struct json *r = json_get(ask(f, "tools/call", params), "result");
	assert_string_equal(json_get_string(r, "resultType"), "complete");
	assert_string_equal(json_get_string(json_get(r, "structuredContent"), "state"), "applied");
	assert_int_equal(f->mcp->tasks.n, 0);
}

/* ---- what became of a call, by its rows ---- */

struct rows_case {
	const char *op;
	bool asked, intent;
	const char *outcome, *detail;        /* of its last row */
	const char *message, *hint, *status; /* what is told */
};

static void add_row(struct fake *f, enum ledger_phase phase, const struct rows_case *x)
{
	char plan[] = "p1";
	AUTO(str_t) mark = ledger_call_mark("0123456789ab");
	AUTO(str_t) op = str_dup(x->op);
	AUTO(str_t) outcome = str_dup(x->outcome);
	AUTO(str_t) detail = str_dup(x->detail);
	struct ledger_row row = {.phase = phase,
				 .principal = (char[]){"grant claude"},
				 .operation = op,
				 .object = (char[]){"0123456789ab"}};
	struct err e;
	if (phase == LEDGER_RESULT) {
		row.outcome = outcome;
		row.detail = detail;
	} else if (phase == LEDGER_INTENT) {
		row.object = row.plan = plan;
		row.detail = mark;
	}
	assert_int_equal(store_add_ledger(f->desk->store, &row, NULL, &e), 0);
}

static void put_case(struct fake *f, const struct principal *who, const struct rows_case *x,
		     char *id)
{
	struct task_row row = {.op = op_find(x->op),
			       .grant = who->grant,
			       .asked = x->asked ? 1 : 0,
			       .created_ms = clock_wall_ms()};
	struct err e;
	random_hex(row.id, TASK_ID_HEX);
	memcpy(id, row.id, sizeof(row.id));
	assert_true(str_copy(row.principal, sizeof(row.principal), who->name));
	assert_true(str_copy(row.call, sizeof(row.call), "0123456789ab"));
	assert_int_equal(task_row_put(f->desk->store, &row, &e), 0);
	if (x->asked)
		add_row(f, LEDGER_ASKED, x);
	if (x->intent)
		add_row(f, LEDGER_INTENT, x);
	if (x->outcome)
		add_row(f, LEDGER_RESULT, x);
}

static void check_case(struct fake *f, const struct rows_case *x)
{
	struct principal who;
	char id[TASK_ID_HEX + 1];
	struct err said = {0};
	grant(f, &who, "claude");
	if (x->intent) {
		RUNS(f->desk, &who, "route_set",
		     "{\"hostname\":\"a.example.com\",\"service\":\"http://127.0.0.1:8080\","
		     "\"wait\":false}",
		     "applied");
	}
	put_case(f, &who, x, id);
	const struct json *r = about(f, "tasks/get", id);
	bool failed = error_of(r, &said);
	if (!str_equal(json_get_string(r, "status"), x->status) || failed != !!x->message ||
	    (failed && (!strstr(said.message, x->message) || !strstr(said.hint, x->hint))))
		fail_msg("%s: %s", x->op, buf_text(&f->text));
}

/* The ledger says all of it, a grant sees a part. */
static void a_sentence_is_told_to_whom_it_may_be(void **state)
{
	static const struct rows_case x = {
		"route_set", true, false,      "conflict", "other.example.com has it already.",
		"",          "",   "completed"};
	struct fake *f = *state;
	struct principal who;
	struct err said = {0};
	char id[TASK_ID_HEX + 1];
	RUNS(f->desk, &root, "route_set",
	     "{\"hostname\":\"other.example.com\",\"service\":\"http://127.0.0.1:80\","
	     "\"wait\":false}",
	     "applied");
	RUNS(f->desk, &root, "grant_create",
	     "{\"name\":\"narrow\",\"role\":\"operator\",\"hosts\":[\"app.example.com\"]}",
	     "active");
	const struct grant *g = grants_by_name(f->desk->ops.grants, "narrow");
	assert_int_equal(principal_of_grant(g, &who), 0);
	f->who = &who;
	put_case(f, &who, &x, id);
	assert_true(error_of(about(f, "tasks/get", id), &said));
	assert_int_equal(said.kind, ERR_CONFLICT);
	assert_null(strstr(buf_text(&f->text), "other.example.com"));
}

static void what_became_of_it_is_told(void **state)
{
	static const struct rows_case cases[] = {
		{"audit_log_list", false, false, NULL, NULL, "its answer is lost",
		 "call audit_log_list again", "completed"},
		{"route_set", true, false, NULL, NULL, "it has changed nothing",
		 "Call route_set again", "completed"},
		{"route_set", true, false, "cancelled", "The caller left", "it has changed nothing",
		 "Call route_set again", "completed"},
		{"route_set", true, false, "conflict", "Somebody else has it.",
		 "Somebody else has it.", "", "completed"},
		{"route_set", true, true, "conflict", "It moved.", "It moved.", "see plan_get",
		 "completed"},
		{"connector_restart", true, false, NULL, NULL, "Whether it was done is not known",
		 "before connector_restart is called again", "completed"},
		{"connector_restart", true, false, "ok", NULL, "It was done", "See status_get",
		 "completed"},
		{"route_set", true, true, NULL, NULL, NULL, NULL, "working"},
		{"route_set", true, true, "cancelled", "The caller left", NULL, NULL, "working"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		void *fake = NULL;
		assert_int_equal(fake_open(&fake), 0);
		check_case(fake, &cases[i]);
		assert_int_equal(close_all(&fake), 0);
	}
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TASK_TEST(it_ends_with_the_outcome),
		TASK_TEST(one_that_is_cancelled_is_gone),
		TASK_TEST(it_is_its_callers_alone),
		TASK_TEST(who_declares_nothing_has_none),
		TASK_TEST(what_names_none_is_refused),
		TASK_TEST(they_are_bounded),
		TASK_TEST(it_lives_its_time),
		TASK_TEST(its_plan_is_waited_for),
		TASK_TEST(what_had_ended_is_told_at_once),
		TASK_TEST(a_cancelled_one_stays_so),
		TASK_TEST(one_of_before_can_be_cancelled),
		TASK_TEST(it_goes_with_its_grant),
		TASK_TEST(it_lives_no_longer_for_a_new_start),
		TASK_TEST(without_a_row_there_is_no_task),
		TASK_TEST(a_sentence_is_told_to_whom_it_may_be),
		cmocka_unit_test(what_became_of_it_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
