/*
 * The schema and its steps: version n of the file is the first n lists below, each run once, in a
 * transaction of its own together with the new user_version. A list that was released is never
 * changed; what is to change gets a list of its own.
 */
#include "store/private.h"

#include <stdio.h>

static const char *const version_1[] = {
	"PRAGMA application_id = 1633970548", /* STORE_APPLICATION */
	"CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",

	/* made: order of creation, since keys are random. */
	"CREATE TABLE tunnel (id TEXT PRIMARY KEY, name TEXT NOT NULL,"
	" want TEXT NOT NULL CHECK (want IN ('present', 'absent')), replicas INTEGER NOT NULL,"
	" generation INTEGER NOT NULL, applied_generation INTEGER NOT NULL,"
	" remote_id TEXT NOT NULL, create_sent_ms INTEGER NOT NULL,"
	" token_generation INTEGER NOT NULL, config_version INTEGER NOT NULL,"
	" made INTEGER NOT NULL) STRICT, WITHOUT ROWID",

	"CREATE TABLE route (id TEXT PRIMARY KEY,"
	" tunnel_id TEXT NOT NULL REFERENCES tunnel (id) DEFERRABLE INITIALLY DEFERRED,"
	" hostname TEXT NOT NULL, path TEXT, service TEXT NOT NULL, origin TEXT,"
	" generation INTEGER NOT NULL, made INTEGER NOT NULL) STRICT, WITHOUT ROWID",
	"CREATE INDEX route_tunnel ON route (tunnel_id)",

	/* A record may outlive its tunnel: it waits here until Cloudflare has deleted it. */
	"CREATE TABLE record (id TEXT PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL,"
	" tunnel_id TEXT NOT NULL, content TEXT, comment TEXT, proxied INTEGER NOT NULL,"
	" ttl INTEGER NOT NULL, want TEXT NOT NULL CHECK (want IN ('present', 'absent')),"
	" generation INTEGER NOT NULL, applied_generation INTEGER NOT NULL,"
	" zone_id TEXT NOT NULL, remote_id TEXT NOT NULL, create_sent_ms INTEGER NOT NULL,"
	" made INTEGER NOT NULL) STRICT, WITHOUT ROWID",

	/* Connectors and processes have no foreign key: they run on from their own folders when a
	 * damaged store was replaced by an empty one, and what finds them again must be kept. */
	"CREATE TABLE connector (id TEXT PRIMARY KEY, tunnel_id TEXT NOT NULL,"
	" slot INTEGER NOT NULL, want TEXT NOT NULL CHECK (want IN ('present', 'absent')),"
	" stopped_by_user INTEGER NOT NULL, token_generation INTEGER NOT NULL,"
	" restarts INTEGER NOT NULL, made INTEGER NOT NULL) STRICT, WITHOUT ROWID",
	"CREATE INDEX connector_tunnel ON connector (tunnel_id)",
	"CREATE TABLE process (connector_id TEXT PRIMARY KEY, pid INTEGER NOT NULL,"
	" start_ticks INTEGER NOT NULL, boot_id TEXT NOT NULL,"
	" metrics_port INTEGER NOT NULL) STRICT, WITHOUT ROWID",
	"CREATE TRIGGER tunnel_takes_connectors AFTER DELETE ON tunnel BEGIN"
	" DELETE FROM connector WHERE tunnel_id = OLD.id; END",
	"CREATE TRIGGER connector_takes_process AFTER DELETE ON connector BEGIN"
	" DELETE FROM process WHERE connector_id = OLD.id; END",

	"CREATE TABLE secret (tunnel_id TEXT PRIMARY KEY REFERENCES tunnel (id)"
	" ON DELETE CASCADE, data BLOB NOT NULL) STRICT, WITHOUT ROWID",
	"CREATE TABLE token (tunnel_id TEXT PRIMARY KEY REFERENCES tunnel (id)"
	" ON DELETE CASCADE, data BLOB NOT NULL) STRICT, WITHOUT ROWID",
	"CREATE TABLE rules (tunnel_id TEXT PRIMARY KEY REFERENCES tunnel (id)"
	" ON DELETE CASCADE, rules TEXT NOT NULL) STRICT, WITHOUT ROWID",

	/* A number is never given twice: people and approvals name plans by it. */
	"CREATE TABLE plan (number INTEGER PRIMARY KEY AUTOINCREMENT, operation TEXT NOT NULL,"
	" principal TEXT NOT NULL, reason TEXT, decided_by TEXT, made_ms INTEGER NOT NULL,"
	" expires_ms INTEGER NOT NULL, decided_ms INTEGER NOT NULL, revision INTEGER NOT NULL,"
	" state TEXT NOT NULL, hash TEXT NOT NULL, body TEXT NOT NULL) STRICT",
	"CREATE INDEX plan_state ON plan (state, number)",
	"CREATE TRIGGER plan_immutable BEFORE UPDATE OF number, operation, principal, reason,"
	" made_ms, expires_ms, hash, body ON plan BEGIN"
	" SELECT RAISE(ABORT, 'a plan is immutable'); END",
	"CREATE TABLE revision (number INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL,"
	" plan INTEGER REFERENCES plan (number), principal TEXT NOT NULL,"
	" edits TEXT NOT NULL) STRICT",
	"CREATE INDEX revision_plan ON revision (plan)",

	"CREATE TABLE event (seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL,"
	" object_type TEXT NOT NULL, object_id TEXT NOT NULL, object_name TEXT NOT NULL,"
	" kind TEXT NOT NULL, message TEXT NOT NULL, untrusted_detail TEXT) STRICT",

	"CREATE TABLE ledger (seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL,"
	" phase TEXT NOT NULL, principal TEXT NOT NULL, operation TEXT NOT NULL, object TEXT,"
	" arguments TEXT, plan_hash TEXT, outcome TEXT, detail TEXT, prev_hash TEXT NOT NULL,"
	" hash TEXT NOT NULL) STRICT",
	"CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger BEGIN"
	" SELECT RAISE(ABORT, 'the ledger is append-only'); END",
	"CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger BEGIN"
	" SELECT RAISE(ABORT, 'the ledger is append-only'); END",
	/* REPLACE deletes without asking the trigger above. */
	"CREATE TRIGGER ledger_no_replace BEFORE INSERT ON ledger"
	" WHEN EXISTS (SELECT 1 FROM ledger WHERE seq = NEW.seq) BEGIN"
	" SELECT RAISE(ABORT, 'the ledger is append-only'); END",
	NULL,
};

