/* Which process is proved by which request. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "supervise/edge_gate.h"

#define NOW 1000000

static void test_passes(void **state)
{
	struct edge_gates g = {0};

	(void)state;
	assert_int_equal(edge_gate_ask(&g, "t1", 7, true, NOW), EDGE_GATE_WAITS);
	assert_true(edge_gate_waits(&g, "t1", NOW));
	assert_false(edge_gate_waits(&g, "t2", NOW));
	for (int i = 0; i < 9; i++) {
		edge_gate_seen(&g, "t1", 6); /* the old one serves, which is no failure */
		edge_gate_seen(&g, "t2", 7);
	}
	assert_int_equal(edge_gate_ask(&g, "t1", 7, true, NOW + 1), EDGE_GATE_WAITS);
	edge_gate_seen(&g, "t1", 7);
	assert_int_equal(edge_gate_ask(&g, "t1", 7, false, NOW + 2), EDGE_GATE_PASSED);
	assert_false(edge_gate_waits(&g, "t1", NOW + 2));
	/* What failed before or fails after it says nothing of this one. */
	for (int i = 0; i < 9; i++)
		edge_gate_seen(&g, "t1", 0);
	assert_int_equal(edge_gate_ask(&g, "t1", 7, false, NOW + 3), EDGE_GATE_PASSED);
}

static void test_fails(void **state)
{
	struct edge_gates g = {0};

	(void)state;
	assert_int_equal(edge_gate_ask(&g, "t1", 7, true, NOW), EDGE_GATE_WAITS);
	for (int i = 0; i < EDGE_GATE_FAIL; i++) {
		assert_int_equal(edge_gate_ask(&g, "t1", 7, false, NOW), EDGE_GATE_WAITS);
		edge_gate_seen(&g, "t1", 0);
		edge_gate_seen(&g, "t1", 6); /* the old one still serves */
	}
	assert_int_equal(edge_gate_ask(&g, "t1", 7, false, NOW), EDGE_GATE_FAILED);
	assert_false(edge_gate_waits(&g, "t1", NOW));
}

/* What does not pass anyway proves nothing, and hinders nothing. */
static void test_none(void **state)
{
	struct edge_gates g = {0};

	(void)state;
	assert_int_equal(edge_gate_ask(&g, "t1", 7, false, NOW), EDGE_GATE_NONE);
	assert_int_equal(edge_gate_ask(&g, "t1", 0, true, NOW), EDGE_GATE_NONE);
	for (pid_t pid = 1; pid <= EDGE_GATES; pid++)
		assert_int_equal(edge_gate_ask(&g, "t1", pid, true, NOW), EDGE_GATE_WAITS);
	assert_int_equal(edge_gate_ask(&g, "t1", 99, true, NOW), EDGE_GATE_NONE);
	/* Who is asked about no more makes room, and a number that is given again begins anew. */
	edge_gate_seen(&g, "t1", 3);
	assert_int_equal(edge_gate_ask(&g, "t1", 3, true, NOW + 20000), EDGE_GATE_WAITS);
	assert_int_equal(edge_gate_ask(&g, "t1", 99, true, NOW + 20000), EDGE_GATE_WAITS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_passes),
		cmocka_unit_test(test_fails),
		cmocka_unit_test(test_none),
	};
	return cmocka_run_group_tests_name("edge_gate", tests, NULL, NULL);
}
