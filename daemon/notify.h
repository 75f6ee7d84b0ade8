/* What systemd is told: ready, status, watchdog, reloading, stopping; nothing without it. */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

#include "loop/loop.h"

struct notify {
	struct timer watchdog;
	int64_t every_ms; /* 0 = no watchdog wanted */
};

/* The watchdog is fed from a timer of the loop, so that it proves that the loop turns. */
void notify_start(struct notify *n, struct loop *l);
void notify_stop(struct notify *n);
void notify_ready(const char *status);
void notify_status(const char *status);
void notify_reloading(void);
void notify_stopping(void);

#endif
