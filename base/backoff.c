/* The delay doubles until its ceiling; jitter only shortens it, so the ceiling holds. */
#include "base/backoff.h"

static int64_t doubled(const struct backoff *b, int attempt)
{
	int64_t delay = b->first_ms;

	for (int i = 1; i < attempt && delay < b->ceiling_ms; i++) {
		if (delay <= 0 || delay > b->ceiling_ms / 2)
			return delay <= 0 ? 0 : b->ceiling_ms;
		delay *= 2;
	}
	return delay < b->ceiling_ms ? delay : b->ceiling_ms;
}

int64_t backoff_delay(const struct backoff *b, int attempt, uint64_t random)
{
	int64_t delay = doubled(b, attempt), spread;
	int percent = b->jitter_percent;

	if (delay <= 0)
		return 0;
	percent = percent < 0 ? 0 : percent > 100 ? 100 : percent;
	spread = delay / 100 * percent + delay % 100 * percent / 100;
	return delay - (int64_t)(random % ((uint64_t)spread + 1));
}
