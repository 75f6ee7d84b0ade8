/*
 * Pure: how long a call must wait so that the token's budget holds. A token bucket for our own
 * limit, corrected downwards by what Cloudflare's Ratelimit headers say, with shares so that
 * reconciling cannot starve people nor one kind of call spend all. 429 stops everybody until its
 * Retry-After.
 */
#ifndef CLOUDFLARE_BUDGET_H
#define CLOUDFLARE_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "cloudflare/client.h"

struct budget {
	int64_t calls, window_ms;
	double level[CF_SHARES];     /* calls each share may make now */
	int64_t filled_ms;           /* monotonic */
	int64_t blocked_until_ms;    /* monotonic; 0 = not */
	int64_t remaining, reset_ms; /* by header; remaining -1 = not told. reset is monotonic */
	int64_t limit;               /* by Ratelimit-Policy; 0 = not told */
};

void budget_init(struct budget *b, int64_t calls, int64_t window_ms, int64_t now_ms);
/* Other limits from now on; what was spent stays spent. */
void budget_resize(struct budget *b, int64_t calls, int64_t window_ms, int64_t now_ms);
/* 0 = may go now (and is counted), else ms to wait. People may borrow from the other shares. */
int64_t budget_take(struct budget *b, enum cf_share share, int64_t now_ms);
/* The structured-field headers of an answer: Ratelimit: "default";r=50;t=30, Ratelimit-Policy:
 * "burst";q=100;w=60 (lists; the tightest item counts). NULL = header absent. Malformed: ignored.
 */
void budget_headers(struct budget *b, const char *ratelimit, const char *policy, int64_t now_ms);
/* 429: nobody calls for retry_after_ms (0 = not said: 60 s). */
void budget_refused(struct budget *b, int64_t retry_after_ms, int64_t now_ms);
/* For status: calls left by header (-1 = not told) and ms until there are more. */
void budget_left(const struct budget *b, int64_t now_ms, int64_t *remaining, int64_t *reset_ms);
/* Seconds or an HTTP date to come, one second at least; 0 when absent, unreadable or past. */
int64_t retry_after_parse(const char *text, int64_t wall_ms);

#endif
