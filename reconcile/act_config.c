/*
 * Actions on a tunnel's configuration: read it, merge our routes into it, put it back. The API has
 * no compare-and-swap: a new version that is not the one read + 1 raced with somebody, and is told.
 * A route counts as applied in the transaction that notes what was confirmed, and not before.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "cloudflare/configs.h"
#include "reconcile/act.h"
#include "reconcile/applied.h"
#include "reconcile/keep.h"
#include "reconcile/merge.h"
#include "reconcile/planner.h"
#include "reconcile/race.h"
#include "reconcile/unanswered.h"

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
	t->observed.config_came = t->observed.config_due;
}

/* ---- what raced ---- */

/* Between our GET and our PUT somebody else wrote: what he wrote is lost at Cloudflare, so both
 * documents are kept here and a person is told. */
static void keep_race(struct act *a, struct tunnel *t, int64_t read_version, const char *read,
		      struct json_span put, int64_t version)
{
	struct err e;
	const struct race r = {
		.at_ms = clock_wall_ms(), .version = version, .made_from = read_version};
	if (race_keep(a->x->store, t->id, &r, read, put, &e) < 0)
		log_warning("both configurations of tunnel %s were not kept: %s", t->name,
			    e.message);
	act_event(a, OBJECT_TUNNEL, t->id, t->name, "config_raced",
		  "the configuration of tunnel %s was written by two at once", t->name);
}

/* What has no answer stands there: it has landed, whether it raced is known, and if it was the only
 * one, nothing else is on its way. */
static void recognise_put(struct act *a, struct tunnel *t)
{
	AUTO(applied_t) known = {0};
	AUTO(landing_t) found = {0};
	int64_t version = t->observed.config_version;
	const char *config = t->observed.config;
	struct err e;
	if (!t->observed.put_unknown_ms || applied_load(a->x->store, t->id, &known, &e) < 0 ||
	    !unanswered_find(known.puts, version, config, &found))
		return;
	if (found.raced && t->observed.raced_version != version) {
		struct json_span put = {.p = config, .len = strlen(config)};
		keep_race(a, t, found.read_version, found.read, put, version);
		t->observed.raced = true;
		t->observed.raced_version = version;
		t->observed.raced_read = found.read_version;
	}
	if (found.alone)
		t->observed.put_unknown_ms = t->observed.config_seen_ms - SETTLE_MS;
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
		recognise_put(a, t);
		world_changed(a->x->world, OBJECT_TUNNEL, t->id);
	}
	act_end(a);
}

static void start_read(struct act *a)
{
	a->calling = true;
	cf_config_get(a->x->cf, &a->call, subject(a)->remote_id, config_came, a);
}

/* ---- what a merge says of the routes ---- */

/* What is true once the document stands, and what we must remember of it. */
struct put {
	int64_t generation, read_version;
	int64_t unknown_before_ms; /* put_unknown_ms as it was */
	int64_t seen_ms;           /* of the document that was merged with */
	bool sends;                /* a PUT of it leaves */
	bool unsettled;            /* one may have left before */
	char *rules;               /* owned; NULL = as they were */
	char *document;            /* owned; what is sent; NULL = nothing */
	struct merge_fate *fates;  /* owned */
	size_t n_fates;
	struct kept kept; /* what the document keeps for names on their way */
};

static void put_free(struct act *a)
{
	struct put *p = a->extra;
	if (!p)
		return;
	for (size_t i = 0; i < p->n_fates; i++) {
		free(p->fates[i].service);
		free(p->fates[i].words);
	}
	free(p->fates);
	kept_free(&p->kept);
	free(p->rules);
	free(p->document);
	free(p);
	a->extra = NULL;
}

/* The route as the merge knew it; NULL when it was changed, moved or dropped since. */
static struct route *route_of(const struct world *w, const struct tunnel *t,
			      const struct merge_fate *f)
{
	struct route *r = world_route(w, f->route_id);
	return r && str_equal(r->tunnel_id, t->id) && r->generation == f->generation ? r : NULL;
}

