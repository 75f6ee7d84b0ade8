/* The table of a replacement, row by row, and what must hold whatever the facts are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/mem.h"
#include "supervise/replace.h"
#include "supervise/step.h"

#define NOW    1000000
#define GRACE  30000
#define SETTLE 2000
#define WINDOW 90000

/* Its own process serves, or does not, or is gone. */
#define SERVES     .running = true, .serves = true, .edge = 4
#define DOWN       .running = true, .edge = 0
#define GONE       .edge = -1
#define FOR(x)     .cause = REASON_##x
#define OTHER(...) OLD(5000, __VA_ARGS__)
#define OLD(age, ...)                                                                              \
	.other = {.there = true, .running = true, .started_ms = NOW - (age), __VA_ARGS__}
#define SILENT  .edge = -1
#define UP(n)   .edge = (n), .last_answer_ms = NOW - 1
#define FULL(t) UP(4), .full_ms = NOW - (t)
#define TERM(t) .term_sent_ms = NOW - (t)
#define LEFT    .other = {.there = true, .edge = -1}

#define TO(action, reason, wake)                                                                   \
	{                                                                                          \
		REPLACE_##action, REASON_##reason, wake                                            \
	}

/* clang-format off */
static const struct {
	const char *what;
	struct replace_facts f;
	struct replace_verdict v;
} rows[] = {
	/* nothing beside it */
	{"serves", {SERVES}, TO(NOTHING, NONE, 0)},
	{"asked", {SERVES, FOR(ASKED)}, TO(START, ASKED, 0)},
	{"options", {SERVES, FOR(OPTIONS)}, TO(START, OPTIONS, 0)},
	{"asked, tried in vain", {SERVES, FOR(ASKED), .not_before_ms = NOW + 9}, TO(NOTHING, ASKED, NOW + 9)},
	{"asked, waited", {SERVES, FOR(ASKED), .not_before_ms = NOW}, TO(START, ASKED, 0)},
	{"asked, stopped", {SERVES, FOR(ASKED), .unwanted = true}, TO(NOTHING, NONE, 0)},
	{"asked, does not serve", {DOWN, FOR(ASKED)}, TO(NOTHING, NONE, 0)},
	{"asked, gone", {GONE, FOR(ASKED)}, TO(NOTHING, NONE, 0)},
	{"gone", {GONE}, TO(NOTHING, NONE, 0)},

	/* comes up */
	{"just started", {SERVES, FOR(ASKED), OTHER(SILENT)}, TO(NOTHING, NONE, NOW - 5000 + WINDOW)},
	{"answers", {SERVES, FOR(ASKED), OTHER(UP(0))}, TO(NOTHING, NONE, NOW - 5000 + WINDOW)},
	{"some connections", {SERVES, FOR(ASKED), OTHER(UP(3))}, TO(NOTHING, NONE, NOW - 5000 + WINDOW)},
	{"some misses", {SERVES, OTHER(UP(3), .failures = 2)}, TO(NOTHING, NONE, NOW - 5000 + WINDOW)},
	{"all connections", {SERVES, FOR(ASKED), OTHER(FULL(0))}, TO(NOTHING, NONE, NOW + SETTLE)},
	{"all, nearly settled", {SERVES, OTHER(FULL(1999))}, TO(NOTHING, NONE, NOW + 1)},
	{"settled", {SERVES, FOR(ASKED), OTHER(FULL(2000))}, TO(SWAP, NONE, 0)},
	{"settled, cause is gone", {SERVES, OTHER(FULL(2000))}, TO(SWAP, NONE, 0)},
	{"settled, older configuration", {SERVES, OTHER(FULL(2000), .config_behind = true)}, TO(NOTHING, NONE, NOW - 5000 + WINDOW)},
	{"settled, older configuration, late", {SERVES, OLD(WINDOW, FULL(2000), .config_behind = true)}, TO(ABANDON, STALE, 0)},
	{"some connections, older configuration, late", {SERVES, OLD(WINDOW, UP(3), .config_behind = true)}, TO(ABANDON, STALE, 0)},
	{"settled, to be proved", {SERVES, OTHER(FULL(2000), .edge_gate = EDGE_GATE_WAITS)}, TO(NOTHING, NONE, NOW + 250)},
	{"settles, to be proved", {SERVES, OTHER(FULL(1999), .edge_gate = EDGE_GATE_WAITS)}, TO(NOTHING, NONE, NOW + 1)},
	{"settled, proved", {SERVES, OTHER(FULL(2000), .edge_gate = EDGE_GATE_PASSED)}, TO(SWAP, NONE, 0)},
	{"settles, proved", {SERVES, OTHER(FULL(1999), .edge_gate = EDGE_GATE_PASSED)}, TO(NOTHING, NONE, NOW + 1)},
	{"never chosen by the edge", {SERVES, OLD(WINDOW, FULL(2000), .edge_gate = EDGE_GATE_WAITS)}, TO(SWAP, NONE, 0)},
	{"requests fail", {SERVES, FOR(ASKED), OTHER(FULL(100), .edge_gate = EDGE_GATE_FAILED)}, TO(ABANDON, EDGE, 0)},
	{"requests fail, late", {SERVES, OLD(WINDOW, FULL(9000), .edge_gate = EDGE_GATE_FAILED)}, TO(ABANDON, EDGE, 0)},
	{"requests fail, own is gone", {GONE, OTHER(FULL(9000), .edge_gate = EDGE_GATE_FAILED)}, TO(SWAP, NONE, 0)},
	{"window nearly over", {SERVES, OLD(WINDOW - 1, UP(3))}, TO(NOTHING, NONE, NOW + 1)},
	{"window over, silent", {SERVES, OLD(WINDOW, SILENT)}, TO(ABANDON, UNREADY, 0)},
	{"window over, fewer", {SERVES, OLD(WINDOW, UP(3))}, TO(ABANDON, UNREADY, 0)},
	{"window over, as few as own", {.running = true, .serves = true, .edge = 2, OLD(WINDOW, UP(2))}, TO(SWAP, NONE, 0)},
	{"window over, all at last", {SERVES, OLD(WINDOW, FULL(1))}, TO(SWAP, NONE, 0)},
	{"refused", {SERVES, OTHER(UP(0), .log_class = REASON_BAD_TOKEN)}, TO(ABANDON, BAD_TOKEN, 0)},
	{"words, no answer", {SERVES, OTHER(SILENT, .log_class = REASON_BAD_TOKEN)}, TO(NOTHING, NONE, NOW - 5000 + WINDOW)},
	{"quic does not come up", {SERVES, OTHER(UP(0), .quic_useless = true)}, TO(ABANDON, NO_QUIC, 0)},
	{"quic is given time", {SERVES, OTHER(UP(0), .quic_until_ms = NOW + 7)}, TO(NOTHING, NONE, NOW + 7)},
	{"hangs", {SERVES, OTHER(UP(0), .failures = 3)}, TO(ABANDON, HUNG, 0)},
	{"looks up names", {SERVES, OTHER(SILENT, .failures = 60)}, TO(NOTHING, NONE, NOW - 5000 + WINDOW)},
	{"stopped meanwhile", {SERVES, .unwanted = true, OTHER(FULL(2000))}, TO(TERM, ASKED, 0)},
	{"absent, gone", {GONE, .unwanted = true, OTHER(UP(1))}, TO(TERM, ASKED, 0)},

	/* another token, or another setting, meanwhile */
	{"old token, some connections", {SERVES, FOR(ASKED), OTHER(UP(2), .outdated = true)}, TO(TERM, ASKED, 0)},
	{"old token, settled", {SERVES, OTHER(FULL(2000), .outdated = true)}, TO(TERM, ASKED, 0)},
	{"old token, refused", {SERVES, OTHER(UP(0), .outdated = true, .log_class = REASON_BAD_TOKEN)}, TO(TERM, ASKED, 0)},
	{"old token, own ended", {GONE, OTHER(UP(2), .outdated = true)}, TO(SWAP, NONE, 0)},
	{"old token, own serves no more", {DOWN, OTHER(UP(2), .outdated = true)}, TO(SWAP, NONE, 0)},
	{"old token, own not heard yet", {.running = true, .edge = -1, .unheard = true, OTHER(FULL(1), .outdated = true)}, TO(NOTHING, NONE, NOW - 1 + SETTLE)},

	/* its own fails meanwhile */
	{"own ended", {GONE, OTHER(SILENT)}, TO(SWAP, NONE, 0)},
	{"own ended, asked", {GONE, FOR(ASKED), OTHER(UP(1))}, TO(SWAP, NONE, 0)},
	{"own serves no more", {DOWN, OTHER(UP(1))}, TO(SWAP, NONE, 0)},
	{"neither serves", {DOWN, OTHER(UP(0))}, TO(NOTHING, NONE, NOW - 5000 + WINDOW)},
	{"neither serves, hung", {DOWN, OTHER(UP(1), .failures = 3)}, TO(ABANDON, HUNG, 0)},

	/* drains */
	{"replaced", {SERVES, OTHER(UP(4), .full_ms = NOW - 9000, .replaced = true)}, TO(TERM, ASKED, 0)},
	{"replaced, new one not seen yet", {.running = true, .edge = -1, OTHER(SILENT, .replaced = true)}, TO(NOTHING, NONE, NOW - 5000 + WINDOW)},
	{"replaced, new one not heard yet", {.running = true, .edge = -1, .unheard = true, OTHER(UP(4), .replaced = true)}, TO(NOTHING, NONE, NOW - 5000 + WINDOW)},
	{"settles, own not heard yet", {.running = true, .edge = -1, .unheard = true, OTHER(FULL(1))}, TO(NOTHING, NONE, NOW - 1 + SETTLE)},
	{"replaced, new one is down", {DOWN, OTHER(UP(4), .replaced = true)}, TO(SWAP, NONE, 0)},
	{"replaced, new one is late", {DOWN, OLD(WINDOW, UP(0), .replaced = true)}, TO(TERM, ASKED, 0)},
	{"replaced, new one ended", {GONE, OTHER(UP(4), .replaced = true)}, TO(SWAP, NONE, 0)},
	{"drains", {SERVES, OTHER(UP(0), TERM(1), .replaced = true)}, TO(NOTHING, NONE, NOW - 1 + GRACE + 5000)},
	{"drains, own ended", {GONE, OTHER(UP(0), TERM(1), .replaced = true)}, TO(NOTHING, NONE, NOW - 1 + GRACE + 5000)},
	{"drains, asked again", {SERVES, FOR(ASKED), OTHER(UP(0), TERM(1), .replaced = true)}, TO(NOTHING, NONE, NOW - 1 + GRACE + 5000)},
	{"drains too long", {SERVES, OTHER(UP(0), TERM(35000), .replaced = true)}, TO(KILL, NONE, 0)},
	{"hung drains", {SERVES, OTHER(UP(0), TERM(1000), .failures = 3)}, TO(KILL, NONE, 0)},
	{"killed", {SERVES, OTHER(UP(0), TERM(35000), .kill_sent = true)}, TO(NOTHING, NONE, 0)},
	{"stop noted, done", {SERVES, OTHER(UP(0), TERM(900), .term_noted = true, .replaced = true)}, TO(NOTHING, NONE, NOW - 900 + GRACE + 5000)},
	{"stop noted, port closed", {SERVES, OTHER(UP(0), TERM(2000), .term_noted = true, .failures = 9)}, TO(NOTHING, NONE, NOW - 2000 + GRACE + 5000)},
	{"stop noted, never done", {SERVES, OTHER(UP(4), TERM(900), .term_noted = true, .replaced = true)}, TO(TERM, ASKED, 0)},

	/* what is left */
	{"ended", {SERVES, LEFT}, TO(TIDY, NONE, 0)},
	{"ended, asked again", {SERVES, FOR(ASKED), LEFT}, TO(TIDY, NONE, 0)},
	{"both ended", {GONE, LEFT}, TO(TIDY, NONE, 0)},
};
/* clang-format on */

