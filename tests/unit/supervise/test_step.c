/* The table of the supervisor, row by row, and what must hold whatever the facts are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "supervise/step.h"

#define NOW   1000000
#define GRACE 30000

/* A process that runs, was started 20 s ago and is ready with all connections. */
#define READY LINKED(4), .has_token = true
#define LINKED(n)                                                                                  \
	.running = true, .started_ms = NOW - 20000, .ever_ready = true, .last_answer_ms = NOW - 1, \
	.edge = (n)
/* It runs and answers 503. */
#define UNREADY(since)                                                                             \
	.running = true, .started_ms = NOW - 200000, .ever_ready = true,                           \
	.last_answer_ms = NOW - 1, .edge = 0, .unready_since_ms = NOW - (since), .has_token = true
/* Its port has not answered yet. */
#define SILENT(age) .running = true, .started_ms = NOW - (age), .edge = -1, .has_token = true
/* It answers 503 since its start. */
#define CONNECTING(age)                                                                            \
	.running = true, .started_ms = NOW - (age), .edge = 0, .last_answer_ms = NOW - 1,          \
	.unready_since_ms = NOW - (age) + 100, .has_token = true
#define GONE    .edge = -1, .has_token = true
#define TERM(t) .term_sent_ms = NOW - (t), .stop_reason = REASON_ASKED
#define LATER   .next_start_ms = NOW + 500
#define SLOWLY  .next_start_ms = NOW + 60000, .retry = RETRY_SLOWLY

#define TO(state, reason, action, wake)                                                            \
	{                                                                                          \
		CONNECTOR_##state, REASON_##reason, STEP_##action, wake                            \
	}

