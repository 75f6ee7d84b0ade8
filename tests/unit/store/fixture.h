/* A scratch state_dir for the store's tests: made before each test, removed after it. */
#ifndef TESTS_UNIT_STORE_FIXTURE_H
#define TESTS_UNIT_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/store.h"

#define ACCOUNT "023e105f4ecef8ad9ca31a8372d0c353"

struct fixture {
	char dir[64];
	int dirfd;
	struct store *s;
	struct store_options options;
	struct err e;
};

static inline int fixture_setup(void **state)
{
	struct fixture *f = mem_alloc(sizeof(*f));

	snprintf(f->dir, sizeof(f->dir), "/tmp/adit-store-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->dirfd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(f->dirfd >= 0);
	f->options = (struct store_options){
		.dirfd = f->dirfd,
		.owner = "edge1",
		.account_id = ACCOUNT,
	};
	*state = f;
	return 0;
}

static inline void remove_files(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *entry;

	assert_non_null(d);
	while ((entry = readdir(d)))
		unlinkat(dirfd(d), entry->d_name, 0);
	closedir(d);
}

static inline int fixture_teardown(void **state)
{
	struct fixture *f = *state;

	store_close(f->s);
	remove_files(f->dir);
	rmdir(f->dir);
	close(f->dirfd);
	free(f);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

/* Asserts that it worked and shows the sentence when it did not. */
#define OK(f, call)                                                                                \
	do {                                                                                       \
		if ((call) != 0)                                                                   \
			fail_msg("%s: %s", #call, (f)->e.message);                                 \
	} while (0)

#define REFUSED(f, error, call)                                                                    \
	do {                                                                                       \
		memset(&(f)->e, 0, sizeof((f)->e));                                                \
		assert_int_equal((call), -1);                                                      \
		assert_string_equal(err_kind_name((f)->e.kind), err_kind_name(error));             \
		assert_true((f)->e.message[0]);                                                    \
	} while (0)

#define SAYS(f, text)                                                                              \
	do {                                                                                       \
		if (!strstr((f)->e.message, text) && !strstr((f)->e.hint, text))                   \
			fail_msg("\"%s\" is not in: %s (%s)", text, (f)->e.message, (f)->e.hint);  \
	} while (0)

static inline void open_store(struct fixture *f)
{
	OK(f, store_open(&f->options, &f->s, &f->e));
}

static inline void close_store(struct fixture *f)
{
	store_close(f->s);
	f->s = NULL;
}

static inline void reopen_store(struct fixture *f)
{
	close_store(f);
	open_store(f);
}

static inline sqlite3 *raw_open(struct fixture *f)
{
	AUTO(str_t) path = str_format("%s/adit.db", f->dir);
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 1000);
	return db;
}

static inline int raw_run(sqlite3 *db, const char *sql)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

/* One statement on a handle of its own. */
static inline void raw(struct fixture *f, const char *sql)
{
	sqlite3 *db = raw_open(f);

	if (raw_run(db, sql) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	sqlite3_close(db);
}

static inline int64_t raw_int(struct fixture *f, const char *sql)
{
	sqlite3 *db = raw_open(f);
	sqlite3_stmt *st = NULL;
	int64_t v;

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	v = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
	return v;
}

static inline char *path_in(const struct fixture *f, const char *name)
{
	return str_format("%s/%s", f->dir, name);
}

static inline struct ledger_row ledger_sample(void)
{
	static char principal[] = "uid 0 (root)", operation[] = "route_set";

	return (struct ledger_row){
		.phase = LEDGER_INTENT, .principal = principal, .operation = operation};
}

/* One change as the daemon makes it: the thing itself, an event and a ledger row. */
static inline int change(struct store *s, int n, struct err *e)
{
	struct ledger_row row = ledger_sample();
	AUTO(str_t) text = str_format("%d", n);

	if (store_begin(s, e))
		return -1;
	if (store_set_meta(s, "n", text, e) || store_add_ledger(s, &row, NULL, e) ||
	    store_add_event(s, &(struct event){.message = text}, e)) {
		store_rollback(s);
		return -1;
	}
	return store_commit(s, e);
}

static inline int stored(struct fixture *f)
{
	AUTO(str_t) text = store_get_meta(f->s, "n");

	return text ? atoi(text) : 0;
}

#endif
