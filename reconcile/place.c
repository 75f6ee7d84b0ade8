/*
 * Places of rules. Host names are compared exactly; of two path patterns it is only known when they
 * cannot meet: different fixed beginnings, or a fixed path that the other does not fit. In doubt
 * they meet.
 */
#include "reconcile/place.h"

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

/* ---- bounds ---- */

/* A standing rule: the side of each foreign rule on which it stands is not ours to change. */
static enum place_fault bound_standing(struct place *p, const struct rule *foreign, size_t i)
{
	if (i >= p->slot) {
		if (i < p->highest)
			p->highest = i;
		return PLACE_OK;
	}
	p->lowest = i + 1;
	return covers(foreign, p->key) ? PLACE_DEAD : PLACE_OK;
}

static enum place_fault bound_new(struct place *p, const struct rule *foreign, size_t i)
{
	if (is_narrower(p->key, foreign))
		return PLACE_SHADOWS;
	p->lowest = i + 1;
	return PLACE_OK;
}

static enum place_fault bound(struct place *p, const struct rule *const *foreign, size_t n,
			      size_t *foreign_index)
{
	enum place_fault fault = PLACE_OK;
	p->lowest = 0;
	p->highest = n;
	for (size_t i = 0; i < n && fault == PLACE_OK; i++) {
		if (!rules_meet(p->key, foreign[i]))
			continue;
		*foreign_index = i;
		fault = p->standing ? bound_standing(p, foreign[i], i)
				    : bound_new(p, foreign[i], i);
	}
	return fault;
}

/* ---- slots ---- */

/* Not behind those of ours that share its requests and are broader. */
static size_t ceiling(const struct place *ours, size_t k, size_t n)
{
	size_t most = ours[k].highest;
	for (size_t j = k + 1; j < n; j++)
		if (ours[j].tried < most && rules_meet(ours[k].key, ours[j].key))
			most = ours[j].tried;
	return most;
}

/* From the last to the first, each as late as it may stand; with keep, standing ones where they are
 * and new ones beside the next of ours. Late is complete: when it fails there is no order at all.
 */
static bool assign(struct place *ours, size_t n, bool keep, size_t *which)
{
	for (size_t k = n; k-- > 0;) {
		struct place *p = &ours[k];
		size_t slot = ceiling(ours, k, n);
		size_t liked = p->standing ? p->slot : k + 1 < n ? ours[k + 1].tried : slot;
		if (keep && liked < slot)
			slot = liked > p->lowest ? liked : p->lowest;
		if (slot < p->lowest) {
			*which = k;
			return false;
		}
		p->tried = slot;
	}
	return true;
}

enum place_fault place_rules(struct place *ours, size_t n, const struct rule *const *foreign,
			     size_t n_foreign, size_t *which, size_t *foreign_index)
{
	for (size_t k = 0; k < n; k++) {
		enum place_fault fault = bound(&ours[k], foreign, n_foreign, foreign_index);
		*which = k;
		if (fault != PLACE_OK)
			return fault;
	}
	if (!assign(ours, n, true, which) && !assign(ours, n, false, which))
		return PLACE_KNOT;
	for (size_t k = 0; k < n; k++)
		ours[k].slot = ours[k].tried;
	return PLACE_OK;
}

bool place_inverted(const struct place *ours, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t j = i + 1; j < n; j++)
			if (ours[i].standing && ours[j].standing && ours[i].at > ours[j].at &&
			    rules_meet(ours[i].key, ours[j].key))
				return true;
	return false;
}
