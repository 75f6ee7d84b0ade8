/* Every change's way from arguments to plan, store and world, with a real store and no network:
 * what is applied, what waits for a person, and that store and world never part, whatever fails. */
#include "tests/unit/ops/write_desk.h"

static void full(struct desk *d, bool is)
{
	const char *sql = is ? "PRAGMA query_only = 1" : "PRAGMA query_only = 0";
	assert_int_equal(sqlite3_exec(d->store->db, sql, NULL, NULL, NULL), SQLITE_OK);
}

/* ---- what needs nobody ---- */

static void a_change_is_in_store_world_and_ledger(void **state)
{
	struct desk *d = *state;
	struct ledger_row *rows = NULL;
	size_t n = 0;
	struct err e;
	RUNS(d, &operator, "route_set", PUBLISH, "applied");
	assert_int_equal(d->world->tunnels.n, 1); /* the host's own came along */
	assert_int_equal(d->world->routes.n, 1);
	assert_int_equal(d->world->records.n, 1);
	assert_int_equal(d->world->revision, 1);
	check_same(d);
	assert_int_equal(store_list_ledger(d->store, 0, 10, &rows, &n, &e), 0);
	assert_int_equal(n, 3);
	assert_int_equal(rows[2].phase, LEDGER_ASKED);
	assert_int_equal(rows[1].phase, LEDGER_INTENT);
	assert_int_equal(rows[0].phase, LEDGER_RESULT);
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(rows[i].principal, operator.name);
		ledger_row_free(&rows[i]);
	}
	free(rows);
}

static void the_same_again_changes_nothing(void **state)
{
	struct desk *d = *state;
	RUNS(d, &operator, "route_set", PUBLISH, "applied");
	RUNS(d, &operator, "route_set", PUBLISH, "unchanged");
	assert_int_equal(d->world->revision, 1);
	RUNS(d, &operator, "tunnel_create", "{\"name\":\"edge1\",\"wait\":false}", "unchanged");
	RUNS(d, &operator, "tunnel_create", "{\"name\":\"edge1\",\"replicas\":3,\"wait\":false}",
	     "applied");
	RUNS(d, &operator, "tunnel_create", "{\"name\":\"edge1\",\"wait\":false}", "unchanged");
	assert_int_equal(world_find_tunnel(d->world, "edge1")->replicas, 3);
	check_same(d);
}

static void a_dry_run_and_another_revision_change_nothing(void **state)
{
	struct desk *d = *state;
	RUNS(d, &operator, "tunnel_create", "{\"name\":\"web\",\"dry_run\":true}", "planned");
	RUNS(d, &operator, "tunnel_create", "{\"name\":\"web\",\"if_revision\":7}", "conflict");
	assert_int_equal(d->world->tunnels.n, 0);
	RUNS(d, &operator, "route_set", PUBLISH, "applied");
	RUNS(d, &operator, "tunnel_create", "{\"name\":\"one\",\"if_revision\":1,\"wait\":false}",
	     "applied");
	RUNS(d, &operator, "tunnel_create", "{\"name\":\"two\",\"if_revision\":1}", "conflict");
	assert_string_not_equal(d->call.task.err.hint, "");
	assert_int_equal(d->world->tunnels.n, 2);
	check_same(d);
}

static void a_viewer_changes_nothing(void **state)
{
	static const struct principal viewer = {
		.role = ROLE_VIEWER, .door = OP_DOOR_SOCKET, .uid = 2, .name = "v (uid 2)"};
	struct desk *d = *state;
	RUNS(d, &viewer, "route_set", PUBLISH, "denied");
	RUNS(d, &viewer, "tunnel_delete", "{\"tunnel\":\"web\"}", "denied");
	assert_int_equal(d->world->revision, 0);
}

/* Both are started before either looked at Cloudflare: the second is planned on what the first
 * made.
 */
static void two_at_once_share_the_tunnel_that_both_need(void **state)
{
	struct desk *d = *state;
	struct call a, b;
	begin(d, &a, &operator, "route_set", PUBLISH);
	begin(d, &b, &operator, "route_set",
	      "{\"hostname\":\"b.example.com\",\"service\":\"http://127.0.0.1:81\","
	      "\"wait\":false}");
	wait_for(d, 2);
	assert_int_equal(a.task.err.kind, ERR_NONE);
	assert_int_equal(b.task.err.kind, ERR_NONE);
	assert_int_equal(d->world->tunnels.n, 1);
	assert_int_equal(d->world->routes.n, 2);
	check_same(d);
	call_fini(&a);
	call_fini(&b);
}

/* ---- what waits for a person ---- */

