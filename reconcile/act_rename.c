/*
 * A tunnel's new name on its way to Cloudflare. Its present one is looked at by its id before each
 * try: only a name that it had when a person asked for another one is replaced.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cloudflare/tunnels.h"
#include "reconcile/act.h"
#include "reconcile/apply.h"
#include "reconcile/seen.h"

static struct tunnel *subject(struct act *a)
{
	return world_tunnel(a->x->world, a->action.object_id);
}

static void done(struct act *a)
{
	world_changed(a->x->world, OBJECT_TUNNEL, a->action.object_id);
	act_end(a);
}

void act_rename_recall(const struct act_context *x)
{
	TABLE_EACH (i, struct tunnel, t, &x->world->tunnels) {
		AUTO(str_t) key = apply_renames_key(t->id);
		free(t->renames);
		t->renames = store_get_meta(x->store, key);
	}
}

/* ---- look ---- */

static void tunnel_looked(struct task *task, void *owner)
{
	struct act *a = owner;
	struct tunnel *t = subject(a);
	struct cf_tunnel found;
	struct err e;
	bool absent = task->err.kind != ERR_NONE && a->call.absent;
	if (!absent && act_failed(a))
		return;
	a->calling = false;
	if (t && !absent && cf_tunnel_read(a->call.result, &found, &e) < 0) {
		act_fail(a, &e);
		return;
	}
	if (t) {
		seen_tunnel(a->x->world, t, absent ? NULL : &found);
		t->observed.named_ms = clock_wall_ms();
	}
	done(a);
}

static void start_look(struct act *a)
{
	a->calling = true;
	cf_tunnel_get(a->x->cf, &a->call, subject(a)->remote_id, tunnel_looked, a);
}

/* ---- rename ---- */

/* It has its name. called: by a request of ours just now, whose result is to be kept. */
static int settle(struct act *a, struct tunnel *t, bool called, struct err *e)
{
	struct store *s = a->x->store;
	AUTO(str_t) key = apply_renames_key(t->id);
	if (store_begin(s, e) < 0)
		return -1;
	if (store_set_meta(s, key, NULL, e) == 0 &&
	    (!called || act_ledger(a, LEDGER_RESULT, "PATCH cfd_tunnel", t->name, NULL, e) == 0) &&
	    store_commit(s, e) == 0) {
		str_set(&t->renames, NULL);
		return 0;
	}
	store_rollback(s);
	return -1;
}

static void settle_and_end(struct act *a, struct tunnel *t, bool called)
{
	struct err e;
	if (settle(a, t, called, &e) < 0) {
		act_fail(a, &e);
		return;
	}
	act_event(a, OBJECT_TUNNEL, t->id, t->name, "tunnel_renamed",
		  "tunnel %s has that name at Cloudflare too", t->name);
	done(a);
}

/* Another tunnel has the name: nothing that a repetition heals soon, and nothing that should hold
 * up the tunnel's routes. */
static void name_refused(struct act *a, struct tunnel *t)
{
	struct err e;
	if (act_ledger(a, LEDGER_RESULT, "PATCH cfd_tunnel", t->name, &a->call.task.err, &e) < 0) {
		act_fail(a, &e);
		return;
	}
	t->observed.name_refused_ms = clock_wall_ms();
	done(a);
}

static void tunnel_renamed(struct task *task, void *owner)
{
	struct act *a = owner;
	struct tunnel *t = subject(a);
	struct cf_tunnel now;
	struct err e;
	a->calling = false;
	if (!t) {
		act_end(a);
		return;
	}
	t->observed.named_ms = 0; /* it is looked at before the next try */
	if (task->err.kind == ERR_CONFLICT && !a->call.unknown)
		name_refused(a, t);
	else if (task->err.kind != ERR_NONE)
		act_fail_change(a, "PATCH cfd_tunnel", t->name, &task->err);
	else if (cf_tunnel_read(a->call.result, &now, &e) < 0)
		act_fail_change(a, "PATCH cfd_tunnel", t->name, &e);
	else if (!str_equal(now.name, t->name)) /* another name is wanted by now */
		done(a);
	else {
		str_set(&t->observed.name, now.name);
		settle_and_end(a, t, true);
	}
}

static void start_rename(struct act *a)
{
	struct tunnel *t = subject(a);
	struct err e;
	t->observed.name_refused_ms = 0;
	if (str_equal(t->observed.name, t->name)) {
		settle_and_end(a, t, false);
		return;
	}
	if (act_ledger(a, LEDGER_INTENT, "PATCH cfd_tunnel", t->name, NULL, &e) < 0) {
		act_fail(a, &e);
		return;
	}
	a->calling = true;
	cf_tunnel_rename(a->x->cf, &a->call, t->remote_id, t->name, tunnel_renamed, a);
}

act_fn *act_rename_starter(enum action_kind k)
{
	return k == ACT_TUNNEL_LOOK ? start_look : k == ACT_TUNNEL_RENAME ? start_rename : NULL;
}
