/* Handlers: routes. A route brings its host name's DNS record along and takes it away with the last
 * route of the name. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "model/edge_probe.h"
#include "model/origin_form.h"
#include "model/render.h"
#include "ops/find.h"
#include "ops/record_wish.h"
#include "ops/release.h"
#include "ops/route_words.h"
#include "ops/sight.h"
#include "ops/write.h"

static void row_route(const void *row, struct json_writer *w, const void *owner)
{
	struct groups *const *groups = owner;
	render_route(*groups, row, w);
}

static void list_tunnel_routes(struct list_answer *l, struct groups *x, const struct tunnel *t,
			       const char *hostname)
{
	const struct members *of = &group_of(x, t->id)->routes;
	struct route **routes = sort_routes(of);
	for (size_t i = 0; i < of->n; i++)
		if (!hostname || str_equal(routes[i]->hostname, hostname))
			list_row(l, row_route, routes[i], &x);
	free(routes);
}

void run_route_list(struct call *c)
{
	const struct route_list_args *a = c->args;
	const struct tunnel *only = a->tunnel ? find_tunnel(c, a->tunnel) : NULL;
	struct list_answer l;
	AUTO(str_t) hostname = NULL;
	if ((a->tunnel && !only) || (a->hostname && find_hostname(c, a->hostname, &hostname) < 0))
		return;
	if (list_begin(c, (const struct list_args *)a, &l) < 0) {
		call_fail(c);
		return;
	}
	const struct world *w = call_world(c);
	AUTO(groups_t) groups = {0};
	if (only)
		groups_of_one(&groups, w, only->id);
	else
		groups_of_all(&groups, w);
	TABLE_EACH (i, struct tunnel, t, &w->tunnels)
		if (!only || only == t)
			list_tunnel_routes(&l, &groups, t, hostname);
	list_end(&l, "model", clock_wall_ms());
}

/* ---- route_set ---- */

struct wish {
	char *hostname, *origin; /* owned */
	const char *path, *service;
	const char *drift; /* as the argument says; NULL = as it was */
	const char *probe; /* the same */
	char tunnel_id[ID_SIZE];
	const char *tunnel_name;
};

typedef struct wish wish_t;
static void wish_t_cleanup(wish_t *x)
{
	free(x->hostname);
	free(x->origin);
}

/* In the API's form, so that the same wish again is known to be the same. */
static int wish_origin(const char *text, struct wish *x, struct err *e)
{
	AUTO(json_doc_t) doc = NULL;
	AUTO(buf_t) form = {0};
	char option[FIELD_PATH_SIZE];
	if (!text)
		return 0;
	if (json_parse(text, strlen(text), NULL, &doc, e) < 0)
		return err_wrap(e, "origin");
	if (origin_form(json_root(doc), ORIGIN_OF_API, &form, option, e) < 0)
		return err_wrap(e, "origin");
	str_set(&x->origin, form.len ? buf_text(&form) : NULL);
	return 0;
}

static int wish_check(const struct route_set_args *a, struct wish *x, struct err *e)
{
	struct service s;
	if (hostname_normalise(a->hostname, &x->hostname, e) < 0)
		return err_wrap(e, "hostname");
	if (service_parse(a->service, &s, e) < 0)
		return err_wrap(e, "service");
	if (a->path && a->path[0] && pattern_check(a->path, e) < 0)
		return err_wrap(e, "path");
	x->path = a->path && a->path[0] ? a->path : NULL;
	x->service = a->service;
	x->drift = a->drift;
	x->probe = a->probe;
	if (probing_check(probing_by_name(a->probe), a->service, e) < 0)
		return err_wrap(e, "probe");
	return wish_origin(a->origin.text, x, e);
}

static const struct tunnel *tunnel_of_name(const struct world *w, const char *hostname)
{
	TABLE_EACH (i, struct route, r, &w->routes)
		if (str_equal(r->hostname, hostname))
			return world_tunnel(w, r->tunnel_id);
	return NULL;
}

/* The named tunnel, else the one that serves the host name already, else this host's own, which the
 * plan makes when it is missing. */
static int wish_tunnel(struct call *c, struct plan *p, const char *name, struct wish *x)
{
	const char *wanted = name ? name : c->ops->settings->owner;
	const struct tunnel *t =
		name ? find_tunnel(c, name) : tunnel_of_name(call_world(c), x->hostname);
	if (!name && !t)
		t = sight_own_tunnel(c, wanted);
	if (name && !t)
		return -1;
	if (t && tunnel_check_stays(t, &c->task.err) < 0) {
		call_fail(c);
		return -1;
	}
	x->tunnel_name = t ? t->name : wanted;
	(void)str_copy(x->tunnel_id, sizeof(x->tunnel_id),
		       t ? t->id : plan_new_tunnel(p, wanted, 1));
	return 0;
}