/* clang-format off */
static const struct {
	const char *what;
	struct facts f;
	struct verdict v;
} rows[] = {
	/* no process */
	{"first start", {GONE}, TO(RESTARTING, NEW, START, 0)},
	{"first start, asked", {GONE, .restart_asked = true}, TO(RESTARTING, ASKED, START, 0)},
	{"no token", {.edge = -1}, TO(BLOCKED, NO_TOKEN, NOTHING, 0)},
	{"no token, asked", {.edge = -1, .restart_asked = true}, TO(BLOCKED, NO_TOKEN, NOTHING, 0)},
	{"no token, waits", {.edge = -1, LATER, .last_exit = REASON_KILLED}, TO(BLOCKED, NO_TOKEN, NOTHING, 0)},
	{"absent", {GONE, .absent = true}, TO(STOPPED, ASKED, FORGET, 0)},
	{"absent, asked", {GONE, .absent = true, .restart_asked = true}, TO(STOPPED, ASKED, FORGET, 0)},
	{"absent, no token", {.edge = -1, .absent = true}, TO(STOPPED, ASKED, FORGET, 0)},
	{"absent and stopped", {GONE, .absent = true, .stopped = true}, TO(STOPPED, ASKED, FORGET, 0)},
	{"absent, waits", {GONE, .absent = true, LATER}, TO(STOPPED, ASKED, FORGET, 0)},
	{"stopped", {GONE, .stopped = true}, TO(STOPPED, ASKED, NOTHING, 0)},
	{"stopped for a time", {GONE, .stopped = true, .stopped_until_ms = NOW + 7}, TO(STOPPED, ASKED, NOTHING, NOW + 7)},
	{"stopped, the other drains", {GONE, .stopped = true, .other_runs = true}, TO(DRAINING, ASKED, NOTHING, 0)},
	{"absent, the other drains", {GONE, .absent = true, .other_runs = true}, TO(DRAINING, ASKED, NOTHING, 0)},
	{"killed, the other drains", {GONE, .last_exit = REASON_KILLED, .other_runs = true}, TO(RESTARTING, KILLED, START, 0)},
	{"stopped, asked", {GONE, .stopped = true, .restart_asked = true}, TO(STOPPED, ASKED, NOTHING, 0)},
	{"stopped, no token", {.edge = -1, .stopped = true}, TO(STOPPED, ASKED, NOTHING, 0)},
	{"stopped, waits", {GONE, .stopped = true, LATER}, TO(STOPPED, ASKED, NOTHING, 0)},
	{"killed, at once", {GONE, .last_exit = REASON_KILLED}, TO(RESTARTING, KILLED, START, 0)},
	{"killed, waits", {GONE, .last_exit = REASON_KILLED, LATER}, TO(RESTARTING, KILLED, NOTHING, NOW + 500)},
	{"killed, waited", {GONE, .last_exit = REASON_KILLED, .next_start_ms = NOW}, TO(RESTARTING, KILLED, START, 0)},
	{"killed, waits, asked", {GONE, .last_exit = REASON_KILLED, LATER, .restart_asked = true}, TO(RESTARTING, ASKED, START, 0)},
	{"hung, at once", {GONE, .last_exit = REASON_HUNG}, TO(RESTARTING, HUNG, START, 0)},
	{"network, waits", {GONE, .last_exit = REASON_NO_NETWORK, LATER}, TO(RESTARTING, NO_NETWORK, NOTHING, NOW + 500)},
	{"bad token, waits", {GONE, .last_exit = REASON_BAD_TOKEN, SLOWLY}, TO(BLOCKED, BAD_TOKEN, NOTHING, NOW + 60000)},
	{"bad token, waited", {GONE, .last_exit = REASON_BAD_TOKEN, .retry = RETRY_SLOWLY, .next_start_ms = NOW}, TO(RESTARTING, BAD_TOKEN, START, 0)},
	{"bad token, new facts", {GONE, .last_exit = REASON_BAD_TOKEN, .retry = RETRY_SLOWLY}, TO(RESTARTING, BAD_TOKEN, START, 0)},
	{"bad token, asked", {GONE, .last_exit = REASON_BAD_TOKEN, SLOWLY, .restart_asked = true}, TO(RESTARTING, ASKED, START, 0)},
	{"no binary, waits", {GONE, .last_exit = REASON_NO_BINARY, SLOWLY}, TO(BLOCKED, NO_BINARY, NOTHING, NOW + 60000)},
	{"blocked, then stopped", {GONE, .last_exit = REASON_BAD_TOKEN, SLOWLY, .stopped = true}, TO(STOPPED, ASKED, NOTHING, 0)},
	{"blocked, then absent", {GONE, .last_exit = REASON_BAD_TOKEN, SLOWLY, .absent = true}, TO(STOPPED, ASKED, FORGET, 0)},

	/* starting */
	{"just started", {SILENT(1)}, TO(STARTING, NEW, NOTHING, NOW - 1 + 90000)},
	{"started again", {SILENT(1), .last_exit = REASON_KILLED}, TO(STARTING, KILLED, NOTHING, NOW - 1 + 90000)},
	{"names are looked up", {SILENT(60000), .failures = 50}, TO(STARTING, NEW, NOTHING, NOW + 30000)},
	{"window nearly over", {SILENT(89999), .failures = 50}, TO(STARTING, NEW, NOTHING, NOW + 1)},
	{"window over, silent", {SILENT(90000), .failures = 99}, TO(UNREADY, HUNG, TERM, 0)},
	{"window over, silent, said gone", {SILENT(90000), .log_class = REASON_TUNNEL_GONE}, TO(UNREADY, HUNG, TERM, 0)},
	{"connects", {CONNECTING(2000)}, TO(STARTING, NEW, NOTHING, NOW + 88000)},
	{"connects for long", {CONNECTING(60000)}, TO(STARTING, NEW, NOTHING, NOW + 30000)},
	{"quic does not come up", {CONNECTING(30000), .quic_useless = true}, TO(UNREADY, NO_QUIC, TERM, 0)},
	{"quic does not come up, token refused", {CONNECTING(30000), .quic_useless = true, .log_class = REASON_BAD_TOKEN}, TO(UNREADY, BAD_TOKEN, TERM, 0)},
	{"quic is given time", {CONNECTING(9000), .quic_until_ms = NOW + 7}, TO(STARTING, NEW, NOTHING, NOW + 7)},
	{"window over, 503", {CONNECTING(90000)}, TO(UNREADY, UNREADY, TERM, 0)},
	{"answered, then 2 misses", {CONNECTING(2000), .failures = 2}, TO(STARTING, NEW, NOTHING, NOW + 88000)},
	{"answered, then hangs", {CONNECTING(2000), .failures = 3}, TO(UNREADY, HUNG, TERM, 0)},
	{"refused token at start", {CONNECTING(9000), .log_class = REASON_BAD_TOKEN}, TO(UNREADY, BAD_TOKEN, TERM, 0)},
	{"deleted tunnel at start", {CONNECTING(9000), .log_class = REASON_TUNNEL_GONE}, TO(UNREADY, TUNNEL_GONE, TERM, 0)},
	{"words before any answer", {SILENT(9000), .log_class = REASON_BAD_TOKEN}, TO(STARTING, NEW, NOTHING, NOW + 81000)},
	{"starting, stop", {SILENT(100), .stopped = true}, TO(DRAINING, ASKED, TERM, 0)},
	{"starting, asked", {SILENT(100), .restart_asked = true}, TO(DRAINING, ASKED, TERM, 0)},

	/* serving */
	{"ready", {READY}, TO(READY, NONE, NOTHING, 0)},
	{"ready, token lost", {LINKED(4)}, TO(READY, NONE, NOTHING, 0)},
	{"ready, one miss", {READY, .failures = 1}, TO(READY, NONE, NOTHING, 0)},
	{"ready, two misses", {READY, .failures = 2}, TO(READY, NONE, NOTHING, 0)},
	{"ready, three misses", {READY, .failures = 3}, TO(UNREADY, HUNG, TERM, 0)},
	{"ready, more than wanted", {LINKED(8), .has_token = true}, TO(READY, NONE, NOTHING, 0)},
	{"ready, words", {READY, .log_class = REASON_BAD_TOKEN}, TO(READY, NONE, NOTHING, 0)},
	{"ready, old exit", {READY, .last_exit = REASON_KILLED, LATER}, TO(READY, NONE, NOTHING, 0)},
	{"ready, asked", {READY, .restart_asked = true}, TO(DRAINING, ASKED, TERM, 0)},
	{"ready, stop", {READY, .stopped = true}, TO(DRAINING, ASKED, TERM, 0)},
	{"ready, absent", {READY, .absent = true}, TO(DRAINING, ASKED, TERM, 0)},
	{"ready, absent, hangs", {READY, .absent = true, .failures = 3}, TO(DRAINING, ASKED, TERM, 0)},
	{"degraded", {LINKED(3), .has_token = true}, TO(DEGRADED, NONE, NOTHING, 0)},
	{"degraded, one", {LINKED(1), .has_token = true}, TO(DEGRADED, NONE, NOTHING, 0)},
	{"degraded, words", {LINKED(1), .has_token = true, .log_class = REASON_TUNNEL_GONE}, TO(DEGRADED, NONE, NOTHING, 0)},
	{"degraded, hangs", {LINKED(1), .has_token = true, .failures = 4}, TO(UNREADY, HUNG, TERM, 0)},
	{"degraded, stop", {LINKED(1), .has_token = true, .stopped = true}, TO(DRAINING, ASKED, TERM, 0)},

	/* not any more */
	{"lost all", {UNREADY(1)}, TO(UNREADY, UNREADY, NOTHING, NOW - 1 + 45000)},
	{"lost all for long", {UNREADY(44999)}, TO(UNREADY, UNREADY, NOTHING, NOW + 1)},
	{"lost all for too long", {UNREADY(45000)}, TO(UNREADY, UNREADY, TERM, 0)},
	{"lost all, one miss", {UNREADY(1000), .failures = 1}, TO(UNREADY, UNREADY, NOTHING, NOW + 44000)},
	{"lost all, hangs", {UNREADY(1000), .failures = 3}, TO(UNREADY, HUNG, TERM, 0)},
	{"lost all, refused", {UNREADY(1000), .log_class = REASON_BAD_TOKEN}, TO(UNREADY, BAD_TOKEN, TERM, 0)},
	{"lost all, deleted", {UNREADY(1000), .log_class = REASON_TUNNEL_GONE}, TO(UNREADY, TUNNEL_GONE, TERM, 0)},
	{"lost all, asked", {UNREADY(1000), .restart_asked = true}, TO(DRAINING, ASKED, TERM, 0)},

	/* stopping */
	{"drains", {READY, TERM(1)}, TO(DRAINING, ASKED, NOTHING, NOW - 1 + GRACE + 5000)},
	{"drains, stopped", {READY, TERM(1), .stopped = true}, TO(DRAINING, ASKED, NOTHING, NOW - 1 + GRACE + 5000)},
	{"drains, absent", {READY, TERM(1), .absent = true}, TO(DRAINING, ASKED, NOTHING, NOW - 1 + GRACE + 5000)},
	{"drains, nearly over", {READY, TERM(34999)}, TO(DRAINING, ASKED, NOTHING, NOW + 1)},
	{"grace over", {READY, TERM(35000)}, TO(DRAINING, ASKED, KILL, 0)},
	{"killed", {READY, TERM(35000), .kill_sent = true}, TO(DRAINING, ASKED, NOTHING, 0)},
	{"killed long ago", {READY, TERM(99000), .kill_sent = true, .restart_asked = true}, TO(DRAINING, ASKED, NOTHING, 0)},
	{"hung drains", {READY, .failures = 3, .term_sent_ms = NOW - 999, .stop_reason = REASON_HUNG}, TO(DRAINING, HUNG, NOTHING, NOW + 1)},
	{"stop noted, and it has it", {UNREADY(1), TERM(1000), .term_noted = true}, TO(DRAINING, ASKED, NOTHING, NOW - 1000 + GRACE + 5000)},
	{"stop noted, not asked yet", {SILENT(2), TERM(1000), .term_noted = true}, TO(DRAINING, ASKED, NOTHING, NOW - 1000 + GRACE + 5000)},
	{"stop noted, port closed", {UNREADY(1), .failures = 9, TERM(2000), .term_noted = true}, TO(DRAINING, ASKED, NOTHING, NOW - 2000 + GRACE + 5000)},
	{"stop noted, never done", {READY, TERM(1000), .term_noted = true}, TO(DRAINING, ASKED, TERM, 0)},
	{"stop noted, grace over", {READY, TERM(35000), .term_noted = true}, TO(DRAINING, ASKED, KILL, 0)},
	{"hung is over", {READY, .failures = 3, .term_sent_ms = NOW - 1000, .stop_reason = REASON_HUNG}, TO(DRAINING, HUNG, KILL, 0)},
	{"nobody's drains", {UNREADY(1), TERM(1)}, TO(DRAINING, ASKED, NOTHING, NOW - 1 + IDLE_GRACE_MS)},
	{"nobody's is over", {UNREADY(1), TERM(IDLE_GRACE_MS)}, TO(DRAINING, ASKED, KILL, 0)},
	{"starting, nobody's is over", {CONNECTING(9000), TERM(IDLE_GRACE_MS)}, TO(DRAINING, ASKED, KILL, 0)},
	{"silent start drains", {SILENT(95000), .failures = 99, TERM(3000)}, TO(DRAINING, ASKED, NOTHING, NOW - 3000 + GRACE + 5000)},
	{"wanted again while it drains", {READY, TERM(1000)}, TO(DRAINING, ASKED, NOTHING, NOW - 1000 + GRACE + 5000)},
};
/* clang-format on */

