/* The supervisor against real processes: what is kept alive, found again, stopped and explained. */
#include "bench.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include "supervise/reason.h"

/* ---- a run ---- */

static void test_starts_and_is_ready(void **state)
{
	struct bench *b = *state;
	AUTO(buf_t) config = {0};
	AUTO(str_t) metrics = NULL;
	AUTO(str_t) token_file = NULL;

	fake_mode(&b->fake, "version 7\n");
	bring_up(b);
	read_file(b, "config.yml", &config);
	metrics = str_format("\nmetrics: 127.0.0.1:%d\n", one(b)->metrics_port);
	token_file = str_format("\ntoken-file: \"%s/connectors/%s/token\"\n", b->fake.dir, b->one);
	assert_non_null(strstr(config.data, metrics));
	assert_non_null(strstr(config.data, token_file));
	assert_non_null(strstr(config.data, "\nno-autoupdate: true\n"));
	assert_non_null(strstr(config.data, "\nno-prechecks: true\n"));
	assert_non_null(strstr(config.data, "\nprotocol: quic\n"));
	assert_non_null(strstr(config.data, "\ngrace-period: 1s\n"));
	assert_non_null(strstr(config.data, "\nretries: 2\n"));
	assert_non_null(strstr(config.data, "\nlabel: \"edge1\"\n"));
	assert_non_null(strstr(config.data, "\nloglevel: info\n"));
	assert_null(strstr(config.data, TOKEN));
	assert_int_equal(one(b)->edge_connections, 4);
	assert_string_equal(one(b)->version, "2026.8.2");
	assert_true(uuid_known(&one(b)->connector_id));
	assert_null(one(b)->problem);
	assert_null(one(b)->reason);
	assert_int_equal(one(b)->token_generation, 1);
	assert_true(has_event(b, "connector_started"));
	assert_true(has_event(b, "connector_ready"));
	assert_int_equal(starts(b), 1);
}

static bool runs_version_7(const struct bench *b)
{
	return one(b) && one(b)->config_version == 7;
}

static void test_version_of_the_configuration(void **state)
{
	struct bench *b = *state;

	bring_up(b);
	assert_int_equal(one(b)->config_version, -1);
	tunnel(b)->config_version = 7;
	world_changed(b->world, OBJECT_TUNNEL, b->tunnel);
	fake_mode(&b->fake, "version 7\n");
	wait_for(b, runs_version_7);
}

static void test_token_is_nowhere_else(void **state)
{
	struct bench *b = *state;
	static const char *const places[] = {"cmdline", "environ"};
	AUTO(buf_t) token = {0};
	pid_t pid = bring_up(b);

	read_file(b, "token", &token);
	assert_string_equal(token.data, TOKEN);
	assert_int_equal(mode_of(b, "token"), 0600);
	assert_int_equal(mode_of(b, "."), 0700);
	assert_int_equal(mode_of(b, "config.yml"), 0600);
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		AUTO(str_t) path = str_format("/proc/%d/%s", (int)pid, places[i]);
		char text[8192];
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t n = read(fd, text, sizeof(text));

		close(fd);
		assert_true(n >= 0);
		assert_null(memmem(text, (size_t)n, TOKEN, 8));
		if (i == 1)
			assert_int_equal(n, 0);
	}
}

static void test_waits_for_token(void **state)
{
	struct bench *b = *state;

	add_tunnel(b, 1);
	tunnel(b)->token_generation = 0;
	bench_begin(b);
	run_for(b, 100);
	assert_null(one(b));
	tunnel(b)->token_generation = 1;
	world_changed(b->world, OBJECT_TUNNEL, b->tunnel);
	wait_for(b, is_ready);
}

static bool is_degraded(const struct bench *b)
{
	return one(b) && one(b)->state == CONNECTOR_DEGRADED;
}

static void test_some_connections_are_degraded(void **state)
{
	struct bench *b = *state;

	fake_mode(&b->fake, "edge 2\n");
	add_tunnel(b, 1);
	bench_begin(b);
	wait_for(b, is_degraded);
	assert_string_equal(one(b)->reason, "2 of 4 edge connections");
	fake_mode(&b->fake, "edge 4\n");
	wait_for(b, is_ready);
	assert_int_equal(starts(b), 1);
}