static struct replace_facts whole(const struct replace_facts *given)
{
	struct replace_facts f = *given;

	f.now_ms = NOW;
	f.grace_ms = GRACE;
	f.settle_ms = SETTLE;
	f.window_ms = WINDOW;
	f.failure_limit = 3;
	return f;
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct replace_facts f = whole(&rows[i].f);
		struct replace_verdict v = replace_step(&f);
		const struct replace_verdict *w = &rows[i].v;

		if (v.action != w->action || v.reason != w->reason || v.wake_ms != w->wake_ms)
			fail_msg("%s: action %d, %s, wake %lld", rows[i].what, (int)v.action,
				 reason_info(v.reason)->name, (long long)v.wake_ms);
	}
}

static void test_every_row_is_met(void **state)
{
	size_t n = 0;

	(void)state;
	for (; replace_describe(n); n++)
		assert_non_null(strstr(replace_describe(n), " | "));
	assert_int_equal(n, 25);
	assert_string_equal(replace_describe(n - 1), "otherwise | NONE | NOTHING");
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

static void random_other(uint64_t *seed, struct replace_other *o)
{
	*o = (struct replace_other){.edge = -1, .there = pick(seed, 3) != 0};
	o->running = o->there && pick(seed, 4) != 0;
	if (!o->running)
		return;
	o->started_ms = NOW - pick(seed, 2 * WINDOW);
	o->replaced = pick(seed, 3) == 0;
	o->config_behind = pick(seed, 4) == 0;
	o->outdated = !pick(seed, 4);
	if (pick(seed, 4)) {
		o->last_answer_ms = o->started_ms + 1;
		o->edge = (int)pick(seed, 5);
		o->full_ms = o->edge == 4 ? NOW - pick(seed, 5000) : 0;
	}
	o->failures = (int)pick(seed, 5);
	o->log_class = pick(seed, 5) ? REASON_NONE : REASON_BAD_TOKEN;
	o->term_sent_ms = pick(seed, 3) ? 0 : NOW - pick(seed, 60000);
	o->term_noted = o->term_sent_ms && pick(seed, 2);
	o->kill_sent = o->term_sent_ms && !pick(seed, 4);
}

static struct replace_facts random_facts(uint64_t *seed)
{
	struct replace_facts f = {.edge = -1};

	f.unwanted = !pick(seed, 4);
	f.running = pick(seed, 4) != 0;
	f.edge = f.running ? (int)pick(seed, 6) - 1 : -1;
	f.serves = f.edge > 0 && pick(seed, 6);
	f.unheard = f.running && f.edge < 0 && pick(seed, 2);
	f.cause = pick(seed, 2) ? REASON_NONE : REASON_ASKED;
	f.not_before_ms = pick(seed, 3) ? 0 : NOW - 500 + pick(seed, 1000);
	random_other(seed, &f.other);
	return whole(&f);
}

static void check(const struct replace_facts *f, const struct replace_verdict *v)
{
	const struct replace_other *o = &f->other;

	/* Never a third; nothing is started beside what does not serve. */
	if (v->action == REPLACE_START)
		assert_true(!o->there && f->serves && !f->unwanted && f->cause != REASON_NONE);
	/* The place is given to what is better, or when there is nobody else. */
	if (v->action == REPLACE_SWAP)
		assert_true(o->running && !o->term_sent_ms && !f->unwanted &&
			    (!f->running ||
			     (o->edge > 0 && (!f->serves || o->edge >= f->edge || o->full_ms))));
	/* Who serves alone is never stopped here. */
	if (v->action == REPLACE_TERM && !o->term_noted && !f->unwanted)
		assert_true((o->outdated && f->serves) ||
			    (o->replaced && (f->serves || o->edge <= 0 || o->failures >= 3 ||
					     f->now_ms >= o->started_ms + f->window_ms)));
	/* The second SIGTERM cuts requests off. */
	if (v->action == REPLACE_TERM || v->action == REPLACE_ABANDON)
		assert_true(o->running && (!o->term_sent_ms || (o->term_noted && o->edge > 0)));
	if (v->action == REPLACE_KILL)
		assert_true(o->term_sent_ms && !o->kill_sent);
	if (v->action == REPLACE_TIDY)
		assert_true(o->there && !o->running);
	if (v->wake_ms)
		assert_true(v->action == REPLACE_NOTHING && v->wake_ms > f->now_ms);
}

static void test_whatever_the_facts(void **state)
{
	uint64_t seed = 0x9e3779b97f4a7c15u;
	size_t actions[REPLACE_TIDY + 1] = {0};

	(void)state;
	for (int i = 0; i < 300000; i++) {
		struct replace_facts f = random_facts(&seed);
		struct replace_verdict v = replace_step(&f);

		check(&f, &v);
		actions[v.action]++;
	}
	for (size_t i = 0; i < ARRAY_LEN(actions); i++)
		assert_true(actions[i] > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_every_row_is_met),
		cmocka_unit_test(test_whatever_the_facts),
	};

	return cmocka_run_group_tests_name("replace", tests, NULL, NULL);
}
