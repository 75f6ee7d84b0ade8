/*
 * One process takes the place of another: nobody is left unserved, whatever fails, and wherever the
 * daemon dies meanwhile. Real processes; a daemon that dies is a supervisor that is freed.
 */
#include "bench.h"

#include "supervise/budget.h"
#include "supervise/replace.h"

static size_t terms(const struct bench *b)
{
	pid_t pids[64];

	return fake_pids(&b->fake, "terms", pids, ARRAY_LEN(pids));
}

static bool alive(const struct bench *b, pid_t pid)
{
	return fake_is_ours(&b->fake, pid);
}

static size_t alive_count(const struct bench *b)
{
	pid_t pids[64];
	size_t n = fake_starts(&b->fake, pids, ARRAY_LEN(pids)), count = 0;

	for (size_t i = 0; i < n; i++)
		count += alive(b, pids[i]);
	return count;
}

static pid_t newest(const struct bench *b)
{
	pid_t pids[64];
	size_t n = fake_starts(&b->fake, pids, ARRAY_LEN(pids));

	return n ? pids[n - 1] : 0;
}

static bool has_side_b(const struct bench *b)
{
	AUTO(str_t) path = str_format("%s/connectors/%s.b", b->fake.dir, b->one);

	return access(path, F_OK) == 0;
}

static bool comes_up(const struct bench *b)
{
	return one(b)->replacing && starts(b) == 2;
}

static bool was_replaced(const struct bench *b)
{
	return is_ready(b) && connector_past(one(b))->replaced > 0;
}

static bool only_one_is_left(const struct bench *b)
{
	return is_ready(b) && alive_count(b) == 1;
}

static bool two_are_alive(const struct bench *b)
{
	return alive_count(b) == 2;
}

static bool was_in_vain(const struct bench *b)
{
	return connector_past(one(b))->replaced_in_vain > 0;
}

/* It serves in each turn of the loop until then. */
static void wait_serving(struct bench *b, is_so *so)
{
	int64_t until = clock_mono_ms() + TURN_MS;

	while (!so(b)) {
		assert_true(clock_mono_ms() < until);
		loop_turn(b->loop);
		assert_true(connector_serving(one(b)));
		assert_true(alive(b, one(b)->pid));
	}
}

/* As the stand-in says who it is. */
static void client_of(pid_t pid, char id[UUID_SIZE])
{
	snprintf(id, UUID_SIZE, "00000000-0000-4000-8000-%012d", (int)pid);
}

static bool has_client(const struct bench *b, const char *id)
{
	struct uuid u = uuid_read(id);

	return uuid_same(&one(b)->connector_id, &u);
}

static bool knows_the_other(const struct bench *b)
{
	char id[UUID_SIZE];

	client_of(newest(b), id);
	return connector_is_client(one(b), id) && one(b)->replacing;
}

static void ask(struct bench *b)
{
	assert_true(supervisor_restart(b->s, b->one));
}

/* ---- it works ---- */

