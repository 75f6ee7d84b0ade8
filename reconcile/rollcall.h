/*
 * Asks Cloudflare who is connected to the tunnels that run here, and writes whole answers into what
 * is observed of them: soon where supervise wants to know, else at a slow steady pace, one tunnel
 * after the other, all within a tenth of the host's budget. No answer changes nothing.
 */
#ifndef RECONCILE_ROLLCALL_H
#define RECONCILE_ROLLCALL_H

#include "cloudflare/connections.h"
#include "reconcile/act.h"

struct rollcall {
	struct loop *loop;
	struct cf *cf;
	struct world *world;
	struct watcher watcher;
	struct timer timer;
	struct cf_call call;
	bool calling;
	char asking[ID_SIZE]; /* whose list is on its way */
	int64_t asked_ms;     /* monotonic: when it was asked */
	int failures;         /* in a row */
	int64_t budget_calls, window_ms;
};

/* All borrowed. */
void rollcall_start(struct rollcall *r, const struct act_context *x, int64_t budget_calls,
		    int64_t window_ms);
void rollcall_configure(struct rollcall *r, int64_t budget_calls, int64_t window_ms);
void rollcall_stop(struct rollcall *r);

/* Pure: the least time between two questions, and how long after one a tunnel is asked about again
 * without cause, where so many run here. */
int64_t rollcall_gap(int64_t budget_calls, int64_t window_ms, int failures);
int64_t rollcall_steady(int64_t budget_calls, int64_t window_ms, int64_t tunnels);

#endif