/* ---- found again ---- */

static void test_is_found_again(void **state)
{
	struct bench *b = *state;
	pid_t pid = bring_up(b);

	restart_daemon(b);
	assert_int_equal(one(b)->pid, pid);
	wait_for(b, is_ready);
	assert_int_equal(one(b)->pid, pid);
	run_for(b, 200);
	assert_int_equal(starts(b), 1);
	assert_true(has_event(b, "connector_found"));
}

static void test_is_found_without_process_file(void **state)
{
	struct bench *b = *state;
	AUTO(str_t) path = NULL;
	pid_t pid = bring_up(b);

	path = str_format("%s/connectors/%s/process", b->fake.dir, b->one);
	assert_int_equal(unlink(path), 0);
	restart_daemon(b);
	assert_int_equal(one(b)->pid, pid);
	wait_for(b, is_ready);
	assert_int_equal(starts(b), 1);
	assert_int_equal(access(path, F_OK), 0);
}

/* The pid in the file belongs to another process now: ours, for one. */
static void test_strangers_are_left_alone(void **state)
{
	struct bench *b = *state;
	AUTO(str_t) path = NULL;
	AUTO(str_t) text = NULL;
	char boot[40];
	pid_t pid = bring_up(b);

	supervisor_free(b->s);
	b->s = NULL;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	process_boot_id(boot);
	path = str_format("connectors/%s/process", b->one);
	text = str_format("{\"pid\":%d,\"start_ticks\":12,\"boot_id\":\"%s\",\"metrics_port\":1}",
			  (int)getpid(), boot);
	fake_write(&b->fake, path, text, 0600);
	world_drop(b->world, OBJECT_CONNECTOR, b->one);
	bench_begin(b);
	wait_for(b, is_ready);
	assert_int_not_equal(one(b)->pid, getpid());
	assert_int_equal(starts(b), 2);
}

static bool has_begun(const struct bench *b)
{
	return starts(b) > 0;
}

/* As anybody would who wants a port. */
static bool can_bind(int port)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	AUTO(fd_t) fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	return bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0;
}

/* By one of our sockets. */
static bool is_held(int port)
{
	for (int fd = 0; fd < 256; fd++) {
		struct sockaddr_in at;
		socklen_t len = sizeof(at);

		if (getsockname(fd, (struct sockaddr *)&at, &len) == 0 &&
		    at.sin_family == AF_INET && ntohs(at.sin_port) == port)
			return true;
	}
	return false;
}

/* Between its choice and the moment when cloudflared listens, the port is nobody else's. */
static void test_port_is_held_until_it_listens(void **state)
{
	struct bench *b = *state;

	fake_mode(&b->fake, "slow 300\n");
	add_tunnel(b, 1);
	bench_begin(b);
	wait_for(b, has_begun);
	assert_false(is_ready(b));
	assert_true(is_held(one(b)->metrics_port));
	assert_false(can_bind(one(b)->metrics_port));
	wait_for(b, is_ready);
	assert_int_equal(starts(b), 1);
	assert_false(is_held(one(b)->metrics_port));
}

/* One that never comes so far must not leave it bound. */
static void test_port_is_let_go_with_its_process(void **state)
{
	struct bench *b = *state;
	int port;

	fake_mode(&b->fake, "slow 60000\n");
	add_tunnel(b, 1);
	bench_begin(b);
	wait_for(b, has_begun);
	port = one(b)->metrics_port;
	assert_true(is_held(port));
	set_stopped(b, &(struct connector_stop){.by = "uid:0", .why = "test"});
	wait_for(b, is_stopped);
	assert_false(is_held(port));
}

static void test_boots_from_folders_alone(void **state)
{
	struct bench *b = *state;
	struct store *kept = b->store;
	pid_t pid = bring_up(b);

	supervisor_free(b->s);
	b->s = NULL;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	world_free(b->world);
	b->world = world_new();
	b->store = NULL;
	bench_begin(b);
	b->store = kept;
	wait_for(b, is_ready);
	assert_int_equal(starts(b), 2);
	assert_int_not_equal(one(b)->pid, pid);
	run_for(b, 200);
	assert_true(has_folder(b));
}

