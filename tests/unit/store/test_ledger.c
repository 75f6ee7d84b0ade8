/* The ledger: every field comes back, nothing can be changed, and whatever was changed by force is
 * found and named. */
#include "tests/unit/store/fixture.h"

#include "base/clock.h"

#define ROWS    5
#define COLUMNS 20

static char root[] = "uid 0 (root)", route_set[] = "route_set", object[] = "app.example.com",
	    arguments[] = "{\"hostname\":\"app.example.com\"}", plan_hash[] = "abc", ok[] = "ok",
	    detail[] = "ray 8a1", empty[] = "", door[] = "mcp", peer[] = "127.0.0.1:40000",
	    client[] = "claude 2.1", tool_use[] = "toolu_1", decision[] = "allowed",
	    policy[] = "role operator", plan[] = "p7", rays[] = "8a1-FRA";

static void drop_triggers(struct fixture *f)
{
	raw(f, "DROP TRIGGER ledger_no_update");
	raw(f, "DROP TRIGGER ledger_no_delete");
	raw(f, "DROP TRIGGER ledger_no_replace");
}

static void say_more(struct ledger_row *row)
{
	row->door = door;
	row->peer = peer;
	row->client = client;
	row->tool_use = tool_use;
	row->decision = decision;
	row->policy = policy;
	row->plan = plan;
	row->rays = rays;
}

/* Odd rows full, even ones with NULLs; only the last one says what came later. */
static void fill(struct fixture *f)
{
	open_store(f);
	for (int i = 0; i < ROWS; i++) {
		struct ledger_row row = {.phase = (enum ledger_phase)(i % 3),
					 .principal = root,
					 .operation = route_set};
		int64_t seq = 0;

		if (i % 2 == 0) {
			row.object = object;
			row.arguments = arguments;
			row.plan_hash = plan_hash;
			row.outcome = ok;
			row.detail = detail;
		}
		if (i == ROWS - 1)
			say_more(&row);
		OK(f, store_add_ledger(f->s, &row, &seq, &f->e));
		assert_int_equal(seq, i + 1);
	}
}

static void expect_good(struct fixture *f, int64_t rows)
{
	int64_t count = -1;

	OK(f, store_verify_ledger(f->s, &count, &f->e));
	assert_int_equal(count, rows);
}

static void expect_bad(struct fixture *f, const char *what, int64_t seq)
{
	AUTO(str_t) named = str_format("row %lld of the ledger", (long long)seq);
	int64_t count = -1;

	memset(&f->e, 0, sizeof(f->e));
	if (store_verify_ledger(f->s, &count, &f->e) != -1)
		fail_msg("not noticed: %s", what);
	assert_int_equal(f->e.kind, ERR_CONFLICT);
	assert_int_equal(count, -1);
	if (!strstr(f->e.message, named))
		fail_msg("%s: \"%s\" does not name row %lld", what, f->e.message, (long long)seq);
}

/* ---- round trip ---- */

static void free_rows(struct ledger_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ledger_row_free(&rows[i]);
	free(rows);
}

static void check_texts(const struct ledger_row *row, bool full)
{
	assert_string_equal(row->principal, root);
	assert_string_equal(row->operation, route_set);
	assert_true(str_equal(row->object, full ? object : NULL));
	assert_true(str_equal(row->arguments, full ? arguments : NULL));
	assert_true(str_equal(row->plan_hash, full ? plan_hash : NULL));
	assert_true(str_equal(row->outcome, full ? ok : NULL));
	assert_true(str_equal(row->detail, full ? detail : NULL));
	bool more = row->seq == ROWS;
	assert_true(str_equal(row->door, more ? door : NULL));
	assert_true(str_equal(row->peer, more ? peer : NULL));
	assert_true(str_equal(row->client, more ? client : NULL));
	assert_true(str_equal(row->tool_use, more ? tool_use : NULL));
	assert_true(str_equal(row->decision, more ? decision : NULL));
	assert_true(str_equal(row->policy, more ? policy : NULL));
	assert_true(str_equal(row->plan, more ? plan : NULL));
	assert_true(str_equal(row->rays, more ? rays : NULL));
}