static void check_decided(struct desk *d, int64_t number, const char *by)
{
	AUTO(plan_t) p = NULL;
	struct err e;
	assert_int_equal(store_load_plan(d->store, number, &p, &e), 0);
	assert_string_equal(p->decided_by, by);
	assert_true(p->decided_ms > 0);
}

/* Rows of the ledger that say what a plan is about to change, or would. */
static size_t count_intents(struct desk *d, const char *plan)
{
	struct ledger_row *rows = NULL;
	size_t n = 0, found = 0;
	struct err e;
	assert_int_equal(store_list_ledger(d->store, 0, 100, &rows, &n, &e), 0);
	for (size_t i = 0; i < n; i++) {
		found += rows[i].phase == LEDGER_INTENT && str_equal(rows[i].object, plan);
		ledger_row_free(&rows[i]);
	}
	free(rows);
	return found;
}

static void a_delete_waits_and_is_approved_by_its_hash(void **state)
{
	struct desk *d = *state;
	publish(d);
	RUNS(d, &operator, "route_delete", UNPUBLISH, "needs_approval");
	assert_int_equal(d->world->routes.n, 1);
	AUTO(str_t) right = approval(d, NULL);
	AUTO(str_t) wrong = approval(d, "000000000000");
	RUNS(d, &operator, "plan_approve", right, "denied");
	RUNS(d, &root, "plan_approve", wrong, "conflict");
	check_plan(d, 2, PLAN_NEEDS_APPROVAL);
	RUNS(d, &root, "plan_approve", right, "applied");
	assert_int_equal(d->world->routes.n, 0);
	check_plan(d, 2, PLAN_APPLIED);
	check_same(d);
	RUNS(d, &root, "plan_approve", right, "conflict"); /* once */
}

static void nobody_but_a_person_approves_his_own(void **state)
{
	static const char remove[] =
		"{\"hostname\":\"app.example.com\",\"wait\":false,\"approve\":true}";
	struct desk *d = *state;
	publish(d);
	RUNS(d, &operator, "route_delete", remove, "needs_approval");
	assert_int_equal(d->world->routes.n, 1);
	RUNS(d, &root, "route_delete", remove, "applied");
	assert_int_equal(d->world->routes.n, 0);
	check_decided(d, 3, "root (uid 0)");
	check_same(d);
}

/* Applying is not approving, whoever does it. */
static void what_needs_approval_is_not_applied(void **state)
{
	struct desk *d = *state;
	publish(d);
	RUNS(d, &operator, "route_delete", UNPUBLISH, "needs_approval");
	RUNS(d, &operator, "plan_apply", "{\"plan\":\"p2\",\"wait\":false}", "needs_approval");
	RUNS(d, &root, "plan_apply", "{\"plan\":\"p2\",\"wait\":false}", "needs_approval");
	RUNS(d, &root, "plan_apply", "{\"plan\":\"p2\",\"hash\":\"000000000000\"}", "conflict");
	check_plan(d, 2, PLAN_NEEDS_APPROVAL);
	assert_int_equal(d->world->routes.n, 1);
	assert_int_equal(count_intents(d, "p2"), 1);
}

/* An approval carries out what was proposed, by somebody who may propose it still. */
static void whoever_may_no_longer_propose_changes_nothing(void **state)
{
	struct desk *d = *state;
	publish(d);
	RUNS(d, &operator, "route_delete", UNPUBLISH, "needs_approval");
	AUTO(str_t) approve = approval(d, NULL);
	strlist_free(&d->settings.access.operator.users);
	RUNS(d, &root, "plan_approve", approve, "denied");
	assert_non_null(strstr(d->call.task.err.message, "Whoever proposed the plan"));
	check_plan(d, 2, PLAN_NEEDS_APPROVAL);
	assert_int_equal(d->world->routes.n, 1);
}

/* The settings of the day count, and who approves has to have seen what they say. */
static void a_reason_that_was_not_shown_makes_a_plan_stale(void **state)
{
	struct desk *d = *state;
	publish(d);
	RUNS(d, &operator, "route_delete", UNPUBLISH, "needs_approval");
	AUTO(str_t) approve = approval(d, NULL);
	strlist_add(&d->settings.safety.protect, "app.example.com");
	RUNS(d, &root, "plan_approve", approve, "conflict");
	assert_non_null(strstr(d->call.task.err.message, "not shown: Touches app.example.com"));
	check_plan(d, 2, PLAN_STALE);
	assert_int_equal(d->world->routes.n, 1);
}

#define REMOVE(n)                                                                                  \
	"{\"hostname\":\"app.example.com\",\"wait\":false,\"approve\":true,\"deletes\":" n "}"

