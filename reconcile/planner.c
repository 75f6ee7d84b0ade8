#include "reconcile/planner.h"

#include <stdlib.h>
#include <string.h>

#include "reconcile/keep.h"

/* How often a create that may still land is looked for. */
#define LOOK_AGAIN_MS 2000

static const char *const action_names[ACTION_KINDS] = {
	[ACT_ZONES_LIST] = "zones_list",       [ACT_TUNNEL_FIND] = "tunnel_find",
	[ACT_TUNNEL_CLAIM] = "tunnel_claim",   [ACT_TUNNEL_CREATE] = "tunnel_create",
	[ACT_TUNNEL_TOKEN] = "tunnel_token",   [ACT_CONFIG_READ] = "config_read",
	[ACT_CONFIG_MERGE] = "config_merge",   [ACT_RECORD_FIND] = "record_find",
	[ACT_RECORD_READ] = "record_read",     [ACT_RECORD_CREATE] = "record_create",
	[ACT_RECORD_PATCH] = "record_patch",   [ACT_RECORD_DELETE] = "record_delete",
	[ACT_RECORD_FORGET] = "record_forget", [ACT_CONNECTIONS_CLEAR] = "connections_clear",
	[ACT_TUNNEL_DELETE] = "tunnel_delete", [ACT_TUNNEL_FORGET] = "tunnel_forget",
};

const char *action_name(enum action_kind k)
{
	return action_names[k];
}

struct planning {
	const struct world *w;
	int64_t now;
	struct work *out;
	bool zones_asked;
};

static void act(struct planning *p, enum action_kind kind, const char *id, const char *reason)
{
	struct work *k = p->out;
	k->actions = mem_grow(k->actions, k->n_actions + 1, sizeof(*k->actions));
	struct action *a = &k->actions[k->n_actions++];
	*a = (struct action){.kind = kind, .reason = reason};
	(void)str_copy(a->object_id, sizeof(a->object_id), id);
}

static struct err *refuse(struct planning *p, enum object_type type, const char *id)
{
	struct work *k = p->out;
	k->refusals = mem_grow(k->refusals, k->n_refusals + 1, sizeof(*k->refusals));
	struct refusal *r = &k->refusals[k->n_refusals++];
	memset(r, 0, sizeof(*r));
	r->type = type;
	(void)str_copy(r->object_id, sizeof(r->object_id), id);
	return &r->err;
}

static void wake(struct planning *p, int64_t wall_ms)
{
	if (!p->out->wake_wall_ms || wall_ms < p->out->wake_wall_ms)
		p->out->wake_wall_ms = wall_ms;
}

/* ---- creating: look, create, look again after a lost answer ---- */

enum creating { CREATE_LOOK, CREATE_WAIT, CREATE_NOW };

/* What to do about a thing that a look-up did not find. */
static enum creating creating(struct planning *p, int64_t looked_ms, int64_t sent_ms)
{
	if (looked_ms == 0 || looked_ms < sent_ms)
		return CREATE_LOOK;
	if (sent_ms && p->now < sent_ms + SETTLE_MS) {
		if (p->now >= looked_ms + LOOK_AGAIN_MS)
			return CREATE_LOOK;
		wake(p, looked_ms + LOOK_AGAIN_MS);
		return CREATE_WAIT;
	}
	/* After the time in which an effect may appear, one more look decides. */
	if (sent_ms && looked_ms < sent_ms + SETTLE_MS)
		return CREATE_LOOK;
	return p->now - looked_ms > FRESH_MS ? CREATE_LOOK : CREATE_NOW;
}

/* ---- tunnels ---- */

static bool has_routes(const struct world *w, const struct tunnel *t)
{
	TABLE_EACH (i, struct route, r, &w->routes)
		if (str_equal(r->tunnel_id, t->id))
			return true;
	return false;
}

/* What stood in the way may have gone: time to look again? */
static bool looks_again(struct planning *p, int64_t looked_ms)
{
	if (looked_ms && p->now < looked_ms + TAKEN_MS)
		wake(p, looked_ms + TAKEN_MS);
	return !looked_ms || p->now >= looked_ms + TAKEN_MS;
}

