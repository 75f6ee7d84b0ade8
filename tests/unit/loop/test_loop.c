/* The loop: timers fire on time and in order, deferred calls keep their rounds, stopping works from
 * inside callbacks, descriptors and signals arrive. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "loop/loop.h"

#define GUARD_MS 5000

struct bench {
	struct loop *loop;
	struct timer guard;
	char trace[64];
	size_t n;
};

static void guard_fired(struct timer *t, void *owner)
{
	(void)t;
	(void)owner;
	fail_msg("the loop did not come to its end");
}

static int bench_open(void **state)
{
	struct bench *b = mem_alloc(sizeof(*b));

	b->loop = loop_new();
	timer_init(&b->guard, b->loop, guard_fired, NULL);
	timer_start(&b->guard, GUARD_MS);
	*state = b;
	return 0;
}

static int bench_close(void **state)
{
	struct bench *b = *state;

	timer_stop(&b->guard);
	loop_free(b->loop);
	free(b);
	return 0;
}

static void trace(struct bench *b, char c)
{
	assert_true(b->n + 1 < sizeof(b->trace));
	b->trace[b->n++] = c;
}

/* ---- timers ---- */

struct named_timer {
	struct timer timer;
	struct bench *bench;
	char name;
	int64_t fired_ms;
	bool last;
};

static void named_fired(struct timer *t, void *owner)
{
	struct named_timer *n = owner;

	assert_false(timer_active(t));
	n->fired_ms = clock_mono_ms();
	trace(n->bench, n->name);
	if (n->last)
		loop_stop(n->bench->loop);
}

static void test_timers_order(void **state)
{
	struct bench *b = *state;
	static const int64_t delays[] = {60, 20, 90, 40, 0};
	struct named_timer t[ARRAY_LEN(delays)] = {0};
	int64_t begun = clock_mono_ms();

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		t[i] = (struct named_timer){.bench = b, .name = (char)('a' + i)};
		t[i].last = i == 2;
		timer_init(&t[i].timer, b->loop, named_fired, &t[i]);
		timer_start(&t[i].timer, delays[i]);
		assert_true(timer_active(&t[i].timer));
	}
	loop_run(b->loop);
	assert_string_equal(b->trace, "ebdac");
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		assert_in_range(t[i].fired_ms - begun + 1, delays[i], delays[i] + 500);
}

/* A delay counts from the call, not from the begin of the loop's turn. */
static void late_started(struct deferred *d, void *owner)
{
	struct named_timer *n = owner;

	(void)d;
	usleep(80000);
	n->fired_ms = clock_mono_ms();
	timer_start(&n->timer, 50);
}

static void test_timer_after_work(void **state)
{
	struct bench *b = *state;
	struct named_timer t = {.bench = b, .name = 'x', .last = true};
	struct deferred d;
	int64_t begun = clock_mono_ms();

	timer_init(&t.timer, b->loop, named_fired, &t);
	deferred_init(&d, b->loop, late_started, &t);
	deferred_start(&d);
	loop_run(b->loop);
	assert_true(clock_mono_ms() - begun >= 129);
	assert_true(loop_take_lag(b->loop) >= 0);
}

static void test_timer_restart_and_stop(void **state)
{
	struct bench *b = *state;
	struct named_timer kept = {.bench = b, .name = 'k', .last = true};
	struct named_timer gone = {.bench = b, .name = 'g'};
	struct timer zeroed = {0};
	int64_t begun = clock_mono_ms();

	timer_stop(&zeroed);
	assert_false(timer_active(&zeroed));
	timer_init(&kept.timer, b->loop, named_fired, &kept);
	timer_init(&gone.timer, b->loop, named_fired, &gone);
	timer_start(&kept.timer, 1);
	timer_start(&kept.timer, 50);
	timer_start(&gone.timer, 5);
	timer_stop(&gone.timer);
	timer_stop(&gone.timer);
	loop_run(b->loop);
	assert_string_equal(b->trace, "k");
	assert_true(clock_mono_ms() - begun >= 49);
}

/* An owner may free its timer from the timer's own callback. */
static void self_freed(struct timer *t, void *owner)
{
	struct bench *b = owner;

	free(t);
	loop_stop(b->loop);
}