/* A history that can be listed by itself: what was known from the plan alone moves to the revision,
 * and what is older than all kept revisions has one row. */
static const char *const version_2[] = {
	"ALTER TABLE revision ADD COLUMN operation TEXT NOT NULL DEFAULT ''",
	"ALTER TABLE revision ADD COLUMN reason TEXT",
	"ALTER TABLE revision ADD COLUMN changes INTEGER NOT NULL DEFAULT 0",
	"ALTER TABLE revision ADD COLUMN objects TEXT NOT NULL DEFAULT '[]'",
	"UPDATE revision SET operation = p.operation, reason = p.reason FROM plan AS p"
	" WHERE p.number = revision.plan",
	"UPDATE revision SET changes = coalesce(json_array_length(p.body, '$.changes'), 0)"
	" FROM plan AS p WHERE p.number = revision.plan AND json_valid(p.body)",
	"UPDATE revision SET objects = coalesce((SELECT json_group_array(name) FROM"
	" (SELECT iif(c.type = 'object', json_extract(c.value, '$.name'), NULL) AS name"
	" FROM plan AS p, json_each(iif(json_valid(p.body), p.body, '{}'), '$.changes') AS c"
	" WHERE p.number = revision.plan"
	" UNION SELECT iif(x.type = 'object', json_extract(x.value, '$.name'), NULL)"
	" FROM json_each(revision.edits) AS x)"
	" WHERE name IS NOT NULL), '[]') WHERE json_valid(edits)",
	"CREATE TABLE revision_base (id INTEGER PRIMARY KEY CHECK (id = 1),"
	" number INTEGER NOT NULL, objects TEXT NOT NULL) STRICT",
	NULL,
};

/* Objects know what made them, what is done about drift, and what they may take. A route of a
 * configuration that was put stands there. */
static const char *const version_3[] = {
	"ALTER TABLE tunnel ADD COLUMN joined INTEGER NOT NULL DEFAULT 0",
	"ALTER TABLE tunnel ADD COLUMN released INTEGER NOT NULL DEFAULT 0",
	"ALTER TABLE tunnel ADD COLUMN convert INTEGER NOT NULL DEFAULT 0",
	"ALTER TABLE tunnel ADD COLUMN token_stale INTEGER NOT NULL DEFAULT 0",
	"ALTER TABLE tunnel ADD COLUMN drift TEXT",
	"ALTER TABLE tunnel ADD COLUMN manifest TEXT",
	"ALTER TABLE route ADD COLUMN applied_generation INTEGER NOT NULL DEFAULT 0",
	"ALTER TABLE route ADD COLUMN takes TEXT",
	"ALTER TABLE route ADD COLUMN drift TEXT",
	"ALTER TABLE route ADD COLUMN manifest TEXT",
	"UPDATE route SET applied_generation = generation WHERE tunnel_id IN"
	" (SELECT id FROM tunnel WHERE applied_generation = generation AND config_version > 0)",
	"ALTER TABLE record ADD COLUMN released INTEGER NOT NULL DEFAULT 0",
	"ALTER TABLE record ADD COLUMN takes TEXT",
	"ALTER TABLE record ADD COLUMN drift TEXT",
	"ALTER TABLE record ADD COLUMN manifest TEXT",
	/* What a plan deletes, so that a day's deletions are counted without reading the plans. */
	"ALTER TABLE plan ADD COLUMN drops INTEGER NOT NULL DEFAULT 0",
	NULL,
};

/* What finds a process again lies in its connector's folder, which outlives this file. */
static const char *const version_4[] = {
	"DROP TRIGGER IF EXISTS connector_takes_process",
	"DROP TABLE IF EXISTS process",
	NULL,
};