static void test_nobody_is_unserved(void **state)
{
	struct bench *b = *state;
	pid_t first = bring_up(b), second;
	int port = one(b)->metrics_port;
	char own[UUID_SIZE], other[UUID_SIZE];

	ask(b);
	wait_serving(b, comes_up);
	assert_int_equal(one(b)->pid, first);
	client_of(first, own);
	assert_true(has_client(b, own));
	assert_string_equal(connector_past(one(b))->replacing_why, "it was asked for");
	assert_int_equal(terms(b), 0);
	wait_serving(b, knows_the_other);
	wait_serving(b, was_replaced);
	second = one(b)->pid;
	assert_int_equal(second, newest(b));
	client_of(second, other);
	assert_true(has_client(b, other));
	assert_string_equal(connector_past(one(b))->other_id, own);
	assert_int_not_equal(second, first);
	assert_int_not_equal(one(b)->metrics_port, port);
	assert_false(one(b)->replacing);
	assert_null(connector_past(one(b))->replacing_why);
	wait_serving(b, only_one_is_left);
	run_for(b, 100);
	/* Cloudflare lists it for a while. */
	assert_string_equal(connector_past(one(b))->other_id, own);
	assert_true(has_event(b, "connector_replacing"));
	assert_true(has_event(b, "connector_replaced"));
	assert_true(has_event(b, "connector_drained"));
	assert_int_equal(one(b)->restarts, 0);
	assert_int_equal(terms(b), 1);
	assert_true(has_side_b(b));

	/* And back to the first side; the second folder goes. */
	ask(b);
	wait_serving(b, two_are_alive);
	wait_serving(b, only_one_is_left);
	assert_int_equal(connector_past(one(b))->replaced, 2);
	run_for(b, 100);
	assert_int_equal(one(b)->metrics_port, port);
	assert_false(has_side_b(b));
	assert_int_equal(starts(b), 3);
	assert_int_equal(terms(b), 2);
	assert_null(one(b)->problem);
}

static bool runs_2nd_token(const struct bench *b)
{
	return was_replaced(b) && one(b)->token_generation == 2;
}

#define FRESH "eyJhIjoiZnJlc2gifQ=="

static void give_fresh_token(struct bench *b)
{
	struct secret secret = {0};

	secret_set(&secret, FRESH, strlen(FRESH));
	assert_int_equal(store_begin(b->store, &b->e), 0);
	assert_int_equal(store_save_token(b->store, b->tunnel, &secret, &b->e), 0);
	assert_int_equal(store_commit(b->store, &b->e), 0);
	secret_free(&secret);
	tunnel(b)->token_generation++;
	world_changed(b->world, OBJECT_TUNNEL, b->tunnel);
}

static void test_new_token(void **state)
{
	struct bench *b = *state;
	AUTO(buf_t) token = {0};
	AUTO(str_t) path = NULL;

	bring_up(b);
	give_fresh_token(b);
	wait_serving(b, runs_2nd_token);
	path = str_format("../%s.b/token", b->one);
	read_file(b, path, &token);
	assert_string_equal(buf_text(&token), FRESH);
	wait_serving(b, only_one_is_left);
	assert_int_equal(starts(b), 2);
}

static bool was_replaced_twice(const struct bench *b)
{
	return is_ready(b) && connector_past(one(b))->replaced == 2;
}

/* The one that comes up was started with the old one, and gives way. */
static void test_new_token_meanwhile(void **state)
{
	struct bench *b = *state;

	bring_up(b);
	/* Cloudflare refuses it its last connections. */
	fake_mode(&b->fake, "first_edge 2\n");
	ask(b);
	wait_serving(b, comes_up);
	run_for(b, 300);
	fake_mode(&b->fake, "edge 4\n");
	give_fresh_token(b);
	wait_serving(b, runs_2nd_token);
	wait_serving(b, only_one_is_left);
	assert_int_equal(connector_past(one(b))->replaced, 1);
	assert_int_equal(starts(b), 3);
	assert_int_equal(connector_past(one(b))->replaced_in_vain, 0);
	assert_null(one(b)->problem);
}

static void test_new_options_meanwhile(void **state)
{
	struct bench *b = *state;

	bring_up(b);
	ask(b);
	wait_serving(b, comes_up);
	b->options.grace_ms = 900;
	supervisor_configure(b->s, &b->options);
	wait_serving(b, was_replaced);
	wait_serving(b, only_one_is_left);
	run_for(b, 300);
	assert_int_equal(connector_past(one(b))->replaced, 1);
	assert_int_equal(starts(b), 3);
}

