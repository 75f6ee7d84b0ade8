/* What is due of a tunnel: to be made, its token, its configuration, or its end. */
#include <stdlib.h>
#include <string.h>

#include "model/leaving.h"
#include "reconcile/keep.h"
#include "reconcile/planner_private.h"

/* What has its name may be the one whose answer was lost. Where it is not, our POST may land all
 * the same until it can no longer, if that one gives the name away: then one more look decides.
 * false = nothing is due. */
static bool plan_claim(struct planning *p, const struct tunnel *t)
{
	int64_t over = t->create_sent_ms + SETTLE_MS;
	bool refuted = t->observed.refuted_ms && t->observed.refuted_ms >= t->observed.looked_ms;
	if (refuted && p->now < over) {
		plan_wake(p, over);
		return false;
	}
	if (refuted)
		plan_act(p, ACT_TUNNEL_FIND, t->id, "has it the name after all?");
	else
		plan_act(p, ACT_TUNNEL_CLAIM, t->id, "it may be the one whose answer was lost");
	return true;
}

static void plan_claim_or_refuse(struct planning *p, const struct tunnel *t)
{
	if (t->create_sent_ms && plan_claim(p, t))
		return;
	if (!t->create_sent_ms && plan_looks_again(p, t->observed.looked_ms)) {
		plan_act(p, ACT_TUNNEL_FIND, t->id, "is its name still taken?");
		return;
	}
	struct err *e = plan_refuse(p, OBJECT_TUNNEL, t->id);
	(void)err_set(e, ERR_CONFLICT,
		      "A tunnel named \"%s\" exists at Cloudflare and is not adit's", t->name);
	(void)err_hint(e,
		       "Take that one (adit tunnel adopt %s), rename it, or delete this one (adit "
		       "tunnel delete %s).",
		       t->name, t->name);
}

/* It was not found by its name, which somebody may have changed since our POST. */
static bool search_is_due(const struct tunnel *t)
{
	return t->create_sent_ms && t->observed.searched_ms < t->create_sent_ms + SETTLE_MS;
}

static void plan_tunnel_make(struct planning *p, const struct tunnel *t)
{
	if (t->observed.found_id[0] && t->observed.looked_ms >= t->create_sent_ms &&
	    t->observed.looked_ms) {
		plan_claim_or_refuse(p, t);
		return;
	}
	switch (plan_creating(p, t->observed.looked_ms, t->create_sent_ms)) {
	case CREATE_LOOK:
		plan_act(p, ACT_TUNNEL_FIND, t->id, "is there one of this name?");
		break;
	case CREATE_WAIT:
		break;
	case CREATE_NOW:
		if (search_is_due(t))
			plan_act(p, ACT_TUNNEL_SEARCH, t->id, "has it another name by now?");
		else
			plan_act(p, ACT_TUNNEL_CREATE, t->id, "it is wanted and is not there");
		break;
	}
}

/* When what was sent without an answer can no longer land, one more look tells what stands there.
 */
static bool put_is_due(struct planning *p, const struct tunnel *t)
{
	int64_t due = t->observed.put_unknown_ms + SETTLE_MS;
	if (!t->observed.put_unknown_ms)
		return false;
	if (p->now < due)
		plan_wake(p, due);
	return p->now >= due;
}

static bool config_known(const struct planning *p, const struct tunnel *t, bool due)
{
	int64_t seen = t->observed.config_seen_ms;
	return seen && p->now - seen <= CONFIG_FRESH_MS &&
	       (!due || seen >= t->observed.put_unknown_ms + SETTLE_MS);
}

static bool is_blocked(const struct route *r)
{
	return r->observed.seen == ROUTE_BLOCKED && r->problem;
}

static bool is_waiting(const struct route *r)
{
	return is_blocked(r) || r->applied_generation != r->generation;
}

/* Found once for all tunnels: mostly there is none, and there may be many routes. */
void plan_find_waiting(struct planning *p)
{
	TABLE_EACH (i, struct route, r, &p->w->routes)
		p->waiting = p->waiting || is_waiting(r);
}

/* Does a route wait for its rule? One that something stands in the way of is tried again from time
 * to time: a person may have cleared the way. */
static bool routes_due(struct planning *p, const struct tunnel *t)
{
	bool due = false;
	if (!p->waiting)
		return false;
	TABLE_EACH (i, const struct route, r, &group_of(plan_groups(p), t->id)->routes) {
		int64_t again = r->observed.seen_ms + TAKEN_MS;
		if (!is_waiting(r))
			continue;
		if (!is_blocked(r)) {
			due = true;
			continue;
		}
		due = due || p->now >= again;
		if (p->now < again)
			plan_wake(p, again);
	}
	return due;
}

static void refuse_local(struct planning *p, const struct tunnel *t)
{
	struct err *e = plan_refuse(p, OBJECT_TUNNEL, t->id);
	(void)err_set(e, ERR_CONFLICT,
		      "Tunnel %s is configured by a file on some host, so its configuration is "
		      "left alone",
		      t->name);
	(void)err_hint(e,
		       "Use another tunnel for this host's routes, or let adit take that one over "
		       "for good (adit tunnel adopt %s --convert).",
		       t->name);
}

