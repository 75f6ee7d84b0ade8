/*
 * The one place that knows libev. Our structs embed its watchers as plain storage, so that no
 * other file needs ev.h. Deferred calls are run just before the loop would sleep; while one
 * waits, an idle watcher keeps the loop from sleeping at all.
 */
#include "loop/loop.h"

#include <assert.h>
#include <ev.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "loop/loop_private.h"
#include "loop/spawn.h"
#include "loop/timers.h"

struct loop {
	struct ev_loop *ev;
	ev_prepare before_sleep;
	ev_check after_sleep;
	ev_idle awake;
	ev_timer alarm; /* for the first of the timers, or one that was before it */
	int64_t alarm_us;
	bool ringing; /* inside of its call, which sets it anew at its end */
	struct timers timers;
	struct list queue;   /* deferred calls for the next round */
	struct list running; /* what is left of this round */
	struct tail_watches *tail_watches;
	struct spawn_fds spawn_fds;
	struct spawn_signals spawn_signals;
	int64_t awake_since; /* 0 = asleep, or not yet run */
	int64_t lag;
	bool stopping;
};

#define WATCHER_FITS(holder, type)                                                                 \
	_Static_assert(sizeof(type) <= sizeof(((struct holder *)0)->watcher) &&                    \
			       _Alignof(type) <= 8,                                                \
		       "the watcher of struct " #holder " has no room for " #type)

WATCHER_FITS(io, ev_io);
WATCHER_FITS(signal_watch, ev_signal);

/* ---- deferred calls ---- */

static void awake_update(struct loop *l)
{
	if (list_empty(&l->queue) && list_empty(&l->running))
		ev_idle_stop(l->ev, &l->awake);
	else
		ev_idle_start(l->ev, &l->awake);
}

static void queue_take(struct loop *l)
{
	while (!list_empty(&l->queue)) {
		struct list *node = l->queue.next;

		list_remove(node);
		list_append(&l->running, node);
	}
}

/* What is added meanwhile waits for the next round, behind a look at the descriptors. */
static void deferred_run(struct loop *l)
{
	queue_take(l);
	while (!list_empty(&l->running)) {
		struct deferred *d = LIST_OF(l->running.next, struct deferred, node);

		list_remove(&d->node);
		d->call(d, d->owner);
	}
	awake_update(l);
}

void deferred_init(struct deferred *d, struct loop *l, deferred_fn *call, void *owner)
{
	list_init(&d->node);
	d->loop = l;
	d->call = call;
	d->owner = owner;
}

void deferred_start(struct deferred *d)
{
	if (!list_empty(&d->node))
		return;
	list_append(&d->loop->queue, &d->node);
	awake_update(d->loop);
}

bool deferred_waits(const struct deferred *d)
{
	return d->loop && !list_empty(&d->node);
}

void deferred_stop(struct deferred *d)
{
	if (!deferred_waits(d))
		return;
	list_remove(&d->node);
	awake_update(d->loop);
}

/* ---- the alarm of all timers ---- */

/* Of the same clock as the library's, whatever a test makes of ours. */
static int64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* Not later than the first timer is due; none waits: the loop has nothing to wait for. */
static void alarm_set(struct loop *l, int64_t now)
{
	const struct timer *first = timers_first(&l->timers);

	if (l->ringing || (first && ev_is_active(&l->alarm) && l->alarm_us <= first->due_us))
		return;
	ev_timer_stop(l->ev, &l->alarm);
	if (!first)
		return;
	/* The library's time is that of the turn's begin; long work since then would shorten the
	 * delay. It is asked after ours: so the alarm never comes a little too early. */
	ev_now_update(l->ev);
	l->alarm_us = first->due_us;
	ev_timer_set(&l->alarm, (double)(first->due_us > now ? first->due_us - now : 0) / 1e6, 0.);
	ev_timer_start(l->ev, &l->alarm);
}

/* What is started meanwhile is due later, be it by a microsecond, and waits for the next turn. */
static void alarm_came(struct ev_loop *ev, ev_timer *w, int events)
{
	struct loop *l = w->data;
	int64_t now = now_us();
	struct timer *t;

	(void)ev;
	(void)events;
	l->ringing = true;
	while ((t = timers_first(&l->timers)) && t->due_us <= now) {
		timers_remove(&l->timers, t);
		t->fired(t, t->owner);
	}
	l->ringing = false;
	alarm_set(l, now_us());
}

/* ---- the loop ---- */

static void loop_sleeps(struct ev_loop *ev, ev_prepare *w, int events)
{
	struct loop *l = w->data;

	(void)ev;
	(void)events;
	deferred_run(l);
	l->spawn_signals.known = false;
	if (l->awake_since) {
		int64_t took = clock_mono_ms() - l->awake_since;

		l->lag = took > l->lag ? took : l->lag;
		l->awake_since = 0;
	}
}

static void loop_woke(struct ev_loop *ev, ev_check *w, int events)
{
	struct loop *l = w->data;

	(void)ev;
	(void)events;
	l->awake_since = clock_mono_ms();
}

static void loop_idles(struct ev_loop *ev, ev_idle *w, int events)
{
	(void)ev;
	(void)w;
	(void)events;
}

struct loop *loop_new(void)
{
	struct loop *l = mem_alloc(sizeof(*l));

	if (spawn_fds_open(&l->spawn_fds)) {
		free(l);
		return NULL;
	}
	/* The environment must not choose the backend. */
	l->ev = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL);
	if (!l->ev)
		l->ev = ev_loop_new(EVFLAG_NOENV);
	if (!l->ev) {
		spawn_fds_close(&l->spawn_fds);
		free(l);
		return NULL;
	}
	list_init(&l->queue);
	list_init(&l->running);

	ev_timer_init(&l->alarm, alarm_came, 0., 0.);
	l->alarm.data = l;
	ev_prepare_init(&l->before_sleep, loop_sleeps);
	ev_check_init(&l->after_sleep, loop_woke);
	ev_idle_init(&l->awake, loop_idles);
	l->before_sleep.data = l;
	l->after_sleep.data = l;
	/* First of all that a turn calls, so that the lag counts all of them. */
	ev_set_priority(&l->after_sleep, EV_MAXPRI);
	ev_set_priority(&l->awake, EV_MINPRI);
	ev_prepare_start(l->ev, &l->before_sleep);
	ev_unref(l->ev);
	ev_check_start(l->ev, &l->after_sleep);
	ev_unref(l->ev);
	return l;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	assert(list_empty(&l->queue) && list_empty(&l->running) && !l->tail_watches);
	ev_idle_stop(l->ev, &l->awake);
	ev_timer_stop(l->ev, &l->alarm);
	timers_free(&l->timers);
	ev_ref(l->ev);
	ev_prepare_stop(l->ev, &l->before_sleep);
	ev_ref(l->ev);
	ev_check_stop(l->ev, &l->after_sleep);
	ev_loop_destroy(l->ev);
	spawn_fds_close(&l->spawn_fds);
	free(l);
}

