/* A yes that the ledger does not take lets nothing through, in either era; asked anew it does. */
#include "fake_carrier.h"

#include "ops/grant.h"

#define CALL                                                                                       \
	"\"name\":\"route_set\",\"arguments\":{\"hostname\":\"app.example.com\","                  \
	"\"service\":\"http://127.0.0.1:8080\",\"wait\":false}"
#define ELICITS                                                                                    \
	"\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","                   \
	"\"io.modelcontextprotocol/clientCapabilities\":{\"elicitation\":{}}}"
#define YES "{\"action\":\"accept\",\"content\":{\"confirm\":true}}"
#define NO  "{\"action\":\"decline\"}"

/* The ledger takes no word of a person, as on a disk that is full by now. */
static void ledger_fails(struct fake *f, bool fails)
{
	const char *sql = fails ? "CREATE TRIGGER full BEFORE INSERT ON ledger WHEN NEW.policy ="
				  " 'elicitation' BEGIN SELECT RAISE(ABORT, 'no'); END"
				: "DROP TRIGGER full";
	assert_int_equal(sqlite3_exec(f->desk->store->db, sql, NULL, NULL, NULL), SQLITE_OK);
}

static void careful(struct fake *f, struct principal *who)
{
	RUNS(f->desk, &root, "grant_create",
	     "{\"name\":\"careful\",\"role\":\"operator\",\"ask\":true,"
	     "\"origins\":[\"http://127.0.0.1:8080\"]}",
	     "active");
	const struct grant *g = grants_by_name(f->desk->ops.grants, "careful");
	assert_int_equal(principal_of_grant(g, who), 0);
	f->who = who;
}

static void check_nothing_done(struct fake *f)
{
	int64_t applied = -1;
	struct err e;
	assert_int_equal(f->desk->world->routes.n, 0);
	assert_int_equal(f->desk->world->revision, 0);
	assert_int_equal(store_count_plans(f->desk->store, PLAN_APPLIED, &applied, &e), 0);
	assert_int_equal(applied, 0);
}

static size_t rows_of(struct fake *f, const char *decision)
{
	const struct ledger_filter filter = {.decision = decision};
	struct ledger_row *rows;
	int64_t before = 0;
	size_t n;
	struct err e;
	assert_true(store_find_ledger(f->desk->store, &filter, &before, 1000, 100, &rows, &n, &e) >=
		    0);
	for (size_t i = 0; i < n; i++)
		ledger_row_free(&rows[i]);
	free(rows);
	return n;
}

static const char *text_of(const struct json *result)
{
	return json_get_string(json_first(json_get(result, "content")), "text");
}

static void check_sentence(struct fake *f, const struct json *result)
{
	const char *said = text_of(result);
	assert_true(json_get_bool(result, "isError", false));
	if (!said || !strstr(said, "Nothing was done") || !strstr(said, "ledger") ||
	    !strstr(said, "Call route_set again"))
		fail_msg("%s", buf_text(&f->text));
	assert_null(json_get(result, "structuredContent"));
}

/* ---- modern: the call comes again ---- */

static const struct json *ask(struct fake *f, const char *more)
{
	AUTO(str_t)
	text = str_format("{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"tools/call\","
			  "\"params\":{" ELICITS "," CALL "%s}}",
			  more);
	return json_get(fake_take(f, &fake_lines, text), "result");
}

static char *asked(struct fake *f)
{
	const struct json *r = ask(f, "");
	assert_string_equal(json_get_string(r, "resultType"), "input_required");
	return str_dup(json_get_string(r, "requestState"));
}

static const struct json *answer(struct fake *f, const char *state, const char *said)
{
	AUTO(str_t)
	more = str_format(",\"requestState\":\"%s\",\"inputResponses\":{\"confirm\":%s}", state,
			  said);
	return ask(f, more);
}

static void a_yes_that_is_not_written_is_none(void **state)
{
	struct fake *f = *state;
	struct principal who;
	careful(f, &who);
	AUTO(str_t) first = asked(f);
	ledger_fails(f, true);
	check_sentence(f, answer(f, first, YES));
	check_nothing_done(f);
	ledger_fails(f, false);
	assert_int_equal(rows_of(f, "accepted"), 0);
	assert_null(answer(f, first, YES)); /* it was used */
	assert_int_equal(fake_code(f), RPC_PARAMS);
	check_nothing_done(f);
	AUTO(str_t) second = asked(f);
	const struct json *content = json_get(answer(f, second, YES), "structuredContent");
	assert_string_equal(json_get_string(content, "state"), "applied");
	assert_int_equal(f->desk->world->routes.n, 1);
	assert_int_equal(rows_of(f, "accepted"), 1);
}

/* A no holds whether or not it can be written. */
static void a_no_that_is_not_written_is_one(void **state)
{
	struct fake *f = *state;
	struct principal who;
	careful(f, &who);
	AUTO(str_t) first = asked(f);
	ledger_fails(f, true);
	const struct json *r = answer(f, first, NO);
	assert_non_null(strstr(text_of(r), "nothing was changed"));
	check_nothing_done(f);
	check_plan(f->desk, 1, PLAN_REJECTED);
	ledger_fails(f, false);
}

/* ---- legacy: the client is asked ahead of the answer ---- */

static char *asked_ahead(struct fake *f)
{
	f->agreed = (struct session){.version = "2025-11-25", .elicits = true};
	fake_begin(f, &fake_lines,
		   "{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"tools/call\",\"params\":{" CALL
		   "}}");
	for (int turns = 0; !f->messages && turns < 1000; turns++)
		loop_turn(f->desk->loop);
	assert_string_equal(json_get_string(json_root(f->doc), "method"), "elicitation/create");
	return str_dup(json_get_string(json_root(f->doc), "id"));
}

static const struct json *answered_ahead(struct fake *f, const char *id, const char *said)
{
	AUTO(str_t)
	text = str_format("{\"jsonrpc\":\"2.0\",\"id\":\"%s\",\"result\":%s}", id, said);
	struct parcel *p = parcel_new(f->mcp, &fake_lines, f, f->who);
	p->session = f->agreed;
	p->streaming = true; /* itself it is answered by nothing */
	json_doc_free(f->doc);
	f->doc = NULL;
	parcel_take(p, text, strlen(text));
	parcel_free(p);
	for (int turns = 0; !f->doc && turns < 1000; turns++)
		loop_turn(f->desk->loop);
	assert_non_null(f->doc);
	return json_get(json_root(f->doc), "result");
}

static void a_legacy_yes_that_is_not_written_is_none(void **state)
{
	struct fake *f = *state;
	struct principal who;
	careful(f, &who);
	AUTO(str_t) first = asked_ahead(f);
	ledger_fails(f, true);
	check_sentence(f, answered_ahead(f, first, YES));
	check_nothing_done(f);
	ledger_fails(f, false);
	AUTO(str_t) second = asked_ahead(f);
	const struct json *content = json_get(answered_ahead(f, second, YES), "structuredContent");
	assert_string_equal(json_get_string(content, "state"), "applied");
	assert_int_equal(rows_of(f, "accepted"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FAKE_TEST(a_yes_that_is_not_written_is_none),
		FAKE_TEST(a_no_that_is_not_written_is_one),
		FAKE_TEST(a_legacy_yes_that_is_not_written_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
