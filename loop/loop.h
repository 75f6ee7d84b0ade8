/*
 * The event loop (libev) and the small things that hang on it: timers, descriptors, signals,
 * deferred calls. One thread. Watchers are embedded in their owners and are stopped before the
 * owner is freed. Callbacks run from the loop only, never from inside a start function.
 */
#ifndef LOOP_LOOP_H
#define LOOP_LOOP_H

#include "base/err.h"
#include "base/list.h"

struct loop;

struct loop *loop_new(void);
void loop_free(struct loop *l); /* everything on it has been stopped */
void loop_run(struct loop *l);  /* until loop_stop, or nothing is left to wait for */
/* One turn: wait at most until something happened. false when nothing is left to wait for. */
bool loop_turn(struct loop *l);
void loop_stop(struct loop *l);
/* The longest time between two turns of the loop since the last call, in ms. */
int64_t loop_take_lag(struct loop *l);

/* ---- timers: one shot; delay in ms, monotonic ---- */
struct timer;
typedef void timer_fn(struct timer *t, void *owner);
struct timer {
	struct loop *loop;
	timer_fn *fired;
	void *owner;
	int64_t due_us; /* monotonic */
	uint32_t place; /* among those of the loop that wait, from 1; 0 = it does not wait */
};
void timer_init(struct timer *t, struct loop *l, timer_fn *fired, void *owner);
void timer_start(struct timer *t, int64_t delay_ms); /* restarts a running one */
void timer_stop(struct timer *t);                    /* idempotent; fine on a zeroed timer */
bool timer_active(const struct timer *t);

/* ---- descriptors ---- */
enum { IO_READ = 1, IO_WRITE = 2 };
struct io;
typedef void io_fn(struct io *io, int events, void *owner);
struct io {
	struct loop *loop;
	io_fn *ready;
	int fd;
	_Alignas(8) unsigned char watcher[48]; /* the library's own struct */
};
void io_init(struct io *io, struct loop *l, int fd, io_fn *ready, void *owner);
void io_start(struct io *io, int events); /* changes the events of a running one; 0 stops */
void io_stop(struct io *io);              /* before the descriptor is closed */

/* ---- deferred calls: once, in this turn or the next, after the current callback returned ---- */
struct deferred;
typedef void deferred_fn(struct deferred *d, void *owner);
struct deferred {
	struct list node; /* on the loop's queue while waiting */
	struct loop *loop;
	deferred_fn *call;
	void *owner;
};
void deferred_init(struct deferred *d, struct loop *l, deferred_fn *call, void *owner);
void deferred_start(struct deferred *d); /* idempotent while waiting */
bool deferred_waits(const struct deferred *d);
void deferred_stop(struct deferred *d);

/* ---- signals ---- */
struct signal_watch;
typedef void signal_fn(struct signal_watch *s, int signo, void *owner);
struct signal_watch {
	struct loop *loop;
	signal_fn *caught;
	void *owner;
	_Alignas(8) unsigned char watcher[48];
};
void signal_start(struct signal_watch *s, struct loop *l, int signo, signal_fn *caught,
		  void *owner);
void signal_stop(struct signal_watch *s);

#endif
