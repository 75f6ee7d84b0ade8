/* The map, also against a plain array under a long random sequence of operations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/map.h"

static void set_get_replace_remove(void **state)
{
	struct map m = {0};
	int a = 1, b = 2;
	char key[] = "key";

	(void)state;
	assert_null(map_get(&m, "key"));
	assert_null(map_remove(&m, "key"));
	assert_null(map_set(&m, key, &a));
	key[0] = 'x';
	assert_ptr_equal(map_get(&m, "key"), &a);
	assert_null(map_get(&m, "xey"));
	assert_ptr_equal(map_set(&m, "key", &b), &a);
	assert_int_equal(m.count, 1);
	assert_null(map_set(&m, "", &a));
	assert_ptr_equal(map_get(&m, ""), &a);
	assert_ptr_equal(map_remove(&m, "key"), &b);
	assert_null(map_get(&m, "key"));
	assert_null(map_remove(&m, "key"));
	assert_int_equal(m.count, 1);
	map_free(&m);
	assert_null(map_get(&m, ""));
	map_free(&m);
}

static void iterates_in_order_of_insertion(void **state)
{
	struct map m = {0};
	const struct map_entry *entry;
	int values[100], next = 0;
	char key[16];

	(void)state;
	for (int i = 0; i < 100; i++) {
		values[i] = i;
		snprintf(key, sizeof(key), "k%d", i * 7919 % 100);
		map_set(&m, key, &values[i]);
	}
	for (int i = 1; i < 100; i += 2) {
		snprintf(key, sizeof(key), "k%d", i * 7919 % 100);
		assert_non_null(map_remove(&m, key));
	}
	for (size_t i = 0; (entry = map_next(&m, &i)) != NULL; next += 2)
		assert_int_equal(*(int *)entry->value, next);
	assert_int_equal(next, 100);
	map_free(&m);
}

static void entries_may_go_while_iterating(void **state)
{
	struct map m = {0};
	const struct map_entry *entry;
	int value = 0, seen = 0;
	char key[16];

	(void)state;
	for (int i = 0; i < 50; i++) {
		snprintf(key, sizeof(key), "%d", i);
		map_set(&m, key, &value);
	}
	for (size_t i = 0; (entry = map_next(&m, &i)) != NULL; seen++)
		assert_ptr_equal(map_remove(&m, entry->key), &value);
	assert_int_equal(seen, 50);
	assert_int_equal(m.count, 0);
	map_free(&m);
}

static void agrees_with_an_array(void **state)
{
	enum { KEYS = 200, STEPS = 50000 };
	static int values[KEYS];
	bool there[KEYS] = {false};
	struct map m = {0};
	size_t count = 0;
	char key[16];

	(void)state;
	srand(4711);
	for (int step = 0; step < STEPS; step++) {
		int k = rand() % KEYS;
		void *was = there[k] ? &values[k] : NULL;

		snprintf(key, sizeof(key), "host-%d", k);
		assert_ptr_equal(map_get(&m, key), was);
		if (rand() % 2) {
			assert_ptr_equal(map_set(&m, key, &values[k]), was);
			count += was ? 0 : 1;
			there[k] = true;
		} else {
			assert_ptr_equal(map_remove(&m, key), was);
			count -= was ? 1 : 0;
			there[k] = false;
		}
		assert_int_equal(m.count, count);
	}
	/* Coming and going must not make it grow for ever. */
	assert_true(m.cap <= 4 * KEYS);
	map_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_get_replace_remove),
		cmocka_unit_test(iterates_in_order_of_insertion),
		cmocka_unit_test(entries_may_go_while_iterating),
		cmocka_unit_test(agrees_with_an_array),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
