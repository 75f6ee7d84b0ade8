/* The launcher alone: files, processes found again, and what strangers may have put in its way. */
#include "fake.h"

#include "base/file.h"
#include "supervise/budget.h"
#include "supervise/launcher.h"

#define TOKEN  "eyJhIjoiMDIzZTEwNWY0ZWNlZjhhZDljYTMxYTgzNzJkMGMzNTMifQ=="
#define REMOTE "c713d890-1111-4222-8333-123456789abc"
#define ID     "t0123456789-1"

struct bench {
	struct fake fake;
	struct loop *loop;
	struct launcher *x;
	struct launch_spec spec;
	struct timer tick;
	struct secret token;
	int ended, code, signo;
	struct err e;
};

static void ended(const char *id, int code, int signo, void *owner)
{
	struct bench *b = owner;

	assert_string_equal(id, ID);
	b->ended++;
	b->code = code;
	b->signo = signo;
}

static struct launcher *launcher_of(struct bench *b)
{
	return launch_child_new(b->loop, b->fake.dirfd, b->fake.dir,
				&(struct launcher_events){.ended = ended, .owner = b});
}

static void ticked(struct timer *t, void *owner)
{
	(void)owner;
	timer_start(t, 20);
}

static int setup(void **state)
{
	struct bench *b = mem_alloc(sizeof(*b));

	fake_open(&b->fake);
	b->loop = loop_new();
	b->x = launcher_of(b);
	b->spec = (struct launch_spec){
		.id = ID,
		.tunnel_id = REMOTE,
		.label = "edge1",
		.protocol = "http2",
		.cloudflared = b->fake.program,
		.grace_ms = 90000,
		.metrics_port = 20301,
		.token_generation = 3,
	};
	secret_set(&b->token, TOKEN, strlen(TOKEN));
	timer_init(&b->tick, b->loop, ticked, NULL);
	timer_start(&b->tick, 20);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	b->x->ops->free(b->x);
	timer_stop(&b->tick);
	loop_free(b->loop);
	fake_close(&b->fake);
	secret_free(&b->token);
	free(b);
	return 0;
}

static void prepare(struct bench *b)
{
	assert_int_equal(b->x->ops->prepare(b->x, &b->spec, &b->token, &b->e), 0);
}

static void wait_starts(struct bench *b, size_t n)
{
	pid_t pids[16];
	int64_t until = clock_mono_ms() + 20000;

	while (fake_starts(&b->fake, pids, ARRAY_LEN(pids)) < n) {
		assert_true(clock_mono_ms() < until);
		loop_turn(b->loop);
	}
}

static void wait_ended(struct bench *b)
{
	int64_t until = clock_mono_ms() + 20000;

	while (!b->ended) {
		assert_true(clock_mono_ms() < until);
		loop_turn(b->loop);
	}
}

static void text_of(const struct bench *b, const char *name, struct buf *out)
{
	AUTO(str_t) path = str_format("connectors/" ID "/%s", name);
	struct err e;

	assert_int_equal(file_read(b->fake.dirfd, path, 0, out, &e), 0);
}

static void test_files(void **state)
{
	struct bench *b = *state;
	AUTO(buf_t) config = {0};
	AUTO(str_t) expected = NULL;
	struct launch_memory m = {0};
	char tunnel[UUID_SIZE];
	struct launch_kept kept = {0};

	assert_int_equal(b->x->ops->recall(b->x, ID, &m, &kept, &b->e), -1);
	assert_int_equal(b->e.kind, ERR_NOT_FOUND);
	prepare(b);
	text_of(b, "config.yml", &config);
	expected = str_format("# Written by aditd before each start; changes are lost.\n"
			      "no-autoupdate: true\n"
			      "no-prechecks: true\n"
			      "metrics: 127.0.0.1:20301\n"
			      "protocol: http2\n"
			      "token-file: \"%s/connectors/" ID "/token\"\n"
			      "grace-period: 1m30s\n"
			      "retries: 2\n"
			      "label: \"edge1\"\n"
			      "loglevel: info\n",
			      b->fake.dir);
	assert_string_equal(config.data, expected);
	assert_int_equal(b->x->ops->recall(b->x, ID, &m, &kept, &b->e), 0);
	assert_string_equal(uuid_format(&m.tunnel_id, tunnel), REMOTE);
	assert_int_equal(m.metrics_port, 20301);
	assert_int_equal(m.token_generation, 3);
	assert_true(m.has_token);
	assert_false(kept.stopped);
}