void loop_run(struct loop *l)
{
	l->awake_since = 0;
	if (!l->stopping)
		ev_run(l->ev, 0);
	l->stopping = false;
}

bool loop_turn(struct loop *l)
{
	/* A deferred call that ran is something that happened: no sleep after it. */
	return ev_run(l->ev, list_empty(&l->queue) ? EVRUN_ONCE : EVRUN_NOWAIT) != 0;
}

void loop_stop(struct loop *l)
{
	l->stopping = true;
	ev_break(l->ev, EVBREAK_ALL);
}

struct tail_watches **loop_tail_watches(struct loop *l)
{
	return &l->tail_watches;
}

const struct spawn_fds *loop_spawn_fds(const struct loop *l)
{
	return &l->spawn_fds;
}

struct spawn_signals *loop_spawn_signals(struct loop *l)
{
	return &l->spawn_signals;
}

int64_t loop_take_lag(struct loop *l)
{
	int64_t lag = l->lag;

	l->lag = 0;
	return lag;
}

/* ---- timers ---- */

void timer_init(struct timer *t, struct loop *l, timer_fn *fired, void *owner)
{
	*t = (struct timer){.loop = l, .fired = fired, .owner = owner};
}

void timer_start(struct timer *t, int64_t delay_ms)
{
	int64_t now = now_us();

	timer_stop(t);
	t->due_us = now + (delay_ms > 0 ? delay_ms : 0) * 1000;
	timers_add(&t->loop->timers, t);
	alarm_set(t->loop, now);
}

/* The alarm may come for nothing then, once. */
void timer_stop(struct timer *t)
{
	if (!t->place)
		return;
	timers_remove(&t->loop->timers, t);
	if (!timers_first(&t->loop->timers))
		ev_timer_stop(t->loop->ev, &t->loop->alarm);
}

bool timer_active(const struct timer *t)
{
	return t->place != 0;
}

/* ---- descriptors ---- */

_Static_assert((int)IO_READ == (int)EV_READ && (int)IO_WRITE == (int)EV_WRITE,
	       "our events are the library's");

static void io_happened(struct ev_loop *ev, ev_io *w, int events)
{
	struct io *io = LIST_OF(w, struct io, watcher);

	/* When the kernel has no memory to watch it, libev gives it up; nobody would ever hear of
	 * it again. It is tried whenever the loop wakes. Not a closed descriptor: that is a
	 * mistake. */
	if ((events & EV_ERROR) && !ev_is_active(w) && fcntl(io->fd, F_GETFD) >= 0) {
		ev_io_set(w, io->fd, w->events & (IO_READ | IO_WRITE));
		ev_io_start(ev, w);
		return;
	}
	io->ready(io, events & (IO_READ | IO_WRITE), w->data);
}

static ev_io *io_watcher(struct io *io)
{
	return (ev_io *)(void *)io->watcher;
}

void io_init(struct io *io, struct loop *l, int fd, io_fn *ready, void *owner)
{
	ev_io *w = io_watcher(io);

	io->loop = l;
	io->ready = ready;
	io->fd = fd;
	ev_io_init(w, io_happened, fd, 0);
	w->data = owner;
}

void io_start(struct io *io, int events)
{
	ev_io *w = io_watcher(io);

	if (ev_is_active(w) && (w->events & (IO_READ | IO_WRITE)) == events)
		return;
	ev_io_stop(io->loop->ev, w);
	if (!events)
		return;
	ev_io_set(w, io->fd, events);
	ev_io_start(io->loop->ev, w);
}

void io_stop(struct io *io)
{
	if (io->loop)
		ev_io_stop(io->loop->ev, io_watcher(io));
}

/* ---- signals ---- */

static void signal_came(struct ev_loop *ev, ev_signal *w, int events)
{
	struct signal_watch *s = w->data;

	(void)ev;
	(void)events;
	s->caught(s, w->signum, s->owner);
}

void signal_start(struct signal_watch *s, struct loop *l, int signo, signal_fn *caught, void *owner)
{
	ev_signal *w = (ev_signal *)(void *)s->watcher;

	s->loop = l;
	s->caught = caught;
	s->owner = owner;
	ev_signal_init(w, signal_came, signo);
	w->data = s;
	ev_signal_start(l->ev, w);
}

void signal_stop(struct signal_watch *s)
{
	if (s->loop)
		ev_signal_stop(s->loop->ev, (ev_signal *)(void *)s->watcher);
}
