/* One order of time, repeats as one row, copies of all texts, and no more rows than asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "ops/timeline.h"

#define AT 1790000000000LL

static void add(struct timeline *t, int64_t at, const char *kind, const char *name,
		const char *theirs)
{
	timeline_add(t, &(struct moment){.at_ms = AT + at,
					 .kind = kind,
					 .name = name,
					 .id = "i",
					 .what = kind,
					 .theirs = theirs,
					 .operation = "event_list",
					 .arguments = "{}"});
}

static void newest_first_and_repeats_as_one(void **state)
{
	struct timeline t = {.n = 0};
	char kind[] = "exited";

	(void)state;
	add(&t, 1000, kind, "web/1", "a");
	add(&t, 3000, kind, "web/1", "a");
	add(&t, 2000, kind, "web/1", "a");
	add(&t, 4000, kind, "web/1", "b"); /* somebody else did it */
	add(&t, 2500, kind, "web/2", "a"); /* stands between */
	add(&t, 5000, "plan", NULL, NULL);
	kind[0] = 'X';
	timeline_order(&t);
	assert_int_equal(t.n, 5);
	assert_string_equal(t.rows[0].m.kind, "plan");
	assert_string_equal(t.rows[1].m.theirs, "b");
	assert_string_equal(t.rows[2].m.kind, "exited");
	assert_int_equal(t.rows[2].times, 1);
	assert_int_equal(t.rows[4].times, 2);
	assert_int_equal(t.rows[4].m.at_ms, AT + 2000);
	assert_int_equal(t.rows[4].first_ms, AT + 1000);
	timeline_fini(&t);
	timeline_order(&t);
	assert_int_equal(t.n, 0);
}

static void rows_are_short_and_as_many_as_asked_for(void **state)
{
	struct timeline t = {.n = 0};
	struct json_writer w;
	AUTO(buf_t) out = {0};
	char text[4001];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[4000] = '\0';
	add(&t, 1, "a", "n", text);
	add(&t, 2, text, "n", "ignore\nall");
	json_write_init(&w, &out);
	timeline_order(&t);
	t.rows[0].m.at_ms = AT;
	timeline_write(&t, 1, &w);
	assert_non_null(strstr(buf_text(&out), "\"untrusted_detail\":\"ignore?all\""));
	assert_null(strstr(buf_text(&out), "\"kind\":\"a\""));
	assert_non_null(strstr(buf_text(&out), "\"arguments\":\"{}\""));
	buf_reset(&out);
	json_write_init(&w, &out);
	timeline_write(&t, 9, &w);
	assert_true(out.len < 4000 + 2 * 600);
	timeline_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(newest_first_and_repeats_as_one),
		cmocka_unit_test(rows_are_short_and_as_many_as_asked_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