static struct facts whole(const struct facts *given)
{
	struct facts f = *given;

	f.now_ms = NOW;
	f.grace_ms = GRACE;
	f.edge_wanted = 4;
	f.failure_limit = 3;
	f.unready_limit_ms = 45000;
	f.window_ms = START_WINDOW_MS;
	return f;
}

static void test_rows(void **state)
{
	(void)state;
	assert_true(ARRAY_LEN(rows) >= 60);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct facts f = whole(&rows[i].f);
		struct verdict v = step(&f);
		const struct verdict *w = &rows[i].v;

		if (v.state != w->state || v.reason != w->reason || v.action != w->action ||
		    v.wake_ms != w->wake_ms)
			fail_msg("%s: %s, %s, action %d, wake %lld", rows[i].what,
				 connector_state_name(v.state), reason_info(v.reason)->name,
				 (int)v.action, (long long)v.wake_ms);
	}
}

static void test_the_table_prints(void **state)
{
	size_t n = 0;

	(void)state;
	for (; step_describe(n); n++)
		assert_non_null(strstr(step_describe(n), " | "));
	assert_int_equal(n, 23);
	assert_string_equal(step_describe(n - 1), "no process | RESTARTING | LAST_OR_NEW | START");
	assert_null(step_describe(n + 1));
}

