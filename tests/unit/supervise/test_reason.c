/* Every end of a process has the reason that cloudflared's behaviour gives it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "supervise/reason.h"

static const struct {
	const char *what;
	struct exit_facts facts;
	enum reason reason;
} ends[] = {
	{"asked beats all", {.asked = true, .code = 255}, REASON_ASKED},
	{"usage on stdout", {.code = 0, .ran_ms = 100}, REASON_BAD_OPTIONS},
	{"somebody's SIGTERM", {.code = 0, .ran_ms = 60000}, REASON_EXITED},
	{"exit 1 without words", {.code = 1, .ran_ms = 100}, REASON_EXITED},
	{"exit 1, configuration", {.code = 1, .log_class = REASON_BAD_CONFIG}, REASON_BAD_CONFIG},
	{"exit 1, port", {.code = 1, .log_class = REASON_PORT_BUSY}, REASON_PORT_BUSY},
	{"exit 1, DNS", {.code = 1, .log_class = REASON_NO_NETWORK}, REASON_NO_NETWORK},
	{"exit 1, deleted", {.code = 1, .log_class = REASON_TUNNEL_GONE}, REASON_TUNNEL_GONE},
	{"exit 1, refused", {.code = 1, .log_class = REASON_REFUSED}, REASON_REFUSED},
	{"exit 2, goroutine dump", {.code = 2, .ran_ms = 5000}, REASON_EXITED},
	{"exit 10", {.code = 10}, REASON_EXITED},
	{"exit 11", {.code = 11, .ran_ms = 100000}, REASON_UPDATED},
	{"exit 255", {.code = 255, .ran_ms = 50}, REASON_BAD_TOKEN},
	{"SIGKILL", {.code = -1, .signal = SIGKILL}, REASON_KILLED},
	{"SIGHUP", {.code = -1, .signal = SIGHUP}, REASON_KILLED},
	{"SIGPIPE", {.code = -1, .signal = SIGPIPE}, REASON_OUTPUT_CLOSED},
	{"SIGKILL after words",
	 {.code = -1, .signal = SIGKILL, .log_class = REASON_BAD_TOKEN},
	 REASON_KILLED},
	{"not our child", {.code = -1}, REASON_UNKNOWN},
	{"not our child, after words", {.code = -1, .log_class = REASON_BAD_TOKEN}, REASON_UNKNOWN},
};

static void test_ends(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (reason_of_exit(&ends[i].facts) != ends[i].reason)
			fail_msg("%s: %s instead of %s", ends[i].what,
				 reason_info(reason_of_exit(&ends[i].facts))->name,
				 reason_info(ends[i].reason)->name);
}

static void test_table_is_whole(void **state)
{
	(void)state;
	for (int i = 0; i < REASONS; i++) {
		const struct reason_info *info = reason_info((enum reason)i);

		assert_non_null(info->name);
		assert_non_null(info->sentence);
		for (const char *p = info->name; *p; p++)
			assert_true(islower((unsigned char)*p) || *p == '_');
		for (int k = 0; k < i; k++)
			assert_string_not_equal(info->name, reason_info((enum reason)k)->name);
		/* What is retried slowly waits for a person, who must be told what to do. */
		if (info->retry == RETRY_SLOWLY) {
			assert_non_null(info->cure);
			assert_true(info->kind != ERR_NONE);
		}
	}
}

/* What heals by itself or by a restart is never held back for a minute. */
static void test_what_is_retried_soon(void **state)
{
	static const enum reason soon[] = {REASON_ASKED,   REASON_EXITED,     REASON_KILLED,
					   REASON_HUNG,    REASON_NO_NETWORK, REASON_PORT_BUSY,
					   REASON_UNREADY, REASON_UPDATED,    REASON_UNKNOWN};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(soon); i++)
		assert_int_equal(reason_info(soon[i])->retry, RETRY_SOON);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_table_is_whole),
		cmocka_unit_test(test_what_is_retried_soon),
	};

	return cmocka_run_group_tests_name("reason", tests, NULL, NULL);
}
