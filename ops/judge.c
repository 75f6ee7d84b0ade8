#include "ops/judge.h"

#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "ops/find.h"
#include "ops/grant.h"
#include "ops/scope.h"

#define DAY_MS (24 * 3600 * 1000LL)

int judge_policy(const struct ops *o, const struct plan *p, struct guard_policy *g, struct err *e)
{
	const struct settings *s = o->settings;
	*g = (struct guard_policy){
		.max_delete = s->safety.max_delete,
		.protect = &s->safety.protect,
		.allow_services = &s->safety.allow_services,
		.socket = s->socket,
		.mcp_listen = s->mcp.listen,
		.probe_socket = o->probe_socket,
	};
	return store_count_drops(o->store, p->principal, clock_wall_ms() - DAY_MS, &g->deleted, e);
}

static int proposer_of(const struct ops *o, const char *name, struct principal *who, struct err *e)
{
	if (principal_of_name(o->settings, name, who, e) == 0)
		return 0;
	if (!str_starts(name, GRANT_PRINCIPAL))
		return -1;
	const struct grant *g = grants_by_name(o->grants, name + strlen(GRANT_PRINCIPAL));
	return principal_of_grant(g, who) == 0 ? 0 : err_set(e, ERR_DENIED, "%s has ended", name);
}

/* Of a plan that a grant proposed: is all that it changes inside, and what besides takes approval?
 */
static int judge_scope(const struct ops *o, struct plan *p, struct err *e)
{
	struct principal who;
	if (!str_starts(p->principal, GRANT_PRINCIPAL))
		return 0;
	if (proposer_of(o, p->principal, &who, e) < 0 || scope_check(o, &who, p, e) < 0)
		return -1;
	scope_origins(o, &who, p);
	return 0;
}

/* The guard begins the approvals anew, so it comes first; what it says of a plan that reaches
 * outside is told to nobody. */
static int judge_now(const struct ops *o, const struct guard_policy *g, struct plan *p,
		     struct err *e)
{
	struct err scope, guard;
	int inside = judge_scope(o, p, &scope);
	int allowed = inside < 0 ? -1 : guard_check(o->world, g, p, &guard);
	if (allowed == 0)
		return judge_scope(o, p, e);
	*e = inside < 0 ? scope : guard;
	return -1;
}

int judge_plan(struct ops *o, struct plan *p, struct err *e)
{
	struct guard_policy g;
	if (judge_policy(o, p, &g, e) < 0 || judge_now(o, &g, p, e) < 0)
		return -1;
	if (guard_drops(p) == 0 || g.deleted == 0)
		return 0;
	AUTO(str_t)
	before = str_format("In the last 24 hours %s has deleted %lld object%s already.",
			    p->principal, (long long)g.deleted, g.deleted == 1 ? "" : "s");
	if (guard_many(&g, p) && !strlist_has(&p->warnings, before))
		strlist_add(&p->warnings, before);
	return 0;
}

static int check_shown(const struct strlist *shown, const struct strlist *now, struct err *e)
{
	for (size_t i = 0; i < now->n; i++)
		if (!strlist_has(shown, now->items[i]))
			return err_set(e, ERR_CONFLICT,
				       "by now there is a reason for approval that was not shown: "
				       "%s",
				       now->items[i]);
	return 0;
}

int judge_again(struct ops *o, struct plan *p, struct err *e)
{
	struct guard_policy g;
	AUTO(strlist_t) shown = p->approvals;
	AUTO(strlist_t) warned = p->warnings;
	p->approvals = p->warnings = (struct strlist){NULL, 0};
	int rc = judge_policy(o, p, &g, e) < 0 || judge_now(o, &g, p, e) < 0
			 ? -1
			 : check_shown(&shown, &p->approvals, e);
	struct strlist now = p->approvals, warnings = p->warnings;
	p->approvals = shown;
	p->warnings = warned;
	shown = now;
	warned = warnings;
	return rc;
}

int judge_deletes(struct ops *o, const struct plan *p, int64_t said, struct err *e)
{
	struct guard_policy g;
	int64_t n = guard_drops(p);
	if (judge_policy(o, p, &g, e) < 0)
		return -1;
	if (said && said != n)
		return err_set(e, ERR_CONFLICT, "The plan deletes %lld object%s, not %lld",
			       (long long)n, n == 1 ? "" : "s", (long long)said);
	if (said || !guard_many(&g, p))
		return 0;
	(void)err_set(e, ERR_NEEDS_APPROVAL,
		      "The plan deletes more than safety.max_delete allows: approving it takes the "
		      "number of objects that it deletes");
	return err_hint(e, "Count them, and give --deletes NUMBER with the approval.");
}

int judge_rights(const struct principal *who, const struct plan *p, struct err *e)
{
	const struct op *op = op_find(p->operation);
	return op ? principal_may(who, op, e) : 0;
}

int judge_proposer(struct ops *o, const struct plan *p, struct err *e)
{
	struct principal who;
	if (str_equal(p->principal, "adit"))
		return 0;
	if (proposer_of(o, p->principal, &who, e) == 0 && judge_rights(&who, p, e) == 0)
		return 0;
	return err_wrap(e, "Whoever proposed the plan may no longer do so");
}

/* ---- does the plan still fit the world? ---- */

static bool is_edited(const struct plan *p, const char *id)
{
	for (size_t i = 0; i < p->n_edits; i++)
		if (str_equal(p->edits[i].id, id))
			return true;
	return false;
}

/* What the plan itself takes out of the way is in nobody's. */
static bool record_clashes(const struct world *w, const struct plan *p, const struct edit *ed)
{
	TABLE_EACH (i, struct record, r, &w->records)
		if (strcasecmp(r->name, ed->name) == 0 && record_types_clash(r->type, ed->type) &&
		    !is_edited(p, r->id))
			return true;
	return false;
}

/* Would it make what somebody else has made meanwhile? */
static bool edit_doubles(const struct world *w, const struct plan *p, const struct edit *ed)
{
	if (ed->kind == EDIT_TUNNEL_PUT)
		return !world_tunnel(w, ed->id) && world_find_tunnel(w, ed->name);
	if (ed->kind == EDIT_ROUTE_PUT)
		return !world_route(w, ed->id) && world_find_route(w, ed->name, ed->path);
	return ed->kind == EDIT_RECORD_PUT && !world_record(w, ed->id) && record_clashes(w, p, ed);
}

bool judge_moved(const struct world *w, const struct plan *p)
{
	for (size_t i = 0; i < p->n_touches; i++)
		if (find_generation(w, p->touches[i].id) != p->touches[i].generation)
			return true;
	for (size_t i = 0; i < p->n_edits; i++)
		if (edit_doubles(w, p, &p->edits[i]))
			return true;
	return false;
}
