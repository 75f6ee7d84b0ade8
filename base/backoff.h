/* Pure: which delay follows the n-th failure. Exponential with a ceiling and jitter. */
#ifndef BASE_BACKOFF_H
#define BASE_BACKOFF_H

#include <stdint.h>

struct backoff {
	int64_t first_ms, ceiling_ms;
	int jitter_percent; /* delay is drawn from [d - j%, d] */
};

/* attempt counts from 1; random is any 64-bit number (same number, same delay). */
int64_t backoff_delay(const struct backoff *b, int attempt, uint64_t random);

#endif