static void test_without_a_store_the_token_is_taken_along(void **state)
{
	struct bench *b = *state;
	struct store *kept = b->store;
	AUTO(buf_t) token = {0};
	AUTO(str_t) path = NULL;

	bring_up(b);
	supervisor_free(b->s);
	world_free(b->world);
	b->world = world_new();
	b->store = NULL;
	bench_begin(b);
	wait_for(b, is_ready);
	ask(b);
	wait_serving(b, was_replaced);
	b->store = kept;
	path = str_format("../%s.b/token", b->one);
	read_file(b, path, &token);
	assert_string_equal(buf_text(&token), TOKEN);
	wait_serving(b, only_one_is_left);
}

static void test_what_does_not_drain_is_killed(void **state)
{
	struct bench *b = *state;
	pid_t first = bring_up(b);
	int64_t began;

	fake_mode(&b->fake, "ignore_term\n");
	ask(b);
	wait_serving(b, was_replaced);
	began = clock_mono_ms();
	wait_serving(b, only_one_is_left);
	assert_true(clock_mono_ms() - began >= b->options.grace_ms + 4900);
	assert_false(alive(b, first));
	assert_int_equal(terms(b), 1);
}

static void test_asked_while_the_old_one_drains(void **state)
{
	struct bench *b = *state;

	bring_up(b);
	fake_mode(&b->fake, "drain 500\n");
	ask(b);
	wait_serving(b, was_replaced);
	run_for(b, 100);
	assert_int_equal(alive_count(b), 2);
	ask(b);
	wait_serving(b, was_replaced_twice);
	wait_serving(b, only_one_is_left);
	assert_int_equal(starts(b), 3);
	assert_int_equal(terms(b), 2);
}

static bool has_version_9(const struct bench *b)
{
	return is_ready(b) && one(b)->config_version == 9;
}

/* It is asked until it has what the own one serves, which is newer than what we put. */
static void test_its_configuration_comes_late(void **state)
{
	struct bench *b = *state;
	pid_t first = bring_up(b);

	fake_mode(&b->fake, "version 9\n");
	tunnel(b)->config_version = 7;
	world_changed(b->world, OBJECT_TUNNEL, b->tunnel);
	wait_for(b, has_version_9);
	fake_mode(&b->fake, "version 8\n");
	ask(b);
	wait_serving(b, comes_up);
	run_for(b, REPLACE_SETTLE_MS + 1000);
	assert_int_equal(one(b)->pid, first);
	fake_mode(&b->fake, "version 9\n");
	/* Far sooner than one is asked for its configuration that has the right one. */
	wait_serving(b, was_replaced);
}

static bool side_b_is_gone(const struct bench *b)
{
	return !has_side_b(b);
}

/* Somebody's own folder lies in it; once that is gone, so is ours. */
static void test_what_is_left_is_removed_later(void **state)
{
	struct bench *b = *state;
	AUTO(str_t) theirs = NULL;

	bring_up(b);
	theirs = str_format("connectors/%s.b/theirs", b->one);
	ask(b);
	wait_serving(b, was_replaced);
	assert_int_equal(mkdirat(b->fake.dirfd, theirs, 0700), 0);
	wait_serving(b, only_one_is_left);
	ask(b);
	wait_serving(b, was_replaced_twice);
	wait_serving(b, only_one_is_left);
	run_for(b, 200);
	assert_true(has_side_b(b));
	assert_int_equal(unlinkat(b->fake.dirfd, theirs, AT_REMOVEDIR), 0);
	wait_serving(b, side_b_is_gone);

	/* And it can be made again. */
	ask(b);
	wait_serving(b, two_are_alive);
	wait_serving(b, only_one_is_left);
	assert_int_equal(connector_past(one(b))->replaced, 3);
	assert_true(has_side_b(b));
}

/* ---- it does not come up ---- */

