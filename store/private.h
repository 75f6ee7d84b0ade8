/*
 * What the files of this room share: the open store and small helpers around prepared statements.
 * Every statement stands in one table (sql.c), is prepared once and takes its values bound, never
 * pasted. A write outside of a transaction asserts, and a write that failed spoils its transaction,
 * because SQLite may already have rolled it back and would commit what follows by itself.
 */
#ifndef STORE_PRIVATE_H
#define STORE_PRIVATE_H

#include <sqlite3.h>

#include "store/store.h"

#define STORE_FILE        "adit.db"
#define STORE_APPLICATION 0x61646974 /* "adit" */

enum sql {
	SQL_BEGIN,
	SQL_COMMIT,
	SQL_ROLLBACK,
	SQL_META_PUT,
	SQL_META_GET,
	SQL_META_DROP,
	SQL_META_LIST,
	SQL_MADE_MAX,
	SQL_TUNNEL_PUT,
	SQL_TUNNEL_LIST,
	SQL_TUNNEL_DROP,
	SQL_ROUTE_PUT,
	SQL_ROUTE_LIST,
	SQL_ROUTE_DROP,
	SQL_RECORD_PUT,
	SQL_RECORD_LIST,
	SQL_RECORD_DROP,
	SQL_CONNECTOR_PUT,
	SQL_CONNECTOR_LIST,
	SQL_CONNECTOR_DROP,
	SQL_SECRET_PUT,
	SQL_SECRET_GET,
	SQL_TOKEN_PUT,
	SQL_TOKEN_GET,
	SQL_RULES_PUT,
	SQL_RULES_GET,
	SQL_REVISION_ADD,
	SQL_REVISION_MAX,
	SQL_REVISION_LIST,
	SQL_REVISION_EDITS,
	SQL_REVISION_PRUNE,
	SQL_REVISION_BASE_PUT,
	SQL_REVISION_BASE_GET,
	SQL_PLAN_ADD,
	SQL_PLAN_DROPS,
	SQL_PLAN_DECIDE,
	SQL_PLAN_GET,
	SQL_PLAN_LIST,
	SQL_PLAN_LIST_STATE,
	SQL_PLAN_COUNT,
	SQL_PLAN_COUNT_STATE,
	SQL_PLAN_EXPIRE,
	SQL_EVENT_ADD,
	SQL_EVENT_PRUNE,
	SQL_EVENT_LIST,
	SQL_LEDGER_ADD,
	SQL_LEDGER_LIST,
	SQL_LEDGER_FIND,
	SQL_LEDGER_WALK,
	SQL_LEDGER_RAY,
	SQL_LEDGER_OPEN,
	SQL_LEDGER_CALL,
	SQL_LEDGER_FIRST,
	SQL_GRANT_ADD,
	SQL_GRANT_SECOND,
	SQL_GRANT_USED,
	SQL_GRANT_DROP,
	SQL_GRANT_LIST,
	SQL_PLAN_WAITING,
	SQL_COUNT
};

const char *sql_text(enum sql id);

struct store {
	sqlite3 *db;
	sqlite3_stmt *stmts[SQL_COUNT];
	int dirfd; /* borrowed */
	int lock;  /* owned: holds the lock while open */
	char *dir; /* state_dir as a path, for SQLite and for sentences */
	char *path;
	char *owner, *account;
	char *machine; /* hash of this machine's id; NULL = it has none */
	char *damaged; /* file name of what was moved aside at open; NULL = nothing */
	char install[9];
	int busy_ms; /* while it is opened */
	bool in_tx;
	bool tx_failed;    /* a write of the open transaction failed: it can only be rolled back */
	bool clean_stored; /* the file says that it was closed well: the next write takes it back */
	bool corrupt;      /* SQLite met damage since open: the next start must check */
	bool moved;
	enum store_disk disk;
	int64_t changes; /* rows changed before the open transaction */
	struct kept {
		bool there;
		char *install, *owner, *account, *machine;
	} kept; /* what the file "install" says */
	struct {
		bool clean_stored, moved;
	} before;     /* of the open transaction: what a rollback brings back */
	int64_t made; /* last creation number given out; 0 = not read yet */
	struct {
		int state;       /* -1 = any */
		int64_t changes; /* rows changed before it was counted; -1 = not counted */
		int64_t plans;
	} counted; /* the last count of plans, which holds until something is written */
};

