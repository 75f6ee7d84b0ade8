/*
 * Actions on a tunnel's configuration: read it, merge our routes into it, put it back. The API has
 * no compare-and-swap: a new version that is not the one read + 1 raced with somebody, and is told.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "cloudflare/configs.h"
#include "reconcile/act.h"
#include "reconcile/keep.h"
#include "reconcile/merge.h"
#include "reconcile/planner.h"

static struct tunnel *subject(struct act *a)
{
	return world_tunnel(a->x->world, a->action.object_id);
}

static void keep_observed(struct tunnel *t, const struct cf_config *c)
{
	free(t->observed.config);
	t->observed.config = c->config.len ? str_ndup(c->config.p, c->config.len) : NULL;
	t->observed.config_version = c->version;
	t->observed.config_local = c->local;
	t->observed.config_seen_ms = clock_wall_ms();
}

static void config_came(struct task *task, void *owner)
{
	struct act *a = owner;
	struct tunnel *t = subject(a);
	struct cf_config c;
	struct err e;
	(void)task;
	if (act_failed(a))
		return;
	if (t && cf_config_read(&a->call, &c, &e) < 0) {
		act_fail(a, &e);
		return;
	}
	if (t) {
		keep_observed(t, &c);
		world_changed(a->x->world, OBJECT_TUNNEL, t->id);
	}
	act_end(a);
}

static void start_read(struct act *a)
{
	a->calling = true;
	cf_config_get(a->x->cf, &a->call, a->action.object_id, subject(a)->remote_id, config_came,
		      a);
}

/* ---- merge and put ---- */

/* The tunnel's routes, and what it keeps for names that are moving away. */
static const struct route **routes_of(const struct world *w, const struct tunnel *t,
				      const struct kept *kept, size_t *n)
{
	const struct route **routes = mem_array(w->routes.n + kept->n + 1, sizeof(*routes));
	*n = 0;
	for (size_t i = 0; i < kept->n; i++)
		routes[(*n)++] = kept->items[i];
	TABLE_EACH (i, struct route, r, &w->routes)
		if (str_equal(r->tunnel_id, t->id))
			routes[(*n)++] = r;
	return routes;
}

/* Rules of PUTs that have no answer yet, until it is known what stands there. */
static char *sent_key(const struct tunnel *t)
{
	return str_format("sent:%s", t->id);
}

static char *load_sent(struct store *s, const struct tunnel *t)
{
	AUTO(str_t) key = sent_key(t);
	return store_get_meta(s, key);
}

void act_config_recall(const struct act_context *x)
{
	TABLE_EACH (i, struct tunnel, t, &x->world->tunnels) {
		AUTO(str_t) sent = load_sent(x->store, t);
		if (sent)
			t->observed.put_unknown_ms = clock_wall_ms();
	}
}

static int merge_routes(struct act *a, struct tunnel *t, struct merge_result *out, struct err *e)
{
	AUTO(str_t) base = NULL;
	AUTO(str_t) sent = load_sent(a->x->store, t);
	AUTO(kept_t) kept = {0};
	size_t n = 0;
	if (store_load_rules(a->x->store, t->id, &base, e) < 0)
		return -1;
	keep_rules(a->x->world, t, base, &kept);
	t->observed.config_keeps = kept.n > 0;
	const struct route **routes = routes_of(a->x->world, t, &kept, &n);
	struct merge_input in = {.remote = t->observed.config,
				 .base = base,
				 .sent = sent,
				 .routes = routes,
				 .n_routes = n};
	int rc = merge(&in, out, e);
	free(routes);
	return rc;
}

/* Which generation the document that is on its way holds, and what we must remember of it. */
struct put {
	int64_t generation, read_version;
	int64_t unknown_before_ms; /* put_unknown_ms as it was */
	char *rules;
};

/* Nothing that was sent before can land any more. */
static bool all_landed(const struct tunnel *t)
{
	return !t->observed.put_unknown_ms ||
	       clock_wall_ms() >= t->observed.put_unknown_ms + SETTLE_MS;
}

