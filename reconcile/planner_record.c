/* What is due of a DNS record: to be found, made, changed or deleted. */
#include <stdlib.h>
#include <string.h>

#include "reconcile/drift.h"
#include "reconcile/planner_private.h"

static void ask_zones(struct planning *p, const struct record *r)
{
	if (!p->zones_asked)
		plan_act(p, ACT_ZONES_LIST, r->id, "which zone holds its name?");
	p->zones_asked = true;
}

static void refuse_zone(struct planning *p, const struct record *r)
{
	struct err *e = plan_refuse(p, OBJECT_RECORD, r->id);
	(void)err_set(e, ERR_NOT_FOUND, "No zone of the account holds %s", r->name);
	(void)err_hint(e, "Add the zone to the account, or let the token read it (Zone: Read); see "
			  "adit zone list.");
}

static void refuse_conflict(struct planning *p, const struct record *r)
{
	struct err *e = plan_refuse(p, OBJECT_RECORD, r->id);
	(void)err_set(e, ERR_CONFLICT, "%s has a DNS record already: %s; it is left alone", r->name,
		      r->observed.conflict);
	if (r->tunnel_id[0])
		(void)err_hint(e, "Remove that record, or delete the route (adit route delete %s).",
			       r->name);
	else
		(void)err_hint(e, "Remove that record, or this one (adit dns delete %s %s).",
			       r->name, r->type);
}

static const char *tunnel_name(const struct world *w, const struct record *r)
{
	const struct tunnel *t = world_tunnel(w, r->tunnel_id);
	return t ? t->name : r->tunnel_id;
}

static void refuse_unmarked(struct planning *p, const struct record *r)
{
	struct err *e = plan_refuse(p, OBJECT_RECORD, r->id);
	(void)err_set(e, ERR_CONFLICT,
		      "The record of %s no longer bears adit's mark, so nothing is written to it",
		      r->name);
	if (r->tunnel_id[0])
		(void)err_hint(e,
			       "Mark it again (adit tunnel adopt %s), or let it go (adit route "
			       "delete %s --keep-dns).",
			       tunnel_name(p->w, r), r->name);
	else
		(void)err_hint(e,
			       "Put the mark back at the beginning of its comment, set it again "
			       "with --overwrite %s, or let it go (adit dns delete %s %s "
			       "--release).",
			       r->remote_id, r->name, r->type);
}

static void refuse_renamed(struct planning *p, const struct record *r)
{
	struct err *e = plan_refuse(p, OBJECT_RECORD, r->id);
	(void)err_set(e, ERR_CONFLICT,
		      "The record of %s was given another name at Cloudflare by somebody else, so "
		      "nothing is written to it",
		      r->name);
	(void)err_hint(e, "Give it its name back at Cloudflare (its id is %s), or delete it there.",
		       r->remote_id);
}

static void refuse_changed(struct planning *p, const struct record *r)
{
	struct err *e = plan_refuse(p, OBJECT_RECORD, r->id);
	(void)err_set(e, ERR_CONFLICT,
		      "The record of %s changed since its overwriting was approved, so nothing is "
		      "written to it",
		      r->name);
	(void)err_hint(e, "Look at it, and set it again with --overwrite %s.", r->remote_id);
}

static void refuse_locked(struct planning *p, const struct record *r)
{
	struct err *e = plan_refuse(p, OBJECT_RECORD, r->id);
	(void)err_set(e, ERR_CONFLICT,
		      "Cloudflare keeps the record of %s for itself (read-only), so nothing is "
		      "written to it",
		      r->name);
	(void)err_hint(e,
		       "Turn off the service at Cloudflare that made it, or choose another name.");
}

static char *serving_key(const char *tunnel_id, const char *hostname)
{
	return str_format("%s %s", tunnel_id, hostname);
}

