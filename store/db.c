/*
 * Open and close the store, its settings, and one transaction at a time. Opening makes no write to
 * a store that was closed well: a start must succeed on a full disk. A damaged file is moved aside
 * and a new one begun, since connectors and records are found again by their marks.
 */
#include "store/private.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

#define BUSY_MS       5000
#define VALUE_MAX     (16 * 1024 * 1024) /* bytes of one value, as much as base/json reads */
#define STATEMENT_MAX 65536
#define SIZE_MIN      512 /* no database is smaller */

/* ---- settings ---- */

static const char *const pragmas[] = {
	"PRAGMA synchronous = FULL",
	"PRAGMA foreign_keys = ON",
	"PRAGMA trusted_schema = OFF",
	"PRAGMA cell_size_check = ON",
	"PRAGMA temp_store = MEMORY",
	"PRAGMA secure_delete = ON", /* secrets lie in this file */
	"PRAGMA wal_autocheckpoint = 1000",
	"PRAGMA journal_size_limit = 4194304",
	"PRAGMA mmap_size = 0",
	"PRAGMA cache_size = -128", /* KiB: the kernel has the pages as well */
};

static int run_pragmas(sqlite3 *db)
{
	int rc = SQLITE_OK;

	for (size_t i = 0; i < ARRAY_LEN(pragmas) && rc == SQLITE_OK; i++)
		rc = sqlite3_exec(db, pragmas[i], NULL, NULL, NULL);
	return rc;
}

void limit_db(sqlite3 *db, int busy_ms)
{
	sqlite3_busy_timeout(db, busy_ms);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
	sqlite3_limit(db, SQLITE_LIMIT_LENGTH, VALUE_MAX);
	sqlite3_limit(db, SQLITE_LIMIT_SQL_LENGTH, STATEMENT_MAX);
	sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
}

/* The first row of a statement is this text. */
static int expect(sqlite3 *db, const char *sql, const char *wanted, bool *same)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		*same = str_equal((const char *)sqlite3_column_text(st, 0), wanted);
	sqlite3_finalize(st);
	return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static int use_wal(struct store *s, struct err *e)
{
	bool wal = false;
	int rc = expect(s->db, "PRAGMA journal_mode = WAL", "wal", &wal);

	if (rc != SQLITE_OK)
		return store_fail(s, rc, e);
	return wal ? 0
		   : err_set(e, ERR_INTERNAL, "the file system of %s cannot hold a WAL", s->dir);
}

/* ---- damage ---- */

/* After a clean stop only what the start is to read is looked at; that costs next to nothing. */
static const char *const quick[] = {
	"PRAGMA quick_check(meta)",   "PRAGMA quick_check(tunnel)",    "PRAGMA quick_check(route)",
	"PRAGMA quick_check(record)", "PRAGMA quick_check(connector)", "PRAGMA quick_check(secret)",
	"PRAGMA quick_check(token)",  "PRAGMA quick_check(rules)",
};

static int check_list(sqlite3 *db, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool ok = false;
		int rc = expect(db, list[i], "ok", &ok);

		if (rc != SQLITE_OK)
			return rc;
		if (!ok)
			return SQLITE_CORRUPT;
	}
	return SQLITE_OK;
}

static int check_damage(struct store *s)
{
	static const char *const whole[] = {"PRAGMA quick_check(1)"};
	static const char *const thorough[] = {"PRAGMA integrity_check(1)"};
	int rc = expect(s->db, "SELECT value FROM meta WHERE key = '" META_CLEAN "'", "1",
			&s->clean_stored);

	if (rc == SQLITE_ERROR)
		return SQLITE_CORRUPT; /* a file of ours without its table */
	if (rc != SQLITE_OK && rc != SQLITE_DONE)
		return rc;
	if (files_suspected(s))
		return check_list(s->db, thorough, ARRAY_LEN(thorough));
	if (s->clean_stored)
		return check_list(s->db, quick, ARRAY_LEN(quick));
	return check_list(s->db, whole, ARRAY_LEN(whole));
}

/* ---- open ---- */

static int open_db(struct store *s, struct err *e)
{
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX |
			  SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE;
	int rc = sqlite3_open_v2(s->path, &s->db, flags, NULL);

	if (rc != SQLITE_OK)
		return store_fail(s, rc, e);
	limit_db(s->db, s->busy_ms);
	rc = run_pragmas(s->db);
	return rc == SQLITE_OK ? files_same(s, e) : store_fail(s, rc, e);
}

/* SQLite takes both for a new database: it would throw the WAL away, or write over the bytes. */
static bool only_looks_new(struct store *s, off_t size)
{
	return size ? size < SIZE_MIN : files_wal_left(s);
}

/* Open and look, without a write. */
static int open_checked(struct store *s, int *version, struct err *e)
{
	off_t size = 0;
	int rc = SQLITE_OK;

	if (files_prepare(s, &size, e))
		return -1;
	if (only_looks_new(s, size))
		return store_fail(s, SQLITE_CORRUPT, e);
	if (open_db(s, e) || schema_check(s, version, e))
		return -1;
	if (*version)
		rc = check_damage(s);
	return rc == SQLITE_OK ? 0 : store_fail(s, rc, e);
}

static int open_once(struct store *s, const struct store_options *o, struct err *e)
{
	int version = 0;

	if (open_checked(s, &version, e) || use_wal(s, e) || schema_migrate(s, version, e))
		return -1;
	if (meta_pin(s, o, e))
		return -1;
	files_trust(s);
	return 0;
}

void close_db(struct store *s)
{
	for (size_t i = 0; i < SQL_COUNT; i++) {
		sqlite3_finalize(s->stmts[i]);
		s->stmts[i] = NULL;
	}
	if (s->corrupt && s->db)
		sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_close(s->db);
	s->db = NULL;
}

