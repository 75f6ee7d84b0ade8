/* Plans: every field comes back, what was proposed cannot change, lists and expiry. */
#include "tests/unit/store/fixture.h"

static struct plan *full_plan(void)
{
	struct plan *p = plan_new("route_set", "grant claude", "the shop moves");
	struct edit *d = plan_edit(p, EDIT_ROUTE_PUT, "r0123456789");

	str_copy(d->tunnel_id, sizeof(d->tunnel_id), "t0123456789");
	str_set(&d->name, "app.example.com");
	str_set(&d->path, "^/api");
	str_set(&d->service, "http://127.0.0.1:8080");
	str_set(&d->origin, "{\"noTLSVerify\":true}");
	d = plan_edit(p, EDIT_RECORD_PUT, "d0123456789");
	str_set(&d->name, "app.example.com");
	str_set(&d->type, "CNAME");
	str_set(&d->comment, "the shop");
	d->proxied = true;
	d = plan_edit(p, EDIT_TUNNEL_PUT, "t0123456789");
	str_set(&d->name, "web");
	d->replicas = 2;
	plan_change(p, '+', "route", "app.example.com", "to %s", "http://127.0.0.1:8080");
	plan_change(p, '=', "record", "b.example.com", NULL);
	plan_touch(p, "t0123456789", 3);
	plan_touch(p, "r0123456789", 0);
	strlist_add(&p->approvals, "It repoints a published name.");
	strlist_add(&p->warnings, "The origin does not answer.");
	p->made_ms = 1700000000000;
	p->expires_ms = p->made_ms + PLAN_LIFE_MS;
	p->state = PLAN_NEEDS_APPROVAL;
	plan_seal(p);
	return p;
}

static struct plan *small_plan(enum plan_state state, int64_t expires_ms)
{
	struct plan *p = plan_new("route_delete", "uid 0 (root)", NULL);

	plan_edit(p, EDIT_ROUTE_DROP, "r0123456789");
	p->state = state;
	p->expires_ms = expires_ms;
	plan_seal(p);
	return p;
}

static int64_t add(struct fixture *f, struct plan *p)
{
	int64_t number;

	OK(f, store_begin(f->s, &f->e));
	OK(f, store_add_plan(f->s, p, &f->e));
	OK(f, store_commit(f->s, &f->e));
	number = p->number;
	return number;
}

static int64_t drops_of(struct fixture *f, const char *principal, int64_t since_ms)
{
	int64_t n = -1;

	OK(f, store_count_drops(f->s, principal, since_ms, &n, &f->e));
	return n;
}

/* What was given back is no deletion, and what was not applied did not happen. */
static void deletions_are_counted_by_principal_and_time(void **state)
{
	struct fixture *f = *state;

	open_store(f);
	for (int i = 0; i < 4; i++) {
		AUTO(plan_t) p = plan_new("x", i == 3 ? "b" : "a", NULL);
		plan_edit(p, EDIT_ROUTE_DROP, "r1");
		plan_edit(p, EDIT_RECORD_DROP, "d1");
		plan_edit(p, EDIT_RECORD_RELEASE, "d2");
		plan_edit(p, EDIT_TUNNEL_PUT, "t1");
		p->state = i == 1 ? PLAN_NEEDS_APPROVAL : PLAN_APPLIED;
		p->made_ms = 1000;
		p->decided_ms = i == 2 ? 3000 : 0;
		plan_seal(p);
		add(f, p);
	}
	assert_int_equal(drops_of(f, "a", 0), 4);
	assert_int_equal(drops_of(f, "a", 1000), 4);
	assert_int_equal(drops_of(f, "a", 1001), 2);
	assert_int_equal(drops_of(f, "a", 3001), 0);
	assert_int_equal(drops_of(f, "b", 0), 2);
	assert_int_equal(drops_of(f, "c", 0), 0);
}

static void same_body(const struct plan *a, const struct plan *b)
{
	AUTO(buf_t) one = {0};
	AUTO(buf_t) two = {0};

	plan_write_body(a, &one);
	plan_write_body(b, &two);
	assert_string_equal(buf_text(&one), buf_text(&two));
	assert_int_equal(a->n_edits, b->n_edits);
	assert_int_equal(a->n_changes, b->n_changes);
	assert_int_equal(a->n_touches, b->n_touches);
	assert_int_equal(a->approvals.n, b->approvals.n);
	assert_int_equal(a->warnings.n, b->warnings.n);
}

