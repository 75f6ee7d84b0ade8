/*
 * What is due of a tunnel's new secret: to be sent, to be confirmed by its token, which alone tells
 * whether a PATCH took effect, and to be said of connectors that did not come up with it.
 */
#include "reconcile/planner_private.h"

static void refuse_refused(struct planning *p, const struct tunnel *t)
{
	struct err *e = plan_refuse(p, OBJECT_TUNNEL, t->id);
	(void)err_set(
		e, ERR_CONFLICT,
		"Cloudflare refused the new secret of tunnel %s, so that the old one goes on: "
		"%s",
		t->name, t->observed.secret_refusal);
	(void)err_hint(e, "It is tried again each minute; its connectors are as they were.");
	plan_wake(p, t->observed.secret_refused_ms + TAKEN_MS);
}

static void refuse_lost(struct planning *p, const struct tunnel *t)
{
	struct err *e = plan_refuse(p, OBJECT_TUNNEL, t->id);
	(void)err_set(e, ERR_CONFLICT,
		      "Tunnel %s has a secret that somebody else gave it, not the one that it was "
		      "to get; its connectors take that one",
		      t->name);
	(void)err_hint(e, "Find out who did; then rotate it again (adit tunnel rotate %s).",
		       t->name);
}

/* Only when nothing of the last PATCH can appear any more is there another one. */
static void plan_unconfirmed(struct planning *p, const struct tunnel *t)
{
	switch (plan_creating(p, t->observed.secret_looked_ms, t->rotate_sent_ms)) {
	case CREATE_LOOK:
		plan_act(p, ACT_TUNNEL_CONFIRM, t->id, "does its token have the new secret?");
		break;
	case CREATE_WAIT:
		break;
	case CREATE_NOW:
		plan_act(p, ACT_TUNNEL_SECRET, t->id, "the new secret did not arrive");
		break;
	}
}

static void plan_rotation(struct planning *p, const struct tunnel *t)
{
	if (t->rotate_lost)
		refuse_lost(p, t);
	else if (t->rotate_sent_ms)
		plan_unconfirmed(p, t);
	else if (t->observed.secret_refusal && p->now < t->observed.secret_refused_ms + TAKEN_MS)
		refuse_refused(p, t);
	else
		plan_act(p, ACT_TUNNEL_SECRET, t->id, "it is to have another secret");
}

/* The old secret is gone for good: what still runs with it lives off its open connections. */
static void refuse_left_behind(struct planning *p, const struct tunnel *t,
			       const struct connector *c)
{
	struct err *e = plan_refuse(p, OBJECT_TUNNEL, t->id);
	(void)err_set(e, ERR_CONFLICT,
		      "Connector %s/%d did not come up with the new secret of tunnel %s; the "
		      "process with the old one serves while its connections last, but cannot "
		      "connect again: the old secret is no longer valid",
		      t->name, c->slot, t->name);
	(void)err_hint(e,
		       "It is tried again by itself, and at once by adit connector restart %s/%d.",
		       t->name, c->slot);
}

static bool is_stuck(const struct connector *c)
{
	return c->problem && connector_serving(c) && c->token_generation;
}

void plan_find_stuck(struct planning *p)
{
	TABLE_EACH (i, const struct connector, c, &p->w->connectors)
		p->stuck = p->stuck || is_stuck(c);
}

static void plan_left_behind(struct planning *p, const struct tunnel *t)
{
	if (!p->stuck)
		return;
	TABLE_EACH (i, const struct connector, c, &group_of(plan_groups(p), t->id)->connectors) {
		if (!is_stuck(c) || c->token_generation >= t->token_generation)
			continue;
		refuse_left_behind(p, t, c);
		return;
	}
}

void plan_secret(struct planning *p, const struct tunnel *t)
{
	if (t->rotating)
		plan_rotation(p, t);
	else
		plan_left_behind(p, t);
}
