/*
 * The budget's arithmetic. Of the calls of a window a third may come in one burst; the rest drips
 * in over the window, so that no window of that length, wherever it begins, holds more than the
 * limit. What a full share cannot take goes to the others.
 */
#include "cloudflare/budget.h"

#include "cloudflare/limits.h"

static const double weight[CF_SHARES] = {
	[CF_SHARE_PEOPLE] = 0.4,
	[CF_SHARE_RECONCILE] = 0.4,
	[CF_SHARE_READS] = 0.2,
};

/* Who gets first what overflows, and whom people borrow from first. */
static const enum cf_share order[CF_SHARES] = {CF_SHARE_RECONCILE, CF_SHARE_READS, CF_SHARE_PEOPLE};

#define BURST_PART      3     /* one in so many calls of a window may come at once */
#define REFUSED_MS      60000 /* a 429 that does not say how long */
#define BLOCK_MAX_MS    3600000
#define WINDOW_SLACK_MS 2000 /* seconds in headers are rounded */
#define RESERVE_PART    20   /* one in so many of Cloudflare's calls is kept for people */

/* Every share can hold one call at least, however small the budget. */
static double share_cap(const struct budget *b, enum cf_share share)
{
	double cap = weight[share] * (double)b->calls / BURST_PART;

	return cap < 1 ? 1 : cap;
}

static double rate(const struct budget *b) /* calls a ms */
{
	double burst = 0, least = (double)b->calls / 2;

	for (int i = 0; i < CF_SHARES; i++)
		burst += share_cap(b, (enum cf_share)i);
	double drip = (double)b->calls - burst;
	return (drip < least ? least : drip) / (double)b->window_ms;
}

void budget_init(struct budget *b, int64_t calls, int64_t window_ms, int64_t now_ms)
{
	*b = (struct budget){
		.calls = calls > 0 ? calls : 1,
		.window_ms = window_ms > 0 ? window_ms : 300000,
		.filled_ms = now_ms,
		.remaining = -1,
	};
	for (int i = 0; i < CF_SHARES; i++)
		b->level[i] = share_cap(b, (enum cf_share)i);
}

/* Add to one share; what does not fit comes back. */
static double share_fill(struct budget *b, enum cf_share share, double amount)
{
	double room = share_cap(b, share) - b->level[share];
	double taken = amount < room ? amount : room;

	if (taken > 0)
		b->level[share] += taken;
	return taken > 0 ? amount - taken : amount;
}

static void refill(struct budget *b, int64_t now_ms)
{
	double over = 0;

	if (now_ms <= b->filled_ms)
		return;
	double amount = rate(b) * (double)(now_ms - b->filled_ms);
	b->filled_ms = now_ms;
	for (int i = 0; i < CF_SHARES; i++)
		over += share_fill(b, (enum cf_share)i, weight[i] * amount);
	for (int i = 0; i < CF_SHARES; i++)
		over = share_fill(b, order[i], over);
}

void budget_resize(struct budget *b, int64_t calls, int64_t window_ms, int64_t now_ms)
{
	struct budget fresh;

	refill(b, now_ms);
	budget_init(&fresh, calls, window_ms, now_ms);
	for (int i = 0; i < CF_SHARES; i++)
		fresh.level[i] *= b->level[i] / share_cap(b, (enum cf_share)i);
	fresh.blocked_until_ms = b->blocked_until_ms;
	fresh.remaining = b->remaining;
	fresh.reset_ms = b->reset_ms;
	fresh.limit = b->limit;
	*b = fresh;
}

/* What Cloudflare itself does not allow now: after a 429, or since its window is used up but for
 * what is kept for people. */
static int64_t held_ms(const struct budget *b, enum cf_share share, int64_t now_ms)
{
	int64_t reserve = share == CF_SHARE_PEOPLE ? 0 : b->limit / RESERVE_PART;

	if (now_ms < b->blocked_until_ms)
		return b->blocked_until_ms - now_ms;
	if (b->remaining >= 0 && b->remaining <= reserve && now_ms < b->reset_ms)
		return b->reset_ms - now_ms;
	return 0;
}

static bool share_take(struct budget *b, enum cf_share share)
{
	if (b->level[share] < 1)
		return false;
	b->level[share] -= 1;
	return true;
}

static bool take(struct budget *b, enum cf_share share)
{
	if (share_take(b, share))
		return true;
	for (int i = CF_SHARES - 1; i >= 0 && share == CF_SHARE_PEOPLE; i--)
		if (share_take(b, order[i]))
			return true;
	return false;
}

static int64_t share_wait(const struct budget *b, enum cf_share share)
{
	double missing = 1 - b->level[share];

	return (int64_t)(missing / (rate(b) * weight[share])) + 2;
}

int64_t budget_take(struct budget *b, enum cf_share share, int64_t now_ms)
{
	int64_t held = held_ms(b, share, now_ms), least;

	refill(b, now_ms);
	if (held > 0)
		return held;
	if (take(b, share)) {
		if (b->remaining > 0)
			b->remaining--;
		return 0;
	}
	least = share_wait(b, share);
	for (int i = 0; i < CF_SHARES && share == CF_SHARE_PEOPLE; i++) {
		int64_t wait = share_wait(b, (enum cf_share)i);

		least = wait < least ? wait : least;
	}
	return least;
}

void budget_headers(struct budget *b, const char *ratelimit, const char *policy, int64_t now_ms)
{
	struct limit_item items[LIMIT_ITEMS], policies[LIMIT_ITEMS];
	int n = limits_parse(ratelimit, 'r', 't', items);
	const struct limit_item *tight = limits_least(items, n);
	int m = limits_parse(policy, 'q', 'w', policies);
	const struct limit_item *quota = limits_named(policies, m, tight);

	if (quota)
		b->limit = quota->count;
	if (!tight || tight->seconds <= 0)
		return;
	int64_t ms = tight->seconds > BLOCK_MAX_MS / 1000 ? BLOCK_MAX_MS : tight->seconds * 1000;
	bool same_window = b->remaining >= 0 && now_ms < b->reset_ms &&
			   now_ms + ms <= b->reset_ms + WINDOW_SLACK_MS;

	/* Answers overtake each other: within a window the lowest figure is the newest. */
	if (same_window && b->remaining < tight->count)
		return;
	b->remaining = tight->count;
	b->reset_ms = now_ms + ms;
}

void budget_refused(struct budget *b, int64_t retry_after_ms, int64_t now_ms)
{
	int64_t wait = retry_after_ms > 0 ? retry_after_ms : REFUSED_MS;
	int64_t until = now_ms + (wait > BLOCK_MAX_MS ? BLOCK_MAX_MS : wait);

	refill(b, now_ms);
	if (until > b->blocked_until_ms)
		b->blocked_until_ms = until;
	/* No burst behind it: that is how one refusal becomes a minute of them. */
	for (int i = 0; i < CF_SHARES; i++)
		b->level[i] = b->level[i] > 1 ? 1 : b->level[i];
	b->filled_ms = b->blocked_until_ms;
}

void budget_left(const struct budget *b, int64_t now_ms, int64_t *remaining, int64_t *reset_ms)
{
	*remaining = -1;
	*reset_ms = 0;
	if (b->remaining >= 0 && now_ms < b->reset_ms) {
		*remaining = b->remaining;
		*reset_ms = b->reset_ms - now_ms;
	}
	if (now_ms < b->blocked_until_ms) {
		*remaining = 0;
		*reset_ms = b->blocked_until_ms - now_ms;
	}
}
