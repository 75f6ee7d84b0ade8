#include "ops/preflight_config.h"

#include <stdlib.h>
#include <string.h>

#include "cloudflare/configs.h"
#include "reconcile/applied.h"
#include "reconcile/config_due.h"
#include "reconcile/keep.h"
#include "reconcile/merge.h"

/* A rule that is let may be dead behind another one, which is asked for in the next round. */
#define ROUNDS_MAX 8

struct config_check {
	struct task task; /* first */
	struct ops *ops;
	struct plan *plan;      /* borrowed */
	struct strlist tunnels; /* local ids of those whose configuration the plan changes */
	size_t next;
	struct cf_call call;
	bool calling;
};

void config_check_free(struct config_check *k)
{
	if (!k)
		return;
	if (k->calling)
		cf_call_cancel(&k->call);
	cf_call_reset(&k->call);
	task_abandon(&k->task);
	strlist_free(&k->tunnels);
	free(k);
}

PRINTF(2, 3) static void warn(struct config_check *k, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	AUTO(str_t) text = str_vformat(fmt, ap);
	va_end(ap);
	if (!strlist_has(&k->plan->warnings, text))
		strlist_add(&k->plan->warnings, text);
}

/* ---- the tunnel as the plan leaves it ---- */

static const struct edit *edit_of(const struct plan *p, const char *id)
{
	for (size_t i = p->n_edits; i-- > 0;)
		if (str_equal(p->edits[i].id, id))
			return &p->edits[i];
	return NULL;
}

static const char *remote_of(const struct config_check *k, const char *tunnel_id)
{
	const struct tunnel *t = world_tunnel(k->ops->world, tunnel_id);
	const struct edit *ed = edit_of(k->plan, tunnel_id);
	if (ed && ed->kind == EDIT_TUNNEL_PUT && (ed->joined || ed->anew))
		return NULL;
	if (ed && ed->kind == EDIT_TUNNEL_PUT && ed->remote_id)
		return ed->remote_id;
	return t && t->remote_id[0] && !t->joined && !t->observed.gone ? t->remote_id : NULL;
}

static const char *name_of(const struct config_check *k, const char *tunnel_id)
{
	const struct tunnel *t = world_tunnel(k->ops->world, tunnel_id);
	const struct edit *ed = edit_of(k->plan, tunnel_id);
	return t ? t->name : ed && ed->name ? ed->name : tunnel_id;
}

static void add_tunnel(struct config_check *k, const char *tunnel_id)
{
	if (tunnel_id[0] && !strlist_has(&k->tunnels, tunnel_id) && remote_of(k, tunnel_id))
		strlist_add(&k->tunnels, tunnel_id);
}

static void list_tunnels(struct config_check *k)
{
	for (size_t i = 0; i < k->plan->n_edits; i++) {
		const struct edit *ed = &k->plan->edits[i];
		const struct route *r = world_route(k->ops->world, ed->id);
		if (edit_letter(ed->kind) == 'r')
			add_tunnel(k, edit_is_put(ed->kind) ? ed->tunnel_id : "");
		if (r)
			add_tunnel(k, r->tunnel_id);
		if (ed->kind == EDIT_TUNNEL_DROP)
			add_tunnel(k, ed->id);
	}
}

/* Routes after the plan: copies, those that it puts fresh and with what the edit takes. */
struct after {
	struct route **items;
	size_t n;
};
typedef struct after after_t;
static void after_t_cleanup(after_t *a)
{
	for (size_t i = 0; i < a->n; i++)
		route_free(a->items[i]);
	free(a->items);
}

static struct route *copy_route(const struct route *r)
{
	struct route *c = route_new();
	(void)str_copy(c->id, sizeof(c->id), r->id);
	c->generation = r->generation;
	c->applied_generation = r->applied_generation;
	str_set(&c->hostname, r->hostname);
	str_set(&c->path, r->path);
	str_set(&c->service, r->service);
	str_set(&c->origin, r->origin);
	str_set(&c->takes, r->takes);
	return c;
}

static struct route *edit_route(const struct world *w, const struct edit *ed)
{
	const struct route *old = world_route(w, ed->id);
	struct route *c = route_new();
	(void)str_copy(c->id, sizeof(c->id), ed->id);
	str_set(&c->hostname, ed->name);
	str_set(&c->path, ed->path);
	str_set(&c->service, ed->service);
	str_set(&c->origin, ed->origin);
	str_set(&c->takes, ed->takes ? ed->takes : old ? old->takes : NULL);
	return c;
}

static void routes_after(const struct config_check *k, const char *tunnel_id, struct after *out)
{
	const struct world *w = k->ops->world;
	out->items = mem_array(w->routes.n + k->plan->n_edits + 1, sizeof(*out->items));
	TABLE_EACH (i, struct route, r, &w->routes)
		if (str_equal(r->tunnel_id, tunnel_id) && !edit_of(k->plan, r->id))
			out->items[out->n++] = copy_route(r);
	for (size_t i = 0; i < k->plan->n_edits; i++) {
		const struct edit *ed = &k->plan->edits[i];
		if (ed->kind == EDIT_ROUTE_PUT && str_equal(ed->tunnel_id, tunnel_id) &&
		    edit_of(k->plan, ed->id) == ed)
			out->items[out->n++] = edit_route(w, ed);
	}
}

