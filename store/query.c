/*
 * Prepared statements: looked up in the store's cache, bound in order, stepped, and always reset
 * with their values forgotten. Result codes become sentences here and nowhere else.
 */
#include "store/private.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int prepared(struct store *s, enum sql id, struct err *e)
{
	int rc;

	if (s->stmts[id])
		return 0;
	rc = sqlite3_prepare_v3(s->db, sql_text(id), -1, SQLITE_PREPARE_PERSISTENT, &s->stmts[id],
				NULL);
	return rc == SQLITE_OK ? 0 : store_fail(s, rc, e);
}

static bool is_control(enum sql id)
{
	return id == SQL_BEGIN || id == SQL_COMMIT || id == SQL_ROLLBACK;
}

/* The first write since the file was closed well takes that sign back, in the same transaction, so
 * that a start without a write leaves the disk alone. */
static int may_write(struct store *s, struct err *e)
{
	assert(s->in_tx);
	if (!s->in_tx) /* a release refuses what the assertion above is to find before */
		return err_set(e, ERR_INTERNAL, "a write outside of a transaction");
	if (s->tx_failed)
		return err_set(e, ERR_INTERNAL,
			       "an earlier write of the same transaction has failed");
	if (!s->clean_stored)
		return 0;
	s->clean_stored = false;
	return meta_put(s, META_CLEAN, "0", e);
}

int query_open(struct query *q, struct store *s, enum sql id, struct err *e)
{
	if (prepared(s, id, e))
		return -1;
	if (!is_control(id) && !sqlite3_stmt_readonly(s->stmts[id]) && may_write(s, e))
		return -1;
	*q = (struct query){.s = s, .st = s->stmts[id], .rc = SQLITE_OK};
	return 0;
}

int query_open_page(struct query *q, struct store *s, enum sql id, int64_t before, int64_t limit,
		    struct err *e)
{
	if (query_open(q, s, id, e))
		return -1;
	bind_int(q, before ? before : INT64_MAX);
	bind_int(q, limit > 0 ? limit : 0);
	return 0;
}

void query_t_cleanup(query_t *q)
{
	if (!q->st)
		return;
	sqlite3_reset(q->st);
	sqlite3_clear_bindings(q->st);
}

static void bound(struct query *q, int rc)
{
	if (q->rc == SQLITE_OK)
		q->rc = rc;
}

void bind_int(struct query *q, int64_t v)
{
	bound(q, sqlite3_bind_int64(q->st, ++q->n, v));
}

void bind_text(struct query *q, const char *v)
{
	int i = ++q->n;

	if (v)
		bound(q, sqlite3_bind_text64(q->st, i, v, strlen(v), SQLITE_STATIC, SQLITE_UTF8));
	else
		bound(q, sqlite3_bind_null(q->st, i));
}

void bind_blob(struct query *q, const void *data, size_t len)
{
	bound(q, sqlite3_bind_blob64(q->st, ++q->n, len ? data : "", len, SQLITE_STATIC));
}

int query_step(struct query *q, struct err *e)
{
	int rc = q->rc == SQLITE_OK ? sqlite3_step(q->st) : q->rc;

	if (rc == SQLITE_ROW)
		return 1;
	if (rc == SQLITE_DONE)
		return 0;
	if (q->s->in_tx && !sqlite3_stmt_readonly(q->st))
		q->s->tx_failed = true;
	return store_fail(q->s, rc, e);
}

int query_run(struct query *q, struct err *e)
{
	int got = query_step(q, e);

	assert(got <= 0);
	return got;
}

static int add_row(struct query *q, const struct rows_of *kind, char **rows, size_t *n, size_t *cap,
		   struct err *e)
{
	if (*n == *cap) {
		*cap = *cap ? 2 * *cap : 16;
		*rows = mem_grow(*rows, *cap, kind->size);
	}
	if (kind->read(q, *rows + *n * kind->size, e))
		return -1;
	(*n)++;
	return 0;
}

int query_rows(struct query *q, const struct rows_of *kind, void **rows, size_t *n, struct err *e)
{
	char *found = NULL;
	size_t count = 0, cap = 0;
	int got;

	while ((got = query_step(q, e)) > 0)
		if (add_row(q, kind, &found, &count, &cap, e))
			break;
	if (got) {
		while (count)
			kind->drop(found + --count * kind->size);
		free(found);
		return -1;
	}
	*rows = found;
	*n = count;
	return 0;
}

int64_t col_int(struct query *q, int i)
{
	return sqlite3_column_int64(q->st, i);
}

const char *col_text(struct query *q, int i)
{
	return (const char *)sqlite3_column_text(q->st, i);
}

char *col_dup(struct query *q, int i)
{
	return str_dup(col_text(q, i));
}

void col_copy(struct query *q, int i, char *dst, size_t size)
{
	const char *text = col_text(q, i);

	if (!str_copy(dst, size, text ? text : ""))
		q->bad = true;
}

/* ---- result codes ---- */

static bool disk_full(struct store *s, int rc)
{
	int number = s->db ? sqlite3_system_errno(s->db) : 0;

	if ((rc & 0xff) == SQLITE_FULL)
		return true;
	return (rc & 0xff) == SQLITE_IOERR && (number == ENOSPC || number == EDQUOT);
}

static bool disk_read_only(struct store *s, int rc)
{
	return (rc & 0xff) == SQLITE_READONLY || (s->db && sqlite3_system_errno(s->db) == EROFS);
}

static int fail_disk(struct store *s, int rc, struct err *e)
{
	s->disk = disk_full(s, rc)        ? STORE_DISK_FULL
		  : disk_read_only(s, rc) ? STORE_DISK_READ_ONLY
					  : STORE_DISK_FAILING;
	if (s->disk == STORE_DISK_FULL) {
		err_set(e, ERR_INTERNAL, "the disk that holds %s is full", s->dir);
		return err_hint(e, "Free some space there: nothing was changed, and connectors "
				   "go on running meanwhile.");
	}
	err_set(e, ERR_INTERNAL, "cannot write to the store in %s: %s", s->dir,
		(rc & 0xff) == SQLITE_IOERR ? "input/output error" : sqlite3_errstr(rc));
	return err_hint(e,
			"Look at the disk, its mount options and the owner of the folder; nothing "
			"was changed.");
}

static int fail_damaged(struct store *s, struct err *e)
{
	if (!s->corrupt)
		files_suspect(s);
	s->corrupt = true;
	err_set(e, ERR_INTERNAL, "the store %s is damaged", s->path);
	return err_hint(e, "Restart aditd: it moves the damaged file aside and starts a new one.");
}

static int fail_busy(struct store *s, struct err *e)
{
	err_set(e, ERR_BUSY, "another program has locked the store %s", s->path);
	return err_hint(e, "Close the program that has the file open, for example sqlite3.");
}

int store_fail(struct store *s, int rc, struct err *e)
{
	switch (rc & 0xff) {
	case SQLITE_FULL:
	case SQLITE_IOERR:
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
		return fail_disk(s, rc, e);
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return fail_damaged(s, e);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return fail_busy(s, e);
	case SQLITE_TOOBIG:
		return err_set(e, ERR_INVALID, "this is too large for the store");
	default:
		return err_set(e, ERR_INTERNAL, "the store refused: %s", sqlite3_errmsg(s->db));
	}
}
