/*
 * Handler: what a zone has otherwise than managed rules come. Overrides stand in the rules that
 * execute a managed ruleset; exceptions in rules that skip, of the managed phase and of the custom
 * one, which comes before it and can leave it out. What the managed rules are called is read only
 * for whoever asks, a call for each ruleset.
 */
#include <stdlib.h>

#include "base/map.h"
#include "base/untrusted.h"
#include "ops/firewall_part.h"
#include "ops/rule_rows.h"
#include "ops/sight.h"

#define PARTS      4
#define NAMED_MOST 16 /* rulesets that are read for their names */

static const char *const part_names[PARTS] = {"managed", "custom", "account_managed",
					      "account_custom"};

struct waf {
	char zone_id[CF_ID_SIZE];
	char *zone;
	bool narrowed; /* the caller is */
	const struct firewall_part *asked[PARTS];
	size_t n_asked, n_read; /* the first ones are read, in this order */
	bool named;             /* names were asked for, behind the parts */
	struct strlist rulesets;
	struct map names; /* by id of a ruleset or a rule: JSON of it */
	size_t unreadable;
	struct list_answer l;
};

static void waf_drop(void *own)
{
	struct waf *x = own;

	map_free(&x->names);
	strlist_free(&x->rulesets);
	free(x->zone);
	free(x);
}

/* ---- rows ---- */

struct row {
	const struct firewall_part *part;
	const struct cf_ruleset_rule *rule;
	bool exception;
	const char *of, *target, *ruleset;
	const char *action, *sensitivity; /* NULL = not told */
	int enabled;                      /* -1 = not told */
	int64_t score;                    /* -1 = not told */
	const char *name;
};

static void row_override(const void *data, struct json_writer *w, const void *owner)
{
	const struct row *r = data;

	(void)owner;
	json_object_begin(w);
	json_put_string(w, "id", r->rule->id);
	json_put_bool(w, "paused", !r->rule->enabled);
	json_put_string(w, "kind", r->exception ? "exception" : "override");
	json_put_string(w, "of", r->of);
	put_word(w, "target", r->target);
	put_word(w, "managed_ruleset", r->ruleset);
	put_word(w, "action", r->action);
	if (r->enabled >= 0)
		json_put_bool(w, "enabled", r->enabled);
	put_word(w, "sensitivity", r->sensitivity);
	if (r->score >= 0)
		json_put_int(w, "score_threshold", r->score);
	json_put_untrusted(w, "untrusted_target_name", r->name);
	json_put_untrusted(w, "untrusted_expression", r->rule->expression);
	json_put_untrusted(w, "untrusted_description", r->rule->description);
	json_put_string(w, "source_api", r->part->api);
	if (r->rule->updated_ms)
		json_put_time(w, "last_updated", r->rule->updated_ms);
	json_object_end(w);
}

/* Rulesets have names, their rules descriptions. */
static const char *name_of(const struct waf *x, const char *id)
{
	const struct json *v = id ? map_get(&x->names, id) : NULL;
	const char *name = json_get_string(v, "name");

	return name ? name : json_get_string(v, "description");
}

static void offer(struct waf *x, struct row *row)
{
	const struct waf_override_list_args *a = x->l.call->args;

	row->name = name_of(x, row->target ? row->target : row->ruleset);
	const char *const texts[] = {row->target, row->rule->expression, row->rule->description,
				     row->name};
	if (rule_contains(a->text, texts, ARRAY_LEN(texts)))
		list_row(&x->l, row_override, row, NULL);
}

/* ---- from the parts to rows ---- */

struct reading {
	struct waf *x;
	const struct firewall_part *part;
	const struct cf_ruleset_rule *rule;
	size_t n;
};

static int listed_override(const struct cf_override *o, void *owner)
{
	struct reading *in = owner;
	struct row row = {
		.part = in->part,
		.rule = in->rule,
		.of = cf_override_word(o->of),
		.target = o->target,
		.ruleset = cf_rule_executes(in->rule),
		.action = o->action,
		.sensitivity = o->sensitivity,
		.enabled = o->enabled,
		.score = o->score,
	};

	offer(in->x, &row);
	return 0;
}

