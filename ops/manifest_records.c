/* The records of a manifest: those that its routes bring along, and those of their own. */
#include <string.h>

#include "ops/manifest_private.h"
#include "ops/record_wish.h"
#include "ops/route_words.h"

/* ---- foreign records ---- */

/* May something foreign be in the way of it that a person let adit overwrite? */
static bool may_take(const struct planning *x, const struct record *r)
{
	return x->overwrite && x->overwrite->n && !(r && record_is_ours(r));
}

static void note_takes(const struct planning *x, const struct record *r, struct edit *ed)
{
	if (may_take(x, r))
		record_name_takes(ed, x->overwrite);
}

/* ---- the records of routes ---- */

/* A record follows its routes; where they differ, it may follow any of them. */
static const char *drift_of_host(const struct planning *x, const struct manifest_host *h,
				 const char *now)
{
	bool fits = h->drifts & (1U << drift_policy_by_name(now));
	return fits ? now : x->m->routes[h->route].drift;
}

static void fill_host_record(const struct planning *x, struct edit *ed,
			     const struct manifest_host *h)
{
	(void)str_copy(ed->tunnel_id, sizeof(ed->tunnel_id), x->goals[h->tunnel].id);
	str_set(&ed->name, h->hostname);
	str_set(&ed->type, "CNAME");
	str_set(&ed->content, NULL);
	if (!x->m->partial) {
		str_set(&ed->comment, h->comment);
		str_set(&ed->drift, drift_of_host(x, h, ed->drift));
	}
	str_set(&ed->manifest, planning_manifest(x, ed->manifest));
	ed->proxied = true;
	ed->ttl = ed->priority = 0;
}

static void make_host_record(struct planning *x, const struct record *r,
			     const struct manifest_host *h)
{
	struct edit *ed = r ? plan_put_record(x->p, r) : plan_put_new(x->p, EDIT_RECORD_PUT);
	fill_host_record(x, ed, h);
	note_takes(x, r, ed);
	bool instead = r && r->want == WANT_PRESENT;
	plan_change(x->p, instead ? '~' : '+', "record", h->hostname, "%s%sCNAME to tunnel %s",
		    instead ? r->type : "", instead ? " to " : "", x->goals[h->tunnel].name);
}

static void differ_in_record(const struct planning *x, const struct record *r,
			     const struct manifest_host *h, struct buf *words)
{
	const struct manifest_goal *goal = &x->goals[h->tunnel];
	if (!str_equal(r->tunnel_id, goal->id))
		words_add(words, "CNAME from %s to tunnel %s",
			  r->tunnel_id[0] ? tunnel_called(x->w, r->tunnel_id) : r->content,
			  goal->name);
	if (!x->m->partial && !str_equal(r->comment, h->comment))
		words_add(words, "comment \"%s\" to \"%s\"", r->comment ? r->comment : "",
			  h->comment ? h->comment : "");
	planning_differ_in_drift(x, r->drift, drift_of_host(x, h, drift_policy_name(r->drift)),
				 words);
}

/* Does the comment fit behind the mark? */
static int check_comment(const struct planning *x, const struct manifest_host *h)
{
	if (record_comment_check(x->w, h->comment, x->e) == 0)
		return 0;
	return manifest_wrap(x->m, x->m->routes[h->route].place, "comment", x->e);
}

static int check_record_there(const struct planning *x, const struct record *r, const char *place)
{
	if (r->want != WANT_RELEASED)
		return 0;
	(void)err_set(x->e, ERR_CONFLICT, "The record %s is being given back", r->name);
	return manifest_wrap(x->m, place, "", x->e);
}

int planning_host_record(struct planning *x, const struct manifest_host *h)
{
	const struct record *r = planning_record(x, h->hostname, "CNAME"), *instead = NULL;
	const char *place = x->m->routes[h->route].place;
	AUTO(buf_t) words = {0};
	if (!h->dns)
		return 0;
	if (check_comment(x, h) < 0 || (r && check_record_there(x, r, place) < 0))
		return -1;
	if (!r && planning_instead(x, h->hostname, "CNAME", place, &instead) < 0)
		return -1;
	if (!r || r->want != WANT_PRESENT) {
		make_host_record(x, r ? r : instead, h);
		return 0;
	}
	differ_in_record(x, r, h, &words);
	if ((x->name || words.len) &&
	    planning_check_owner(x, "The record", r->name, r->manifest, place) < 0)
		return -1;
	planning_differ_in_manifest(x, r->manifest, &words);
	plan_touch(x->p, r->id, r->generation);
	if (may_take(x, r))
		words_add(&words, "may take the place of what is not adit's");
	if (!words.len)
		return 0;
	struct edit *ed = plan_put_record(x->p, r);
	fill_host_record(x, ed, h);
	note_takes(x, r, ed);
	plan_change(x->p, '~', "record", r->name, "%s", buf_text(&words));
	return 0;
}

