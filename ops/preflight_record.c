/*
 * The records of a plan, before it is stored. What stands in the way is refused with what it is and
 * its id, unless a person named that id: then the plan says what is overwritten, and the edit takes
 * exactly what was shown. Zone by zone; three names or more are one listing.
 */
#include <stdlib.h>
#include <string.h>

#include "base/untrusted.h"
#include "ops/write.h"
#include "reconcile/foreign.h"
#include "reconcile/zone_view.h"

#define MANY_LOOKS   3
#define MANY_CREATES 10 /* more than these at once are counted against the quota */
#define WILDCARDS    "name.startswith=%2A."

struct zone_check {
	char id[CF_ID_SIZE];
	char *name;
	size_t looks, creates, drops;
};

enum stage { STAGE_NAMES, STAGE_WILDCARDS, STAGE_QUOTA, STAGE_OVER };

struct record_check {
	struct task task; /* first */
	struct ops *ops;
	struct plan *plan; /* borrowed */
	struct zone_check *zones;
	size_t n_zones, zone; /* zone: the present one */
	enum stage stage;
	size_t edit; /* next to look at by name */
	struct cf_call call;
	struct cf_page page;
	bool calling, paging;
};

static void check_step(struct record_check *k);

static void check_end(struct record_check *k)
{
	task_finish(&k->task);
}

/* ---- what is looked at ---- */

/* What does not change its type, and is to overwrite nothing, meets nothing new. */
static bool edit_looks(const struct world *w, const struct edit *d)
{
	const struct record *r = world_record(w, d->id);
	if (d->kind != EDIT_RECORD_PUT || d->remote_id)
		return false;
	return !r || !str_equal(r->type, d->type) || record_takes_unseen(d->takes);
}

static bool edit_creates(const struct world *w, const struct edit *d)
{
	const struct record *r = world_record(w, d->id);
	return d->kind == EDIT_RECORD_PUT && !d->remote_id && !(r && r->remote_id[0]);
}

static bool in_zone(const struct record_check *k, const struct edit *d)
{
	const struct zone *z = world_zone_of(k->ops->world, d->name);
	return z && str_equal(z->id, k->zones[k->zone].id);
}

static struct zone_check *zone_for(struct record_check *k, const struct zone *z)
{
	for (size_t i = 0; i < k->n_zones; i++)
		if (str_equal(k->zones[i].id, z->id))
			return &k->zones[i];
	k->zones = mem_grow(k->zones, k->n_zones + 1, sizeof(*k->zones));
	struct zone_check *c = &k->zones[k->n_zones++];
	memset(c, 0, sizeof(*c));
	(void)str_copy(c->id, sizeof(c->id), z->id);
	c->name = str_dup(z->name);
	return c;
}

static int zone_missing(struct record_check *k, const char *name)
{
	AUTO(buf_t) names = {.limit = 160};
	TABLE_EACH (i, struct zone, z, &k->ops->world->zones)
		(void)buf_printf(&names, "%s%s", names.len ? ", " : "", z->name);
	(void)err_set(&k->task.err, ERR_NOT_FOUND, "No zone of the account holds %s", name);
	return err_hint(&k->task.err, "Zones of the account: %s.",
			names.len ? buf_text(&names) : "none");
}

static void count_drop(struct record_check *k, const struct edit *d)
{
	const struct record *r =
		d->kind == EDIT_RECORD_DROP ? world_record(k->ops->world, d->id) : NULL;
	for (size_t i = 0; r && r->remote_id[0] && i < k->n_zones; i++)
		k->zones[i].drops += str_equal(k->zones[i].id, r->zone_id);
}

static int collect_zones(struct record_check *k)
{
	const struct world *w = k->ops->world;
	for (size_t i = 0; i < k->plan->n_edits; i++) {
		const struct edit *d = &k->plan->edits[i];
		if (!edit_looks(w, d))
			continue;
		const struct zone *z = world_zone_of(w, d->name);
		if (!z)
			return zone_missing(k, d->name);
		struct zone_check *c = zone_for(k, z);
		c->looks++;
		c->creates += edit_creates(w, d);
	}
	for (size_t i = 0; i < k->plan->n_edits; i++)
		count_drop(k, &k->plan->edits[i]);
	return 0;
}

/* ---- without an answer ---- */

int record_check_blind(const struct plan *p, const struct err *why, struct err *e)
{
	for (size_t i = 0; i < p->n_edits; i++) {
		const struct edit *d = &p->edits[i];
		if (d->kind != EDIT_RECORD_PUT || !record_takes_unseen(d->takes))
			continue;
		*e = *why;
		return err_wrap(e, "What would be overwritten at %s cannot be looked at", d->name);
	}
	return 0;
}