static void test_label_cannot_break_out(void **state)
{
	struct bench *b = *state;
	AUTO(buf_t) config = {0};

	b->spec.label = "a\"\nmetrics: 0.0.0.0:1";
	prepare(b);
	text_of(b, "config.yml", &config);
	assert_non_null(strstr(config.data, "\nlabel: \"a\\\"\\nmetrics: 0.0.0.0:1\"\n"));
}

static ino_t inode_of(const struct bench *b, const char *name)
{
	AUTO(str_t) path = str_format("connectors/" ID "/%s", name);
	struct stat st;

	assert_int_equal(fstatat(b->fake.dirfd, path, &st, 0), 0);
	return st.st_ino;
}

static void test_writes_only_what_changed(void **state)
{
	struct bench *b = *state;
	ino_t config, options, token;

	assert_false(b->x->ops->current(b->x, &b->spec));
	prepare(b);
	assert_true(b->x->ops->current(b->x, &b->spec));
	config = inode_of(b, "config.yml");
	options = inode_of(b, "options");
	token = inode_of(b, "token");
	assert_int_equal(b->x->ops->prepare(b->x, &b->spec, NULL, &b->e), 0);
	assert_int_equal(inode_of(b, "config.yml"), config);
	assert_int_equal(inode_of(b, "options"), options);
	assert_int_equal(inode_of(b, "token"), token);
	b->spec.grace_ms = 1000;
	assert_false(b->x->ops->current(b->x, &b->spec));
	b->spec.grace_ms = 90000;
	b->spec.cloudflared = "/other/cloudflared";
	assert_false(b->x->ops->current(b->x, &b->spec));
}

static int keep(struct bench *b, const struct launch_kept *k, bool lasting)
{
	return b->x->ops->keep(b->x, ID, k, lasting, &b->e);
}

static void test_what_is_to_last_is_kept(void **state)
{
	struct bench *b = *state;
	struct launch_memory m = {0};
	struct launch_kept kept = {0};
	const struct launch_kept k = {.turn = 7,
				      .stopped = true,
				      .stopped_until_ms = 1234567890123,
				      .exits = 5,
				      .blocks = 2,
				      .last = REASON_BAD_TOKEN,
				      .next_start_ms = 1234567890999};

	assert_int_equal(keep(b, &k, true), 0);
	prepare(b);
	assert_int_equal(b->x->ops->recall(b->x, ID, &m, &kept, &b->e), 0);
	assert_int_equal(kept.turn, 0);
	for (int lasting = 0; lasting < 2; lasting++) {
		assert_int_equal(keep(b, &(struct launch_kept){.turn = 1}, lasting == 1), 0);
		assert_int_equal(keep(b, &k, lasting == 1), 0);
		/* What a start needs is another file. */
		prepare(b);
		assert_int_equal(b->x->ops->recall(b->x, ID, &m, &kept, &b->e), 0);
		assert_int_equal(kept.turn, k.turn);
		assert_true(kept.stopped);
		assert_int_equal(kept.stopped_until_ms, k.stopped_until_ms);
		assert_int_equal(kept.exits, k.exits);
		assert_int_equal(kept.blocks, k.blocks);
		assert_int_equal(kept.last, k.last);
		assert_int_equal(kept.next_start_ms, k.next_start_ms);
		assert_true(m.has_token);
		assert_int_equal(m.metrics_port, 20301);
		assert_int_equal(m.token_generation, 3);
	}
}

static void test_damaged_kept(void **state)
{
	struct bench *b = *state;
	static const char *const bad[] = {"", "{", "[]", "{\"exits\":-1,\"last\":\"nothing\"}",
					  "{\"turn\":true,\"last\":7}"};

	prepare(b);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct launch_memory m = {0};
		struct launch_kept kept = {0};

		fake_write(&b->fake, "connectors/" ID "/kept", bad[i], 0600);
		assert_int_equal(b->x->ops->recall(b->x, ID, &m, &kept, &b->e), 0);
		assert_int_equal(kept.exits, 0);
		assert_int_equal(kept.turn, 0);
		assert_int_equal(kept.last, REASON_NONE);
		assert_int_equal(m.metrics_port, 20301);
	}
	fake_write(&b->fake, "connectors/" ID "/kept", "{\"exits\":99999999999}", 0600);
	struct launch_memory m = {0};
	struct launch_kept kept = {0};
	assert_int_equal(b->x->ops->recall(b->x, ID, &m, &kept, &b->e), 0);
	assert_int_equal(kept.exits, BUDGET_COUNT_MOST);
}

