/* The client against a scripted server and against a peer that misbehaves on the wire. */
#include "tests/unit/cloudflare/cf_bench.h"

#include "base/log.h"
#include "tests/unit/cloudflare/cf_wire.h"

static void a_call_says_who_and_what(void **state)
{
	struct cfb *b = *state;
	struct cf_call c = {0};

	SCRIPT(b, {200, OK_RESULT("{\"id\":7}"), {"CF-Ray: 8f0a-AMS"}}, {200, OK_RESULT("[]")});
	start(b, &c, "POST", "/zones/x/dns_records?a=1", "{\"name\":\"y\"}", "record d1");
	cfb_wait(b, 1);
	cfb_asked_is(b, 0, "POST " PREFIX "/zones/x/dns_records?a=1");
	assert_string_equal(b->asked[0].authorization, "Bearer " TOKEN);
	assert_string_equal(b->asked[0].type, "application/json");
	assert_string_equal(b->asked[0].accept, "application/json");
	assert_string_equal(b->asked[0].agent, "adit/" ADIT_VERSION);
	assert_string_equal(b->asked[0].body, "{\"name\":\"y\"}");
	assert_int_equal(c.task.err.kind, ERR_NONE);
	assert_int_equal(c.status, 200);
	assert_string_equal(c.ray, "8f0a-AMS");
	assert_int_equal(json_get_int(c.result, "id", 0), 7);
	assert_non_null(strstr(buf_text(c.text), "\"id\":7"));
	assert_non_null(c.errors);
	assert_null(c.info);
	assert_false(c.unknown || c.absent);

	start(b, &c, "GET", "/a", NULL, NULL); /* no reset in between */
	cfb_wait(b, 2);
	assert_string_equal(b->asked[1].type, "");
	assert_string_equal(b->asked[1].body, "");
	assert_int_equal(json_type(c.result), JSON_ARRAY);
	assert_string_equal(c.ray, "");
	cf_call_reset(&c);
}

static void a_null_result_is_success(void **state)
{
	struct cfb *b = *state;
	struct cf_call c = {0};

	SCRIPT(b, {200, OK_RESULT("null")}, {200, "{\"success\":true}"}, {204, ""});
	for (int i = 0; i < 3; i++) {
		whole(b, &c, "DELETE", "/a");
		assert_int_equal(c.task.err.kind, ERR_NONE);
		assert_null(c.result);
		assert_false(c.unknown);
	}
	cf_call_reset(&c);
}

/* What a write may have done is not known after these; a read did nothing in any case. */
static void answers_that_say_nothing(void **state)
{
	struct cfb *b = *state;
	struct cf_call c = {0};

	SCRIPT(b, {502, "<html>Bad gateway</html>", {"CF-Ray: aa-AMS"}},
	       {200, "{\"success\":true,\"result\":{\"id\":"}, {200, ""}, {200, "[1]"},
	       {200, "{\"success\":\"yes\",\"result\":{}}"},
	       {200, "{\"success\":true,\"success\":true}"}, {500, FAILURE(1, "x")},
	       {502, "<html>Bad gateway</html>"}, {200, "{"});
	for (int i = 0; i < 9; i++) {
		whole(b, &c, i < 7 ? "POST" : "GET", "/a");
		assert_int_equal(c.task.err.kind, ERR_UPSTREAM);
		assert_int_equal(c.unknown, i < 7);
		assert_true(c.task.err.retryable);
		assert_null(c.result);
		assert_int_equal(c.task.err.cloudflare.status, c.status);
		if (i == 0)
			assert_string_equal(c.task.err.cloudflare.ray, "aa-AMS");
	}
	cf_call_reset(&c);
}