/* What cannot be asked now is no reason to refuse: the reconciler looks again. Only what is to be
 * overwritten must have been seen. */
static void check_blind(struct record_check *k, const struct err *why)
{
	struct err e = *why;
	AUTO(str_t) text = str_format("Cloudflare could not be asked beforehand: %s", e.message);
	if (record_check_blind(k->plan, &e, &k->task.err) == 0)
		strlist_add(&k->plan->warnings, text);
	check_end(k);
}

/* ---- one name ---- */

/* How a name's foreign records fare, for the sentence and the hint. */
struct clashes {
	struct buf refused, ids;
	size_t n, locked, others, same;
};

static void clashes_free(struct clashes *x)
{
	buf_free(&x->refused);
	buf_free(&x->ids);
}

static void note_refused(struct clashes *x, const struct world *w, const struct edit *d,
			 const struct cf_record *found)
{
	AUTO(str_t) words = foreign_words(w, found);
	enum foreign kind = foreign_kind(w, found);
	(void)buf_printf(&x->refused, "%s%s", x->n ? "; " : "", words);
	(void)buf_printf(&x->ids, " --overwrite %s", found->id);
	x->n++;
	x->locked += kind == FOREIGN_LOCKED;
	x->others += kind == FOREIGN_ADIT;
	x->same += str_equal(d->type, found->type);
}

static void clash_hint(const struct edit *d, const struct clashes *x, struct err *e)
{
	if (x->locked)
		(void)err_hint(e, "Turn off the service at Cloudflare that keeps it, or choose "
				  "another name.");
	else if (x->others)
		(void)err_hint(e, "Let that adit delete it, or choose another name.");
	else
		(void)err_hint(e,
			       "Remove it, choose another name, or let adit overwrite it:%s. See "
			       "adit dns list --zone ZONE --name %s.",
			       buf_text(&x->ids), d->name);
}

static int clash_refuse(const struct edit *d, const struct clashes *x, struct err *e)
{
	(void)err_set(e, ERR_CONFLICT,
		      "%s has a DNS record already (%s) that is not adit's; it is left alone%s",
		      d->name, buf_text(&x->refused),
		      !d->tunnel_id[0] && x->same
			      ? ", and adit makes no second one of a name and type"
			      : "");
	clash_hint(d, x, e);
	return -1;
}

static void take_found(struct record_check *k, const struct edit *d, const struct cf_record *found,
		       char **takes)
{
	AUTO(str_t) words = foreign_words(k->ops->world, found);
	AUTO(str_t) what = str_format("%s (%s)", d->name, words);
	char seen[SHA256_HEX_SIZE];
	foreign_seen_hash(found, seen);
	record_takes_add(takes, found->id, seen, what);
	k->zones[k->zone].drops++;
	plan_change(k->plan, '-', "record", d->name, "%s: overwritten, it is not adit's", words);
	if (!text_is_plain(found->content))
		plan_change_theirs(k->plan, found->content);
}

/* Is it our own, which the plan changes or leaves in peace? */
static bool is_own(const struct world *w, const struct edit *d, const struct cf_record *found)
{
	const struct record *row = foreign_row(w, found);
	if (!row)
		return false;
	return !str_equal(row->id, d->id) || foreign_kind(w, found) == FOREIGN_MARKED;
}

/* Which of several names was meant is not said: then what is not named is refused all the same. */
static bool names_one(const struct plan *p)
{
	size_t n = 0;
	for (size_t i = 0; i < p->n_edits; i++)
		n += p->edits[i].kind == EDIT_RECORD_PUT;
	return n <= 1;
}

static int check_named(const struct plan *p, const struct edit *d, const char *takes, struct err *e)
{
	AUTO(json_doc_t) named = NULL;
	if (!d->takes || !names_one(p) ||
	    json_parse(d->takes, strlen(d->takes), NULL, &named, e) < 0)
		return 0;
	JSON_EACH (entry, json_root(named)) {
		const char *id = json_get_string(entry, "id");
		if (id && record_take(takes, id, "") == TAKE_UNNAMED)
			return err_set(e, ERR_INVALID,
				       "overwrite: %s is no record that stands in the way of %s "
				       "(%s)",
				       id, d->name, d->type);
	}
	return 0;
}