static const struct merge_issue *issue_of(const struct merge_result *m, const char *route_id)
{
	for (size_t i = 0; i < m->n_issues; i++)
		if (str_equal(m->issues[i].route_id, route_id))
			return &m->issues[i];
	return NULL;
}

static void tell_problem(struct act *a, struct route *r, const struct err *why)
{
	bool same = r->problem && str_equal(r->problem->err.message, why->message);
	problem_set(&r->problem, why, clock_wall_ms());
	if (!same)
		act_event(a, OBJECT_ROUTE, r->id, r->hostname, "route_blocked", "%s", why->message);
}

/* A problem of the route's is the merge's, unless nothing was ever in its way. */
static void tell_seen(struct act *a, struct route *r, const struct merge_fate *f, int64_t seen_ms,
		      const struct err *why)
{
	bool lift = r->problem && (f->seen == ROUTE_AS_PUT || r->observed.seen == ROUTE_BLOCKED);
	if (why)
		tell_problem(a, r, why);
	else if (lift)
		problem_clear(&r->problem);
	r->observed.seen = f->seen;
	r->observed.seen_ms = seen_ms;
	str_set(&r->observed.service, f->service);
	world_changed(a->x->world, OBJECT_ROUTE, r->id);
}

/* What is left out is so whether or not the others can be put. */
static void tell_left_out(struct act *a, const struct tunnel *t, const struct merge_result *m)
{
	for (size_t i = 0; i < m->n_fates; i++) {
		const struct merge_fate *f = &m->fates[i];
		struct route *r = route_of(a->x->world, t, f);
		if (!r || f->seen == ROUTE_AS_PUT)
			continue;
		const struct merge_issue *x = issue_of(m, r->id);
		tell_seen(a, r, f, t->observed.config_seen_ms,
			  x && f->seen == ROUTE_BLOCKED ? &x->err : NULL);
	}
}

/* What a person let it take is taken: from now on he is asked anew. */
static bool is_spent(const struct route *r, const struct merge_fate *f)
{
	return r->generation == f->generation;
}

static void tell_applied(struct act *a, const struct tunnel *t, const struct put *p)
{
	for (size_t i = 0; i < p->n_fates; i++) {
		const struct merge_fate *f = &p->fates[i];
		struct route *r = world_route(a->x->world, f->route_id);
		if (!r || f->seen != ROUTE_AS_PUT || !str_equal(r->tunnel_id, t->id))
			continue;
		bool news = r->applied_generation != f->generation || r->problem ||
			    r->observed.seen != f->seen;
		if (is_spent(r, f))
			str_set(&r->takes, NULL);
		r->applied_generation = f->generation;
		r->observed.seen_ms = p->seen_ms;
		if (news && r->generation == f->generation)
			tell_seen(a, r, f, p->seen_ms, NULL);
	}
}

/* ---- settling: what is confirmed ---- */

/* Nothing that was sent before can land any more. */
static bool all_landed(const struct tunnel *t)
{
	return !t->observed.put_unknown_ms ||
	       clock_wall_ms() >= t->observed.put_unknown_ms + SETTLE_MS;
}

static int save_routes(struct act *a, const struct tunnel *t, const struct put *p, struct err *e)
{
	for (size_t i = 0; i < p->n_fates; i++) {
		const struct merge_fate *f = &p->fates[i];
		const struct route *r = world_route(a->x->world, f->route_id);
		if (!r || f->seen != ROUTE_AS_PUT || !str_equal(r->tunnel_id, t->id) ||
		    r->applied_generation == f->generation)
			continue;
		struct route row = *r;
		row.applied_generation = f->generation;
		if (is_spent(r, f))
			row.takes = NULL;
		if (store_save_route(a->x->store, &row, e) < 0)
			return -1;
	}
	return 0;
}

/* What was given back while the answer was on its way is no longer among those that were sent: the
 * rule stands there, and is not ours. */
