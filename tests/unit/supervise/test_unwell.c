/*
 * Processes that say they are well, and are not: replaced without a gap, and not again and again.
 * What is not known is no reason.
 */
#include "bench.h"

#include "supervise/reason.h"

#define OTHER "11111111-2222-4333-8444-555555555555"

/* What reconcile would write: a list with this client (NULL = nobody), asked for now. */
static void list(struct bench *b, const char *client)
{
	struct tunnel *t = tunnel(b);

	tunnel_connections_t_cleanup(&t->observed.clients);
	t->observed.clients.items = mem_array(1, sizeof(struct tunnel_client));
	t->observed.clients.items[0] = (struct tunnel_client){.connections = 4};
	t->observed.clients.n = client ? 1 : 0;
	str_copy(t->observed.clients.items[0].id, UUID_SIZE, client ? client : "");
	t->observed.clients_asked_ms = clock_mono_ms();
	t->connections_due = false;
	world_changed(b->world, OBJECT_TUNNEL, t->id);
}

static void list_ours(struct bench *b)
{
	char id[UUID_SIZE];

	list(b, uuid_format(&one(b)->connector_id, id));
}

static bool list_is_due(const struct bench *b)
{
	return world_tunnel(b->world, b->tunnel)->connections_due;
}

static bool was_replaced(const struct bench *b)
{
	return is_ready(b) && connector_past(one(b))->replaced > 0;
}

static bool is_unwell(const struct bench *b)
{
	return one(b)->problem != NULL;
}

static bool is_well(const struct bench *b)
{
	return is_ready(b) && !one(b)->problem;
}

/* Two lists in which it is not, each when it is wanted. */
static void miss_twice(struct bench *b, const char *client)
{
	wait_for(b, list_is_due);
	list(b, client);
	wait_for(b, list_is_due);
	list(b, client);
}

static void test_half_open(void **state)
{
	struct bench *b = *state;
	pid_t first = bring_up(b);

	wait_for(b, list_is_due);
	list(b, OTHER);
	run_for(b, 250);
	assert_int_equal(one(b)->edge_listed, 0);
	assert_int_equal(starts(b), 1);
	assert_null(one(b)->problem);
	wait_for(b, list_is_due);
	list(b, OTHER);
	wait_for(b, was_replaced);
	assert_int_not_equal(one(b)->pid, first);
	assert_int_equal(one(b)->restarts, 0);
	assert_true(has_event(b, "connector_unwell"));
	assert_true(has_event(b, "connector_replacing"));
	assert_null(one(b)->problem);

	/* The new one is not in the list either: told, and waited. */
	miss_twice(b, OTHER);
	wait_for(b, is_unwell);
	run_for(b, 1000);
	assert_int_equal(starts(b), 2);
	assert_string_equal(one(b)->problem->err.message, reason_info(REASON_HALF_OPEN)->sentence);
	list_ours(b);
	wait_for(b, is_well);
	assert_int_equal(one(b)->edge_listed, 4);
}

static bool was_in_vain(const struct bench *b)
{
	return connector_past(one(b))->replaced_in_vain > 0 && !one(b)->replacing;
}

/* The one that was to take its place did not come up; then there is no need for another any more,
 * and nothing is left to complain of. */
static void test_well_again_without_another(void **state)
{
	struct bench *b = *state;
	pid_t first = bring_up(b);

	fake_mode(&b->fake, "exit 1 broken\n");
	miss_twice(b, OTHER);
	wait_for(b, was_in_vain);
	assert_true(has_event(b, "connector_replace_failed"));
	assert_non_null(one(b)->problem);
	list_ours(b);
	wait_for(b, is_well);
	assert_int_equal(one(b)->pid, first);
}

