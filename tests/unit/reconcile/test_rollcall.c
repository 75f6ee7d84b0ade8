/* Who is connected to a tunnel: asked when due and at a slow pace, whole answers or none. */
#include "reconcile/rollcall.h"
#include "tests/unit/reconcile/bench.h"

#define CONNECTIONS TUNNEL_AT "/connections"
#define CLIENT      "1bedc50d-42b3-473c-b108-ff3d10c0d925"
#define ONE                                                                                        \
	RESULT("[{\"id\":\"" CLIENT "\",\"config_version\":3,\"conns\":[{\"id\":\"" CLIENT         \
	       "\",\"is_pending_reconnect\":false}]}]")
#define WINDOW (5 * 60 * 1000LL)

static struct connector *serves(struct bench *b, const struct tunnel *t)
{
	struct connector *c = connector_new(t->id, 1);

	c->edge_connections = 4;
	world_add_connector(b->world, c);
	return c;
}

static void due(struct bench *b, struct tunnel *t)
{
	t->connections_due = true;
	world_changed(b->world, OBJECT_TUNNEL, t->id);
}

static void begin(struct bench *b, struct rollcall *r)
{
	*r = (struct rollcall){.calling = false};
	rollcall_start(r, &b->x, 0, 0);
}

static void test_pace(void **state)
{
	(void)state;
	assert_int_equal(rollcall_gap(0, 0, 0), 200);
	assert_int_equal(rollcall_gap(600, WINDOW, 0), 5000);
	assert_int_equal(rollcall_gap(600, WINDOW, 1), 10000);
	assert_int_equal(rollcall_gap(600, WINDOW, 1000), WINDOW);
	assert_int_equal(rollcall_gap(1, WINDOW, 0), WINDOW);
	assert_int_equal(rollcall_steady(600, WINDOW, 1), WINDOW);
	assert_int_equal(rollcall_steady(600, WINDOW, 30), WINDOW);
	assert_int_equal(rollcall_steady(600, WINDOW, 300), 10 * WINDOW);
	assert_int_equal(rollcall_steady(0, 0, 1000), WINDOW);
}

static void test_nobody_here_nobody_asked(void **state)
{
	struct bench *b = *state;
	struct tunnel *t = bench_tunnel(b, true);
	struct rollcall r;

	begin(b, &r);
	due(b, t);
	bench_turn(b, 300);
	assert_int_equal(b->n_asked, 0);
	rollcall_stop(&r);
}

static void test_asked_once_and_when_due(void **state)
{
	struct bench *b = *state;
	struct tunnel *t = bench_tunnel(b, true);
	struct rollcall r;
	int64_t first;

	bench_answers(b, "GET", CONNECTIONS, 200, ONE, 0);
	begin(b, &r);
	serves(b, t);
	world_changed(b->world, OBJECT_CONNECTOR, t->id);
	UNTIL(b, t->observed.clients_asked_ms);
	assert_int_equal(t->observed.clients.n, 1);
	assert_string_equal(t->observed.clients.items[0].id, CLIENT);
	assert_int_equal(t->observed.clients.items[0].config_version, 3);
	first = t->observed.clients_asked_ms;
	bench_turn(b, 500);
	assert_int_equal(bench_count(b, "GET " CONNECTIONS), 1);

	due(b, t);
	UNTIL(b, !t->connections_due);
	assert_true(t->observed.clients_asked_ms > first);
	assert_int_equal(bench_count(b, "GET " CONNECTIONS), 2);
	assert_int_equal(bench_writes(b), 0);
	rollcall_stop(&r);
}

static void no_answer_changes_nothing(struct bench *b, int status, const char *body)
{
	struct tunnel *t = bench_tunnel(b, true);
	struct rollcall r;
	int64_t first;

	bench_answers(b, "GET", CONNECTIONS, 200, ONE, 1);
	bench_answers(b, "GET", CONNECTIONS, status, body, 0);
	begin(b, &r);
	serves(b, t);
	world_changed(b->world, OBJECT_CONNECTOR, t->id);
	UNTIL(b, t->observed.clients_asked_ms);
	first = t->observed.clients_asked_ms;
	due(b, t);
	UNTIL(b, r.failures >= 1);
	assert_int_equal(t->observed.clients_asked_ms, first);
	assert_int_equal(t->observed.clients.n, 1);
	assert_true(t->connections_due);
	/* Slower after each failure. */
	bench_turn(b, 1000);
	assert_in_range(bench_count(b, "GET " CONNECTIONS), 2, 4);
	rollcall_stop(&r);
}

static void test_an_error(void **state)
{
	no_answer_changes_nothing(*state, 500, FAILURE(1000));
}

static void test_no_list(void **state)
{
	no_answer_changes_nothing(*state, 200, RESULT("{}"));
}

static void test_half_a_list(void **state)
{
	no_answer_changes_nothing(*state, 200, LISTING("{\"id\":\"" CLIENT "\",\"conns\":[]}", 2));
}

static void test_a_malformed_row(void **state)
{
	no_answer_changes_nothing(*state, 200, RESULT("[{\"id\":\"nobody\",\"conns\":[]}]"));
}

static void test_the_tunnel_goes_meanwhile(void **state)
{
	struct bench *b = *state;
	struct tunnel *t = bench_tunnel(b, true);
	struct rollcall r;
	char id[ID_SIZE];

	memcpy(id, t->id, sizeof(id));
	b->rules[b->n_rules++] = (struct rule_of){"GET", CONNECTIONS, 200, ONE, 0, true};
	begin(b, &r);
	serves(b, t);
	due(b, t);
	UNTIL(b, b->held);
	world_drop(b->world, OBJECT_TUNNEL, id);
	bench_release(b);
	UNTIL(b, !r.calling);
	/* And being stopped in the middle of a call. */
	rollcall_stop(&r);
	rollcall_stop(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pace),
		cmocka_unit_test_setup_teardown(test_nobody_here_nobody_asked, bench_open,
						bench_close),
		cmocka_unit_test_setup_teardown(test_asked_once_and_when_due, bench_open,
						bench_close),
		cmocka_unit_test_setup_teardown(test_an_error, bench_open, bench_close),
		cmocka_unit_test_setup_teardown(test_no_list, bench_open, bench_close),
		cmocka_unit_test_setup_teardown(test_half_a_list, bench_open, bench_close),
		cmocka_unit_test_setup_teardown(test_a_malformed_row, bench_open, bench_close),
		cmocka_unit_test_setup_teardown(test_the_tunnel_goes_meanwhile, bench_open,
						bench_close),
	};

	return cmocka_run_group_tests_name("rollcall", tests, NULL, NULL);
}
