/* Another secret against a Cloudflare that loses answers, refuses or has somebody else's, and a
 * store that is full. */
#include "model/plan.h"
#include "reconcile/apply.h"
#include "tests/unit/reconcile/bench.h"

#define OLD_SECRET "b2xkLW9sZC1vbGQtb2xkLW9sZC1vbGQtb2xkLW9sZC0="

static enum err_kind run(struct bench *b, enum action_kind kind, const char *id)
{
	struct action action = {.kind = kind, .reason = "test"};
	struct act a;
	(void)str_copy(action.object_id, ID_SIZE, id);
	b->done = 0;
	act_start(&b->x, &a, &action, bench_acted, b);
	UNTIL(b, b->done);
	act_fini(&a);
	return b->failure.kind;
}

static char *token_with(const char *secret)
{
	AUTO(str_t)
	text = str_format("{\"a\":\"" ACCOUNT "\",\"t\":\"" REMOTE "\",\"s\":\"%s\"}", secret);
	return base64_encode(text, strlen(text));
}

static void answer_token(struct bench *b, const char *secret)
{
	static char texts[4][600];
	static size_t next;
	AUTO(str_t) token = token_with(secret);
	char *text = texts[next++ % ARRAY_LEN(texts)];
	(void)snprintf(text, sizeof(texts[0]), RESULT("\"%s\""), token);
	bench_answers(b, "GET", TUNNEL_AT "/token", 200, text, 1);
}

static char *new_secret(struct bench *b, const struct tunnel *t)
{
	AUTO(secret_t) secret = {0};
	struct err e;
	if (store_load_secret(b->store, t->id, &secret, &e) < 0)
		fail_msg("%s", e.message);
	return str_dup(secret.data);
}

/* A made tunnel with a token in the store, and a plan to rotate its secret applied. */
static struct tunnel *asked(struct bench *b)
{
	struct tunnel *t = bench_tunnel(b, true);
	AUTO(plan_t) p = plan_new("tunnel_rotate", "somebody", NULL);
	AUTO(secret_t) token = {0};
	AUTO(str_t) text = token_with(OLD_SECRET);
	AUTO(str_t) before = new_secret(b, t);
	struct err e;
	secret_set(&token, text, strlen(text));
	(void)str_copy(b->world->system.account_id, CF_ID_SIZE, ACCOUNT);
	plan_put_tunnel(p, t)->rotate = true;
	if (store_begin(b->store, &e) < 0 || store_save_token(b->store, t->id, &token, &e) < 0 ||
	    apply_store(b->world, b->store, p, &e) < 0 || store_commit(b->store, &e) < 0)
		fail_msg("%s", e.message);
	apply_world(b->world, p);
	AUTO(str_t) after = new_secret(b, t);
	assert_string_not_equal(before, after);
	assert_true(t->rotating && !t->rotate_sent_ms);
	return t;
}

/* What an aditd that starts now knows of it. */
static void recalled(struct bench *b, struct tunnel *t)
{
	t->rotating = t->rotate_lost = false;
	t->rotate_sent_ms = 0;
	act_rotate_recall(&b->x);
}

#define TUNNEL_NOW "{\"id\":\"" REMOTE "\",\"name\":\"web\"}"

static void it_is_over_when_its_token_says_so(void **state)
{
	struct bench *b = *state;
	struct tunnel *t = asked(b);
	AUTO(str_t) secret = new_secret(b, t);
	bench_answers(b, "PATCH", TUNNEL_AT, 200, RESULT(TUNNEL_NOW), 1);
	assert_int_equal(run(b, ACT_TUNNEL_SECRET, t->id), ERR_NONE);
	assert_true(t->rotating && t->rotate_sent_ms > 0);
	recalled(b, t);
	assert_true(t->rotating && t->rotate_sent_ms > 0);
	answer_token(b, OLD_SECRET);
	assert_int_equal(run(b, ACT_TUNNEL_CONFIRM, t->id), ERR_NONE);
	assert_true(t->rotating && t->observed.secret_looked_ms > 0);
	assert_int_equal(t->token_generation, 1);
	b->n_rules = 0;
	answer_token(b, secret);
	assert_int_equal(run(b, ACT_TUNNEL_CONFIRM, t->id), ERR_NONE);
	assert_int_equal(t->token_generation, 2);
	assert_false(t->rotating);
	recalled(b, t);
	assert_false(t->rotating);
	assert_int_equal(bench_writes(b), 1);
}