/* A restart of ours is no way around the ceiling. */
static void test_the_ceiling_outlasts_us(void **state)
{
	struct bench *b = *state;

	bring_up(b);
	miss_twice(b, NULL);
	wait_for(b, was_replaced);
	run_for(b, 200);
	tunnel(b)->observed.clients_asked_ms = 0;
	tunnel(b)->connections_due = false;
	restart_daemon(b);
	wait_for(b, is_ready);
	miss_twice(b, NULL);
	wait_for(b, is_unwell);
	run_for(b, 500);
	assert_int_equal(starts(b), 2);
}

static void test_in_the_list(void **state)
{
	struct bench *b = *state;

	bring_up(b);
	for (int i = 0; i < 3; i++) {
		run_for(b, 400);
		list_ours(b);
	}
	run_for(b, 1000);
	assert_int_equal(starts(b), 1);
	assert_int_equal(one(b)->edge_listed, 4);
	assert_false(list_is_due(b));
}

static bool has_three(const struct bench *b)
{
	return one(b)->edge_connections == 3;
}

/* It tells of the connections that it was asked about, not of those that came after. */
static void test_a_list_ages(void **state)
{
	struct bench *b = *state;

	bring_up(b);
	wait_for(b, list_is_due);
	list_ours(b);
	run_for(b, 200);
	assert_int_equal(one(b)->edge_listed, 4);
	fake_mode(&b->fake, "edge 3\n");
	wait_for(b, has_three);
	assert_int_equal(one(b)->edge_listed, -1);
	list_ours(b);
	run_for(b, 200);
	assert_int_equal(one(b)->edge_listed, 4);
	assert_int_equal(starts(b), 1);
}

/* Lists that are older than the connection, and none at all. */
static void test_not_known_is_no_reason(void **state)
{
	struct bench *b = *state;

	bring_up(b);
	list(b, NULL);
	run_for(b, 100);
	assert_int_equal(one(b)->edge_listed, -1);
	wait_for(b, list_is_due);
	run_for(b, 2000);
	assert_int_equal(starts(b), 1);
	/* Missed once, then seen: nothing adds up. */
	list(b, NULL);
	run_for(b, 200);
	list_ours(b);
	run_for(b, 800);
	list(b, NULL);
	run_for(b, 200);
	assert_int_equal(starts(b), 1);
	assert_null(one(b)->problem);
}

static void test_what_is_shown(void **state)
{
	struct bench *b = *state;

	bring_up(b);
	assert_string_equal(one(b)->protocol, "quic");
	assert_null(connector_past(one(b))->protocol_why);
	assert_true(one(b)->rss_bytes > 1 << 20);
	assert_true(one(b)->open_fds >= 3);
}

/* Which file a process was started from comes back to the nanosecond. */
static void test_found_again_is_no_other_program(void **state)
{
	struct bench *b = *state;

	bring_up(b);
	restart_daemon(b);
	wait_for(b, is_ready);
	run_for(b, 1000);
	assert_false(one(b)->update_available);
	assert_string_equal(one(b)->protocol, "quic");
}

static void set_protocol(struct bench *b, const char *protocol)
{
	b->options.protocol = protocol;
	supervisor_configure(b->s, &b->options);
}

static bool speaks_http2(const struct bench *b)
{
	return was_replaced(b) && str_equal(one(b)->protocol, "http2");
}

static void test_pinned(void **state)
{
	struct bench *b = *state;

	bring_up(b);
	set_protocol(b, "http2");
	wait_for(b, speaks_http2);
	assert_null(connector_past(one(b))->protocol_why);
	assert_int_equal(one(b)->restarts, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_half_open, setup, teardown),
		cmocka_unit_test_setup_teardown(test_well_again_without_another, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_ceiling_outlasts_us, setup, teardown),
		cmocka_unit_test_setup_teardown(test_in_the_list, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_list_ages, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_known_is_no_reason, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_is_shown, setup, teardown),
		cmocka_unit_test_setup_teardown(test_found_again_is_no_other_program, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_pinned, setup, teardown),
	};

	return cmocka_run_group_tests_name("unwell", tests, NULL, NULL);
}
