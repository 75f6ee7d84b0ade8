/* When quic is given up and tried again: the table, row by row, and how long it waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "supervise/protocol.h"

#define NOW  1000000
#define WALL 5000000000LL
#define HOUR (3600 * 1000LL)

static const struct protocol_state risen;
static const struct protocol_state fallen = {
	.fallen = true, .why = REASON_NO_QUIC, .tries = 1, .again_ms = WALL + HOUR};
static const struct protocol_state due = {
	.fallen = true, .why = REASON_NO_QUIC, .tries = 1, .again_ms = WALL};

#define BASE .now_ms = NOW, .wall_ms = WALL, .quic_wanted = true
#define QUIC .running = true, .on_quic = true

/* clang-format off */
static const struct {
	const char *what;
	struct protocol_facts f;
	struct protocol_verdict want;
} rows[] = {
	{"http2 is set: nothing is ever given up", {.now_ms = NOW, .wall_ms = WALL, .state = &due, .running = true, .serves = true, .edge = 4}, {PROTOCOL_STAY, REASON_NONE, 0}},
	{"30 s are over", {BASE, .state = &risen, QUIC, .unready_since_ms = NOW - 30000}, {PROTOCOL_GIVE_UP, REASON_NO_QUIC, 0}},
	{"30 s are over, the log speaks of quic", {BASE, .state = &risen, QUIC, .unready_since_ms = NOW - 30000, .telling = REASON_NO_QUIC}, {PROTOCOL_GIVE_UP, REASON_NO_QUIC, 0}},
	{"30 s are over, refused without words", {BASE, .state = &risen, QUIC, .unready_since_ms = NOW - 30000, .telling = REASON_REFUSED}, {PROTOCOL_GIVE_UP, REASON_NO_QUIC, 0}},
	{"not over yet", {BASE, .state = &risen, QUIC, .unready_since_ms = NOW - 29999}, {PROTOCOL_STAY, REASON_NONE, NOW + 1}},
	{"the token is refused: not quic's fault", {BASE, .state = &risen, QUIC, .unready_since_ms = NOW - 60000, .telling = REASON_BAD_TOKEN}, {PROTOCOL_STAY, REASON_NONE, 0}},
	{"no names: not quic's fault", {BASE, .state = &risen, QUIC, .unready_since_ms = NOW - 60000, .telling = REASON_NO_NETWORK}, {PROTOCOL_STAY, REASON_NONE, 0}},
	{"it never answered: it looks up names", {BASE, .state = &risen, QUIC, .edge = -1}, {PROTOCOL_STAY, REASON_NONE, 0}},
	{"it was connected before", {BASE, .state = &risen, QUIC, .ever_ready = true, .unready_since_ms = NOW - 40000}, {PROTOCOL_STAY, REASON_NONE, 0}},
	{"it is connected", {BASE, .state = &risen, QUIC, .ever_ready = true, .serves = true, .edge = 4}, {PROTOCOL_STAY, REASON_NONE, 0}},
	{"losses below the limit", {BASE, .state = &risen, QUIC, .ever_ready = true, .serves = true, .edge = 4, .losses = QUIC_LOSSES_MOST - 1}, {PROTOCOL_STAY, REASON_NONE, 0}},
	{"losses at the limit", {BASE, .state = &risen, QUIC, .ever_ready = true, .serves = true, .edge = 4, .losses = QUIC_LOSSES_MOST}, {PROTOCOL_GIVE_UP, REASON_LOSSES, 0}},
	{"http2 loses as well: nothing better is there", {BASE, .state = &fallen, .running = true, .ever_ready = true, .serves = true, .edge = 4, .losses = QUIC_LOSSES_MOST}, {PROTOCOL_STAY, REASON_NONE, NOW + HOUR}},
	{"http2 stands in, its time is over", {BASE, .state = &due, .running = true, .serves = true, .edge = 4}, {PROTOCOL_RETRY, REASON_QUIC_AGAIN, 0}},
	{"its time is over and it serves nobody", {BASE, .state = &due, .running = true, .ever_ready = true}, {PROTOCOL_STAY, REASON_NONE, 0}},
	{"quic is tried already", {BASE, .state = &due, QUIC, .ever_ready = true, .serves = true, .edge = 4}, {PROTOCOL_STAY, REASON_NONE, 0}},
	{"no process", {BASE, .state = &due}, {PROTOCOL_STAY, REASON_NONE, 0}},
};
/* clang-format on */

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct protocol_verdict v = protocol_judge(&rows[i].f);

		if (v.move != rows[i].want.move || v.reason != rows[i].want.reason ||
		    v.wake_ms != rows[i].want.wake_ms)
			fail_msg("%s: move %d, reason %d, wake %lld", rows[i].what, (int)v.move,
				 (int)v.reason, (long long)v.wake_ms);
	}
}