/* All of them and the one that takes their place go in one batch, or not at all. */
static int check_taken(const struct record_check *k, const struct edit *d, size_t taken,
		       struct err *e)
{
	const struct zone *z = world_zone(k->ops->world, k->zones[k->zone].id);
	const size_t most = cf_batch_max(z ? z->plan : NULL) - 2; /* it, and one of our own */
	if (taken <= most)
		return 0;
	(void)err_set(e, ERR_CONFLICT,
		      "%s has %zu records that are not adit's, and no more than %zu of a name can "
		      "be overwritten at once",
		      d->name, taken, most);
	return err_hint(e, "Delete some of them at Cloudflare first.");
}

static int check_name(struct record_check *k, struct edit *d, const struct cf_record *found,
		      size_t n, struct err *e)
{
	const struct world *w = k->ops->world;
	struct clashes x = {.ids.limit = 150, .refused.limit = 300};
	AUTO(str_t) takes = NULL;
	size_t taken = 0;
	int64_t foreign = 0;
	for (size_t i = 0; i < n; i++) {
		if (!record_types_clash(d->type, found[i].type) || is_own(w, d, &found[i]))
			continue;
		bool named = record_take(d->takes, found[i].id, "") != TAKE_UNNAMED;
		if (named && foreign_takeable(foreign_kind(w, &found[i]))) {
			take_found(k, d, &found[i], &takes);
			foreign += !foreign_row(w, &found[i]);
			taken++;
		} else
			note_refused(&x, w, d, &found[i]);
	}
	int rc = x.n ? clash_refuse(d, &x, e) : check_named(k->plan, d, takes, e);
	if (rc == 0)
		rc = check_taken(k, d, taken, e);
	clashes_free(&x);
	if (rc == 0) {
		str_set(&d->takes, takes);
		d->overwrites = foreign;
	}
	return rc;
}

/* ---- wildcards ---- */

/* Every name below a wildcard record is answered by it until the name has a record of its own. */
static void warn_wildcard(struct record_check *k, const struct edit *d, const struct zone_view *v)
{
	const struct world *w = k->ops->world;
	const char *parent = strchr(d->name, '.');
	for (; parent; parent = strchr(parent + 1, '.')) {
		AUTO(str_t) name = str_format("*%s", parent);
		size_t n;
		const struct cf_record *found = zone_view_name(v, name, &n);
		if (!found || str_equal(name, d->name))
			continue;
		if (foreign_row(w, found))
			return;
		AUTO(str_t) words = foreign_words(w, found);
		AUTO(str_t)
		text = str_format("%s is answered by the record %s (%s) until now, which is not "
				  "adit's: a record of its own takes the name away from it.",
				  d->name, name, words);
		if (!strlist_has(&k->plan->warnings, text))
			strlist_add(&k->plan->warnings, text);
		return;
	}
}

static void warn_wildcards(struct record_check *k, const struct zone_view *v)
{
	for (size_t i = 0; i < k->plan->n_edits; i++) {
		const struct edit *d = &k->plan->edits[i];
		if (edit_looks(k->ops->world, d) && !d->takes &&
		    !world_record(k->ops->world, d->id) && in_zone(k, d))
			warn_wildcard(k, d, v);
	}
}

/* ---- quota ---- */

static int check_quota(struct record_check *k, int64_t used, int64_t quota, struct err *e)
{
	const struct zone_check *z = &k->zones[k->zone];
	int64_t after = used + (int64_t)z->creates - (int64_t)z->drops;
	if (quota < 0) {
		plan_change(k->plan, '=', "zone", z->name, "%lld records", (long long)used);
		return 0;
	}
	if (after > quota) {
		(void)err_set(e, ERR_CONFLICT,
			      "Zone %s has %lld of %lld records used, %zu more do not fit", z->name,
			      (long long)used, (long long)quota, z->creates);
		return err_hint(e, "Delete records, take another zone, or a larger plan at "
				   "Cloudflare.");
	}
	plan_change(k->plan, '=', "zone", z->name, "%lld of %lld records", (long long)used,
		    (long long)quota);
	return 0;
}

/* ---- zone by zone ---- */

static void check_fail(struct record_check *k, const struct err *e)
{
	k->task.err = *e;
	check_end(k);
}

static void usage_told(struct task *t, void *owner)
{
	struct record_check *k = owner;
	struct err e = t->err;
	int64_t used = 0, quota = -1;
	k->calling = false;
	if (e.kind != ERR_NONE || cf_record_usage_read(k->call.result, &used, &quota, &e) < 0)
		check_blind(k, &e);
	else if (check_quota(k, used, quota, &e) < 0)
		check_fail(k, &e);
	else {
		k->stage = STAGE_OVER;
		check_step(k);
	}
}