static void test_in_vain(void **state)
{
	struct bench *b = *state;
	pid_t first = bring_up(b);

	fake_mode(&b->fake, "exit 255 Provided Tunnel token is not valid.\n");
	ask(b);
	wait_serving(b, was_in_vain);
	assert_int_equal(one(b)->pid, first);
	assert_non_null(strstr(one(b)->problem->err.message, "did not come up"));
	assert_non_null(strstr(one(b)->problem->err.message, "token was refused"));
	assert_true(*one(b)->problem->err.hint);
	assert_true(one(b)->problem->next_try_ms > clock_mono_ms() + 50000);
	assert_true(has_event(b, "connector_replace_failed"));
	run_for(b, 500);
	assert_int_equal(starts(b), 2);
	assert_int_equal(terms(b), 0);
	assert_false(has_side_b(b));
	assert_false(one(b)->replacing);

	/* Whoever asks again need not wait. */
	fake_mode(&b->fake, "edge 4\n");
	ask(b);
	wait_serving(b, was_replaced);
	assert_null(one(b)->problem);
	wait_serving(b, only_one_is_left);
}

static void test_refused_by_cloudflare(void **state)
{
	struct bench *b = *state;
	pid_t first = bring_up(b);

	fake_mode(&b->fake, "first_edge 0\nsay {\"level\":\"error\",\"error\":\"Unauthorized: "
			    "Invalid tunnel secret\",\"message\":\"Register tunnel error\"}\n");
	ask(b);
	wait_serving(b, was_in_vain);
	fake_mode(&b->fake, "edge 4\n");
	wait_serving(b, only_one_is_left);
	assert_int_equal(one(b)->pid, first);
	assert_non_null(one(b)->problem);
}

static bool second_was_tried(const struct bench *b)
{
	AUTO(str_t) id = str_format("%s-2", b->tunnel);

	return was_in_vain(b) ||
	       connector_past(world_connector(b->world, id))->replaced_in_vain > 0;
}

static bool both_are_ready(const struct bench *b)
{
	AUTO(str_t) id = str_format("%s-2", b->tunnel);
	const struct connector *second = world_connector(b->world, id);

	return is_ready(b) && second && second->state == CONNECTOR_READY;
}

/* A setting that does not work stops at the first. */
static void test_bad_options_stop_at_the_first(void **state)
{
	struct bench *b = *state;
	AUTO(str_t) id = NULL;

	add_tunnel(b, 2);
	bench_begin(b);
	wait_for(b, both_are_ready);
	id = str_format("%s-2", b->tunnel);
	fake_mode(&b->fake, "exit 1 failed\n");
	b->options.protocol = "http2";
	supervisor_configure(b->s, &b->options);
	wait_for(b, second_was_tried);
	run_for(b, 500);
	assert_int_equal(starts(b), 3);
	assert_int_equal(connector_past(one(b))->replaced_in_vain +
				 connector_past(world_connector(b->world, id))->replaced_in_vain,
			 1);
	assert_true(connector_serving(one(b)));
	assert_true(connector_serving(world_connector(b->world, id)));
	/* The old ones again: nothing is left to do. */
	fake_mode(&b->fake, "edge 4\n");
	b->options.protocol = "quic";
	supervisor_configure(b->s, &b->options);
	run_for(b, 500);
	assert_int_equal(starts(b), 3);
}

/* ---- its own fails meanwhile ---- */

static void test_own_dies_meanwhile(void **state)
{
	struct bench *b = *state;
	pid_t first = bring_up(b);

	fake_mode(&b->fake, "slow 700\n");
	ask(b);
	wait_serving(b, comes_up);
	kill(first, SIGKILL);
	wait_for(b, was_replaced);
	assert_int_equal(one(b)->pid, newest(b));
	assert_int_equal(starts(b), 2);
	assert_int_equal(one(b)->restarts, 1);
	run_for(b, 300);
	assert_int_equal(alive_count(b), 1);
}

static bool third_is_started(const struct bench *b)
{
	return starts(b) == 3;
}

static bool started_and_ready(const struct bench *b)
{
	return third_is_started(b) && only_one_is_left(b);
}