static void serving_find(struct serving *s, const struct world *w)
{
	TABLE_EACH (i, struct route, x, &w->routes) {
		AUTO(str_t) key = serving_key(x->tunnel_id, x->hostname);
		if (x->applied_generation == x->generation)
			(void)map_set(&s->rules, key, x);
	}
	TABLE_EACH (k, struct connector, c, &w->connectors) {
		const struct tunnel *t = world_tunnel(w, c->tunnel_id);
		if (t && connector_serving(c) && c->config_version >= t->config_version)
			(void)map_set(&s->connectors, t->id, c);
	}
	s->found = true;
}

void serving_free(struct serving *s)
{
	map_free(&s->rules);
	map_free(&s->connectors);
	s->found = false;
}

/* The tunnel behind the name runs the configuration that serves it. */
static bool tunnel_serves(const struct world *w, struct serving *s, const struct record *r,
			  bool with_connector)
{
	const struct tunnel *t = world_tunnel(w, r->tunnel_id);
	if (!r->tunnel_id[0])
		return true;
	if (!t || !t->remote_id[0] || t->applied_generation != t->generation)
		return false;
	if (!s->found)
		serving_find(s, w);
	AUTO(str_t) key = serving_key(t->id, r->name);
	return map_get(&s->rules, key) &&
	       (!with_connector || t->replicas == 0 || map_get(&s->connectors, t->id));
}

bool plan_may_lead(const struct world *w, struct serving *s, const struct record *r)
{
	return tunnel_serves(w, s, r, true);
}

/* Is one of ours on its way out of the name, to be deleted or replaced by one of another type? It
 * says itself what keeps it. */
static bool own_gives_way(struct groups *names, const struct record *r)
{
	const struct record *x;
	for (size_t at = 0; (x = groups_named(names, r->name, &at)) != NULL;)
		if (x != r && x->remote_id[0] &&
		    (x->want == WANT_ABSENT ||
		     (x->observed.type && !str_equal(x->observed.type, x->type) &&
		      record_types_clash(x->observed.type, r->type))))
			return true;
	return false;
}

/* Something stands in the way: it is looked at again, or told. */
static bool plan_name_taken(struct planning *p, const struct record *r)
{
	if (!r->observed.conflict || r->observed.looked_ms < r->create_sent_ms)
		return false;
	if (plan_looks_again(p, r->observed.looked_ms))
		plan_act(p, ACT_RECORD_FIND, r->id, "is its name still taken?");
	else if (!own_gives_way(plan_groups(p), r))
		refuse_conflict(p, r);
	return true;
}

static void plan_record_make(struct planning *p, const struct record *r)
{
	if (plan_name_taken(p, r))
		return;
	switch (plan_creating(p, r->observed.looked_ms, r->create_sent_ms)) {
	case CREATE_LOOK:
		plan_act(p, ACT_RECORD_FIND, r->id, "does the name have records?");
		break;
	case CREATE_WAIT:
		break;
	case CREATE_NOW:
		if (r->observed.taking.n == 0)
			plan_act(p, ACT_RECORD_CREATE, r->id, "it is wanted and is not there");
		else if (tunnel_serves(p->w, &p->serving, r, true))
			plan_act(p, ACT_RECORD_REPLACE, r->id, "it takes the place of others");
		break;
	}
}

static bool fresh(const struct planning *p, const struct record *r)
{
	return r->observed.looked_ms && p->now - r->observed.looked_ms <= FRESH_MS;
}

/* What is repaired unasked is no problem, as long as it is. */
static bool drift_is_told(const struct world *w, const struct record *r)
{
	enum drift_policy policy = world_record_policy(w, r);
	if (policy == DRIFT_IGNORE || !drift_record_differs(w, r))
		return false;
	return policy != DRIFT_REPAIR || drift_record_hindrance(r);
}

static void refuse_drift(struct planning *p, const struct record *r)
{
	struct err *e = plan_refuse(p, OBJECT_RECORD, r->id);
	bool fought = r->observed.drift.fought && world_record_policy(p->w, r) == DRIFT_REPAIR;
	(void)err_set(e, ERR_CONFLICT,
		      "The record of %s was changed at Cloudflare by somebody else%s", r->name,
		      fought ? ", again and again: adit has stopped putting it back" : "");
	(void)err_hint(e, "See adit drift list; adit plan create --drift --object %s puts it back.",
		       r->name);
}

