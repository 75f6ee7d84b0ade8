/*
 * Edits of rules of ours that came after the plan that writes over them, or takes them away, had a
 * look: what goes with a PUT is named before it leaves, and kept. Once, however often it is sent.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "reconcile/act.h"
#include "reconcile/applied.h"
#include "reconcile/race.h"

/* Did a person agree to lose this edit? The plan named it by its text. */
static bool is_agreed(const struct world *w, const struct merge_fate *f)
{
	const struct route *r = world_route(w, f->route_id);
	return !r || (r->takes && strstr(r->takes, f->rule));
}

static void tell(struct act *a, const struct tunnel *t, const struct act_loss *x, const char *words,
		 const char *fate)
{
	const struct json_span put = {.p = x->merged->document, .len = strlen(x->merged->document)};
	const struct race r = {.edit = true,
			       .at_ms = clock_wall_ms(),
			       .version = x->read_version + 1,
			       .made_from = x->read_version};
	struct err e;
	act_event(a, OBJECT_TUNNEL, t->id, t->name, "edit_overwritten",
		  "%s, which somebody changed at Cloudflare, is %s", words, fate);
	if (race_keep(a->x->store, t->id, &r, t->observed.config, put, &e) < 0)
		log_warning("the edited configuration of tunnel %s was not kept: %s", t->name,
			    e.message);
}

void act_tell_overwritten(struct act *a, const struct tunnel *t, const struct act_loss *x)
{
	struct store *s = a->x->store;
	const struct merge_result *m = x->merged;
	if (race_kept(s, t->id, x->read_version + 1))
		return;
	for (size_t i = 0; i < x->n_fates; i++)
		if (x->fates[i].words && !is_agreed(a->x->world, &x->fates[i]))
			tell(a, t, x, x->fates[i].words, "written over");
	for (size_t i = 0; i < m->dropped.n; i++)
		if (!applied_agreed(s, t->id, m->dropped_rules.items[i]))
			tell(a, t, x, m->dropped.items[i], "removed");
}
