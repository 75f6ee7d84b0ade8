/* Handler: the truth ladder of a host name. Cloudflare and the origin are asked at once; what did
 * not answer in time is not known. */
#include <stdlib.h>

#include "base/clock.h"
#include "cloudflare/configs.h"
#include "cloudflare/connections.h"
#include "cloudflare/records.h"
#include "model/edge_probe.h"
#include "model/render.h"
#include "ops/health_facts.h"
#include "ops/refresh.h"
#include "ops/sight.h"
#include "reconcile/config_due.h"

#define SEEN_MS 8000 /* adit waits 10 s longer than it was told to */

struct health {
	struct request request;
	char tunnel_id[ID_SIZE], route_id[ID_SIZE];
	struct health_answers answers;
	int waiting;       /* for so many answers of Cloudflare */
	int64_t origin_ms; /* the route's last answer before; -1 = it is not waited for */
	char probe_id[ID_SIZE];
	int64_t edge_ms; /* the same of its probe through the edge */
};

static void health_drop(struct call *c)
{
	struct health *x = c->state;
	struct cf_call *calls[] = {&x->answers.record, &x->answers.connections, &x->answers.config,
				   &x->answers.exact};
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		cf_call_cancel(calls[i]);
		cf_call_reset(calls[i]);
	}
	request_t_cleanup(&x->request);
	free(x);
	c->state = NULL;
}

/* ---- the answer ---- */

static void put_text(struct json_writer *w, const char *key, const char *text)
{
	if (text)
		json_put_string(w, key, text);
}

static void put_rung(struct json_writer *w, enum rung_name name, const struct rung *r)
{
	json_object_begin(w);
	json_put_string(w, "rung", rung_name(name));
	json_put_string(w, "state", rung_state_name(r->state));
	if (r->weak)
		json_put_bool(w, "weak", true);
	json_put_string(w, "evidence", r->evidence);
	put_text(w, "cure", r->cure);
	put_text(w, "command", r->command);
	put_text(w, "untrusted_detail", r->detail);
	json_object_end(w);
}

static void put_broken(struct json_writer *w, const struct ladder *l)
{
	if (l->broken == RUNGS)
		return;
	const struct rung *r = &l->rungs[l->broken];
	json_put_string(w, "broken", rung_name(l->broken));
	json_put_string(w, "evidence", r->evidence);
	put_text(w, "cure", r->cure);
	put_text(w, "command", r->command);
}

static void write_answer(struct call *c, const struct health *x, const struct ladder_facts *f,
			 const struct ladder *l)
{
	struct json_writer w;
	call_object(c, &w);
	json_put_string(&w, "host", x->request.host);
	json_put_string(&w, "path", x->request.path);
	json_put_string(&w, "state", ladder_state_name(l->state));
	put_text(&w, "tunnel", f->tunnel);
	put_text(&w, "service", f->service);
	put_broken(&w, l);
	json_write_key(&w, "rungs");
	json_array_begin(&w);
	for (int i = 0; i < RUNGS; i++)
		put_rung(&w, (enum rung_name)i, &l->rungs[i]);
	json_array_end(&w);
	put_text(&w, "unasked", f->unasked);
	json_put_time(&w, "as_of", clock_wall_ms());
	json_write_key(&w, "rate");
	render_rate(call_world(c), &w);
	json_object_end(&w);
}

/* What stands at Cloudflare is otherwise than the world has it, perhaps: the command that mends it
 * needs the world to know. */
static bool is_to_be_seen(const struct ladder *l)
{
	return l->broken == RUNG_RECORD || l->broken == RUNG_PROXIED || l->broken == RUNG_TUNNEL ||
	       l->broken == RUNG_RULE;
}

static bool edge_waited_for(const struct call *c)
{
	const struct health *x = c->state;
	const struct route *r = world_route(c->ops->world, x->probe_id);
	return x->edge_ms >= 0 && r && r->edge.asked_ms == x->edge_ms;
}

