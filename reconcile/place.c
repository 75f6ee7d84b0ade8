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

enum { CLOSE = 1, LENIENT = 2, DECIDE = 4, STANDING = 8 };
#define MOVES_MAX 64 /* tried one by one */

/* Must a stand before b, which is after it in our order? Lenient: two that both stand there in the
 * wrong order may keep it. */
static bool is_bound(const struct place *a, const struct place *b, int how)
{
	if ((how & LENIENT) && stays_put(a) && stays_put(b) && b->at < a->at)
		return false;
	return rules_meet(a->key, b->key);
}

/* Not behind those of ours that share its requests and are broader. */
static size_t ceiling(const struct placing *x, size_t k, int how)
{
	const struct place *ours = x->ours;
	size_t most = ours[k].highest;
	for (size_t j = k + 1; j < x->n; j++) {
		if (!is_present(&ours[j]) || ((how & STANDING) && !ours[j].standing))
			continue;
		if (ours[j].tried < most && is_bound(&ours[k], &ours[j], how))
			most = ours[j].tried;
	}
	return most;
}

/* From the last to the first, each as late as it may stand; close: standing ones where they are and
 * new ones beside the next of ours. Late is complete: when it fails there is no order at all.
 * Decide: a new one that leaves itself or one that stands without a place is left out. Standing:
 * as if there were no new ones. Answers whether all have a place. */
static bool assign(const struct placing *x, int how)
{
	size_t next = x->n_foreign;
	for (size_t k = x->n; k-- > 0;) {
		struct place *p = &x->ours[k];
		if (!is_present(p) || ((how & STANDING) && !p->standing))
			continue;
		size_t slot = ceiling(x, k, how);
		size_t liked = stays_put(p) ? p->slot : next;
		if ((how & DECIDE) && !p->standing && slot < p->earliest) {
			(void)x->ask(x->owner, k, PLACE_KNOT, 0);
			leave_out(x, p);
			continue;
		}
		if (slot < p->lowest)
			return false;
		if ((how & CLOSE) && liked < slot)
			slot = liked > p->lowest ? liked : p->lowest;
		next = p->tried = slot;
	}
	return true;
}

/* Not before those that stand, share its requests and are narrower. */
static void find_earliest(const struct placing *x)
{
	for (size_t k = 0; k < x->n; k++) {
		struct place *p = &x->ours[k];
		p->earliest = p->lowest;
		for (size_t j = 0; j < k && is_present(p); j++)
			if (x->ours[j].standing && x->ours[j].earliest > p->earliest &&
			    is_bound(&x->ours[j], p, LENIENT))
				p->earliest = x->ours[j].earliest;
	}
}

static void move(const struct placing *x, struct place *p)
{
	p->moving = true;
	bound_moving(x, p);
}

static void move_or_not(const struct placing *x, struct place *p, bool may)
{
	move(x, p);
	if (may && assign(x, LENIENT | STANDING))
		return;
	(void)x->ask(x->owner, (size_t)(p - x->ours), PLACE_KNOT, 0);
	leave_out(x, p);
}

/* Where they stand all have a place; each that is to move must leave one to the others that stand.
 */
static void decide_moves(const struct placing *x)
{
	if (assign(x, LENIENT | STANDING))
		return;
	size_t *waiting = mem_array(x->n + 1, sizeof(*waiting)), n = 0;
	for (size_t k = 0; k < x->n; k++) {
		if (!x->ours[k].moving)
			continue;
		waiting[n++] = k;
		bound_standing(x, &x->ours[k], false);
	}
	for (size_t i = 0; i < n; i++)
		move_or_not(x, &x->ours[waiting[i]], i < MOVES_MAX);
	free(waiting);
}

static void keep_tried(const struct placing *x, size_t *slots)
{
	for (size_t k = 0; k < x->n; k++)
		slots[k] = x->ours[k].tried;
}

/* Some of ours have no place. One by one, and what is left out bears on none of the others: each
 * fares as if it were not there. */
static void place_most(const struct placing *x, size_t *slots)
{
	decide_moves(x);
	find_earliest(x);
	(void)assign(x, LENIENT | DECIDE);
	keep_tried(x, slots);
	if (assign(x, LENIENT | CLOSE))
		keep_tried(x, slots);
}

void place_rules(struct place *ours, size_t n, const struct rule *const *foreign, size_t n_foreign,
		 place_ask_fn *ask, void *owner)
{
	struct placing x = {ours, n, foreign, n_foreign, ask, owner};
	size_t *slots = mem_array(n + 1, sizeof(*slots));
	for (size_t k = 0; k < n; k++)
		bound(&x, &ours[k]);
	if (assign(&x, CLOSE) || assign(&x, 0))
		keep_tried(&x, slots);
	else
		place_most(&x, slots);
	for (size_t k = 0; k < n; k++)
		ours[k].slot = slots[k];
	free(slots);
}