static void rows_come_back(void **state)
{
	struct fixture *f = *state;
	struct ledger_row *rows = NULL;
	size_t n = 0;

	clock_freeze(1, 1700000000123);
	fill(f);
	clock_freeze(0, 0);
	reopen_store(f);
	expect_good(f, ROWS);
	OK(f, store_list_ledger(f->s, 0, 50, &rows, &n, &f->e));
	assert_int_equal(n, ROWS);
	for (size_t i = 0; i < n; i++) {
		int made = ROWS - 1 - (int)i;

		assert_int_equal(rows[i].seq, made + 1);
		assert_int_equal(rows[i].at_ms, 1700000000123);
		assert_int_equal(rows[i].phase, made % 3);
		check_texts(&rows[i], made % 2 == 0);
		assert_int_equal(strlen(rows[i].hash), 64);
		if (i + 1 < n)
			assert_string_equal(rows[i].prev_hash, rows[i + 1].hash);
	}
	free_rows(rows, n);
	OK(f, store_list_ledger(f->s, 4, 2, &rows, &n, &f->e));
	assert_int_equal(n, 2);
	assert_int_equal(rows[0].seq, 3);
	free_rows(rows, n);
	OK(f, store_list_ledger(f->s, 1, 2, &rows, &n, &f->e));
	assert_int_equal(n, 0);
	free_rows(rows, n);
}

static void an_empty_ledger_is_good(void **state)
{
	struct fixture *f = *state;

	open_store(f);
	expect_good(f, 0);
	assert_string_equal(ledger_phase_name(LEDGER_ASKED), "asked");
	assert_string_equal(ledger_phase_name(LEDGER_INTENT), "intent");
	assert_string_equal(ledger_phase_name(LEDGER_RESULT), "result");
}

static void null_and_empty_are_told_apart(void **state)
{
	struct fixture *f = *state;
	struct ledger_row row = ledger_sample();

	open_store(f);
	row.object = empty;
	OK(f, store_add_ledger(f->s, &row, NULL, &f->e));
	expect_good(f, 1);
	drop_triggers(f);
	raw(f, "UPDATE ledger SET object = NULL");
	expect_bad(f, "'' became NULL", 1);
}

static void a_rolled_back_row_leaves_no_gap(void **state)
{
	struct fixture *f = *state;
	struct ledger_row row = ledger_sample();
	int64_t seq = 0;

	fill(f);
	OK(f, store_begin(f->s, &f->e));
	OK(f, store_add_ledger(f->s, &row, &seq, &f->e));
	OK(f, store_add_ledger(f->s, &row, &seq, &f->e));
	assert_int_equal(seq, ROWS + 2);
	store_rollback(f->s);
	expect_good(f, ROWS);
	OK(f, store_add_ledger(f->s, &row, &seq, &f->e));
	assert_int_equal(seq, ROWS + 1);
	expect_good(f, ROWS + 1);
}

/* ---- append-only ---- */

static void triggers_refuse_changes(void **state)
{
	static const char *const changes[] = {
		"UPDATE ledger SET detail = 'x' WHERE seq = 2",
		"DELETE FROM ledger WHERE seq = 5",
		"DELETE FROM ledger",
		"INSERT OR REPLACE INTO ledger SELECT * FROM ledger WHERE seq = 2",
		"REPLACE INTO ledger (seq, at_ms, phase, principal, operation, prev_hash, hash)"
		" VALUES (5, 1, 'asked', 'x', 'x', 'x', 'x')",
		"INSERT INTO ledger SELECT * FROM ledger WHERE seq = 2"
		" ON CONFLICT (seq) DO UPDATE SET detail = 'x'",
	};
	struct fixture *f = *state;
	sqlite3 *db;

	fill(f);
	db = raw_open(f);
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		if ((raw_run(db, changes[i]) & 0xff) != SQLITE_CONSTRAINT)
			fail_msg("not refused: %s", changes[i]);
		assert_string_equal(sqlite3_errmsg(db), "the ledger is append-only");
	}
	sqlite3_close(db);
	expect_good(f, ROWS);
}

