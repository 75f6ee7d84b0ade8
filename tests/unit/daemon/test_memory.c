/* What the start needed goes back, and whatever is needed again is there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/memory.h"

/* KiB of files' pages that are mapped. */
static long file_pages(void)
{
	char line[128];
	long kib = -1;
	FILE *f = fopen("/proc/self/status", "re");

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, "RssFile:", 8))
			kib = strtol(line + 8, NULL, 10);
	assert_int_equal(fclose(f), 0);
	return kib;
}

static void test_pages_go_back(void **state)
{
	static const char *const relocated[] = {"one", "two"};
	long before = file_pages(), after;

	(void)state;
	memory_begin();
	memory_settle();
	after = file_pages();
	assert_true(after > 0 && after < before);
	/* What the linker wrote stands, and code is there again. */
	assert_string_equal(relocated[before % 2], before % 2 ? "two" : "one");
	memory_settle();
	assert_true(file_pages() < before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_pages_go_back)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
