/*
 * There may be a thousand connectors on a host, each with one of these structs. What few of them
 * ever need belongs behind a pointer (struct slot_trouble, struct connector_past, struct outlog),
 * what all share into one struct for all (struct probe_terms). Who has good cause to add to them
 * raises the bound, and looks at the memory in docs/PERFORMANCE.md.
 */
#include "supervise/slot.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void what_each_connector_has_is_small(void **state)
{
	static const struct {
		const char *name;
		size_t size, most;
	} all[] = {
		{"process", sizeof(struct process), 488},
		{"slot", sizeof(struct slot), 216},
		{"connector", sizeof(struct connector), 216},
		{"probe", sizeof(struct probe), 168},
		{"tail", sizeof(struct tail), 88},
		{"timer", sizeof(struct timer), 40},
		{"child", sizeof(struct child), 112},
		{"ask", sizeof(struct ask), 296},
		{"ask_peer", sizeof(struct ask_peer), 16},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (all[i].size > all[i].most)
			fail_msg("struct %s has %zu bytes, and is to have %zu at most", all[i].name,
				 all[i].size, all[i].most);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(what_each_connector_has_is_small)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
