/* Who may: what is refused leaves a trace, and people who authenticate may approve. */
#include "tests/unit/ops/write_desk.h"

#include <sys/stat.h>

/* One row each, however often it is tried within a second; its arguments are nobody's business. */
static void what_is_refused_is_in_the_ledger(void **state)
{
	static const struct principal viewer = {
		.role = ROLE_VIEWER, .door = OP_DOOR_SOCKET, .uid = 2, .name = "v (uid 2)"};
	struct desk *d = *state;
	struct ledger_row *rows = NULL;
	size_t n = 0;
	struct err e;
	clock_freeze(5000, 1000000);
	for (int i = 0; i < 20; i++) {
		RUNS(d, &viewer, "route_set", PUBLISH, "denied");
		RUNS(d, &operator, "route_set", "{\"nonsense\":1}", "invalid");
		RUNS(d, &viewer, "tunnel_list", "{\"nonsense\":1}", "invalid");
	}
	clock_freeze(6000, 1001000);
	RUNS(d, &viewer, "route_set", PUBLISH, "denied");
	assert_int_equal(store_list_ledger(d->store, 0, 100, &rows, &n, &e), 0);
	assert_int_equal(n, 3);
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(rows[i].outcome, "refused");
		assert_string_equal(rows[i].operation, "route_set");
		assert_null(rows[i].arguments);
		ledger_row_free(&rows[i]);
	}
	free(rows);
	for (int i = 0; i < 100; i++) {
		struct principal many = viewer;
		(void)snprintf(many.name, sizeof(many.name), "v%d (uid 2)", i);
		RUNS(d, &many, "route_set", PUBLISH, "denied");
	}
	assert_int_equal(store_list_ledger(d->store, 0, 100, &rows, &n, &e), 0);
	assert_int_equal(n, 3 + 31);
	for (size_t i = 0; i < n; i++)
		ledger_row_free(&rows[i]);
	free(rows);
}

/* In pkcheck's place; the folder is removed with what is in it. */
static void polkit(struct desk *d, char path[96], const char *does)
{
	(void)snprintf(path, 96, "%s/pkcheck", d->dir);
	FILE *f = fopen(path, "we");
	assert_non_null(f);
	(void)fprintf(f, "#!/bin/sh\n%s\n", does);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0755), 0);
	d->ops.pkcheck = path;
}

#define REMOVE "{\"hostname\":\"app.example.com\",\"wait\":false,\"approve\":true}"

/* The operator as a process that polkit can be asked about. */
static struct principal at_a_desk(void)
{
	struct principal who = operator;
	who.pid = 4711;
	who.pid_start = 1;
	return who;
}

static void whoever_authenticates_approves(void **state)
{
	struct desk *d = *state;
	struct principal who = at_a_desk();
	struct call slow;
	char path[96];
	publish(d);
	RUNS(d, &who, "route_delete", UNPUBLISH, "needs_approval");
	AUTO(str_t) approve = approval(d, NULL);
	polkit(d, path, "exit 1");
	RUNS(d, &who, "plan_approve", approve, "denied");
	RUNS(d, &who, "route_delete", REMOVE, "needs_approval");
	check_plan(d, 2, PLAN_NEEDS_APPROVAL);
	polkit(d, path, "exec sleep 0.2");
	d->done = 0;
	begin(d, &slow, &who, "plan_approve", approve);
	wait_for(d, 1);
	assert_int_equal(slow.task.err.kind, ERR_NONE);
	call_fini(&slow);
	check_plan(d, 2, PLAN_APPLIED);
	assert_int_equal(d->world->routes.n, 0);
	polkit(d, path, "exit 0");
	RUNS(d, &who, "route_set", PUBLISH, "applied");
	((struct tunnel *)d->world->tunnels.items[0])->config_version = 1;
	RUNS(d, &who, "route_delete", REMOVE, "applied");
	check_same(d);
}

/* The dialogue is open while root decides, or changes what it is about. */
static void what_happens_while_somebody_authenticates(void **state)
{
	struct desk *d = *state;
	struct principal who = at_a_desk();
	struct call slow;
	char path[96];
	publish(d);
	RUNS(d, &who, "route_delete", UNPUBLISH, "needs_approval");
	AUTO(str_t) approve = approval(d, NULL);
	polkit(d, path, "exec sleep 0.3");
	begin(d, &slow, &who, "plan_approve", approve);
	RUNS(d, &root, "plan_reject", "{\"plan\":\"p2\"}", "rejected");
	wait_for(d, 2);
	assert_int_equal(slow.task.err.kind, ERR_CONFLICT);
	assert_non_null(strstr(slow.task.err.message, "rejected"));
	call_fini(&slow);
	begin(d, &slow, &who, "route_delete", REMOVE);
	for (int i = 0; i < 5; i++)
		loop_turn(d->loop);
	RUNS(d, &root, "route_set",
	     "{\"hostname\":\"app.example.com\",\"service\":\"http://127.0.0.1:81\","
	     "\"wait\":false,\"approve\":true}",
	     "applied");
	wait_for(d, 2);
	assert_int_equal(slow.task.err.kind, ERR_CONFLICT);
	call_fini(&slow);
	assert_int_equal(d->world->routes.n, 1);
	polkit(d, path, "exec sleep 0.2");
	begin(d, &slow, &who, "route_delete", REMOVE);
	for (int i = 0; i < 5; i++)
		loop_turn(d->loop);
	str_set(&d->world->system.writes_held, "Another machine than before");
	d->done = 0;
	wait_for(d, 1);
	assert_int_equal(slow.task.err.kind, ERR_CONFLICT);
	call_fini(&slow);
	assert_int_equal(d->world->routes.n, 1);
	check_same(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_refused_is_in_the_ledger),
		TEST(whoever_authenticates_approves),
		TEST(what_happens_while_somebody_authenticates),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