static void definite_failures(void **state)
{
	struct cfb *b = *state;
	struct cf_call c = {0};

	SCRIPT(b, {400, FAILURE(81057, "The record already exists.")},
	       {404, FAILURE(81044, "Record does not exist.")}, {403, FAILURE(10000, "no")},
	       {404, "<html>nginx</html>"}, {302, "", {"Location: /elsewhere"}});
	whole(b, &c, "POST", "/a");
	assert_int_equal(c.task.err.kind, ERR_CONFLICT);
	assert_int_equal(c.task.err.cloudflare.code, 81057);
	assert_false(c.unknown || c.absent);
	assert_non_null(c.errors);
	whole(b, &c, "DELETE", "/a");
	assert_true(c.absent);
	whole(b, &c, "PUT", "/a");
	assert_string_equal(c.task.err.missing_permission, "DNS: Edit");
	whole(b, &c, "GET", "/a");
	assert_int_equal(c.task.err.kind, ERR_UPSTREAM);
	assert_false(c.absent);
	whole(b, &c, "GET", "/a"); /* and the redirect is not followed */
	assert_int_equal(c.task.err.kind, ERR_UPSTREAM);
	assert_int_equal(c.status, 302);
	cf_call_reset(&c);
}

/* ---- the wire ---- */

static void lost_and_cut_answers(void **state)
{
	static const char *const paths[] = {"/lost", "/cut", "/cutchunk", "/garbage"};
	struct cfb *b = *state;
	struct cf_call c = {0};
	struct wire w;

	wire_open(b, &w, true);
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		wire_call(b, &w, &c, "POST", paths[i]);
		assert_int_equal(c.task.err.kind, ERR_UPSTREAM);
		assert_true(c.unknown);
		assert_int_equal(c.status, 0);
		assert_null(c.result);
		assert_int_equal(b->world->system.access, ACCESS_UNREACHABLE);
		int requests = w.peer.requests;
		wire_call(b, &w, &c, "GET", paths[i]);
		assert_int_equal(c.task.err.kind, ERR_UPSTREAM);
		assert_false(c.unknown);
		assert_true(w.peer.requests > requests);
	}
	assert_null(b->world->system.writes_off);
	assert_non_null(b->world->system.access_problem);
	cf_call_reset(&c);
	cf_free(w.cf);
	peer_shut(&w.peer);
}

static void nobody_there(void **state)
{
	struct cfb *b = *state;
	struct cf_call c = {0};
	struct wire w;

	wire_open(b, &w, false);
	wire_call(b, &w, &c, "POST", "/ok");
	assert_int_equal(c.task.err.kind, ERR_UPSTREAM);
	assert_false(c.unknown); /* no byte left */
	assert_true(c.task.err.retryable);
	assert_int_equal(b->world->system.access, ACCESS_UNREACHABLE);
	int64_t since = b->world->system.access_problem->since_ms;
	int told = b->told;

	wire_call(b, &w, &c, "POST", "/ok");
	assert_int_equal(b->world->system.access_problem->since_ms, since);
	assert_int_equal(b->told, told); /* no news */
	cf_call_reset(&c);
	cf_free(w.cf);
}

static void a_huge_answer_is_refused(void **state)
{
	struct cfb *b = *state;
	struct cf_call c = {0};

	SCRIPT(b, {200, NULL, .big = ((size_t)32 << 20) + 1});
	whole(b, &c, "GET", "/a");
	assert_int_equal(c.task.err.kind, ERR_UPSTREAM);
	assert_non_null(strstr(c.task.err.message, "larger"));
	cf_call_reset(&c);
}

/* ---- 429 ---- */

#define LIMITED FAILURE(971, "Please wait and consider throttling your request speed")

static void a_429_is_waited_out(void **state)
{
	struct cfb *b = *state;
	struct cf_call c = {0};

	SCRIPT(b, {429, LIMITED, {"Retry-After: 1"}}, {429, "<html>", {"Retry-After: 1"}},
	       {200, OK_RESULT("{}")});
	int64_t begin = clock_mono_ms();
	start(b, &c, "POST", "/a", "{\"n\":1}", "o");
	cfb_wait(b, 1);
	assert_int_equal(c.task.err.kind, ERR_NONE);
	assert_true(clock_mono_ms() - begin >= 2000);
	for (int i = 0; i < 3; i++) {
		cfb_asked_is(b, (size_t)i, "POST " PREFIX "/a");
		assert_string_equal(b->asked[i].body, "{\"n\":1}");
	}
	assert_false(c.unknown);
	cf_call_reset(&c);
}