static void test_lost_store_stops_nothing(void **state)
{
	struct bench *b = *state;
	pid_t pid = bring_up(b);

	supervisor_free(b->s);
	world_free(b->world);
	b->world = world_new();
	bench_begin(b);
	wait_for(b, is_ready);
	run_for(b, 200);
	assert_int_equal(one(b)->pid, pid);
	assert_true(has_folder(b));
}

/* ---- ends ---- */

static bool is_ready_again(const struct bench *b)
{
	return is_ready(b) && one(b)->restarts > 0;
}

static void test_killed_is_restarted(void **state)
{
	struct bench *b = *state;
	int port;
	pid_t pid = bring_up(b);

	port = one(b)->metrics_port;
	kill(pid, SIGKILL);
	wait_for(b, is_ready_again);
	assert_int_not_equal(one(b)->pid, pid);
	assert_int_equal(one(b)->metrics_port, port);
	assert_int_equal(one(b)->restarts, 1);
	assert_memory_equal(connector_past(one(b))->last_exit, "signal 9 after ", 15);
	assert_null(one(b)->problem);
	assert_true(has_event(b, "connector_exited"));
	assert_int_equal(starts(b), 2);
}

static void test_refused_token_blocks(void **state)
{
	struct bench *b = *state;

	fake_mode(&b->fake, "exit 255 Provided Tunnel token is not valid.\n");
	add_tunnel(b, 1);
	bench_begin(b);
	wait_for(b, is_blocked);
	assert_int_equal(one(b)->problem->err.kind, ERR_DENIED);
	assert_non_null(strstr(one(b)->problem->err.message, "token was refused (exit 255"));
	assert_true(*one(b)->problem->err.hint);
	assert_string_equal(one(b)->last_line, "Provided Tunnel token is not valid.");
	assert_true(one(b)->next_try_ms > clock_mono_ms() + 50 * 1000);
	run_for(b, 500);
	assert_int_equal(starts(b), 1);
	assert_true(has_event(b, "connector_blocked"));

	/* A new token is tried at once. */
	fake_mode(&b->fake, "edge 4\n");
	tunnel(b)->token_generation++;
	world_changed(b->world, OBJECT_TUNNEL, b->tunnel);
	wait_for(b, is_ready);
	assert_null(one(b)->problem);
	assert_int_equal(one(b)->token_generation, 2);
}

static void test_spoilt_token_is_written_again(void **state)
{
	struct bench *b = *state;
	AUTO(buf_t) token = {0};
	AUTO(str_t) path = NULL;

	fake_mode(&b->fake, "exit 255 Provided Tunnel token is not valid.\n");
	add_tunnel(b, 1);
	bench_begin(b);
	wait_for(b, is_blocked);
	path = str_format("%s/connectors/%s/token", b->fake.dir, b->one);
	assert_int_equal(truncate(path, 3), 0);
	fake_mode(&b->fake, "edge 4\n");
	assert_true(supervisor_restart(b->s, b->one));
	wait_for(b, is_ready);
	read_file(b, "token", &token);
	assert_string_equal(buf_text(&token), TOKEN);
}

static void test_refused_for_ever_blocks(void **state)
{
	struct bench *b = *state;

	fake_mode(&b->fake,
		  "edge 0\nsay {\"level\":\"error\",\"error\":\"Unauthorized: Failed to get "
		  "tunnel\",\"message\":\"Register tunnel error from server side\"}\n");
	add_tunnel(b, 1);
	bench_begin(b);
	wait_for(b, is_blocked);
	assert_int_equal(one(b)->problem->err.kind, ERR_NOT_FOUND);
	assert_non_null(strstr(one(b)->last_line, "Tunnel server stopped"));
	run_for(b, 300);
	assert_int_equal(starts(b), 1);
}

/* The same words, but it is connected: a log line alone changes nothing. */
static void test_words_alone_change_nothing(void **state)
{
	struct bench *b = *state;

	fake_mode(&b->fake, "edge 3\nsay {\"level\":\"error\",\"error\":\"Unauthorized: Invalid "
			    "tunnel secret\",\"message\":\"Register tunnel error\"}\n");
	add_tunnel(b, 1);
	bench_begin(b);
	wait_for(b, is_degraded);
	run_for(b, 300);
	assert_true(is_degraded(b));
	assert_int_equal(starts(b), 1);
}

