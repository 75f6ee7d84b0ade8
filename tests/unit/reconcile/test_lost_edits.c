/* Edits of our rules that a PUT of ours loses: each is told once, unless a plan named it, and what
 * is shown of them has a bound. */
#include "reconcile/race.h"
#include "tests/unit/reconcile/bench.h"

#define EDITED "{\"hostname\":\"app.example.com\",\"service\":\"http_status:419\"}"
#define PUT    "{\"hostname\":\"app.example.com\",\"service\":\"http://127.0.0.1:79\"}"
#define CONFIG                                                                                     \
	RESULT("{\"tunnel_id\":\"" REMOTE "\",\"version\":3,\"source\":\"cloudflare\","            \
	       "\"config\":{\"ingress\":[" EDITED ",{\"service\":\"http_status:404\"}]}}")

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

/* A route that was set again after its rule was put, and was edited there. */
static struct tunnel *set_again(struct bench *b)
{
	struct tunnel *t = bench_tunnel(b, true);
	struct err e;
	bench_route(b, t);
	struct route *r = b->world->routes.items[0];
	r->applied_generation = r->generation++;
	t->generation++;
	assert_int_equal(store_begin(b->store, &e), 0);
	assert_int_equal(store_save_rules(b->store, t->id, "[" PUT "]", &e), 0);
	assert_int_equal(store_commit(b->store, &e), 0);
	bench_answers(b, "GET", TUNNEL_AT "/configurations", 200, CONFIG, 0);
	bench_answers(b, "PUT", TUNNEL_AT "/configurations", 500, FAILURE(1000), 0);
	return t;
}

static void an_edit_is_told_once_however_often_it_is_sent(void **state)
{
	struct bench *b = *state;
	struct tunnel *t = set_again(b);
	for (int i = 0; i < 3; i++) {
		(void)run(b, ACT_CONFIG_READ, t->id);
		assert_int_not_equal(run(b, ACT_CONFIG_MERGE, t->id), ERR_NONE);
	}
	assert_int_equal(bench_count(b, "PUT "), 3);
	assert_int_equal(bench_edits_told(b), 1);
}

static void an_edit_that_the_plan_named_is_no_news(void **state)
{
	struct bench *b = *state;
	struct tunnel *t = set_again(b);
	char rule[SHA256_HEX_SIZE];
	sha256_hex(EDITED, strlen(EDITED), rule);
	route_takes_add(&((struct route *)b->world->routes.items[0])->takes, rule, "rule 1");
	(void)run(b, ACT_CONFIG_READ, t->id);
	(void)run(b, ACT_CONFIG_MERGE, t->id);
	assert_int_equal(bench_count(b, "PUT "), 1);
	assert_int_equal(bench_edits_told(b), 0);
}

/* ---- what is shown ---- */

static char *document(size_t rules)
{
	AUTO(buf_t) text = {0};
	buf_printf(&text, "{\"ingress\":[");
	for (size_t i = 0; i < rules; i++)
		buf_printf(&text,
			   "{\"hostname\":\"h%zu.example.com\",\"service\":\"http://h:%03zu\"},", i,
			   i);
	buf_printf(&text, EDITED "]}");
	return buf_steal(&text);
}

static void what_has_no_room_is_counted(void **state)
{
	struct bench *b = *state;
	struct tunnel *t = bench_tunnel(b, true);
	AUTO(str_t) read = document(100);
	AUTO(str_t) put = document(2);
	AUTO(race_list_t) shown = {0};
	struct err e;
	const struct race r = {
		.edit = true, .at_ms = clock_wall_ms(), .version = 4, .made_from = 3};
	assert_int_equal(race_keep(b->store, t->id, &r, read,
				   (struct json_span){.p = put, .len = strlen(put)}, &e),
			 0);
	assert_int_equal(race_load(b->store, t->id, clock_wall_ms(), &shown, &e), 0);
	assert_int_equal(shown.n, 1);
	assert_true(shown.items[0].edit);
	assert_string_equal(shown.items[0].put, "");
	size_t rules = 0;
	for (const char *p = shown.items[0].read; (p = strstr(p, "{\"hostname\"")); p++)
		rules++;
	AUTO(str_t) more = str_format(", and %zu more", 98 - rules);
	assert_true(rules > 5 && rules < 98 && strlen(shown.items[0].read) < 1100);
	assert_true(str_ends(shown.items[0].read, more));
	assert_null(strstr(shown.items[0].read, "\"h1.example.com\"")); /* stands in both */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_edit_is_told_once_however_often_it_is_sent),
		TEST(an_edit_that_the_plan_named_is_no_news),
		TEST(what_has_no_room_is_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