/* It has just taken the place and dies: the old one drains, a third is started in its own place. */
static void test_new_one_dies_while_the_old_one_drains(void **state)
{
	struct bench *b = *state;

	bring_up(b);
	fake_mode(&b->fake, "drain 1500\n");
	ask(b);
	wait_serving(b, was_replaced);
	kill(one(b)->pid, SIGKILL);
	wait_for(b, third_is_started);
	assert_int_equal(alive_count(b), 2);
	wait_for(b, started_and_ready);
	assert_int_equal(terms(b), 1);
}

/* ---- asked meanwhile ---- */

static bool none_is_left(const struct bench *b)
{
	return is_stopped(b) && alive_count(b) == 0;
}

static void test_stopped_meanwhile(void **state)
{
	struct bench *b = *state;

	bring_up(b);
	fake_mode(&b->fake, "slow 500\ndrain 300\n");
	ask(b);
	wait_serving(b, comes_up);
	set_stopped(b, &(struct connector_stop){0});
	wait_for(b, none_is_left);
	run_for(b, 300);
	assert_int_equal(starts(b), 2);
	set_stopped(b, NULL);
	wait_for(b, only_one_is_left);
	assert_int_equal(starts(b), 3);
}

static void test_absent_meanwhile(void **state)
{
	struct bench *b = *state;

	bring_up(b);
	ask(b);
	wait_serving(b, comes_up);
	world_drop(b->world, OBJECT_TUNNEL, b->tunnel);
	wait_for(b, is_gone);
	assert_int_equal(alive_count(b), 0);
	assert_false(has_folder(b));
	assert_false(has_side_b(b));
}

/* ---- the daemon dies meanwhile ---- */

static void die(struct bench *b)
{
	supervisor_free(b->s);
	b->s = NULL;
	world_drop(b->world, OBJECT_CONNECTOR, b->one);
}

static void put_file(const struct bench *b, const char *side, const char *name, const char *text)
{
	AUTO(str_t) path = str_format("connectors/%s%s/%s", b->one, side, name);

	fake_write(&b->fake, path, text, 0600);
}

static void test_dies_before_the_other_starts(void **state)
{
	struct bench *b = *state;
	pid_t first = bring_up(b);
	AUTO(str_t) folder = str_format("connectors/%s.b", b->one);

	die(b);
	assert_int_equal(mkdirat(b->fake.dirfd, folder, 0700), 0);
	put_file(b, ".b", "options", "{\"tunnel_id\":\"" REMOTE "\",\"metrics_port\":20399}");
	put_file(b, ".b", "kept", "{\"turn\":0}");
	bench_begin(b);
	wait_for(b, is_ready);
	run_for(b, 200);
	assert_int_equal(one(b)->pid, first);
	assert_int_equal(starts(b), 1);
	assert_false(has_side_b(b));
}

/* It comes up, then: it goes on doing so, and takes the place. */
static void found_coming_up(struct bench *b, const char *mode, int64_t wait_ms)
{
	pid_t first = bring_up(b);

	fake_mode(&b->fake, mode);
	ask(b);
	wait_serving(b, comes_up);
	run_for(b, wait_ms);
	die(b);
	bench_begin(b);
	assert_int_equal(one(b)->pid, first);
	wait_for(b, was_replaced);
	assert_int_equal(one(b)->pid, newest(b));
	wait_for(b, only_one_is_left);
	/* What was asked for is done by that. */
	run_for(b, 300);
	assert_int_equal(starts(b), 2);
	assert_int_equal(terms(b), 1);
}

static void test_dies_after_the_start(void **state)
{
	found_coming_up(*state, "slow 600\n", 0);
}

static void test_dies_while_it_settles(void **state)
{
	found_coming_up(*state, "edge 4\n", 600);
}

static void test_dies_after_the_start_unnoted(void **state)
{
	struct bench *b = *state;
	AUTO(str_t) path = NULL;

	bring_up(b);
	fake_mode(&b->fake, "slow 600\n");
	ask(b);
	wait_serving(b, comes_up);
	die(b);
	path = str_format("connectors/%s.b/process", b->one);
	assert_int_equal(unlinkat(b->fake.dirfd, path, 0), 0);
	bench_begin(b);
	wait_for(b, was_replaced);
	wait_for(b, only_one_is_left);
	assert_int_equal(starts(b), 2);
}

