/* An adoption's rules: which become routes as they stand, and why the others do not. */
#include <stdlib.h>
#include <string.h>

#include "base/untrusted.h"
#include "ops/adopt_private.h"
#include "reconcile/merge.h"
#include "reconcile/place.h"

/* Normalised: as read from a rule, which may hold what is no host name at all. */
static bool is_hostname(const char *text)
{
	AUTO(str_t) name = NULL;
	struct err e;
	return text && hostname_normalise(text, &name, &e) == 0;
}

static void leave(struct candidate *c, const char *fmt, ...) PRINTF(2, 3);
static void leave(struct candidate *c, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	free(c->why);
	c->why = str_vformat(fmt, ap);
	va_end(ap);
	c->fate = LEFT;
}

static size_t number_of(const struct adopting *x, const struct rule *r)
{
	return (size_t)(r - x->rules.items) + 1;
}

/* Every request that fits b fits a. */
static bool covers(const struct rule *a, const struct rule *b)
{
	bool host =
		!a->hostname || str_equal(a->hostname, b->hostname) ||
		(b->hostname && *a->hostname == '*' && hostname_matches(a->hostname, b->hostname));
	return host && (a->every_path || str_equal(a->path, b->path));
}

static const struct rule *earlier_that_covers(const struct adopting *x, const struct rule *r)
{
	for (const struct rule *before = x->rules.items; before < r; before++)
		if (covers(before, r))
			return before;
	return NULL;
}

static bool base_has(const struct adopting *x, const struct rule *r)
{
	for (size_t i = 0; i < x->base.n; i++)
		if (rule_same_key(&x->base.items[i], r) &&
		    rule_serves(r, json_get_string(x->base.items[i].value, "service"),
				json_get(x->base.items[i].value, "originRequest")))
			return true;
	return false;
}

/* The route that adit has for the rule's key, through whatever tunnel. */
static void look_at_row(struct adopting *x, struct candidate *c)
{
	const struct route *row = world_find_route(x->in->world, c->rule->hostname, c->rule->path);
	const struct tunnel *t = row ? world_tunnel(x->in->world, row->tunnel_id) : NULL;
	if (row && (!x->row || !str_equal(row->tunnel_id, x->row->id)))
		leave(c, "adit has a route for it through tunnel %s", t ? t->name : "?");
	else if (row && base_has(x, c->rule))
		c->fate = OURS;
	else
		c->row = row;
}

static void judge_text(struct adopting *x, struct candidate *c)
{
	const char *service = json_get_string(c->rule->value, "service");
	struct service parsed;
	struct err e;
	if (!c->rule->hostname)
		leave(c, "it has no host name");
	else if (!is_hostname(c->rule->hostname))
		leave(c, "its host name is none that adit accepts");
	else if (!adopt_chosen(&x->in->args->routes, c->rule->hostname))
		leave(c, "not chosen");
	else if (c->rule->path && !text_is_plain(c->rule->path))
		leave(c, "its path has signs that adit does not repeat");
	else if (c->rule->path && pattern_check(c->rule->path, &e) < 0)
		leave(c, "its path: %s", e.message);
	else if (!service || !text_is_plain(service))
		leave(c, "its service is none that adit knows");
	else if (service_parse(service, &parsed, &e) < 0)
		leave(c, "its service: %s", e.message);
}

static void judge(struct adopting *x, struct candidate *c)
{
	const struct rule *cover;
	c->fate = TAKEN;
	judge_text(x, c);
	if (c->fate == TAKEN && (cover = earlier_that_covers(x, c->rule)))
		leave(c, "it is never reached: rule %zu takes all its requests",
		      number_of(x, cover));
	if (c->fate == TAKEN)
		look_at_row(x, c);
}

static int compare_rules(const struct rule *a, const struct rule *b)
{
	struct route x = {.hostname = a->hostname, .path = a->path};
	struct route y = {.hostname = b->hostname, .path = b->path};
	return route_compare(&x, &y);
}

/* Both would be adit's, which would put them the other way round. */
static bool inverted(const struct candidate *before, const struct candidate *after)
{
	return before->fate != LEFT && after->fate != LEFT &&
	       rules_meet(before->rule, after->rule) &&
	       compare_rules(before->rule, after->rule) > 0;
}

/* adit keeps its own rules in an order of its own: one that stands against it would be moved. */
static void leave_unordered(struct adopting *x)
{
	for (size_t i = 0; i < x->rules.n; i++)
		for (size_t j = i + 1; j < x->rules.n; j++) {
			struct candidate *c = &x->items[i], *later = &x->items[j];
			if (!inverted(c, later))
				continue;
			if (c->fate == TAKEN)
				leave(c,
				      "it stands before the narrower rule %zu, and adit would have "
				      "to move it behind that one",
				      j + 1);
			else if (later->fate == TAKEN)
				leave(later,
				      "adit's own rule %zu stands before it and would have to be "
				      "moved",
				      i + 1);
		}
}

