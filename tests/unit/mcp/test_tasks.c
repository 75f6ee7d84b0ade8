/* Calls that go on by themselves: who may have them, whose they are, how many, and how they end. */
#include "fake_carrier.h"

#include "mcp/tasks.h"

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
	tasks_free(&f->mcp->tasks);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TASK_TEST(it_ends_with_the_outcome),   TASK_TEST(one_that_is_cancelled_is_gone),
		TASK_TEST(it_is_its_callers_alone),    TASK_TEST(who_declares_nothing_has_none),
		TASK_TEST(what_names_none_is_refused), TASK_TEST(they_are_bounded),
		TASK_TEST(it_lives_its_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