static void plan_claim_or_refuse(struct planning *p, const struct tunnel *t)
{
	if (t->create_sent_ms) {
		act(p, ACT_TUNNEL_CLAIM, t->id, "it may be the one whose answer was lost");
		return;
	}
	if (looks_again(p, t->observed.looked_ms)) {
		act(p, ACT_TUNNEL_FIND, t->id, "is its name still taken?");
		return;
	}
	struct err *e = refuse(p, OBJECT_TUNNEL, t->id);
	(void)err_set(e, ERR_CONFLICT,
		      "A tunnel named \"%s\" exists at Cloudflare and is not adit's", t->name);
	(void)err_hint(e,
		       "Rename or delete that tunnel, or delete this one (adit tunnel delete %s).",
		       t->name);
}

static void plan_tunnel_make(struct planning *p, const struct tunnel *t)
{
	if (t->observed.found_id[0] && t->observed.looked_ms >= t->create_sent_ms &&
	    t->observed.looked_ms) {
		plan_claim_or_refuse(p, t);
		return;
	}
	switch (creating(p, t->observed.looked_ms, t->create_sent_ms)) {
	case CREATE_LOOK:
		act(p, ACT_TUNNEL_FIND, t->id, "is there one of this name?");
		break;
	case CREATE_WAIT:
		break;
	case CREATE_NOW:
		act(p, ACT_TUNNEL_CREATE, t->id, "it is wanted and is not there");
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
		wake(p, due);
	return p->now >= due;
}

static bool config_known(const struct planning *p, const struct tunnel *t, bool due)
{
	int64_t seen = t->observed.config_seen_ms;
	return seen && p->now - seen <= FRESH_MS &&
	       (!due || seen >= t->observed.put_unknown_ms + SETTLE_MS);
}

static void plan_config(struct planning *p, const struct tunnel *t)
{
	bool due = put_is_due(p, t);
	bool moved = t->observed.config_keeps && !keep_waits(p->w, t);
	if (t->applied_generation == t->generation && !due && !moved)
		return;
	bool first = t->config_version == 0 && !has_routes(p->w, t) && !t->observed.put_unknown_ms;
	if (!first && config_known(p, t, due) && t->observed.config_local) {
		struct err *e = refuse(p, OBJECT_TUNNEL, t->id);
		(void)err_set(
			e, ERR_CONFLICT,
			"Tunnel %s is configured by a file on some host, so its configuration is "
			"left alone",
			t->name);
		(void)err_hint(e, "Use another tunnel for this host's routes.");
		return;
	}
	if (first)
		act(p, ACT_CONFIG_MERGE, t->id, "nothing to put before the first route");
	else if (!config_known(p, t, due))
		act(p, ACT_CONFIG_READ, t->id, "its routes changed; what is there now?");
	else
		act(p, ACT_CONFIG_MERGE, t->id, "its routes changed");
}

static void refuse_gone(struct planning *p, const struct tunnel *t)
{
	struct err *e = refuse(p, OBJECT_TUNNEL, t->id);
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
	else if (!t->token_generation)
		act(p, ACT_TUNNEL_TOKEN, t->id, "connectors need its token");
	else
		plan_config(p, t);
}

static bool has_records(const struct world *w, const struct tunnel *t)
{
	TABLE_EACH (i, struct record, r, &w->records)
		if (str_equal(r->tunnel_id, t->id))
			return true;
	return false;
}

static bool has_connectors(const struct world *w, const struct tunnel *t)
{
	TABLE_EACH (i, struct connector, c, &w->connectors)
		if (str_equal(c->tunnel_id, t->id))
			return true;
	return false;
}

/* It may have been made by a POST whose answer was lost: find out before it is forgotten. */
static void plan_unmade_absent(struct planning *p, const struct tunnel *t)
{
	if (!t->create_sent_ms) {
		act(p, ACT_TUNNEL_FORGET, t->id, "it was never made");
		return;
	}
	if (t->observed.found_id[0] && t->observed.looked_ms >= t->create_sent_ms) {
		act(p, ACT_TUNNEL_CLAIM, t->id, "it may be the one whose answer was lost");
		return;
	}
	switch (creating(p, t->observed.looked_ms, t->create_sent_ms)) {
	case CREATE_LOOK:
		act(p, ACT_TUNNEL_FIND, t->id, "was it made after all?");
		break;
	case CREATE_WAIT:
		break;
	case CREATE_NOW:
		act(p, ACT_TUNNEL_FORGET, t->id, "it was not made");
		break;
	}
}

/* A record that is refused holds its tunnel: that is said on the tunnel too. */
static void refuse_held(struct planning *p, const struct tunnel *t)
{
	TABLE_EACH (i, struct record, r, &p->w->records) {
		if (!str_equal(r->tunnel_id, t->id) || !r->problem || r->problem->next_try_ms)
			continue;
		struct err *e = refuse(p, OBJECT_TUNNEL, t->id);
		(void)err_set(e, ERR_CONFLICT,
			      "Tunnel %s is not deleted while the record of %s leads to it",
			      t->name, r->name);
		(void)err_hint(e, "%s", r->problem->err.hint);
		return;
	}
}

/* The order that always works: records, connectors, connections, tunnel. */
static void plan_tunnel_absent(struct planning *p, const struct tunnel *t)
{
	if (has_records(p->w, t) || has_connectors(p->w, t)) {
		refuse_held(p, t);
		return;
	}
	if (t->observed.gone)
		act(p, ACT_TUNNEL_FORGET, t->id, "it is gone");
	else if (!t->remote_id[0])
		plan_unmade_absent(p, t);
	else if (!t->observed.connections_cleared)
		act(p, ACT_CONNECTIONS_CLEAR, t->id, "a tunnel with connections cannot be deleted");
	else
		act(p, ACT_TUNNEL_DELETE, t->id, "its deletion was approved");
}

/* ---- records ---- */

static void ask_zones(struct planning *p, const struct record *r)
{
	if (!p->zones_asked)
		act(p, ACT_ZONES_LIST, r->id, "which zone holds its name?");
	p->zones_asked = true;
}

static void refuse_zone(struct planning *p, const struct record *r)
{
	struct err *e = refuse(p, OBJECT_RECORD, r->id);
	(void)err_set(e, ERR_NOT_FOUND, "No zone of the account holds %s", r->name);
	(void)err_hint(e, "Add the zone to the account, or let the token read it (Zone: Read); see "
			  "adit zone list.");
}

static void refuse_conflict(struct planning *p, const struct record *r)
{
	struct err *e = refuse(p, OBJECT_RECORD, r->id);
	(void)err_set(e, ERR_CONFLICT, "%s has a DNS record already: %s; it is left alone", r->name,
		      r->observed.conflict);
	if (r->tunnel_id[0])
		(void)err_hint(e, "Remove that record, or delete the route (adit route delete %s).",
			       r->name);
	else
		(void)err_hint(e, "Remove that record, or this one (adit dns delete %s %s).",
			       r->name, r->type);
}

static void refuse_unmarked(struct planning *p, const struct record *r)
{
	struct err *e = refuse(p, OBJECT_RECORD, r->id);
	(void)err_set(e, ERR_CONFLICT,
		      "The record of %s no longer bears adit's mark, so nothing is written to it",
		      r->name);
	(void)err_hint(e, "Put the mark back at the beginning of its comment if it is adit's.");
}

/* The tunnel behind the name runs the configuration that serves it. */
static bool tunnel_serves(const struct world *w, const struct record *r, bool with_connector)
{
	const struct tunnel *t = world_tunnel(w, r->tunnel_id);
	if (!r->tunnel_id[0])
		return true;
	if (!t || !t->remote_id[0] || t->applied_generation != t->generation)
		return false;
	if (!with_connector || t->replicas == 0)
		return true;
	TABLE_EACH (i, struct connector, c, &w->connectors)
		if (str_equal(c->tunnel_id, t->id) && connector_serving(c) &&
		    c->config_version >= t->config_version)
			return true;
	return false;
}

static void plan_record_make(struct planning *p, const struct record *r)
{
	if (r->observed.conflict && r->observed.looked_ms >= r->create_sent_ms) {
		if (looks_again(p, r->observed.looked_ms))
			act(p, ACT_RECORD_FIND, r->id, "is its name still taken?");
		else
			refuse_conflict(p, r);
		return;
	}
	switch (creating(p, r->observed.looked_ms, r->create_sent_ms)) {
	case CREATE_LOOK:
		act(p, ACT_RECORD_FIND, r->id, "does the name have records?");
		break;
	case CREATE_WAIT:
		break;
	case CREATE_NOW:
		act(p, ACT_RECORD_CREATE, r->id, "it is wanted and is not there");
		break;
	}
}

static bool fresh(const struct planning *p, const struct record *r)
{
	return r->observed.looked_ms && p->now - r->observed.looked_ms <= FRESH_MS;
}

static bool record_differs(const struct world *w, const struct record *r)
{
	const struct tunnel *t = world_tunnel(w, r->tunnel_id);
	size_t id = t ? strlen(t->remote_id) : 0;
	const char *content = r->observed.content;
	if (!r->tunnel_id[0])
		return !record_own_as_seen(r);
	bool leads = content && id && strncasecmp(content, t->remote_id, id) == 0 &&
		     str_equal(content + id, ".cfargotunnel.com");
	return !leads || r->observed.proxied != r->proxied;
}

static void refuse_drift(struct planning *p, const struct record *r)
{
	struct err *e = refuse(p, OBJECT_RECORD, r->id);
	(void)err_set(e, ERR_CONFLICT,
		      "The record of %s was changed at Cloudflare by somebody else", r->name);
	if (r->tunnel_id[0])
		(void)err_hint(e, "Change it back there, or delete the route and set it again.");
	else
		(void)err_hint(e,
			       "Change it back there, or delete it here (adit dns delete %s %s) "
			       "and set it again.",
			       r->name, r->type);
}

static void plan_record_change(struct planning *p, const struct record *r)
{
	if (!fresh(p, r))
		act(p, ACT_RECORD_READ, r->id, "it changed here; what is there now?");
	else if (tunnel_serves(p->w, r, true))
		act(p, ACT_RECORD_PATCH, r->id, "what it is to be changed");
}

static void refuse_record_gone(struct planning *p, const struct record *r)
{
	struct err *e = refuse(p, OBJECT_RECORD, r->id);
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

static void plan_record_made(struct planning *p, const struct record *r)
{
	if (r->observed.gone)
		refuse_record_gone(p, r);
	else if (!r->observed.looked_ms)
		act(p, ACT_RECORD_READ, r->id, "not seen yet");
	else if (!r->observed.marked)
		refuse_unmarked(p, r);
	else if (r->generation != r->applied_generation)
		plan_record_change(p, r);
	else if (record_differs(p->w, r))
		refuse_drift(p, r);
}

static void plan_record_present(struct planning *p, const struct record *r)
{
	if (r->remote_id[0]) {
		plan_record_made(p, r);
		return;
	}
	if (!tunnel_serves(p->w, r, false))
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
	enum creating c = r->create_sent_ms ? creating(p, r->observed.looked_ms, r->create_sent_ms)
					    : CREATE_NOW;
	if (c == CREATE_LOOK)
		act(p, ACT_RECORD_FIND, r->id, "was it made after all?");
	else if (c == CREATE_NOW)
		act(p, ACT_RECORD_FORGET, r->id, "it was never made");
}

static void plan_record_absent(struct planning *p, const struct record *r)
{
	if (!r->remote_id[0])
		plan_unmade_record_absent(p, r);
	else if (r->observed.gone)
		act(p, ACT_RECORD_FORGET, r->id, "it is gone");
	else if (!fresh(p, r))
		act(p, ACT_RECORD_READ, r->id, "is it still ours?");
	else if (!r->observed.marked)
		refuse_unmarked(p, r);
	else
		act(p, ACT_RECORD_DELETE, r->id, "its deletion was approved");
}

void plan_next(const struct world *w, int64_t wall_ms, struct work *out)
{
	struct planning p = {.w = w, .now = wall_ms, .out = out};
	memset(out, 0, sizeof(*out));
	if (world_writes_off(w))
		return;
	TABLE_EACH (i, struct tunnel, t, &w->tunnels)
		(t->want == WANT_PRESENT ? plan_tunnel_present : plan_tunnel_absent)(&p, t);
	TABLE_EACH (j, struct record, r, &w->records)
		(r->want == WANT_PRESENT ? plan_record_present : plan_record_absent)(&p, r);
}

void work_free(struct work *k)
{
	free(k->actions);
	free(k->refusals);
	memset(k, 0, sizeof(*k));
}