static bool is_restarting(const struct bench *b)
{
	return one(b) && one(b)->restarts >= 3;
}

static void test_flapping_backs_off(void **state)
{
	struct bench *b = *state;
	int64_t began = clock_mono_ms();

	fake_mode(&b->fake, "exit 3\n");
	add_tunnel(b, 1);
	bench_begin(b);
	wait_for(b, is_restarting);
	assert_true(clock_mono_ms() - began >= 50 + 100);
	assert_int_equal(one(b)->state, CONNECTOR_RESTARTING);
	assert_non_null(one(b)->problem);
}

static bool was_replaced(const struct bench *b)
{
	return is_ready(b) && starts(b) == 2;
}

static bool started_twice(const struct bench *b)
{
	return starts(b) >= 2;
}

static void test_hung_is_replaced(void **state)
{
	struct bench *b = *state;
	pid_t pid = bring_up(b);

	fake_mode(&b->fake, "hang\nignore_term\n");
	wait_for(b, started_twice);
	fake_mode(&b->fake, "edge 4\n");
	wait_for(b, was_replaced);
	assert_int_not_equal(one(b)->pid, pid);
	assert_int_equal(kill(pid, 0), -1);
	assert_true(has_event(b, "connector_hung"));
	assert_true(has_event(b, "connector_killed"));
	assert_int_equal(one(b)->restarts, 1);
}

static void test_stopped_process_is_replaced(void **state)
{
	struct bench *b = *state;
	pid_t pid = bring_up(b);

	kill(pid, SIGSTOP);
	wait_for(b, was_replaced);
	assert_int_not_equal(one(b)->pid, pid);
	assert_int_equal(kill(pid, 0), -1);
}

static void test_unready_for_long_is_replaced(void **state)
{
	struct bench *b = *state;

	bring_up(b);
	fake_mode(&b->fake, "edge 0\n");
	wait_for(b, started_twice);
	assert_true(has_event(b, "connector_unready"));
	fake_mode(&b->fake, "edge 4\n");
	wait_for(b, is_ready);
	assert_null(one(b)->problem);
}

static int remembered_port(const struct bench *b)
{
	AUTO(buf_t) text = {0};
	const char *port;

	read_file(b, "options", &text);
	port = strstr(buf_text(&text), "\"metrics_port\":");
	assert_non_null(port);
	return atoi(port + strlen("\"metrics_port\":"));
}

static void test_missing_program_is_named(void **state)
{
	struct bench *b = *state;

	b->options.cloudflared = "/nonexistent/cloudflared";
	add_tunnel(b, 1);
	bench_begin(b);
	wait_for(b, is_blocked);
	assert_int_equal(one(b)->problem->err.kind, ERR_NOT_FOUND);
	assert_non_null(strstr(one(b)->problem->err.message, "/nonexistent/cloudflared"));
	assert_non_null(strstr(one(b)->problem->err.hint, "connectors.cloudflared"));
	assert_non_null(strstr(one(b)->reason, "/nonexistent/cloudflared"));
	/* Nothing comes up to listen there. */
	assert_false(is_held(remembered_port(b)));
	/* The right path is tried at once. */
	b->options.cloudflared = b->fake.program;
	supervisor_configure(b->s, &b->options);
	wait_for(b, is_ready);
}

static bool runs(const struct bench *b)
{
	return one(b) && one(b)->state == CONNECTOR_STARTING && one(b)->edge_connections == 0;
}

/* It runs, so nothing keeps it from starting; what its log says is why it is not ready. */
static void test_started_at_last_is_no_missing_program(void **state)
{
	struct bench *b = *state;

	fake_mode(&b->fake, "edge 0\nsay {\"message\":\"Failed to dial a quic connection\"}\n");
	b->options.cloudflared = "/nonexistent/cloudflared";
	add_tunnel(b, 1);
	bench_begin(b);
	wait_for(b, is_blocked);
	assert_non_null(one(b)->problem);
	b->options.cloudflared = b->fake.program;
	supervisor_configure(b->s, &b->options);
	wait_for(b, runs);
	assert_null(one(b)->problem);
	run_for(b, 300);
	assert_string_equal(one(b)->reason, reason_info(REASON_NO_QUIC)->sentence);
}

