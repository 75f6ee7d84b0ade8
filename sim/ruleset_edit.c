/*
 * Changes of rulesets: an entry point put as a whole, single rules made, changed and deleted, a
 * ruleset deleted. Each makes a new version; a member that the API does not take is refused.
 */
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "sim/routes.h"
#include "sim/rulesets.h"

/* ---- filling ---- */

void ruleset_id(const char *owner, const struct json *given, char out[SIM_ID_SIZE])
{
	const char *id = json_get_string(given, "id"), *phase = json_get_string(given, "phase");
	const char *name = json_get_string(given, "name");
	AUTO(str_t) text = str_format("%s %s", phase ? phase : "", name ? name : "");

	if (!id || !str_copy(out, SIM_ID_SIZE, id))
		shelf_id(owner, text, out);
}

static const struct json *rule_of(const struct json *ruleset, const char *id)
{
	JSON_EACH (rule, json_get(ruleset, "rules"))
		if (id && (str_equal(json_get_string(rule, "id"), id) ||
			   str_equal(json_get_string(rule, "ref"), id)))
			return rule;
	return NULL;
}

static bool same_rule(const struct json *a, const struct json *b)
{
	static const char *const content[] = {"action",      "action_parameters", "expression",
					      "description", "enabled",           "ratelimit"};

	for (size_t i = 0; i < ARRAY_LEN(content); i++) {
		AUTO(buf_t) x = {0};
		AUTO(buf_t) y = {0};
		json_print(json_get(a, content[i]), &x);
		json_print(json_get(b, content[i]), &y);
		if (!str_equal(buf_text(&x), buf_text(&y)))
			return false;
	}
	return true;
}

static void put_text(struct json_writer *w, const char *key, const char *text)
{
	if (text)
		json_put_string(w, key, text);
}

static void put_time(struct json_writer *w, const char *said, int64_t now_ms)
{
	if (said)
		json_put_string(w, "last_updated", said);
	else
		json_put_time(w, "last_updated", now_ms);
}

static void write_rule(struct json_writer *w, const char *owner, size_t at,
		       const struct json *given, const struct json *before, int64_t now_ms)
{
	static const char *const own[] = {"id", "ref", "version", "last_updated", "position", NULL};
	const char *id = json_get_string(before ? before : given, "id");
	const char *ref = json_get_string(given, "ref");
	const char *version = json_get_string(before ? before : given, "version");
	bool kept = before && same_rule(given, before);
	AUTO(str_t) name = str_format("rule %zu", at);
	AUTO(str_t) next = str_format("%ld", version ? strtol(version, NULL, 10) + 1 : 1);
	char made[SIM_ID_SIZE];

	shelf_id(owner, name, made);
	json_object_begin(w);
	json_put_string(w, "id", id ? id : made);
	json_put_string(w, "ref", ref ? ref : id ? id : made);
	json_put_string(w, "version", version && (kept || !before) ? version : next);
	put_time(w, json_get_string(kept ? before : given, "last_updated"), now_ms);
	if (!json_get(given, "enabled"))
		json_put_bool(w, "enabled", true);
	write_merged(w, given, NULL, own);
	json_object_end(w);
}

void ruleset_fill(const char *kind, const char *id, const struct json *given,
		  const struct json *before, int64_t now_ms, struct buf *out)
{
	const char *said = json_get_string(before ? before : given, "kind");
	const char *name = json_get_string(before ? before : given, "name");
	const char *version = json_get_string(before ? before : given, "version");
	AUTO(str_t) next = str_format("%ld", version ? strtol(version, NULL, 10) + 1 : 1);
	struct json_writer w;
	size_t at = 0;

	json_write_init(&w, out);
	json_object_begin(&w);
	json_put_string(&w, "id", id);
	json_put_string(&w, "name", name ? name : "default");
	json_put_string(&w, "kind", said ? said : kind);
	json_put_string(&w, "phase", json_get_string(before ? before : given, "phase"));
	json_put_string(&w, "version", version && !before ? version : next);
	put_time(&w, json_get_string(given, "last_updated"), now_ms);
	put_text(&w, "description", json_get_string(given, "description"));
	json_write_key(&w, "rules");
	json_array_begin(&w);
	JSON_EACH (rule, json_get(given, "rules")) {
		const char *known = json_get_string(rule, "id");
		const struct json *was =
			rule_of(before, known ? known : json_get_string(rule, "ref"));
		write_rule(&w, id, at++, rule, was, now_ms);
	}
	json_array_end(&w);
	json_object_end(&w);
}

