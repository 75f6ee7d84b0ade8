/* The table of what operations need of Cloudflare: of operations that there are, each once, and
 * none that reads security data is forgotten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ops/needs.h"

static const struct op_needs *needs_of(const char *op)
{
	const struct op_needs *n;

	for (size_t i = 0; (n = op_needs_at(i)) != NULL; i++)
		if (str_equal(n->op, op))
			return n;
	return NULL;
}

static void rows_are_of_operations(void **state)
{
	const struct op_needs *n;

	(void)state;
	for (size_t i = 0; (n = op_needs_at(i)) != NULL; i++) {
		const struct op *op = op_find(n->op);
		if (!op || needs_of(n->op) != n)
			fail_msg("%s is no operation, or stands there twice", n->op);
		assert_true(n->all || n->parts);
		assert_int_equal(n->all & n->parts, 0);
		assert_int_equal(n->reads, op_has_tag(op, "security"));
	}
}

static void none_is_forgotten(void **state)
{
	static const char *const tags[] = {"security", "dns", NULL};

	(void)state;
	for (size_t i = 0; op_at(i); i++)
		for (size_t k = 0; tags[k]; k++)
			if (op_has_tag(op_at(i), tags[k]) && !needs_of(op_at(i)->name))
				fail_msg("%s needs something of Cloudflare", op_at(i)->name);
}

static void permissions_have_names_and_reads(void **state)
{
	(void)state;
	for (int p = 0; p < CF_PERMISSIONS; p++) {
		AUTO(str_t) path = cf_permission_probe((enum cf_permission)p, "a", "z");
		const char *name = cf_permission_name((enum cf_permission)p);

		assert_true(str_ends(name, ": Read") || str_ends(name, ": Edit"));
		assert_true(!path || path[0] == '/');
		assert_true(!path || str_ends(name, ": Read"));
		assert_null(cf_permission_probe((enum cf_permission)p, "", ""));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_of_operations),
		cmocka_unit_test(none_is_forgotten),
		cmocka_unit_test(permissions_have_names_and_reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
