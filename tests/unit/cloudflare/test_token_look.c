/* A look at a token: whose it is, what its row says, and what is tried where it says nothing. */
#include "tests/unit/cloudflare/cf_bench.h"

#include "base/log.h"
#include "cloudflare/token_look.h"

#define ID       "4536bcfad5faccb111b47003c79917fa"
#define VERIFIED OK_RESULT("{\"id\":\"" ID "\",\"status\":\"active\"}")
#define UNKNOWN  FAILURE(1000, "Invalid API Token")
#define DENIED   FAILURE(10000, "Authentication error")
#define NONE     FAILURE(10003, "could not find entrypoint ruleset")
#define PROBES   9

static struct cf_token_look *look(struct cfb *b, const char *zone)
{
	struct cf_token_look *x = mem_alloc(sizeof(*x));

	cf_token_look_start(b->cf, x, zone, cfb_done, b);
	assert_int_equal(b->done, 0);
	cfb_wait(b, 1);
	return x;
}

static void look_free(struct cf_token_look *x)
{
	cf_token_look_cancel(x);
	cf_token_look_reset(x);
	free(x);
}

static void its_own_row_says_it(void **state)
{
	struct cfb *b = *state;

	SCRIPT(b, {200, VERIFIED},
	       {200, OK_RESULT("{\"id\":\"" ID "\",\"name\":\"mine\",\"status\":\"active\","
			       "\"policies\":[{\"effect\":\"allow\",\"permission_groups\":["
			       "{\"name\":\"DNS Write\"},{\"name\":\"API Tokens Read\"}],"
			       "\"resources\":{\"com.cloudflare.api.account.zone." ZONE
			       "\":\"*\"}}]}")});
	struct cf_token_look *x = look(b, ZONE);
	assert_int_equal(x->task.err.kind, ERR_NONE);
	assert_int_equal(x->owner, CF_OWNER_USER);
	assert_string_equal(x->token->id, ID);
	assert_string_equal(x->name, "mine");
	assert_true(x->by_policies);
	assert_int_equal(x->may[CF_DNS_EDIT], CF_MAY_PARTLY);
	assert_int_equal(x->may[CF_DNS_READ], CF_MAY_PARTLY);
	assert_int_equal(x->may[CF_TUNNEL_READ], CF_MAY_NOT);
	cfb_asked_is(b, 0, "GET " PREFIX "/user/tokens/verify");
	cfb_asked_is(b, 1, "GET " PREFIX "/user/tokens/" ID);
	look_free(x);
}

static void an_accounts_token_that_may_not_see_itself(void **state)
{
	struct cfb *b = *state;

	SCRIPT(b, {401, UNKNOWN}, {200, VERIFIED}, {403, DENIED}, {403, DENIED}, {403, DENIED},
	       {403, DENIED}, {403, DENIED}, {403, DENIED}, {403, DENIED}, {403, DENIED},
	       {403, DENIED}, {403, DENIED});
	struct cf_token_look *x = look(b, ZONE);
	assert_int_equal(x->owner, CF_OWNER_ACCOUNT);
	assert_false(x->by_policies);
	assert_null(x->name);
	assert_int_equal(b->n_asked, 3 + PROBES);
	for (int p = 0; p < CF_PERMISSIONS; p++)
		if (cf_permission_is_zones((enum cf_permission)p)) /* perhaps of another zone */
			assert_int_equal(x->may[p], CF_MAY_UNKNOWN);
		else if (p != CF_USER_TOKENS_READ) /* not its own to have */
			assert_int_equal(x->may[p], CF_MAY_NOT);
	cfb_asked_is(b, 1, "GET " PREFIX "/accounts/" ACCOUNT "/tokens/verify");
	cfb_asked_is(b, 2, "GET " PREFIX "/accounts/" ACCOUNT "/tokens/" ID);
	assert_int_equal(b->world->system.access, ACCESS_UNCHECKED);
	look_free(x);
}

