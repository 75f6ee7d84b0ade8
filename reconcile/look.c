#include "reconcile/look.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "reconcile/foreign.h"
#include "reconcile/planner.h"
#include "reconcile/seen.h"

#define SETTLES_POST "POST dns_records"
#define SETTLES_READ "GET dns_records"

struct looking {
	struct world *w;
	struct record *r, *row;
	const struct cf_record *own;   /* with our remote id */
	const struct cf_record *taken; /* the last of those that may give way */
	bool claimed;
	bool shut; /* something that we never may take shuts our record out */
};

/* It is ours by now: what was allowed for its making is used up. */
static void settle_row(struct record *row)
{
	row->create_sent_ms = 0;
	row->takes = NULL;
}

/* A record that one of our own writes made, whose answer was lost: mark, name and content. */
static bool claimable(const struct looking *x, const struct cf_record *found)
{
	AUTO(str_t) content = record_content(x->w, x->r);
	AUTO(str_t) shown = cf_record_content(found);
	return x->r->create_sent_ms && !foreign_row(x->w, found) &&
	       str_equal(found->type, x->r->type) &&
	       record_content_same(x->r->type, shown, content) &&
	       foreign_kind(x->w, found) == FOREIGN_MARKED;
}

static void claim(struct looking *x, const struct cf_record *found)
{
	(void)str_copy(x->row->remote_id, CF_ID_SIZE, found->id);
	settle_row(x->row);
	x->claimed = true;
	seen_record(x->w, x->r, found);
	/* The wish may have changed since the POST. */
	if (seen_record_as_wanted(x->w, x->r))
		x->row->applied_generation = x->r->generation;
}

/* A name with a CNAME takes no other record that leads elsewhere; else Cloudflare keeps both. */
static bool shuts_out(const struct record *r, const struct cf_record *found)
{
	return str_equal(r->type, "CNAME") || str_equal(found->type, "CNAME");
}

static void note_conflict(struct looking *x, const struct cf_record *found, enum take take)
{
	const char *why = "not adit's";
	enum foreign kind = foreign_kind(x->w, found);
	if (foreign_row(x->w, found))
		why = "adit's own";
	else if (kind == FOREIGN_MARKED)
		why = "it bears adit's mark, but adit does not know it";
	else if (kind == FOREIGN_ADIT)
		why = "not adit's here, but another adit's";
	else if (kind == FOREIGN_LOCKED)
		why = "Cloudflare keeps it for itself";
	else if (take == TAKE_CHANGED)
		why = "it changed since its overwriting was approved";
	free(x->r->observed.conflict);
	x->r->observed.conflict = str_format("%s (%s)", found->type, why);
}

static void meet(struct looking *x, const struct cf_record *found)
{
	char seen[SHA256_HEX_SIZE];
	if (!record_types_clash(x->r->type, found->type))
		return;
	foreign_seen_hash(found, seen);
	enum take take = record_take(x->r->takes, found->id, seen);
	if (take == TAKE_AS_SEEN && foreign_takeable(foreign_kind(x->w, found)) &&
	    !foreign_row(x->w, found)) {
		strlist_add(&x->r->observed.taking, found->id);
		x->taken = found;
		return;
	}
	note_conflict(x, found, take);
	/* What was named may still give way to a write whose answer was lost. */
	x->shut = x->shut || (take == TAKE_UNNAMED && shuts_out(x->r, found));
}

static void look_at(struct looking *x, const struct cf_record *found)
{
	if (x->r->remote_id[0] && str_equal(found->id, x->r->remote_id))
		x->own = found;
	else if (!x->claimed && claimable(x, found))
		claim(x, found);
	else
		meet(x, found);
}

/* Our own record, which a lost write was to replace by one of another type. */
static bool look_replaced(struct looking *x, int64_t looked_ms)
{
	const struct record *r = x->r;
	x->r->observed.found = x->own; /* is it gone? It is asked for by its id. */
	if (x->own)
		seen_record(x->w, x->r, x->own);
	if (r->takes && r->observed.marked && seen_record_as_wanted(x->w, r)) {
		settle_row(x->row);
		x->row->applied_generation = r->generation;
		return true;
	}
	if (!r->create_sent_ms || looked_ms < r->create_sent_ms + SETTLE_MS)
		return false;
	x->row->create_sent_ms = 0;
	return true;
}

/* What stands there now stands beside it: what was sent has not landed and will not. */
static bool look_outlived(const struct looking *x, int64_t looked_ms)
{
	const struct record *r = x->r;
	if (!r->create_sent_ms ||
	    (!x->shut && (!r->observed.conflict || looked_ms < r->create_sent_ms + SETTLE_MS)))
		return false;
	x->row->create_sent_ms = 0;
	return true;
}

/* One foreign record of our type: it becomes ours by being changed. */
static bool look_adopts(struct looking *x)
{
	struct record *r = x->r;
	if (r->want != WANT_PRESENT || r->create_sent_ms || r->observed.conflict ||
	    r->observed.taking.n != 1 || !str_equal(x->taken->type, r->type))
		return false;
	(void)str_copy(x->row->remote_id, CF_ID_SIZE, x->taken->id);
	strlist_free(&r->observed.taking);
	seen_record(x->w, r, x->taken);
	return true;
}

static const char *look_ends(struct looking *x, int64_t looked_ms)
{
	if (x->claimed)
		return SETTLES_POST;
	if (x->r->remote_id[0])
		return look_replaced(x, looked_ms) ? SETTLES_POST : NULL;
	if (look_outlived(x, looked_ms))
		return SETTLES_POST;
	return look_adopts(x) ? SETTLES_READ : NULL;
}

const char *look_by_name(struct world *w, struct record *r, const struct cf_record *found, size_t n,
			 int64_t looked_ms, struct record *row)
{
	struct looking x = {.w = w, .r = r, .row = row};
	*row = *r;
	str_set(&r->observed.conflict, NULL);
	strlist_free(&r->observed.taking);
	/* Whatever was asked for: what has another name stands in nobody's way. */
	for (size_t i = 0; i < n; i++)
		if (strcasecmp(found[i].name, r->name) == 0)
			look_at(&x, &found[i]);
	if (x.claimed)
		str_set(&r->observed.conflict, NULL);
	const char *operation = look_ends(&x, looked_ms);
	r->observed.looked_ms = r->observed.named_ms = looked_ms;
	return operation;
}

const char *look_by_id(struct world *w, struct record *r, const struct cf_record *found,
		       int64_t looked_ms, struct record *row)
{
	bool store = false;
	*row = *r;
	if (found)
		seen_record(w, r, found);
	else
		seen_record_gone(r);
	r->observed.looked_ms = looked_ms;
	if (looked_ms >= r->observed.deleting_ms + SETTLE_MS)
		r->observed.deleting_ms = 0;
	if (!r->observed.marked)
		return NULL;
	if (r->generation != r->applied_generation && seen_record_as_wanted(w, r)) {
		row->applied_generation = r->generation;
		store = true;
	}
	if (r->takes && row->applied_generation == r->generation) {
		settle_row(row);
		store = true;
	}
	return store ? SETTLES_READ : NULL;
}

void look_stored(struct record *r, const struct record *row)
{
	(void)str_copy(r->remote_id, CF_ID_SIZE, row->remote_id);
	(void)str_copy(r->zone_id, CF_ID_SIZE, row->zone_id);
	r->create_sent_ms = row->create_sent_ms;
	r->applied_generation = row->applied_generation;
	if (!row->takes)
		str_set(&r->takes, NULL);
}