/* The number that is said must be the plan's own, too many as well as too few. */
static void the_number_of_deletions_is_exact(void **state)
{
	struct desk *d = *state;
	publish(d);
	RUNS(d, &root, "route_delete", REMOVE("1"), "needs_approval");
	RUNS(d, &root, "route_delete", REMOVE("3"), "needs_approval");
	assert_int_equal(d->world->routes.n, 1);
	RUNS(d, &root, "route_delete", REMOVE("2"), "applied");
	assert_int_equal(d->world->routes.n, 0);
}

/* Route and record go, and come again: two objects each time, of three a day. */
static void what_was_deleted_counts_for_a_day(void **state)
{
	static const char remove[] =
		"{\"hostname\":\"app.example.com\",\"wait\":false,\"approve\":true}";
	struct desk *d = *state;
	int64_t start = clock_wall_ms();
	d->settings.safety.max_delete = 3;
	publish(d);
	RUNS(d, &root, "route_delete", remove, "applied");
	publish(d);
	clock_freeze(clock_mono_ms(), start + 23 * 3600 * 1000LL);
	RUNS(d, &root, "route_delete", remove, "needs_approval");
	clock_freeze(clock_mono_ms(), start + 25 * 3600 * 1000LL);
	RUNS(d, &root, "route_delete", remove, "applied");
	assert_int_equal(d->world->routes.n, 0);
}

/* The plan puts the tunnel as it was: what was changed of it meanwhile would be lost. */
static void what_a_plan_only_touches_makes_it_stale_too(void **state)
{
	struct desk *d = *state;
	publish(d);
	RUNS(d, &operator, "route_set",
	     "{\"hostname\":\"app.example.com\",\"service\":\"http://127.0.0.1:81\","
	     "\"wait\":false}",
	     "needs_approval");
	AUTO(str_t) approve = approval(d, NULL);
	RUNS(d, &operator, "tunnel_update", "{\"tunnel\":\"edge1\",\"replicas\":3,\"wait\":false}",
	     "applied");
	RUNS(d, &root, "plan_approve", approve, "conflict");
	assert_non_null(strstr(d->call.task.err.message, "changed since"));
	check_plan(d, 2, PLAN_STALE);
	assert_int_equal(world_find_tunnel(d->world, "edge1")->replicas, 3);
}

static void what_was_changed_since_makes_a_plan_stale(void **state)
{
	struct desk *d = *state;
	publish(d);
	RUNS(d, &operator, "route_delete", UNPUBLISH, "needs_approval");
	AUTO(str_t) approve = approval(d, NULL);
	RUNS(d, &root, "route_set",
	     "{\"hostname\":\"app.example.com\",\"service\":\"http://127.0.0.1:81\","
	     "\"wait\":false,\"approve\":true}",
	     "applied");
	RUNS(d, &root, "plan_approve", approve, "conflict");
	assert_non_null(strstr(d->call.task.err.message, "stale"));
	check_plan(d, 2, PLAN_STALE);
	assert_int_equal(d->world->routes.n, 1);
	check_same(d);
}

/* A plan that waits would make a tunnel; somebody makes it meanwhile. */
static void what_was_made_since_makes_a_plan_stale(void **state)
{
	struct desk *d = *state;
	RUNS(d, &operator, "route_set",
	     "{\"hostname\":\"vpn.example.com\",\"service\":\"http://127.0.0.1:80\","
	     "\"wait\":false}",
	     "needs_approval");
	AUTO(str_t) approve = approval(d, NULL);
	RUNS(d, &operator, "route_set", PUBLISH, "applied");
	RUNS(d, &root, "plan_approve", approve, "conflict");
	assert_int_equal(d->world->tunnels.n, 1);
	check_same(d);
}

static void a_plan_expires_after_a_day(void **state)
{
	struct desk *d = *state;
	publish(d);
	RUNS(d, &operator, "route_delete", UNPUBLISH, "needs_approval");
	AUTO(str_t) approve = approval(d, NULL);
	clock_freeze(clock_mono_ms(), clock_wall_ms() + PLAN_LIFE_MS + 1);
	RUNS(d, &root, "plan_approve", approve, "conflict");
	assert_non_null(strstr(d->call.task.err.message, "expired"));
	check_plan(d, 2, PLAN_EXPIRED);
	assert_int_equal(d->world->routes.n, 1);
}

static void a_rejected_plan_stays_rejected(void **state)
{
	struct desk *d = *state;
	publish(d);
	RUNS(d, &operator, "route_delete", UNPUBLISH, "needs_approval");
	AUTO(str_t) approve = approval(d, NULL);
	RUNS(d, &operator, "plan_reject", "{\"plan\":\"p2\"}", "rejected");
	RUNS(d, &root, "plan_approve", approve, "conflict");
	check_plan(d, 2, PLAN_REJECTED);
}

