#include <stdlib.h>
#include <string.h>

#include "reconcile/planner_private.h"

/* A create that may still land is looked for after this, then at growing distances. */
#define LOOK_AGAIN_MS 2000

static const char *const action_names[ACTION_KINDS] = {
	[ACT_ZONES_LIST] = "zones_list",         [ACT_TUNNEL_FIND] = "tunnel_find",
	[ACT_TUNNEL_SEARCH] = "tunnel_search",   [ACT_TUNNEL_CLAIM] = "tunnel_claim",
	[ACT_TUNNEL_CREATE] = "tunnel_create",   [ACT_TUNNEL_TOKEN] = "tunnel_token",
	[ACT_CONFIG_READ] = "config_read",       [ACT_CONFIG_MERGE] = "config_merge",
	[ACT_RECORD_FIND] = "record_find",       [ACT_RECORD_READ] = "record_read",
	[ACT_RECORD_CREATE] = "record_create",   [ACT_RECORD_PATCH] = "record_patch",
	[ACT_RECORD_REPLACE] = "record_replace", [ACT_RECORD_DELETE] = "record_delete",
	[ACT_RECORD_FORGET] = "record_forget",   [ACT_CONNECTIONS_CLEAR] = "connections_clear",
	[ACT_RECORD_RELEASE] = "record_release", [ACT_TUNNEL_LOOK] = "tunnel_look",
	[ACT_TUNNEL_RENAME] = "tunnel_rename",   [ACT_TUNNEL_DELETE] = "tunnel_delete",
	[ACT_TUNNEL_FORGET] = "tunnel_forget",   [ACT_TUNNEL_SECRET] = "tunnel_secret",
	[ACT_TUNNEL_CONFIRM] = "tunnel_confirm",
};

const char *action_name(enum action_kind k)
{
	return action_names[k];
}

void plan_act(struct planning *p, enum action_kind kind, const char *id, const char *reason)
{
	struct work *k = p->out;
	k->actions = mem_grow(k->actions, k->n_actions + 1, sizeof(*k->actions));
	struct action *a = &k->actions[k->n_actions++];
	*a = (struct action){.kind = kind, .reason = reason};
	(void)str_copy(a->object_id, sizeof(a->object_id), id);
}

struct err *plan_refuse(struct planning *p, enum object_type type, const char *id)
{
	struct work *k = p->out;
	k->refusals = mem_grow(k->refusals, k->n_refusals + 1, sizeof(*k->refusals));
	struct refusal *r = &k->refusals[k->n_refusals++];
	memset(r, 0, sizeof(*r));
	r->type = type;
	(void)str_copy(r->object_id, sizeof(r->object_id), id);
	return &r->err;
}

void plan_wake(struct planning *p, int64_t wall_ms)
{
	if (!p->out->wake_wall_ms || wall_ms < p->out->wake_wall_ms)
		p->out->wake_wall_ms = wall_ms;
}

/* ---- creating: look, create, look again after a lost answer ---- */

/* Often at first, when most effects appear, and when nothing can appear any more. */
static int64_t look_again(int64_t looked_ms, int64_t sent_ms)
{
	int64_t pause = looked_ms - sent_ms > LOOK_AGAIN_MS ? looked_ms - sent_ms : LOOK_AGAIN_MS;
	int64_t over = sent_ms + SETTLE_MS;
	return looked_ms + pause < over ? looked_ms + pause : over;
}

enum creating plan_creating(struct planning *p, int64_t looked_ms, int64_t sent_ms)
{
	if (looked_ms == 0 || looked_ms < sent_ms)
		return CREATE_LOOK;
	if (sent_ms && p->now < sent_ms + SETTLE_MS) {
		int64_t again = look_again(looked_ms, sent_ms);
		if (p->now >= again)
			return CREATE_LOOK;
		plan_wake(p, again);
		return CREATE_WAIT;
	}
	/* After the time in which an effect may appear, one more look decides. */
	if (sent_ms && looked_ms < sent_ms + SETTLE_MS)
		return CREATE_LOOK;
	return p->now - looked_ms > FRESH_MS ? CREATE_LOOK : CREATE_NOW;
}

bool plan_looks_again(struct planning *p, int64_t looked_ms)
{
	if (looked_ms && p->now < looked_ms + TAKEN_MS)
		plan_wake(p, looked_ms + TAKEN_MS);
	return !looked_ms || p->now >= looked_ms + TAKEN_MS;
}

struct groups *plan_groups(struct planning *p)
{
	if (!p->groups.w)
		groups_of_all(&p->groups, p->w);
	return &p->groups;
}

void plan_next(const struct world *w, int64_t wall_ms, struct work *out)
{
	struct planning p = {.w = w, .now = wall_ms, .out = out};
	memset(out, 0, sizeof(*out));
	if (world_writes_off(w))
		return;
	plan_find_waiting(&p);
	plan_find_stuck(&p);
	TABLE_EACH (i, struct tunnel, t, &w->tunnels)
		plan_tunnel(&p, t);
	TABLE_EACH (k, struct route, x, &w->routes)
		plan_route(&p, x);
	TABLE_EACH (j, struct record, r, &w->records)
		plan_record(&p, r);
	groups_t_cleanup(&p.groups);
	serving_free(&p.serving);
}

void work_free(struct work *k)
{
	free(k->actions);
	free(k->refusals);
	memset(k, 0, sizeof(*k));
}
