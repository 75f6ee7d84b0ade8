/* A store that is lost or damaged is begun anew as what it was; a full disk leaves room for what
 * revokes. */
#include "store/private.h"
#include "tests/unit/store/small_disk.h"

#include "base/buf.h"
#include "base/file.h"

static void lose(struct fixture *f)
{
	unlinkat(f->dirfd, "adit.db", 0);
	unlinkat(f->dirfd, "adit.db-wal", 0);
	unlinkat(f->dirfd, "adit.db-shm", 0);
}

static char *rebuild_of(struct fixture *f)
{
	return store_get_meta(f->s, STORE_REBUILD);
}

static void the_first_start_has_nothing_to_rebuild(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	open_store(f);
	assert_null(rebuild_of(f));
	assert_int_equal(fstatat(f->dirfd, "install", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	reopen_store(f);
	assert_null(rebuild_of(f));
}

static void a_lost_store_is_known_and_stays_who_it_was(void **state)
{
	struct fixture *f = *state;
	char install[16];

	open_store(f);
	str_copy(install, sizeof(install), store_install(f->s));
	close_store(f);
	lose(f);
	f->options.account_id = "";
	open_store(f);
	assert_string_equal(store_install(f->s), install);
	assert_string_equal(store_account(f->s), ACCOUNT);
	assert_false(store_was_damaged(f->s));
	for (int i = 0; i < 2; i++) {
		AUTO(str_t) why = rebuild_of(f);
		assert_string_equal(why, "lost");
		reopen_store(f);
	}
	OK(f, store_begin(f->s, &f->e));
	OK(f, store_set_meta(f->s, STORE_REBUILD, NULL, &f->e));
	OK(f, store_commit(f->s, &f->e));
	reopen_store(f);
	assert_null(rebuild_of(f));
}

static void a_lost_store_is_no_other_owners(void **state)
{
	struct fixture *f = *state;

	open_store(f);
	close_store(f);
	lose(f);
	f->options.owner = "edge2";
	REFUSED(f, ERR_CONFLICT, store_open(&f->options, &f->s, &f->e));
	SAYS(f, "edge1");
	f->options.owner = "edge1";
	open_store(f);
	AUTO(str_t) why = rebuild_of(f);
	assert_string_equal(why, "lost");
}

static void what_was_killed_between_is_still_known_as_lost(void **state)
{
	struct fixture *f = *state;
	AUTO(fd_t) fd = -1;

	open_store(f);
	close_store(f);
	lose(f);
	fd = openat(f->dirfd, "adit.db", O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	open_store(f);
	AUTO(str_t) why = rebuild_of(f);
	assert_string_equal(why, "lost");
}

static void overwrite_middle(struct fixture *f, off_t at, size_t len)
{
	AUTO(fd_t) fd = openat(f->dirfd, "adit.db", O_WRONLY);
	AUTO(str_t) noise = mem_alloc(len + 1);

	memset(noise, 0xff, len);
	assert_int_equal(pwrite(fd, noise, len, at), (ssize_t)len);
}

static void a_damaged_store_names_the_file_that_was_moved(void **state)
{
	struct fixture *f = *state;
	char install[16];

	open_store(f);
	str_copy(install, sizeof(install), store_install(f->s));
	close_store(f);
	overwrite_middle(f, 0, 100);
	open_store(f);
	AUTO(str_t) why = rebuild_of(f);
	assert_string_equal(why, store_damaged_name(f->s));
	assert_true(file_exists(f->dirfd, why));
	assert_string_equal(store_install(f->s), install);
}

static int64_t root_page(struct fixture *f, const char *table)
{
	AUTO(str_t) sql = str_format("SELECT rootpage FROM sqlite_schema WHERE name = '%s'", table);

	return raw_int(f, sql);
}

/* A store of a version that kept no such file is asked itself. */
static void without_the_file_the_damaged_store_is_asked(void **state)
{
	struct fixture *f = *state;
	char install[16];

	open_store(f);
	str_copy(install, sizeof(install), store_install(f->s));
	close_store(f);
	unlinkat(f->dirfd, "install", 0);
	overwrite_middle(f, (off_t)(root_page(f, "route") - 1) * 4096, 4096);
	open_store(f);
	assert_true(store_was_damaged(f->s));
	assert_string_equal(store_install(f->s), install);
	AUTO(str_t) why = rebuild_of(f);
	assert_non_null(why);
}

static void a_file_of_nonsense_is_not_believed(void **state)
{
	static const char *const texts[] = {"",
					    "{",
					    "[]",
					    "{\"install\": \"xyz\"}",
					    "{\"install\": 12345678}",
					    "{\"install\": \"../../ab\", \"owner\": \"edge1\"}"};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		OK(f, file_write(f->dirfd, "install", texts[i], strlen(texts[i]), 0600, &f->e));
		open_store(f);
		assert_int_equal(strlen(store_install(f->s)), 8);
		AUTO(str_t) why = rebuild_of(f);
		assert_string_equal(why, "lost"); /* something was there */
		close_store(f);
		remove_files(f->dir);
	}
}

static void write_machine(struct fixture *f, const char *id)
{
	OK(f, file_write(f->dirfd, "machine-id", id, strlen(id), 0600, &f->e));
}

static void a_lost_store_on_another_machine_has_moved(void **state)
{
	struct fixture *f = *state;
	AUTO(str_t) path = path_in(f, "machine-id");

	f->options.machine_id_file = path;
	write_machine(f, "0123456789abcdef0123456789abcdef\n");
	open_store(f);
	close_store(f);
	lose(f);
	write_machine(f, "fedcba9876543210fedcba9876543210\n");
	for (int i = 0; i < 2; i++) {
		open_store(f);
		assert_true(store_moved(f->s));
		close_store(f);
	}
	lose(f); /* until somebody has accepted it, the other machine is the right one */
	open_store(f);
	assert_true(store_moved(f->s));
}

static void a_machine_that_was_accepted_is_kept_beside_the_store(void **state)
{
	struct fixture *f = *state;
	AUTO(str_t) path = path_in(f, "machine-id");

	f->options.machine_id_file = path;
	write_machine(f, "0123456789abcdef0123456789abcdef\n");
	open_store(f);
	close_store(f);
	write_machine(f, "fedcba9876543210fedcba9876543210\n");
	open_store(f);
	assert_true(store_moved(f->s));
	OK(f, store_begin(f->s, &f->e));
	OK(f, store_accept_machine(f->s, &f->e));
	OK(f, store_commit(f->s, &f->e));
	reopen_store(f);
	assert_false(store_moved(f->s));
	close_store(f);
	lose(f);
	open_store(f);
	assert_false(store_moved(f->s));
}

/* ---- the reserve ---- */

static bool has_reserve(struct fixture *f)
{
	struct stat st;

	return !fstatat(f->dirfd, "reserve", &st, 0) && st.st_size == 256 * 1024;
}

static void the_reserve_is_made_and_only_given_on_a_full_disk(void **state)
{
	struct fixture *f = *state;

	open_store(f);
	assert_true(has_reserve(f));
	assert_false(store_give_reserve(f->s));
	assert_int_equal(store_disk(f->s), STORE_DISK_FINE);
	f->s->disk = STORE_DISK_FULL;
	assert_true(store_give_reserve(f->s));
	assert_false(has_reserve(f));
	assert_false(store_give_reserve(f->s));
	assert_int_equal(store_try(f->s), STORE_DISK_FINE);
	assert_true(has_reserve(f));
}

/* A file of that name that holds no room is none. */
static void an_empty_reserve_is_made_again(void **state)
{
	struct fixture *f = *state;
	AUTO(str_t) path = path_in(f, "reserve");

	open_store(f);
	close_store(f);
	assert_int_equal(truncate(path, 0), 0);
	open_store(f);
	assert_true(has_reserve(f));
	assert_int_equal(truncate(path, 0), 0);
	f->s->disk = STORE_DISK_FULL;
	assert_false(store_give_reserve(f->s));
}

static void the_disk_is_as_the_last_write_found_it(void **state)
{
	struct fixture *f = *state;

	open_store(f);
	OK(f, change(f->s, 1, &f->e));
	assert_int_equal(raw_run(f->s->db, "PRAGMA query_only = ON"), SQLITE_OK);
	REFUSED(f, ERR_INTERNAL, change(f->s, 2, &f->e));
	assert_int_equal(store_disk(f->s), STORE_DISK_READ_ONLY);
	assert_int_equal(store_try(f->s), STORE_DISK_READ_ONLY);
	assert_int_equal(raw_run(f->s->db, "PRAGMA query_only = OFF"), SQLITE_OK);
	assert_int_equal(store_try(f->s), STORE_DISK_FINE);
	OK(f, change(f->s, 2, &f->e));
	/* What wrote nothing says nothing about the disk. */
	f->s->disk = STORE_DISK_FULL;
	OK(f, store_begin(f->s, &f->e));
	OK(f, store_commit(f->s, &f->e));
	assert_int_equal(store_disk(f->s), STORE_DISK_FULL);
}

static void another_program_is_not_waited_for(void **state)
{
	struct fixture *f = *state;
	sqlite3 *db;

	open_store(f);
	OK(f, change(f->s, 1, &f->e));
	close_store(f);
	db = raw_open(f);
	assert_int_equal(raw_run(db, "PRAGMA locking_mode = EXCLUSIVE"), SQLITE_OK);
	assert_int_equal(raw_run(db, "BEGIN EXCLUSIVE"), SQLITE_OK);
	f->options.impatient = true;
	REFUSED(f, ERR_TIMEOUT, store_open(&f->options, &f->s, &f->e));
	SAYS(f, "another program");
	sqlite3_close(db);
	open_store(f);
	assert_false(store_was_damaged(f->s));
	assert_int_equal(stored(f), 1);
}

/* ---- a real full disk ---- */

static int fill(struct store *s, struct err *e)
{
	int n = 2;

	while (n < 10000 && !change(s, n, e))
		n++;
	return n;
}

static bool eat_disk(const char *dir)
{
	char block[4096] = "";
	AUTO(str_t) path = str_format("%s/noise", dir);
	AUTO(fd_t) fd = open(path, O_CREAT | O_WRONLY | O_APPEND, 0600);

	while (write(fd, block, sizeof(block)) == (ssize_t)sizeof(block))
		;
	return fd >= 0;
}

static int on_full_disk(struct fixture *f)
{
	struct store *s;
	struct err e;

	if (!mount_small_disk(f, "size=3m"))
		return DISK_SKIPPED;
	if (store_open(&f->options, &s, &e) || change(s, 1, &e) || !eat_disk(f->dir))
		return 1;
	if (fill(s, &e) >= 10000 || store_disk(s) != STORE_DISK_FULL)
		return 2;
	if (store_try(s) != STORE_DISK_FULL || !store_give_reserve(s))
		return 3;
	if (change(s, 5, &e) || store_disk(s) != STORE_DISK_FINE || !eat_disk(f->dir))
		return 4;
	if (fill(s, &e) >= 10000 || store_give_reserve(s))
		return 5;
	(void)unlinkat(f->options.dirfd, "noise", 0);
	if (store_try(s) != STORE_DISK_FINE || !file_exists(f->options.dirfd, "reserve"))
		return 6;
	store_close(s);
	if (!eat_disk(f->dir) || store_open(&f->options, &s, &e))
		return 7;
	store_close(s);
	return DISK_OK;
}

static void a_full_disk_gives_up_the_reserve_once(void **state)
{
	run_in_child(*state, on_full_disk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_first_start_has_nothing_to_rebuild),
		TEST(a_lost_store_is_known_and_stays_who_it_was),
		TEST(a_lost_store_is_no_other_owners),
		TEST(what_was_killed_between_is_still_known_as_lost),
		TEST(a_damaged_store_names_the_file_that_was_moved),
		TEST(without_the_file_the_damaged_store_is_asked),
		TEST(a_file_of_nonsense_is_not_believed),
		TEST(a_lost_store_on_another_machine_has_moved),
		TEST(a_machine_that_was_accepted_is_kept_beside_the_store),
		TEST(an_empty_reserve_is_made_again),
		TEST(the_reserve_is_made_and_only_given_on_a_full_disk),
		TEST(the_disk_is_as_the_last_write_found_it),
		TEST(another_program_is_not_waited_for),
		TEST(a_full_disk_gives_up_the_reserve_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
