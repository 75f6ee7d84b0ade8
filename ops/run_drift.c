/* Handlers: what differs at Cloudflare from what is wanted. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/untrusted.h"
#include "ops/find.h"
#include "ops/inside.h"
#include "ops/refresh.h"
#include "ops/sight.h"
#include "reconcile/overwritten.h"
#include "reconcile/race.h"
#include "reconcile/repair.h"

struct filter {
	const struct tunnel *tunnel;
	const struct zone *zone;
};

static bool of_tunnel(const struct world *w, const struct drift *d, const struct tunnel *t)
{
	const struct route *r = d->type == OBJECT_ROUTE ? world_route(w, d->id) : NULL;
	const struct record *x = d->type == OBJECT_RECORD ? world_record(w, d->id) : NULL;
	return str_equal(r ? r->tunnel_id : x ? x->tunnel_id : d->id, t->id);
}

static bool of_zone(const struct world *w, const struct drift *d, const struct zone *z)
{
	const struct route *r = d->type == OBJECT_ROUTE ? world_route(w, d->id) : NULL;
	const struct record *x = d->type == OBJECT_RECORD ? world_record(w, d->id) : NULL;
	if (x && x->zone_id[0])
		return str_equal(x->zone_id, z->id);
	return (r || x) && world_zone_of(w, r ? r->hostname : x->name) == z;
}

static const char *why_not(const struct drift *d)
{
	if (d->hindrance)
		return d->hindrance;
	return d->policy == DRIFT_REPAIR ? NULL : "its policy is to report";
}

static void row_drift(const void *row, struct json_writer *w, const void *owner)
{
	const struct drift *d = row;
	(void)owner;
	json_object_begin(w);
	json_put_string(w, "object", object_type_name(d->type));
	json_put_string(w, "name", d->name);
	json_put_string(w, "kind", drift_kind_name(d->kind));
	json_put_string(w, "field", d->field);
	json_put_string(w, "wanted", d->wanted);
	json_put_untrusted(w, "untrusted_seen", d->seen);
	if (d->since_ms)
		json_put_time(w, "since", d->since_ms);
	json_put_untrusted(w, "untrusted_actor", d->actor);
	json_put_string(w, "policy", drift_policy_name(d->policy));
	json_put_bool(w, "repair", !why_not(d));
	if (why_not(d))
		json_put_string(w, "why_not", why_not(d));
	json_object_end(w);
}

/* Between somebody's write and ours that it raced with; clocks differ. */
#define RACED_BEFORE_MS (10 * 60 * 1000LL)
#define RACED_AFTER_MS  (60 * 1000LL)

struct raced {
	const struct tunnel *tunnel;
	const struct race *race;
};

/* Who wrote the configuration then, as the audit log says; NULL = it is not told. */
static const char *race_actor(const struct raced *x)
{
	const struct drift_actor *who = &x->tunnel->observed.config_actor;
	bool then = who->at_ms > x->race->at_ms - RACED_BEFORE_MS &&
		    who->at_ms < x->race->at_ms + RACED_AFTER_MS;
	return then ? who->text : NULL;
}

static void row_race(const void *row, struct json_writer *w, const void *owner)
{
	const struct raced *x = row;
	const struct race *r = x->race;
	AUTO(str_t)
	wanted = r->made_from < 0 ? str_format("version %lld", (long long)r->version)
				  : str_format("version %lld, made from %lld",
					       (long long)r->version, (long long)r->made_from);
	(void)owner;
	json_object_begin(w);
	json_put_string(w, "object", object_type_name(OBJECT_TUNNEL));
	json_put_string(w, "name", x->tunnel->name);
	json_put_string(w, "kind", r->edit ? "overwritten" : "race");
	json_put_string(w, "field", "configuration");
	json_put_string(w, "wanted", wanted);
	json_put_untrusted_document(w, "untrusted_seen", r->read);
	json_put_untrusted_document(w, "untrusted_put", r->put);
	json_put_time(w, "since", r->at_ms);
	json_put_untrusted(w, "untrusted_actor", race_actor(x));
	json_put_string(w, "policy", drift_policy_name(DRIFT_REPORT));
	json_put_bool(w, "repair", false);
	json_put_string(w, "why_not", "it was written over; both are shown");
	json_object_end(w);
}

/* What cannot be read from the store is left out: the differences do not wait for it. */
static void list_races(struct call *c, struct list_answer *l, const struct tunnel *only)
{
	const struct world *w = call_world(c);
	struct err e;
	TABLE_EACH (i, struct tunnel, t, &w->tunnels) {
		AUTO(race_list_t) found = {0};
		if (!c->ops->store || (only && only != t))
			continue;
		if (race_load(c->ops->store, t->id, clock_wall_ms(), &found, &e) < 0)
			log_warning("races of tunnel %s are not shown: %s", t->name, e.message);
		for (size_t k = 0; k < found.n; k++) {
			struct raced x = {t, &found.items[k]};
			list_row(l, row_race, &x, NULL);
		}
	}
}

