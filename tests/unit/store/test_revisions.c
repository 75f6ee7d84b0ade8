/* The history: what was is rebuilt exactly, older files bring theirs along, and old revisions go
 * without taking the state that they made with them. */
#include "tests/unit/store/fixture.h"

static void put_route(struct plan *p, const char *id, const char *name, const char *service)
{
	struct edit *d = plan_edit(p, EDIT_ROUTE_PUT, id);

	str_copy(d->tunnel_id, sizeof(d->tunnel_id), "t1");
	str_set(&d->name, name);
	str_set(&d->service, service);
	plan_change(p, '+', "route", name, "to %s", service);
}

static void put_tunnel(struct plan *p, const char *id, const char *name, int64_t replicas)
{
	struct edit *d = plan_edit(p, EDIT_TUNNEL_PUT, id);

	str_set(&d->name, name);
	d->replicas = replicas;
}

static void add(struct fixture *f, int64_t revision, struct plan *p)
{
	plan_seal(p);
	OK(f, store_add_plan(f->s, p, &f->e));
	OK(f, store_add_revision(f->s, revision, p, &f->e));
	plan_free(p);
}

/* 1: tunnel and route; 2: the route leads elsewhere; 3: it is gone. */
static void three_revisions(struct fixture *f)
{
	struct plan *p = plan_new("route_set", "root (uid 0)", "the shop opens");

	OK(f, store_begin(f->s, &f->e));
	put_tunnel(p, "t1", "web", 2);
	put_route(p, "r1", "app.example.com", "http://127.0.0.1:80");
	add(f, 1, p);
	p = plan_new("route_set", "alice (uid 1000)", NULL);
	put_tunnel(p, "t1", "web", 2);
	put_route(p, "r1", "app.example.com", "http://127.0.0.1:81");
	add(f, 2, p);
	p = plan_new("route_delete", "root (uid 0)", NULL);
	plan_edit(p, EDIT_ROUTE_DROP, "r1");
	plan_change(p, '-', "route", "app.example.com", NULL);
	add(f, 3, p);
	OK(f, store_commit(f->s, &f->e));
}

static void state_is(struct fixture *f, int64_t revision, size_t n, const char *route)
{
	AUTO(snapshot_t) s = {0};

	OK(f, store_load_snapshot(f->s, revision, &s, &f->e));
	assert_int_equal(s.n, n);
	if (route)
		assert_string_equal(snapshot_find(&s, "r1")->service, route);
	else
		assert_null(snapshot_find(&s, "r1"));
	if (n)
		assert_int_equal(snapshot_find(&s, "t1")->replicas, 2);
}

static void check_three(struct fixture *f)
{
	state_is(f, 0, 0, NULL);
	state_is(f, 1, 2, "http://127.0.0.1:80");
	state_is(f, 2, 2, "http://127.0.0.1:81");
	state_is(f, 3, 1, NULL);
}

static void forget(struct revision *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		revision_free(&rows[i]);
	free(rows);
}

static void check_list(struct fixture *f)
{
	struct revision *rows = NULL;
	size_t n = 0;

	OK(f, store_list_revisions(f->s, 0, 10, &rows, &n, &f->e));
	assert_int_equal(n, 3);
	assert_int_equal(rows[0].number, 3);
	assert_string_equal(rows[0].operation, "route_delete");
	assert_int_equal(rows[0].objects.n, 1);
	assert_int_equal(rows[2].number, 1);
	assert_int_equal(rows[2].plan, 1);
	assert_string_equal(rows[2].operation, "route_set");
	assert_string_equal(rows[2].principal, "root (uid 0)");
	assert_string_equal(rows[2].reason, "the shop opens");
	assert_int_equal(rows[2].changes, 1);
	assert_int_equal(rows[2].objects.n, 2);
	assert_true(strlist_has(&rows[2].objects, "web"));
	assert_true(strlist_has(&rows[2].objects, "app.example.com"));
	assert_null(rows[1].reason);
	assert_true(rows[1].at_ms > 0);
	forget(rows, n);
	OK(f, store_list_revisions(f->s, 3, 1, &rows, &n, &f->e));
	assert_int_equal(n, 1);
	assert_int_equal(rows[0].number, 2);
	forget(rows, n);
}

static void any_revision_is_rebuilt(void **state)
{
	struct fixture *f = *state;

	open_store(f);
	three_revisions(f);
	reopen_store(f);
	check_three(f);
	check_list(f);
}

static void what_there_is_not_is_said(void **state)
{
	struct fixture *f = *state;
	AUTO(snapshot_t) s = {0};

	open_store(f);
	three_revisions(f);
	REFUSED(f, ERR_NOT_FOUND, store_load_snapshot(f->s, 4, &s, &f->e));
	SAYS(f, "at revision 3");
	REFUSED(f, ERR_NOT_FOUND, store_load_snapshot(f->s, -1, &s, &f->e));
	assert_int_equal(s.n, 0);
}

