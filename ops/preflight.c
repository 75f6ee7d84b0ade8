/*
 * Before a plan is stored: does somebody else hold the name? A tunnel or record that is not ours is
 * refused here with a sentence, so that a wish which cannot come true is not kept. The reconciler
 * looks again right before it writes; this is for people, not for safety.
 */
#include <stdlib.h>
#include <string.h>

#include "cloudflare/tunnels.h"
#include "ops/others.h"
#include "ops/preflight_config.h"
#include "ops/write.h"

static void preflight_step(struct preflight *f);

static void preflight_end(struct preflight *f)
{
	record_check_free(steal(&f->records));
	config_check_free(steal(&f->configs));
	cf_call_reset(&f->call);
	task_finish(&f->task);
}

/* What cannot be asked now is no reason to refuse: the reconciler looks again. */
static void preflight_blind(struct preflight *f, const struct err *e)
{
	char *text = str_format("Cloudflare could not be asked beforehand: %s", e->message);
	if (record_check_blind(f->plan, e, &f->task.err) == 0)
		strlist_add(&f->plan->warnings, text);
	free(text);
	preflight_end(f);
}

static bool call_failed(struct preflight *f)
{
	f->calling = false;
	if (f->call.task.err.kind == ERR_NONE)
		return false;
	struct err e = f->call.task.err;
	preflight_blind(f, &e);
	return true;
}

static void tunnel_found(struct task *t, void *owner)
{
	struct preflight *f = owner;
	(void)t;
	if (call_failed(f))
		return;
	const struct edit *ed = &f->plan->edits[f->next];
	if (json_first(f->call.result)) {
		(void)err_set(&f->task.err, ERR_CONFLICT,
			      "A tunnel named \"%s\" exists at Cloudflare and is not adit's",
			      ed->name);
		(void)err_hint(&f->task.err,
			       "Choose another name, or take that tunnel: adit tunnel adopt %s.",
			       ed->name);
		preflight_end(f);
		return;
	}
	f->next++;
	preflight_step(f);
}

static void connections_came(struct task *t, void *owner)
{
	struct preflight *f = owner;
	struct edit *ed = &f->plan->edits[f->next];
	struct err e;
	(void)t;
	if (call_failed(f))
		return;
	if (others_read(f->ops->world, ed->id, &f->call, &ed->others, &e) < 0) {
		preflight_blind(f, &e);
		return;
	}
	f->next++;
	preflight_step(f);
}

/* A tunnel that is to have a name which another one may have; what is adopted comes with its own.
 */
static bool needs_name(const struct world *w, const struct edit *ed)
{
	const struct tunnel *t = world_tunnel(w, ed->id);
	return ed->kind == EDIT_TUNNEL_PUT && !ed->remote_id &&
	       (!t || (t->remote_id[0] && !str_equal(t->name, ed->name)));
}

/* true when a request was started for this edit, or the task has ended */
static bool look_at(struct preflight *f, const struct edit *ed)
{
	struct world *w = f->ops->world;
	if (needs_name(w, ed)) {
		f->calling = true;
		cf_call_reset(&f->call);
		cf_tunnel_find(f->ops->cf, &f->call, NULL, ed->name, tunnel_found, f);
		return true;
	}
	const struct tunnel *t = ed->rotate ? world_tunnel(w, ed->id) : NULL;
	if (t && t->remote_id[0]) {
		f->calling = true;
		cf_call_reset(&f->call);
		cf_connections_ask(f->ops->cf, &f->call, CF_SHARE_PEOPLE, t->remote_id,
				   connections_came, f);
		return true;
	}
	return false;
}

static void configs_checked(struct task *t, void *owner)
{
	struct preflight *f = owner;
	f->task.err = t->err;
	preflight_end(f);
}

static void records_checked(struct task *t, void *owner)
{
	struct preflight *f = owner;
	f->task.err = t->err;
	if (t->err.kind != ERR_NONE)
		preflight_end(f);
	else
		f->configs = config_check_start(f->ops, f->plan, configs_checked, f);
}

static void preflight_step(struct preflight *f)
{
	for (; f->next < f->plan->n_edits; f->next++)
		if (look_at(f, &f->plan->edits[f->next]))
			return;
	f->records = record_check_start(f->ops, f->plan, records_checked, f);
}

void preflight_start(struct ops *o, struct preflight *f, struct plan *plan, task_done_fn *done,
		     void *owner)
{
	memset(f, 0, sizeof(*f));
	f->ops = o;
	f->plan = plan;
	task_begin(&f->task, o->loop, done, owner);
	const struct system_facts *s = &o->world->system;
	if (!o->cf || s->access == ACCESS_MISSING || s->access == ACCESS_REFUSED) {
		struct err e;
		if (s->access_problem)
			e = s->access_problem->err;
		else
			(void)err_set(&e, ERR_DENIED, "there is no API token");
		preflight_blind(f, &e);
		return;
	}
	preflight_step(f);
}

void preflight_cancel(struct preflight *f)
{
	if (f->calling)
		cf_call_cancel(&f->call);
	f->calling = false;
	record_check_free(steal(&f->records));
	config_check_free(steal(&f->configs));
	cf_call_reset(&f->call);
	task_abandon(&f->task);
}