static int save_rules(struct store *s, const struct tunnel *row, const struct put *p, struct err *e)
{
	AUTO(applied_t) now = {0};
	AUTO(str_t) still = NULL;
	if (!p->sends)
		return store_save_rules(s, row->id, p->rules, e);
	if (applied_load(s, row->id, &now, e) < 0)
		return -1;
	still = now.sent ? rules_within(p->rules, now.sent) : str_dup(p->rules);
	return store_save_rules(s, row->id, still, e);
}

/* In the caller's transaction. */
static int put_answered(struct store *s, const char *id, const struct put *p, bool effect,
			struct err *e)
{
	AUTO(applied_t) now = {0};
	AUTO(str_t) rest = NULL;
	if (applied_load(s, id, &now, e) < 0)
		return -1;
	rest = unanswered_without(now.puts, p->document, effect);
	return applied_save_puts(s, id, rest, e);
}

static int save_rows(struct act *a, const struct tunnel *row, const struct put *p, bool landed,
		     struct err *e)
{
	struct store *s = a->x->store;
	if (store_save_tunnel(s, row, e) < 0 || save_routes(a, row, p, e) < 0)
		return -1;
	if (p->rules && save_rules(s, row, p, e) < 0)
		return -1;
	if (landed ? applied_save_sent(s, row->id, NULL, e)
		   : p->sends && put_answered(s, row->id, p, true, e))
		return -1;
	if (landed && !p->kept.n && applied_agree(s, row->id, NULL, e) < 0)
		return -1;
	return p->sends || p->unsettled
		       ? act_ledger(a, LEDGER_RESULT, "PUT configurations", row->name, NULL, e)
		       : 0;
}

/* A look that finds all as it is known writes nothing. */
static bool is_known(const struct act *a, const struct tunnel *t, const struct tunnel *row,
		     const struct put *p)
{
	if (p->sends || p->unsettled || p->rules ||
	    row->applied_generation != t->applied_generation ||
	    row->config_version != t->config_version || row->convert != t->convert)
		return false;
	for (size_t i = 0; i < p->n_fates; i++) {
		const struct route *r = world_route(a->x->world, p->fates[i].route_id);
		if (r && p->fates[i].seen == ROUTE_AS_PUT &&
		    r->applied_generation != p->fates[i].generation)
			return false;
	}
	return true;
}

static int settle(struct act *a, struct tunnel *t, const struct put *p, int64_t version,
		  struct err *e)
{
	struct tunnel row = *t;
	struct store *s = a->x->store;
	bool landed = all_landed(t);
	row.applied_generation = p->generation;
	row.config_version = version;
	row.convert = t->convert && !p->sends;
	if (!is_known(a, t, &row, p)) {
		if (store_begin(s, e) < 0)
			return -1;
		if (save_rows(a, &row, p, landed, e) < 0 || store_commit(s, e) < 0) {
			store_rollback(s);
			return -1;
		}
	}
	t->applied_generation = row.applied_generation;
	t->config_version = version;
	t->convert = row.convert;
	keep_names(t, &p->kept, false);
	if (landed)
		t->observed.put_unknown_ms = 0;
	tell_applied(a, t, p);
	world_changed(a->x->world, OBJECT_TUNNEL, t->id);
	return 0;
}

/* race: what is to be told although the document stands; its kind is ERR_NONE when nothing. */
static void settle_and_end(struct act *a, struct tunnel *t, int64_t version, const struct err *race)
{
	struct err e, told = *race;
	int rc = settle(a, t, a->extra, version, &e);
	put_free(a);
	if (rc < 0) {
		act_fail(a, &e);
		return;
	}
	if (told.kind == ERR_NONE && t->observed.raced)
		race_say(t->name, t->observed.raced_version, t->observed.raced_read, &told);
	t->observed.raced = false;
	if (told.kind != ERR_NONE)
		act_fail(a, &told);
	else
		act_end(a);
}

/* ---- put ---- */