/* ---- tampering ---- */

static const struct {
	const char *name, *spoiled;
} columns[COLUMNS] = {
	{"seq", "seq + 1000"},
	{"at_ms", "at_ms + 1"},
	{"phase", "CASE phase WHEN 'asked' THEN 'intent' ELSE 'asked' END"},
	{"principal", "principal || 'x'"},
	{"operation", "upper(operation)"},
	{"object", "coalesce(object, '') || 'x'"},
	{"arguments", "iif(arguments IS NULL, '', NULL)"},
	{"plan_hash", "iif(plan_hash IS NULL, 'x', substr(plan_hash, 2))"},
	{"outcome", "coalesce(outcome, '') || 'x'"},
	{"detail", "detail || char(0) || 'x'"},
	{"prev_hash", "replace(prev_hash, substr(prev_hash, 9, 1), 'x')"},
	{"hash", "replace(hash, substr(hash, 9, 1), 'x')"},
	{"door", "coalesce(door, '') || 'x'"},
	{"peer", "iif(peer IS NULL, '', NULL)"},
	{"client", "coalesce(client, '') || 'x'"},
	{"tool_use", "coalesce(tool_use, '') || 'x'"},
	{"decision", "coalesce(decision, '') || 'x'"},
	{"policy", "iif(policy IS NULL, '', NULL)"},
	{"plan", "coalesce(plan, '') || '0'"},
	{"rays", "coalesce(rays, '') || 'x'"},
};

static void spoil(struct fixture *f, int row, int column)
{
	const char *name = columns[column].name;
	const char *new_value = columns[column].spoiled;
	AUTO(str_t) sql = NULL;

	if (!strcmp(name, "detail") && row % 2 == 0)
		new_value = "''"; /* it is NULL there */
	sql = str_format("UPDATE ledger SET %s = %s WHERE seq = %d", name, new_value, row);
	raw(f, sql);
	expect_bad(f, sql, row);
}

static void each_column_of_each_row_counts(void **state)
{
	struct fixture *f = *state;

	fill(f);
	drop_triggers(f);
	raw(f, "CREATE TABLE saved AS SELECT * FROM ledger");
	for (int row = 1; row <= ROWS; row++)
		for (int column = 0; column < COLUMNS; column++) {
			spoil(f, row, column);
			raw(f, "DELETE FROM ledger");
			raw(f, "INSERT INTO ledger SELECT * FROM saved");
			expect_good(f, ROWS);
		}
}

static void tampering_with_the_order_is_named(void **state)
{
	static const struct {
		const char *sql;
		int64_t seq;
	} cases[] = {
		{"DELETE FROM ledger WHERE seq = 1", 1},
		{"DELETE FROM ledger WHERE seq = 3", 3},
		{"DELETE FROM ledger WHERE seq = 5", 5},
		{"DELETE FROM ledger WHERE seq >= 4", 4},
		{"DELETE FROM ledger", 1},
		{"DELETE FROM ledger WHERE seq = 3;"
		 "UPDATE ledger SET seq = seq - 1 WHERE seq > 3",
		 3},
		{"UPDATE ledger SET seq = 99 WHERE seq = 2; UPDATE ledger SET seq = 2"
		 " WHERE seq = 3; UPDATE ledger SET seq = 3 WHERE seq = 99",
		 2},
		{"INSERT INTO ledger SELECT 6, at_ms, phase, principal, operation, object,"
		 " arguments, plan_hash, outcome, detail, hash, hash, door, peer, client, tool_use,"
		 " decision, policy, plan, rays FROM ledger"
		 " WHERE seq = 5",
		 6},
		{"INSERT INTO ledger SELECT 0, at_ms, phase, principal, operation, object,"
		 " arguments, plan_hash, outcome, detail, prev_hash, hash, door, peer, client,"
		 " tool_use, decision, policy, plan, rays FROM ledger"
		 " WHERE seq = 1",
		 1},
		{"UPDATE meta SET value = replace(value, '5 ', '4 ')"
		 " WHERE key = 'ledger_head'",
		 5},
		{"UPDATE meta SET value = substr(value, 1, 2) || substr(value, 4)"
		 " WHERE key = 'ledger_head'",
		 5},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		fill(f);
		drop_triggers(f);
		raw(f, cases[i].sql);
		expect_bad(f, cases[i].sql, cases[i].seq);
		close_store(f);
		remove_files(f->dir);
	}
}