/* Seen to be somebody else's not long ago. */
static bool is_local(struct planning *p, const struct tunnel *t)
{
	if (!t->observed.config_local || t->convert || !t->observed.config_seen_ms)
		return false;
	return !plan_looks_again(p, t->observed.config_seen_ms);
}

/* Something is to be written, or to be seen whether it is. */
static void plan_config_write(struct planning *p, const struct tunnel *t, bool settles)
{
	bool first = t->config_version == 0 && !group_of(plan_groups(p), t->id)->routes.n &&
		     !t->observed.put_unknown_ms;
	if (first)
		plan_act(p, ACT_CONFIG_MERGE, t->id, "nothing to put before the first route");
	else if (is_local(p, t))
		refuse_local(p, t);
	else if (!config_known(p, t, settles))
		plan_act(p, ACT_CONFIG_READ, t->id, "its routes changed; what is there now?");
	else
		plan_act(p, ACT_CONFIG_MERGE, t->id, "its routes changed");
}

/* Somebody may have changed it. */
static void plan_config_look(struct planning *p, const struct tunnel *t)
{
	if (!t->observed.config_came || !config_known(p, t, false))
		plan_act(p, ACT_CONFIG_READ, t->id, "somebody may have changed it");
	else
		plan_act(p, ACT_CONFIG_MERGE, t->id, "it was read: what stands there?");
}

static void plan_config(struct planning *p, const struct tunnel *t)
{
	bool settles = put_is_due(p, t), waits = routes_due(p, t);
	int64_t until = 0;
	bool moved =
		t->observed.config_keeps.count && keep_is_over(plan_groups(p), t, p->now, &until);
	bool writes = t->applied_generation != t->generation || settles || waits || moved;
	if (!moved && until)
		plan_wake(p, until);
	if (t->observed.config_due && (!writes || !t->observed.config_came || is_local(p, t)))
		plan_config_look(p, t);
	else if (writes)
		plan_config_write(p, t, settles);
}

/* ---- its name ---- */

static bool name_is_known(const struct planning *p, const struct tunnel *t)
{
	return t->observed.named_ms && p->now - t->observed.named_ms <= FRESH_MS;
}

static bool name_may_go(const struct tunnel *t)
{
	const char *name = t->observed.name;
	size_t n = strlen(name);
	for (const char *line = t->renames; *line; line += strcspn(line, "\n")) {
		line += *line == '\n';
		if (strncmp(line, name, n) == 0 && (line[n] == '\n' || !line[n]))
			return true;
	}
	return false;
}

static void refuse_name_taken(struct planning *p, const struct tunnel *t)
{
	struct err *e = plan_refuse(p, OBJECT_TUNNEL, t->id);
	(void)err_set(e, ERR_CONFLICT,
		      "Tunnel %s keeps its old name at Cloudflare: another tunnel has the new one",
		      t->name);
	(void)err_hint(e, "Choose another name (adit tunnel update %s --name NAME).", t->name);
	plan_wake(p, t->observed.name_refused_ms + TAKEN_MS);
}

static void refuse_renamed(struct planning *p, const struct tunnel *t)
{
	struct err *e = plan_refuse(p, OBJECT_TUNNEL, t->id);
	(void)err_set(e, ERR_CONFLICT,
		      "Tunnel %s was given a third name at Cloudflare by somebody else, while its "
		      "new one was on the way",
		      t->name);
	(void)err_hint(e, "Name it once more (adit tunnel update %s --name NAME).", t->name);
}

static void plan_name(struct planning *p, const struct tunnel *t)
{
	if (!t->renames)
		return;
	if (t->observed.name_refused_ms && p->now < t->observed.name_refused_ms + TAKEN_MS)
		refuse_name_taken(p, t);
	else if (!name_is_known(p, t) || !t->observed.name)
		plan_act(p, ACT_TUNNEL_LOOK, t->id, "it is to have another name; what is it now?");
	else if (str_equal(t->observed.name, t->name) || name_may_go(t))
		plan_act(p, ACT_TUNNEL_RENAME, t->id, "it is to have another name");
	else
		refuse_renamed(p, t);
}

static void refuse_gone(struct planning *p, const struct tunnel *t)
{
	struct err *e = plan_refuse(p, OBJECT_TUNNEL, t->id);
	(void)err_set(e, ERR_NOT_FOUND,
		      "Tunnel %s was deleted at Cloudflare by somebody else; it is not made again "
		      "unasked",
		      t->name);
	(void)err_hint(e, "Delete it here too (adit tunnel delete %s), then create it again.",
		       t->name);
}