/* Before the managed phase much can be skipped that is none of it. */
static bool skips_managed(const struct firewall_part *p, const struct cf_skip *s)
{
	if (str_equal(p->phase, CF_PHASE_MANAGED))
		return true;
	return (s->of == CF_SKIP_PHASE && str_equal(s->target, CF_PHASE_MANAGED)) ||
	       (s->of == CF_SKIP_PRODUCT && str_equal(s->target, "waf"));
}

static int listed_skip(const struct cf_skip *s, void *owner)
{
	struct reading *in = owner;
	struct row row = {
		.part = in->part,
		.rule = in->rule,
		.exception = true,
		.of = cf_skip_word(s->of),
		.target = s->target,
		.ruleset = s->of == CF_SKIP_RULESET ? s->target : s->ruleset,
		.action = "skip",
		.enabled = -1,
		.score = -1,
	};

	in->n++;
	if (skips_managed(in->part, s))
		offer(in->x, &row);
	return 0;
}

static void list_rule(struct waf *x, const struct firewall_part *p, const struct cf_ruleset_rule *r)
{
	const struct waf_override_list_args *a = x->l.call->args;
	struct reading in = {x, p, r, 0};
	size_t unreadable = 0;

	if (!str_equal(a->kind, "exception") && str_equal(p->phase, CF_PHASE_MANAGED))
		(void)cf_rule_overrides(r, listed_override, &in, &x->unreadable);
	if (str_equal(a->kind, "override") || !str_equal(r->action, "skip"))
		return;
	(void)cf_rule_skips(r, listed_skip, &in, &unreadable);
	x->unreadable += unreadable;
	/* It skips something that is not known here. */
	if (in.n + unreadable == 0)
		x->unreadable++;
}

/* Of a part that came: its rules, or NULL. */
static const struct json *rules_of(const struct gather *g, size_t i)
{
	const struct cf_listing *came = gather_listing(g, i);
	const struct json *object = came ? cf_listing_object(came) : NULL;
	struct cf_ruleset r;

	return object && cf_ruleset_read(object, &r) == 0 ? r.rules : NULL;
}

/* It came, and is none that can be read. */
static bool is_nonsense(const struct gather *g, size_t i)
{
	const struct cf_listing *came = gather_listing(g, i);
	struct cf_ruleset r;

	return came && cf_listing_object(came) && cf_ruleset_read(cf_listing_object(came), &r) < 0;
}

static void list_part(struct waf *x, const struct gather *g, size_t i)
{
	x->unreadable += is_nonsense(g, i);
	JSON_EACH (v, rules_of(g, i)) {
		struct cf_ruleset_rule r;
		if (cf_ruleset_rule_read(v, &r) < 0)
			x->unreadable++;
		else if (firewall_part_holds(x->asked[i], &r, x->zone))
			list_rule(x, x->asked[i], &r);
	}
}

/* ---- names ---- */

static void want_names(struct waf *x, const char *ruleset)
{
	if (ruleset && hex_valid(ruleset, CF_ID_SIZE - 1) && x->rulesets.n < NAMED_MOST &&
	    !strlist_has(&x->rulesets, ruleset))
		strlist_add(&x->rulesets, ruleset);
}

static int wanted_by_skip(const struct cf_skip *s, void *owner)
{
	want_names(owner, s->of == CF_SKIP_RULESET ? s->target : s->ruleset);
	return 0;
}

static void names_ask(struct gather *g, struct waf *x)
{
	size_t ignored = 0;

	for (size_t i = 0; i < x->n_read; i++)
		JSON_EACH (v, rules_of(g, i)) {
			struct cf_ruleset_rule r;
			if (!str_equal(x->asked[i]->phase, CF_PHASE_MANAGED) ||
			    cf_ruleset_rule_read(v, &r) < 0)
				continue;
			want_names(x, cf_rule_executes(&r));
			(void)cf_rule_skips(&r, wanted_by_skip, x, &ignored);
		}
	for (size_t i = 0; i < x->rulesets.n; i++) {
		const struct cf_target t = {.zone = x->zone_id, .id = x->rulesets.items[i]};
		(void)gather_read(g, CF_SOURCE_ZONE_RULESET, &t);
	}
	x->named = true;
}

