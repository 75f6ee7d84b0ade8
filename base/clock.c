/* Both clocks, and the one place where tests stop them. */
#include "base/clock.h"

#include <time.h>

#define COARSE_MS 1000

/* Test state; a process under test is single-threaded as the daemon is. */
static struct {
	int64_t mono_ms, wall_ms;
} frozen;

static int64_t read_clock(clockid_t id)
{
	struct timespec t = {0};

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t clock_mono_ms(void)
{
	if (frozen.mono_ms || frozen.wall_ms)
		return frozen.mono_ms;
	return read_clock(CLOCK_MONOTONIC);
}

int64_t clock_wall_ms(void)
{
	if (frozen.mono_ms || frozen.wall_ms)
		return frozen.wall_ms;
	return read_clock(CLOCK_REALTIME);
}

/* The coarse clock is behind by a tick of the kernel's, of which there are 100 a second at least.
 */
bool clock_before(int64_t wall_ms)
{
	bool real = !frozen.mono_ms && !frozen.wall_ms;

	if (real && read_clock(CLOCK_REALTIME_COARSE) < wall_ms - COARSE_MS)
		return true;
	return clock_wall_ms() < wall_ms;
}

void clock_freeze(int64_t mono_ms, int64_t wall_ms)
{
	frozen.mono_ms = mono_ms;
	frozen.wall_ms = wall_ms;
}
