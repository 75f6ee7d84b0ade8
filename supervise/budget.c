#include "supervise/budget.h"

#include "base/backoff.h"

static const struct backoff soon = {100, 60 * 1000, 50};
static const struct backoff slowly = {60 * 1000, BUDGET_MOST_MS, 10};

static void count(int *n)
{
	if (*n < BUDGET_COUNT_MOST)
		++*n;
}

void budget_ended(struct budget *b, const struct budget_end *end)
{
	int64_t delay = 0;

	b->last = end->reason;
	if (end->reason == REASON_ASKED) {
		b->exits = b->blocks = 0;
	} else if (reason_info(end->reason)->retry == RETRY_SLOWLY) {
		b->exits = 0;
		count(&b->blocks);
		delay = backoff_delay(&slowly, b->blocks, end->random);
	} else if (end->served && end->ran_ms >= STABLE_MS) {
		b->exits = b->blocks = 0;
	} else {
		b->blocks = 0;
		count(&b->exits);
		delay = backoff_delay(&soon, b->exits, end->random);
	}
	b->next_start_ms = delay ? end->now_ms + delay : 0;
}

void budget_forgive(struct budget *b)
{
	b->blocks = 0;
	b->next_start_ms = 0;
}

int64_t budget_replace_delay(int attempt, uint64_t random)
{
	return backoff_delay(&slowly, attempt, random);
}
