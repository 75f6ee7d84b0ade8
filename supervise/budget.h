/*
 * Pure: when a connector that ended may start again. The first start after a stable run is at
 * once; the next ones wait 100 ms, doubling to a minute; what a restart does not heal is tried once
 * a minute, at last every ten. It is kept in the connector's folder, so that our own restart is no
 * way around it.
 */
#ifndef SUPERVISE_BUDGET_H
#define SUPERVISE_BUDGET_H

#include <stdint.h>

#include "supervise/reason.h"

struct budget {
	int exits, blocks; /* ends in a row: unstable runs; reasons that a restart does not heal */
	enum reason last;  /* why the last process ended; REASON_NONE = none did */
	int64_t next_start_ms; /* monotonic; 0 = at once */
};

struct budget_end {
	enum reason reason;
	int64_t ran_ms;
	bool served;     /* it was connected once: only such a run is a stable one */
	int64_t now_ms;  /* monotonic */
	uint64_t random; /* for the jitter */
};

void budget_ended(struct budget *b, const struct budget_end *end);
/* A fact changed: what was in vain may work now. */
void budget_forgive(struct budget *b);
/* A replacement that did not come up is tried again after so long; attempt counts from 1. */
int64_t budget_replace_delay(int attempt, uint64_t random);

#define STABLE_MS         (10 * 1000)  /* a run this long that served forgets earlier ends */
#define BUDGET_MOST_MS    (600 * 1000) /* no start is ever further away */
#define BUDGET_COUNT_MOST 1000

#endif
