#include "reconcile/pace.h"

#define SWEEP_MS (3600 * 1000LL) /* at the soonest */
/* Of the budget, in thousandths: all, and what observations leave for the sweep. */
#define SHARE_ALL   100
#define SHARE_SWEEP 20
#define SOONEST_MS  1000
#define HINTS_MAX   100

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

/* Half of what the interval leaves: the sweep gives up every second of its reads for them. At least
 * one, so that what was named is read at last. */
static int64_t hints_of(const struct pace_facts *f, int64_t interval_ms)
{
	if (f->budget_calls <= 0 || f->window_ms <= 0)
		return HINTS_MAX;
	double calls = (double)interval_ms * (double)f->budget_calls / (double)f->window_ms *
		       SHARE_ALL / 1000.0;
	int64_t half = ((int64_t)calls - f->calls) / 2;
	return half < 1 ? 1 : half > HINTS_MAX ? HINTS_MAX : half;
}

struct pace pace_of(const struct pace_facts *f)
{
	struct pace p = {.interval_ms = f->wanted_ms, .sweep_ms = SWEEP_MS};
	int64_t least = time_for(f, f->calls, SHARE_ALL - SHARE_SWEEP);
	p.soonest_ms = least > SOONEST_MS ? least : SOONEST_MS;
	if (p.interval_ms < least)
		p.interval_ms = least;
	least = time_for(f, f->tunnels, SHARE_ALL - share_of(f, p.interval_ms));
	if (p.sweep_ms < least)
		p.sweep_ms = least;
	p.hints = hints_of(f, p.interval_ms);
	return p;
}
