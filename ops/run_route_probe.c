/*
 * Handler: a probe through the public edge. It is a route of its own, beside those of the name, and
 * goes by a plan as they do; it is refused where the name is not wholly ours.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "model/edge_probe.h"
#include "ops/find.h"
#include "ops/record_wish.h"
#include "ops/sight.h"
#include "ops/write.h"

static const struct route *published(const struct world *w, const char *hostname)
{
	TABLE_EACH (i, struct route, r, &w->routes)
		if (str_equal(r->hostname, hostname) && !route_is_edge_probe(r))
			return r;
	return NULL;
}

static int check_tunnel(const struct tunnel *t, struct err *e)
{
	if (tunnel_check_stays(t, e) < 0)
		return -1;
	if (t->joined)
		return err_set(e, ERR_CONFLICT, "Tunnel %s is another host's", t->name);
	if (t->replicas > 0)
		return 0;
	(void)err_set(e, ERR_CONFLICT, "No connector of tunnel %s runs on this host", t->name);
	return err_hint(e, "Run one: adit tunnel update %s --replicas 1.", t->name);
}

static int check_name(const struct ops *o, const struct route *r, const char *hostname,
		      struct err *e)
{
	const struct record *d = world_find_record(o->world, hostname, "CNAME");
	if (!o->probe_socket)
		return err_set(e, ERR_CONFLICT, "The path of state_dir is too long for a socket");
	if (hostname[0] == '*')
		return err_set(e, ERR_INVALID, "%s is a wildcard: nobody can be asked for it",
			       hostname);
	if (!r) {
		(void)err_set(e, ERR_NOT_FOUND, "%s is not published by this adit", hostname);
		return err_hint(e, "See adit route list.");
	}
	if (d && record_is_ours(d) && str_equal(d->tunnel_id, r->tunnel_id))
		return 0;
	(void)err_set(e, ERR_CONFLICT, "The DNS record of %s is not adit's", hostname);
	return err_hint(e, "Only a name that is adit's as a whole is probed. See adit why %s.",
			hostname);
}

/* ---- edits ---- */

static void plan_end(struct plan *p, const struct route *probe)
{
	(void)plan_take_off(p, EDIT_ROUTE_DROP, probe->id, probe->generation);
	plan_change(p, '-', "route", probe->hostname, "the probe through the public edge");
}

static void plan_begin(const struct call *c, struct plan *p, const struct route *r,
		       const struct route *probe)
{
	const struct route_probe_args *a = c->args;
	const struct tunnel *t = world_tunnel(call_world(c), r->tunnel_id);
	int64_t until = a->always ? 0 : clock_wall_ms() + a->for_time.ms;
	char at[TEXT_TIME_SIZE] = "it is ended";
	if (until)
		time_format(until, at);
	struct edit *ed = probe ? plan_put_route(p, probe) : plan_put_new(p, EDIT_ROUTE_PUT);
	(void)str_copy(ed->tunnel_id, sizeof(ed->tunnel_id), r->tunnel_id);
	str_set(&ed->name, r->hostname);
	str_set(&ed->path, EDGE_PROBE_PATH);
	free(ed->service);
	ed->service = str_format("unix:%s", c->ops->probe_socket);
	ed->until_ms = until;
	plan_change(p, probe ? '~' : '+', "route", r->hostname,
		    "a probe through the public edge, until %s: " EDGE_PROBE_PREFIX
		    "NONCE to adit's own listener, through %s",
		    at, t->name);
}

static bool has_such(const struct route *probe, const struct route_probe_args *a)
{
	return probe && a->always && !probe->until_ms;
}

static int plan_probe(const struct call *c, struct plan *p, const char *hostname, struct err *e)
{
	const struct route_probe_args *a = c->args;
	const struct world *w = call_world(c);
	const struct route *r = published(w, hostname), *probe = world_edge_probe(w, hostname);
	const struct tunnel *t = r ? world_tunnel(w, r->tunnel_id) : NULL;
	if (!a->end && (check_name(c->ops, r, hostname, e) < 0 || !t || check_tunnel(t, e) < 0))
		return -1;
	if (probe)
		plan_touch(p, probe->id, probe->generation);
	if (a->end ? !probe : has_such(probe, a))
		return 0;
	/* A longer time alone is nothing that Cloudflare hears of. */
	if (t && (!probe || a->end))
		(void)plan_put_tunnel(p, t);
	if (a->end)
		plan_end(p, probe);
	else
		plan_begin(c, p, r, probe);
	return 0;
}

void run_route_probe(struct call *c)
{
	const struct route_probe_args *a = c->args;
	AUTO(str_t) hostname = NULL;
	struct err e;
	if (find_hostname(c, a->hostname, &hostname) < 0)
		return;
	struct plan *p = plan_new(c->op->name, c->who.name, a->reason);
	if (plan_probe(c, p, hostname, &e) == 0) {
		write_run(c, (const struct write_args *)a, p);
		return;
	}
	plan_free(p);
	c->task.err = e;
	call_fail(c);
}
