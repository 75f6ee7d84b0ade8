/*
 * Before a plan is stored: does somebody else hold the name? A tunnel or record that is not ours is
 * refused here with a sentence, so that a wish which cannot come true is not kept. The reconciler
 * looks again right before it writes; this is for people, not for safety.
 */
#include <stdlib.h>
#include <string.h>

#include "cloudflare/records.h"
#include "cloudflare/tunnels.h"
#include "ops/write.h"

static void preflight_step(struct preflight *f);

static void preflight_end(struct preflight *f)
{
	cf_call_reset(&f->call);
	task_finish(&f->task);
}

/* What cannot be asked now is no reason to refuse: the reconciler looks again. */
static void preflight_blind(struct preflight *f, const struct err *e)
{
	char *text = str_format("Cloudflare could not be asked beforehand: %s", e->message);
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
			       "Choose another name, or delete or rename that tunnel.");
		preflight_end(f);
		return;
	}
	f->next++;
	preflight_step(f);
}

static bool record_conflicts(const struct edit *ed, const struct json *row, struct cf_record *out)
{
	struct err e;
	return cf_record_read(row, out, &e) == 0 && record_types_clash(ed->type, out->type);
}

static void record_found(struct task *t, void *owner)
{
	struct preflight *f = owner;
	(void)t;
	if (call_failed(f))
		return;
	const struct edit *ed = &f->plan->edits[f->next];
	struct cf_record found;
	JSON_EACH (row, f->call.result) {
		if (!record_conflicts(ed, row, &found))
			continue;
		(void)err_set(
			&f->task.err, ERR_CONFLICT,
			"%s has a DNS record already (%s) that is not adit's; it is left alone%s",
			ed->name, found.type,
			!ed->tunnel_id[0] && str_equal(ed->type, found.type)
				? ", and adit makes no second one of a name and type"
				: "");
		(void)err_hint(
			&f->task.err,
			"See adit dns list --zone ZONE --name %s; remove that record or choose "
			"another name.",
			ed->name);
		preflight_end(f);
		return;
	}
	f->next++;
	preflight_step(f);
}

static int zone_missing(struct preflight *f, const struct edit *ed)
{
	AUTO(buf_t) names = {.limit = 160};
	TABLE_EACH (i, struct zone, z, &f->ops->world->zones)
		(void)buf_printf(&names, "%s%s", names.len ? ", " : "", z->name);
	(void)err_set(&f->task.err, ERR_NOT_FOUND, "No zone of the account holds %s", ed->name);
	return err_hint(&f->task.err, "Zones of the account: %s.",
			names.len ? buf_text(&names) : "none");
}

/* true when a request was started for this edit, or the task has ended */
static bool look_at(struct preflight *f, const struct edit *ed)
{
	struct world *w = f->ops->world;
	if (ed->kind == EDIT_TUNNEL_PUT && !world_tunnel(w, ed->id)) {
		f->calling = true;
		cf_call_reset(&f->call);
		cf_tunnel_find(f->ops->cf, &f->call, NULL, ed->name, tunnel_found, f);
		return true;
	}
	if (ed->kind != EDIT_RECORD_PUT || world_record(w, ed->id) || !w->system.zones_listed_ms)
		return false;
	const struct zone *z = world_zone_of(w, ed->name);
	if (!z) {
		(void)zone_missing(f, ed);
		preflight_end(f);
		return true;
	}
	f->calling = true;
	cf_call_reset(&f->call);
	cf_record_find(f->ops->cf, &f->call, NULL, z->id, ed->name, record_found, f);
	return true;
}

static void preflight_step(struct preflight *f)
{
	for (; f->next < f->plan->n_edits; f->next++)
		if (look_at(f, &f->plan->edits[f->next]))
			return;
	preflight_end(f);
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
	cf_call_reset(&f->call);
	task_abandon(&f->task);
}