/* ---- one change ---- */

static const char *const rule_members[] = {
	"id",      "ref",       "action",  "action_parameters",        "expression", "description",
	"enabled", "ratelimit", "logging", "exposed_credential_check", "position",   NULL,
};

static int known_members(struct call *k, const struct json *object, const char *const *names)
{
	JSON_EACH (v, object) {
		size_t i = 0;
		while (names[i] && !str_equal(names[i], json_key(v)))
			i++;
		if (names[i])
			continue;
		call_fail(k, 400, CODE_OWN, "unknown field \"%s\"", json_key(v));
		return -1;
	}
	return 0;
}

/* whole: it must have what no rule is without. */
static int rule_check(struct call *k, const struct json *rule, bool whole)
{
	static const char *const needs[] = {"action", "expression"};

	if (json_type(rule) != JSON_OBJECT || known_members(k, rule, rule_members) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(needs); i++) {
		const struct json *v = json_get(rule, needs[i]);
		const char *text = json_string(v);
		if ((!v && !whole) || (text && *text))
			continue;
		call_fail(k, 400, 20127, "a rule needs %s", needs[i]);
		return -1;
	}
	return 0;
}

static struct sim_row *keep(struct call *k, const char *id, const struct json *given,
			    const struct json *before)
{
	AUTO(buf_t) text = {0};

	ruleset_fill(k->zone ? "zone" : "root", id, given, before, k->q->now_ms, &text);
	str_copy(k->r->object, sizeof k->r->object, id);
	return shelf_put(k->c, RULESETS, call_owner(k), buf_text(&text));
}

/* ---- the entry point as a whole ---- */

/* What a phase's first rules are put into. */
static struct sim_row *make_entry(struct call *k, const char *phase)
{
	AUTO(buf_t) text = {0};
	struct json_writer w;
	char id[SIM_ID_SIZE];

	random_hex(id, SIM_ID_SIZE - 1);
	json_write_init(&w, &text);
	json_object_begin(&w);
	json_put_string(&w, "id", id);
	json_put_string(&w, "name", "default");
	json_put_string(&w, "kind", k->zone ? "zone" : "root");
	json_put_string(&w, "phase", phase);
	json_put_string(&w, "version", "0");
	json_object_end(&w);
	return shelf_put(k->c, RULESETS, call_owner(k), buf_text(&text));
}

void answer_entrypoint_put(struct call *k)
{
	static const char *const members[] = {"description", "rules", NULL};
	const char *phase = k->ids[1];

	if (call_body(k) < 0 || known_members(k, k->body, members) < 0)
		return;
	if (!phase_known(phase) || json_type(json_get(k->body, "rules")) != JSON_ARRAY) {
		call_fail(k, 400, CODE_OWN, "a known phase and rules are required");
		return;
	}
	JSON_EACH (rule, json_get(k->body, "rules")) {
		if (rule_check(k, rule, true) < 0)
			return;
	}
	struct sim_row *x = ruleset_entry(k, phase);
	if (!x)
		x = make_entry(k, phase);
	if (x)
		answer_ruleset(k, keep(k, x->id, k->body, row_json(x)));
}

/* ---- single rules ---- */

/* A ruleset of the path that may be changed; NULL = refused. */
static struct sim_row *own_ruleset(struct call *k)
{
	struct sim_row *x = shelf_row(k->c, RULESETS, call_owner(k), k->ids[1]);

	if (!x)
		call_fail(k, 404, 10001, "could not find ruleset %s", k->ids[1]);
	return x;
}