/* A row of before, moved to where nothing but its new members tells it from another one. */
static void later_members_cannot_be_taken_away(void **state)
{
	struct fixture *f = *state;

	fill(f);
	drop_triggers(f);
	raw(f, "UPDATE ledger SET door = NULL, peer = NULL, client = NULL, tool_use = NULL,"
	       " decision = NULL, policy = NULL, plan = NULL, rays = NULL");
	expect_bad(f, "what came later was taken away", ROWS);
}

/* As rows were hashed before there were more members: presence, then the eleven of then. */
static void rows_of_before_keep_their_hash(void **state)
{
	struct fixture *f = *state;
	struct ledger_row *rows = NULL;
	char hash[SHA256_HEX_SIZE];
	size_t n = 0;

	clock_freeze(1, 1700000000123);
	fill(f);
	clock_freeze(0, 0);
	OK(f, store_list_ledger(f->s, 3, 1, &rows, &n, &f->e));
	assert_int_equal(n, 1);
	const struct sha256_part parts[] = {
		{"11111000001", 11},
		{"2", 1},
		{"1700000000123", 13},
		{"intent", 6},
		{root, strlen(root)},
		{route_set, strlen(route_set)},
		{"", 0},
		{"", 0},
		{"", 0},
		{"", 0},
		{"", 0},
		{rows[0].prev_hash, 64},
	};
	sha256_parts(parts, ARRAY_LEN(parts), hash);
	assert_string_equal(rows[0].hash, hash);
	free_rows(rows, n);
}

static void a_walk_in_pieces_finds_the_same(void **state)
{
	struct fixture *f = *state;
	struct ledger_row row = ledger_sample();
	struct ledger_walk walk = {0};

	fill(f);
	OK(f, store_walk_ledger(f->s, &walk, 2, &f->e));
	assert_int_equal(walk.rows, 2);
	assert_false(walk.done);
	OK(f, store_add_ledger(f->s, &row, NULL, &f->e));
	while (!walk.done)
		OK(f, store_walk_ledger(f->s, &walk, 2, &f->e));
	assert_int_equal(walk.rows, ROWS + 1);
	walk = (struct ledger_walk){0};
	OK(f, store_walk_ledger(f->s, &walk, 2, &f->e));
	drop_triggers(f);
	raw(f, "UPDATE ledger SET detail = 'y' WHERE seq = 4");
	reopen_store(f);
	REFUSED(f, ERR_CONFLICT, store_walk_ledger(f->s, &walk, 2, &f->e));
	assert_int_equal(walk.bad, 4);
	assert_false(walk.done);
}

static size_t count_found(struct fixture *f, const struct ledger_filter *filter, int64_t look)
{
	struct ledger_row *rows = NULL;
	int64_t before = 0, last = INT64_MAX;
	size_t n = 0, count = 0;
	int rc;

	do {
		rc = store_find_ledger(f->s, filter, &before, look, 2, &rows, &n, &f->e);
		assert_true(rc >= 0);
		for (size_t i = 0; i < n; i++) {
			assert_true(rows[i].seq < last);
			last = rows[i].seq;
		}
		count += n;
		free_rows(rows, n);
	} while (rc == 0);
	return count;
}

