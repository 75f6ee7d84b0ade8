/* The store as a file: first start, modes, lock, pins, schema, transactions. */
#include "store/private.h"
#include "tests/unit/store/fixture.h"

#include <signal.h>

/* ---- first start ---- */

static mode_t mode_of(struct fixture *f, const char *name)
{
	struct stat st;

	assert_int_equal(fstatat(f->dirfd, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st.st_mode & 07777;
}

static void first_start_makes_a_private_file(void **state)
{
	struct fixture *f = *state;
	mode_t before = umask(0);
	char install[16];

	open_store(f);
	OK(f, store_begin(f->s, &f->e));
	OK(f, store_set_meta(f->s, "k", "v", &f->e));
	OK(f, store_commit(f->s, &f->e));
	assert_int_equal(mode_of(f, "adit.db"), 0600);
	assert_int_equal(mode_of(f, "adit.db-wal"), 0600);
	assert_int_equal(mode_of(f, "adit.db-shm"), 0600);
	assert_int_equal(mode_of(f, "lock"), 0600);
	umask(before);

	assert_int_equal(strlen(store_install(f->s)), 8);
	assert_int_equal(strspn(store_install(f->s), "0123456789abcdef"), 8);
	assert_string_equal(store_owner(f->s), "edge1");
	assert_string_equal(store_account(f->s), ACCOUNT);
	assert_false(store_was_damaged(f->s));
	assert_null(store_damaged_name(f->s));
	str_copy(install, sizeof(install), store_install(f->s));
	reopen_store(f);
	assert_string_equal(store_install(f->s), install);
	close_store(f);
	assert_int_equal(raw_int(f, "PRAGMA application_id"), STORE_APPLICATION);
	assert_int_equal(raw_int(f, "PRAGMA user_version"), 9);
}

static void two_stores_differ(void **state)
{
	struct fixture *f = *state;
	char install[16];

	open_store(f);
	str_copy(install, sizeof(install), store_install(f->s));
	close_store(f);
	remove_files(f->dir);
	open_store(f);
	assert_string_not_equal(store_install(f->s), install);
}

static int64_t pragma(struct fixture *f, const char *sql)
{
	sqlite3_stmt *st = NULL;
	int64_t v;

	assert_int_equal(sqlite3_prepare_v2(f->s->db, sql, -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	v = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return v;
}

static void settings_hold(void **state)
{
	static const struct {
		const char *sql;
		int64_t value;
	} cases[] = {
		{"PRAGMA synchronous", 2},
		{"PRAGMA foreign_keys", 1},
		{"PRAGMA trusted_schema", 0},
		{"PRAGMA cell_size_check", 1},
		{"PRAGMA temp_store", 2},
		{"PRAGMA secure_delete", 1},
		{"PRAGMA wal_autocheckpoint", 1000},
		{"PRAGMA journal_size_limit", 4194304},
		{"PRAGMA busy_timeout", 5000},
		{"SELECT journal_mode = 'wal' FROM pragma_journal_mode", 1},
		{"SELECT count(*) = sum(strict) FROM pragma_table_list"
		 " WHERE type = 'table' AND schema = 'main' AND name NOT LIKE 'sqlite_%'",
		 1},
	};
	struct fixture *f = *state;
	int on = 0;

	open_store(f);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (pragma(f, cases[i].sql) != cases[i].value)
			fail_msg("%s is not %lld", cases[i].sql, (long long)cases[i].value);
	sqlite3_db_config(f->s->db, SQLITE_DBCONFIG_DEFENSIVE, -1, &on);
	assert_int_equal(on, 1);
}

static void every_statement_is_good(void **state)
{
	struct fixture *f = *state;

	open_store(f);
	for (int id = 0; id < SQL_COUNT; id++) {
		sqlite3_stmt *st = NULL;

		assert_non_null(sql_text((enum sql)id));
		if (sqlite3_prepare_v2(f->s->db, sql_text((enum sql)id), -1, &st, NULL))
			fail_msg("%s: %s", sql_text((enum sql)id), sqlite3_errmsg(f->s->db));
		sqlite3_finalize(st);
	}
}

static void wide_modes_are_narrowed(void **state)
{
	struct fixture *f = *state;

	open_store(f);
	close_store(f);
	assert_int_equal(fchmodat(f->dirfd, "adit.db", 0664, 0), 0);
	open_store(f);
	assert_int_equal(mode_of(f, "adit.db"), 0600);
}

static void links_are_refused(void **state)
{
	struct fixture *f = *state;

	open_store(f);
	close_store(f);
	assert_int_equal(linkat(f->dirfd, "adit.db", f->dirfd, "other", 0), 0);
	REFUSED(f, ERR_DENIED, store_open(&f->options, &f->s, &f->e));
	SAYS(f, "plain file");
	assert_int_equal(unlinkat(f->dirfd, "adit.db", 0), 0);
	assert_int_equal(symlinkat("other", f->dirfd, "adit.db"), 0);
	REFUSED(f, ERR_DENIED, store_open(&f->options, &f->s, &f->e));
	SAYS(f, "symbolic link");
	assert_int_equal(unlinkat(f->dirfd, "adit.db", 0), 0);
	assert_int_equal(mkdirat(f->dirfd, "adit.db", 0700), 0);
	REFUSED(f, ERR_INTERNAL, store_open(&f->options, &f->s, &f->e));
	assert_int_equal(unlinkat(f->dirfd, "adit.db", AT_REMOVEDIR), 0);
	assert_int_equal(symlinkat("other", f->dirfd, "adit.db-wal"), 0);
	REFUSED(f, ERR_DENIED, store_open(&f->options, &f->s, &f->e));
}

static void read_all(struct fixture *f, const char *name, struct buf *out)
{
	AUTO(str_t) path = path_in(f, name);
	char piece[4096];
	size_t n;
	FILE *file = fopen(path, "re");

	assert_non_null(file);
	while ((n = fread(piece, 1, sizeof(piece), file)) > 0)
		buf_add(out, piece, n);
	fclose(file);
}

static void a_start_without_a_write_leaves_the_file_alone(void **state)
{
	struct fixture *f = *state;
	AUTO(buf_t) before = {0};
	AUTO(buf_t) after = {0};
	struct world *w = world_new();

	open_store(f);
	close_store(f);
	read_all(f, "adit.db", &before);
	open_store(f);
	OK(f, store_load(f->s, w, &f->e));
	OK(f, store_begin(f->s, &f->e));
	OK(f, store_commit(f->s, &f->e));
	close_store(f);
	read_all(f, "adit.db", &after);
	assert_int_equal(before.len, after.len);
	assert_memory_equal(before.data, after.data, before.len);
	assert_int_equal(faccessat(f->dirfd, "adit.db-wal", F_OK, 0), -1);
	world_free(w);
}

static void the_clean_sign_goes_with_the_first_write(void **state)
{
	static const char clean[] = "SELECT value FROM meta WHERE key = 'clean'";
	struct fixture *f = *state;

	open_store(f);
	reopen_store(f);
	assert_int_equal(raw_int(f, clean), 1);
	OK(f, store_begin(f->s, &f->e));
	OK(f, store_set_meta(f->s, "k", "v", &f->e));
	store_rollback(f->s);
	assert_int_equal(raw_int(f, clean), 1);
	OK(f, store_begin(f->s, &f->e));
	OK(f, store_set_meta(f->s, "k", "v", &f->e));
	OK(f, store_commit(f->s, &f->e));
	assert_int_equal(raw_int(f, clean), 0);
	close_store(f);
	assert_int_equal(raw_int(f, clean), 1);
}

/* ---- the lock ---- */

static void a_second_store_is_busy(void **state)
{
	struct fixture *f = *state;
	AUTO(str_t) pid = str_format("process %ld", (long)getpid());
	struct store *second = NULL;

	open_store(f);
	REFUSED(f, ERR_BUSY, store_open(&f->options, &second, &f->e));
	assert_null(second);
	SAYS(f, pid);
	SAYS(f, f->dir);
	close_store(f);
	open_store(f);
}

/* A child as it is between fork and exec: it has a copy of the lock's descriptor. */
static void leave_child(int64_t ms)
{
	if (fork())
		return;
	usleep((useconds_t)ms * 1000);
	_exit(0);
}

/* Holds the store until it is killed; a child of it holds the lock that much longer. */
static pid_t hold_store(struct fixture *f, int64_t child_ms)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		struct err e;
		struct store *s;

		if (store_open(&f->options, &s, &e))
			_exit(1);
		if (child_ms)
			leave_child(child_ms);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void another_process_is_named_and_its_death_frees_the_lock(void **state)
{
	struct fixture *f = *state;
	pid_t pid = hold_store(f, 0);
	AUTO(str_t) named = str_format("process %ld", (long)pid);

	REFUSED(f, ERR_BUSY, store_open(&f->options, &f->s, &f->e));
	SAYS(f, named);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	open_store(f);
}

static void a_dead_holder_is_waited_for_a_moment(void **state)
{
	struct fixture *f = *state;
	pid_t pid = hold_store(f, 400);

	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	open_store(f);
}

static void another_program_in_the_file_is_busy(void **state)
{
	struct fixture *f = *state;
	sqlite3 *db;

	open_store(f);
	db = raw_open(f);
	assert_int_equal(raw_run(db, "BEGIN IMMEDIATE"), SQLITE_OK);
	sqlite3_busy_timeout(f->s->db, 0);
	REFUSED(f, ERR_BUSY, store_begin(f->s, &f->e));
	SAYS(f, "adit.db");
	sqlite3_close(db);
	OK(f, store_begin(f->s, &f->e));
	store_rollback(f->s);
}

/* ---- pins ---- */

static void another_owner_is_refused(void **state)
{
	struct fixture *f = *state;

	open_store(f);
	close_store(f);
	f->options.owner = "edge2";
	REFUSED(f, ERR_CONFLICT, store_open(&f->options, &f->s, &f->e));
	SAYS(f, "\"edge1\"");
	SAYS(f, "state_dir");
	f->options.owner = "edge1";
	open_store(f);
}

static void the_account_is_pinned_when_first_known(void **state)
{
	struct fixture *f = *state;

	f->options.account_id = "";
	open_store(f);
	assert_string_equal(store_account(f->s), "");
	f->options.account_id = ACCOUNT;
	reopen_store(f);
	assert_string_equal(store_account(f->s), ACCOUNT);
	f->options.account_id = "";
	reopen_store(f);
	assert_string_equal(store_account(f->s), ACCOUNT);
	close_store(f);
	f->options.account_id = "ffffffffffffffffffffffffffffffff";
	REFUSED(f, ERR_CONFLICT, store_open(&f->options, &f->s, &f->e));
	SAYS(f, ACCOUNT);
}

static void write_machine(struct fixture *f, const char *text)
{
	AUTO(fd_t) fd = openat(f->dirfd, "machine", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void another_machine_is_noticed_and_accepted(void **state)
{
	struct fixture *f = *state;
	AUTO(str_t) path = path_in(f, "machine");

	f->options.machine_id_file = path;
	write_machine(f, "uninitialized\n");
	open_store(f);
	assert_false(store_moved(f->s));
	write_machine(f, "11111111111111111111111111111111\n");
	reopen_store(f);
	assert_false(store_moved(f->s));
	write_machine(f, "22222222222222222222222222222222\n");
	reopen_store(f);
	assert_true(store_moved(f->s));
	OK(f, store_begin(f->s, &f->e));
	OK(f, store_accept_machine(f->s, &f->e));
	assert_false(store_moved(f->s));
	store_rollback(f->s);
	assert_true(store_moved(f->s));
	reopen_store(f);
	assert_true(store_moved(f->s));
	OK(f, store_begin(f->s, &f->e));
	OK(f, store_accept_machine(f->s, &f->e));
	OK(f, store_commit(f->s, &f->e));
	reopen_store(f);
	assert_false(store_moved(f->s));
	assert_int_equal(unlinkat(f->dirfd, "machine", 0), 0);
	reopen_store(f);
	assert_false(store_moved(f->s));
}

/* ---- schema ---- */

static void a_newer_schema_is_refused_untouched(void **state)
{
	struct fixture *f = *state;
	AUTO(buf_t) before = {0};
	AUTO(buf_t) after = {0};

	open_store(f);
	close_store(f);
	raw(f, "PRAGMA user_version = 10");
	read_all(f, "adit.db", &before);
	REFUSED(f, ERR_CONFLICT, store_open(&f->options, &f->s, &f->e));
	SAYS(f, "schema 10");
	SAYS(f, "up to 9");
	SAYS(f, "Install the newer aditd");
	read_all(f, "adit.db", &after);
	assert_int_equal(before.len, after.len);
	assert_memory_equal(before.data, after.data, before.len);
	raw(f, "PRAGMA user_version = 9");
	open_store(f);
	assert_false(store_was_damaged(f->s));
}

/* ---- transactions ---- */

static void meta_values(void **state)
{
	struct fixture *f = *state;
	AUTO(str_t) value = NULL;

	open_store(f);
	assert_null(store_get_meta(f->s, "nothing"));
	OK(f, store_begin(f->s, &f->e));
	OK(f, store_set_meta(f->s, "k", "one", &f->e));
	OK(f, store_set_meta(f->s, "k", "two", &f->e));
	OK(f, store_set_meta(f->s, "gone", "x", &f->e));
	OK(f, store_set_meta(f->s, "gone", NULL, &f->e));
	OK(f, store_commit(f->s, &f->e));
	reopen_store(f);
	value = store_get_meta(f->s, "k");
	assert_string_equal(value, "two");
	assert_null(store_get_meta(f->s, "gone"));
	OK(f, store_begin(f->s, &f->e));
	REFUSED(f, ERR_INTERNAL, store_set_meta(f->s, "owner", "x", &f->e));
	REFUSED(f, ERR_INTERNAL, store_set_meta(f->s, "ledger_head", NULL, &f->e));
	REFUSED(f, ERR_INTERNAL, store_set_meta(f->s, "machine", "x", &f->e));
	OK(f, store_commit(f->s, &f->e));
}

static void rollback_keeps_nothing(void **state)
{
	struct fixture *f = *state;

	open_store(f);
	store_rollback(f->s);
	OK(f, store_begin(f->s, &f->e));
	OK(f, store_set_meta(f->s, "k", "v", &f->e));
	store_rollback(f->s);
	assert_null(store_get_meta(f->s, "k"));
	OK(f, store_begin(f->s, &f->e));
	OK(f, store_set_meta(f->s, "k", "v", &f->e));
	close_store(f);
	open_store(f);
	assert_null(store_get_meta(f->s, "k"));
}

static void a_failed_write_spoils_its_transaction(void **state)
{
	struct fixture *f = *state;
	struct secret secret = {0};

	open_store(f);
	secret_set(&secret, "x", 1);
	OK(f, store_begin(f->s, &f->e));
	OK(f, store_set_meta(f->s, "k", "v", &f->e));
	REFUSED(f, ERR_INTERNAL, store_save_secret(f->s, "t-none", &secret, &f->e));
	REFUSED(f, ERR_INTERNAL, store_set_meta(f->s, "k", "w", &f->e));
	SAYS(f, "earlier write");
	REFUSED(f, ERR_INTERNAL, store_commit(f->s, &f->e));
	assert_null(store_get_meta(f->s, "k"));
	OK(f, store_begin(f->s, &f->e));
	OK(f, store_set_meta(f->s, "k", "v", &f->e));
	OK(f, store_commit(f->s, &f->e));
	secret_free(&secret);
}

static void a_failed_commit_has_rolled_back(void **state)
{
	struct fixture *f = *state;
	struct route *r = route_new();

	open_store(f);
	str_copy(r->tunnel_id, sizeof(r->tunnel_id), "t-none");
	str_set(&r->hostname, "a.example.com");
	str_set(&r->service, "http://127.0.0.1:80");
	OK(f, store_begin(f->s, &f->e));
	OK(f, store_set_meta(f->s, "k", "v", &f->e));
	OK(f, store_save_route(f->s, r, &f->e));
	REFUSED(f, ERR_INTERNAL, store_commit(f->s, &f->e));
	assert_null(store_get_meta(f->s, "k"));
	OK(f, store_begin(f->s, &f->e));
	OK(f, store_commit(f->s, &f->e));
	route_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(first_start_makes_a_private_file),
		TEST(two_stores_differ),
		TEST(settings_hold),
		TEST(every_statement_is_good),
		TEST(wide_modes_are_narrowed),
		TEST(links_are_refused),
		TEST(a_start_without_a_write_leaves_the_file_alone),
		TEST(the_clean_sign_goes_with_the_first_write),
		TEST(a_second_store_is_busy),
		TEST(another_process_is_named_and_its_death_frees_the_lock),
		TEST(a_dead_holder_is_waited_for_a_moment),
		TEST(another_program_in_the_file_is_busy),
		TEST(another_owner_is_refused),
		TEST(the_account_is_pinned_when_first_known),
		TEST(another_machine_is_noticed_and_accepted),
		TEST(a_newer_schema_is_refused_untouched),
		TEST(meta_values),
		TEST(rollback_keeps_nothing),
		TEST(a_failed_write_spoils_its_transaction),
		TEST(a_failed_commit_has_rolled_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