/* The second process of a connector has a folder of its own, and the token of the first. */
static void test_token_of_the_other_side(void **state)
{
	struct bench *b = *state;
	AUTO(buf_t) token = {0};
	struct err e;

	prepare(b);
	b->spec.id = ID ".b";
	b->spec.token_from = "t0123456789-2";
	assert_int_equal(b->x->ops->prepare(b->x, &b->spec, NULL, &b->e), -1);
	b->spec.token_from = ID;
	assert_int_equal(b->x->ops->prepare(b->x, &b->spec, NULL, &b->e), 0);
	assert_int_equal(file_read(b->fake.dirfd, "connectors/" ID ".b/token", 0, &token, &e), 0);
	assert_string_equal(buf_text(&token), TOKEN);
	assert_int_equal(b->x->ops->remove(b->x, ID ".b", &b->e), 0);
	assert_true(file_exists(b->fake.dirfd, "connectors/" ID "/token"));
}

static void test_damaged_options(void **state)
{
	struct bench *b = *state;
	struct launch_memory m = {.metrics_port = 5};
	struct launch_kept kept = {0};
	static const char *const bad[] = {"", "{", "[]", "{\"metrics_port\":-1}",
					  "{\"metrics_port\":99999999999}"};

	prepare(b);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		fake_write(&b->fake, "connectors/" ID "/options", bad[i], 0600);
		m.metrics_port = 5;
		if (b->x->ops->recall(b->x, ID, &m, &kept, &b->e) == 0)
			assert_int_equal(m.metrics_port, 0);
		else
			assert_int_equal(m.metrics_port, 5);
	}
	prepare(b);
	assert_int_equal(b->x->ops->recall(b->x, ID, &m, &kept, &b->e), 0);
	assert_int_equal(m.metrics_port, 20301);
}

static void test_odd_ids_are_refused(void **state)
{
	struct bench *b = *state;
	static const char *const ids[] = {"", ".", "..", "../x", "a/b", ".hidden"};

	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		b->spec.id = ids[i];
		assert_int_equal(b->x->ops->prepare(b->x, &b->spec, NULL, &b->e), -1);
		assert_int_equal(b->x->ops->remove(b->x, ids[i], &b->e), -1);
	}
}