/* What is not there may be read; what fails is unknown; who may read need not be one who edits. */
static void what_is_tried(void **state)
{
	static const struct {
		int status;
		const char *body;
		enum cf_may read, edit;
	} cases[] = {
		{404, NONE, CF_MAY, CF_MAY_UNKNOWN},
		{200, OK_RESULT("[]"), CF_MAY, CF_MAY_UNKNOWN},
		{500, FAILURE(1, "no"), CF_MAY_UNKNOWN, CF_MAY_UNKNOWN},
	};
	struct cfb *b = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		static struct said_answer script[1 + PROBES];
		script[0] = (struct said_answer){403, DENIED};
		for (size_t k = 1; k < ARRAY_LEN(script); k++)
			script[k] = (struct said_answer){cases[i].status, cases[i].body};
		b->script = script;
		b->n_script = ARRAY_LEN(script);
		while (b->n_asked > 0)
			free(b->asked[--b->n_asked].body);
		b->done = 0;
		struct cf_token_look *x = look(b, ZONE);
		assert_int_equal(x->owner, CF_OWNER_UNKNOWN);
		assert_null(x->token);
		assert_int_equal(b->n_asked, 1 + PROBES);
		assert_int_equal(x->may[CF_DNS_READ], cases[i].read);
		assert_int_equal(x->may[CF_DNS_EDIT], cases[i].edit);
		assert_int_equal(x->may[CF_ZONE_WAF_READ], cases[i].read);
		look_free(x);
	}
}

static void tried_on_a_zone_of_its_own(void **state)
{
	static const char others[] = "fedcba9876543210fedcba9876543210";
	struct cfb *b = *state;

	SCRIPT(b, {403, DENIED},
	       {200, OK_RESULT("[{\"id\":\"fedcba9876543210fedcba9876543210\"}]")}, {403, DENIED},
	       {403, DENIED}, {403, DENIED}, {403, DENIED}, {403, DENIED}, {403, DENIED},
	       {403, DENIED}, {403, DENIED});
	struct cf_token_look *x = look(b, ZONE);
	assert_int_equal(b->n_asked, 1 + PROBES);
	assert_int_equal(x->may[CF_ZONE_READ], CF_MAY);
	assert_int_equal(x->may[CF_DNS_READ], CF_MAY_NOT);
	assert_int_equal(x->may[CF_ZONE_WAF_READ], CF_MAY_NOT);
	int there = 0;
	for (size_t i = 0; i < b->n_asked; i++) {
		assert_null(strstr(b->asked[i].line, ZONE));
		there += strstr(b->asked[i].line, others) != NULL;
	}
	assert_int_equal(there, 3);
	look_free(x);
}

static void one_that_ended_is_asked_no_more(void **state)
{
	struct cfb *b = *state;

	SCRIPT(b, {200, OK_RESULT("{\"id\":\"" ID "\",\"status\":\"expired\"}")});
	struct cf_token_look *x = look(b, ZONE);
	assert_int_equal(x->token->status, CF_TOKEN_EXPIRED);
	assert_false(cf_token_look_usable(x));
	assert_int_equal(x->may[CF_DNS_READ], CF_MAY_UNKNOWN);
	look_free(x);
}

static void one_that_nobody_knows(void **state)
{
	struct cfb *b = *state;

	SCRIPT(b, {401, UNKNOWN}, {401, UNKNOWN});
	struct cf_token_look *x = look(b, "");
	assert_int_equal(x->task.err.kind, ERR_DENIED);
	assert_null(x->token);
	assert_false(cf_token_look_usable(x));
	assert_int_equal(x->may[CF_DNS_READ], CF_MAY_UNKNOWN);
	look_free(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(its_own_row_says_it),   TEST(an_accounts_token_that_may_not_see_itself),
		TEST(what_is_tried),         TEST(one_that_ended_is_asked_no_more),
		TEST(one_that_nobody_knows), TEST(tried_on_a_zone_of_its_own),
	};

	log_init("test", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
