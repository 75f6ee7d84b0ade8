/*
 * Pure: what is wrong with a process that says it is well. Each finding leads to one replacement,
 * and then to none for a time that doubles: what a new process does not heal is told, not tried
 * without end. What is not known is never a reason.
 */
#ifndef SUPERVISE_HEAL_H
#define SUPERVISE_HEAL_H

#include "supervise/reason.h"

#define STALE_MS          (30 * 1000)
#define RESOURCES_LOOKS   3 /* above the ceiling in a row */
#define RESOURCES_WAIT_MS (3600 * 1000LL)
#define HEAL_MOST_MS      (6 * 3600 * 1000LL) /* no heal is ever further away */

/* What outlasts us. */
struct heal_kept {
	int heals;             /* in a row, none further than a day from the next */
	int64_t healed_ms;     /* wall: the last one; 0 = none */
	int64_t again_ms;      /* wall: not before */
	int64_t stale_version; /* of the configuration for which it was replaced; 0 = none */
};

struct heal_facts {
	int64_t now_ms, wall_ms;
	bool serves;             /* by its own words */
	int64_t missed_since_ms; /* monotonic: first look at Cloudflare's list without it; 0 = none
				  */
	int64_t missed_ms;       /* and the last one in a row */
	int64_t apart_ms;        /* between the two, at least */
	int64_t behind_since_ms; /* monotonic: it runs an older configuration since; 0 = it does not
				  */
	int64_t version_wanted;
	int over; /* looks in a row above a ceiling of resources */
	const struct heal_kept *kept;
};

struct heal_verdict {
	enum reason reason; /* what is wrong; REASON_NONE = nothing */
	bool replace;       /* else it is told, and waited */
	int64_t wake_ms;    /* monotonic; 0 = when a fact changes */
};

struct heal_verdict heal_judge(const struct heal_facts *f);
/* The table as rows of text, for docs and tests: NULL past the last. */
const char *heal_describe(size_t row);
/* It is being replaced for that. */
void heal_done(struct heal_kept *k, enum reason r, int64_t version, int64_t wall_ms,
	       uint64_t random);
bool heal_is_new(const struct heal_kept *k); /* nothing was ever written to it */
/* Read again after a restart of ours. */
void heal_recall(struct heal_kept *k, int64_t wall_ms);

#endif