/* ---- random facts: the same ones each time ---- */

static uint64_t next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static int64_t pick(uint64_t *seed, int64_t below)
{
	return (int64_t)(next(seed) % (uint64_t)below);
}

static bool coin(uint64_t *seed)
{
	return next(seed) & 1;
}

/* Facts as they can be: what never answered has no connections known, and so on. */
static struct facts random_facts(uint64_t *seed)
{
	static const enum reason logs[] = {REASON_NONE, REASON_NONE, REASON_BAD_TOKEN,
					   REASON_TUNNEL_GONE};
	struct facts f = {.edge = -1};

	f.absent = pick(seed, 4) == 0;
	f.stopped = pick(seed, 4) == 0;
	f.has_token = pick(seed, 4) != 0;
	f.restart_asked = pick(seed, 4) == 0;
	f.running = coin(seed);
	f.other_runs = pick(seed, 4) == 0;
	f.last_exit = (enum reason)pick(seed, REASONS);
	f.retry = reason_info(f.last_exit)->retry;
	f.next_start_ms = coin(seed) ? 0 : NOW - 1000 + pick(seed, 2000);
	if (f.running) {
		f.started_ms = NOW - pick(seed, 200000);
		f.log_class = logs[pick(seed, 4)];
		f.failures = (int)pick(seed, 6);
		if (coin(seed)) {
			f.last_answer_ms = f.started_ms + 1;
			f.edge = (int)pick(seed, 6);
			f.ever_ready = f.edge > 0 || coin(seed);
			f.unready_since_ms = f.edge ? 0 : f.started_ms + 1;
		}
		f.term_sent_ms = coin(seed) ? NOW - pick(seed, 60000) : 0;
		f.term_noted = f.term_sent_ms && coin(seed);
		f.kill_sent = f.term_sent_ms && pick(seed, 4) == 0;
		f.stop_reason = f.term_sent_ms ? REASON_ASKED : REASON_NONE;
	}
	return whole(&f);
}

