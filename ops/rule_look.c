#include "ops/rule_look.h"

#include "model/edge_probe.h"
#include <stdlib.h>
#include <string.h>

#include "ops/find.h"

void rule_look_t_cleanup(rule_look_t *k)
{
	rules_free(&k->rules);
	match_t_cleanup(&k->match);
}

const struct route *rule_owner(const struct world *w, const struct tunnel *t,
			       const struct rule *rule)
{
	TABLE_EACH (i, struct route, r, &w->routes)
		if (r->applied_generation > 0 && str_equal(r->tunnel_id, t->id) &&
		    str_equal(r->hostname, rule->hostname) && str_equal(r->path, rule->path))
			return r;
	return NULL;
}

const struct rule *rule_look_taker(const struct rule_look *k)
{
	return k->match.number ? &k->rules.items[k->match.number - 1] : NULL;
}

static bool route_fits(const struct route *r, const struct request *q)
{
	return match_one(r->hostname, NULL, r->path, q) == VERDICT_MATCHES;
}

static const struct route *wanted_of(const struct world *w, const struct tunnel *t,
				     const struct request *q)
{
	struct route **routes = NULL;
	const struct route *found = NULL;
	size_t n = find_routes(w, t->id, &routes);
	for (size_t i = 0; i < n && !found; i++)
		if (route_fits(routes[i], q))
			found = routes[i];
	free(routes);
	return found;
}

static bool serves(const struct rule *rule, const struct route *r)
{
	AUTO(json_doc_t) doc = NULL;
	struct err e;
	if (r->origin && json_parse(r->origin, strlen(r->origin), NULL, &doc, &e) < 0)
		return false;
	return rule_serves(rule, r->service, doc ? json_root(doc) : NULL);
}

static bool stands(const struct rule_look *k, const struct route *r)
{
	for (size_t i = 0; i < k->rules.n; i++)
		if (str_equal(k->rules.items[i].hostname, r->hostname) &&
		    str_equal(k->rules.items[i].path, r->path))
			return true;
	return false;
}

static bool is_drift(const struct rule_look *k)
{
	const struct route *r = k->wanted;
	return !k->as_wanted && r->applied_generation == r->generation &&
	       (k->route == r || !stands(k, r));
}

int rule_look(const struct world *w, const struct tunnel *t, const char *config,
	      const struct request *q, struct rule_look *out, struct err *e)
{
	struct rule_look k = {0};
	if (rules_read_config(config, &k.rules, e) < 0)
		return -1;
	match_rules(&k.rules, q, &k.match);
	const struct rule *taker = rule_look_taker(&k);
	k.route = taker ? rule_owner(w, t, taker) : NULL;
	k.wanted = wanted_of(w, t, q);
	k.as_wanted = !k.wanted || (k.wanted == k.route && serves(taker, k.route));
	k.drifted = is_drift(&k);
	*out = k;
	return 0;
}

void rule_look_narrow(struct rule_look *k, const struct inside *in)
{
	size_t n = 0, taker = k->match.number;
	for (size_t i = 0; i < k->rules.n; i++) {
		struct rule *rule = &k->rules.items[i];
		bool takes = i + 1 == taker;
		if (!inside_rule(in, rule)) {
			rule_free(rule);
			k->outside |= takes;
			continue;
		}
		if (takes)
			k->match.number = n + 1;
		k->rules.items[n] = *rule;
		k->match.verdicts[n++] = k->match.verdicts[i];
	}
	if (k->outside)
		k->match.number = 0;
	k->rules.n = k->match.n = n;
}

/* ---- words ---- */

static bool is_last_resort(const struct rule_look *k)
{
	return k->match.number == k->rules.n && rule_takes_all(rule_look_taker(k));
}

static char *unsure_words(const struct rule_look *k)
{
	for (size_t i = 0; i < k->match.n && !k->match.certain; i++)
		if (k->match.verdicts[i] == VERDICT_UNSURE)
			return str_format(" That is not certain: the pattern of rule %zu could not "
					  "be judged.",
					  i + 1);
	return str_dup("");
}

char *rule_look_words(const struct rule_look *k)
{
	AUTO(str_t) unsure = unsure_words(k);
	size_t number = k->match.number, n = k->rules.n;
	if (k->outside)
		return str_format("Another rule takes it, which is outside of this grant.%s",
				  unsure);
	if (!number)
		return str_dup("The tunnel has no rules: cloudflared answers 503.");
	if (is_last_resort(k))
		return str_format("No rule is for this request: the last one of %zu, which takes "
				  "the rest, answers it.%s",
				  n, unsure);
	if (!k->route)
		return str_format("Rule %zu of %zu takes it, which adit did not make.%s", number, n,
				  unsure);
	return str_format("Rule %zu of %zu takes it, that of the route %s%s%s.%s", number, n,
			  k->route->hostname, k->route->path ? " " : "",
			  k->route->path ? k->route->path : "", unsure);
}

static const char *why_not_wanted(const struct rule_look *k)
{
	const struct route *r = k->wanted;
	if (r->problem)
		return r->problem->err.message;
	if (r->applied_generation != r->generation)
		return "its rule is not put to Cloudflare yet";
	if (k->route == r)
		return "its rule was changed at Cloudflare";
	if (stands(k, r))
		return "an earlier rule takes it";
	return "its rule was removed at Cloudflare";
}

char *rule_look_differs(const struct rule_look *k)
{
	const struct route *r = k->wanted;
	if (k->as_wanted)
		return NULL;
	return str_format("It is to go to %s (route %s%s%s), but %s", r->service, r->hostname,
			  r->path ? " " : "", r->path ? r->path : "", why_not_wanted(k));
}

/* ---- where a request belongs ---- */

const struct route *route_for(const struct world *w, const struct request *q)
{
	const struct route *best = NULL;
	bool best_fits = false;
	TABLE_EACH (i, struct route, r, &w->routes) {
		bool fits = route_fits(r, q);
		/* A probe's is nobody else's, whatever path is asked for. */
		if (!fits && route_is_edge_probe(r))
			continue;
		if (!hostname_matches(r->hostname, q->host) || (best_fits && !fits))
			continue;
		if (!best || fits > best_fits || route_compare(r, best) < 0)
			best = r;
		best_fits = fits;
	}
	return best;
}