static void test_busy_port_is_left(void **state)
{
	struct bench *b = *state;
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t pid = bring_up(b);
	int port = one(b)->metrics_port;

	supervisor_free(b->s);
	b->s = NULL;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	at.sin_port = htons((uint16_t)port);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 1), 0);
	world_drop(b->world, OBJECT_CONNECTOR, b->one);
	bench_begin(b);
	wait_for(b, is_ready);
	assert_int_not_equal(one(b)->metrics_port, port);
	close(fd);
}

/* ---- asked ---- */

static void test_absent_is_stopped_and_forgotten(void **state)
{
	struct bench *b = *state;
	pid_t pid = bring_up(b);

	tunnel(b)->want = WANT_ABSENT;
	world_changed(b->world, OBJECT_TUNNEL, b->tunnel);
	wait_for(b, is_gone);
	assert_false(has_folder(b));
	assert_int_equal(kill(pid, 0), -1);
	run_for(b, 100);
	assert_int_equal(starts(b), 1);

	struct world *w = world_new();
	assert_int_equal(store_load(b->store, w, &b->e), 0);
	assert_int_equal(w->connectors.n, 0);
	world_free(w);
}

static void test_absent_is_killed_after_grace(void **state)
{
	struct bench *b = *state;
	pid_t pid = bring_up(b);
	int64_t began;

	fake_mode(&b->fake, "ignore_term\n");
	began = clock_mono_ms();
	tunnel(b)->want = WANT_ABSENT;
	world_changed(b->world, OBJECT_TUNNEL, b->tunnel);
	wait_for(b, is_gone);
	assert_true(clock_mono_ms() - began >= b->options.grace_ms + 5000);
	assert_int_equal(kill(pid, 0), -1);
	assert_false(has_folder(b));
}

static bool two_are_ready(const struct bench *b)
{
	size_t n = 0;

	TABLE_EACH (i, struct connector, c, &b->world->connectors)
		n += c->state == CONNECTOR_READY;
	return n == 2;
}

static bool one_is_left(const struct bench *b)
{
	return b->world->connectors.n == 1;
}

static void test_replicas(void **state)
{
	struct bench *b = *state;

	add_tunnel(b, 2);
	bench_begin(b);
	wait_for(b, two_are_ready);
	tunnel(b)->replicas = 1;
	world_changed(b->world, OBJECT_TUNNEL, b->tunnel);
	wait_for(b, one_is_left);
	assert_true(is_ready(b));
	tunnel(b)->replicas = 2;
	world_changed(b->world, OBJECT_TUNNEL, b->tunnel);
	wait_for(b, two_are_ready);
}

static void test_dropped_tunnel_stops_its_connectors(void **state)
{
	struct bench *b = *state;
	pid_t pid = bring_up(b);

	world_drop(b->world, OBJECT_TUNNEL, b->tunnel);
	wait_for(b, is_gone);
	assert_int_equal(kill(pid, 0), -1);
	assert_false(has_folder(b));
}

static bool took_its_place(const struct bench *b)
{
	return is_ready(b) && connector_past(one(b))->replaced == 1;
}

static void test_restart_is_asked(void **state)
{
	struct bench *b = *state;
	pid_t pid = bring_up(b);

	assert_false(supervisor_restart(b->s, "t0-1"));
	assert_true(supervisor_restart(b->s, b->one));
	wait_for(b, took_its_place);
	assert_int_not_equal(one(b)->pid, pid);
	assert_int_equal(one(b)->restarts, 0);
	assert_null(one(b)->problem);
	run_for(b, 200);
	assert_int_equal(starts(b), 2);
}

static const struct connector_stop by_ops = {"ops", "a new disk", 0};

static void test_stopped_by_user_stays_stopped(void **state)
{
	struct bench *b = *state;

	bring_up(b);
	set_stopped(b, &by_ops);
	wait_for(b, is_stopped);
	assert_true(has_folder(b));
	run_for(b, 200);
	assert_int_equal(starts(b), 1);

	/* Also when the folder is all that is left. */
	supervisor_free(b->s);
	world_free(b->world);
	b->world = world_new();
	struct store *kept = b->store;
	b->store = NULL;
	bench_begin(b);
	b->store = kept;
	run_for(b, 200);
	assert_true(is_stopped(b));
	assert_int_equal(starts(b), 1);
	set_stopped(b, NULL);
	wait_for(b, is_ready);
}