static void a_429_stops_the_others_too(void **state)
{
	struct cfb *b = *state;
	struct cf_call c = {0}, d = {0};

	SCRIPT(b, {429, LIMITED, {"Retry-After: 1"}}, {200, OK_RESULT("{}")},
	       {200, OK_RESULT("{}")});
	start(b, &c, "POST", "/first", "{}", NULL);
	int one = 1, *asked = &(int){0};
	while ((*asked = (int)b->n_asked) < one)
		loop_turn(b->loop);
	cfb_turn(b, 100);
	assert_int_equal(b->world->system.budget_remaining, 0);
	cf_call_start(b->cf, &d, CF_SHARE_PEOPLE, "GET", "/second", NULL, NULL, NULL, cfb_done, b);
	cfb_turn(b, 300);
	assert_int_equal(b->n_asked, 1);
	cfb_wait(b, 2);
	assert_int_equal(c.task.err.kind, ERR_NONE);
	assert_int_equal(d.task.err.kind, ERR_NONE);
	cf_call_reset(&c);
	cf_call_reset(&d);
}

static void patience_has_an_end(void **state)
{
	struct cfb *b = *state;
	struct cf_call c = {0};

	SCRIPT(b, {429, LIMITED, {"Retry-After: 1"}}, {429, LIMITED, {"Retry-After: 1"}},
	       {429, LIMITED, {"Retry-After: 1"}}, {429, LIMITED, {"Retry-After: 1"}});
	start(b, &c, "PUT", "/a", "{}", NULL);
	cfb_wait(b, 1);
	assert_int_equal(c.task.err.kind, ERR_RATE_LIMITED);
	assert_true(c.task.err.retryable);
	assert_true(c.task.err.retry_after_ms > 0);
	assert_false(c.unknown); /* known to have had no effect */
	cf_call_reset(&c);
}

static void too_long_a_wait_is_told_at_once(void **state)
{
	struct cfb *b = *state;
	struct cf_call c = {0};

	SCRIPT(b, {429, LIMITED, {"Retry-After: 400"}});
	start(b, &c, "GET", "/a", NULL, NULL);
	cfb_wait(b, 1);
	assert_int_equal(c.task.err.kind, ERR_RATE_LIMITED);
	assert_true(c.task.err.retry_after_ms > 390000);
	cf_call_reset(&c);
}

/* ---- one request per object ---- */

static int in_order(struct cfb *b, struct cf_call *c, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char path[32];

		(void)snprintf(path, sizeof(path), "/%zu", i);
		start(b, &c[i], "PUT", path, "{}", i == 2 ? "other" : "same");
	}
	cfb_turn(b, 150);
	return (int)b->n_asked;
}

static void one_at_a_time_for_each_object(void **state)
{
	struct cfb *b = *state;
	struct cf_call c[5] = {0};

	SCRIPT(b, {200, OK_RESULT("{}"), .hold = true}, {200, OK_RESULT("{}")},
	       {404, FAILURE(1, "x"), .hold = true}, {200, OK_RESULT("{}")},
	       {200, OK_RESULT("{}")});
	assert_int_equal(in_order(b, c, 5), 2);
	cfb_asked_is(b, 0, "PUT " PREFIX "/0");
	cfb_asked_is(b, 1, "PUT " PREFIX "/2");
	assert_int_equal(b->done, 1);
	cfb_release(b);
	cfb_turn(b, 100);
	assert_int_equal(b->n_asked, 3);
	cfb_asked_is(b, 2, "PUT " PREFIX "/1");
	cfb_release(b); /* a failure frees the object as well */
	cfb_wait(b, 5);
	cfb_asked_is(b, 3, "PUT " PREFIX "/3");
	cfb_asked_is(b, 4, "PUT " PREFIX "/4");
	for (int i = 0; i < 5; i++)
		cf_call_reset(&c[i]);
}

