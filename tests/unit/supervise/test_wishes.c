/* What was asked for is done, though the daemon dies before; and done once. */
#include "bench.h"

static void die(struct bench *b)
{
	supervisor_free(b->s);
	b->s = NULL;
	world_drop(b->world, OBJECT_CONNECTOR, b->one);
}

static bool was_replaced(const struct bench *b)
{
	return is_ready(b) && connector_past(one(b))->replaced == 1;
}

/* It dies once more when it is done: nothing is done a second time. */
static void done_once(struct bench *b)
{
	size_t n;

	wait_for(b, was_replaced);
	n = starts(b);
	restart_daemon(b);
	wait_for(b, is_ready);
	run_for(b, 500);
	assert_int_equal(starts(b), n);
	assert_int_equal(connector_past(one(b))->replaced, 0);
}

static void test_a_restart(void **state)
{
	struct bench *b = *state;
	pid_t first = bring_up(b);

	assert_true(supervisor_restart(b->s, b->one));
	die(b);
	assert_int_equal(starts(b), 1);
	bench_begin(b);
	assert_int_equal(one(b)->pid, first);
	done_once(b);
	assert_int_equal(starts(b), 2);
}

/* Asked for before the one that was found has said a word: it serves all the same. */
static void test_a_restart_of_what_was_just_found(void **state)
{
	struct bench *b = *state;
	pid_t first = bring_up(b);

	restart_daemon(b);
	assert_true(supervisor_restart(b->s, b->one));
	assert_int_equal(one(b)->pid, first);
	wait_for(b, was_replaced);
	assert_false(has_event(b, "connector_exited"));
}

static bool is_another(const struct bench *b)
{
	return is_ready(b) && starts(b) == 2;
}

/* Nothing is lost of what hangs. */
static void test_a_restart_of_what_was_found_hanging(void **state)
{
	struct bench *b = *state;

	kill(bring_up(b), SIGSTOP);
	assert_true(supervisor_restart(b->s, b->one));
	restart_daemon(b);
	run_for(b, 200);
	assert_int_equal(starts(b), 1);
	wait_for(b, is_another);
	assert_int_equal(connector_past(one(b))->replaced, 0);
}

static void test_a_restart_without_a_store(void **state)
{
	struct bench *b = *state;
	struct store *kept = b->store;

	bring_up(b);
	supervisor_free(b->s);
	world_free(b->world);
	b->world = world_new();
	b->store = NULL;
	bench_begin(b);
	assert_true(supervisor_restart(b->s, b->one));
	die(b);
	bench_begin(b);
	done_once(b);
	b->store = kept;
	assert_int_equal(starts(b), 2);
}

static void test_a_second_restart_while_the_first_is_done(void **state)
{
	struct bench *b = *state;

	bring_up(b);
	fake_mode(&b->fake, "drain 1000\n");
	assert_true(supervisor_restart(b->s, b->one));
	wait_for(b, was_replaced);
	assert_true(supervisor_restart(b->s, b->one));
	die(b);
	bench_begin(b);
	done_once(b);
	assert_int_equal(starts(b), 3);
}

static bool another_comes_up(const struct bench *b)
{
	return one(b)->replacing && starts(b) == 2;
}

static bool was_replaced_twice(const struct bench *b)
{
	return is_ready(b) && connector_past(one(b))->replaced == 2;
}

/* The process that comes up was started before the second one was asked for. */
static void test_a_second_restart_before_the_other_took_the_place(void **state)
{
	struct bench *b = *state;

	bring_up(b);
	assert_true(supervisor_restart(b->s, b->one));
	wait_for(b, another_comes_up);
	assert_true(supervisor_restart(b->s, b->one));
	die(b);
	assert_int_equal(starts(b), 2);
	bench_begin(b);
	wait_for(b, was_replaced_twice);
	restart_daemon(b);
	wait_for(b, is_ready);
	run_for(b, 500);
	assert_int_equal(starts(b), 3);
	assert_int_equal(connector_past(one(b))->replaced, 0);
}

/* It waits for its next start, which would be in a minute. */
static void test_a_restart_of_what_is_down(void **state)
{
	struct bench *b = *state;

	fake_mode(&b->fake, "exit 255 Provided Tunnel token is not valid.\n");
	add_tunnel(b, 1);
	bench_begin(b);
	wait_for(b, is_blocked);
	fake_mode(&b->fake, "edge 4\n");
	assert_true(supervisor_restart(b->s, b->one));
	die(b);
	bench_begin(b);
	wait_for(b, is_ready);
	assert_int_equal(starts(b), 2);
	restart_daemon(b);
	run_for(b, 500);
	assert_int_equal(starts(b), 2);
}

static bool outruns(const struct bench *b)
{
	return one(b)->update_available;
}

static void test_an_upgrade(void **state)
{
	struct bench *b = *state;

	bring_up(b);
	fake_program(&b->fake, fake_script);
	wait_for(b, outruns);
	assert_true(supervisor_upgrade(b->s, b->one));
	die(b);
	assert_int_equal(starts(b), 1);
	bench_begin(b);
	done_once(b);
	assert_false(outruns(b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_a_restart),
		TEST(test_a_restart_of_what_was_just_found),
		TEST(test_a_restart_of_what_was_found_hanging),
		TEST(test_a_restart_without_a_store),
		TEST(test_a_second_restart_while_the_first_is_done),
		TEST(test_a_second_restart_before_the_other_took_the_place),
		TEST(test_a_restart_of_what_is_down),
		TEST(test_an_upgrade),
	};

	return cmocka_run_group_tests_name("wishes", tests, NULL, NULL);
}