static bool four_starts(const struct bench *b)
{
	return starts(b) == 4 && two_are_ready(b);
}

static bool both_replaced(const struct bench *b)
{
	size_t n = 0;

	TABLE_EACH (i, struct connector, c, &b->world->connectors)
		n += connector_past(c)->replaced == 1;
	return n == 2;
}

static void test_new_options_roll_one_by_one(void **state)
{
	struct bench *b = *state;
	AUTO(buf_t) config = {0};
	size_t down = 0, most = 0;

	add_tunnel(b, 2);
	bench_begin(b);
	wait_for(b, two_are_ready);
	b->options.protocol = "http2";
	supervisor_configure(b->s, &b->options);
	for (int64_t until = clock_mono_ms() + TURN_MS;
	     !four_starts(b) && clock_mono_ms() < until;) {
		loop_turn(b->loop);
		down = 0;
		TABLE_EACH (i, struct connector, c, &b->world->connectors)
			down += !connector_serving(c);
		most = down > most ? down : most;
	}
	assert_true(four_starts(b));
	wait_for(b, both_replaced);
	assert_int_equal(most, 0);
	AUTO(str_t) second = str_format("../%s.b/config.yml", b->one);
	read_file(b, second, &config);
	assert_non_null(strstr(config.data, "\nprotocol: http2\n"));
	/* The same options again: nothing moves. */
	supervisor_configure(b->s, &b->options);
	run_for(b, 300);
	assert_int_equal(starts(b), 4);
}

/* Found again with options that are not today's: it is replaced as well. */
static void test_options_changed_while_away(void **state)
{
	struct bench *b = *state;
	pid_t pid = bring_up(b);

	b->options.protocol = "http2";
	restart_daemon(b);
	assert_int_equal(one(b)->pid, pid);
	wait_for(b, took_its_place);
}

static void test_counters_last(void **state)
{
	struct bench *b = *state;
	struct world *w = world_new();
	pid_t pid = bring_up(b);

	kill(pid, SIGKILL);
	wait_for(b, is_ready_again);
	assert_int_equal(store_load(b->store, w, &b->e), 0);
	assert_int_equal(world_connector(w, b->one)->restarts, 1);
	assert_int_equal(world_connector(w, b->one)->token_generation, 1);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_starts_and_is_ready),
		TEST(test_version_of_the_configuration),
		TEST(test_token_is_nowhere_else),
		TEST(test_waits_for_token),
		TEST(test_some_connections_are_degraded),
		TEST(test_is_found_again),
		TEST(test_is_found_without_process_file),
		TEST(test_strangers_are_left_alone),
		TEST(test_port_is_held_until_it_listens),
		TEST(test_port_is_let_go_with_its_process),
		TEST(test_boots_from_folders_alone),
		TEST(test_lost_store_stops_nothing),
		TEST(test_killed_is_restarted),
		TEST(test_refused_token_blocks),
		TEST(test_spoilt_token_is_written_again),
		TEST(test_refused_for_ever_blocks),
		TEST(test_words_alone_change_nothing),
		TEST(test_flapping_backs_off),
		TEST(test_hung_is_replaced),
		TEST(test_stopped_process_is_replaced),
		TEST(test_unready_for_long_is_replaced),
		TEST(test_missing_program_is_named),
		TEST(test_started_at_last_is_no_missing_program),
		TEST(test_busy_port_is_left),
		TEST(test_absent_is_stopped_and_forgotten),
		TEST(test_absent_is_killed_after_grace),
		TEST(test_replicas),
		TEST(test_dropped_tunnel_stops_its_connectors),
		TEST(test_restart_is_asked),
		TEST(test_stopped_by_user_stays_stopped),
		TEST(test_new_options_roll_one_by_one),
		TEST(test_options_changed_while_away),
		TEST(test_counters_last),
	};

	return cmocka_run_group_tests_name("supervisor", tests, NULL, NULL);
}