static void the_object_is_kept_over_a_429(void **state)
{
	struct cfb *b = *state;
	struct cf_call c[2] = {0};

	SCRIPT(b, {429, LIMITED, {"Retry-After: 1"}}, {200, OK_RESULT("{}"), .hold = true},
	       {200, OK_RESULT("{}")});
	assert_int_equal(in_order(b, c, 2), 1);
	cfb_turn(b, 1200);
	assert_int_equal(b->n_asked, 2);
	cfb_asked_is(b, 1, "PUT " PREFIX "/0");
	cfb_release(b);
	cfb_wait(b, 2);
	cfb_asked_is(b, 2, "PUT " PREFIX "/1");
	cf_call_reset(&c[0]);
	cf_call_reset(&c[1]);
}

/* ---- cancel ---- */

static void cancelled_in_flight(void **state)
{
	struct cfb *b = *state;
	struct cf_call c[2] = {0};

	SCRIPT(b, {200, OK_RESULT("{}"), .hold = true}, {200, OK_RESULT("{}")});
	assert_int_equal(in_order(b, c, 2), 1);
	cf_call_cancel(&c[0]);
	cf_call_cancel(&c[0]);
	cfb_wait(b, 1); /* the other one had waited for the object */
	cfb_asked_is(b, 1, "PUT " PREFIX "/1");
	assert_false(c[0].task.busy);
	cf_call_reset(&c[0]);
	cf_call_reset(&c[1]);
}

static void cancelled_while_queued(void **state)
{
	struct cfb *b = *state;
	struct cf_call c[4] = {0};

	SCRIPT(b, {200, OK_RESULT("{}"), .hold = true}, {200, OK_RESULT("{}")},
	       {200, OK_RESULT("{}")});
	assert_int_equal(in_order(b, c, 4), 2);
	cf_call_cancel(&c[1]);
	cfb_release(b);
	cfb_wait(b, 3);
	cfb_asked_is(b, 2, "PUT " PREFIX "/3");
	for (int i = 0; i < 4; i++)
		cf_call_reset(&c[i]);
}

static void cancelled_while_waiting_for_the_budget(void **state)
{
	struct cfb *b = *state;
	struct cf_call c[4] = {0};

	SCRIPT(b, {200, OK_RESULT("{}")});
	cfb_client(b, 3, 3600000);
	start(b, &c[0], "PUT", "/0", "{}", "a");
	cfb_wait(b, 1);
	start(b, &c[1], "PUT", "/1", "{}", "b");
	start(b, &c[2], "PUT", "/2", "{}", "b");
	cfb_turn(b, 100);
	assert_int_equal(b->n_asked, 1);
	cf_call_cancel(&c[1]);
	cfb_turn(b, 50);
	cf_call_cancel(&c[2]);
	cf_call_cancel(&c[3]); /* never started */
	cfb_turn(b, 50);
	for (int i = 0; i < 4; i++)
		cf_call_reset(&c[i]);
}

static void cancelled_when_it_had_ended(void **state)
{
	struct cfb *b = *state;
	struct cf_call c = {0};
	struct err why;

	(void)err_set(&why, ERR_INVALID, "no");
	cf_call_refuse(b->cf, &c, &why, cfb_done, b);
	cf_call_cancel(&c);
	cfb_turn(b, 50);
	assert_int_equal(b->done, 0);
	cf_call_refuse(b->cf, &c, &why, cfb_done, b);
	cfb_wait(b, 1);
	assert_int_equal(c.task.err.kind, ERR_INVALID);
	cf_call_cancel(&c);
	cf_call_reset(&c);
}

static void the_client_goes_before_its_calls(void **state)
{
	struct cfb *b = *state;
	struct cf_call c[6] = {0};
	struct err why;

	SCRIPT(b, {200, OK_RESULT("{}"), .hold = true}, {200, OK_RESULT("{}"), .hold = true});
	assert_int_equal(in_order(b, c, 4), 2);
	(void)err_set(&why, ERR_INVALID, "no");
	start(b, &c[4], "GET", "/4", NULL, NULL);
	cf_call_refuse(b->cf, &c[5], &why, cfb_done, b);
	cf_free(b->cf);
	b->cf = NULL;
	cfb_turn(b, 50);
	assert_int_equal(b->done, 0);
	for (int i = 0; i < 6; i++) {
		cf_call_cancel(&c[i]);
		cf_call_reset(&c[i]);
	}
}