static bool changes_type(const struct record *r)
{
	return r->observed.type && !str_equal(r->observed.type, r->type);
}

/* Is one of ours still to be deleted out of the name? What takes its place would meet it there. It
 * says itself what keeps it. */
static bool own_is_leaving(struct groups *names, const struct record *r)
{
	const struct record *x;
	for (size_t at = 0; (x = groups_named(names, r->name, &at)) != NULL;)
		if (x != r && x->want == WANT_ABSENT && x->remote_id[0] && !x->observed.gone &&
		    record_types_clash(x->type, r->type))
			return true;
	return false;
}

/* The type of a record cannot be changed: another one takes its place. */
static void plan_record_replace(struct planning *p, const struct record *r)
{
	if (own_is_leaving(plan_groups(p), r))
		return;
	bool seen = r->observed.named_ms && p->now - r->observed.named_ms <= FRESH_MS;
	if (plan_name_taken(p, r) || !tunnel_serves(p->w, &p->serving, r, true))
		return;
	if (!fresh(p, r) || !seen)
		plan_act(p, ACT_RECORD_FIND, r->id, "what is there to be replaced?");
	else
		plan_act(p, ACT_RECORD_REPLACE, r->id, "its type is to be changed");
}

/* What cannot be written yet needs no look either. */
static void plan_record_change(struct planning *p, const struct record *r)
{
	if (changes_type(r))
		plan_record_replace(p, r);
	else if (!tunnel_serves(p->w, &p->serving, r, true))
		return;
	else if (!fresh(p, r))
		plan_act(p, ACT_RECORD_READ, r->id, "it changed here; what is there now?");
	else
		plan_act(p, ACT_RECORD_PATCH, r->id, "what it is to be changed");
}

static void refuse_record_gone(struct planning *p, const struct record *r)
{
	struct err *e = plan_refuse(p, OBJECT_RECORD, r->id);
	(void)err_set(e, ERR_NOT_FOUND,
		      "The record of %s was deleted at Cloudflare by somebody else; it is not made "
		      "again unasked",
		      r->name);
	if (r->tunnel_id[0])
		(void)err_hint(e, "Delete the route (adit route delete %s) and set it again.",
			       r->name);
	else
		(void)err_hint(e, "Delete it here too (adit dns delete %s %s), then set it again.",
			       r->name, r->type);
}

/* A person may have let adit write to it all the same, as it is. */
static void plan_unmarked(struct planning *p, const struct record *r)
{
	char seen[SHA256_HEX_SIZE];
	record_observed_hash(r, seen);
	enum take take = record_take(r->takes, r->remote_id, seen);
	if (take == TAKE_UNNAMED)
		refuse_unmarked(p, r);
	else if (take == TAKE_CHANGED)
		refuse_changed(p, r);
	else if (r->observed.locked)
		refuse_locked(p, r);
	else
		plan_record_change(p, r);
}

/* Under its new name it is nobody's wish; its old name comes back only where a person said so. */
static bool plan_renamed(struct planning *p, const struct record *r)
{
	char seen[SHA256_HEX_SIZE];
	if (!r->observed.renamed)
		return false;
	record_observed_hash(r, seen);
	if (r->want == WANT_PRESENT && record_take(r->takes, r->remote_id, seen) == TAKE_AS_SEEN)
		return false;
	refuse_renamed(p, r);
	return true;
}

/* A write that was to replace it may still take effect, since its answer was lost. What was to be
 * patched is read by its id: to patch it again does no harm. */
static bool plan_replacing(struct planning *p, const struct record *r)
{
	bool patched = r->takes && str_equal(r->observed.type, r->type);
	if (!r->create_sent_ms || (patched && r->want == WANT_PRESENT))
		return false;
	enum creating c = plan_creating(p, r->observed.looked_ms, r->create_sent_ms);
	if (c == CREATE_LOOK)
		plan_act(p, ACT_RECORD_FIND, r->id, "was it replaced after all?");
	return c != CREATE_NOW;
}