/* It was refused, and cannot land. */
static void forget_put(struct act *a, const struct tunnel *t)
{
	struct store *s = a->x->store;
	const struct put *p = a->extra;
	struct err e;
	if (store_begin(s, &e) == 0) {
		/* Where nothing was without an answer before, nothing is now. */
		int rc = p->unsettled ? put_answered(s, t->id, p, false, &e)
				      : applied_save_sent(s, t->id, NULL, &e);
		if (rc == 0 && store_commit(s, &e) == 0)
			return;
		store_rollback(s);
	}
	log_warning("a refused configuration of tunnel %s is still remembered: %s", t->name,
		    e.message);
}

static void put_failed(struct act *a, struct tunnel *t, const struct err *e)
{
	if (a->call.task.err.kind == ERR_NONE || a->call.unknown)
		t->observed.put_unknown_ms = clock_wall_ms();
	else
		forget_put(a, t);
	put_free(a);
	act_fail_change(a, "PUT configurations", t->name, e);
}

static void config_put(struct task *task, void *owner)
{
	struct act *a = owner;
	struct tunnel *t = subject(a);
	struct put *p = a->extra;
	struct cf_config c;
	struct err e, race = {0};
	a->calling = false;
	if (!t) {
		put_free(a);
		act_end(a);
		return;
	}
	t->observed.config_seen_ms = 0;
	t->observed.put_unknown_ms = p->unknown_before_ms;
	if (task->err.kind != ERR_NONE) {
		put_failed(a, t, &task->err);
		return;
	}
	if (cf_config_read(&a->call, &c, &e) < 0) {
		put_failed(a, t, &e);
		return;
	}
	/* The first version of all is 1, and was 0 once: what was never configured and is 2 by now
	 * raced too. */
	if ((p->read_version > 0 || c.version > 1) && c.version != p->read_version + 1) {
		race_say(t->name, c.version, p->read_version, &race);
		keep_race(a, t, p->read_version, t->observed.config, c.config, c.version);
	}
	keep_observed(t, &c);
	t->observed.config_seen_ms = 0; /* others write it too: it is read before the next PUT */
	p->seen_ms = clock_wall_ms();
	act_event(a, OBJECT_TUNNEL, t->id, t->name, "config_put",
		  "configuration of tunnel %s is version %lld", t->name, (long long)c.version);
	settle_and_end(a, t, c.version, &race);
}

/* What is about to leave is known as ours before anybody can see it. */
static int keep_intent(struct act *a, const struct tunnel *t, const char *sent, struct err *e)
{
	struct store *s = a->x->store;
	const struct put *p = a->extra;
	AUTO(applied_t) known = {0};
	AUTO(str_t) puts = NULL;
	if (applied_load(s, t->id, &known, e) < 0)
		return -1;
	puts = unanswered_add(known.puts, p->unknown_before_ms, p->read_version, t->observed.config,
			      p->document);
	if (store_begin(s, e) < 0)
		return -1;
	if (applied_save_sent(s, t->id, sent, e) == 0 &&
	    applied_save_puts(s, t->id, puts, e) == 0 &&
	    act_ledger(a, LEDGER_INTENT, "PUT configurations", t->name, NULL, e) == 0 &&
	    store_commit(s, e) == 0)
		return 0;
	store_rollback(s);
	return -1;
}

static void start_put(struct act *a, struct tunnel *t, const struct merge_result *m)
{
	struct put *p = a->extra;
	struct err e;
	p->unknown_before_ms = t->observed.put_unknown_ms;
	p->document = str_dup(m->document);
	if (keep_intent(a, t, m->sent, &e) < 0) {
		put_free(a);
		act_fail(a, &e);
		return;
	}
	act_tell_overwritten(a, t,
			     &(struct act_loss){.merged = m,
						.fates = p->fates,
						.n_fates = p->n_fates,
						.read_version = p->read_version});
	p->sends = true;
	t->observed.put_unknown_ms = clock_wall_ms();
	a->calling = true;
	cf_config_put(a->x->cf, &a->call, t->remote_id, m->document, config_put, a);
}