static void test_timer_freed_in_callback(void **state)
{
	struct bench *b = *state;
	struct timer *t = mem_alloc(sizeof(*t));

	timer_init(t, b->loop, self_freed, b);
	timer_start(t, 1);
	loop_run(b->loop);
}

/* ---- deferred calls ---- */

struct named_call {
	struct deferred deferred;
	struct bench *bench;
	char name;
	struct named_call *next; /* started from inside */
	struct named_call *stop; /* stopped from inside */
	int again;               /* starts itself that often */
	bool last;
};

static void named_called(struct deferred *d, void *owner)
{
	struct named_call *c = owner;

	trace(c->bench, c->name);
	if (c->next)
		deferred_start(&c->next->deferred);
	if (c->stop)
		deferred_stop(&c->stop->deferred);
	if (c->again-- > 0)
		deferred_start(d);
	if (c->last)
		loop_stop(c->bench->loop);
}

static void call_init(struct named_call *c, struct bench *b, char name)
{
	*c = (struct named_call){.bench = b, .name = name};
	deferred_init(&c->deferred, b->loop, named_called, c);
}

static void test_deferred_rounds(void **state)
{
	struct bench *b = *state;
	struct named_call a, c, d;

	call_init(&a, b, 'a');
	call_init(&c, b, 'c');
	call_init(&d, b, 'd');
	a.next = &d;
	d.last = true;
	deferred_start(&a.deferred);
	deferred_start(&c.deferred);
	deferred_start(&c.deferred);
	assert_int_equal(b->n, 0);
	loop_run(b->loop);
	assert_string_equal(b->trace, "acd");
}

static void test_deferred_stopped_by_sibling(void **state)
{
	struct bench *b = *state;
	struct named_call a, c, d;
	struct deferred zeroed = {0};

	deferred_stop(&zeroed);
	call_init(&a, b, 'a');
	call_init(&c, b, 'c');
	call_init(&d, b, 'd');
	a.stop = &c;
	d.last = true;
	deferred_start(&a.deferred);
	deferred_start(&c.deferred);
	deferred_start(&d.deferred);
	loop_run(b->loop);
	assert_string_equal(b->trace, "ad");
}

/* A call that starts itself for ever leaves the descriptors and timers their turn. */
static void pipe_ready(struct io *io, int events, void *owner)
{
	struct bench *b = owner;
	char c;

	assert_int_equal(events, IO_READ);
	assert_int_equal(read(io->fd, &c, 1), 1);
	trace(b, 'p');
	io_stop(io);
	loop_stop(b->loop);
}

static void test_deferred_does_not_starve(void **state)
{
	struct bench *b = *state;
	struct named_call a;
	struct io io;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	io_init(&io, b->loop, fds[0], pipe_ready, b);
	io_start(&io, IO_READ);
	assert_int_equal(write(fds[1], "x", 1), 1);
	call_init(&a, b, 'a');
	a.again = 40;
	deferred_start(&a.deferred);
	loop_run(b->loop);
	assert_non_null(strchr(b->trace, 'p'));
	assert_true(b->n < 5);
	deferred_stop(&a.deferred);
	close(fds[0]);
	close(fds[1]);
}

static void test_turn_does_not_sleep_after_deferred(void **state)
{
	struct bench *b = *state;
	struct named_call a;
	int64_t begun = clock_mono_ms();

	call_init(&a, b, 'a');
	deferred_start(&a.deferred);
	assert_true(loop_turn(b->loop)); /* the guard's timer is left */
	assert_string_equal(b->trace, "a");
	assert_true(clock_mono_ms() - begun < GUARD_MS);
	timer_stop(&b->guard);
	assert_false(loop_turn(b->loop));
}

/* ---- stop, lag, signals ---- */

static void test_stop_before_run(void **state)
{
	struct bench *b = *state;

	loop_stop(b->loop);
	loop_run(b->loop);
}

static void slow_fired(struct timer *t, void *owner)
{
	(void)t;
	(void)owner;
	usleep(60000);
}