static void name_told(struct task *t, void *owner)
{
	struct record_check *k = owner;
	struct edit *d = &k->plan->edits[k->edit];
	AUTO(zone_view_t) v = {0};
	struct err e = t->err;
	size_t n = 0;
	k->calling = false;
	if (e.kind != ERR_NONE || zone_view_read(k->call.result, &v, &e) < 0) {
		check_blind(k, &e);
		return;
	}
	const struct cf_record *found = zone_view_name(&v, d->name, &n);
	if (check_name(k, d, found, n, &e) < 0) {
		check_fail(k, &e);
		return;
	}
	k->edit++;
	check_step(k);
}

static int check_listed(struct record_check *k, const struct zone_view *v, struct err *e)
{
	for (size_t i = 0; i < k->plan->n_edits; i++) {
		struct edit *d = &k->plan->edits[i];
		size_t n = 0;
		if (!edit_looks(k->ops->world, d) || !in_zone(k, d))
			continue;
		const struct cf_record *found = zone_view_name(v, d->name, &n);
		if (check_name(k, d, found, n, e) < 0)
			return -1;
	}
	return 0;
}

static void zone_told(struct task *t, void *owner)
{
	struct record_check *k = owner;
	AUTO(zone_view_t) v = {0};
	struct err e = t->err;
	k->paging = false;
	if (e.kind != ERR_NONE || zone_view_read_page(&k->page, &v, &e) < 0) {
		check_blind(k, &e);
		return;
	}
	warn_wildcards(k, &v);
	if (k->stage == STAGE_NAMES && check_listed(k, &v, &e) < 0) {
		check_fail(k, &e);
		return;
	}
	k->stage = STAGE_QUOTA;
	check_step(k);
}

static void list_zone(struct record_check *k, const char *filter)
{
	k->paging = true;
	cf_page_reset(&k->page);
	cf_record_list(k->ops->cf, &k->page, CF_SHARE_PEOPLE, k->zones[k->zone].id, filter,
		       zone_told, k);
}

/* true when a request was started */
static bool look_by_names(struct record_check *k)
{
	const struct world *w = k->ops->world;
	for (; k->edit < k->plan->n_edits; k->edit++) {
		const struct edit *d = &k->plan->edits[k->edit];
		if (!edit_looks(w, d) || !in_zone(k, d))
			continue;
		k->calling = true;
		cf_call_reset(&k->call);
		cf_record_find(k->ops->cf, &k->call, NULL, k->zones[k->zone].id, d->name, name_told,
			       k);
		return true;
	}
	return false;
}

/* true when a request was started */
static bool zone_step(struct record_check *k)
{
	const struct zone_check *z = &k->zones[k->zone];
	if (k->stage == STAGE_NAMES && z->looks >= MANY_LOOKS) {
		list_zone(k, NULL);
		return true;
	}
	if (k->stage == STAGE_NAMES && look_by_names(k))
		return true;
	if (k->stage == STAGE_NAMES && z->creates) {
		k->stage = STAGE_WILDCARDS;
		list_zone(k, WILDCARDS);
		return true;
	}
	/* At the end: what is overwritten is known by then. */
	if (k->stage != STAGE_OVER && z->creates > MANY_CREATES) {
		k->calling = true;
		cf_call_reset(&k->call);
		cf_record_usage(k->ops->cf, &k->call, CF_SHARE_PEOPLE, z->id, usage_told, k);
		return true;
	}
	return false;
}

static void check_step(struct record_check *k)
{
	while (k->zone < k->n_zones) {
		if (zone_step(k))
			return;
		k->zone++;
		k->edit = 0;
		k->stage = STAGE_NAMES;
	}
	check_end(k);
}

/* ---- life ---- */

struct record_check *record_check_start(struct ops *o, struct plan *plan, task_done_fn *done,
					void *owner)
{
	struct record_check *k = mem_alloc(sizeof(*k));
	struct err e;
	k->ops = o;
	k->plan = plan;
	task_begin(&k->task, o->loop, done, owner);
	if (!o->world->system.zones_listed_ms) {
		(void)err_set(&e, ERR_BUSY, "The zones have not been listed yet");
		(void)record_check_blind(plan, &e, &k->task.err);
		check_end(k);
	} else if (collect_zones(k) < 0)
		check_end(k);
	else
		check_step(k);
	return k;
}

void record_check_free(struct record_check *k)
{
	if (!k)
		return;
	if (k->calling)
		cf_call_cancel(&k->call);
	if (k->paging)
		cf_page_cancel(&k->page);
	task_abandon(&k->task);
	cf_call_reset(&k->call);
	cf_page_reset(&k->page);
	for (size_t i = 0; i < k->n_zones; i++)
		free(k->zones[i].name);
	free(k->zones);
	free(k);
}
