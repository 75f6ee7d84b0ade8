/* The whole loop, from what is wanted to what was asked of Cloudflare: no haste after failures, one
 * growing problem instead of many new ones, and no faith in a listing that is older than a fact. */
#include "reconcile/reconciler.h"
#include "reconcile/repair.h"
#include "tests/unit/reconcile/bench.h"

#define ONE_ZONE LISTING("{\"id\":\"" ZONE "\",\"name\":\"example.com\",\"status\":\"active\"}", 1)
#define ONE_TUNNEL                                                                                 \
	LISTING("{\"id\":\"" REMOTE                                                                \
		"\",\"name\":\"web\",\"status\":\"healthy\",\"deleted_at\":null}",                 \
		1)
#define NOTHING LISTING("", 0)
#define ZONES   "/client/v4/zones"

static struct reconciler *reconcile(struct bench *b)
{
	struct reconciler_options o = {.interval_ms = 3600 * 1000};
	struct reconciler *r = reconciler_new(b->loop, b->world, b->store, b->cf, &o);
	reconciler_start(r);
	return r;
}

static void a_record_without_our_mark_is_not_deleted(void **state)
{
	struct bench *b = *state;
	struct tunnel *t = bench_tunnel(b, true);
	struct record *r = bench_record(b, t, true);
	const char *shown = record_json(REMOTE ".cfargotunnel.com", "somebody's words");
	AUTO(str_t) one = str_format(RESULT("%s"), shown);
	AUTO(str_t) list = str_format(LISTING("%s", 1), shown);
	r->want = WANT_ABSENT;
	bench_answers(b, "GET", ZONES, 200, ONE_ZONE, 0);
	bench_answers(b, "GET", TUNNELS, 200, ONE_TUNNEL, 0);
	bench_answers(b, "GET", RECORDS, 200, list, 0);
	bench_answers(b, "GET", RECORD_AT, 200, one, 0);
	struct reconciler *x = reconcile(b);
	UNTIL(b, r->problem);
	bench_turn(b, 100);
	assert_non_null(strstr(r->problem->err.message, "mark"));
	assert_int_equal(r->problem->attempts, 1);
	assert_int_equal(bench_writes(b), 0);
	reconciler_free(x);
}

static void zones_that_cannot_be_listed_are_not_asked_for_without_end(void **state)
{
	struct bench *b = *state;
	struct tunnel *t = bench_tunnel(b, true);
	struct record *r = bench_record(b, t, false), *other = bench_record(b, t, false);
	str_set(&other->name, "www.example.com");
	bench_route(b, t);
	bench_route(b, t);
	struct route *routes[] = {b->world->routes.items[0], b->world->routes.items[1]};
	str_set(&routes[1]->hostname, "www.example.com");
	for (size_t i = 0; i < ARRAY_LEN(routes); i++)
		routes[i]->applied_generation = routes[i]->generation;
	r->zone_id[0] = other->zone_id[0] = '\0';
	bench_answers(b, "GET", ZONES, 403, FAILURE(9109), 0);
	bench_answers(b, "GET", TUNNELS, 200, ONE_TUNNEL, 0);
	struct reconciler *x = reconcile(b);
	UNTIL(b, r->problem && other->problem);
	bench_turn(b, 300);
	assert_int_equal(bench_count(b, "GET " ZONES), 2); /* the observation's and one for them */
	assert_true(bench_count(b, "GET " TUNNELS) > 0);   /* listed all the same */
	assert_string_equal(t->observed.status, "healthy");
	reconciler_free(x);
}

/* Reads that work in between do not heal a change that fails, and do not shorten its delay. */
static void a_change_that_keeps_failing_is_one_growing_problem(void **state)
{
	struct bench *b = *state;
	struct tunnel *t = bench_tunnel(b, true);
	bench_route(b, t);
	t->generation++;
	bench_answers(b, "GET", ZONES, 200, ONE_ZONE, 0);
	bench_answers(b, "GET", TUNNELS, 200, ONE_TUNNEL, 0);
	bench_answers(b, "GET", TUNNEL_AT "/configurations", 200,
		      RESULT("{\"version\":1,\"config\":{\"ingress\":[{\"service\":\"http_status:"
			     "404\"}]}}"),
		      0);
	bench_answers(b, "PUT", TUNNEL_AT "/configurations", 500, FAILURE(10001), 0);
	struct reconciler *x = reconcile(b);
	UNTIL(b, t->problem);
	int64_t since = t->problem->since_ms;
	UNTIL(b, bench_count(b, "PUT ") == 2);
	assert_non_null(t->problem);
	UNTIL(b, t->problem->attempts == 2);
	assert_int_equal(t->problem->since_ms, since);
	assert_true(t->problem->next_try_ms > clock_mono_ms() + 1000);
	/* when it works at last, nothing is left of it */
	b->n_rules--;
	bench_answers(b, "PUT", TUNNEL_AT "/configurations", 200,
		      RESULT("{\"version\":2,\"config\":{\"ingress\":[{\"service\":\"http_status:"
			     "404\"}]}}"),
		      1);
	t->problem->next_try_ms = 1;
	world_changed(b->world, OBJECT_TUNNEL, t->id);
	UNTIL(b, !t->problem);
	assert_int_equal(t->applied_generation, t->generation);
	reconciler_free(x);
}

