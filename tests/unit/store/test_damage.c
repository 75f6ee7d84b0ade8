/* What the store does when the world is unkind: killed at any moment, damaged pages, a cut WAL.
 * What was acknowledged is there, what is damaged is moved aside, nothing lies. */
#include "store/private.h"
#include "tests/unit/store/fixture.h"

#include <signal.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"

#define PAGE 4096

static void expect_whole(struct fixture *f, int n)
{
	int64_t count = -1;

	assert_int_equal(stored(f), n);
	OK(f, store_verify_ledger(f->s, &count, &f->e));
	assert_int_equal(count, n);
	assert_int_equal(raw_int(f, "SELECT count(*) FROM event"), n);
}

/* ---- kill -9 ---- */

enum when { BEFORE_COMMIT, AFTER_COMMIT };

static void die_around_commit(struct fixture *f, enum when when)
{
	struct err e;
	struct store *s;

	if (store_open(&f->options, &s, &e) || change(s, 1, &e) || store_begin(s, &e))
		_exit(1);
	if (store_set_meta(s, "n", "2", &e) || store_set_meta(s, "k", "v", &e))
		_exit(1);
	if (when == AFTER_COMMIT && store_commit(s, &e))
		_exit(1);
	kill(getpid(), SIGKILL);
	_exit(1);
}

static void killed(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void a_kill_before_the_commit_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	pid_t pid = fork();

	if (!pid)
		die_around_commit(f, BEFORE_COMMIT);
	killed(pid);
	open_store(f);
	assert_false(store_was_damaged(f->s));
	assert_null(store_get_meta(f->s, "k"));
	expect_whole(f, 1);
}

static void a_kill_after_the_commit_loses_nothing(void **state)
{
	struct fixture *f = *state;
	AUTO(str_t) value = NULL;
	pid_t pid = fork();

	if (!pid)
		die_around_commit(f, AFTER_COMMIT);
	killed(pid);
	open_store(f);
	assert_false(store_was_damaged(f->s));
	value = store_get_meta(f->s, "k");
	assert_string_equal(value, "v");
	assert_int_equal(stored(f), 2);
}

/* Acknowledges each change on the pipe after its commit. */
static void change_for_ever(struct fixture *f, int from, int ack)
{
	struct err e;
	struct store *s;

	if (store_open(&f->options, &s, &e))
		_exit(1);
	for (int n = from + 1;; n++)
		if (change(s, n, &e) || write(ack, &n, sizeof(n)) != sizeof(n))
			_exit(1);
}

static int kill_at_random(struct fixture *f, int from, long wait_us)
{
	const struct timespec wait = {0, wait_us * 1000};
	int ack[2], last = from, n;
	pid_t pid;

	assert_int_equal(pipe(ack), 0);
	pid = fork();
	if (!pid)
		change_for_ever(f, from, ack[1]);
	close(ack[1]);
	nanosleep(&wait, NULL);
	kill(pid, SIGKILL);
	killed(pid);
	while (read(ack[0], &n, sizeof(n)) == sizeof(n))
		last = n;
	close(ack[0]);
	return last;
}

static void what_was_acknowledged_survives_kills(void **state)
{
	struct fixture *f = *state;
	int n = 0;

	for (int round = 0; round < 12; round++) {
		int acknowledged = kill_at_random(f, n, 1000 + (long)(random_u64() % 60000));

		open_store(f);
		assert_false(store_was_damaged(f->s));
		n = stored(f);
		assert_in_range(n, acknowledged, acknowledged + 1);
		expect_whole(f, n);
		close_store(f);
	}
	assert_true(n > 0);
}

/* ---- damaged files ---- */

static off_t size_of(struct fixture *f, const char *name)
{
	struct stat st;

	return fstatat(f->dirfd, name, &st, 0) ? -1 : st.st_size;
}

static void overwrite(struct fixture *f, const char *name, off_t at, size_t len)
{
	AUTO(fd_t) fd = openat(f->dirfd, name, O_WRONLY | O_CLOEXEC);
	char noise[PAGE];

	random_bytes(noise, sizeof(noise));
	noise[0] = (char)0xff; /* no kind of page begins so: chance must not make a good one */
	assert_true(len <= sizeof(noise) && fd >= 0);
	assert_int_equal(pwrite(fd, noise, len, at), len);
}

static void fill(struct fixture *f, int n)
{
	open_store(f);
	for (int i = 1; i <= n; i++)
		OK(f, change(f->s, i, &f->e));
	close_store(f);
}

static void sign_unclean(struct fixture *f)
{
	raw(f, "UPDATE meta SET value = '0' WHERE key = 'clean'");
}

static void expect_aside(struct fixture *f)
{
	struct world *w = world_new();

	assert_true(store_was_damaged(f->s));
	assert_true(str_starts(store_damaged_name(f->s), "adit.db.damaged-2"));
	assert_true(size_of(f, store_damaged_name(f->s)) >= 0);
	OK(f, store_load(f->s, w, &f->e));
	OK(f, change(f->s, 1, &f->e));
	expect_whole(f, 1);
	world_free(w);
	reopen_store(f);
	assert_false(store_was_damaged(f->s));
	expect_whole(f, 1);
}