static void same_plan(const struct plan *a, const struct plan *b)
{
	assert_int_equal(a->number, b->number);
	assert_string_equal(a->operation, b->operation);
	assert_string_equal(a->principal, b->principal);
	assert_true(str_equal(a->reason, b->reason));
	assert_true(str_equal(a->decided_by, b->decided_by));
	assert_int_equal(a->made_ms, b->made_ms);
	assert_int_equal(a->expires_ms, b->expires_ms);
	assert_int_equal(a->decided_ms, b->decided_ms);
	assert_int_equal(a->revision, b->revision);
	assert_int_equal(a->state, b->state);
	assert_string_equal(a->hash, b->hash);
	same_body(a, b);
}

static void plans_come_back(void **state)
{
	struct fixture *f = *state;
	AUTO(plan_t) p = full_plan();
	AUTO(plan_t) back = NULL;

	open_store(f);
	assert_int_equal(add(f, p), 1);
	reopen_store(f);
	OK(f, store_load_plan(f->s, 1, &back, &f->e));
	same_plan(p, back);
}

static void a_decision_comes_back(void **state)
{
	struct fixture *f = *state;
	AUTO(plan_t) p = full_plan();
	AUTO(plan_t) back = NULL;

	open_store(f);
	add(f, p);
	p->state = PLAN_APPLIED;
	str_set(&p->decided_by, "uid 0 (root)");
	p->decided_ms = 1700000001000;
	p->revision = 17;
	OK(f, store_begin(f->s, &f->e));
	OK(f, store_decide_plan(f->s, p, &f->e));
	OK(f, store_commit(f->s, &f->e));
	reopen_store(f);
	OK(f, store_load_plan(f->s, p->number, &back, &f->e));
	same_plan(p, back);
}

static void what_is_not_there_is_not_found(void **state)
{
	struct fixture *f = *state;
	AUTO(plan_t) p = small_plan(PLAN_PLANNED, 0);
	struct plan *back = NULL;

	open_store(f);
	REFUSED(f, ERR_NOT_FOUND, store_load_plan(f->s, 12, &back, &f->e));
	SAYS(f, "p12");
	assert_null(back);
	p->number = 12;
	OK(f, store_begin(f->s, &f->e));
	REFUSED(f, ERR_NOT_FOUND, store_decide_plan(f->s, p, &f->e));
	store_rollback(f->s);
}

static void what_was_proposed_cannot_change(void **state)
{
	static const char *const changes[] = {
		"UPDATE plan SET number = 9",      "UPDATE plan SET operation = 'x'",
		"UPDATE plan SET principal = 'x'", "UPDATE plan SET reason = 'x'",
		"UPDATE plan SET made_ms = 1",     "UPDATE plan SET expires_ms = 1",
		"UPDATE plan SET hash = 'x'",      "UPDATE plan SET body = '{}'",
	};
	struct fixture *f = *state;
	AUTO(plan_t) p = full_plan();
	sqlite3 *db;

	open_store(f);
	add(f, p);
	db = raw_open(f);
	for (size_t i = 0; i < ARRAY_LEN(changes); i++)
		assert_int_equal(raw_run(db, changes[i]) & 0xff, SQLITE_CONSTRAINT);
	sqlite3_close(db);
}

static void a_waiting_plan_that_was_changed_is_refused(void **state)
{
	static const char *const changes[] = {
		"UPDATE plan SET body = replace(body, '127.0.0.1:8080', '127.0.0.1:9999')",
		"UPDATE plan SET body = replace(body, 'app.example.com', 'vpn.example.com')",
		"UPDATE plan SET operation = 'route_get'",
		"UPDATE plan SET hash = replace(hash, substr(hash, 1, 1), 'x')",
		"UPDATE plan SET state = 'agreed'",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		AUTO(plan_t) p = full_plan();
		struct plan *back = NULL;
		struct plan **plans = NULL;
		size_t n = 0;

		open_store(f);
		add(f, p);
		raw(f, "DROP TRIGGER plan_immutable");
		raw(f, changes[i]);
		REFUSED(f, ERR_CONFLICT, store_load_plan(f->s, 1, &back, &f->e));
		SAYS(f, "p1");
		REFUSED(f, ERR_CONFLICT, store_list_plans(f->s, -1, 0, 9, &plans, &n, &f->e));
		assert_null(back);
		assert_null(plans);
		close_store(f);
		remove_files(f->dir);
	}
}