/* A service that cannot be asked by HTTP any more is asked for a connection. */
static enum probing probing_of(const struct route *r, const struct wish *x)
{
	enum probing p = x->probe ? probing_by_name(x->probe) : r ? r->probing : PROBE_TCP;
	struct err e;
	return probing_check(p, x->service, &e) < 0 ? PROBE_TCP : p;
}

static void differ_in_route(const struct world *w, const struct route *r, const struct wish *x,
			    struct buf *words)
{
	const char *now = drift_policy_name(r->drift), *then = policy_said(x->drift);
	route_differ(w, r,
		     &(struct route_goal){x->tunnel_id, x->tunnel_name, x->service, x->origin},
		     words);
	if (!policy_is(r->drift, x->drift))
		words_add(words, "drift %s to %s", now ? now : "as set", then ? then : "as set");
	if (probing_of(r, x) != r->probing)
		words_add(words, "probe %s to %s", probing_name(r->probing),
			  probing_name(probing_of(r, x)));
}

static bool route_is(const struct world *w, const struct route *r, const struct wish *x)
{
	AUTO(buf_t) words = {0};
	differ_in_route(w, r, x, &words);
	return !words.len;
}

static void tell_route(const struct world *w, struct plan *p, const struct route *old,
		       const struct wish *x)
{
	const char *path = x->path ? x->path : "", *blank = x->path ? " " : "";
	AUTO(buf_t) words = {0};
	if (!old) {
		plan_change(p, '+', "route", x->hostname, "%s%sto %s through %s", path, blank,
			    x->service, x->tunnel_name);
		return;
	}
	differ_in_route(w, old, x, &words);
	plan_change(p, '~', "route", x->hostname, "%s%s%s", path, blank, buf_text(&words));
}

static void edit_route(const struct world *w, struct plan *p, const struct route *old,
		       const struct wish *x)
{
	struct edit *ed = old ? plan_put_route(p, old) : plan_put_new(p, EDIT_ROUTE_PUT);
	(void)str_copy(ed->tunnel_id, sizeof(ed->tunnel_id), x->tunnel_id);
	str_set(&ed->name, x->hostname);
	str_set(&ed->path, x->path);
	str_set(&ed->service, x->service);
	if (!old || !origin_texts_same(old->origin, x->origin)) {
		str_set(&ed->origin, x->origin);
		warn_options(p, x->hostname, x->origin);
	}
	if (x->drift)
		str_set(&ed->drift, policy_said(x->drift));
	str_set(&ed->probe, probing_said(probing_of(old, x)));
	tell_route(w, p, old, x);
}

static void edit_record(struct call *c, struct plan *p, const struct wish *x)
{
	const struct route_set_args *a = c->args;
	const struct record *r = world_find_record(call_world(c), x->hostname, "CNAME");
	bool ours = r && record_is_ours(r), takes = a->overwrite.n && !ours;
	if (ours)
		record_warn_takes(p, r, &a->overwrite);
	if (r && r->want == WANT_PRESENT && str_equal(r->tunnel_id, x->tunnel_id) &&
	    policy_is(r->drift, x->drift) && !takes) {
		plan_touch(p, r->id, r->generation);
		return;
	}
	struct edit *ed = r ? plan_put_record(p, r) : plan_put_new(p, EDIT_RECORD_PUT);
	(void)str_copy(ed->tunnel_id, sizeof(ed->tunnel_id), x->tunnel_id);
	str_set(&ed->name, x->hostname);
	str_set(&ed->type, "CNAME");
	str_set(&ed->content, NULL);
	if (x->drift)
		str_set(&ed->drift, policy_said(x->drift));
	ed->proxied = true;
	ed->ttl = ed->priority = 0;
	if (takes)
		record_name_takes(ed, &a->overwrite);
	plan_change(p, r ? '~' : '+', "record", x->hostname, "CNAME to tunnel %s", x->tunnel_name);
}

/* Both the tunnel that gets the route and the one that loses it have a new configuration. */
static void edit_tunnels(struct call *c, struct plan *p, const struct route *old,
			 const struct wish *x)
{
	const struct tunnel *t = world_tunnel(c->ops->world, x->tunnel_id);
	const struct tunnel *before = old ? world_tunnel(c->ops->world, old->tunnel_id) : NULL;
	if (t)
		(void)plan_put_tunnel(p, t);
	if (before && before != t)
		(void)plan_put_tunnel(p, before);
}

