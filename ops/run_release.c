/*
 * Handlers: giving back. What is released stays at Cloudflare as it stands, but for our mark, which
 * is taken off; nothing is deleted.
 */
#include <stdlib.h>
#include <string.h>

#include "model/edge_probe.h"
#include "ops/adopt.h"
#include "ops/find.h"
#include "ops/release.h"
#include "ops/sight.h"
#include "ops/write.h"

void release_record(struct plan *p, const struct record *r)
{
	(void)plan_take_off(p, EDIT_RECORD_RELEASE, r->id, r->generation);
	plan_change(p, '~', "record", r->name, "%s stays, without adit's mark", r->type);
}

static void release_route(struct plan *p, const struct route *r)
{
	(void)plan_take_off(p, EDIT_ROUTE_RELEASE, r->id, r->generation);
	plan_change(p, '~', "route", r->hostname,
		    "to %s: its rule stays and is not adit's any more", r->service);
}

/* Will a route of the name be left, through whatever tunnel? */
static bool name_stays(const struct world *w, const char *name, const struct tunnel *t,
		       const struct strlist *patterns)
{
	TABLE_EACH (i, struct route, r, &w->routes)
		if (str_equal(r->hostname, name) &&
		    (!str_equal(r->tunnel_id, t->id) || !adopt_chosen(patterns, name)))
			return true;
	return false;
}

static size_t release_chosen(const struct world *w, struct plan *p, const struct tunnel *t,
			     const struct strlist *patterns)
{
	size_t n = 0;
	TABLE_EACH (i, struct route, r, &w->routes) {
		if (!str_equal(r->tunnel_id, t->id) || !adopt_chosen(patterns, r->hostname))
			continue;
		release_route(p, r);
		n++;
	}
	TABLE_EACH (j, struct record, d, &w->records) {
		if (!str_equal(d->tunnel_id, t->id) || d->want != WANT_PRESENT ||
		    !adopt_chosen(patterns, d->name) || name_stays(w, d->name, t, patterns))
			continue;
		release_record(p, d);
		n++;
	}
	return n;
}

void release_tunnel(const struct world *w, struct plan *p, const struct tunnel *t)
{
	int64_t running = 0;
	TABLE_EACH (i, struct connector, c, &w->connectors)
		running += str_equal(c->tunnel_id, t->id);
	(void)plan_take_off(p, EDIT_TUNNEL_RELEASE, t->id, t->generation);
	plan_change(p, '~', "tunnel", t->name,
		    "%s: stays at Cloudflare with its configuration; %lld connector%s here stop%s, "
		    "and adit forgets it",
		    t->remote_id[0] ? t->remote_id : "not made yet", (long long)running,
		    running == 1 ? "" : "s", running == 1 ? "s" : "");
}

static int check_release(const struct tunnel *t, struct err *e)
{
	if (t->want == WANT_ABSENT)
		return err_set(e, ERR_CONFLICT, "Tunnel %s is being deleted", t->name);
	if (t->create_sent_ms && !t->remote_id[0])
		return err_set(e, ERR_BUSY, "Tunnel %s is just being created", t->name);
	return 0;
}

/* Its rule would stay, and lead to nothing. */
static int check_no_probe(const struct world *w, const struct tunnel *t,
			  const struct strlist *patterns, struct err *e)
{
	TABLE_EACH (i, struct route, r, &w->routes) {
		if (!route_is_edge_probe(r) || !str_equal(r->tunnel_id, t->id) ||
		    !adopt_chosen(patterns, r->hostname))
			continue;
		(void)err_set(e, ERR_CONFLICT, "%s is being probed through the public edge",
			      r->hostname);
		return err_hint(e, "End that first: adit route probe %s --end.", r->hostname);
	}
	return 0;
}

static int plan_release(const struct call *c, const struct tunnel *t, struct plan *p, struct err *e)
{
	const struct tunnel_release_args *a = c->args;
	bool whole = adopt_all(&a->routes);
	if (check_release(t, e) < 0 || check_no_probe(c->ops->world, t, &a->routes, e) < 0)
		return -1;
	plan_touch(p, t->id, t->generation);
	if (t->want == WANT_RELEASED)
		return 0;
	if (release_chosen(call_world(c), p, t, &a->routes) == 0 && !whole) {
		(void)err_set(e, ERR_NOT_FOUND, "Tunnel %s has no route of such a name", t->name);
		return err_hint(e, "See adit tunnel get %s.", t->name);
	}
	if (whole)
		release_tunnel(call_world(c), p, t);
	return 0;
}

void run_tunnel_release(struct call *c)
{
	const struct tunnel_release_args *a = c->args;
	const struct tunnel *t = find_tunnel(c, a->tunnel);
	struct err e;
	if (!t)
		return;
	struct plan *p = plan_new(c->op->name, c->who.name, a->reason);
	if (plan_release(c, t, p, &e) == 0) {
		write_run(c, (const struct write_args *)a, p);
		return;
	}
	plan_free(p);
	c->task.err = e;
	call_fail(c);
}