static int settle(struct act *a, struct tunnel *t, int64_t generation, int64_t version,
		  const char *rules, struct err *e)
{
	struct tunnel row = *t;
	struct store *s = a->x->store;
	AUTO(str_t) key = sent_key(t);
	bool landed = all_landed(t);
	row.applied_generation = generation;
	row.config_version = version;
	if (store_begin(s, e) < 0)
		return -1;
	if (store_save_tunnel(s, &row, e) < 0 || store_save_rules(s, t->id, rules, e) < 0 ||
	    (landed && store_set_meta(s, key, NULL, e) < 0) ||
	    act_ledger(a, LEDGER_RESULT, "PUT configurations", t->name, NULL, e) < 0 ||
	    store_commit(s, e) < 0) {
		store_rollback(s);
		return -1;
	}
	t->applied_generation = generation;
	t->config_version = version;
	if (landed)
		t->observed.put_unknown_ms = 0;
	world_changed(a->x->world, OBJECT_TUNNEL, t->id);
	return 0;
}

/* race: what is to be told although the document stands; its kind is ERR_NONE when nothing. */
static void settle_and_end(struct act *a, struct tunnel *t, int64_t generation, int64_t version,
			   const char *rules, const struct err *race)
{
	struct err e;
	if (settle(a, t, generation, version, rules, &e) < 0)
		act_fail(a, &e);
	else if (race->kind != ERR_NONE)
		act_fail(a, race);
	else
		act_end(a);
}

static void put_free(struct act *a)
{
	struct put *p = a->extra;
	if (p)
		free(p->rules);
	free(p);
	a->extra = NULL;
}

static int keep_meta(struct store *s, const char *key, const char *value, struct err *e)
{
	if (store_begin(s, e) < 0)
		return -1;
	if (store_set_meta(s, key, value, e) == 0 && store_commit(s, e) == 0)
		return 0;
	store_rollback(s);
	return -1;
}

/* Between our GET and our PUT somebody else wrote: what he wrote is lost at Cloudflare, so both
 * documents are kept here and a person is told. */
static void tell_race(struct act *a, struct tunnel *t, const struct cf_config *now,
		      int64_t read_version, struct err *told)
{
	struct err e;
	AUTO(str_t) key = str_format("race:%s:%lld", t->id, (long long)now->version);
	AUTO(str_t)
	both = str_format("{\"read\":%s,\"put\":%.*s}",
			  t->observed.config ? t->observed.config : "null", (int)now->config.len,
			  now->config.p);
	(void)err_set(
		told, ERR_CONFLICT,
		"The configuration of tunnel %s was written by somebody else while adit wrote it "
		"(version %lld after %lld)",
		t->name, (long long)now->version, (long long)read_version);
	(void)err_hint(told, "Look at the tunnel at Cloudflare: the other change may be lost.");
	if (keep_meta(a->x->store, key, both, &e) < 0)
		log_warning("both configurations of tunnel %s were not kept: %s", t->name,
			    e.message);
	act_event(a, OBJECT_TUNNEL, t->id, t->name, "config_raced",
		  "the configuration of tunnel %s was written by two at once", t->name);
}

static void config_put(struct task *task, void *owner)
{
	struct act *a = owner;
	struct tunnel *t = subject(a);
	struct put *p = a->extra;
	struct cf_config c;
	struct err e, race = {0};
	if (t)
		t->observed.config_seen_ms = 0;
	a->calling = false;
	if (t)
		t->observed.put_unknown_ms = p->unknown_before_ms;
	if (!t || task->err.kind != ERR_NONE || cf_config_read(&a->call, &c, &e) < 0) {
		if (t && (task->err.kind == ERR_NONE || a->call.unknown))
			t->observed.put_unknown_ms = clock_wall_ms();
		put_free(a);
		if (!t)
			act_end(a);
		else
			act_fail_change(a, "PUT configurations", t->name,
					task->err.kind != ERR_NONE ? &task->err : &e);
		return;
	}
	/* The first version of all is 1, and was 0 once: what was never configured and is 2 by now
	 * raced too. */
	if ((p->read_version > 0 || c.version > 1) && c.version != p->read_version + 1)
		tell_race(a, t, &c, p->read_version, &race);
	keep_observed(t, &c);
	t->observed.config_seen_ms = 0; /* others write it too: it is read before the next PUT */
	act_event(a, OBJECT_TUNNEL, t->id, t->name, "config_put",
		  "configuration of tunnel %s is version %lld", t->name, (long long)c.version);
	AUTO(str_t) rules = steal(&p->rules);
	int64_t generation = p->generation;
	put_free(a);
	settle_and_end(a, t, generation, c.version, rules, &race);
}

