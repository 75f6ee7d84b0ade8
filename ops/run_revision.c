/* Handlers: the history of desired state. Going back is a plan like every other: the difference
 * from what is wanted now to what was wanted then. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "model/render.h"
#include "ops/find.h"
#include "ops/revision_adopted.h"
#include "ops/sight.h"
#include "ops/write.h"

static void call_refuse(struct call *c, const struct err *e)
{
	c->task.err = *e;
	call_fail(c);
}

/* ---- revision_list ---- */

static void row_revision(const void *row, struct json_writer *w, const void *owner)
{
	const struct revision *r = row;
	char plan[24];

	(void)owner;
	json_object_begin(w);
	json_put_int(w, "revision", r->number);
	json_put_time(w, "at", r->at_ms);
	if (r->plan) {
		plan_id(r->plan, plan);
		json_put_string(w, "plan", plan);
	}
	json_put_string(w, "operation", r->operation);
	json_put_string(w, "principal", r->principal);
	if (r->reason)
		json_put_string(w, "reason", r->reason);
	json_put_int(w, "changes", r->changes);
	json_object_end(w);
}

/* A host name as it is kept; another name as it came. */
static char *object_name(const char *object)
{
	char *name = NULL;
	struct err e;

	return hostname_normalise(object, &name, &e) < 0 ? str_dup(object) : name;
}

static void list_revisions(struct call *c, struct revision *rows, size_t n)
{
	const struct revision_list_args *a = c->args;
	AUTO(str_t) name = a->object ? object_name(a->object) : NULL;
	struct list_answer l;

	if (list_begin(c, (const struct list_args *)a, &l) < 0) {
		call_fail(c);
		return;
	}
	for (size_t i = 0; i < n; i++)
		if ((!name || strlist_has(&rows[i].objects, a->object) ||
		     strlist_has(&rows[i].objects, name)) &&
		    sight_revision(c->ops, &c->who, &rows[i]))
			list_row(&l, row_revision, &rows[i], NULL);
	list_end(&l, "model", clock_wall_ms());
}

void run_revision_list(struct call *c)
{
	struct revision *rows = NULL;
	size_t n = 0;
	struct err e;

	if (!call_needs_store(c))
		return;
	if (store_list_revisions(c->ops->store, 0, 2 * REVISIONS_KEPT, &rows, &n, &e) < 0) {
		call_refuse(c, &e);
		return;
	}
	list_revisions(c, rows, n);
	for (size_t i = 0; i < n; i++)
		revision_free(&rows[i]);
	free(rows);
}

/* ---- revision_diff ---- */

static void answer_diff(struct call *c, int64_t from, int64_t to, const struct plan *p)
{
	struct json_writer w;
	int64_t shown = 0;

	call_object(c, &w);
	json_put_int(&w, "from", from);
	json_put_int(&w, "to", to);
	json_write_key(&w, "changes");
	json_array_begin(&w);
	for (size_t i = 0; i < p->n_changes; i++) {
		if (!sight_change(c->ops, &c->who, &p->changes[i]))
			continue;
		render_change(&p->changes[i], &w);
		shown++;
	}
	json_array_end(&w);
	json_put_int(&w, "count", shown);
	json_object_end(&w);
	call_answer(c);
}

/* What was made anew under its old name is no difference but for a tunnel, which other hosts know
 * by its id and its token. */
static void diff_states(struct snapshot *from, const struct snapshot *to, struct plan *p)
{
	struct strlist anew = {0};

	snapshot_align(from, to, &anew);
	for (size_t i = 0; i < anew.n; i++)
		plan_change(p, '~', "tunnel", anew.items[i], "deleted and made anew");
	strlist_free(&anew);
	snapshot_diff(from, to, p);
}

void run_revision_diff(struct call *c)
{
	const struct revision_diff_args *a = c->args;
	int64_t to_number = a->to ? a->to : c->ops->world->revision;
	AUTO(snapshot_t) from = {0};
	AUTO(snapshot_t) to = {0};
	AUTO(plan_t) p = plan_new(c->op->name, c->who.name, NULL);
	struct err e;

	if (!call_needs_store(c))
		return;
	if (store_load_snapshot(c->ops->store, a->from, &from, &e) < 0 ||
	    store_load_snapshot(c->ops->store, to_number, &to, &e) < 0) {
		call_refuse(c, &e);
		return;
	}
	diff_states(&from, &to, p);
	answer_diff(c, a->from, to_number, p);
}

/* ---- plan_create ---- */

struct way_back {
	const struct world *world;
	const struct snapshot *then;
	struct plan *plan;
	int64_t revision;
};

/* A record that waits for its deletion can be wanted again, and one of another type of the same
 * name gives its place. */
static const struct record *record_again(const struct way_back *x, const struct edit *put)
{
	if (put->kind != EDIT_RECORD_PUT)
		return NULL;
	const struct record *r = world_find_record(x->world, put->name, put->type);
	const struct record *other =
		r ? NULL : world_find_clash(x->world, put->name, put->type, "");
	bool free_to_change = other && !other->tunnel_id[0] && !put->tunnel_id[0] &&
			      !snapshot_find(x->then, other->id);
	return r ? r : free_to_change ? other : NULL;
}