/* The place was given, and nothing else was done. */
static void test_dies_after_the_swap(void **state)
{
	struct bench *b = *state;
	pid_t first = bring_up(b);

	ask(b);
	wait_serving(b, comes_up);
	run_for(b, 600);
	die(b);
	put_file(b, ".b", "kept", "{\"turn\":2,\"last\":\"none\"}");
	bench_begin(b);
	assert_int_equal(one(b)->pid, newest(b));
	assert_true(alive(b, first));
	wait_for(b, only_one_is_left);
	assert_int_equal(one(b)->pid, newest(b));
	assert_int_equal(starts(b), 2);
	assert_int_equal(terms(b), 1);
}

static bool told_to_end(const struct bench *b)
{
	return terms(b) == 1;
}

/* A second SIGTERM would cut off what it still does. */
static void test_dies_while_the_old_one_drains(void **state)
{
	struct bench *b = *state;
	pid_t first = bring_up(b);

	fake_mode(&b->fake, "drain 2500\n");
	ask(b);
	wait_serving(b, told_to_end);
	for (int i = 0; i < 3; i++) {
		die(b);
		bench_begin(b);
		wait_for(b, is_ready);
		run_for(b, 300);
		assert_true(alive(b, first));
	}
	wait_serving(b, only_one_is_left);
	assert_int_equal(terms(b), 1);
	assert_int_equal(starts(b), 2);
	assert_false(has_event(b, "connector_killed"));
}

/* It was noted, and then not done. */
static void test_dies_before_the_signal(void **state)
{
	struct bench *b = *state;
	pid_t first = bring_up(b);
	AUTO(buf_t) process = {0};
	AUTO(str_t) noted = NULL;
	char *at;

	ask(b);
	wait_serving(b, comes_up);
	run_for(b, 600);
	die(b);
	put_file(b, ".b", "kept", "{\"turn\":2}");
	read_file(b, "process", &process);
	at = strstr(buf_text(&process), "\"stopping_ms\":0");
	assert_non_null(at);
	noted = str_format("%.*s\"stopping_ms\":%lld%s", (int)(at - buf_text(&process)),
			   buf_text(&process), (long long)clock_wall_ms(),
			   at + strlen("\"stopping_ms\":0"));
	put_file(b, "", "process", noted);
	bench_begin(b);
	wait_for(b, only_one_is_left);
	assert_false(alive(b, first));
	assert_int_equal(terms(b), 1);
	assert_false(has_event(b, "connector_killed"));
}