/* A stopped connector knows who stopped it, why and for how long. */
static const char *const version_5[] = {
	"ALTER TABLE connector ADD COLUMN stopped_by TEXT",
	"ALTER TABLE connector ADD COLUMN stopped_why TEXT",
	"ALTER TABLE connector ADD COLUMN stopped_until_ms INTEGER NOT NULL DEFAULT 0",
	NULL,
};

/* A record knows what adit last put there and which plan asked for it, so that an edit by somebody
 * else is told before it is written over. */
static const char *const version_6[] = {
	"ALTER TABLE record ADD COLUMN applied TEXT",
	"ALTER TABLE record ADD COLUMN asked TEXT",
	NULL,
};

/* A route knows how its origin is asked, and when it ends by itself. */
static const char *const version_7[] = {
	"ALTER TABLE route ADD COLUMN probe TEXT",
	"ALTER TABLE route ADD COLUMN until_ms INTEGER NOT NULL DEFAULT 0",
	NULL,
};

/* Grants. The id is never given twice, since what is open in a grant's name is known by it; the
 * tokens are here by their hashes alone. Rows of the ledger say more: what they do not say is NULL,
 * and a row with nothing but NULL there is hashed as the rows before were. */
static const char *const version_8[] = {
	"CREATE TABLE access_grant (id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" name TEXT NOT NULL UNIQUE, token_sha256 TEXT NOT NULL UNIQUE, second_sha256 TEXT,"
	" spec TEXT NOT NULL, created_ms INTEGER NOT NULL, created_by TEXT NOT NULL,"
	" expires_at_ms INTEGER NOT NULL, last_used_ms INTEGER NOT NULL) STRICT",
	"CREATE INDEX plan_principal ON plan (principal, state)",
	"ALTER TABLE ledger ADD COLUMN door TEXT",
	"ALTER TABLE ledger ADD COLUMN peer TEXT",
	"ALTER TABLE ledger ADD COLUMN client TEXT",
	"ALTER TABLE ledger ADD COLUMN tool_use TEXT",
	"ALTER TABLE ledger ADD COLUMN decision TEXT",
	"ALTER TABLE ledger ADD COLUMN policy TEXT",
	"ALTER TABLE ledger ADD COLUMN plan TEXT",
	"ALTER TABLE ledger ADD COLUMN rays TEXT",
	NULL,
};

/* Which of our calls an entry of Cloudflare's audit log is about. */
static const char *const version_9[] = {
	"CREATE INDEX ledger_rays ON ledger (rays) WHERE rays IS NOT NULL",
	NULL,
};

static const char *const *const versions[] = {version_1, version_2, version_3, version_4, version_5,
					      version_6, version_7, version_8, version_9};

#define VERSION_NEWEST ((int)ARRAY_LEN(versions))

static int read_number(struct store *s, const char *pragma, int *out)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(s->db, pragma, -1, &st, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		*out = sqlite3_column_int(st, 0);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(st);
	return rc;
}

static int read_numbers(struct store *s, int *version, int *application, int *tables)
{
	int rc = read_number(s, "PRAGMA user_version", version);

	if (rc == SQLITE_OK)
		rc = read_number(s, "PRAGMA application_id", application);
	if (rc == SQLITE_OK)
		rc = read_number(s, "SELECT count(*) FROM sqlite_schema", tables);
	return rc;
}

/* Nothing at all yet, or ours with its tables. */
static bool is_store(int version, int application, int tables)
{
	if (!version)
		return !application && !tables;
	return version > 0 && application == STORE_APPLICATION && tables > 0;
}

int schema_check(struct store *s, int *version, struct err *e)
{
	int found = 0, application = 0, tables = 0;
	int rc = read_numbers(s, &found, &application, &tables);

	if (rc == SQLITE_OK && !is_store(found, application, tables))
		rc = SQLITE_CORRUPT;
	if (rc != SQLITE_OK)
		return store_fail(s, rc, e);
	if (found > VERSION_NEWEST) {
		err_set(e, ERR_CONFLICT, "the store %s has schema %d, this aditd knows up to %d",
			s->path, found, VERSION_NEWEST);
		return err_hint(e,
				"Install the newer aditd again, or move %s away to begin with an "
				"empty store.",
				STORE_FILE);
	}
	*version = found;
	return 0;
}

static int run(struct store *s, const char *sql, struct err *e)
{
	int rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);

	if (rc == SQLITE_OK)
		return 0;
	s->tx_failed = true;
	return store_fail(s, rc, e);
}

static int run_version(struct store *s, int version, struct err *e)
{
	char pragma[48];

	for (const char *const *step = versions[version - 1]; *step; step++)
		if (run(s, *step, e))
			return -1;
	snprintf(pragma, sizeof(pragma), "PRAGMA user_version = %d", version);
	return run(s, pragma, e);
}

int schema_migrate(struct store *s, int version, struct err *e)
{
	for (int next = version + 1; next <= VERSION_NEWEST; next++) {
		bool own;

		if (tx_enter(s, &own, e) || tx_leave(s, own, run_version(s, next, e), e))
			return err_wrap(e, "cannot bring the store to schema %d", next);
	}
	return 0;
}
