/* Who is let in before a byte of his request is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/private.h"

/* What comes out of a tunnel is a connector's, and it ends at our door. */
static void a_connector_is_not_let_in(void **state)
{
	struct world *w = world_new();
	struct ops ops = {.world = w};
	struct api a = {.ops = &ops};
	struct connector *c = connector_new("tweb", 1);
	(void)state;
	c->pid = 4711;
	world_add_connector(w, c);
	const struct {
		struct peer peer;
		bool in;
	} rows[] = {
		{{.valid = true, .pid = 4711}, false},
		{{.valid = true, .pid = 4712}, true},
		/* A connector that does not run has no process that could be meant. */
		{{.valid = true, .pid = 0}, true},
		/* Over TCP nothing is known of the peer; on the socket such a one is refused with a
		 * sentence. */
		{{.valid = false, .pid = 4711}, true},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(door_accepts(&rows[i].peer, DOOR_UNIX, 0, &a), rows[i].in);
	c->pid = 0;
	assert_true(door_accepts(&rows[0].peer, DOOR_UNIX, 0, &a));
	assert_true(door_accepts(&rows[2].peer, DOOR_UNIX, 0, &a));
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_connector_is_not_let_in)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