static char *origin_text(const struct rule *r)
{
	const struct json *origin = json_get(r->value, "originRequest");
	struct json_span raw = json_is_null(origin) ? (struct json_span){0} : json_raw(origin);
	return raw.len ? str_ndup(raw.p, raw.len) : NULL;
}

/* Exactly this rule, as it stands there now. */
static void note_takes(struct edit *d, const struct adopting *x, const struct rule *r)
{
	struct json_span raw = json_raw(r->value);
	char hash[SHA256_HEX_SIZE], name[HOSTNAME_MAX + 40];
	sha256_hex(raw.p, raw.len, hash);
	rule_describe(r, number_of(x, r), name, sizeof(name));
	AUTO(str_t) what = str_format("Adopts %s of tunnel %s.", name, x->in->found->name);
	str_set(&d->takes, NULL);
	route_takes_add(&d->takes, hash, what);
}

static void edit_route(struct adopting *x, struct plan *p, const struct candidate *c)
{
	struct edit *d = c->row ? plan_put_route(p, c->row) : plan_put_new(p, EDIT_ROUTE_PUT);
	(void)str_copy(d->tunnel_id, ID_SIZE, x->tunnel_id);
	str_set(&d->name, c->rule->hostname);
	str_set(&d->path, c->rule->path);
	str_set(&d->service, json_get_string(c->rule->value, "service"));
	free(d->origin);
	d->origin = origin_text(c->rule);
	note_takes(d, x, c->rule);
}

/* A plan of the tunnel and this one route: what the guard refuses whoever approves it. */
static void judge_by_guard(struct adopting *x, struct candidate *c)
{
	struct plan *p = plan_new(x->p->operation, x->p->principal, NULL);
	struct plan *whole = x->p;
	struct err e;
	x->p = p;
	adopt_edit_tunnel(x, true);
	edit_route(x, p, c);
	if (guard_check(x->in->world, x->in->guard, p, &e) < 0)
		leave(c, "%s%s%s", e.message, e.hint[0] ? ": " : "", e.hint);
	x->p = whole;
	plan_free(p);
}

void adopt_judge_rules(struct adopting *x)
{
	for (size_t i = 0; i < x->rules.n; i++) {
		struct candidate *c = &x->items[i];
		c->rule = &x->rules.items[i];
		if (i + 1 == x->rules.n)
			leave(c, "it answers what no other rule takes");
		else
			judge(x, c);
		if (c->fate == TAKEN)
			judge_by_guard(x, c);
	}
	leave_unordered(x);
}

/* Each rule that is taken as the route that it becomes; the merge must find nothing to do. */
int adopt_check_merge(struct adopting *x, struct err *e)
{
	struct plan *p = plan_new(x->p->operation, x->p->principal, NULL);
	const struct route **routes = mem_array(x->rules.n + 1, sizeof(*routes));
	struct route *made = mem_array(x->rules.n + 1, sizeof(*made));
	struct merge_result m = {0};
	size_t n = 0;
	for (size_t i = 0; i < x->rules.n; i++)
		if (x->items[i].fate == TAKEN)
			edit_route(x, p, &x->items[i]);
	for (; n < p->n_edits; n++) {
		const struct edit *d = &p->edits[n];
		made[n] = (struct route){.hostname = d->name,
					 .path = d->path,
					 .service = d->service,
					 .origin = d->origin,
					 .takes = d->takes,
					 .generation = 1};
		(void)str_copy(made[n].id, ID_SIZE, d->id);
		routes[n] = &made[n];
	}
	struct merge_input in = {.remote = x->in->config, .routes = routes, .n_routes = n};
	int rc = n ? merge(&in, &m, e) : 0;
	if (rc == 0 && n && (m.outcome != MERGE_SAME || m.n_issues)) {
		(void)err_set(
			e, ERR_CONFLICT,
			"The chosen rules of tunnel %s cannot be taken without moving some of "
			"them",
			x->in->found->name);
		rc = err_hint(e, "Choose fewer of them with --routes.");
	}
	merge_result_free(&m);
	free(routes);
	free(made);
	plan_free(p);
	return rc;
}

/* How many rules it takes. */
size_t adopt_take_routes(struct adopting *x)
{
	size_t n = 0;
	for (size_t i = 0; i < x->rules.n; i++) {
		const struct candidate *c = &x->items[i];
		char name[HOSTNAME_MAX + 40];
		if (c->fate == OURS)
			continue;
		if (c->fate == TAKEN) {
			const char *service = json_get_string(c->rule->value, "service");
			edit_route(x, x->p, c);
			n++;
			plan_change(x->p, c->row ? '~' : '+', "route", c->rule->hostname,
				    "rule %zu%s%s as it stands, to %s", i + 1,
				    c->rule->path ? ", path " : "",
				    c->rule->path ? c->rule->path : "", service);
		} else {
			rule_describe(c->rule, i + 1, name, sizeof(name));
			plan_change(x->p, '=', "rule", name, "left alone: %s", c->why);
		}
	}
	return n;
}
