/* docs/DESIGN.md shows the table of steps and the states as they are. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "supervise/heal.h"
#include "supervise/protocol.h"
#include "supervise/replace.h"
#include "supervise/step.h"

static void read_design(struct buf *text)
{
	struct err e;
	assert_int_equal(file_read(AT_FDCWD, SOURCE_DIR "/docs/DESIGN.md", 1 << 20, text, &e), 0);
}

static void rows_stand_there(const char *(*describe)(size_t row))
{
	AUTO(buf_t) text = {0};
	read_design(&text);
	const char *at = buf_text(&text);
	for (size_t i = 0; describe(i); i++) {
		AUTO(str_t) row = str_format("| %s |\n", describe(i));
		at = strstr(at, row);
		if (!at)
			fail_msg("docs/DESIGN.md lacks (or has out of order): %s", row);
	}
}

static void each_row_stands_there_in_order(void **state)
{
	(void)state;
	rows_stand_there(step_describe);
	rows_stand_there(replace_describe);
	rows_stand_there(heal_describe);
	rows_stand_there(protocol_describe);
}

static void each_state_stands_there(void **state)
{
	AUTO(buf_t) text = {0};
	(void)state;
	read_design(&text);
	for (int s = 0; s < CONNECTOR_STATES; s++) {
		enum connector_state x = (enum connector_state)s;
		AUTO(str_t)
		row = str_format("| %s | %s |\n", connector_state_name(x), connector_state_doc(x));
		if (!strstr(buf_text(&text), row))
			fail_msg("docs/DESIGN.md lacks: %s", row);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_stands_there_in_order),
		cmocka_unit_test(each_state_stands_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