static void start_again_in_done(struct task *t, void *owner)
{
	struct cfb *b = owner;
	struct cf_call *c = (struct cf_call *)(void *)t;

	if (++b->done < 3)
		cf_call_start(b->cf, c, CF_SHARE_READS, "GET", "/again", NULL, "o", NULL,
			      start_again_in_done, b);
	else
		cf_call_reset(c);
}

static void started_again_in_done(void **state)
{
	struct cfb *b = *state;
	struct cf_call c = {0};

	SCRIPT(b, {200, OK_RESULT("{}")}, {500, ""}, {200, OK_RESULT("{}")});
	cf_call_start(b->cf, &c, CF_SHARE_READS, "GET", "/again", NULL, "o", NULL,
		      start_again_in_done, b);
	cfb_wait(b, 3);
	cfb_turn(b, 20);
}

/* ---- budget ---- */

static void the_budget_paces(void **state)
{
	struct cfb *b = *state;
	struct cf_call c[8] = {0};

	SCRIPT(b, {200, OK_RESULT("{}")}, {200, OK_RESULT("{}")}, {200, OK_RESULT("{}")},
	       {200, OK_RESULT("{}")}, {200, OK_RESULT("{}")}, {200, OK_RESULT("{}")},
	       {200, OK_RESULT("{}")}, {200, OK_RESULT("{}")});
	cfb_client(b, 15, 1000); /* 2 at once, then 10 a second, of which 4 to 8 are ours */
	int64_t begin = clock_mono_ms();
	for (int i = 0; i < 8; i++)
		start(b, &c[i], "GET", "/a", NULL, NULL);
	cfb_wait(b, 8);
	assert_true(clock_mono_ms() - begin >= 500);
	for (int i = 0; i < 8; i++)
		cf_call_reset(&c[i]);
}

static void people_do_not_wait_behind_reconciling(void **state)
{
	struct cfb *b = *state;
	struct cf_call c[4] = {0}, person = {0};

	SCRIPT(b, {200, OK_RESULT("{}")}, {200, OK_RESULT("{}")});
	cfb_client(b, 3, 3600000);
	for (int i = 0; i < 4; i++)
		start(b, &c[i], "GET", "/reconcile", NULL, NULL);
	cfb_turn(b, 100);
	cf_call_start(b->cf, &person, CF_SHARE_PEOPLE, "GET", "/person", NULL, NULL, NULL, cfb_done,
		      b);
	cfb_wait(b, 2);
	cfb_asked_is(b, 1, "GET " PREFIX "/person");
	for (int i = 0; i < 4; i++) {
		cf_call_cancel(&c[i]);
		cf_call_reset(&c[i]);
	}
	cf_call_reset(&person);
}

static void a_larger_budget_lets_them_go(void **state)
{
	struct cfb *b = *state;
	struct cf_call c[3] = {0};

	SCRIPT(b, {200, OK_RESULT("{}")}, {200, OK_RESULT("{}")}, {200, OK_RESULT("{}")});
	cfb_client(b, 3, 3600000);
	for (int i = 0; i < 3; i++)
		start(b, &c[i], "GET", "/a", NULL, NULL);
	cfb_wait(b, 1);
	cf_set_budget(b->cf, 100000, 1000);
	cfb_wait(b, 3);
	for (int i = 0; i < 3; i++)
		cf_call_reset(&c[i]);
}