/* A link instead of the folder, the token or the log leads nowhere. */
static void test_links_are_not_followed(void **state)
{
	struct bench *b = *state;
	struct stat st;

	fake_write(&b->fake, "victim", "untouched", 0644);
	assert_int_equal(mkdirat(b->fake.dirfd, "elsewhere", 0700), 0);
	assert_int_equal(mkdirat(b->fake.dirfd, "connectors", 0700), 0);
	assert_int_equal(symlinkat("../elsewhere", b->fake.dirfd, "connectors/" ID), 0);
	assert_int_equal(b->x->ops->prepare(b->x, &b->spec, &b->token, &b->e), -1);
	assert_int_equal(unlinkat(b->fake.dirfd, "connectors/" ID, 0), 0);

	prepare(b);
	assert_int_equal(unlinkat(b->fake.dirfd, "connectors/" ID "/token", 0), 0);
	assert_int_equal(symlinkat("../../victim", b->fake.dirfd, "connectors/" ID "/token"), 0);
	assert_int_equal(symlinkat("../../victim", b->fake.dirfd, "connectors/" ID "/log"), 0);
	prepare(b);
	assert_int_equal(b->x->ops->start(b->x, &b->spec, &b->e), -1);
	assert_int_equal(fstatat(b->fake.dirfd, "victim", &st, 0), 0);
	assert_int_equal(st.st_size, strlen("untouched"));
	assert_int_equal(
		fstatat(b->fake.dirfd, "connectors/" ID "/token", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void test_start_and_end(void **state)
{
	struct bench *b = *state;
	struct launch_found f;

	prepare(b);
	assert_int_equal(b->x->ops->find(b->x, ID, &f, &b->e), -1);
	assert_int_equal(b->e.kind, ERR_NOT_FOUND);
	assert_int_equal(b->x->ops->stop(b->x, ID, false), -1);
	assert_int_equal(b->x->ops->start(b->x, &b->spec, &b->e), 0);
	assert_int_equal(b->x->ops->start(b->x, &b->spec, &b->e), -1);
	assert_int_equal(b->e.kind, ERR_CONFLICT);
	assert_int_equal(b->x->ops->remove(b->x, ID, &b->e), -1);
	assert_int_equal(b->x->ops->find(b->x, ID, &f, &b->e), 0);
	assert_int_equal(f.metrics_port, 20301);
	assert_true(f.started_ms <= clock_wall_ms() && f.started_ms > clock_wall_ms() - 10000);
	assert_int_equal(getpgid(f.pid), f.pid);
	wait_starts(b, 1);
	assert_int_equal(b->x->ops->stop(b->x, ID, true), 0);
	wait_ended(b);
	assert_int_equal(b->code, -1);
	assert_int_equal(b->signo, SIGKILL);
	assert_int_equal(b->x->ops->remove(b->x, ID, &b->e), 0);
	assert_int_equal(b->x->ops->remove(b->x, ID, &b->e), 0);
	assert_false(file_exists(b->fake.dirfd, "connectors/" ID "/token"));
	assert_int_equal(faccessat(b->fake.dirfd, "connectors/" ID, F_OK, 0), -1);
}

/* No descriptor left, a disk that fails: what we started runs all the same. */
static void test_known_without_its_folder(void **state)
{
	struct bench *b = *state;
	struct launch_found f;
	int dir = b->fake.dirfd;

	prepare(b);
	assert_int_equal(b->x->ops->start(b->x, &b->spec, &b->e), 0);
	wait_starts(b, 1);
	assert_int_equal(renameat(dir, "connectors", dir, "away"), 0);
	assert_int_equal(b->x->ops->find(b->x, ID, &f, &b->e), 0);
	assert_int_equal(getpgid(f.pid), f.pid);
	assert_int_equal(renameat(dir, "away", dir, "connectors"), 0);
	assert_int_equal(b->x->ops->stop(b->x, ID, true), 0);
	wait_ended(b);
}

static void test_exit_code(void **state)
{
	struct bench *b = *state;
	AUTO(buf_t) log = {0};

	fake_mode(&b->fake, "exit 255 that is no token\n");
	prepare(b);
	assert_int_equal(b->x->ops->start(b->x, &b->spec, &b->e), 0);
	wait_ended(b);
	assert_int_equal(b->code, 255);
	assert_int_equal(b->signo, 0);
	text_of(b, "log", &log);
	assert_non_null(strstr(log.data, "that is no token\n"));
}

static void test_program_missing(void **state)
{
	struct bench *b = *state;
	AUTO(str_t) plain = str_format("%s/mode", b->fake.dir);

	fake_mode(&b->fake, "no program\n");
	prepare(b);
	b->spec.cloudflared = "/nonexistent/cloudflared";
	assert_int_equal(b->x->ops->start(b->x, &b->spec, &b->e), -1);
	assert_int_equal(b->e.kind, ERR_NOT_FOUND);
	assert_non_null(strstr(b->e.message, "/nonexistent/cloudflared"));
	b->spec.cloudflared = plain;
	assert_int_equal(b->x->ops->start(b->x, &b->spec, &b->e), -1);
	assert_int_equal(b->e.kind, ERR_DENIED);
	assert_int_equal(b->x->ops->remove(b->x, ID, &b->e), 0);
}

/* The life before: it starts one, notes it if the loop still turns, and is gone without a word. */
static void live_and_die(struct bench *b, bool noted)
{
	pid_t daemon = fork();
	int status;

	assert_true(daemon >= 0);
	if (daemon == 0) {
		struct loop *l = loop_new();
		struct launcher *x =
			launch_child_new(l, b->fake.dirfd, b->fake.dir,
					 &(struct launcher_events){.ended = ended, .owner = b});
		int rc = x->ops->start(x, &b->spec, &b->e);

		if (noted)
			loop_turn(l);
		_exit(rc ? 1 : 0);
	}
	assert_int_equal(waitpid(daemon, &status, 0), daemon);
	assert_int_equal(status, 0);
}

static void found_from_a_life_before(struct bench *b, bool noted)
{
	struct launch_found f;
	pid_t pids[4];

	prepare(b);
	live_and_die(b, noted);
	wait_starts(b, 1);
	assert_int_equal(b->x->ops->find(b->x, ID, &f, &b->e), 0);
	assert_int_equal(fake_starts(&b->fake, pids, 4), 1);
	assert_int_equal(f.pid, pids[0]);
	assert_int_equal(f.metrics_port, 20301);
	assert_true(f.started_ms <= clock_wall_ms() && f.started_ms > clock_wall_ms() - 10000);
	assert_true(file_exists(b->fake.dirfd, "connectors/" ID "/process"));
	assert_int_equal(b->x->ops->start(b->x, &b->spec, &b->e), -1);
	assert_int_equal(b->x->ops->stop(b->x, ID, true), 0);
	wait_ended(b);
	/* It was never our child: how it ended nobody says. */
	assert_int_equal(b->code, -1);
	assert_int_equal(b->signo, 0);
}

static void test_found_by_its_file(void **state)
{
	found_from_a_life_before(*state, true);
}

static void test_found_by_its_command_line(void **state)
{
	found_from_a_life_before(*state, false);
}

/* The note of an earlier process still lies there. */
static void test_found_beside_an_old_note(void **state)
{
	struct bench *b = *state;
	AUTO(str_t) text = NULL;
	char boot[40];

	process_boot_id(boot);
	text = str_format("{\"pid\":%d,\"start_ticks\":12,\"boot_id\":\"%s\"}", (int)getpid(),
			  boot);
	prepare(b);
	fake_write(&b->fake, "connectors/" ID "/process", text, 0600);
	found_from_a_life_before(b, false);
}

static void test_noted_at_the_end(void **state)
{
	struct bench *b = *state;
	AUTO(buf_t) note = {0};

	prepare(b);
	assert_int_equal(b->x->ops->start(b->x, &b->spec, &b->e), 0);
	assert_false(file_exists(b->fake.dirfd, "connectors/" ID "/process"));
	b->x->ops->free(b->x);
	text_of(b, "process", &note);
	assert_non_null(strstr(buf_text(&note), "\"start_ticks\":"));
	assert_null(strstr(buf_text(&note), "\"start_ticks\":0"));
	b->x = launcher_of(b);
}

/* Same pid and start, but another boot: it cannot be the one. */
static void test_another_boot(void **state)
{
	struct bench *b = *state;
	AUTO(str_t)
	text = str_format("{\"pid\":%d,\"start_ticks\":%lld,\"boot_id\":\"%s\","
			  "\"metrics_port\":1}",
			  (int)getpid(), (long long)process_start_ticks(getpid()),
			  "00000000-0000-0000-0000-000000000000");
	struct launch_found f;

	prepare(b);
	fake_write(&b->fake, "connectors/" ID "/process", text, 0600);
	assert_int_equal(b->x->ops->find(b->x, ID, &f, &b->e), -1);
	assert_int_equal(b->e.kind, ERR_NOT_FOUND);
}

/* It names the same file, but it is no connector of ours. */
static void test_lookalikes(void **state)
{
	struct bench *b = *state;
	AUTO(str_t) config = str_format("%s/connectors/" ID "/config.yml", b->fake.dir);
	const char *const argv[] = {"/bin/sh",  "-c",   "sleep 30", "sh", "tunnel",
				    "--config", config, "run",      NULL};
	struct child c = {0};
	struct launch_found f;

	prepare(b);
	assert_int_equal(child_spawn(&c, b->loop, &(struct child_spec){argv, NULL, -1, NULL}, NULL,
				     NULL, &b->e),
			 0);
	pid_t stranger = c.pid;
	assert_int_equal(b->x->ops->find(b->x, ID, &f, &b->e), -1);
	assert_int_equal(b->e.kind, ERR_NOT_FOUND);
	child_forget(&c);
	kill(-stranger, SIGKILL);
	waitpid(stranger, NULL, 0);
}

static void test_list(void **state)
{
	struct bench *b = *state;
	AUTO(strlist_t) none = {0};
	AUTO(strlist_t) ids = {0};

	assert_int_equal(b->x->ops->list(b->x, &none, &b->e), 0);
	assert_int_equal(none.n, 0);
	prepare(b);
	b->spec.id = "t0123456789-2";
	prepare(b);
	assert_int_equal(b->x->ops->list(b->x, &ids, &b->e), 0);
	assert_int_equal(ids.n, 2);
	assert_true(strlist_has(&ids, ID) && strlist_has(&ids, "t0123456789-2"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_files),
		TEST(test_label_cannot_break_out),
		TEST(test_writes_only_what_changed),
		TEST(test_what_is_to_last_is_kept),
		TEST(test_damaged_kept),
		TEST(test_token_of_the_other_side),
		TEST(test_damaged_options),
		TEST(test_odd_ids_are_refused),
		TEST(test_links_are_not_followed),
		TEST(test_start_and_end),
		TEST(test_known_without_its_folder),
		TEST(test_exit_code),
		TEST(test_program_missing),
		TEST(test_found_by_its_file),
		TEST(test_found_by_its_command_line),
		TEST(test_found_beside_an_old_note),
		TEST(test_noted_at_the_end),
		TEST(test_another_boot),
		TEST(test_lookalikes),
		TEST(test_list),
	};

	return cmocka_run_group_tests_name("launch", tests, NULL, NULL);
}