static void rows_are_found_by_what_they_say(void **state)
{
	struct fixture *f = *state;
	const struct {
		struct ledger_filter filter;
		size_t count;
	} cases[] = {
		{{0}, ROWS},
		{{.principal = root}, ROWS},
		{{.principal = "nobody"}, 0},
		{{.operation = route_set, .decision = decision}, 1},
		{{.decision = "denied"}, 0},
		{{.plan = "p7"}, 1},
		{{.since_ms = 1700000000001}, 0},
		{{.since_ms = 1700000000000, .until_ms = 1700000000000}, ROWS},
		{{.until_ms = 1699999999999}, 0},
	};

	clock_freeze(1, 1700000000000);
	fill(f);
	clock_freeze(0, 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		for (int64_t look = 1; look < 8; look++)
			if (count_found(f, &cases[i].filter, look) != cases[i].count)
				fail_msg("case %zu, %lld at a time", i, (long long)look);
}

static void a_head_that_is_gone_is_noticed(void **state)
{
	struct fixture *f = *state;
	struct ledger_row row = ledger_sample();
	int64_t count;

	fill(f);
	raw(f, "DELETE FROM meta WHERE key = 'ledger_head'");
	reopen_store(f);
	REFUSED(f, ERR_CONFLICT, store_verify_ledger(f->s, &count, &f->e));
	SAYS(f, "head");
	REFUSED(f, ERR_CONFLICT, store_add_ledger(f->s, &row, NULL, &f->e));
}

static void the_chain_goes_on_after_a_cut_and_shows_it(void **state)
{
	struct fixture *f = *state;
	struct ledger_row row = ledger_sample();
	int64_t seq = 0;

	fill(f);
	drop_triggers(f);
	raw(f, "DELETE FROM ledger WHERE seq >= 4");
	OK(f, store_add_ledger(f->s, &row, &seq, &f->e));
	assert_int_equal(seq, 6);
	expect_bad(f, "a cut that was written over", 4);
}

/* A chain that is good by itself, but another store's. */
static void another_stores_ledger_does_not_fit(void **state)
{
	struct fixture *f = *state;

	fill(f);
	close_store(f);
	raw(f, "UPDATE meta SET value = '00000000' WHERE key = 'install'");
	open_store(f);
	expect_bad(f, "install", 1);
}

/* ---- no secrets ---- */

static bool row_holds(sqlite3_stmt *st, const char *text)
{
	for (int i = 0; i < sqlite3_column_count(st); i++) {
		const void *data = sqlite3_column_blob(st, i);
		int len = sqlite3_column_bytes(st, i);

		if (data && memmem(data, (size_t)len, text, strlen(text)))
			return true;
	}
	return false;
}

static int rows_with(sqlite3 *db, const char *table, const char *text)
{
	AUTO(str_t) sql = str_format("SELECT * FROM %s", table);
	sqlite3_stmt *st = NULL;
	int found = 0;

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	while (sqlite3_step(st) == SQLITE_ROW)
		found += row_holds(st, text);
	sqlite3_finalize(st);
	return found;
}

static void save_canary(struct fixture *f)
{
	struct tunnel *t = tunnel_new("web");
	struct secret secret = {0};

	secret_set(&secret, "canary", 6);
	OK(f, store_begin(f->s, &f->e));
	OK(f, store_save_tunnel(f->s, t, &f->e));
	OK(f, store_save_secret(f->s, t->id, &secret, &f->e));
	OK(f, store_save_token(f->s, t->id, &secret, &f->e));
	OK(f, store_commit(f->s, &f->e));
	secret_free(&secret);
	tunnel_free(t);
}

static void secrets_stand_in_their_own_tables_only(void **state)
{
	struct fixture *f = *state;
	sqlite3_stmt *tables = NULL;
	sqlite3 *db;
	int seen = 0;

	fill(f);
	save_canary(f);
	db = raw_open(f);
	assert_int_equal(sqlite3_prepare_v2(db,
					    "SELECT name FROM sqlite_schema"
					    " WHERE type = 'table'",
					    -1, &tables, NULL),
			 SQLITE_OK);
	for (; sqlite3_step(tables) == SQLITE_ROW; seen++) {
		const char *name = (const char *)sqlite3_column_text(tables, 0);
		bool own = !strcmp(name, "secret") || !strcmp(name, "token");

		assert_int_equal(rows_with(db, name, "canary"), own ? 1 : 0);
	}
	assert_true(seen > 10);
	sqlite3_finalize(tables);
	sqlite3_close(db);
	assert_int_equal(raw_int(f, "SELECT typeof(data) = 'blob' FROM secret"), 1);
	assert_int_equal(raw_int(f, "SELECT typeof(data) = 'blob' FROM token"), 1);
}

/* ---- by ray ---- */

static void add(struct fixture *f, enum ledger_phase phase, const char *name, const char *ray)
{
	AUTO(str_t) what = str_dup(name);
	AUTO(str_t) rays_of = str_dup(ray);
	struct ledger_row row = {.phase = phase,
				 .principal = root,
				 .operation = route_set,
				 .object = what,
				 .rays = rays_of};

	OK(f, store_add_ledger(f->s, &row, NULL, &f->e));
}

static void a_ray_finds_its_row(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *ray;
		int64_t seq;
	} cases[] = {
		{"8a1b", 1}, {"8a1b-FRA", 1}, {"8a1", 0},  {"8a1b-", 0},
		{"9c", 2},   {"", 0},         {"8a1c", 0},
	};

	open_store(f);
	add(f, LEDGER_RESULT, "a", "8a1b-FRA");
	add(f, LEDGER_RESULT, "b", "9c");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(str_t) of = NULL;
		bool has = false;
		int64_t seq = 0;
		OK(f, store_ledger_ray(f->s, cases[i].ray, &has, &seq, &of, &f->e));
		assert_int_equal(has, cases[i].seq > 0);
		assert_int_equal(seq, cases[i].seq);
	}
}

