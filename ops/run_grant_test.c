/* Handlers: what grants there are, and what one of them can see and do. */
#include "base/clock.h"
#include "base/text.h"
#include "ops/grant_render.h"
#include "ops/inside.h"

/* ---- a grant as people see it ---- */

static const char *state_of(const struct grant *g)
{
	if (g->damage)
		return "damaged";
	return grants_frozen(g->home) ? "read_only" : "active";
}

static void put_spec(const struct grant *g, struct json_writer *w)
{
	AUTO(buf_t) text = {0};
	struct json_writer inner;
	json_write_init(&inner, &text);
	fields_write(grant_spec_fields(), &g->spec, &inner);
	json_write_members(w, buf_text(&text), text.len);
}

void grant_put(const struct grant *g, struct json_writer *w)
{
	json_put_string(w, "name", g->name);
	json_put_string(w, "state", state_of(g));
	if (!g->damage)
		put_spec(g, w);
	json_put_time(w, "expires_at", g->expires_at_ms);
	json_put_bool(w, "needs_second_token", g->has_second);
	if (grant_budget_left(g) >= 0)
		json_put_int(w, "budget_left", grant_budget_left(g));
	json_put_time(w, "created", g->created_ms);
	json_put_string(w, "created_by", g->created_by);
	if (g->last_used_ms)
		json_put_time(w, "last_used", g->last_used_ms);
	if (g->damage)
		json_put_string(w, "damage", g->damage);
}

/* ---- grant_list ---- */

static void row_grant(const void *row, struct json_writer *w, const void *owner)
{
	(void)owner;
	json_object_begin(w);
	grant_put(row, w);
	json_object_end(w);
}

void run_grant_list(struct call *c)
{
	struct grant *const *all;
	size_t n = grants_all(c->ops->grants, &all);
	struct list_answer l;
	if (list_begin(c, c->args, &l) < 0) {
		call_fail(c);
		return;
	}
	for (size_t i = 0; i < n; i++)
		list_row(&l, row_grant, all[i], NULL);
	list_end(&l, "model", clock_wall_ms());
}

/* ---- grant_test ---- */

static void put_operations(const struct principal *who, struct json_writer *w)
{
	const struct op *op;
	json_write_key(w, "operations");
	json_array_begin(w);
	for (size_t i = 0; (op = op_at(i)); i++)
		if (principal_policy(who, op) == POLICY_NONE)
			json_write_string(w, op->name);
	json_array_end(w);
	json_write_key(w, "refused");
	json_array_begin(w);
	for (size_t i = 0; (op = op_at(i)); i++) {
		enum policy policy = principal_policy(who, op);
		if (policy == POLICY_NONE || policy == POLICY_DOOR)
			continue;
		json_object_begin(w);
		json_put_string(w, "operation", op->name);
		json_put_string(w, "policy", policy_name(policy));
		json_object_end(w);
	}
	json_array_end(w);
}

/* As the grant itself is shown it; one that it made and that serves nothing yet is left out. */
static bool sees_tunnel(const struct inside *x, const struct tunnel *t)
{
	if (x->grant->tunnels.n || !grant_is_scoped(x->grant))
		return inside_tunnel(x, t);
	TABLE_EACH (i, struct route, r, &x->world->routes)
		if (str_equal(r->tunnel_id, t->id) && inside_route(x, r))
			return true;
	return false;
}

static void put_sight(const struct world *world, const struct principal *who, struct json_writer *w)
{
	const struct inside x = inside_of(world, who);
	AUTO(strlist_t) tunnels = {0};
	AUTO(strlist_t) hosts = {0};
	AUTO(strlist_t) zones = {0};
	TABLE_EACH (i, struct tunnel, t, &world->tunnels)
		if (sees_tunnel(&x, t))
			strlist_add(&tunnels, t->name);
	TABLE_EACH (j, struct route, r, &world->routes)
		if (inside_route(&x, r))
			strlist_add(&hosts, r->hostname);
	TABLE_EACH (k, struct zone, z, &world->zones)
		if (inside_part_of_zone(&x, z))
			strlist_add(&zones, z->name);
	json_put_strlist(w, "sees_tunnels", &tunnels);
	json_put_strlist(w, "sees_hosts", &hosts);
	json_put_strlist(w, "sees_zones", &zones);
}

static int judge_host(const struct world *world, const struct grant *g, const char *host,
		      struct err *e)
{
	AUTO(str_t) name = NULL;
	if (!host)
		return 0;
	if (hostname_normalise(host, &name, e) < 0)
		return err_wrap(e, "host");
	const struct zone *z = world_zone_of(world, name);
	if (!grant_covers_host(g, name))
		return err_set(e, ERR_DENIED, "%s lies outside of the hosts of grant %s", name,
			       g->name);
	if (!grant_covers_zone(g, z ? z->name : NULL))
		return err_set(e, ERR_DENIED, "%s lies outside of the zones of grant %s", name,
			       g->name);
	return 0;
}

/* What was asked for; -1 only when the question makes no sense. */
static int put_verdict(struct call *c, const struct grant *g, const struct principal *who,
		       struct json_writer *w)
{
	const struct grant_test_args *a = c->args;
	const struct op *op = a->operation ? op_find(a->operation) : NULL;
	struct err e = {.kind = ERR_NONE};
	enum policy policy = POLICY_NONE;
	if (op && principal_may(who, op, &e) < 0)
		policy = principal_policy(who, op);
	else if (judge_host(c->ops->world, g, a->host, &e) < 0)
		policy = POLICY_SCOPE;
	if (e.kind == ERR_INVALID) {
		c->task.err = e;
		return -1;
	}
	if (!a->operation && !a->host)
		return 0;
	json_put_bool(w, "allowed", policy == POLICY_NONE);
	if (policy != POLICY_NONE) {
		json_put_string(w, "policy", policy_name(policy));
		json_put_string(w, "message", e.message);
	}
	return 0;
}

static int check_operation(const struct grant_test_args *a, struct err *e)
{
	if (!a->operation || op_find(a->operation))
		return 0;
	const char *near = fields_nearest(op_names(), a->operation);
	(void)err_set(e, ERR_NOT_FOUND, "There is no operation %.40s", a->operation);
	return near ? err_hint(e, "Did you mean %s?", near) : -1;
}

void run_grant_test(struct call *c)
{
	const struct grant_test_args *a = c->args;
	const struct grant *g = grants_any(c->ops->grants, a->name);
	struct principal who;
	struct json_writer w;
	if (!g || check_operation(a, &c->task.err) < 0) {
		if (!g)
			(void)grant_unknown(c->ops->grants, a->name, &c->task.err);
		call_fail(c);
		return;
	}
	call_object(c, &w);
	grant_put(g, &w);
	if (principal_of_grant(g, &who) == 0) {
		if (put_verdict(c, g, &who, &w) < 0) {
			call_fail(c);
			return;
		}
		put_operations(&who, &w);
		put_sight(c->ops->world, &who, &w);
	}
	json_object_end(&w);
	call_answer(c);
}