/* Rules of routes that are given back are nobody's of ours any more. */
static void base_after(const struct config_check *k, const char *tunnel_id, char **rules)
{
	for (size_t i = 0; i < k->plan->n_edits; i++) {
		const struct edit *ed = &k->plan->edits[i];
		const struct route *r = world_route(k->ops->world, ed->id);
		if (ed->kind != EDIT_ROUTE_RELEASE || !r || !str_equal(r->tunnel_id, tunnel_id))
			continue;
		char *rest = rules_without(*rules, r->hostname, r->path);
		if (rest) {
			free(*rules);
			*rules = rest;
		}
	}
}

/* ---- what the merge says ---- */

static struct edit *put_of(const struct config_check *k, const char *route_id)
{
	for (size_t i = k->plan->n_edits; i-- > 0;)
		if (k->plan->edits[i].kind == EDIT_ROUTE_PUT &&
		    str_equal(k->plan->edits[i].id, route_id))
			return &k->plan->edits[i];
	return NULL;
}

static char *words_of(const struct merge_issue *x, const struct edit *ed)
{
	AUTO(str_t)
	name = str_format("%s%s%s", ed->name, ed->path ? " " : "", ed->path ? ed->path : "");
	if (x->kind == MERGE_FOREIGN_KEY)
		return str_format("Replaces %s, which serves %s already and which adit did not "
				  "make.",
				  x->words, name);
	if (x->kind == MERGE_IDENTICAL_FOREIGN)
		return str_format("Takes over %s, which serves %s just as wanted and which adit "
				  "did not make.",
				  x->words, name);
	return str_format("Puts %s before %s, which adit did not make, and takes requests from "
			  "it.",
			  name, x->words);
}

static void take_rule(const struct config_check *k, struct edit *ed, const char *rule,
		      const char *what)
{
	const struct route *old = world_route(k->ops->world, ed->id);
	if (!ed->takes && old)
		str_set(&ed->takes, old->takes);
	route_takes_add(&ed->takes, rule, what);
}

/* Our own rules that somebody edited, and that are written over. */
static bool take_edited(const struct config_check *k, const struct merge_result *m)
{
	bool any = false;
	for (size_t i = 0; i < m->n_fates; i++) {
		const struct merge_fate *f = &m->fates[i];
		struct edit *ed = f->words ? put_of(k, f->route_id) : NULL;
		if (!ed)
			continue;
		AUTO(str_t)
		what = str_format("Overwrites %s, which adit made for %s%s%s and which somebody "
				  "changed since.",
				  f->words, ed->name, ed->path ? " " : "",
				  ed->path ? ed->path : "");
		take_rule(k, ed, f->rule, what);
		any = true;
	}
	return any;
}

/* true when an edit was given something more to take, so that the merge is to be done again. */
static bool take_issues(const struct config_check *k, const struct merge_result *m)
{
	bool any = false;
	for (size_t i = 0; i < m->n_issues; i++) {
		const struct merge_issue *x = &m->issues[i];
		struct edit *ed = put_of(k, x->route_id);
		if (!ed || !merge_permittable(x->kind))
			continue;
		AUTO(str_t) what = words_of(x, ed);
		take_rule(k, ed, x->rule, what);
		any = true;
	}
	return any;
}

static int tell_rest(struct config_check *k, const struct merge_result *m, struct err *e)
{
	for (size_t i = 0; i < m->n_issues; i++) {
		const struct merge_issue *x = &m->issues[i];
		if (put_of(k, x->route_id)) {
			*e = x->err;
			return -1;
		}
		warn(k, "%s.", x->err.message);
	}
	return 0;
}

/* The route that leaves the tunnel. */
static struct edit *leaving(const struct config_check *k, const char *tunnel_id)
{
	for (size_t i = 0; i < k->plan->n_edits; i++) {
		struct edit *ed = &k->plan->edits[i];
		const struct route *r = world_route(k->ops->world, ed->id);
		if (r && str_equal(r->tunnel_id, tunnel_id) &&
		    (ed->kind == EDIT_ROUTE_DROP || ed->kind == EDIT_ROUTE_PUT))
			return ed;
	}
	return NULL;
}

/* Our own rules that somebody edited, and that are removed: who agrees knows of them. */
static void take_dropped(const struct config_check *k, const char *tunnel_id,
			 const struct merge_result *m)
{
	struct edit *ed = leaving(k, tunnel_id);
	for (size_t i = 0; ed && i < m->dropped.n; i++) {
		AUTO(str_t)
		what = str_format("Removes %s, which adit made and which somebody changed since.",
				  m->dropped.items[i]);
		take_rule(k, ed, m->dropped_rules.items[i], what);
	}
}

