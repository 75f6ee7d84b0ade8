/*
 * Every statement that the store runs, in one table, so that what can be written to the file is
 * read in one place. Numbers of parameters are the order of binding.
 */
#include "store/private.h"

#define TUNNEL_COLUMNS                                                                             \
	"id, name, want, replicas, generation, applied_generation, remote_id, create_sent_ms, "    \
	"token_generation, config_version, joined, released, convert, token_stale, drift, "        \
	"manifest"
#define ROUTE_COLUMNS                                                                              \
	"id, tunnel_id, hostname, path, service, origin, generation, applied_generation, takes, "  \
	"drift, manifest, probe, until_ms"
#define RECORD_COLUMNS                                                                             \
	"id, name, type, tunnel_id, content, comment, proxied, ttl, want, generation, "            \
	"applied_generation, zone_id, remote_id, create_sent_ms, released, takes, drift, "         \
	"manifest, "                                                                               \
	"applied, asked"
#define CONNECTOR_COLUMNS                                                                          \
	"id, tunnel_id, slot, want, stopped_by_user, token_generation, restarts, stopped_by, "     \
	"stopped_why, stopped_until_ms"
#define PLAN_COLUMNS                                                                               \
	"operation, principal, reason, decided_by, made_ms, expires_ms, decided_ms, revision, "    \
	"state, hash, body"
#define EVENT_COLUMNS "at_ms, object_type, object_id, object_name, kind, message, untrusted_detail"
#define LEDGER_COLUMNS                                                                             \
	"seq, at_ms, phase, principal, operation, object, arguments, plan_hash, outcome, detail, " \
	"prev_hash, hash, door, peer, client, tool_use, decision, policy, plan, rays"
#define GRANT_COLUMNS                                                                              \
	"name, token_sha256, second_sha256, spec, created_ms, created_by, expires_at_ms, "         \
	"last_used_ms"