static void a_token_that_is_here_already_replaces_no_connector(void **state)
{
	struct bench *b = *state;
	struct tunnel *t = asked(b);
	AUTO(str_t) secret = new_secret(b, t);
	AUTO(secret_t) token = {0};
	AUTO(str_t) text = token_with(secret);
	struct err e;
	secret_set(&token, text, strlen(text));
	if (store_begin(b->store, &e) < 0 || store_save_token(b->store, t->id, &token, &e) < 0 ||
	    store_commit(b->store, &e) < 0)
		fail_msg("%s", e.message);
	answer_token(b, secret);
	assert_int_equal(run(b, ACT_TUNNEL_CONFIRM, t->id), ERR_NONE);
	assert_false(t->rotating);
	assert_int_equal(t->token_generation, 1);
}

static void a_lost_answer_is_not_a_refusal(void **state)
{
	struct bench *b = *state;
	struct tunnel *t = asked(b);
	bench_answers(b, "PATCH", TUNNEL_AT, 502, "gateway", 0);
	assert_int_not_equal(run(b, ACT_TUNNEL_SECRET, t->id), ERR_NONE);
	assert_true(t->rotate_sent_ms > 0);
	recalled(b, t);
	assert_true(t->rotate_sent_ms > 0);
}

static void a_refusal_holds_nothing_up_and_sent_nothing(void **state)
{
	struct bench *b = *state;
	struct tunnel *t = asked(b);
	bench_answers(b, "PATCH", TUNNEL_AT, 400, FAILURE(1000), 0);
	assert_int_equal(run(b, ACT_TUNNEL_SECRET, t->id), ERR_NONE);
	assert_non_null(t->observed.secret_refusal);
	assert_int_equal(t->rotate_sent_ms, 0);
	recalled(b, t);
	assert_true(t->rotating && !t->rotate_sent_ms);
}

static void somebody_elses_is_taken_when_ours_cannot_land_any_more(void **state)
{
	struct bench *b = *state;
	struct tunnel *t = asked(b);
	static const char theirs[] = "dGhlaXJzLXRoZWlycy10aGVpcnMtdGhlaXJzLXRoZWk=";
	t->rotate_sent_ms = clock_wall_ms() - 1000;
	answer_token(b, theirs);
	assert_int_equal(run(b, ACT_TUNNEL_CONFIRM, t->id), ERR_NONE);
	assert_true(t->rotating && !t->rotate_lost);
	t->rotate_sent_ms = clock_wall_ms() - SETTLE_MS - 1;
	answer_token(b, theirs);
	assert_int_equal(run(b, ACT_TUNNEL_CONFIRM, t->id), ERR_NONE);
	assert_true(t->rotating && t->rotate_lost);
	assert_int_equal(t->token_generation, 2);
	recalled(b, t);
	assert_true(t->rotating && t->rotate_lost);
}

static void a_token_that_cannot_be_read_tells_nothing(void **state)
{
	static const char *const bad[] = {RESULT("7"), RESULT("\"x\""), RESULT("{}")};
	struct bench *b = *state;
	struct tunnel *t = asked(b);
	t->rotate_sent_ms = clock_wall_ms() - SETTLE_MS - 1;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		bench_answers(b, "GET", TUNNEL_AT "/token", 200, bad[i], 1);
		assert_int_equal(run(b, ACT_TUNNEL_CONFIRM, t->id), ERR_UPSTREAM);
		assert_true(t->rotating && !t->rotate_lost);
		assert_int_equal(t->observed.secret_looked_ms, 0);
	}
}

static void a_full_disk_lets_nothing_leave(void **state)
{
	struct bench *b = *state;
	struct tunnel *t = asked(b);
	bench_full(b, true);
	assert_int_equal(run(b, ACT_TUNNEL_SECRET, t->id), ERR_INTERNAL);
	assert_int_equal(b->n_asked, 0);
	assert_int_equal(t->rotate_sent_ms, 0);
	bench_full(b, false);
	recalled(b, t);
	assert_true(t->rotating && !t->rotate_sent_ms);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_is_over_when_its_token_says_so),
		TEST(a_token_that_is_here_already_replaces_no_connector),
		TEST(a_lost_answer_is_not_a_refusal),
		TEST(a_refusal_holds_nothing_up_and_sent_nothing),
		TEST(somebody_elses_is_taken_when_ours_cannot_land_any_more),
		TEST(a_token_that_cannot_be_read_tells_nothing),
		TEST(a_full_disk_lets_nothing_leave),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