/* ---- merge ---- */

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

void act_config_recall(const struct act_context *x)
{
	struct err e;
	if (applied_tidy(x->store, x->world, &e) < 0)
		log_warning("what is left of earlier configurations was not tidied: %s", e.message);
	TABLE_EACH (i, struct tunnel, t, &x->world->tunnels) {
		AUTO(applied_t) known = {0};
		if (applied_load(x->store, t->id, &known, &e) == 0 && known.sent)
			t->observed.put_unknown_ms = clock_wall_ms();
	}
}

/* A configuration that a file on some host makes is written only when a person agreed. */
static bool may_write(const struct tunnel *t)
{
	return !t->observed.config_local || t->convert;
}

/* What is left over is not forgotten before it is gone. */
static int merge_routes(struct act *a, struct tunnel *t, const struct applied *known,
			struct kept *kept, struct merge_result *out, struct err *e)
{
	AUTO(groups_t) groups = {0};
	size_t n = 0;
	groups_of_one(&groups, a->x->world, t->id);
	keep_rules(&groups, t, known->rules, clock_wall_ms(), kept);
	keep_names(t, kept, may_write(t));
	const struct route **routes = routes_of(a->x->world, t, kept, &n);
	struct merge_input in = {.remote = t->observed.config,
				 .base = known->rules,
				 .sent = known->sent,
				 .routes = routes,
				 .n_routes = n,
				 .always = t->observed.config_local && t->convert && n};
	int rc = merge(&in, out, e);
	free(routes);
	return rc;
}

static void keep_result(struct act *a, const struct tunnel *t, const struct applied *known,
			struct kept *kept, struct merge_result *m)
{
	struct put *p = mem_alloc(sizeof(*p));
	p->generation = t->generation;
	p->read_version = t->observed.config_version;
	p->seen_ms = t->observed.config_seen_ms;
	p->unsettled = known->sent != NULL;
	p->rules = str_equal(m->rules, known->rules) ? NULL : steal(&m->rules);
	p->fates = steal(&m->fates);
	p->n_fates = m->n_fates;
	m->n_fates = 0;
	p->kept = *kept;
	*kept = (struct kept){.n = 0};
	a->extra = p;
	a->drop_extra = put_free;
}

/* A daemon before this one sent something and ended: as good as a lost answer, so it is read first.
 */
static bool unknown_of_old(struct tunnel *t, const struct applied *known)
{
	if (!known->sent || t->observed.put_unknown_ms)
		return false;
	t->observed.put_unknown_ms = clock_wall_ms();
	return !t->observed.config_seen_ms;
}

static void merged(struct act *a, struct tunnel *t, const struct applied *known, struct kept *kept,
		   struct merge_result *m)
{
	bool put = m->document != NULL;
	tell_left_out(a, t, m);
	t->observed.config_due = t->observed.config_came = false;
	world_changed(a->x->world, OBJECT_TUNNEL, t->id);
	if (put && !may_write(t)) {
		act_end(a);
		return;
	}
	keep_result(a, t, known, kept, m);
	if (put)
		start_put(a, t, m);
	else
		settle_and_end(a, t, t->observed.config_version, &(struct err){0});
}

static void start_merge(struct act *a)
{
	struct tunnel *t = subject(a);
	AUTO(applied_t) known = {0};
	AUTO(kept_t) kept = {.n = 0};
	struct merge_result m = {0};
	struct err e;
	if (applied_load(a->x->store, t->id, &known, &e) < 0) {
		act_fail(a, &e);
		return;
	}
	if (unknown_of_old(t, &known)) {
		act_end(a);
		return;
	}
	if (merge_routes(a, t, &known, &kept, &m, &e) < 0) {
		act_fail(a, &e);
		return;
	}
	merged(a, t, &known, &kept, &m);
	merge_result_free(&m);
}

act_fn *act_config_starter(enum action_kind k)
{
	return k == ACT_CONFIG_READ ? start_read : k == ACT_CONFIG_MERGE ? start_merge : NULL;
}