/* ---- query.c ---- */

/* One use of a cached statement. Values are bound in order, by reference: they must outlive it. */
struct query {
	struct store *s;
	sqlite3_stmt *st;
	int n;    /* values bound */
	int rc;   /* first failure of a bind */
	bool bad; /* a column did not fit what it is read into */
};
typedef struct query query_t;
void query_t_cleanup(query_t *q); /* forgets the bound values */

MUST_USE int query_open(struct query *q, struct store *s, enum sql id, struct err *e);
void bind_int(struct query *q, int64_t v);
void bind_text(struct query *q, const char *v); /* NULL binds NULL */
void bind_blob(struct query *q, const void *data, size_t len);
/* 1 = a row, 0 = no more, -1 = error */
MUST_USE int query_step(struct query *q, struct err *e);
/* A statement that gives no row. */
MUST_USE int query_run(struct query *q, struct err *e);
/* A whole listing as an array of rows of that size: read() fills one, drop() frees what one holds.
 * After a failure nothing is left of it. */
struct rows_of {
	size_t size;
	int (*read)(struct query *q, void *row, struct err *e);
	void (*drop)(void *row);
};
MUST_USE int query_rows(struct query *q, const struct rows_of *kind, void **rows, size_t *n,
			struct err *e);
/* The newest rows below before (0 = the newest of all), limit at the most: ?1 and ?2. */
MUST_USE int query_open_page(struct query *q, struct store *s, enum sql id, int64_t before,
			     int64_t limit, struct err *e);
int64_t col_int(struct query *q, int i);
const char *col_text(struct query *q, int i); /* NULL for NULL; until the next step */
char *col_dup(struct query *q, int i);
void col_copy(struct query *q, int i, char *dst, size_t size); /* NULL gives "" */

/* The sentence for a result code of SQLite; always -1. */
int store_fail(struct store *s, int rc, struct err *e);

/* ---- db.c ---- */

void limit_db(sqlite3 *db, int busy_ms);
/* Statements and file; what the struct holds stays. */
void close_db(struct store *s);

#define META_CLEAN "clean"

/* A transaction of one's own, unless one is open already. */
MUST_USE int tx_enter(struct store *s, bool *own, struct err *e);
MUST_USE int tx_leave(struct store *s, bool own, int result, struct err *e);

/* ---- meta.c ---- */

/* As store_set_meta, for the keys that are the store's own as well. */
MUST_USE int meta_put(struct store *s, const char *key, const char *value, struct err *e);
MUST_USE int meta_get(struct store *s, const char *key, char **value, struct err *e);
/* Install, owner, account and machine: made or compared at each start. */
MUST_USE int meta_pin(struct store *s, const struct store_options *o, struct err *e);

/* ---- desired.c ---- */

/* The tunnels, routes and records that can be read, up to the first bad row of each kind. */
void desired_salvage(struct store *s, struct world *w);

/* ---- schema.c ---- */

/* Before anything is written: refuses a newer schema, counts a file that is not ours as damaged. */
MUST_USE int schema_check(struct store *s, int *version, struct err *e);
MUST_USE int schema_migrate(struct store *s, int version, struct err *e);

/* ---- files.c ---- */

MUST_USE int files_lock(struct store *s, struct err *e);
/* Make the database (0600) or look at what is there. */
MUST_USE int files_prepare(struct store *s, off_t *size, struct err *e);
/* Is the file behind s->path the one in the folder that was opened? */
MUST_USE int files_same(const struct store *s, struct err *e);
bool files_wal_left(const struct store *s);
/* SQLite met damage: the next start has to look at all of the file, however it was closed. */
void files_suspect(const struct store *s);
bool files_suspected(const struct store *s);
void files_trust(const struct store *s);
/* Rename database, WAL and index to *.damaged-<time>; *name is owned by the caller. */
MUST_USE int files_move_aside(const struct store *s, char **name, struct err *e);

/* ---- install.c ---- */

/* What is there and readable; a store that was moved aside is asked for its install id. */
void install_recall(struct store *s);
/* The file says what the store says. */
void install_keep(const struct store *s);
void install_forget(struct kept *k);

/* ---- reserve.c ---- */

void reserve_make(const struct store *s);
bool reserve_give(const struct store *s);

/* ---- ledger.c ---- */

/* What the first row is chained to. */
MUST_USE int ledger_begin(struct store *s, struct err *e);

#endif
