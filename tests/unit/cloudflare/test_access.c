/* What answers say about the token and about our access as a whole. */
#include "tests/unit/cloudflare/cf_bench.h"

#include "base/log.h"
#include "tests/unit/cloudflare/cf_wire.h"

static void a_401_switches_writes_off_until_a_success(void **state)
{
	struct cfb *b = *state;
	const struct system_facts *s = &b->world->system;
	struct cf_call c = {0};

	SCRIPT(b, {200, OK_RESULT("{}")}, {401, FAILURE(1000, "Invalid API Token")},
	       {401, FAILURE(1000, "Invalid API Token")}, {500, ""}, {404, FAILURE(1, "x")},
	       {200, OK_RESULT("{}")});
	assert_int_equal(s->access, ACCESS_UNCHECKED);
	whole(b, &c, "GET", "/a");
	assert_int_equal(s->access, ACCESS_OK);
	whole(b, &c, "GET", "/a");
	assert_int_equal(s->access, ACCESS_REFUSED);
	assert_int_equal(c.task.err.kind, ERR_DENIED);
	assert_string_equal(s->writes_off, "the API token was refused");
	assert_non_null(strstr(s->access_problem->err.message, "the API token was refused"));
	int told = b->told;
	for (int i = 0; i < 3; i++) {
		whole(b, &c, "GET", "/a");
		assert_int_equal(s->access, ACCESS_REFUSED);
		assert_non_null(s->writes_off);
	}
	assert_int_equal(b->told, told);
	whole(b, &c, "GET", "/a");
	assert_int_equal(s->access, ACCESS_OK);
	assert_null(s->writes_off);
	assert_null(s->access_problem);
	cf_call_reset(&c);
}

static void another_reason_to_write_nothing_stays(void **state)
{
	struct cfb *b = *state;
	struct cf_call c = {0};

	SCRIPT(b, {401, FAILURE(1000, "x")}, {200, OK_RESULT("{}")});
	str_set(&b->world->system.writes_off, "the store was restored");
	whole(b, &c, "GET", "/a");
	assert_int_equal(b->world->system.access, ACCESS_REFUSED);
	whole(b, &c, "GET", "/a");
	assert_int_equal(b->world->system.access, ACCESS_OK);
	assert_string_equal(b->world->system.writes_off, "the store was restored");
	cf_call_reset(&c);
}

static void refusals_that_are_not_the_tokens(void **state)
{
	struct cfb *b = *state;
	const struct system_facts *s = &b->world->system;
	struct cf_call c = {0};

	SCRIPT(b, {401, "<html>captive portal</html>"}, {403, FAILURE(10000, "no")},
	       {401, FAILURE(1000, "not a user token")}, {400, FAILURE(6003, "Invalid headers")});
	whole(b, &c, "GET", "/a");
	whole(b, &c, "GET", "/a");
	cf_call_start_with(b->cf, &c, CF_SHARE_PEOPLE, "GET", "/user/tokens/verify", NULL, NULL,
			   NULL, CF_CALL_TRYING, cfb_done, b);
	cfb_wait(b, 3);
	assert_int_equal(c.task.err.kind, ERR_DENIED);
	assert_int_equal(s->access, ACCESS_UNCHECKED);
	assert_null(s->writes_off);
	whole(b, &c, "GET", "/a");
	assert_int_equal(s->access, ACCESS_REFUSED);
	cf_call_reset(&c);
}

static void a_token_that_may_not_be_used_from_here(void **state)
{
	struct cfb *b = *state;
	struct cf_call c = {0};

	SCRIPT(b, {403, FAILURE(9109, "Unauthorized to access requested resource")},
	       {403, FAILURE(9109, "Cannot use the access token from location: 192.0.2.1")});
	whole(b, &c, "GET", "/a");
	assert_string_equal(c.task.err.missing_permission, "DNS: Edit");
	assert_int_equal(b->world->system.access, ACCESS_UNCHECKED);
	whole(b, &c, "GET", "/a");
	assert_string_equal(c.task.err.missing_permission, "");
	assert_non_null(strstr(c.task.err.hint, "filter"));
	assert_int_equal(b->world->system.access, ACCESS_REFUSED);
	assert_non_null(b->world->system.writes_off);
	cf_call_reset(&c);
}