static void health_end(struct call *c)
{
	struct health *x = c->state;
	const struct tunnel *t = world_tunnel(call_world(c), x->tunnel_id);
	const struct inside in = inside_of(c->ops->world, &c->who);
	struct health_facts facts;
	struct ladder l;
	timer_stop(&c->deadline);
	world_unwatch(&c->watcher);
	deferred_stop(&c->look);
	if (!t) {
		(void)err_set(&c->task.err, ERR_NOT_FOUND, "The tunnel was removed meanwhile");
		call_fail(c);
		return;
	}
	if (x->waiting && !x->answers.unasked[0])
		(void)str_copy(x->answers.unasked, sizeof(x->answers.unasked),
			       "Cloudflare did not answer in time");
	x->answers.edge_waits = edge_waited_for(c);
	health_facts_gather(call_world(c), &in, &x->request, t,
			    world_route(call_world(c), x->route_id), &x->answers, &facts);
	ladder_climb(&facts.f, &l);
	write_answer(c, x, &facts.f, &l);
	bool to_be_seen = is_to_be_seen(&l) && !facts.f.unasked;
	ladder_free(&l);
	health_facts_free(&facts);
	health_drop(c);
	c->drop_state = NULL;
	if (to_be_seen)
		refresh_within(c, SEEN_MS, call_answer);
	else
		call_answer(c);
}

/* ---- waiting ---- */

static bool origin_waited_for(const struct call *c)
{
	const struct health *x = c->state;
	const struct route *r = world_route(call_world(c), x->route_id);
	return x->origin_ms >= 0 && r && r->reach.asked_ms == x->origin_ms;
}

static void health_look(struct deferred *d, void *owner)
{
	struct call *c = owner;
	const struct health *x = c->state;
	(void)d;
	if (x && !x->waiting && !origin_waited_for(c) && !edge_waited_for(c))
		health_end(c);
}

static void world_moved(struct watcher *w, enum object_type type, const char *id, void *owner)
{
	struct call *c = owner;
	const struct health *x = c->state;
	(void)w;
	if (type == OBJECT_ROUTE && x && (str_equal(id, x->route_id) || str_equal(id, x->probe_id)))
		deferred_start(&c->look);
}

static void health_late(struct timer *t, void *owner)
{
	(void)t;
	health_end(owner);
}

/* That there is no such tunnel is an answer. */
static void came(struct call *c, const struct cf_call *call, bool *well)
{
	struct health *x = c->state;
	const struct task *task = &call->task;
	x->waiting--;
	*well = task->err.kind == ERR_NONE;
	if (!*well && !call->absent && !x->answers.unasked[0])
		(void)str_copy(x->answers.unasked, sizeof(x->answers.unasked), task->err.message);
	deferred_start(&c->look);
}

static void record_came(struct task *task, void *owner)
{
	struct health *x = ((struct call *)owner)->state;
	(void)task;
	came(owner, &x->answers.record, &x->answers.record_came);
}

static void exact_came(struct task *task, void *owner)
{
	struct health *x = ((struct call *)owner)->state;
	(void)task;
	came(owner, &x->answers.exact, &x->answers.exact_came);
}

static void connections_came(struct task *task, void *owner)
{
	struct health *x = ((struct call *)owner)->state;
	(void)task;
	came(owner, &x->answers.connections, &x->answers.connections_came);
}

static void config_came(struct task *task, void *owner)
{
	struct call *c = owner;
	struct health *x = c->state;
	struct cf_config now;
	struct err e;
	if (task->err.kind == ERR_NONE && cf_config_read(&x->answers.config, &now, &e) == 0)
		config_due_shown(c->ops->world, x->tunnel_id, now.version);
	came(owner, &x->answers.config, &x->answers.config_came);
}

