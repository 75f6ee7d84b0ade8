/*
 * All time goes through here, so that tests can replace it. Delays and deadlines use the monotonic
 * clock, people and the store the wall clock. Integer milliseconds.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

int64_t clock_mono_ms(void);
int64_t clock_wall_ms(void); /* since 1970-01-01 UTC */

/* Is it earlier than that? Asked of every deadline of a grant, and cheaper than what time it is. */
bool clock_before(int64_t wall_ms);

/* Tests: freeze both clocks at these values; (0, 0) gives the real ones back. */
void clock_freeze(int64_t mono_ms, int64_t wall_ms);

#endif
