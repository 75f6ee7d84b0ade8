/* Handler: which rule takes a URL, and why not the others. */
#include <stdlib.h>
#include <string.h>

#include "base/untrusted.h"
#include "cloudflare/configs.h"
#include "ops/find.h"
#include "ops/rule_look.h"
#include "ops/sight.h"

#define ROWS_MAX 200 /* of a configuration with thousands of rules, those that matter */

struct testing {
	struct request request;
	char tunnel_id[ID_SIZE];
	struct cf_call call;
};

static void testing_drop(struct call *c)
{
	struct testing *x = c->state;
	cf_call_cancel(&x->call);
	cf_call_reset(&x->call);
	request_t_cleanup(&x->request);
	free(x);
	c->state = NULL;
}

/* ---- the answer ---- */

static void put_rule(const struct route *r, const struct rule *rule, struct json_writer *w)
{
	const char *service = json_get_string(rule->value, "service");
	const char *hostname = json_get_string(rule->value, "hostname");
	if (r) {
		json_put_string(w, "route", r->id);
		json_put_string(w, "hostname", r->hostname);
		if (r->path)
			json_put_string(w, "rule_path", r->path);
	} else {
		if (hostname && *hostname)
			json_put_untrusted(w, "untrusted_hostname", hostname);
		json_put_untrusted(w, "untrusted_rule_path", rule->path);
	}
	if (r && str_equal(r->service, service))
		json_put_string(w, "service", service);
	else
		json_put_untrusted(w, "untrusted_service", service);
}

static void put_row(const struct world *world, const struct tunnel *t, const struct rule_look *k,
		    size_t at, struct json_writer *w)
{
	const struct rule *rule = &k->rules.items[at];
	const struct route *r = rule_owner(world, t, rule);
	json_object_begin(w);
	json_put_int(w, "number", (int64_t)at + 1);
	json_put_string(w, "verdict", verdict_name(k->match.verdicts[at]));
	json_put_string(w, "why", verdict_doc(k->match.verdicts[at]));
	json_put_bool(w, "ours", r != NULL);
	put_rule(r, rule, w);
	json_object_end(w);
}

/* All of a small configuration; of a large one what is for another host goes first. */
static bool row_shown(const struct rule_look *k, size_t at)
{
	return k->rules.n <= ROWS_MAX || k->match.verdicts[at] != VERDICT_HOST;
}

static void put_rows(const struct world *world, const struct tunnel *t, const struct rule_look *k,
		     struct json_writer *w)
{
	int64_t shown = 0;
	json_write_key(w, "rules");
	json_array_begin(w);
	for (size_t i = 0; i < k->rules.n && shown < ROWS_MAX; i++) {
		if (!row_shown(k, i))
			continue;
		put_row(world, t, k, i, w);
		shown++;
	}
	json_array_end(w);
	json_put_int(w, "total", (int64_t)k->rules.n);
	json_put_bool(w, "truncated", shown < (int64_t)k->rules.n);
}

static void answer(struct call *c, const struct tunnel *t, const struct rule_look *k,
		   int64_t version, bool asked)
{
	const struct testing *x = c->state;
	const struct rule *taker = rule_look_taker(k);
	AUTO(str_t) words = rule_look_words(k);
	AUTO(str_t) differs = rule_look_differs(k);
	struct json_writer w;
	call_object(c, &w);
	json_put_string(&w, "host", x->request.host);
	json_put_string(&w, "path", x->request.path);
	json_put_string(&w, "tunnel", t->name);
	json_put_int(&w, "config_version", version);
	json_put_string(&w, "source", asked ? "api" : "model");
	json_put_int(&w, "rule", (int64_t)k->match.number);
	json_put_string(&w, "result", words);
	json_put_bool(&w, "certain", k->match.certain);
	json_put_bool(&w, "ours", k->route != NULL);
	if (taker)
		put_rule(k->route, taker, &w);
	json_put_bool(&w, "as_wanted", k->as_wanted);
	if (differs)
		json_put_string(&w, "differs", differs);
	put_rows(call_world(c), t, k, &w);
	json_object_end(&w);
	call_answer(c);
}

