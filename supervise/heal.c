/* Findings as one ordered table; above all of them, the ceiling. */
#include "supervise/heal.h"

#include <stddef.h>

#include "base/backoff.h"
#include "base/mem.h"

#define DAY_MS     (24 * 3600 * 1000LL)
#define HEALS_MOST 1000

static const struct backoff between = {600 * 1000, HEAL_MOST_MS, 10};

/* ---- conditions ---- */

static bool serves_nobody(const struct heal_facts *f)
{
	return !f->serves;
}

static bool half_open(const struct heal_facts *f)
{
	return f->missed_since_ms && f->missed_ms - f->missed_since_ms >= f->apart_ms;
}

static bool behind_long(const struct heal_facts *f)
{
	return f->behind_since_ms && f->now_ms - f->behind_since_ms >= STALE_MS;
}

static bool behind_again(const struct heal_facts *f)
{
	return behind_long(f) && f->kept->stale_version >= f->version_wanted;
}

static bool behind(const struct heal_facts *f)
{
	return f->behind_since_ms != 0;
}

static bool too_large(const struct heal_facts *f)
{
	return f->over >= RESOURCES_LOOKS;
}

static bool otherwise(const struct heal_facts *f)
{
	(void)f;
	return true;
}

static int64_t at_stale(const struct heal_facts *f)
{
	return f->behind_since_ms + STALE_MS;
}

/* ---- the table ---- */

struct rule {
	const char *text;
	bool (*holds)(const struct heal_facts *f);
	enum reason reason;
	bool replace;
	int64_t (*wake)(const struct heal_facts *f);
};

enum { NOTHING = false, TELL = false, REPLACE = true };

#define RULE(when, holds, reason, act, wake)                                                       \
	{                                                                                          \
		when " | " #reason " | " #act, holds, REASON_##reason, act, wake                   \
	}

/* clang-format off */
static const struct rule rules[] = {
	RULE("does not serve by its own words",                             serves_nobody, NONE,      NOTHING, NULL),
	RULE("serves, two looks at Cloudflare's list lack it",              half_open,     HALF_OPEN, REPLACE, NULL),
	RULE("serves an older configuration, was replaced for that before", behind_again,  STALE,     TELL,    NULL),
	RULE("serves an older configuration for 30 s",                      behind_long,   STALE,     REPLACE, NULL),
	RULE("serves, above a ceiling of resources in three looks",         too_large,     RESOURCES, REPLACE, NULL),
	RULE("serves an older configuration",                               behind,        NONE,      NOTHING, at_stale),
	RULE("otherwise",                                                   otherwise,     NONE,      NOTHING, NULL),
};
/* clang-format on */

struct heal_verdict heal_judge(const struct heal_facts *f)
{
	struct heal_verdict v = {.reason = REASON_NONE};
	size_t i = 0;

	while (i + 1 < ARRAY_LEN(rules) && !rules[i].holds(f))
		i++;
	v.reason = rules[i].reason;
	v.replace = rules[i].replace;
	v.wake_ms = rules[i].wake ? rules[i].wake(f) : 0;
	if (v.replace && f->wall_ms < f->kept->again_ms) {
		v.replace = false;
		v.wake_ms = f->now_ms + f->kept->again_ms - f->wall_ms;
	}
	return v;
}

const char *heal_describe(size_t row)
{
	return row < ARRAY_LEN(rules) ? rules[row].text : NULL;
}

/* ---- the ceiling ---- */

void heal_done(struct heal_kept *k, enum reason r, int64_t version, int64_t wall_ms,
	       uint64_t random)
{
	int64_t wait, since = wall_ms - k->healed_ms;

	if (!k->healed_ms || since < 0 || since > DAY_MS)
		k->heals = 0;
	if (k->heals < HEALS_MOST)
		k->heals++;
	wait = backoff_delay(&between, k->heals, random);
	if (r == REASON_RESOURCES && wait < RESOURCES_WAIT_MS)
		wait = RESOURCES_WAIT_MS;
	if (r == REASON_STALE)
		k->stale_version = version;
	k->healed_ms = wall_ms;
	k->again_ms = wall_ms + wait;
}

bool heal_is_new(const struct heal_kept *k)
{
	return !k->heals && !k->healed_ms && !k->again_ms && !k->stale_version;
}

void heal_recall(struct heal_kept *k, int64_t wall_ms)
{
	if (k->again_ms > wall_ms + HEAL_MOST_MS)
		k->again_ms = wall_ms + HEAL_MOST_MS;
}
