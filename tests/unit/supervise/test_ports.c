/* The ports that processes remember, beside a table of all of them. */
#include "supervise/ports.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define MOST 65535

static void counts_as_a_table_does(void **state)
{
	static size_t table[MOST + 1];
	struct ports p = {0};

	(void)state;
	srand(7);
	for (int i = 0; i < 20000; i++) {
		int port = i % 3 ? 40000 + rand() % 40 : 1 + rand() % MOST;

		if (rand() % 2) {
			ports_add(&p, port);
			table[port]++;
		} else {
			ports_remove(&p, port);
			table[port] -= table[port] > 0;
		}
		assert_int_equal(ports_count(&p, port), table[port]);
	}
	for (int port = 1; port <= MOST; port++)
		assert_int_equal(ports_count(&p, port), table[port]);
	ports_free(&p);
	assert_int_equal(ports_count(&p, 40000), 0);
}

static void takes_the_first_and_the_last(void **state)
{
	struct ports p = {0};

	(void)state;
	ports_remove(&p, MOST);
	ports_add(&p, MOST);
	ports_add(&p, 1);
	ports_add(&p, MOST);
	assert_int_equal(ports_count(&p, 1), 1);
	assert_int_equal(ports_count(&p, MOST), 2);
	assert_int_equal(ports_count(&p, 2), 0);
	ports_remove(&p, MOST);
	assert_int_equal(ports_count(&p, MOST), 1);
	ports_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_as_a_table_does),
		cmocka_unit_test(takes_the_first_and_the_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