static void plan_tunnel_present(struct planning *p, const struct tunnel *t)
{
	if (t->observed.gone)
		refuse_gone(p, t);
	else if (!t->remote_id[0])
		plan_tunnel_make(p, t);
	else if (!t->token_generation || t->token_stale || t->token_due)
		plan_act(p, ACT_TUNNEL_TOKEN, t->id, "connectors need its token");
	else if (!t->observed.seen_ms && !t->observed.named_ms && p->w->system.tunnels_listed_ms)
		plan_act(p, ACT_TUNNEL_LOOK, t->id, "it is ours by now, and was not seen yet");
	else if (!t->joined) {
		plan_config(p, t);
		plan_name(p, t);
		plan_secret(p, t);
	}
}

static bool has_records(const struct world *w, const struct tunnel *t)
{
	TABLE_EACH (i, struct record, r, &w->records)
		if (str_equal(r->tunnel_id, t->id))
			return true;
	return false;
}

/* It may have been made by a POST whose answer was lost: find out before it is forgotten. */
static void plan_unmade_absent(struct planning *p, const struct tunnel *t)
{
	if (!t->create_sent_ms) {
		plan_act(p, ACT_TUNNEL_FORGET, t->id, "it was never made");
		return;
	}
	if (t->observed.found_id[0] && t->observed.looked_ms >= t->create_sent_ms) {
		(void)plan_claim(p, t);
		return;
	}
	switch (plan_creating(p, t->observed.looked_ms, t->create_sent_ms)) {
	case CREATE_LOOK:
		plan_act(p, ACT_TUNNEL_FIND, t->id, "was it made after all?");
		break;
	case CREATE_WAIT:
		break;
	case CREATE_NOW:
		if (search_is_due(t))
			plan_act(p, ACT_TUNNEL_SEARCH, t->id, "was it made, and renamed?");
		else
			plan_act(p, ACT_TUNNEL_FORGET, t->id, "it was not made");
		break;
	}
}

/* What holds a record at the tunnel that it leads to: its own problem, or that of the tunnel that
 * it is to lead to. One that passes by itself is none. */
static const struct problem *holds(const struct planning *p, const struct record *r,
				   const struct tunnel *t)
{
	bool here = str_equal(r->tunnel_id, t->id);
	const struct tunnel *goal = here ? NULL : world_tunnel(p->w, r->tunnel_id);
	const struct problem *x = r->problem ? r->problem : goal ? goal->problem : NULL;
	return x && !x->next_try_ms && (here || record_leaves(r, t, p->now)) ? x : NULL;
}

/* A record that is held holds its tunnel: that is said on the tunnel too. */
static void refuse_held(struct planning *p, const struct tunnel *t)
{
	TABLE_EACH (i, struct record, r, &p->w->records) {
		const struct problem *x = holds(p, r, t);
		if (!x)
			continue;
		struct err *e = plan_refuse(p, OBJECT_TUNNEL, t->id);
		(void)err_set(e, ERR_CONFLICT,
			      "Tunnel %s is not deleted while the record of %s leads to it",
			      t->name, r->name);
		(void)err_hint(e, "%s", x->err.hint);
		return;
	}
}

/* Names that move to another tunnel need this one until they are there. */
static bool is_left(struct planning *p, const struct tunnel *t)
{
	const struct record *r = t->joined ? NULL : world_leaves(p->w, t, p->now);
	int64_t until = r ? record_leaves_until(r, t) : 0;
	if (until)
		plan_wake(p, until);
	return r;
}

/* The order that always works: records, connectors, connections, tunnel. */
static void plan_tunnel_absent(struct planning *p, const struct tunnel *t)
{
	if (is_left(p, t) || has_records(p->w, t) ||
	    group_of(plan_groups(p), t->id)->connectors.n) {
		refuse_held(p, t);
		return;
	}
	if (t->want == WANT_RELEASED || t->joined)
		plan_act(p, ACT_TUNNEL_FORGET, t->id, "it is given back");
	else if (t->observed.gone)
		plan_act(p, ACT_TUNNEL_FORGET, t->id, "it is gone");
	else if (!t->remote_id[0])
		plan_unmade_absent(p, t);
	else if (!t->observed.connections_cleared)
		plan_act(p, ACT_CONNECTIONS_CLEAR, t->id,
			 "a tunnel with connections cannot be deleted");
	else
		plan_act(p, ACT_TUNNEL_DELETE, t->id, "its deletion was approved");
}

static void refuse_missing(struct planning *p, const struct tunnel *t)
{
	struct err *e = plan_refuse(p, OBJECT_TUNNEL, t->id);
	(void)err_set(e, ERR_CONFLICT,
		      "Cloudflare does not show tunnel %s, which may be the API token's fault: "
		      "nothing is concluded and nothing is written to it",
		      t->name);
	(void)err_hint(e, "See adit status, which says more about it.");
}

void plan_tunnel(struct planning *p, const struct tunnel *t)
{
	if (t->remote_id[0] && t->observed.missing) {
		refuse_missing(p, t);
		return;
	}
	if (t->want == WANT_PRESENT)
		plan_tunnel_present(p, t);
	else
		plan_tunnel_absent(p, t);
}