static const char *const texts[SQL_COUNT] = {
	[SQL_BEGIN] = "BEGIN IMMEDIATE",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",

	[SQL_META_PUT] = "INSERT INTO meta (key, value) VALUES (?1, ?2)"
			 " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
	[SQL_META_GET] = "SELECT value FROM meta WHERE key = ?1",
	[SQL_META_DROP] = "DELETE FROM meta WHERE key = ?1",
	[SQL_META_LIST] = "SELECT key FROM meta WHERE substr(key, 1, length(?1)) = ?1"
			  " ORDER BY key",

	[SQL_MADE_MAX] = "SELECT max(m) FROM (SELECT max(made) AS m FROM tunnel"
			 " UNION ALL SELECT max(made) FROM route"
			 " UNION ALL SELECT max(made) FROM record"
			 " UNION ALL SELECT max(made) FROM connector)",

	[SQL_TUNNEL_PUT] = "INSERT INTO tunnel (" TUNNEL_COLUMNS ", made)"
			   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14,"
			   " ?15, ?16, ?17)"
			   " ON CONFLICT (id) DO UPDATE SET name = excluded.name,"
			   " want = excluded.want, replicas = excluded.replicas,"
			   " generation = excluded.generation,"
			   " applied_generation = excluded.applied_generation,"
			   " remote_id = excluded.remote_id,"
			   " create_sent_ms = excluded.create_sent_ms,"
			   " token_generation = excluded.token_generation,"
			   " config_version = excluded.config_version,"
			   " joined = excluded.joined, released = excluded.released,"
			   " convert = excluded.convert, token_stale = excluded.token_stale,"
			   " drift = excluded.drift, manifest = excluded.manifest",
	[SQL_TUNNEL_LIST] = "SELECT " TUNNEL_COLUMNS
			    ", NOT EXISTS (SELECT 1 FROM secret WHERE tunnel_id = tunnel.id)"
			    " FROM tunnel ORDER BY made",
	[SQL_TUNNEL_DROP] = "DELETE FROM tunnel WHERE id = ?1",

	[SQL_ROUTE_PUT] = "INSERT INTO route (" ROUTE_COLUMNS ", made)"
			  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,"
			  " ?14)"
			  " ON CONFLICT (id) DO UPDATE SET tunnel_id = excluded.tunnel_id,"
			  " hostname = excluded.hostname, path = excluded.path,"
			  " service = excluded.service, origin = excluded.origin,"
			  " generation = excluded.generation,"
			  " applied_generation = excluded.applied_generation,"
			  " takes = excluded.takes, drift = excluded.drift,"
			  " manifest = excluded.manifest, probe = excluded.probe,"
			  " until_ms = excluded.until_ms",
	[SQL_ROUTE_LIST] = "SELECT " ROUTE_COLUMNS " FROM route ORDER BY made",
	[SQL_ROUTE_DROP] = "DELETE FROM route WHERE id = ?1",

	[SQL_RECORD_PUT] = "INSERT INTO record (" RECORD_COLUMNS ", made)"
			   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14,"
			   " ?15, ?16, ?17, ?18, ?19, ?20, ?21)"
			   " ON CONFLICT (id) DO UPDATE SET name = excluded.name,"
			   " type = excluded.type, tunnel_id = excluded.tunnel_id,"
			   " content = excluded.content, comment = excluded.comment,"
			   " proxied = excluded.proxied, ttl = excluded.ttl, want = excluded.want,"
			   " generation = excluded.generation,"
			   " applied_generation = excluded.applied_generation,"
			   " zone_id = excluded.zone_id, remote_id = excluded.remote_id,"
			   " create_sent_ms = excluded.create_sent_ms,"
			   " released = excluded.released, takes = excluded.takes,"
			   " drift = excluded.drift, manifest = excluded.manifest,"
			   " applied = excluded.applied, asked = excluded.asked",
	[SQL_RECORD_LIST] = "SELECT " RECORD_COLUMNS " FROM record ORDER BY made",
	[SQL_RECORD_DROP] = "DELETE FROM record WHERE id = ?1",

	[SQL_CONNECTOR_PUT] = "INSERT INTO connector (" CONNECTOR_COLUMNS ", made)"
			      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
			      " ON CONFLICT (id) DO UPDATE SET want = excluded.want,"
			      " stopped_by_user = excluded.stopped_by_user,"
			      " stopped_by = excluded.stopped_by,"
			      " stopped_why = excluded.stopped_why,"
			      " stopped_until_ms = excluded.stopped_until_ms,"
			      " token_generation = excluded.token_generation,"
			      " restarts = excluded.restarts",
	[SQL_CONNECTOR_LIST] = "SELECT " CONNECTOR_COLUMNS " FROM connector ORDER BY made",
	[SQL_CONNECTOR_DROP] = "DELETE FROM connector WHERE id = ?1",
	[SQL_SECRET_PUT] = "INSERT INTO secret (tunnel_id, data) VALUES (?1, ?2)"
			   " ON CONFLICT (tunnel_id) DO UPDATE SET data = excluded.data",
	[SQL_SECRET_GET] = "SELECT data FROM secret WHERE tunnel_id = ?1",
	[SQL_TOKEN_PUT] = "INSERT INTO token (tunnel_id, data) VALUES (?1, ?2)"
			  " ON CONFLICT (tunnel_id) DO UPDATE SET data = excluded.data",
	[SQL_TOKEN_GET] = "SELECT data FROM token WHERE tunnel_id = ?1",
	[SQL_RULES_PUT] = "INSERT INTO rules (tunnel_id, rules) VALUES (?1, ?2)"
			  " ON CONFLICT (tunnel_id) DO UPDATE SET rules = excluded.rules",
	[SQL_RULES_GET] = "SELECT rules FROM rules WHERE tunnel_id = ?1",

	[SQL_REVISION_ADD] = "INSERT INTO revision (number, at_ms, plan, principal, edits,"
			     " operation, reason, changes, objects)"
			     " VALUES (?1, ?2, nullif(?3, 0), ?4, ?5, ?6, ?7, ?8, ?9)",
	[SQL_REVISION_MAX] = "SELECT coalesce(max(number), 0) FROM revision",
	[SQL_REVISION_LIST] = "SELECT number, at_ms, coalesce(plan, 0), principal, operation,"
			      " reason, changes, objects FROM revision WHERE number < ?1"
			      " ORDER BY number DESC LIMIT ?2",
	[SQL_REVISION_EDITS] = "SELECT number, edits FROM revision"
			       " WHERE number > ?1 AND number <= ?2 ORDER BY number",
	[SQL_REVISION_PRUNE] = "DELETE FROM revision WHERE number <= ?1",
	[SQL_REVISION_BASE_PUT] = "INSERT INTO revision_base (id, number, objects)"
				  " VALUES (1, ?1, ?2) ON CONFLICT (id) DO UPDATE SET"
				  " number = excluded.number, objects = excluded.objects",
	[SQL_REVISION_BASE_GET] = "SELECT number, objects FROM revision_base WHERE id = 1",

	[SQL_PLAN_ADD] = "INSERT INTO plan (" PLAN_COLUMNS ", drops)"
			 " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
	[SQL_PLAN_DROPS] = "SELECT coalesce(sum(drops), 0) FROM plan WHERE principal = ?1"
			   " AND max(made_ms, decided_ms) >= ?2 AND state = ?3",
	[SQL_PLAN_DECIDE] = "UPDATE plan SET state = ?2, decided_by = ?3, decided_ms = ?4,"
			    " revision = ?5 WHERE number = ?1",
	[SQL_PLAN_GET] = "SELECT number, " PLAN_COLUMNS " FROM plan WHERE number = ?1",
	[SQL_PLAN_LIST] = "SELECT number, " PLAN_COLUMNS " FROM plan WHERE number < ?1"
			  " ORDER BY number DESC LIMIT ?2",
	[SQL_PLAN_LIST_STATE] = "SELECT number, " PLAN_COLUMNS " FROM plan"
				" WHERE number < ?1 AND state = ?3"
				" ORDER BY number DESC LIMIT ?2",
	[SQL_PLAN_COUNT] = "SELECT count(*) FROM plan",
	[SQL_PLAN_COUNT_STATE] = "SELECT count(*) FROM plan WHERE state = ?1",
	[SQL_PLAN_EXPIRE] = "UPDATE plan SET state = ?2, decided_ms = ?1"
			    " WHERE state IN (?3, ?4) AND expires_ms <= ?1",

	[SQL_EVENT_ADD] = "INSERT INTO event (" EVENT_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6,"
			  " ?7)",
	[SQL_EVENT_PRUNE] = "DELETE FROM event WHERE seq <= ?1",
	[SQL_EVENT_LIST] = "SELECT seq, " EVENT_COLUMNS " FROM event"
			   " WHERE seq < ?1 AND at_ms >= ?3 AND (?4 IS NULL OR kind = ?4)"
			   " AND (?5 IS NULL OR object_id = ?5) ORDER BY seq DESC LIMIT ?2",

	[SQL_LEDGER_ADD] = "INSERT INTO ledger (" LEDGER_COLUMNS ")"
			   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14,"
			   " ?15, ?16, ?17, ?18, ?19, ?20)",
	[SQL_LEDGER_LIST] = "SELECT " LEDGER_COLUMNS " FROM ledger WHERE seq < ?1"
			    " ORDER BY seq DESC LIMIT ?2",
	[SQL_LEDGER_FIND] = "SELECT " LEDGER_COLUMNS " FROM ledger WHERE seq < ?1 AND seq >= ?3"
			    " AND at_ms >= ?4 AND at_ms <= ?5"
			    " AND (?6 IS NULL OR principal = ?6)"
			    " AND (?7 IS NULL OR operation = ?7)"
			    " AND (?8 IS NULL OR decision = ?8)"
			    " AND (?9 IS NULL OR plan = ?9)"
			    " ORDER BY seq DESC LIMIT ?2",
	[SQL_LEDGER_WALK] = "SELECT " LEDGER_COLUMNS " FROM ledger WHERE seq > ?1"
			    " ORDER BY seq LIMIT ?2",

	/* The data centre stands behind the ray, which is told of without it: '.' is next to '-'.
	 */
	[SQL_LEDGER_RAY] = "SELECT seq, plan FROM ledger WHERE rays IS NOT NULL AND rays >= ?1"
			   " AND rays < ?1 || '.' ORDER BY seq DESC LIMIT 1",
	/* An intent whose answer, if any, is not known: none with a ray before the next intent. */
	[SQL_LEDGER_OPEN] =
		"SELECT 1 FROM ledger i WHERE i.seq > (SELECT max(seq) FROM ledger) - ?4"
		" AND i.phase = 'intent' AND i.plan_hash IS NULL AND (?1 IS NULL OR i.object = ?1)"
		" AND i.at_ms BETWEEN ?2 AND ?3"
		" AND NOT EXISTS (SELECT 1 FROM ledger r WHERE r.seq > i.seq"
		" AND r.phase = 'result' AND r.object = i.object AND r.rays IS NOT NULL"
		" AND r.seq < coalesce((SELECT min(n.seq) FROM ledger n WHERE n.seq > i.seq"
		" AND n.phase = 'intent' AND n.object = i.object), 9223372036854775807))"
		" LIMIT 1",
	/* Its own last row, and the intents of what it stored. */
	[SQL_LEDGER_CALL] = "SELECT phase, outcome, detail, plan FROM ledger"
			    " WHERE seq > ?1 AND seq <= ?1 + ?4"
			    " AND (phase = 'result' AND object = ?2"
			    " OR phase = 'intent' AND detail = ?3) ORDER BY seq LIMIT 8",
	[SQL_LEDGER_FIRST] = "SELECT at_ms FROM ledger ORDER BY seq LIMIT 1",
	[SQL_GRANT_ADD] = "INSERT INTO access_grant (" GRANT_COLUMNS ")"
			  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	[SQL_GRANT_SECOND] = "UPDATE access_grant SET second_sha256 = ?2 WHERE id = ?1",
	[SQL_GRANT_USED] = "UPDATE access_grant SET last_used_ms = ?2 WHERE id = ?1",
	[SQL_GRANT_DROP] = "DELETE FROM access_grant WHERE id = ?1",
	[SQL_GRANT_LIST] = "SELECT id, " GRANT_COLUMNS " FROM access_grant ORDER BY id",
	[SQL_PLAN_WAITING] = "SELECT number, hash FROM plan WHERE principal = ?1"
			     " AND state IN (?2, ?3) ORDER BY number",
};

const char *sql_text(enum sql id)
{
	return texts[id];
}
