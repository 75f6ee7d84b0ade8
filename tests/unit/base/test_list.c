/* The intrusive list: order, removal while walking, removal twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/list.h"

struct item {
	int n;
	struct list node;
};

static void keeps_order(void **state)
{
	struct item items[3] = {{.n = 0}, {.n = 1}, {.n = 2}};
	struct list head;
	int seen = 0;

	(void)state;
	list_init(&head);
	assert_true(list_empty(&head));
	for (int i = 0; i < 3; i++)
		list_append(&head, &items[i].node);
	LIST_EACH (it, &head) {
		assert_int_equal(LIST_OF(it, struct item, node)->n, seen);
		seen++;
	}
	assert_int_equal(seen, 3);
	list_remove(&items[1].node);
	list_remove(&items[1].node);
	assert_true(list_empty(&items[1].node));
	seen = 0;
	LIST_EACH (it, &head) {
		seen += LIST_OF(it, struct item, node)->n;
	}
	assert_int_equal(seen, 2);
	assert_ptr_equal(head.next, &items[0].node);
	assert_ptr_equal(head.prev, &items[2].node);
}

static void node_may_go_while_walking(void **state)
{
	struct list head;

	(void)state;
	list_init(&head);
	for (int i = 0; i < 5; i++) {
		struct item *item = calloc(1, sizeof(*item));

		assert_non_null(item);
		list_append(&head, &item->node);
	}
	LIST_EACH (it, &head) {
		list_remove(it);
		free(LIST_OF(it, struct item, node));
	}
	assert_true(list_empty(&head));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_order),
		cmocka_unit_test(node_may_go_while_walking),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