/* What was made while a listing was on its way is missing in it, and not gone. */
static void a_listing_tells_nothing_about_what_is_younger(void **state)
{
	struct bench *b = *state;
	struct tunnel *t = bench_tunnel(b, true);
	struct record *r = bench_record(b, t, true);
	bench_answers(b, "GET", ZONES, 200, ONE_ZONE, 0);
	b->rules[b->n_rules++] = (struct rule_of){"GET", TUNNELS, 200, NOTHING, 1, true};
	b->rules[b->n_rules++] = (struct rule_of){"GET", RECORDS, 200, NOTHING, 1, true};
	struct reconciler *x = reconcile(b);
	UNTIL(b, b->held);
	t->observed.seen_ms = clock_wall_ms();
	bench_release(b);
	UNTIL(b, b->held);
	assert_false(t->observed.gone);
	r->observed.looked_ms = clock_wall_ms();
	r->observed.found = true;
	bench_release(b);
	bench_turn(b, 100);
	assert_false(r->observed.gone);
	assert_true(r->observed.found);
	reconciler_free(x);
}

static void what_a_complete_listing_lacks_is_gone_and_not_made_again(void **state)
{
	struct bench *b = *state;
	struct tunnel *t = bench_tunnel(b, true);
	struct record *r = bench_record(b, t, true);
	bench_answers(b, "GET", ZONES, 200, ONE_ZONE, 0);
	bench_answers(b, "GET", TUNNELS, 200, NOTHING, 0);
	bench_answers(b, "GET", RECORDS, 200, NOTHING, 0);
	bench_answers(b, "GET", TUNNEL_AT, 404, FAILURE(1003), 0);
	bench_answers(b, "GET", RECORD_AT, 404, FAILURE(81044), 0);
	struct reconciler *x = reconcile(b);
	UNTIL(b, t->problem && r->problem);
	assert_true(t->observed.gone && r->observed.gone);
	bench_turn(b, 100);
	assert_int_equal(bench_writes(b), 0);
	reconciler_free(x);
}

/* The listing lacks them, and a look by their ids is refused: that may be the token. */
static void what_cannot_be_looked_at_is_not_gone(void **state)
{
	struct bench *b = *state;
	struct tunnel *t = bench_tunnel(b, true);
	struct record *r = bench_record(b, t, true);
	bench_answers(b, "GET", ZONES, 200, ONE_ZONE, 0);
	bench_answers(b, "GET", TUNNELS, 200, NOTHING, 0);
	bench_answers(b, "GET", RECORDS, 200, NOTHING, 0);
	bench_answers(b, "GET", TUNNEL_AT, 403, FAILURE(9109), 0);
	bench_answers(b, "GET", RECORD_AT, 403, FAILURE(9109), 0);
	struct reconciler *x = reconcile(b);
	UNTIL(b, t->problem && r->problem);
	assert_true(t->observed.missing && r->observed.missing);
	assert_false(t->observed.gone || r->observed.gone);
	r->want = t->want = WANT_ABSENT;
	world_changed(b->world, OBJECT_RECORD, r->id);
	bench_turn(b, 100);
	assert_int_equal(bench_writes(b), 0);
	assert_int_equal(b->world->records.n, 1);
	reconciler_free(x);
}

#define MANY   100
#define ABSENT 45
#define LOOKS  40 /* by id, after one listing */

/* What is left is told to be missing, and looked at after the next listing. */
static void many_missing_are_looked_at_some_at_a_time(void **state)
{
	struct bench *b = *state;
	struct tunnel *t = bench_tunnel(b, true);
	AUTO(buf_t) rows = {0};
	size_t gone = 0, missing = 0;
	for (int i = 0; i < MANY; i++) {
		struct record *r = bench_record(b, t, true);
		(void)snprintf(r->remote_id, CF_ID_SIZE, "%032d", i);
		if (i >= ABSENT)
			(void)buf_printf(&rows,
					 "%s{\"id\":\"%032d\",\"name\":\"app.example.com\","
					 "\"type\":\"CNAME\",\"content\":\"x.example.net\","
					 "\"comment\":\"%s\"}",
					 i > ABSENT ? "," : "", i, b->mark);
	}
	AUTO(str_t) list = str_format(LISTING("%s", 55), buf_text(&rows));
	bench_answers(b, "GET", ZONES, 200, ONE_ZONE, 0);
	bench_answers(b, "GET", TUNNELS, 200, ONE_TUNNEL, 0);
	bench_answers(b, "GET", RECORDS, 200, list, 0);
	bench_answers(b, "GET", NULL, 404, FAILURE(81044), 0);
	str_set(&b->world->system.writes_off, "because");
	struct reconciler *x = reconcile(b);
	UNTIL(b, reconciler_passes(x) == 1);
	TABLE_EACH (i, struct record, r, &b->world->records) {
		gone += r->observed.gone;
		missing += r->observed.missing;
	}
	assert_int_equal(gone, LOOKS);
	assert_int_equal(missing, ABSENT - LOOKS);
	assert_int_equal(bench_count(b, "GET " RECORDS "/"), LOOKS);
	reconciler_free(x);
}

