#include "reconcile/pace.h"

#define SWEEP_MS (3600 * 1000LL) /* at the soonest */
/* Of the budget, in thousandths: all, and what observations leave for the sweep. */
#define SHARE_ALL   100
#define SHARE_SWEEP 20

/* The least time in which so many calls may be made from so many thousandths of the budget. */
static int64_t time_for(const struct pace_facts *f, int64_t calls, double thousandths)
{
	if (calls <= 0 || f->budget_calls <= 0 || f->window_ms <= 0)
		return 0;
	double a_call = (double)f->window_ms * 1000.0 / ((double)f->budget_calls * thousandths);
	return (int64_t)((double)calls * a_call) + 1;
}

static double share_of(const struct pace_facts *f, int64_t interval_ms)
{
	if (f->budget_calls <= 0 || f->window_ms <= 0 || interval_ms <= 0)
		return 0;
	return 1000.0 * (double)f->calls * (double)f->window_ms /
	       ((double)interval_ms * (double)f->budget_calls);
}

struct pace pace_of(const struct pace_facts *f)
{
	struct pace p = {.interval_ms = f->wanted_ms, .sweep_ms = SWEEP_MS};
	int64_t least = time_for(f, f->calls, SHARE_ALL - SHARE_SWEEP);
	if (p.interval_ms < least)
		p.interval_ms = least;
	least = time_for(f, f->tunnels, SHARE_ALL - share_of(f, p.interval_ms));
	if (p.sweep_ms < least)
		p.sweep_ms = least;
	return p;
}