static void check_verdict(const struct facts *f, const struct verdict *v)
{
	bool hung = f->last_answer_ms && f->failures >= f->failure_limit;
	int64_t idle = f->edge == 0 ? IDLE_GRACE_MS : f->grace_ms + TERM_MARGIN_MS;
	int64_t grace = f->term_noted ? f->grace_ms + TERM_MARGIN_MS : hung ? HUNG_GRACE_MS : idle;

	assert_true((unsigned)v->state < CONNECTOR_STATES && (unsigned)v->reason < REASONS);
	if (v->action == STEP_START)
		assert_true(!f->running && !f->absent && !f->stopped && f->has_token);
	if (v->action == STEP_TERM)
		assert_true(f->running && (!f->term_sent_ms || (f->term_noted && f->edge > 0)));
	if (v->action == STEP_KILL)
		assert_true(f->running && f->term_sent_ms && !f->kill_sent &&
			    f->now_ms - f->term_sent_ms >= grace);
	if (v->action == STEP_FORGET)
		assert_true(!f->running && f->absent && !f->other_runs);
	/* Whoever serves and is wanted is left alone. */
	if (f->running && f->edge > 0 && !hung && !f->absent && !f->stopped && !f->restart_asked &&
	    !f->term_sent_ms)
		assert_int_equal(v->action, STEP_NOTHING);
	/* Time alone wakes only ahead. */
	if (v->wake_ms)
		assert_true(v->action == STEP_NOTHING && v->wake_ms > f->now_ms);
	assert_false(!f->running && (v->state == CONNECTOR_READY ||
				     (v->state == CONNECTOR_DRAINING && !f->other_runs)));
}

static void test_whatever_the_facts(void **state)
{
	uint64_t seed = 0x9e3779b97f4a7c15u;
	size_t actions[STEP_FORGET + 1] = {0};

	(void)state;
	for (int i = 0; i < 200000; i++) {
		struct facts f = random_facts(&seed);
		struct verdict v = step(&f);

		check_verdict(&f, &v);
		actions[v.action]++;
	}
	for (size_t i = 0; i < ARRAY_LEN(actions); i++)
		assert_true(actions[i] > 100);
}

/* A process that lives through its verdicts: carried out, they come to rest. */
static void carry_out(struct facts *f, const struct verdict *v)
{
	switch (v->action) {
	case STEP_START:
		f->running = true;
		f->started_ms = f->now_ms;
		f->restart_asked = false;
		f->edge = -1;
		f->last_answer_ms = f->term_sent_ms = f->unready_since_ms = 0;
		f->failures = 0;
		f->kill_sent = f->ever_ready = f->term_noted = false;
		f->log_class = REASON_NONE;
		break;
	case STEP_TERM:
		f->term_sent_ms = f->now_ms;
		f->term_noted = false;
		f->stop_reason = v->reason;
		break;
	case STEP_KILL:
		f->kill_sent = true;
		f->running = false;
		f->last_exit = f->stop_reason;
		f->retry = reason_info(f->last_exit)->retry;
		f->next_start_ms = 0;
		break;
	case STEP_NOTHING:
	case STEP_FORGET:
		break;
	}
}

static void test_comes_to_rest(void **state)
{
	uint64_t seed = 42;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct facts f = random_facts(&seed);
		struct verdict v = step(&f);
		int steps = 0;

		for (; v.action != STEP_NOTHING && v.action != STEP_FORGET && steps < 8; steps++) {
			carry_out(&f, &v);
			v = step(&f);
			if (v.wake_ms && f.term_sent_ms) {
				f.now_ms = v.wake_ms;
				v = step(&f);
			}
		}
		assert_true(steps < 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_the_table_prints),
		cmocka_unit_test(test_whatever_the_facts),
		cmocka_unit_test(test_comes_to_rest),
	};

	return cmocka_run_group_tests_name("step", tests, NULL, NULL);
}