/* The tables of the first schema, as it was released. */
#define FIRST_REVISION                                                                             \
	"CREATE TABLE revision (number INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL,"               \
	" plan INTEGER REFERENCES plan (number), principal TEXT NOT NULL,"                         \
	" edits TEXT NOT NULL) STRICT;"                                                            \
	"CREATE INDEX revision_plan ON revision (plan);"

static void without_later_columns(struct fixture *f)
{
	static const char *const columns[][2] = {
		{"tunnel", "joined"},
		{"tunnel", "released"},
		{"tunnel", "convert"},
		{"tunnel", "token_stale"},
		{"tunnel", "drift"},
		{"tunnel", "manifest"},
		{"route", "applied_generation"},
		{"route", "takes"},
		{"route", "drift"},
		{"route", "manifest"},
		{"record", "released"},
		{"record", "takes"},
		{"record", "drift"},
		{"record", "manifest"},
		{"plan", "drops"},
		{"record", "applied"},
		{"record", "asked"},
		{"connector", "stopped_by"},
		{"connector", "stopped_why"},
		{"connector", "stopped_until_ms"},
		{"route", "probe"},
		{"route", "until_ms"},
		{"ledger", "door"},
		{"ledger", "peer"},
		{"ledger", "client"},
		{"ledger", "tool_use"},
		{"ledger", "decision"},
		{"ledger", "policy"},
		{"ledger", "plan"},
		{"ledger", "rays"},
	};

	raw(f, "DROP INDEX ledger_rays");
	for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
		AUTO(str_t)
		sql = str_format("ALTER TABLE %s DROP COLUMN %s", columns[i][0], columns[i][1]);
		raw(f, sql);
	}
}

static void make_first_schema(struct fixture *f)
{
	without_later_columns(f);
	raw(f, "DROP TABLE revision_base; DROP TABLE access_grant; DROP INDEX plan_principal;"
	       "CREATE TABLE kept AS SELECT number, at_ms, plan, principal, edits FROM revision;"
	       "DROP TABLE revision;" FIRST_REVISION "INSERT INTO revision SELECT * FROM kept;"
	       "DROP TABLE kept; PRAGMA user_version = 1");
}

static void an_older_file_brings_its_history(void **state)
{
	struct fixture *f = *state;

	open_store(f);
	three_revisions(f);
	close_store(f);
	make_first_schema(f);
	open_store(f);
	assert_false(store_was_damaged(f->s));
	check_three(f);
	check_list(f);
	close_store(f);
	assert_int_equal(raw_int(f, "PRAGMA user_version"), 9);
	open_store(f);
	check_list(f);
	close_store(f);
	/* What was applied then is not known; it is no error of the file. */
	raw(f, "ALTER TABLE route DROP COLUMN probe; ALTER TABLE route DROP COLUMN until_ms;"
	       "DROP TABLE access_grant; DROP INDEX plan_principal; DROP INDEX ledger_rays;"
	       "ALTER TABLE ledger DROP COLUMN door; ALTER TABLE ledger DROP COLUMN peer;"
	       "ALTER TABLE ledger DROP COLUMN client; ALTER TABLE ledger DROP COLUMN tool_use;"
	       "ALTER TABLE ledger DROP COLUMN decision; ALTER TABLE ledger DROP COLUMN policy;"
	       "ALTER TABLE ledger DROP COLUMN plan; ALTER TABLE ledger DROP COLUMN rays;"
	       "ALTER TABLE record DROP COLUMN applied; ALTER TABLE record DROP COLUMN asked;"
	       "INSERT INTO record (id, name, type, tunnel_id, proxied, ttl, want, generation,"
	       " applied_generation, zone_id, remote_id, create_sent_ms, made)"
	       " VALUES ('dold', 'a.example.com', 'A', '', 0, 1, 'present', 1, 1, '', '', 0, 99);"
	       "PRAGMA user_version = 5");
	open_store(f);
	struct world *w = world_new();
	OK(f, store_load(f->s, w, &f->e));
	assert_non_null(world_record(w, "dold"));
	assert_null(world_record(w, "dold")->applied);
	assert_null(world_record(w, "dold")->asked);
	world_free(w);
}

/* What one row lost must not keep the daemon from its store. */
static void an_older_file_with_odd_rows_is_taken(void **state)
{
	struct fixture *f = *state;
	AUTO(snapshot_t) s = {0};
	struct revision *rows = NULL;
	size_t n = 0;

	open_store(f);
	three_revisions(f);
	close_store(f);
	make_first_schema(f);
	raw(f, "DROP TRIGGER plan_immutable; UPDATE plan SET body = 'x' WHERE number = 1;"
	       "UPDATE plan SET body = '{\"changes\":[7,\"x\"]}' WHERE number = 2;"
	       "UPDATE revision SET edits = '[7,{}]' WHERE number = 2;"
	       "UPDATE revision SET edits = '', plan = NULL WHERE number = 3");
	open_store(f);
	OK(f, store_list_revisions(f->s, 0, 10, &rows, &n, &f->e));
	assert_int_equal(n, 3);
	assert_int_equal(rows[0].objects.n, 0);
	assert_int_equal(rows[2].changes, 0);
	forget(rows, n);
	state_is(f, 1, 2, "http://127.0.0.1:80");
	REFUSED(f, ERR_INVALID, store_load_snapshot(f->s, 2, &s, &f->e));
	SAYS(f, "revision 2");
}