/* Where the body wants its rule: an index from 0; n = as it is, or at the end. */
static size_t place_of(const struct json *body, const struct json *rules, size_t n)
{
	const struct json *position = json_get(body, "position");
	const char *before = json_get_string(position, "before");
	const char *after = json_get_string(position, "after");
	int64_t index = json_get_int(position, "index", 0);
	size_t at = 0;

	if (index > 0)
		return (size_t)index - 1;
	if (before && !*before)
		return 0;
	JSON_EACH (rule, rules) {
		if (before && str_equal(json_get_string(rule, "id"), before))
			return at;
		at++;
		if (after && str_equal(json_get_string(rule, "id"), after))
			return at;
	}
	return n;
}

static void write_changed_rule(struct json_writer *w, const struct json *body,
			       const struct json *was)
{
	static const char *const skip[] = {"position", "id", "version", "last_updated", NULL};
	const char *id = json_get_string(was, "id");
	char made[SIM_ID_SIZE];

	random_hex(made, SIM_ID_SIZE - 1);
	json_object_begin(w);
	json_put_string(w, "id", id ? id : made);
	write_merged(w, was, body, skip);
	json_object_end(w);
}

/* The ruleset's rules with that one made (was NULL), changed or, without a body, taken out. */
static void write_rules(const struct json *ruleset, const struct json *was, const struct json *body,
			struct buf *out)
{
	const struct json *rules = json_get(ruleset, "rules");
	const char *description = json_get_string(ruleset, "description");
	size_t n = json_count(rules), at = 0, place = n;
	struct json_writer w;

	if (body)
		place = place_of(body, rules, n);
	bool moves = !was || (body && json_get(body, "position"));
	json_write_init(&w, out);
	json_object_begin(&w);
	put_text(&w, "description", description);
	json_write_key(&w, "rules");
	json_array_begin(&w);
	JSON_EACH (rule, rules) {
		if (body && moves && at++ == place)
			write_changed_rule(&w, body, was);
		if (rule != was)
			json_write_value(&w, rule);
		else if (body && !moves)
			write_changed_rule(&w, body, was);
	}
	if (body && moves && place >= n)
		write_changed_rule(&w, body, was);
	json_array_end(&w);
	json_object_end(&w);
}

static void edit_rules(struct call *k, struct sim_row *x, const struct json *was)
{
	AUTO(buf_t) text = {0};
	AUTO(json_doc_t) doc = NULL;
	struct err e = {0};

	write_rules(row_json(x), was, k->body, &text);
	if (json_parse(buf_text(&text), text.len, NULL, &doc, &e) < 0)
		call_fail(k, 500, CODE_OWN, "%s", e.message);
	else
		answer_ruleset(k, keep(k, x->id, json_root(doc), row_json(x)));
}

void answer_rule_create(struct call *k)
{
	struct sim_row *x = own_ruleset(k);

	if (x && call_body(k) == 0 && rule_check(k, k->body, true) == 0)
		edit_rules(k, x, NULL);
}

/* NULL = refused. */
static const struct json *rule_asked(struct call *k, const struct sim_row *x)
{
	JSON_EACH (rule, json_get(row_json(x), "rules"))
		if (str_equal(json_get_string(rule, "id"), k->ids[2]))
			return rule;
	call_fail(k, 404, 10002, "could not find rule %s", k->ids[2]);
	return NULL;
}

void answer_rule_change(struct call *k)
{
	struct sim_row *x = own_ruleset(k);
	const struct json *was = x ? rule_asked(k, x) : NULL;

	if (was && call_body(k) == 0 && rule_check(k, k->body, false) == 0)
		edit_rules(k, x, was);
}

void answer_rule_delete(struct call *k)
{
	struct sim_row *x = own_ruleset(k);
	const struct json *was = x ? rule_asked(k, x) : NULL;

	if (was)
		edit_rules(k, x, was);
}

void answer_ruleset_delete(struct call *k)
{
	const struct sim_row *x = own_ruleset(k);

	if (!x)
		return;
	str_copy(k->r->object, sizeof k->r->object, x->id);
	shelf_drop(k->c, RULESETS, call_owner(k), k->ids[1]);
	k->r->status = 204;
}
