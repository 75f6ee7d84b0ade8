/*
 * Places of rules. Host names are compared exactly; of two path patterns it is only known when they
 * cannot meet: different fixed beginnings, or a fixed path that the other does not fit. In doubt
 * they meet.
 */
#include "reconcile/place.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum breadth { APART, EQUAL, BROADER, NARROWER };

/* a against b */
static enum breadth compare_hosts(const char *a, const char *b)
{
	if (str_equal(a, b))
		return EQUAL;
	if (!a || (b && *a == '*' && hostname_matches(a, b)))
		return BROADER;
	if (!b || (*b == '*' && hostname_matches(b, a)))
		return NARROWER;
	return APART;
}

/* What every path that fits begins with: the plain text behind "^"; len 0 = not known. */
static struct json_span fixed_beginning(const char *pattern)
{
	size_t n = 0;
	if (*pattern != '^' || strchr(pattern, '|'))
		return (struct json_span){0};
	pattern++;
	while (pattern[n] > ' ' && pattern[n] < 0x7f && !strchr("\\.[](){}*+?$^", pattern[n]))
		n++;
	if (n && pattern[n] && strchr("*?{+", pattern[n]))
		n--;
	return (struct json_span){.p = pattern, .len = n};
}

static bool is_fixed(const char *pattern, struct json_span beginning)
{
	return beginning.len && str_equal(pattern + 1 + beginning.len, "$");
}

static bool paths_meet(const char *a, const char *b)
{
	struct json_span x = fixed_beginning(a), y = fixed_beginning(b);
	size_t n = x.len < y.len ? x.len : y.len;
	if (n && memcmp(x.p, y.p, n) != 0)
		return false;
	bool first = is_fixed(a, x);
	if (!first && !is_fixed(b, y))
		return true;
	AUTO(str_t) path = first ? str_ndup(x.p, x.len) : str_ndup(y.p, y.len);
	return pattern_matches(first ? b : a, path) != 0;
}

bool rules_meet(const struct rule *a, const struct rule *b)
{
	if (compare_hosts(a->hostname, b->hostname) == APART)
		return false;
	return a->every_path || b->every_path || str_equal(a->path, b->path) ||
	       paths_meet(a->path, b->path);
}

/* Every request that fits b fits a. */
static bool covers(const struct rule *a, const struct rule *b)
{
	enum breadth hosts = compare_hosts(a->hostname, b->hostname);
	return (hosts == EQUAL || hosts == BROADER) &&
	       (a->every_path || str_equal(a->path, b->path));
}

/* Of two that meet: would a have to stand before b to be served? */
static bool is_narrower(const struct rule *a, const struct rule *b)
{
	enum breadth hosts = compare_hosts(a->hostname, b->hostname);
	if (hosts != EQUAL)
		return hosts == NARROWER;
	if (a->every_path || b->every_path)
		return b->every_path;
	return strlen(a->path) > strlen(b->path);
}

/* ---- bounds: on which side of each foreign rule ---- */

struct placing {
	struct place *ours;
	size_t n;
	const struct rule *const *foreign;
	size_t n_foreign;
	place_ask_fn *ask;
	void *owner;
};

static bool is_present(const struct place *p)
{
	return p->standing || !p->out;
}

static bool stays_put(const struct place *p)
{
	return p->standing && !p->moving;
}

static void stand_before(struct place *p, size_t i)
{
	if (i < p->highest)
		p->highest = i;
}

static void stand_behind(struct place *p, size_t i)
{
	p->lowest = i + 1;
}

static void unbound(const struct placing *x, struct place *p)
{
	p->lowest = 0;
	p->highest = x->n_foreign;
}

/* The side of each foreign rule on which it stands is not ours to change; but one that takes all
 * of its requests makes it dead. */
static void bound_standing(const struct placing *x, struct place *p, bool ask)
{
	bool dead = false, moves = true;
	unbound(x, p);
	for (size_t i = 0; i < x->n_foreign; i++) {
		if (!rules_meet(p->key, x->foreign[i]))
			continue;
		if (i >= p->slot) {
			stand_before(p, i);
			continue;
		}
		stand_behind(p, i);
		if (!ask || !covers(x->foreign[i], p->key))
			continue;
		dead = true;
		moves = x->ask(x->owner, (size_t)(p - x->ours), PLACE_DEAD, i) && moves;
	}
	p->moving = dead && moves;
	p->out = p->out || (dead && !moves);
}

/* In front of foreign rule i, where ours is narrower, only when a person let it. */
static bool bound_narrower(const struct placing *x, struct place *p, size_t i)
{
	stand_before(p, i);
	return x->ask(x->owner, (size_t)(p - x->ours), PLACE_SHADOWS, i);
}

static void bound_new(const struct placing *x, struct place *p)
{
	unbound(x, p);
	for (size_t i = 0; i < x->n_foreign; i++) {
		if (!rules_meet(p->key, x->foreign[i]))
			continue;
		if (!is_narrower(p->key, x->foreign[i]))
			stand_behind(p, i);
		else if (!bound_narrower(x, p, i))
			p->out = true;
	}
}