static void end_all(struct bench *b)
{
	pid_t pids[64];
	size_t n = fake_starts(&b->fake, pids, ARRAY_LEN(pids));

	for (size_t i = 0; i < n; i++) {
		if (alive(b, pids[i]))
			kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
}

/* After a power cut the folder that served last starts it, with no store. */
static void test_boots_from_the_side_that_served(void **state)
{
	struct bench *b = *state;
	struct store *kept = b->store;
	int port;

	bring_up(b);
	ask(b);
	wait_serving(b, was_replaced);
	wait_serving(b, only_one_is_left);
	port = one(b)->metrics_port;
	supervisor_free(b->s);
	b->s = NULL;
	end_all(b);
	world_free(b->world);
	b->world = world_new();
	b->store = NULL;
	bench_begin(b);
	b->store = kept;
	wait_for(b, is_ready);
	assert_int_equal(one(b)->metrics_port, port);
	assert_int_equal(starts(b), 3);
	assert_int_equal(b->world->connectors.n, 1);
	assert_true(has_side_b(b));
}

/* ---- what outlasts the daemon ---- */

static void test_a_refusal_is_not_forgotten(void **state)
{
	struct bench *b = *state;

	fake_mode(&b->fake, "exit 255 Provided Tunnel token is not valid.\n");
	add_tunnel(b, 1);
	bench_begin(b);
	wait_for(b, is_blocked);
	die(b);
	bench_begin(b);
	run_for(b, 500);
	assert_true(is_blocked(b));
	assert_int_equal(starts(b), 1);
	assert_int_equal(one(b)->problem->err.kind, ERR_DENIED);
	assert_true(one(b)->next_try_ms > clock_mono_ms() + 50000);
}

static bool fourth_start(const struct bench *b)
{
	return starts(b) >= 4;
}

static void test_a_storm_is_none_after_a_restart(void **state)
{
	struct bench *b = *state;

	fake_mode(&b->fake, "exit 3\n");
	add_tunnel(b, 1);
	bench_begin(b);
	wait_for(b, fourth_start);
	run_for(b, 100);
	die(b);
	for (int i = 0; i < 10; i++) {
		bench_begin(b);
		run_for(b, 20);
		die(b);
	}
	bench_begin(b);
	run_for(b, 50);
	assert_true(starts(b) <= 6);
}

static void test_stopped_for_a_time(void **state)
{
	struct bench *b = *state;
	const struct connector_stop stop = {"ops", "a new disk", clock_wall_ms() + 1500};
	struct world *w = world_new();

	bring_up(b);
	set_stopped(b, &stop);
	wait_for(b, is_stopped);
	assert_int_equal(store_load(b->store, w, &b->e), 0);
	assert_true(world_connector(w, b->one)->stopped_by_user);
	assert_string_equal(connector_past(world_connector(w, b->one))->stopped_by, "ops");
	assert_string_equal(connector_past(world_connector(w, b->one))->stopped_why, "a new disk");
	world_free(w);
	/* The folder alone knows it as well. */
	struct store *kept = b->store;
	supervisor_free(b->s);
	world_free(b->world);
	b->world = world_new();
	b->store = NULL;
	bench_begin(b);
	b->store = kept;
	run_for(b, 200);
	assert_true(is_stopped(b));
	assert_int_equal(one(b)->stopped_until_ms, stop.until_ms);
	assert_int_equal(starts(b), 1);
	wait_for(b, is_ready);
	assert_true(clock_wall_ms() >= stop.until_ms);
	assert_false(one(b)->stopped_by_user);
	assert_int_equal(one(b)->stopped_until_ms, 0);
	assert_int_equal(starts(b), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_nobody_is_unserved),
		TEST(test_new_token),
		TEST(test_new_token_meanwhile),
		TEST(test_new_options_meanwhile),
		TEST(test_without_a_store_the_token_is_taken_along),
		TEST(test_what_does_not_drain_is_killed),
		TEST(test_asked_while_the_old_one_drains),
		TEST(test_its_configuration_comes_late),
		TEST(test_what_is_left_is_removed_later),
		TEST(test_in_vain),
		TEST(test_refused_by_cloudflare),
		TEST(test_bad_options_stop_at_the_first),
		TEST(test_own_dies_meanwhile),
		TEST(test_new_one_dies_while_the_old_one_drains),
		TEST(test_stopped_meanwhile),
		TEST(test_absent_meanwhile),
		TEST(test_dies_before_the_other_starts),
		TEST(test_dies_after_the_start),
		TEST(test_dies_while_it_settles),
		TEST(test_dies_after_the_start_unnoted),
		TEST(test_dies_after_the_swap),
		TEST(test_dies_while_the_old_one_drains),
		TEST(test_dies_before_the_signal),
		TEST(test_boots_from_the_side_that_served),
		TEST(test_a_refusal_is_not_forgotten),
		TEST(test_a_storm_is_none_after_a_restart),
		TEST(test_stopped_for_a_time),
	};

	return cmocka_run_group_tests_name("replacement", tests, NULL, NULL);
}