/* ---- a store that cannot be written ---- */

static void no_ledger_row_no_change(void **state)
{
	struct desk *d = *state;
	full(d, true);
	RUNS(d, &operator, "route_set", PUBLISH, "internal");
	assert_non_null(strstr(d->call.task.err.message, "Nothing was done"));
	assert_int_equal(d->world->tunnels.n, 0);
	full(d, false);
	check_same(d);
}

static void a_commit_that_fails_changes_neither_store_nor_world(void **state)
{
	struct desk *d = *state;
	d->called = true;
	begin(d, &d->call, &operator, "route_set", PUBLISH);
	full(d, true); /* the row of the asking is in, the plan is not */
	wait_for(d, 1);
	assert_int_equal(d->call.task.err.kind, ERR_INTERNAL);
	assert_non_null(strstr(d->call.task.err.message, "Nothing was changed"));
	full(d, false);
	assert_int_equal(d->world->revision, 0);
	assert_int_equal(d->world->tunnels.n, 0);
	check_same(d);
	RUNS(d, &operator, "route_set", PUBLISH, "applied");
	check_same(d);
}

static void an_approval_that_cannot_be_kept_leaves_the_plan_waiting(void **state)
{
	struct desk *d = *state;
	publish(d);
	RUNS(d, &operator, "route_delete", UNPUBLISH, "needs_approval");
	AUTO(str_t) approve = approval(d, NULL);
	full(d, true);
	RUNS(d, &root, "plan_approve", approve, "internal");
	full(d, false);
	check_plan(d, 2, PLAN_NEEDS_APPROVAL);
	check_same(d);
	RUNS(d, &root, "plan_approve", approve, "applied");
	check_same(d);
}

/* ---- callers that leave, a daemon that stops ---- */

static void a_caller_leaves_while_his_change_is_waited_for(void **state)
{
	struct desk *d = *state;
	struct call c;
	begin(d, &c, &operator, "tunnel_create", "{\"name\":\"web\"}");
	for (int i = 0; i < 20; i++)
		loop_turn(d->loop);
	assert_int_equal(d->done, 0);
	assert_int_equal(d->world->tunnels.n, 1); /* it is applied, and not undone by leaving */
	call_cancel(&c);
	call_cancel(&c);
	call_fini(&c);
	world_changed(d->world, OBJECT_SYSTEM, "");
	for (int i = 0; i < 20; i++)
		loop_turn(d->loop);
	assert_int_equal(d->done, 0);
	assert_int_equal(d->ops.running, 0);
	check_same(d);
}

/* Nothing becomes true by waiting for what a person has to settle. */
static void a_conflict_ends_the_wait(void **state)
{
	struct desk *d = *state;
	struct call c;
	struct err e;
	begin(d, &c, &operator, "route_set",
	      "{\"hostname\":\"app.example.com\",\"service\":\"http://127.0.0.1:80\","
	      "\"timeout\":\"10m\"}");
	for (int i = 0; i < 20; i++)
		loop_turn(d->loop);
	assert_int_equal(d->done, 0);
	struct route *r = d->world->routes.items[0];
	(void)err_set(&e, ERR_UPSTREAM, "Later, perhaps");
	problem_set(&r->problem, &e, clock_wall_ms());
	world_changed(d->world, OBJECT_ROUTE, r->id);
	for (int i = 0; i < 20; i++)
		loop_turn(d->loop);
	assert_int_equal(d->done, 0);
	(void)err_set(&e, ERR_CONFLICT, "Somebody else's rule stands there");
	problem_set(&r->problem, &e, clock_wall_ms());
	world_changed(d->world, OBJECT_ROUTE, r->id);
	wait_for(d, 1);
	assert_int_equal(c.task.err.kind, ERR_NONE);
	assert_non_null(strstr(buf_text(&c.result), "Somebody else's rule stands there"));
	call_fini(&c);
}