/* A host name has one record, which leads to one tunnel: its other paths move along. */
static void edit_companions(struct call *c, struct plan *p, const struct route *old,
			    const struct wish *x)
{
	const struct world *w = call_world(c);
	TABLE_EACH (i, struct route, r, &w->routes) {
		if (r == old || !str_equal(r->hostname, x->hostname) ||
		    str_equal(r->tunnel_id, x->tunnel_id))
			continue;
		struct wish along = {.hostname = r->hostname,
				     .path = r->path,
				     .service = r->service,
				     .origin = r->origin,
				     .tunnel_name = x->tunnel_name};
		(void)str_copy(along.tunnel_id, sizeof(along.tunnel_id), x->tunnel_id);
		edit_tunnels(c, p, r, &along);
		edit_route(w, p, r, &along);
	}
}

void run_route_set(struct call *c)
{
	const struct route_set_args *a = c->args;
	AUTO(wish_t) x = {0};
	struct err e;
	if (wish_check(a, &x, &e) < 0) {
		c->task.err = e;
		call_fail(c);
		return;
	}
	struct plan *p = plan_new(c->op->name, c->who.name, a->reason);
	if (wish_tunnel(c, p, a->tunnel, &x) < 0) {
		plan_free(p);
		return;
	}
	const struct world *w = call_world(c);
	const struct route *old = world_find_route(w, x.hostname, x.path);
	if (!old || !route_is(w, old, &x)) {
		edit_tunnels(c, p, old, &x);
		edit_route(w, p, old, &x);
	} else {
		const struct tunnel *t = world_tunnel(c->ops->world, x.tunnel_id);
		plan_touch(p, old->id, old->generation);
		plan_touch(p, t->id, t->generation);
	}
	edit_companions(c, p, old, &x);
	edit_record(c, p, &x);
	write_run(c, (const struct write_args *)a, p);
}

/* ---- route_delete ---- */

static bool name_has_other(const struct world *w, const struct route *gone)
{
	TABLE_EACH (i, struct route, r, &w->routes)
		if (r != gone && str_equal(r->hostname, gone->hostname) && !route_is_edge_probe(r))
			return true;
	return false;
}

/* A probe does not outlast its name. */
static void end_probe(const struct world *w, struct plan *p, const char *hostname)
{
	const struct route *r = world_edge_probe(w, hostname);
	if (!r)
		return;
	(void)plan_take_off(p, EDIT_ROUTE_DROP, r->id, r->generation);
	plan_change(p, '-', "route", hostname, "the probe through the public edge");
}

static void edit_delete(struct call *c, struct plan *p, const struct route *r, bool keep_dns)
{
	const struct world *w = call_world(c);
	const struct tunnel *t = world_tunnel(w, r->tunnel_id);
	const struct record *record = world_find_record(w, r->hostname, "CNAME");
	if (t)
		(void)plan_put_tunnel(p, t);
	(void)plan_take_off(p, EDIT_ROUTE_DROP, r->id, r->generation);
	plan_change(p, '-', "route", r->hostname, "to %s", r->service);
	if (route_is_edge_probe(r) || name_has_other(c->ops->world, r))
		return;
	end_probe(c->ops->world, p, r->hostname);
	if (!record || record->want != WANT_PRESENT)
		return;
	if (keep_dns) {
		release_record(p, record);
		return;
	}
	(void)plan_take_off(p, EDIT_RECORD_DROP, record->id, record->generation);
	plan_change(p, '-', "record", record->name, "%s", record->type);
}

void run_route_delete(struct call *c)
{
	const struct route_delete_args *a = c->args;
	AUTO(str_t) hostname = NULL;
	if (find_hostname(c, a->hostname, &hostname) < 0)
		return;
	const char *path = a->path && a->path[0] ? a->path : NULL;
	const struct route *r = world_find_route(call_world(c), hostname, path);
	if (!r) {
		(void)err_set(&c->task.err, ERR_NOT_FOUND, "There is no route for %s%s%s", hostname,
			      path ? " with the path " : "", path ? path : "");
		(void)err_hint(&c->task.err, "See adit route list.");
		call_fail(c);
		return;
	}
	struct plan *p = plan_new(c->op->name, c->who.name, a->reason);
	edit_delete(c, p, r, a->keep_dns);
	write_run(c, (const struct write_args *)a, p);
}