static void tell_kept(struct config_check *k, const char *tunnel_id, const struct merge_result *m)
{
	const struct edit *ed = edit_of(k->plan, tunnel_id);
	const char *name = name_of(k, tunnel_id);
	take_dropped(k, tunnel_id, m);
	for (size_t i = 0; i < m->dropped.n; i++)
		warn(k, "Removes %s, which adit made and which somebody changed since.",
		     m->dropped.items[i]);
	if (ed && ed->kind == EDIT_TUNNEL_DROP) {
		if (m->n_foreign)
			warn(k,
			     "Tunnel %s: its configuration holds %zu rule%s that adit did not "
			     "make; they go with it.",
			     name, m->n_foreign, m->n_foreign == 1 ? "" : "s");
	} else if (m->n_foreign) {
		plan_change(k->plan, '=', "tunnel", name, "%zu rule%s kept, %zu of them not adit's",
			    m->n_kept, m->n_kept == 1 ? "" : "s", m->n_foreign);
	}
}

static int merge_once(const struct config_check *k, const char *tunnel_id, const char *remote,
		      const struct applied *known, struct merge_result *out, struct err *e)
{
	AUTO(after_t) after = {0};
	routes_after(k, tunnel_id, &after);
	struct merge_input in = {.remote = remote,
				 .base = known->rules,
				 .sent = known->sent,
				 .routes = (const struct route *const *)after.items,
				 .n_routes = after.n};
	return merge(&in, out, e);
}

static int judge(struct config_check *k, const char *tunnel_id, const char *remote, struct err *e)
{
	AUTO(applied_t) known = {0};
	struct merge_result m = {0};
	if (k->ops->store && applied_load(k->ops->store, tunnel_id, &known, e) < 0)
		return -1;
	base_after(k, tunnel_id, &known.rules);
	for (int round = 0; round < ROUNDS_MAX; round++) {
		merge_result_free(&m);
		if (merge_once(k, tunnel_id, remote, &known, &m, e) < 0)
			return -1;
		bool issues = take_issues(k, &m), edited = take_edited(k, &m);
		if (!issues && !edited)
			break;
	}
	int rc = tell_rest(k, &m, e);
	if (rc == 0)
		tell_kept(k, tunnel_id, &m);
	merge_result_free(&m);
	return rc;
}

/* ---- reading ---- */

static bool puts_routes(const struct config_check *k, const char *tunnel_id)
{
	for (size_t i = 0; i < k->plan->n_edits; i++)
		if (k->plan->edits[i].kind == EDIT_ROUTE_PUT &&
		    str_equal(k->plan->edits[i].tunnel_id, tunnel_id))
			return true;
	return false;
}

static int check_local(const struct config_check *k, const char *tunnel_id,
		       const struct cf_config *c, struct err *e)
{
	const struct tunnel *t = world_tunnel(k->ops->world, tunnel_id);
	const struct edit *ed = edit_of(k->plan, tunnel_id);
	if (!c->local || (t && t->convert) || (ed && ed->convert) || !puts_routes(k, tunnel_id))
		return 0;
	(void)err_set(e, ERR_CONFLICT,
		      "Tunnel %s is configured by a file on some host, so its configuration is "
		      "left alone",
		      name_of(k, tunnel_id));
	return err_hint(e, "Use another tunnel for this host's routes.");
}

static void check_next(struct config_check *k);

static void config_came(struct task *task, void *owner)
{
	struct config_check *k = owner;
	const char *id = k->tunnels.items[k->next++];
	struct cf_config c;
	struct err e;
	k->calling = false;
	if (task->err.kind != ERR_NONE) {
		warn(k, "The configuration of tunnel %s could not be read beforehand: %s",
		     name_of(k, id), task->err.message);
		check_next(k);
		return;
	}
	int rc = cf_config_read(&k->call, &c, &e);
	if (rc == 0) {
		config_due_shown(k->ops->world, id, c.version);
		rc = check_local(k, id, &c, &e);
	}
	if (rc == 0) {
		AUTO(str_t) text = c.config.len ? str_ndup(c.config.p, c.config.len) : NULL;
		rc = judge(k, id, text, &e);
	}
	if (rc < 0 && !puts_routes(k, id)) {
		warn(k, "%s.", e.message); /* what goes is not held by it */
	} else if (rc < 0) {
		k->task.err = e;
		task_finish(&k->task);
		return;
	}
	check_next(k);
}

static void check_next(struct config_check *k)
{
	for (; k->next < k->tunnels.n; k->next++) {
		const char *remote = remote_of(k, k->tunnels.items[k->next]);
		if (!remote)
			continue;
		cf_call_reset(&k->call);
		k->calling = true;
		cf_config_ask(k->ops->cf, &k->call, remote, config_came, k);
		return;
	}
	task_finish(&k->task);
}

struct config_check *config_check_start(struct ops *o, struct plan *plan, task_done_fn *done,
					void *owner)
{
	struct config_check *k = mem_alloc(sizeof(*k));
	k->ops = o;
	k->plan = plan;
	task_begin(&k->task, o->loop, done, owner);
	list_tunnels(k);
	check_next(k);
	return k;
}