/* What is gone is a new object. */
static void choose_id(const struct edit *put, char id[ID_SIZE], void *owner)
{
	struct way_back *x = owner;
	const struct record *r = record_again(x, put);

	if (r) {
		(void)str_copy(id, ID_SIZE, r->id);
		return;
	}
	id[0] = edit_letter(put->kind);
	random_hex(id + 1, ID_DIGITS);
	if (put->kind != EDIT_TUNNEL_PUT)
		return;
	AUTO(str_t)
	warning = str_format("Tunnel %s was deleted after revision %lld: it is made anew, with "
			     "another id and token, which connectors on other hosts do not have.",
			     put->name, (long long)x->revision);
	strlist_add(&x->plan->warnings, warning);
}

static void touch_tunnel(const struct way_back *x, const char *id)
{
	const struct tunnel *t = world_tunnel(x->world, id);

	if (t)
		(void)plan_put_tunnel(x->plan, t);
}

/* A route that changes, comes or goes is a new configuration of its tunnels. */
static void touch_all(const struct way_back *x)
{
	size_t n = x->plan->n_edits;

	for (size_t i = 0; i < n; i++) {
		struct edit *d = &x->plan->edits[i];
		const struct route *r = world_route(x->world, d->id);
		char leads_to[ID_SIZE];

		plan_touch(x->plan, d->id, find_generation(x->world, d->id));
		if (d->kind != EDIT_ROUTE_PUT && d->kind != EDIT_ROUTE_DROP)
			continue;
		(void)str_copy(leads_to, sizeof(leads_to), d->tunnel_id);
		if (leads_to[0])
			touch_tunnel(x, leads_to);
		if (r)
			touch_tunnel(x, r->tunnel_id);
	}
}

/* Whose a tunnel is was settled with its owner, and is no matter of what this host once wanted. */
static int check_owner(const struct tunnel *t, const struct edit *then, struct err *e)
{
	if (!then->joined && t && t->joined) {
		err_set(e, ERR_CONFLICT,
			"Tunnel %s was this host's own then, and is another host's now", t->name);
		return err_hint(e, "Adopt it (adit tunnel adopt %s) before going back.", t->name);
	}
	if (then->joined && !(t && t->joined)) {
		err_set(e, ERR_CONFLICT, "Tunnel %s was another host's then, and %s", then->name,
			t ? "is this host's own now" : "no connectors of it run here any more");
		return err_hint(e, "%s it again (adit tunnel join %s) before going back.",
				t ? "Give it back (adit tunnel release) and join" : "Join",
				then->name);
	}
	return 0;
}

static int check_tunnels(const struct world *w, const struct snapshot *then, struct err *e)
{
	for (size_t i = 0; i < then->n; i++) {
		const struct edit *d = &then->items[i];
		const struct tunnel *t = world_tunnel(w, d->id);

		if (d->kind != EDIT_TUNNEL_PUT)
			continue;
		if (!t)
			t = world_find_tunnel(w, d->name);
		if ((t && tunnel_check_stays(t, e) < 0) || check_owner(t, d, e) < 0)
			return -1;
	}
	return 0;
}

static int plan_back(struct call *c, struct plan *p, int64_t revision, struct err *e)
{
	AUTO(snapshot_t) now = {0};
	AUTO(snapshot_t) then = {0};
	struct way_back x = {c->ops->world, &then, p, revision};

	if (store_load_snapshot(c->ops->store, revision, &then, e) < 0 ||
	    store_load_snapshot(c->ops->store, x.world->revision, &now, e) < 0 ||
	    check_tunnels(x.world, &then, e) < 0)
		return -1;
	snapshot_align(&then, &now, NULL);
	snapshot_renew(&then, &now, choose_id, &x);
	snapshot_diff(&now, &then, p);
	if (revision_release_adopted(c->ops, revision, p, e) < 0)
		return -1;
	touch_all(&x);
	return 0;
}

static int plan_choice(const struct plan_create_args *a, struct err *e)
{
	if (a->drift != (a->revision > 0) && (a->drift || !a->object))
		return 0;
	if (a->object)
		return err_set(e, ERR_INVALID, "object: accepted together with drift alone");
	(void)err_set(e, ERR_INVALID, "Accepted is either revision or drift");
	return err_hint(e, "Which revision: adit revision list. What drifted: adit drift list.");
}

void run_plan_create(struct call *c)
{
	const struct plan_create_args *a = c->args;
	struct err e;

	if (!call_needs_store(c))
		return;
	c->wide = !a->drift; /* a revision is of everything */
	struct plan *p = plan_new(c->op->name, c->who.name, a->reason);
	if (plan_choice(a, &e) < 0 || (a->drift ? plan_from_drift(c, p, a->object, &e)
						: plan_back(c, p, a->revision, &e)) < 0) {
		plan_free(p);
		call_refuse(c, &e);
		return;
	}
	write_keep(c, (const struct write_args *)a, p);
}