static void test_waits_longer_each_time(void **state)
{
	struct protocol_state s = {0};
	int64_t before = 0;

	(void)state;
	assert_string_equal(protocol_name(&s, "quic"), "quic");
	protocol_fell(&s, REASON_NO_QUIC, WALL, 0);
	assert_string_equal(protocol_name(&s, "quic"), "http2");
	assert_in_range(s.again_ms - WALL, HOUR / 10 * 9, HOUR);
	for (int i = 0; i < 10; i++) {
		before = s.again_ms - WALL;
		protocol_in_vain(&s, WALL, 0);
		assert_true(s.again_ms - WALL >= before);
		assert_true(s.again_ms - WALL <= QUIC_AGAIN_MOST_MS);
	}
	assert_in_range(s.again_ms - WALL, QUIC_AGAIN_MOST_MS / 10 * 9, QUIC_AGAIN_MOST_MS);
}

static void test_losses_wait_some_hours(void **state)
{
	struct protocol_state s = {0};

	(void)state;
	protocol_fell(&s, REASON_LOSSES, WALL, 0);
	assert_in_range(s.again_ms - WALL, 3 * HOUR, 4 * HOUR);
}

/* Up and down within a day is no fresh start of the waiting. */
static void test_rising_soon_forgets_nothing(void **state)
{
	struct protocol_state s = {0};

	(void)state;
	protocol_fell(&s, REASON_NO_QUIC, WALL, 0);
	protocol_rose(&s, WALL + HOUR);
	assert_false(s.fallen);
	protocol_fell(&s, REASON_NO_QUIC, WALL + 2 * HOUR, 0);
	assert_int_equal(s.tries, 2);
	protocol_rose(&s, WALL + 3 * HOUR);
	protocol_fell(&s, REASON_NO_QUIC, WALL + 30 * HOUR, 0);
	assert_int_equal(s.tries, 1);
	protocol_forget(&s);
	assert_false(s.fallen);
	assert_int_equal(s.rose_ms, 0);
}

static void test_recalled_with_care(void **state)
{
	struct protocol_state far = {
		.fallen = true, .why = REASON_NO_QUIC, .again_ms = WALL + 1000 * HOUR};
	struct protocol_state odd = {.fallen = true, .why = REASON_HUNG};

	(void)state;
	protocol_recall(&far, WALL);
	assert_true(far.fallen);
	assert_int_equal(far.again_ms, WALL + QUIC_AGAIN_MOST_MS);
	protocol_recall(&odd, WALL);
	assert_false(odd.fallen);
}

static void test_losses_of_an_hour(void **state)
{
	struct losses l = {0};

	(void)state;
	assert_int_equal(losses_count(&l, NOW), 0);
	losses_add(&l, 4, NOW);
	losses_add(&l, 3, NOW + HOUR / 2);
	assert_int_equal(losses_count(&l, NOW + HOUR / 2), 7);
	assert_int_equal(losses_count(&l, NOW + HOUR + HOUR / 12), 3);
	assert_int_equal(losses_count(&l, NOW + 2 * HOUR), 0);
	/* The same part of an hour before holds nothing of this one. */
	losses_add(&l, 5, NOW + 49 * HOUR);
	losses_add(&l, 2, NOW + 50 * HOUR);
	assert_int_equal(losses_count(&l, NOW + 50 * HOUR), 2);
	for (int i = 0; i < 1000; i++)
		losses_add(&l, 4, NOW + 50 * HOUR);
	assert_in_range(losses_count(&l, NOW + 50 * HOUR), QUIC_LOSSES_MOST, 2 * QUIC_LOSSES_MOST);
}

static void test_addresses(void **state)
{
	struct protocol_state s = {0};

	(void)state;
	assert_false(protocol_ip4_only(&s, WALL));
	assert_true(protocol_no_addresses(&s, false, WALL));
	assert_true(protocol_ip4_only(&s, WALL));
	/* What happens to quic meanwhile is another matter. */
	protocol_fell(&s, REASON_NO_QUIC, WALL, 1);
	protocol_forget(&s);
	protocol_fell(&s, REASON_NO_QUIC, WALL, 1);
	protocol_rose(&s, WALL + HOUR);
	assert_true(protocol_ip4_only(&s, WALL + 24 * HOUR - 1));
	assert_false(protocol_ip4_only(&s, WALL + 24 * HOUR));
	/* In vain: all of them again, and IPv4 alone no sooner than in an hour. */
	assert_true(protocol_no_addresses(&s, true, WALL + HOUR));
	assert_false(protocol_ip4_only(&s, WALL + HOUR));
	assert_false(protocol_no_addresses(&s, false, WALL + 2 * HOUR - 1));
	assert_false(protocol_ip4_only(&s, WALL + 2 * HOUR));
	assert_true(protocol_no_addresses(&s, false, WALL + 2 * HOUR));
	assert_true(protocol_ip4_only(&s, WALL + 2 * HOUR));
	/* A clock that was put back makes nothing last for ever. */
	protocol_recall(&s, WALL);
	assert_false(protocol_ip4_only(&s, WALL + 24 * HOUR));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_waits_longer_each_time),
		cmocka_unit_test(test_losses_wait_some_hours),
		cmocka_unit_test(test_rising_soon_forgets_nothing),
		cmocka_unit_test(test_recalled_with_care),
		cmocka_unit_test(test_losses_of_an_hour),
		cmocka_unit_test(test_addresses),
	};

	return cmocka_run_group_tests_name("protocol", tests, NULL, NULL);
}
