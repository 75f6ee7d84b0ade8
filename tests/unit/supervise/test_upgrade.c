/* Another cloudflared on the disk: noticed, told of, and rolled out without losing a request. */
#include "bench.h"

#include "supervise/binary.h"

static void test_words(void **state)
{
	static const struct {
		const char *text, *version;
	} rows[] = {
		{"cloudflared version 2026.8.2 (built 2026-08-20-0000 UTC)\n", "2026.8.2"},
		{"cloudflared version DEV", "DEV"},
		{"noise\ncloudflared version 2027.1.0-rc1 (x)", "2027.1.0-rc1"},
		{"cloudflared version ", NULL},
		{"cloudflared version \n", NULL},
		{"version 1", NULL},
		{"", NULL},
		{"cloudflared version 11111111112222222222333333333344", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char version[32] = "";

		assert_int_equal(binary_read_version(rows[i].text, version, sizeof(version)),
				 rows[i].version != NULL);
		if (rows[i].version)
			assert_string_equal(version, rows[i].version);
	}
}

static void test_which_file(void **state)
{
	struct bench *b = *state;
	struct binary_id first, second;

	binary_stat(b->fake.program, &first);
	binary_stat(b->fake.program, &second);
	assert_true(binary_known(&first) && binary_same(&first, &second));
	fake_write(&b->fake, "cloudflared", "#!/bin/sh\n", 0700);
	binary_stat(b->fake.program, &second);
	assert_false(binary_same(&first, &second));
	binary_stat(b->fake.dir, &second);
	assert_false(binary_known(&second));
	binary_stat("/nonexistent/cloudflared", &second);
	assert_false(binary_known(&second));
}

static bool is_told(const struct bench *b)
{
	return one(b)->update_available && connector_past(one(b))->disk_version;
}

static bool is_upgraded(const struct bench *b)
{
	return is_ready(b) && connector_past(one(b))->replaced == 1 && !one(b)->update_available;
}

static bool was_in_vain(const struct bench *b)
{
	return connector_past(one(b))->replaced_in_vain > 0;
}

static void test_is_told_and_waits(void **state)
{
	struct bench *b = *state;
	pid_t first = bring_up(b);

	run_for(b, 300);
	assert_false(one(b)->update_available);
	fake_program(&b->fake, fake_script);
	wait_for(b, is_told);
	assert_string_equal(connector_past(one(b))->disk_version, "2027.1.0");
	assert_true(has_event(b, "connector_update_available"));
	run_for(b, 1000);
	assert_int_equal(starts(b), 1);
	assert_int_equal(one(b)->pid, first);

	/* Known after a restart of the daemon, too. */
	restart_daemon(b);
	wait_for(b, is_ready);
	run_for(b, 300);
	assert_true(one(b)->update_available);
	assert_int_equal(starts(b), 1);

	assert_true(supervisor_upgrade(b->s, b->one));
	wait_for(b, is_upgraded);
	assert_int_not_equal(one(b)->pid, first);
	assert_null(connector_past(one(b))->disk_version);
	/* Once more: it is the same by now. */
	assert_true(supervisor_upgrade(b->s, b->one));
	run_for(b, 500);
	assert_int_equal(starts(b), 2);
	assert_false(supervisor_upgrade(b->s, "t0-1"));
	/* And the next one is none that was asked for. */
	fake_program(&b->fake, fake_script);
	wait_for(b, is_told);
	run_for(b, 500);
	assert_int_equal(starts(b), 2);
}

/* Asked for before anybody has looked. */
static void test_is_seen_when_asked_for(void **state)
{
	struct bench *b = *state;

	bring_up(b);
	fake_program(&b->fake, fake_script);
	assert_true(supervisor_upgrade(b->s, b->one));
	assert_true(one(b)->update_available);
	wait_for(b, is_upgraded);
}

static bool all_serve(const struct bench *b)
{
	size_t n = 0;

	TABLE_EACH (i, struct connector, c, &b->world->connectors)
		n += connector_serving(c);
	return n == 2;
}

static bool all_upgraded(const struct bench *b)
{
	size_t n = 0;

	TABLE_EACH (i, struct connector, c, &b->world->connectors)
		n += connector_past(c)->replaced == 1 && !c->update_available &&
		     connector_serving(c);
	return n == 2;
}

static void test_is_rolled(void **state)
{
	struct bench *b = *state;
	int64_t until = clock_mono_ms() + TURN_MS;

	b->options.upgrade_roll = true;
	add_tunnel(b, 2);
	bench_begin(b);
	wait_for(b, all_serve);
	run_for(b, 300);
	fake_program(&b->fake, fake_script);
	while (!all_upgraded(b)) {
		size_t replacing = 0;

		assert_true(clock_mono_ms() < until);
		loop_turn(b->loop);
		TABLE_EACH (i, struct connector, c, &b->world->connectors) {
			assert_true(connector_serving(c));
			replacing += c->replacing;
		}
		assert_true(replacing <= 1);
	}
	run_for(b, 500);
	assert_int_equal(starts(b), 4);
}

static void test_a_bad_one_stops_at_the_first(void **state)
{
	struct bench *b = *state;
	int64_t in_vain = 0;

	b->options.upgrade_roll = true;
	add_tunnel(b, 2);
	bench_begin(b);
	wait_for(b, all_serve);
	run_for(b, 300);
	fake_program(&b->fake, "#!/bin/sh\nexit 1\n");
	run_for(b, 3000);
	TABLE_EACH (i, struct connector, c, &b->world->connectors) {
		assert_true(connector_serving(c));
		in_vain += connector_past(c)->replaced_in_vain;
		assert_null(connector_past(c)->disk_version);
	}
	assert_int_equal(in_vain, 1);
	/* A better one need not wait. */
	fake_program(&b->fake, fake_script);
	wait_for(b, all_upgraded);
}

/* Not there, or half of it: what runs goes on. */
static void test_gone_for_a_moment(void **state)
{
	struct bench *b = *state;
	pid_t first;

	b->options.upgrade_roll = true;
	first = bring_up(b);
	assert_int_equal(unlinkat(b->fake.dirfd, "cloudflared", 0), 0);
	run_for(b, 1500);
	assert_int_equal(one(b)->pid, first);
	assert_false(one(b)->update_available);
	assert_false(was_in_vain(b));
	fake_program(&b->fake, fake_script);
	wait_for(b, is_upgraded);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		cmocka_unit_test(test_words), TEST(test_which_file),
		TEST(test_is_told_and_waits), TEST(test_is_seen_when_asked_for),
		TEST(test_is_rolled),         TEST(test_a_bad_one_stops_at_the_first),
		TEST(test_gone_for_a_moment),
	};

	return cmocka_run_group_tests_name("upgrade", tests, NULL, NULL);
}
