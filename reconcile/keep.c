#include "reconcile/keep.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "model/leaving.h"

/* Is it ours, and to lead somewhere else? */
static bool is_alive(const struct record *r, const struct tunnel *t)
{
	return r->want == WANT_PRESENT && r->remote_id[0] && !r->observed.gone &&
	       !str_equal(r->tunnel_id, t->id);
}

static void take_later(int64_t *until, int64_t at)
{
	*until = at > *until ? at : *until;
}

/* of: one of the names. Is it still to be kept? alive: is it to lead anywhere at all? */
static bool name_waits(struct groups *x, const struct tunnel *t, const char *of, int64_t wall_ms,
		       int64_t *until, bool *alive)
{
	const struct record *r;
	bool waits = false;
	*alive = false;
	for (size_t at = 0; (r = groups_named(x, of, &at)) != NULL;) {
		if (!is_alive(r, t))
			continue;
		*alive = true;
		if (!record_leaves(r, t, wall_ms))
			continue;
		waits = true;
		take_later(until, record_leaves_until(r, t));
	}
	return waits;
}

bool keep_is_over(struct groups *x, const struct tunnel *t, int64_t wall_ms, int64_t *until)
{
	const struct map *names = &t->observed.config_keeps;
	const struct map_entry *name;
	bool waits = false, gone = false;
	if (!names->count)
		return false;
	for (size_t i = 0; (name = map_next(names, &i)) != NULL;) {
		bool alive;
		waits = name_waits(x, t, name->key, wall_ms, until, &alive) || waits;
		gone = gone || !alive;
	}
	return !waits || gone;
}

static bool is_wanted(struct groups *x, const struct tunnel *t, const char *hostname,
		      const char *path)
{
	TABLE_EACH (i, struct route, r, &group_of(x, t->id)->routes)
		if (route_same_key(r, hostname, path))
			return true;
	return false;
}

static bool is_kept(struct groups *x, const struct tunnel *t, const char *hostname, int64_t wall_ms)
{
	const struct record *r;
	for (size_t at = 0; (r = groups_named(x, hostname, &at)) != NULL;)
		if (record_leaves(r, t, wall_ms))
			return true;
	return false;
}

static struct route *route_of(const struct tunnel *t, const struct json *rule)
{
	const struct json *origin = json_get(rule, "originRequest");
	struct route *r = route_new();
	r->applied_generation = r->generation; /* nobody wants it anew: an edit of it stays */
	(void)str_copy(r->tunnel_id, sizeof(r->tunnel_id), t->id);
	str_set(&r->hostname, json_get_string(rule, "hostname"));
	str_set(&r->path, json_get_string(rule, "path"));
	str_set(&r->service, json_get_string(rule, "service"));
	if (!json_is_null(origin)) {
		struct json_span raw = json_raw(origin);
		r->origin = str_ndup(raw.p, raw.len);
	}
	return r;
}

void keep_rules(struct groups *x, const struct tunnel *t, const char *rules, int64_t wall_ms,
		struct kept *out)
{
	AUTO(json_doc_t) doc = NULL;
	struct err e;
	*out = (struct kept){.n = 0};
	if (!rules || json_parse(rules, strlen(rules), NULL, &doc, &e) < 0)
		return;
	out->items = mem_array(json_count(json_root(doc)) + 1, sizeof(*out->items));
	JSON_EACH (rule, json_root(doc)) {
		const char *hostname = json_get_string(rule, "hostname");
		if (!hostname || is_wanted(x, t, hostname, json_get_string(rule, "path")))
			continue;
		(void)map_set(&out->leftover, hostname, out);
		if (is_kept(x, t, hostname, wall_ms))
			out->items[out->n++] = route_of(t, rule);
	}
}

void keep_names(struct tunnel *t, const struct kept *k, bool all)
{
	struct map *names = &t->observed.config_keeps;
	size_t at = 0;
	const struct map_entry *x;
	map_free(names);
	for (size_t i = 0; !all && i < k->n; i++)
		(void)map_set(names, k->items[i]->hostname, t);
	while (all && (x = map_next(&k->leftover, &at)))
		(void)map_set(names, x->key, t);
}

static bool has_key(const struct json *rule, const char *hostname, const char *path)
{
	const char *its = json_get_string(rule, "path");
	return str_equal(json_get_string(rule, "hostname"), hostname) &&
	       str_equal(its ? its : "", path ? path : "");
}

char *rules_without(const char *rules, const char *hostname, const char *path)
{
	AUTO(json_doc_t) doc = NULL;
	AUTO(buf_t) text = {0};
	struct json_writer w;
	struct err e;
	bool found = false;
	if (!rules || json_parse(rules, strlen(rules), NULL, &doc, &e) < 0)
		return NULL;
	json_write_init(&w, &text);
	json_array_begin(&w);
	JSON_EACH (rule, json_root(doc)) {
		struct json_span raw = json_raw(rule);
		if (has_key(rule, hostname, path))
			found = true;
		else
			json_write_raw(&w, raw.p, raw.len);
	}
	json_array_end(&w);
	return found ? buf_steal(&text) : NULL;
}

static bool has_rule(const struct json *rules, const struct json *key)
{
	JSON_EACH (rule, rules)
		if (has_key(rule, json_get_string(key, "hostname"), json_get_string(key, "path")))
			return true;
	return false;
}

char *rules_within(const char *rules, const char *keys)
{
	AUTO(json_doc_t) doc = NULL;
	AUTO(json_doc_t) known = NULL;
	AUTO(buf_t) text = {0};
	struct json_writer w;
	struct err e;
	bool readable = rules && keys && json_parse(rules, strlen(rules), NULL, &doc, &e) == 0 &&
			json_parse(keys, strlen(keys), NULL, &known, &e) == 0;
	json_write_init(&w, &text);
	json_array_begin(&w);
	JSON_EACH (rule, readable ? json_root(doc) : NULL) {
		struct json_span raw = json_raw(rule);
		if (has_rule(json_root(known), rule))
			json_write_raw(&w, raw.p, raw.len);
	}
	json_array_end(&w);
	return buf_steal(&text);
}

void keep_recall(struct world *w, struct store *s)
{
	AUTO(groups_t) x = {0};
	struct err e;
	groups_of_all(&x, w);
	TABLE_EACH (i, struct tunnel, t, &w->tunnels) {
		AUTO(str_t) rules = NULL;
		AUTO(kept_t) kept = {0};
		if (!t->config_version || store_load_rules(s, t->id, &rules, &e) < 0)
			continue;
		keep_rules(&x, t, rules, clock_wall_ms(), &kept);
		keep_names(t, &kept, true);
	}
}

void kept_free(struct kept *k)
{
	for (size_t i = 0; i < k->n; i++)
		route_free(k->items[i]);
	free(k->items);
	map_free(&k->leftover);
	*k = (struct kept){.n = 0};
}

void kept_t_cleanup(kept_t *k)
{
	kept_free(k);
}