static void row_overwritten(const void *row, struct json_writer *w, const void *owner)
{
	const struct overwritten *x = row;
	(void)owner;
	json_object_begin(w);
	json_put_string(w, "object", object_type_name(OBJECT_RECORD));
	json_put_string(w, "name", x->name);
	json_put_string(w, "kind", "overwritten");
	json_put_string(w, "field", x->field);
	json_put_string(w, "wanted", x->put ? x->put : "no record");
	json_put_untrusted(w, "untrusted_seen", x->seen);
	json_put_time(w, "since", x->at_ms);
	json_put_string(w, "policy", drift_policy_name(DRIFT_REPORT));
	json_put_bool(w, "repair", false);
	json_put_string(w, "why_not", "it was written over; both are shown");
	json_object_end(w);
}

static bool is_shown(const struct overwritten *x, const struct filter *f)
{
	return (!f->tunnel || str_equal(x->tunnel_id, f->tunnel->id)) &&
	       (!f->zone || str_equal(x->zone_id, f->zone->id));
}

static bool is_seen(const struct call *c, const struct overwritten *x)
{
	struct change row = {.object = str_dup("record"), .name = x->name};
	bool seen = sight_change(c->ops, &c->who, &row);
	free(row.object);
	return seen;
}

static void list_overwritten(struct call *c, struct list_answer *l, const struct filter *f)
{
	AUTO(overwritten_list_t) found = {0};
	struct err e;
	if (!c->ops->store)
		return;
	if (overwritten_load(c->ops->store, clock_wall_ms(), &found, &e) < 0)
		log_warning("edits of records that were written over are not shown: %s", e.message);
	for (size_t i = 0; i < found.n; i++)
		if (is_shown(&found.items[i], f) && is_seen(c, &found.items[i]))
			list_row(l, row_overwritten, &found.items[i], NULL);
}

static int read_filter(struct call *c, struct filter *f)
{
	const struct drift_list_args *a = c->args;
	f->tunnel = a->tunnel ? find_tunnel(c, a->tunnel) : NULL;
	if (a->tunnel && !f->tunnel)
		return -1;
	f->zone = a->zone ? world_find_zone(call_world(c), a->zone) : NULL;
	if (!a->zone || f->zone)
		return 0;
	(void)zone_unknown(a->zone, &c->task.err);
	call_fail(c);
	return -1;
}

static void list_drift(struct call *c)
{
	const struct world *w = call_world(c);
	AUTO(drift_list_t) found = {0};
	struct filter f = {0};
	struct list_answer l;
	if (read_filter(c, &f) < 0)
		return;
	if (list_begin(c, (const struct list_args *)c->args, &l) < 0) {
		call_fail(c);
		return;
	}
	drift_find(w, &found);
	for (size_t i = 0; i < found.n; i++)
		if ((!f.tunnel || of_tunnel(w, &found.items[i], f.tunnel)) &&
		    (!f.zone || of_zone(w, &found.items[i], f.zone)))
			list_row(&l, row_drift, &found.items[i], NULL);
	if (!f.zone)
		list_races(c, &l, f.tunnel);
	list_overwritten(c, &l, &f);
	list_end(&l, "model", w->system.observed_ms ? w->system.observed_ms : clock_wall_ms());
}

void run_drift_list(struct call *c)
{
	const struct drift_list_args *a = c->args;
	if (a->refresh)
		refresh_then(c, list_drift);
	else
		list_drift(c);
}

/* ---- plan_create ---- */

static bool names(const char *object, const struct drift *d)
{
	size_t n = strlen(object);
	/* A route's name may go on with a path. */
	return strncasecmp(d->name, object, n) == 0 && (!d->name[n] || d->name[n] == ' ');
}

/* One object, though its drift is to be ignored otherwise. */
static void find_named(const struct world *w, const char *object, struct drift_list *out)
{
	struct drift_list all = {0};
	drift_find_all(w, &all);
	for (size_t i = 0; i < all.n; i++)
		if (names(object, &all.items[i]))
			drift_move(out, &all, i);
	drift_list_t_cleanup(&all);
}

/* What differs of a tunnel itself is everybody's whom it serves. */
static void keep_inside(const struct call *c, struct drift_list *l)
{
	const struct inside in = inside_of(c->ops->world, &c->who);
	struct drift_list all = *l;
	if (in.all)
		return;
	*l = (struct drift_list){0};
	for (size_t i = 0; i < all.n; i++) {
		const struct drift *d = &all.items[i];
		const struct tunnel *t =
			d->type == OBJECT_TUNNEL ? world_tunnel(in.world, d->id) : NULL;
		if (!t || inside_whole_tunnel(&in, t))
			drift_move(l, &all, i);
	}
	drift_list_t_cleanup(&all);
}

int plan_from_drift(const struct call *c, struct plan *p, const char *object, struct err *e)
{
	const struct world *w = call_world(c);
	AUTO(drift_list_t) l = {0};
	AUTO(str_t) name = NULL;
	struct err ignored;
	if (object && hostname_normalise(object, &name, &ignored) < 0)
		name = str_dup(object);
	if (name)
		find_named(w, name, &l);
	else
		drift_find(w, &l);
	if (name && !l.n && !world_find_tunnel(w, object)) {
		(void)err_set(e, ERR_NOT_FOUND, "Nothing of \"%.253s\" differs at Cloudflare",
			      object);
		return err_hint(e, "See adit drift list --refresh.");
	}
	keep_inside(c, &l);
	repair_fill(w, &l, p);
	return 0;
}