static void a_broken_header_moves_the_file_aside(void **state)
{
	static const struct {
		off_t at;
		size_t len;
	} cases[] = {{0, PAGE}, {0, 16}, {100, 200}, {60, 12}};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char install[16];

		fill(f, 3);
		open_store(f);
		str_copy(install, sizeof(install), store_install(f->s));
		close_store(f);
		overwrite(f, "adit.db", cases[i].at, cases[i].len);
		open_store(f);
		assert_string_equal(store_install(f->s), install);
		expect_aside(f);
		close_store(f);
		remove_files(f->dir);
	}
}

static void no_database_at_all_moves_aside(void **state)
{
	static const char *const texts[] = {"x", "SQLite format 3", "This is no database at all."};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		AUTO(fd_t) fd = openat(f->dirfd, "adit.db", O_WRONLY | O_CREAT, 0600);

		assert_int_equal(write(fd, texts[i], strlen(texts[i])), strlen(texts[i]));
		open_store(f);
		expect_aside(f);
		close_store(f);
		remove_files(f->dir);
	}
}

static void another_programs_database_moves_aside(void **state)
{
	static const char *const schemas[] = {
		"CREATE TABLE x (y)",
		"PRAGMA application_id = 5; PRAGMA user_version = 1; CREATE TABLE x (y)",
		"PRAGMA application_id = 1633970548; PRAGMA user_version = 1; CREATE TABLE x (y)",
		"PRAGMA application_id = 1633970548; PRAGMA user_version = 1",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(schemas); i++) {
		raw(f, schemas[i]);
		open_store(f);
		expect_aside(f);
		close_store(f);
		remove_files(f->dir);
	}
}

static void a_file_cut_to_nothing_beside_its_wal_moves_aside(void **state)
{
	struct fixture *f = *state;
	AUTO(str_t) path = path_in(f, "adit.db");
	pid_t pid = fork();

	if (!pid)
		die_around_commit(f, AFTER_COMMIT);
	killed(pid);
	assert_true(size_of(f, "adit.db-wal") > 0);
	assert_int_equal(truncate(path, 0), 0);
	open_store(f);
	expect_aside(f);
}

static void aside_takes_wal_and_index_along(void **state)
{
	struct fixture *f = *state;
	AUTO(str_t) wal = NULL;
	pid_t pid = fork();

	if (!pid)
		die_around_commit(f, AFTER_COMMIT);
	killed(pid);
	assert_true(size_of(f, "adit.db-wal") > 0);
	overwrite(f, "adit.db", 0, PAGE);
	/* The WAL holds page 1 as well; without it the damage shows. */
	overwrite(f, "adit.db-wal", 0, 32);
	open_store(f);
	wal = str_format("%s-wal", store_damaged_name(f->s));
	assert_true(store_was_damaged(f->s));
	assert_true(size_of(f, wal) >= 0 || size_of(f, "adit.db-wal") >= 0);
	expect_aside(f);
}

static void names_of_damaged_files_do_not_collide(void **state)
{
	struct fixture *f = *state;
	AUTO(str_t) first = NULL;

	clock_freeze(1, 1700000000000);
	for (int i = 0; i < 3; i++) {
		fill(f, 2);
		overwrite(f, "adit.db", 0, PAGE);
		open_store(f);
		if (!first)
			first = str_dup(store_damaged_name(f->s));
		else
			assert_string_not_equal(store_damaged_name(f->s), first);
		close_store(f);
	}
	clock_freeze(0, 0);
	assert_string_equal(first, "adit.db.damaged-20231114T221320Z");
	assert_true(size_of(f, first) > 0);
	assert_true(size_of(f, "adit.db.damaged-20231114T221320Z.2") > 0);
}

static int all_is_read(struct fixture *f)
{
	struct event *events = NULL;
	struct plan **plans = NULL;
	struct world *w = world_new();
	size_t n = 0;
	int64_t count;
	int result = store_load(f->s, w, &f->e);

	world_free(w);
	result |= store_list_plans(f->s, -1, 0, 100, &plans, &n, &f->e);
	free(plans);
	result |= store_verify_ledger(f->s, &count, &f->e);
	n = 0;
	result |=
		store_list_events(f->s, &(struct event_filter){.limit = 1000}, &events, &n, &f->e);
	while (n)
		event_free(&events[--n]);
	free(events);
	return result;
}