/* What is about to leave is known as ours before anybody can see it. */
static int keep_intent(struct act *a, const struct tunnel *t, const char *sent, struct err *e)
{
	struct store *s = a->x->store;
	AUTO(str_t) key = sent_key(t);
	if (store_begin(s, e) < 0)
		return -1;
	if (store_set_meta(s, key, sent, e) == 0 &&
	    act_ledger(a, LEDGER_INTENT, "PUT configurations", t->name, NULL, e) == 0 &&
	    store_commit(s, e) == 0)
		return 0;
	store_rollback(s);
	return -1;
}

static void start_put(struct act *a, struct tunnel *t, struct merge_result *m)
{
	struct err e;
	if (keep_intent(a, t, m->sent, &e) < 0) {
		act_fail(a, &e);
		return;
	}
	struct put *p = mem_alloc(sizeof(*p));
	p->generation = t->generation;
	p->read_version = t->observed.config_version;
	p->unknown_before_ms = t->observed.put_unknown_ms;
	t->observed.put_unknown_ms = clock_wall_ms();
	p->rules = steal(&m->rules);
	a->extra = p;
	a->drop_extra = put_free;
	a->calling = true;
	cf_config_put(a->x->cf, &a->call, t->id, t->remote_id, m->document, config_put, a);
}

static void refuse_merge(struct act *a, const struct merge_result *m)
{
	struct route *r = m->route_id ? world_route(a->x->world, m->route_id) : NULL;
	if (r) {
		problem_set(&r->problem, &m->conflict, clock_wall_ms());
		world_changed(a->x->world, OBJECT_ROUTE, r->id);
	}
	act_fail(a, &m->conflict);
}

static void clear_routes(struct act *a, const struct tunnel *t)
{
	TABLE_EACH (i, struct route, r, &a->x->world->routes)
		if (str_equal(r->tunnel_id, t->id))
			problem_clear(&r->problem);
}

/* A daemon before this one sent something and ended: as good as a lost answer, so it is read first.
 */
static bool unknown_of_old(struct act *a, struct tunnel *t)
{
	AUTO(str_t) sent = load_sent(a->x->store, t);
	if (!sent || t->observed.put_unknown_ms)
		return false;
	t->observed.put_unknown_ms = clock_wall_ms();
	return !t->observed.config_seen_ms;
}

static void start_merge(struct act *a)
{
	struct tunnel *t = subject(a);
	struct merge_result m = {0};
	struct err e;
	if (unknown_of_old(a, t)) {
		act_end(a);
		return;
	}
	if (merge_routes(a, t, &m, &e) < 0) {
		act_fail(a, &e);
		return;
	}
	if (m.outcome == MERGE_CONFLICT) {
		refuse_merge(a, &m);
	} else {
		clear_routes(a, t);
		if (m.outcome == MERGE_CHANGED)
			start_put(a, t, &m);
		else
			settle_and_end(a, t, t->generation, t->observed.config_version,
				       m.rules ? m.rules : "[]", &(struct err){0});
	}
	merge_result_free(&m);
}

act_fn *act_config_starter(enum action_kind k)
{
	return k == ACT_CONFIG_READ ? start_read : k == ACT_CONFIG_MERGE ? start_merge : NULL;
}
