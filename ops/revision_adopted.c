/*
 * Adopted is what came with its id at Cloudflare: a tunnel or a record whose edit names one, a
 * route that an adopting operation took from a rule that stood there. Whatever leads through a
 * tunnel that is given back goes with it, as with tunnel_release.
 */
#include "ops/revision_adopted.h"

#include <stdlib.h>

#include "base/map.h"
#include "reconcile/rebuild.h"

static bool does_adopt(const struct revision *r)
{
	return str_equal(r->operation, op_tunnel_adopt()->name) ||
	       str_equal(r->operation, REBUILD_OPERATION);
}

static void note_edits(const struct plan *p, struct map *adopted)
{
	for (size_t i = 0; i < p->n_edits; i++) {
		const struct edit *d = &p->edits[i];

		if (edit_is_put(d->kind) && (d->remote_id || d->kind == EDIT_ROUTE_PUT))
			(void)map_set(adopted, d->id, adopted);
	}
}

/* A plan that is no longer kept says nothing. */
static int note_revision(const struct ops *o, const struct revision *r, struct map *adopted,
			 struct err *e)
{
	AUTO(plan_t) p = NULL;

	if (!does_adopt(r) || !r->plan)
		return 0;
	if (store_load_plan(o->store, r->plan, &p, e) < 0)
		return e->kind == ERR_NOT_FOUND ? 0 : -1;
	note_edits(p, adopted);
	return 0;
}

static int find_adopted(const struct ops *o, int64_t revision, struct map *adopted, struct err *e)
{
	struct revision *rows = NULL;
	size_t n = 0;
	int rc = 0;

	if (store_list_revisions(o->store, 0, 2 * REVISIONS_KEPT, &rows, &n, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (rc == 0 && rows[i].number > revision)
			rc = note_revision(o, &rows[i], adopted, e);
		revision_free(&rows[i]);
	}
	free(rows);
	return rc;
}

static bool is_adopted(const struct world *w, const struct map *adopted, const struct edit *d)
{
	const struct route *r = world_route(w, d->id);
	const struct record *rec = world_record(w, d->id);
	const char *tunnel = r ? r->tunnel_id : rec ? rec->tunnel_id : "";

	return map_get(adopted, d->id) || map_get(adopted, tunnel);
}

static void warn_of_tunnel(const struct tunnel *t, int64_t revision, struct plan *p)
{
	if (!t)
		return;
	AUTO(str_t)
	warning = str_format("Tunnel %s was adopted after revision %lld, so going back gives it "
			     "back as it stands; deleting it takes adit tunnel delete %s.",
			     t->name, (long long)revision, t->name);
	strlist_add(&p->warnings, warning);
}

static void release(struct edit *d, struct change *c)
{
	static const char *const words[EDIT_KINDS] = {
		[EDIT_TUNNEL_RELEASE] = "given back: it stays at Cloudflare with its "
					"configuration, and its connectors here stop",
		[EDIT_ROUTE_RELEASE] = "given back: its rule stays",
		[EDIT_RECORD_RELEASE] = "given back: it stays, without adit's mark",
	};

	d->kind = d->kind == EDIT_TUNNEL_DROP  ? EDIT_TUNNEL_RELEASE
		  : d->kind == EDIT_ROUTE_DROP ? EDIT_ROUTE_RELEASE
					       : EDIT_RECORD_RELEASE;
	c->sign = '~';
	AUTO(str_t) was = steal(&c->detail);
	c->detail = was ? str_format("%s; %s", was, words[d->kind]) : str_dup(words[d->kind]);
}

int revision_release_adopted(const struct ops *o, int64_t revision, struct plan *p, struct err *e)
{
	struct map adopted = {0};
	int rc = find_adopted(o, revision, &adopted, e);

	for (size_t i = 0; rc == 0 && i < p->n_edits && i < p->n_changes; i++) {
		struct edit *d = &p->edits[i];
		const struct tunnel *t = world_tunnel(o->world, d->id);

		/* Another host's tunnel stays in any case. */
		if (!edit_is_drop(d->kind) || (t && t->joined) ||
		    !is_adopted(o->world, &adopted, d))
			continue;
		release(d, &p->changes[i]);
		warn_of_tunnel(t, revision, p);
	}
	map_free(&adopted);
	return rc;
}