static void figures_reach_the_world(void **state)
{
	struct cfb *b = *state;
	struct cf_call c = {0};
	const struct system_facts *s = &b->world->system;

	SCRIPT(b,
	       {200,
		OK_RESULT("{}"),
		{"Ratelimit: \"default\";r=900;t=100",
		 "Ratelimit-Policy: \"default\";q=1200;w=300"}},
	       {200,
		OK_RESULT("{}"),
		{"Ratelimit: \"default\";r=899;t=100",
		 "Ratelimit-Policy: \"default\";q=1200;w=300"}},
	       {200,
		OK_RESULT("{}"),
		{"Ratelimit: \"default\";r=500;t=99",
		 "Ratelimit-Policy: \"default\";q=1200;w=300"}},
	       {200, OK_RESULT("{}"), {"Ratelimit: r=5", "Ratelimit-Policy: ;;;"}});
	whole(b, &c, "GET", "/a");
	assert_int_equal(s->budget_limit, 1200);
	assert_int_equal(s->budget_remaining, 900);
	assert_in_range(s->budget_reset_s, 99, 100);
	int told = b->told;
	whole(b, &c, "GET", "/a");
	assert_int_equal(s->budget_remaining, 899);
	assert_int_equal(b->told, told);
	whole(b, &c, "GET", "/a");
	assert_int_equal(s->budget_remaining, 500);
	assert_int_equal(b->told, told + 1);
	whole(b, &c, "GET", "/a");
	assert_int_equal(s->budget_remaining, 499); /* counted down by ourselves */
	cf_call_reset(&c);
}

/* ---- options ---- */

static void base_urls(void **state)
{
	static const struct {
		const char *url;
		bool good;
	} urls[] = {
		{"https://api.cloudflare.com/client/v4", true},
		{"https://api.cloudflare.com/client/v4///", true},
		{"http://127.0.0.1:8080/client/v4", true},
		{"http://[::1]:8080", true},
		{"http://localhost:8080/x", true},
		{"http://api.cloudflare.com/client/v4", false},
		{"http://192.168.1.1/", false},
		{"ftp://127.0.0.1/", false},
		{"https://user:pass@api.cloudflare.com/", false},
		{"https://api.cloudflare.com/?a=b", false},
		{"", false},
		{NULL, false},
	};
	struct cfb *b = *state;

	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		struct cf_options o = {urls[i].url, ACCOUNT, 600, 300000};
		struct cf *cf = NULL;
		struct err e;
		int rc = cf_new(b->loop, b->http, b->world, &o, &cf, &e);

		if ((rc == 0) != urls[i].good)
			fail_msg("%s", urls[i].url ? urls[i].url : "NULL");
		if (rc < 0)
			assert_int_equal(e.kind, ERR_INVALID);
		cf_free(cf);
	}
}

static void an_account_may_be_missing(void **state)
{
	static const char *const ids[] = {NULL, "", "x", "023e105f4ecef8ad9ca31a8372d0c35/"};
	struct cfb *b = *state;

	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		struct cf_options o = {"https://example.com", ids[i], 600, 300000};
		const char *account;
		struct cf *cf = NULL;
		struct err e;

		assert_int_equal(cf_new(b->loop, b->http, b->world, &o, &cf, &e), 0);
		assert_int_equal(cf_account(cf, &account, &e), -1);
		assert_int_equal(e.kind, ERR_DENIED);
		assert_non_null(strstr(e.hint, "account_id"));
		cf_free(cf);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_call_says_who_and_what),
		TEST(a_null_result_is_success),
		TEST(answers_that_say_nothing),
		TEST(definite_failures),
		TEST(lost_and_cut_answers),
		TEST(nobody_there),
		TEST(a_huge_answer_is_refused),
		TEST(a_429_is_waited_out),
		TEST(a_429_stops_the_others_too),
		TEST(patience_has_an_end),
		TEST(too_long_a_wait_is_told_at_once),
		TEST(one_at_a_time_for_each_object),
		TEST(the_object_is_kept_over_a_429),
		TEST(cancelled_in_flight),
		TEST(cancelled_while_queued),
		TEST(cancelled_while_waiting_for_the_budget),
		TEST(cancelled_when_it_had_ended),
		TEST(the_client_goes_before_its_calls),
		TEST(started_again_in_done),
		TEST(the_budget_paces),
		TEST(people_do_not_wait_behind_reconciling),
		TEST(a_larger_budget_lets_them_go),
		TEST(figures_reach_the_world),
		TEST(base_urls),
		TEST(an_account_may_be_missing),
	};

	log_init("test", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