/* By which token ours were seen is noted when all of them were. */
static void what_was_not_seen_whole_is_no_sight(void **state)
{
	struct bench *b = *state;
	struct tunnel *t = bench_tunnel(b, true);
	struct record *r = bench_record(b, t, true);
	AUTO(str_t)
	list = str_format(LISTING("%s", 1), record_json(REMOTE ".cfargotunnel.com", b->mark));
	bench_answers(b, "GET", ZONES, 200, ONE_ZONE, 0);
	bench_answers(b, "GET", TUNNELS, 200, ONE_TUNNEL, 0);
	bench_answers(b, "GET", RECORDS, 403, FAILURE(9109), 1);
	bench_answers(b, "GET", RECORDS, 200, list, 0);
	struct reconciler *x = reconcile(b);
	UNTIL(b, reconciler_passes(x) == 1);
	AUTO(str_t) partly = store_get_meta(b->store, "seen_by");
	assert_null(partly);
	assert_false(r->observed.found || r->observed.gone || r->observed.missing);
	(void)reconciler_observe(x);
	UNTIL(b, reconciler_passes(x) == 2);
	AUTO(str_t) whole = store_get_meta(b->store, "seen_by");
	assert_non_null(whole);
	assert_true(r->observed.found);
	reconciler_free(x);
}

/* While writes are off nothing is known to be better: what stood in the way is told on. */
static void problems_stay_while_writes_are_off(void **state)
{
	struct bench *b = *state;
	struct tunnel *t = bench_tunnel(b, true);
	bench_answers(b, "GET", ZONES, 200, ONE_ZONE, 0);
	bench_answers(b, "GET", TUNNELS, 200, NOTHING, 0);
	bench_answers(b, "GET", TUNNEL_AT, 404, FAILURE(1003), 0);
	struct reconciler *x = reconcile(b);
	UNTIL(b, t->problem);
	str_set(&b->world->system.writes_off, "because");
	world_changed(b->world, OBJECT_SYSTEM, "");
	bench_turn(b, 50);
	assert_non_null(t->problem);
	reconciler_free(x);
}

/* Free with an observation and with an action on its way. */
static void freed_in_the_middle(void **state)
{
	struct bench *b = *state;
	struct tunnel *t = bench_tunnel(b, false);
	b->rules[b->n_rules++] = (struct rule_of){"GET", ZONES, 200, ONE_ZONE, 1, true};
	struct reconciler *x = reconcile(b);
	UNTIL(b, b->held);
	reconciler_free(x);
	b->n_rules = 0;
	bench_answers(b, "GET", ZONES, 200, ONE_ZONE, 0);
	bench_answers(b, "GET", TUNNELS, 200, NOTHING, 0);
	b->rules[b->n_rules++] = (struct rule_of){"POST", TUNNELS, 200, NOTHING, 1, true};
	x = reconcile(b);
	UNTIL(b, b->held && t->create_sent_ms);
	reconciler_free(x);
	bench_turn(b, 20);
}

/* A repair that could not be done yet would only hide the drift; the look that found it is the one
 * before the write. */
static void drift_is_put_back_when_the_way_serves_and_by_the_same_look(void **state)
{
	struct bench *b = *state;
	struct tunnel *t = bench_tunnel(b, true);
	struct record *r = bench_record(b, t, true);
	int64_t generation = r->generation, looked_ms = clock_wall_ms() - 1000;
	bench_route(b, t);
	struct route *route = b->world->routes.items[0];
	route->applied_generation = 0;
	t->replicas = 0;
	b->world->system.drift = DRIFT_REPAIR;
	r->observed.looked_ms = looked_ms;
	r->observed.found = r->observed.marked = r->observed.proxied = true;
	str_set(&r->observed.type, "CNAME");
	str_set(&r->observed.content, "elsewhere.example.org");
	repair_run(b->world, b->store);
	assert_int_equal(r->generation, generation);
	route->applied_generation = route->generation;
	repair_run(b->world, b->store);
	assert_int_equal(r->generation, generation + 1);
	assert_int_equal(r->observed.looked_ms, looked_ms);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_record_without_our_mark_is_not_deleted),
		TEST(zones_that_cannot_be_listed_are_not_asked_for_without_end),
		TEST(a_change_that_keeps_failing_is_one_growing_problem),
		TEST(a_listing_tells_nothing_about_what_is_younger),
		TEST(what_a_complete_listing_lacks_is_gone_and_not_made_again),
		TEST(what_cannot_be_looked_at_is_not_gone),
		TEST(many_missing_are_looked_at_some_at_a_time),
		TEST(what_was_not_seen_whole_is_no_sight),
		TEST(problems_stay_while_writes_are_off),
		TEST(freed_in_the_middle),
		TEST(drift_is_put_back_when_the_way_serves_and_by_the_same_look),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