/* Any page, after an unclean stop: aside, or nothing of it mattered. */
static void a_damaged_page_is_found_after_an_unclean_stop(void **state)
{
	struct fixture *f = *state;
	int aside = 0;

	for (int round = 0; round < 15; round++) {
		off_t pages;

		fill(f, 60);
		sign_unclean(f);
		pages = size_of(f, "adit.db") / PAGE;
		assert_true(pages > 10);
		overwrite(f, "adit.db", (off_t)(random_u64() % (uint64_t)pages) * PAGE, PAGE);
		open_store(f);
		if (store_was_damaged(f->s))
			aside++;
		else
			OK(f, all_is_read(f));
		close_store(f);
		remove_files(f->dir);
	}
	assert_true(aside > 8);
}

static off_t root_of(struct fixture *f, const char *table)
{
	AUTO(str_t) sql = str_format("SELECT rootpage FROM sqlite_schema WHERE name = '%s'", table);

	return (off_t)(raw_int(f, sql) - 1) * PAGE;
}

static void damaged_desired_state_is_found_after_a_clean_stop(void **state)
{
	static const char *const tables[] = {"meta",      "tunnel", "route", "record",
					     "connector", "secret", "token", "rules"};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		fill(f, 3);
		overwrite(f, "adit.db", root_of(f, tables[i]), PAGE);
		open_store(f);
		expect_aside(f);
		close_store(f);
		remove_files(f->dir);
	}
}

/* The ledger is too long to be read at each start: its damage shows when it is met, and the next
 * start looks at everything, even if this one dies without a word. */
static void damage_met_later_is_found_at_the_next_start(void **state)
{
	struct fixture *f = *state;

	for (int writes = 0; writes < 2; writes++) {
		fill(f, 3);
		overwrite(f, "adit.db", root_of(f, "ledger"), PAGE);
		open_store(f);
		assert_false(store_was_damaged(f->s));
		if (writes)
			REFUSED(f, ERR_INTERNAL, change(f->s, 4, &f->e));
		else
			assert_int_equal(all_is_read(f), -1);
		reopen_store(f);
		expect_aside(f);
		close_store(f);
		assert_int_equal(size_of(f, "adit.db.suspect"), -1);
		remove_files(f->dir);
	}
}

/* ---- the WAL ---- */

static void leave_wal(struct fixture *f, int n)
{
	pid_t pid = fork();

	if (!pid) {
		struct err e;
		struct store *s;

		if (store_open(&f->options, &s, &e))
			_exit(1);
		for (int i = 1; i <= n; i++)
			if (change(s, i, &e))
				_exit(1);
		kill(getpid(), SIGKILL);
	}
	killed(pid);
}

static void a_cut_wal_loses_whole_changes_only(void **state)
{
	struct fixture *f = *state;
	AUTO(str_t) path = path_in(f, "adit.db-wal");
	int cut_some = 0;

	for (int round = 0; round < 12; round++) {
		off_t size;

		fill(f, 1);
		remove_files(f->dir);
		leave_wal(f, 8);
		size = size_of(f, "adit.db-wal");
		assert_true(size > 8 * PAGE);
		/* The first half made the schema: without that there is no store to look at. */
		assert_int_equal(truncate(path, size - (off_t)(random_u64() % (uint64_t)size) / 4),
				 0);
		open_store(f);
		assert_false(store_was_damaged(f->s));
		assert_in_range(stored(f), 0, 8);
		cut_some += stored(f) < 8;
		expect_whole(f, stored(f));
		close_store(f);
		remove_files(f->dir);
	}
	assert_true(cut_some > 0);
}

static void a_scribbled_wal_loses_whole_changes_only(void **state)
{
	struct fixture *f = *state;

	for (int round = 0; round < 8; round++) {
		off_t size;

		leave_wal(f, 8);
		size = size_of(f, "adit.db-wal");
		overwrite(f, "adit.db-wal", size - 1000 - (off_t)(random_u64() % (6 * PAGE)), 64);
		open_store(f);
		assert_false(store_was_damaged(f->s));
		assert_in_range(stored(f), 0, 8);
		expect_whole(f, stored(f));
		close_store(f);
		remove_files(f->dir);
	}
}

/* The store warns of each damaged file; hundreds of such lines would hide a failure. */
static int quiet(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_kill_before_the_commit_leaves_nothing),
		TEST(a_kill_after_the_commit_loses_nothing),
		TEST(what_was_acknowledged_survives_kills),
		TEST(a_broken_header_moves_the_file_aside),
		TEST(no_database_at_all_moves_aside),
		TEST(another_programs_database_moves_aside),
		TEST(a_file_cut_to_nothing_beside_its_wal_moves_aside),
		TEST(aside_takes_wal_and_index_along),
		TEST(names_of_damaged_files_do_not_collide),
		TEST(a_damaged_page_is_found_after_an_unclean_stop),
		TEST(damaged_desired_state_is_found_after_a_clean_stop),
		TEST(damage_met_later_is_found_at_the_next_start),
		TEST(a_cut_wal_loses_whole_changes_only),
		TEST(a_scribbled_wal_loses_whole_changes_only),
	};

	return cmocka_run_group_tests(tests, quiet, NULL);
}