static void judge(struct call *c, const char *config, int64_t version, bool asked)
{
	const struct testing *x = c->state;
	const struct inside in = inside_of(c->ops->world, &c->who);
	const struct tunnel *t = world_tunnel(call_world(c), x->tunnel_id);
	AUTO(rule_look_t) k = {0};
	struct err e;
	if (!t) {
		(void)err_set(&c->task.err, ERR_NOT_FOUND, "The tunnel was removed meanwhile");
		call_fail(c);
		return;
	}
	if (rule_look(call_world(c), t, config, &x->request, &k, &e) < 0) {
		c->task.err = e;
		call_fail(c);
		return;
	}
	if (!in.all)
		rule_look_narrow(&k, &in);
	answer(c, t, &k, version, asked);
}

static void config_came(struct task *task, void *owner)
{
	struct call *c = owner;
	struct testing *x = c->state;
	struct cf_config found;
	struct err e;
	if (task->err.kind != ERR_NONE || cf_config_read(&x->call, &found, &e) < 0) {
		c->task.err = task->err.kind != ERR_NONE ? task->err : e;
		call_fail(c);
		return;
	}
	AUTO(str_t) text = found.config.len ? str_ndup(found.config.p, found.config.len) : NULL;
	judge(c, text, found.version, true);
}

/* ---- which tunnel ---- */

/* The named one; that of a route for the name; this host's own; the only one. */
static const struct tunnel *tunnel_for(struct call *c, const char *name, const struct request *q)
{
	const struct world *w = call_world(c);
	const struct inside in = inside_of(c->ops->world, &c->who);
	const struct route *r = name ? NULL : route_for(w, q);
	const struct tunnel *t = r ? world_tunnel(w, r->tunnel_id) : NULL;
	if (name && !(t = find_tunnel(c, name)))
		return NULL;
	if (!t)
		t = world_find_tunnel(w, c->ops->settings->owner);
	if (!t && w->tunnels.n == 1)
		t = w->tunnels.items[0];
	if (t && inside_host(&in, q->host))
		return t;
	(void)err_set(&c->task.err, ERR_NOT_FOUND, "No route is for %s, so no tunnel is known",
		      q->host);
	(void)err_hint(&c->task.err, "Name one with --tunnel, or publish it: adit publish %s URL.",
		       q->host);
	call_fail(c);
	return NULL;
}

static bool is_known(const struct tunnel *t)
{
	return t->observed.config_seen_ms || t->observed.config_version > 0;
}

static void ask(struct call *c, const struct tunnel *t)
{
	struct testing *x = c->state;
	if (t->remote_id[0] && c->ops->cf) {
		cf_config_ask(c->ops->cf, &x->call, t->remote_id, config_came, c);
		return;
	}
	(void)err_set(&c->task.err, ERR_BUSY, "The configuration of tunnel %s is not known yet",
		      t->name);
	(void)err_hint(&c->task.err, "See adit status.");
	call_fail(c);
}

void run_route_test(struct call *c)
{
	const struct route_test_args *a = c->args;
	AUTO(request_t) q = {0};
	struct err e;
	if (request_parse(a->url, &q, &e) < 0) {
		c->task.err = e;
		call_fail(c);
		return;
	}
	const struct tunnel *t = tunnel_for(c, a->tunnel, &q);
	if (!t)
		return;
	struct testing *x = mem_alloc(sizeof(*x));
	x->request = q;
	q = (struct request){0};
	(void)str_copy(x->tunnel_id, sizeof(x->tunnel_id), t->id);
	c->state = x;
	c->drop_state = testing_drop;
	if (a->refresh || !is_known(t))
		ask(c, t);
	else
		judge(c, t->observed.config, t->observed.config_version, false);
}