static void name_put(struct waf *x, const char *id, const struct json *of)
{
	(void)map_set(&x->names, id, (void *)(uintptr_t)of);
}

static void names_came(const struct gather *g, struct waf *x)
{
	for (size_t i = x->n_read; i < gather_count(g); i++) {
		const struct cf_listing *came = gather_listing(g, i);
		const struct json *ruleset = came ? cf_listing_object(came) : NULL;
		if (ruleset)
			name_put(x, x->rulesets.items[i - x->n_read], ruleset);
		JSON_EACH (rule, json_get(ruleset, "rules")) {
			const char *id = json_get_string(rule, "id");
			if (id)
				name_put(x, id, rule);
		}
	}
}

/* ---- the answer ---- */

static void put_unknown_parts(struct json_writer *w, const struct waf *x, const struct gather *g)
{
	json_write_key(w, "unknown");
	json_array_begin(w);
	for (size_t i = 0; i < x->n_asked; i++) {
		const struct err *why = i < x->n_read ? gather_error(g, i) : NULL;
		if (why || i >= x->n_read)
			put_unknown(w, x->asked[i]->name, why);
	}
	for (size_t i = x->n_read; i < gather_count(g); i++) {
		AUTO(str_t) part = str_format("names %s", x->rulesets.items[i - x->n_read]);
		if (gather_error(g, i))
			put_unknown(w, part, gather_error(g, i));
	}
	json_array_end(w);
}

static void parts_came(struct call *c, struct gather *g)
{
	struct waf_override_list_args *a = c->args;
	struct waf *x = gather_own(g);

	if (gather_all_failed(g)) {
		gather_fail(c, g, 0);
		return;
	}
	a->details = list_takes_details((struct list_args *)a, a->details);
	if (a->details && !x->named) {
		names_ask(g, x);
		if (x->rulesets.n)
			return;
	}
	if (list_begin(c, (const struct list_args *)a, &x->l) < 0) {
		call_fail(c);
		return;
	}
	names_came(g, x);
	for (size_t i = 0; i < x->n_read; i++)
		list_part(x, g, i);
	list_rows_end(&x->l);
	json_put_string(&x->l.w, "zone", x->zone);
	put_unknown_parts(&x->l.w, x, g);
	json_put_int(&x->l.w, "unreadable", (int64_t)x->unreadable);
	gather_list_end(g, &x->l);
}

static void part_ask(struct gather *g, struct waf *x, const struct firewall_part *p)
{
	const struct cf_target t = {.zone = p->account ? NULL : x->zone_id, .id = p->phase};

	x->asked[x->n_asked++] = p;
	if (p->account && x->narrowed)
		return;
	x->n_read++;
	(void)gather_read(g, p->source, &t);
}

void run_waf_override_list(struct call *c)
{
	const struct waf_override_list_args *a = c->args;
	const struct zone *z = gather_zone(c, a->zone);

	if (!z)
		return;
	struct waf *x = mem_alloc(sizeof(*x));
	(void)str_copy(x->zone_id, sizeof(x->zone_id), z->id);
	x->zone = str_dup(z->name);
	x->narrowed = sight_is_limited(&c->who);
	x->names.borrows = true;
	struct gather *g = gather_begin(c, a->fresh, parts_came);
	gather_set_own(g, x, waf_drop);
	for (size_t i = 0; i < PARTS; i++) {
		const struct firewall_part *p = firewall_part_named(part_names[i]);
		if (!str_equal(a->kind, "override") || str_equal(p->phase, CF_PHASE_MANAGED))
			part_ask(g, x, p);
	}
}