static void plan_record_made(struct planning *p, const struct record *r)
{
	if (plan_replacing(p, r))
		return;
	if (r->observed.gone)
		refuse_record_gone(p, r);
	else if (!r->observed.looked_ms || !r->observed.found)
		plan_act(p, ACT_RECORD_READ, r->id, "not seen yet");
	else if (!r->observed.marked)
		plan_unmarked(p, r);
	else if (r->generation != r->applied_generation) {
		if (!plan_renamed(p, r))
			plan_record_change(p, r);
	} else if (r->takes)
		plan_act(p, ACT_RECORD_READ, r->id, "it is ours by now");
	else if (drift_is_told(p->w, r))
		refuse_drift(p, r);
}

static void plan_record_present(struct planning *p, const struct record *r)
{
	if (r->remote_id[0]) {
		plan_record_made(p, r);
		return;
	}
	if (!tunnel_serves(p->w, &p->serving, r, false))
		return;
	if (r->zone_id[0] || world_zone_of(p->w, r->name))
		plan_record_make(p, r);
	else if (!p->w->system.zones_listed_ms)
		ask_zones(p, r);
	else
		refuse_zone(p, r);
}

static void plan_unmade_record_absent(struct planning *p, const struct record *r)
{
	enum creating c = r->create_sent_ms
				  ? plan_creating(p, r->observed.looked_ms, r->create_sent_ms)
				  : CREATE_NOW;
	if (c == CREATE_LOOK)
		plan_act(p, ACT_RECORD_FIND, r->id, "was it made after all?");
	else if (c == CREATE_NOW)
		plan_act(p, ACT_RECORD_FORGET, r->id, "it was never made");
}

static void plan_record_absent(struct planning *p, const struct record *r)
{
	if (!r->remote_id[0])
		plan_unmade_record_absent(p, r);
	else if (plan_replacing(p, r))
		return;
	else if (r->observed.gone)
		plan_act(p, ACT_RECORD_FORGET, r->id, "it is gone");
	else if (!fresh(p, r) || !r->observed.found)
		plan_act(p, ACT_RECORD_READ, r->id, "is it still ours?");
	else if (!r->observed.marked && r->takes)
		plan_act(p, ACT_RECORD_FORGET, r->id, "it never became ours");
	else if (!r->observed.marked)
		refuse_unmarked(p, r);
	else if (!plan_renamed(p, r))
		plan_act(p, ACT_RECORD_DELETE, r->id, "its deletion was approved");
}

/* Only our mark is taken off, and only while it is there. */
static void plan_record_released(struct planning *p, const struct record *r)
{
	if (!r->remote_id[0])
		plan_unmade_record_absent(p, r);
	else if (plan_replacing(p, r))
		return;
	else if (r->observed.gone || fresh(p, r))
		plan_act(p, ACT_RECORD_RELEASE, r->id, "it is given back");
	else
		plan_act(p, ACT_RECORD_READ, r->id, "does it bear our mark?");
}

static void refuse_missing(struct planning *p, const struct record *r)
{
	struct err *e = plan_refuse(p, OBJECT_RECORD, r->id);
	(void)err_set(e, ERR_CONFLICT,
		      "Cloudflare does not show the record of %s, which may be the API token's "
		      "fault: nothing is concluded and nothing is written to it",
		      r->name);
	(void)err_hint(e, "See adit status, which says more about it.");
}

void plan_record(struct planning *p, const struct record *r)
{
	if (r->remote_id[0] && r->observed.missing) {
		refuse_missing(p, r);
		return;
	}
	if (r->want == WANT_PRESENT)
		plan_record_present(p, r);
	else if (r->want == WANT_ABSENT)
		plan_record_absent(p, r);
	else
		plan_record_released(p, r);
}