static bool is_open(struct fixture *f, const char *name, int64_t from_ms)
{
	int64_t now = clock_wall_ms();
	bool open = false;

	OK(f, store_ledger_open(f->s, name, now + from_ms, now + 1000, &open, &f->e));
	return open;
}

static void an_intent_is_open_until_its_answer_is_known(void **state)
{
	struct fixture *f = *state;
	int64_t began = -1;

	open_store(f);
	OK(f, store_ledger_began(f->s, &began, &f->e));
	assert_int_equal(began, 0);
	add(f, LEDGER_INTENT, "a", NULL);
	OK(f, store_ledger_began(f->s, &began, &f->e));
	assert_true(began > 0 && began <= clock_wall_ms());
	assert_true(is_open(f, "a", -1000));
	assert_true(is_open(f, NULL, -1000));
	assert_false(is_open(f, "b", -1000));
	assert_false(is_open(f, "a", 500));
	add(f, LEDGER_RESULT, "a", NULL); /* it failed, who knows how */
	assert_true(is_open(f, "a", -1000));
	add(f, LEDGER_INTENT, "a", NULL);
	add(f, LEDGER_RESULT, "a", "8a1b-FRA");
	assert_true(is_open(f, "a", -1000)); /* the first one */
	add(f, LEDGER_INTENT, "b", NULL);
	add(f, LEDGER_RESULT, "b", "8a1c-FRA");
	assert_false(is_open(f, "b", -1000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rows_come_back),
		TEST(an_empty_ledger_is_good),
		TEST(null_and_empty_are_told_apart),
		TEST(a_rolled_back_row_leaves_no_gap),
		TEST(triggers_refuse_changes),
		TEST(each_column_of_each_row_counts),
		TEST(tampering_with_the_order_is_named),
		TEST(later_members_cannot_be_taken_away),
		TEST(rows_of_before_keep_their_hash),
		TEST(a_walk_in_pieces_finds_the_same),
		TEST(rows_are_found_by_what_they_say),
		TEST(a_head_that_is_gone_is_noticed),
		TEST(the_chain_goes_on_after_a_cut_and_shows_it),
		TEST(another_stores_ledger_does_not_fit),
		TEST(secrets_stand_in_their_own_tables_only),
		TEST(a_ray_finds_its_row),
		TEST(an_intent_is_open_until_its_answer_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
