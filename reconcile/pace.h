/* Pure: how often Cloudflare is observed, so that looking around takes no more than a tenth of the
 * host's budget, whatever the fleet. */
#ifndef RECONCILE_PACE_H
#define RECONCILE_PACE_H

#include <stdint.h>

struct pace_facts {
	int64_t wanted_ms;               /* interval of the settings */
	int64_t calls;                   /* that one full observation took; 0 = not known */
	int64_t tunnels;                 /* whose configurations are read one by one */
	int64_t budget_calls, window_ms; /* of this host; 0 = no limit known */
};

struct pace {
	int64_t interval_ms; /* between full observations */
	int64_t soonest_ms;  /* when one is due before */
	int64_t sweep_ms;    /* in which each configuration is read once */
	int64_t hints;       /* configurations that may be read besides, after one observation */
};

struct pace pace_of(const struct pace_facts *f);

#endif