static void test_lag(void **state)
{
	struct bench *b = *state;
	struct named_timer end = {.bench = b, .name = 'e', .last = true};
	struct timer slow;

	timer_init(&slow, b->loop, slow_fired, NULL);
	timer_init(&end.timer, b->loop, named_fired, &end);
	timer_start(&slow, 10);
	timer_start(&end.timer, 1000);
	loop_run(b->loop);
	assert_in_range(loop_take_lag(b->loop), 59, 700); /* the work, not the sleep */
	assert_int_equal(loop_take_lag(b->loop), 0);
}

static void signal_caught(struct signal_watch *s, int signo, void *owner)
{
	struct bench *b = owner;

	(void)s;
	assert_int_equal(signo, SIGUSR1);
	trace(b, 's');
	loop_stop(b->loop);
}

static void test_signal(void **state)
{
	struct bench *b = *state;
	struct signal_watch s = {0};

	signal_stop(&s);
	signal_start(&s, b->loop, SIGUSR1, signal_caught, b);
	raise(SIGUSR1);
	loop_run(b->loop);
	assert_string_equal(b->trace, "s");
	signal_stop(&s);
	signal_stop(&s);
}

static void test_io_events_change(void **state)
{
	struct bench *b = *state;
	struct io io, zeroed = {0};
	int fds[2];

	io_stop(&zeroed);
	assert_int_equal(pipe(fds), 0);
	io_init(&io, b->loop, fds[0], pipe_ready, b);
	io_start(&io, IO_WRITE);
	io_start(&io, 0);
	assert_int_equal(write(fds[1], "x", 1), 1);
	io_start(&io, IO_READ);
	loop_run(b->loop);
	assert_string_equal(b->trace, "p");
	close(fds[0]);
	close(fds[1]);
}

/* libev calls this one. The next so many watches of that descriptor find no memory. */
static int watches_refused, fd_refused;

int epoll_ctl(int set, int op, int fd, struct epoll_event *event)
{
	if (op == EPOLL_CTL_ADD && fd == fd_refused && watches_refused > 0) {
		watches_refused--;
		errno = ENOSPC;
		return -1;
	}
	return (int)syscall(SYS_epoll_ctl, set, op, fd, event);
}

static void ticked(struct timer *t, void *owner)
{
	(void)owner;
	timer_start(t, 5);
}

static void test_io_refused_by_the_kernel(void **state)
{
	struct bench *b = *state;
	struct timer tick;
	struct io io;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	io_init(&io, b->loop, fds[0], pipe_ready, b);
	fd_refused = fds[0];
	watches_refused = 3;
	/* It is tried again whenever the loop wakes. */
	timer_init(&tick, b->loop, ticked, b);
	timer_start(&tick, 5);
	io_start(&io, IO_READ);
	assert_int_equal(write(fds[1], "x", 1), 1);
	loop_run(b->loop);
	timer_stop(&tick);
	assert_int_equal(watches_refused, 0);
	assert_string_equal(b->trace, "p");
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_io_refused_by_the_kernel, bench_open,
						bench_close),
		cmocka_unit_test_setup_teardown(test_timers_order, bench_open, bench_close),
		cmocka_unit_test_setup_teardown(test_timer_after_work, bench_open, bench_close),
		cmocka_unit_test_setup_teardown(test_timer_restart_and_stop, bench_open,
						bench_close),
		cmocka_unit_test_setup_teardown(test_timer_freed_in_callback, bench_open,
						bench_close),
		cmocka_unit_test_setup_teardown(test_deferred_rounds, bench_open, bench_close),
		cmocka_unit_test_setup_teardown(test_deferred_stopped_by_sibling, bench_open,
						bench_close),
		cmocka_unit_test_setup_teardown(test_deferred_does_not_starve, bench_open,
						bench_close),
		cmocka_unit_test_setup_teardown(test_turn_does_not_sleep_after_deferred, bench_open,
						bench_close),
		cmocka_unit_test_setup_teardown(test_stop_before_run, bench_open, bench_close),
		cmocka_unit_test_setup_teardown(test_lag, bench_open, bench_close),
		cmocka_unit_test_setup_teardown(test_signal, bench_open, bench_close),
		cmocka_unit_test_setup_teardown(test_io_events_change, bench_open, bench_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