static void numbers_are_never_given_twice(void **state)
{
	struct fixture *f = *state;
	AUTO(plan_t) one = small_plan(PLAN_PLANNED, 0);
	AUTO(plan_t) two = small_plan(PLAN_PLANNED, 0);

	open_store(f);
	assert_int_equal(add(f, one), 1);
	raw(f, "DELETE FROM plan");
	reopen_store(f);
	assert_int_equal(add(f, two), 2);
}

/* ---- lists ---- */

static void expect_list(struct fixture *f, int wanted, int64_t before, int64_t limit,
			const char *numbers)
{
	AUTO(buf_t) text = {0};
	struct plan **plans = NULL;
	size_t n = 0;

	OK(f, store_list_plans(f->s, wanted, before, limit, &plans, &n, &f->e));
	for (size_t i = 0; i < n; i++) {
		buf_printf(&text, "%s%lld", i ? " " : "", (long long)plans[i]->number);
		plan_free(plans[i]);
	}
	free(plans);
	assert_string_equal(buf_text(&text), numbers);
}

static void lists_are_newest_first(void **state)
{
	static const enum plan_state states[] = {PLAN_APPLIED, PLAN_PLANNED, PLAN_APPLIED,
						 PLAN_NEEDS_APPROVAL, PLAN_APPLIED};
	struct fixture *f = *state;
	int64_t count;

	open_store(f);
	expect_list(f, -1, 0, 10, "");
	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		AUTO(plan_t) p = small_plan(states[i], 0);

		add(f, p);
	}
	expect_list(f, -1, 0, 10, "5 4 3 2 1");
	expect_list(f, -1, 0, 2, "5 4");
	expect_list(f, -1, 4, 2, "3 2");
	expect_list(f, -1, 1, 2, "");
	expect_list(f, -1, 0, 0, "");
	expect_list(f, -1, 0, -1, "");
	expect_list(f, PLAN_APPLIED, 0, 10, "5 3 1");
	expect_list(f, PLAN_APPLIED, 5, 1, "3");
	expect_list(f, PLAN_FAILED, 0, 10, "");
	OK(f, store_count_plans(f->s, -1, &count, &f->e));
	assert_int_equal(count, 5);
	OK(f, store_count_plans(f->s, PLAN_APPLIED, &count, &f->e));
	assert_int_equal(count, 3);
	OK(f, store_count_plans(f->s, PLAN_STALE, &count, &f->e));
	assert_int_equal(count, 0);
}

static void only_waiting_plans_expire(void **state)
{
	static const struct {
		enum plan_state state;
		int64_t expires_ms;
		enum plan_state after;
	} cases[] = {
		{PLAN_PLANNED, 1000, PLAN_EXPIRED},
		{PLAN_NEEDS_APPROVAL, 999, PLAN_EXPIRED},
		{PLAN_NEEDS_APPROVAL, 1001, PLAN_NEEDS_APPROVAL},
		{PLAN_APPLIED, 1, PLAN_APPLIED},
		{PLAN_REJECTED, 1, PLAN_REJECTED},
	};
	struct fixture *f = *state;
	int64_t expired;

	open_store(f);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(plan_t) p = small_plan(cases[i].state, cases[i].expires_ms);

		add(f, p);
	}
	OK(f, store_begin(f->s, &f->e));
	OK(f, store_expire_plans(f->s, 1000, &expired, &f->e));
	assert_int_equal(expired, 2);
	OK(f, store_expire_plans(f->s, 1000, &expired, &f->e));
	assert_int_equal(expired, 0);
	OK(f, store_commit(f->s, &f->e));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(plan_t) p = NULL;

		OK(f, store_load_plan(f->s, (int64_t)i + 1, &p, &f->e));
		assert_int_equal(p->state, cases[i].after);
		assert_int_equal(p->decided_ms, p->state == PLAN_EXPIRED ? 1000 : 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(deletions_are_counted_by_principal_and_time),
		TEST(plans_come_back),
		TEST(a_decision_comes_back),
		TEST(what_is_not_there_is_not_found),
		TEST(what_was_proposed_cannot_change),
		TEST(a_waiting_plan_that_was_changed_is_refused),
		TEST(numbers_are_never_given_twice),
		TEST(lists_are_newest_first),
		TEST(only_waiting_plans_expire),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