static void ask_cloudflare(struct call *c, const struct tunnel *t, const char *name)
{
	struct health *x = c->state;
	const struct zone *z = world_zone_of(call_world(c), name);
	if (!c->ops->cf)
		return;
	if (z) {
		x->waiting++;
		cf_record_ask(c->ops->cf, &x->answers.record, z->id, name, record_came, c);
	}
	if (z && name[0] == '*') {
		x->waiting++;
		cf_record_ask(c->ops->cf, &x->answers.exact, z->id, x->request.host, exact_came, c);
	}
	if (t->remote_id[0]) {
		x->waiting += 2;
		cf_connections_ask(c->ops->cf, &x->answers.connections, CF_SHARE_PEOPLE,
				   t->remote_id, connections_came, c);
		cf_config_ask(c->ops->cf, &x->answers.config, t->remote_id, config_came, c);
	}
}

static void ask_origin(struct call *c, const struct route *r)
{
	struct health *x = c->state;
	x->origin_ms = -1;
	if (!r || !c->ops->origins)
		return;
	x->answers.origin_asked = origin_probes_hurry(c->ops->origins, r->id);
	if (x->answers.origin_asked)
		x->origin_ms = r->reach.asked_ms;
}

static void ask_edge(struct call *c, const struct route *r)
{
	struct health *x = c->state;
	const struct route *probe = r ? world_edge_probe(c->ops->world, r->hostname) : NULL;
	x->edge_ms = -1;
	if (!probe || !c->ops->edges || !edge_probes_hurry(c->ops->edges, probe->id))
		return;
	(void)str_copy(x->probe_id, sizeof(x->probe_id), probe->id);
	x->edge_ms = probe->edge.asked_ms;
}

/* Whose name it is: our route's, else our record's. NULL: the call has failed. */
static const struct tunnel *tunnel_of(struct call *c, const struct request *q,
				      const struct route *r)
{
	const struct world *w = call_world(c);
	const struct record *d = r ? NULL : world_find_record(w, q->host, "CNAME");
	const struct tunnel *t = r                      ? world_tunnel(w, r->tunnel_id)
				 : d && d->tunnel_id[0] ? world_tunnel(w, d->tunnel_id)
							: NULL;
	const struct inside in = inside_of(c->ops->world, &c->who);
	if (t && inside_host(&in, q->host) && principal_sees(&c->who, OBJECT_ROUTE) &&
	    principal_sees(&c->who, OBJECT_TUNNEL))
		return t;
	(void)err_set(&c->task.err, ERR_NOT_FOUND, "%s is not published by this adit", q->host);
	(void)err_hint(&c->task.err,
		       "Publish it: adit publish %s http://127.0.0.1:8080. See adit "
		       "route list.",
		       q->host);
	call_fail(c);
	return NULL;
}

void run_health_get(struct call *c)
{
	const struct health_get_args *a = c->args;
	AUTO(request_t) q = {0};
	struct err e;
	if (request_parse(a->host, &q, &e) < 0) {
		c->task.err = e;
		call_fail(c);
		return;
	}
	const struct route *r = route_for(call_world(c), &q);
	const struct tunnel *t = tunnel_of(c, &q, r);
	if (!t)
		return;
	struct health *x = mem_alloc(sizeof(*x));
	x->request = q;
	q = (struct request){0};
	(void)str_copy(x->tunnel_id, sizeof(x->tunnel_id), t->id);
	(void)str_copy(x->route_id, sizeof(x->route_id), r ? r->id : "");
	c->state = x;
	c->drop_state = health_drop;
	deferred_init(&c->look, c->ops->loop, health_look, c);
	world_watch(c->ops->world, &c->watcher, world_moved, c);
	timer_init(&c->deadline, c->ops->loop, health_late, c);
	timer_start(&c->deadline, a->timeout.ms);
	ask_cloudflare(c, t, r ? r->hostname : x->request.host);
	ask_origin(c, r);
	ask_edge(c, r);
	deferred_start(&c->look);
}
