/*
 * The reason why an object is not as desired, kept on the object: kind, one sentence, what to do,
 * since when, how often tried. Also how long it waits before the next try.
 */
#ifndef MODEL_PROBLEM_H
#define MODEL_PROBLEM_H

#include "base/err.h"

struct problem {
	struct err err;
	int64_t since_ms;    /* wall: first seen */
	int64_t next_try_ms; /* monotonic; 0 = nothing is tried until a fact changes */
	int attempts;        /* failures in a row with the same kind */
};

/* Put or replace the problem of an object. The same kind keeps since_ms and counts attempts up.
 * next_try_ms becomes 0: whoever means to try again sets it afterwards. */
void problem_set(struct problem **slot, const struct err *e, int64_t wall_ms);
void problem_clear(struct problem **slot);

#endif