/* It stands, and was let in front of what took all of its requests. */
static void bound_moving(const struct placing *x, struct place *p)
{
	unbound(x, p);
	for (size_t i = 0; i < x->n_foreign; i++) {
		if (!rules_meet(p->key, x->foreign[i]))
			continue;
		if (i >= p->slot || covers(x->foreign[i], p->key))
			stand_before(p, i);
		else if (!is_narrower(p->key, x->foreign[i]))
			stand_behind(p, i);
		else if (!bound_narrower(x, p, i))
			p->out = true;
	}
}

static void leave_out(const struct placing *x, struct place *p)
{
	p->out = true;
	p->moving = false;
	if (p->standing)
		bound_standing(x, p, false);
}

static void bound(const struct placing *x, struct place *p)
{
	p->moving = false;
	if (p->standing)
		bound_standing(x, p, !p->out);
	else if (!p->out)
		bound_new(x, p);
	if (p->moving)
		bound_moving(x, p);
	if (p->moving && p->out)
		leave_out(x, p);
}

/* ---- slots ---- */

enum { CLOSE = 1, LENIENT = 2, DECIDE = 4 };
#define ROUNDS_MAX 64

/* Not behind those of ours that share its requests and are broader. Lenient: two that both stand
 * there in the wrong order may keep it. */
static size_t ceiling(const struct placing *x, size_t k, int how)
{
	const struct place *ours = x->ours, *p = &ours[k];
	size_t most = p->highest;
	for (size_t j = k + 1; j < x->n; j++) {
		if (!is_present(&ours[j]) || ours[j].tried >= most)
			continue;
		if ((how & LENIENT) && stays_put(p) && stays_put(&ours[j]) && ours[j].at < p->at)
			continue;
		if (rules_meet(p->key, ours[j].key))
			most = ours[j].tried;
	}
	return most;
}

/* From the last to the first, each as late as it may stand; close: standing ones where they are and
 * new ones beside the next of ours. Late is complete: when it fails there is no order at all.
 * Decide: a new one without a place is left out. Answers which one is stuck; n = none. */
static size_t assign(const struct placing *x, int how)
{
	size_t next = x->n_foreign;
	for (size_t k = x->n; k-- > 0;) {
		struct place *p = &x->ours[k];
		if (!is_present(p))
			continue;
		size_t slot = ceiling(x, k, how);
		size_t liked = stays_put(p) ? p->slot : next;
		if ((how & CLOSE) && liked < slot)
			slot = liked > p->lowest ? liked : p->lowest;
		if (slot < p->lowest && (how & DECIDE) && !p->standing) {
			(void)x->ask(x->owner, k, PLACE_KNOT, 0);
			leave_out(x, p);
			continue;
		}
		if (slot < p->lowest)
			return k;
		next = p->tried = slot;
	}
	return x->n;
}

static void knot(const struct placing *x, struct place *p)
{
	(void)x->ask(x->owner, (size_t)(p - x->ours), PLACE_KNOT, 0);
	leave_out(x, p);
}

/* One that stands is stuck: what holds it back is new, or moves, and is broader. */
static void untie(const struct placing *x, size_t stuck, bool all)
{
	struct place *p = &x->ours[stuck];
	if (!stays_put(p)) {
		knot(x, p);
		return;
	}
	for (size_t j = x->n; j-- > 0;) {
		struct place *q = &x->ours[j];
		if (!is_present(q) || stays_put(q))
			continue;
		if (all || (j > stuck && q->tried < p->lowest)) {
			knot(x, q);
			if (!all)
				return;
		}
	}
}

static void keep_tried(const struct placing *x, size_t *slots)
{
	for (size_t k = 0; k < x->n; k++)
		slots[k] = x->ours[k].tried;
}

/* Some of ours have no place: without them the others have. */
static void place_most(const struct placing *x, size_t *slots)
{
	size_t stuck;
	for (int round = 0; round <= ROUNDS_MAX + 1; round++) {
		stuck = assign(x, LENIENT | DECIDE);
		if (stuck == x->n)
			break;
		untie(x, stuck, round >= ROUNDS_MAX);
	}
	keep_tried(x, slots);
	if (assign(x, LENIENT | CLOSE) == x->n)
		keep_tried(x, slots);
}

void place_rules(struct place *ours, size_t n, const struct rule *const *foreign, size_t n_foreign,
		 place_ask_fn *ask, void *owner)
{
	struct placing x = {ours, n, foreign, n_foreign, ask, owner};
	size_t *slots = mem_array(n + 1, sizeof(*slots));
	for (size_t k = 0; k < n; k++)
		bound(&x, &ours[k]);
	if (assign(&x, CLOSE) == n || assign(&x, 0) == n)
		keep_tried(&x, slots);
	else
		place_most(&x, slots);
	for (size_t k = 0; k < n; k++)
		ours[k].slot = slots[k];
	free(slots);
}