/* Options are kept in one form, and a list is asked for members that it has. */
static void what_is_misspelled_is_told(void **state)
{
	struct desk *d = *state;
#define ORIGIN(text)                                                                               \
	"{\"hostname\":\"app.example.com\",\"service\":\"http://127.0.0.1:80\","                   \
	"\"wait\":false,\"origin\":" text "}"
	RUNS(d, &operator, "route_set", ORIGIN("{\"connectTimeout\":\"30s\"}"), "applied");
	RUNS(d, &operator, "route_set", ORIGIN("{ \"connectTimeout\" : 30 }"), "unchanged");
	RUNS(d, &operator, "route_set", ORIGIN("{\"noTLSVerify\":\"yes\"}"), "invalid");
	assert_non_null(strstr(d->call.task.err.message, "noTLSVerify"));
	RUNS(d, &operator, "route_set", ORIGIN("{\"connectTimeout\":30,\"noTLSVerfy\":true}"),
	     "applied");
	assert_non_null(strstr(buf_text(&d->call.result), "did you mean"));
	assert_non_null(strstr(buf_text(&d->call.result), "options {"));
	RUNS(d, &operator, "tunnel_list", "{\"fields\":[\"nam\"]}", "invalid");
	assert_non_null(strstr(d->call.task.err.hint, "name"));
	RUNS(d, &operator, "tunnel_list", "{\"fields\":[\"name\"]}", "");
}

static void nothing_is_overwritten_where_the_record_is_adits(void **state)
{
	static const char again[] =
		"{\"hostname\":\"app.example.com\",\"service\":\"http://127.0.0.1:80\","
		"\"wait\":false,\"overwrite\":[\"" ACCOUNT "\"]}";
	static const char own[] = "{\"name\":\"own.example.com\",\"type\":\"A\",\"content\":"
				  "\"192.0.2.1\",\"wait\":false,\"overwrite\":[\"" ACCOUNT "\"]}";
	struct desk *d = *state;
	publish(d);
	RUNS(d, &operator, "route_set", again, "unchanged");
	assert_non_null(strstr(buf_text(&d->call.result),
			       "overwrite has no effect: the CNAME record of app.example.com is "
			       "adit's already."));
	struct record *r = record_new("own.example.com", "A");
	r->proxied = false;
	str_set(&r->content, "192.0.2.1");
	(void)str_copy(r->remote_id, CF_ID_SIZE, ACCOUNT);
	world_add_record(d->world, r);
	RUNS(d, &operator, "dns_set", own, "unchanged");
	assert_non_null(strstr(buf_text(&d->call.result), "the A record of own.example.com"));
}

static void a_caller_leaves_before_it_was_looked_at(void **state)
{
	struct desk *d = *state;
	struct call c;
	begin(d, &c, &operator, "tunnel_create", "{\"name\":\"web\"}");
	call_cancel(&c);
	call_fini(&c);
	for (int i = 0; i < 20; i++)
		loop_turn(d->loop);
	assert_int_equal(d->done, 0);
	assert_int_equal(d->world->tunnels.n, 0);
	check_same(d);
}

/* desk_close ends it with both still running. */
static void the_daemon_stops_with_calls_under_way(void **state)
{
	static struct call waiting, looking;
	struct desk *d = *state;
	begin(d, &waiting, &operator, "tunnel_create", "{\"name\":\"web\"}");
	for (int i = 0; i < 20; i++)
		loop_turn(d->loop);
	begin(d, &looking, &operator, "tunnel_create", "{\"name\":\"other\"}");
	assert_int_equal(d->ops.running, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_change_is_in_store_world_and_ledger),
		TEST(the_same_again_changes_nothing),
		TEST(a_dry_run_and_another_revision_change_nothing),
		TEST(a_viewer_changes_nothing),
		TEST(two_at_once_share_the_tunnel_that_both_need),
		TEST(a_delete_waits_and_is_approved_by_its_hash),
		TEST(nobody_but_a_person_approves_his_own),
		TEST(what_needs_approval_is_not_applied),
		TEST(whoever_may_no_longer_propose_changes_nothing),
		TEST(a_reason_that_was_not_shown_makes_a_plan_stale),
		TEST(the_number_of_deletions_is_exact),
		TEST(what_was_deleted_counts_for_a_day),
		TEST(what_a_plan_only_touches_makes_it_stale_too),
		TEST(what_was_changed_since_makes_a_plan_stale),
		TEST(what_was_made_since_makes_a_plan_stale),
		TEST(a_plan_expires_after_a_day),
		TEST(a_rejected_plan_stays_rejected),
		TEST(no_ledger_row_no_change),
		TEST(a_commit_that_fails_changes_neither_store_nor_world),
		TEST(an_approval_that_cannot_be_kept_leaves_the_plan_waiting),
		TEST(a_caller_leaves_while_his_change_is_waited_for),
		TEST(a_conflict_ends_the_wait),
		TEST(what_is_misspelled_is_told),
		TEST(nothing_is_overwritten_where_the_record_is_adits),
		TEST(a_caller_leaves_before_it_was_looked_at),
		TEST(the_daemon_stops_with_calls_under_way),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