static void any_answer_means_reached(void **state)
{
	struct cfb *b = *state;
	struct cf_call c = {0};
	struct wire w;

	SCRIPT(b, {404, "<html>"}, {404, FAILURE(1, "x")});
	wire_open(b, &w, true);
	wire_call(b, &w, &c, "GET", "/lost");
	whole(b, &c, "GET", "/a");
	assert_int_equal(b->world->system.access, ACCESS_UNREACHABLE);
	whole(b, &c, "GET", "/a");
	assert_int_equal(b->world->system.access, ACCESS_OK);
	assert_null(b->world->system.access_problem);
	cf_call_reset(&c);
	cf_free(w.cf);
	peer_shut(&w.peer);
}

static void without_a_token_nothing_is_sent(void **state)
{
	struct cfb *b = *state;
	struct cf_call c = {0};
	struct secret none = {0};

	cf_set_token(b->cf, &none);
	whole(b, &c, "GET", "/a");
	assert_int_equal(c.task.err.kind, ERR_DENIED);
	assert_non_null(strstr(c.task.err.hint, "api_token_file"));
	cf_call_reset(&c);
}

static void a_new_token_forgets_the_refusal(void **state)
{
	struct cfb *b = *state;
	const struct system_facts *s = &b->world->system;
	struct cf_call c = {0};
	struct secret other = {0};

	SCRIPT(b, {401, FAILURE(1000, "x")}, {401, FAILURE(1000, "x"), .hold = true},
	       {200, OK_RESULT("{}")});
	whole(b, &c, "GET", "/a");
	assert_int_equal(s->access, ACCESS_REFUSED);
	start(b, &c, "GET", "/a", NULL, NULL);
	cfb_turn(b, 100);
	secret_set(&other, "new-token", 9);
	cf_set_token(b->cf, &other);
	secret_free(&other);
	assert_int_equal(s->access, ACCESS_UNCHECKED);
	assert_null(s->writes_off);
	cfb_release(b); /* the old token's refusal says nothing about the new one */
	cfb_wait(b, 2);
	assert_int_equal(s->access, ACCESS_UNCHECKED);
	whole(b, &c, "GET", "/a");
	assert_string_equal(b->asked[2].authorization, "Bearer new-token");
	assert_int_equal(s->access, ACCESS_OK);
	cf_call_reset(&c);
}

static void the_token_is_never_quoted(void **state)
{
	struct cfb *b = *state;
	struct cf_call c = {0};

	SCRIPT(b, {401, FAILURE(1000, "bad token " TOKEN)},
	       {400, FAILURE(6111, "Authorization: Bearer " TOKEN)});
	for (int i = 0; i < 2; i++) {
		whole(b, &c, "GET", "/a");
		assert_int_equal(c.task.err.kind, ERR_DENIED);
		assert_null(strstr(c.task.err.message, "cfat_"));
		assert_non_null(strstr(c.task.err.message, "left out"));
		assert_null(strstr(b->world->system.access_problem->err.message, "cfat_"));
	}
	cf_call_reset(&c);
}

static void a_token_that_no_header_can_hold(void **state)
{
	struct cfb *b = *state;
	struct cf_call c = {0};
	struct secret odd = {0};

	secret_set(&odd, "a\r\nX-Evil: 1", 12);
	cf_set_token(b->cf, &odd);
	secret_free(&odd);
	whole(b, &c, "GET", "/a");
	assert_int_equal(c.task.err.kind, ERR_INVALID);
	assert_false(c.unknown);
	assert_null(strstr(c.task.err.message, "Evil"));
	cf_call_reset(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_401_switches_writes_off_until_a_success),
		TEST(another_reason_to_write_nothing_stays),
		TEST(refusals_that_are_not_the_tokens),
		TEST(a_token_that_may_not_be_used_from_here),
		TEST(any_answer_means_reached),
		TEST(without_a_token_nothing_is_sent),
		TEST(a_new_token_forgets_the_refusal),
		TEST(the_token_is_never_quoted),
		TEST(a_token_that_no_header_can_hold),
	};

	log_init("test", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