static void a_hole_in_the_history_is_no_state(void **state)
{
	struct fixture *f = *state;
	AUTO(snapshot_t) s = {0};

	open_store(f);
	three_revisions(f);
	close_store(f);
	raw(f, "DELETE FROM revision WHERE number = 2");
	open_store(f);
	state_is(f, 1, 2, "http://127.0.0.1:80");
	REFUSED(f, ERR_INVALID, store_load_snapshot(f->s, 3, &s, &f->e));
	SAYS(f, "no revision 2");
	REFUSED(f, ERR_INVALID, store_load_snapshot(f->s, 2, &s, &f->e));
}

/* ---- many ---- */

static void add_many(struct fixture *f, int64_t from, int64_t to)
{
	OK(f, store_begin(f->s, &f->e));
	for (int64_t i = from; i <= to; i++) {
		struct plan *p = plan_new("route_set", "root (uid 0)", NULL);
		AUTO(str_t) id = str_format("r%lld", (long long)(i % 7));
		AUTO(str_t) service = str_format("http://127.0.0.1:%lld", (long long)i);

		put_route(p, id, id, service);
		plan_seal(p);
		OK(f, store_add_revision(f->s, i, p, &f->e));
		plan_free(p);
	}
	OK(f, store_commit(f->s, &f->e));
}

/* Each of the seven routes has the service of the last revision that set it. */
static void check_many(struct fixture *f, int64_t revision)
{
	AUTO(snapshot_t) s = {0};

	OK(f, store_load_snapshot(f->s, revision, &s, &f->e));
	assert_int_equal(s.n, revision < 7 ? revision : 7);
	for (int64_t i = revision; i > 0 && i > revision - 7; i--) {
		AUTO(str_t) id = str_format("r%lld", (long long)(i % 7));
		AUTO(str_t) service = str_format("http://127.0.0.1:%lld", (long long)i);

		assert_string_equal(snapshot_find(&s, id)->service, service);
	}
}

static void the_oldest_go_and_their_sum_stays(void **state)
{
	struct fixture *f = *state;
	AUTO(snapshot_t) s = {0};
	struct revision *rows = NULL;
	size_t n = 0;

	open_store(f);
	add_many(f, 1, REVISIONS_KEPT + 99);
	check_many(f, 1);
	add_many(f, REVISIONS_KEPT + 100, REVISIONS_KEPT + 230);
	reopen_store(f);
	for (int64_t i = 200; i <= REVISIONS_KEPT + 230; i += 41)
		check_many(f, i);
	check_many(f, REVISIONS_KEPT + 230);
	REFUSED(f, ERR_NOT_FOUND, store_load_snapshot(f->s, 199, &s, &f->e));
	SAYS(f, "200");
	OK(f, store_list_revisions(f->s, 0, 100000, &rows, &n, &f->e));
	assert_int_equal(n, REVISIONS_KEPT + 30);
	assert_int_equal(rows[n - 1].number, 201);
	forget(rows, n);
	assert_int_equal(raw_int(f, "SELECT count(*) FROM revision_base"), 1);
}

static void a_damaged_history_refuses_no_change(void **state)
{
	struct fixture *f = *state;

	open_store(f);
	add_many(f, 1, REVISIONS_KEPT + 99);
	close_store(f);
	raw(f, "UPDATE revision SET edits = 'x' WHERE number = 50");
	open_store(f);
	add_many(f, REVISIONS_KEPT + 100, REVISIONS_KEPT + 100);
	assert_int_equal(raw_int(f, "SELECT count(*) FROM revision"), REVISIONS_KEPT + 100);
	assert_int_equal(raw_int(f, "SELECT count(*) FROM revision_base"), 0);
}

/* A change that is taken back takes the folding along. */
static void folding_is_part_of_the_change(void **state)
{
	struct fixture *f = *state;
	struct plan *p = plan_new("route_set", "root (uid 0)", NULL);

	open_store(f);
	add_many(f, 1, REVISIONS_KEPT + 99);
	put_route(p, "r1", "r1", "http://127.0.0.1:1");
	OK(f, store_begin(f->s, &f->e));
	OK(f, store_add_revision(f->s, REVISIONS_KEPT + 100, p, &f->e));
	store_rollback(f->s);
	check_many(f, 3);
	check_many(f, REVISIONS_KEPT + 99);
	plan_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(any_revision_is_rebuilt),
		TEST(what_there_is_not_is_said),
		TEST(an_older_file_brings_its_history),
		TEST(an_older_file_with_odd_rows_is_taken),
		TEST(a_hole_in_the_history_is_no_state),
		TEST(the_oldest_go_and_their_sum_stays),
		TEST(a_damaged_history_refuses_no_change),
		TEST(folding_is_part_of_the_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