static int move_aside(struct store *s, struct err *e)
{
	close_db(s);
	if (files_move_aside(s, &s->damaged, e))
		return -1;
	log_warning("the store was damaged: moved aside to %s/%s, beginning with an empty one",
		    s->dir, s->damaged);
	s->corrupt = false;
	s->clean_stored = false;
	install_recall(s);
	err_clear(e);
	return 0;
}

/* Opening writes little, and nothing after a clean stop; on a full disk that may be too much. */
static int open_on_full_disk(struct store *s, const struct store_options *o, struct err *e)
{
	if (s->disk != STORE_DISK_FULL || !reserve_give(s))
		return -1;
	close_db(s);
	err_clear(e);
	return open_once(s, o, e);
}

static int open_all(struct store *s, const struct store_options *o, struct err *e)
{
	if (!open_once(s, o, e))
		return 0;
	if (!s->corrupt)
		return open_on_full_disk(s, o, e);
	return move_aside(s, e) ? -1 : open_once(s, o, e);
}

/* Another aditd has the folder, or another program the file: that is not the same. */
static int open_locked(struct store *s, const struct store_options *o, struct err *e)
{
	if (files_lock(s, e))
		return -1;
	install_recall(s);
	s->busy_ms = o->impatient ? 0 : BUSY_MS;
	if (open_all(s, o, e)) {
		if (e->kind == ERR_BUSY)
			e->kind = ERR_TIMEOUT;
		return -1;
	}
	sqlite3_busy_timeout(s->db, BUSY_MS);
	install_keep(s);
	reserve_make(s);
	return 0;
}

/* SQLite takes a path; /proc/self/fd is refused by NOFOLLOW, so the folder's own name is used. */
static int find_dir(struct store *s, struct err *e)
{
	char link[32], path[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", s->dirfd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0)
		return err_errno(e, "cannot find the path of state_dir");
	path[n] = '\0';
	s->dir = str_dup(path);
	s->path = str_format("%s/%s", path, STORE_FILE);
	return 0;
}

static void store_free(struct store *s)
{
	close_db(s);
	fd_t_cleanup(&s->lock);
	free(s->dir);
	free(s->path);
	free(s->owner);
	free(s->account);
	free(s->machine);
	free(s->damaged);
	install_forget(&s->kept);
	free(s);
}

int store_open(const struct store_options *o, struct store **out, struct err *e)
{
	struct store *s = mem_alloc(sizeof(*s));
	s->counted.changes = -1;

	assert(o->owner && *o->owner);
	s->dirfd = o->dirfd;
	s->lock = -1;
	if (find_dir(s, e) || open_locked(s, o, e)) {
		store_free(s);
		return -1;
	}
	*out = s;
	return 0;
}

/* ---- close ---- */

static int sign_clean(struct store *s, struct err *e)
{
	if (store_begin(s, e))
		return -1;
	if (meta_put(s, META_CLEAN, "1", e)) {
		store_rollback(s);
		return -1;
	}
	return store_commit(s, e);
}

void store_close(struct store *s)
{
	struct err e;

	if (!s)
		return;
	store_rollback(s);
	if (!s->corrupt && !s->clean_stored && sign_clean(s, &e))
		log_warning("the store is checked at the next start: %s", e.message);
	if (!s->corrupt)
		sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	store_free(s);
}

const char *store_install(const struct store *s)
{
	return s->install;
}

const char *store_owner(const struct store *s)
{
	return s->owner;
}

const char *store_account(const struct store *s)
{
	return s->account;
}

bool store_was_damaged(const struct store *s)
{
	return s->damaged != NULL;
}

const char *store_damaged_name(const struct store *s)
{
	return s->damaged;
}

/* ---- transactions ---- */

static int control(struct store *s, enum sql id, struct err *e)
{
	AUTO(query_t) q = {0};

	return query_open(&q, s, id, e) ? -1 : query_run(&q, e);
}

int store_begin(struct store *s, struct err *e)
{
	assert(!s->in_tx);
	if (control(s, SQL_BEGIN, e))
		return -1;
	s->in_tx = true;
	s->tx_failed = false;
	s->changes = sqlite3_total_changes64(s->db);
	s->before.clean_stored = s->clean_stored;
	s->before.moved = s->moved;
	return 0;
}

int store_commit(struct store *s, struct err *e)
{
	assert(s->in_tx);
	if (s->tx_failed)
		err_set(e, ERR_INTERNAL,
			"a write of this transaction has failed: nothing was kept");
	if (s->tx_failed || control(s, SQL_COMMIT, e)) {
		store_rollback(s);
		return -1;
	}
	s->in_tx = false;
	if (sqlite3_total_changes64(s->db) != s->changes)
		s->disk = STORE_DISK_FINE;
	return 0;
}

void store_rollback(struct store *s)
{
	struct err e;

	if (!s->in_tx)
		return;
	/* SQLite has rolled back by itself after some failures. */
	if (!sqlite3_get_autocommit(s->db) && control(s, SQL_ROLLBACK, &e))
		log_error("cannot roll back: %s", e.message);
	s->in_tx = false;
	s->clean_stored = s->before.clean_stored;
	s->moved = s->before.moved;
}

int tx_enter(struct store *s, bool *own, struct err *e)
{
	*own = !s->in_tx;
	return *own ? store_begin(s, e) : 0;
}

int tx_leave(struct store *s, bool own, int result, struct err *e)
{
	if (!own)
		return result;
	if (!result)
		return store_commit(s, e);
	store_rollback(s);
	return -1;
}
