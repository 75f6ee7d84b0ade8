#include "daemon/notify.h"

#include <systemd/sd-daemon.h>

#include "base/clock.h"
#include "base/log.h"

static void watchdog_due(struct timer *t, void *owner)
{
	struct notify *n = owner;
	int64_t lag = loop_take_lag(t->loop);
	if (lag > n->every_ms)
		log_warning("the loop did not turn for %lld ms", (long long)lag);
	(void)sd_notify(0, "WATCHDOG=1");
	timer_start(t, n->every_ms);
}

void notify_start(struct notify *n, struct loop *l)
{
	uint64_t usec = 0;
	timer_init(&n->watchdog, l, watchdog_due, n);
	if (sd_watchdog_enabled(0, &usec) <= 0 || usec == 0)
		return;
	n->every_ms = (int64_t)(usec / 1000 / 3);
	if (n->every_ms < 1)
		n->every_ms = 1;
	timer_start(&n->watchdog, n->every_ms);
}

void notify_stop(struct notify *n)
{
	timer_stop(&n->watchdog);
}

void notify_ready(const char *status)
{
	(void)sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

void notify_status(const char *status)
{
	(void)sd_notifyf(0, "STATUS=%s", status);
}

void notify_reloading(void)
{
	(void)sd_notify(0, "RELOADING=1");
}

void notify_stopping(void)
{
	(void)sd_notify(0, "STOPPING=1\nSTATUS=Stopping; connectors go on");
}