/* ---- records of their own ---- */

static int check_own(const struct planning *x, const struct record *r,
		     const struct manifest_record *d)
{
	if (check_record_there(x, r, d->place) < 0)
		return -1;
	if (r->tunnel_id[0]) {
		(void)err_set(x->e, ERR_CONFLICT, "%s has a route's record (%s)", r->name, r->type);
		(void)err_hint(x->e, "Take the record out of the document, or delete the route "
				     "first.");
		return manifest_wrap(x->m, d->place, "", x->e);
	}
	if (r->want == WANT_PRESENT &&
	    planning_check_owner(x, "The record", r->name, r->manifest, d->place) < 0)
		return -1;
	return 0;
}

static void differ_in_own(const struct planning *x, const struct record *r,
			  const struct manifest_record *d, const struct record_wish *wish,
			  struct buf *words)
{
	AUTO(buf_t) was = {0}, is = {0};
	record_tell(r, &was);
	record_wish_tell(wish, &is);
	if (!record_wish_same(r, wish))
		words_add(words, "from %s to %s", buf_text(&was), buf_text(&is));
	planning_differ_in_drift(x, r->drift, d->drift, words);
	planning_differ_in_manifest(x, r->manifest, words);
}

static void put_own(struct planning *x, const struct record *r, const struct manifest_record *d,
		    const struct record_wish *wish)
{
	struct edit *ed = r ? plan_put_record(x->p, r) : plan_put_new(x->p, EDIT_RECORD_PUT);
	ed->tunnel_id[0] = '\0';
	record_wish_put(ed, r, wish);
	str_set(&ed->drift, d->drift);
	str_set(&ed->manifest, x->name);
	note_takes(x, r, ed);
}

static void make_own(struct planning *x, const struct record *r, const struct manifest_record *d,
		     const struct record_wish *wish)
{
	bool instead = r && r->want == WANT_PRESENT;
	AUTO(buf_t) words = {0};
	put_own(x, r, d, wish);
	record_wish_tell(wish, &words);
	plan_change(x->p, instead ? '~' : '+', "record", wish->name, "%s%s%s",
		    instead ? r->type : "", instead ? " to " : "", buf_text(&words));
}

static int plan_own(struct planning *x, const struct manifest_record *d,
		    const struct record_wish *wish)
{
	const struct record *r = planning_record(x, wish->name, wish->type), *instead = NULL;
	AUTO(buf_t) words = {0};
	if (r ? check_own(x, r, d) < 0
	      : planning_instead(x, wish->name, wish->type, d->place, &instead) < 0)
		return -1;
	if (!r || r->want != WANT_PRESENT) {
		make_own(x, r ? r : instead, d, wish);
		return 0;
	}
	plan_touch(x->p, r->id, r->generation);
	differ_in_own(x, r, d, wish, &words);
	if (may_take(x, r))
		words_add(&words, "may take the place of what is not adit's");
	if (!words.len)
		return 0;
	put_own(x, r, d, wish);
	plan_change(x->p, '~', "record", r->name, "%s", buf_text(&words));
	return 0;
}

int planning_own_record(struct planning *x, const struct manifest_record *d)
{
	AUTO(record_wish_t) wish = {0};
	const struct record_ask ask = {
		.name = d->name,
		.type = d->type,
		.content = d->content,
		.comment = d->comment,
		.proxied = d->proxied,
		.ttl = d->ttl,
		.priority = d->priority,
	};
	if (record_wish_read(x->w, &ask, &wish, x->e) == 0)
		return plan_own(x, d, &wish);
	AUTO(str_t) member = str_ndup(x->e->message, strcspn(x->e->message, ":"));
	return manifest_wrap(x->m, d->place, member, x->e);
}
