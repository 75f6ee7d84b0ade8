/*
 * Handler: a zone's firewall as a whole. It stands in many places of the API, each of which a token
 * may be kept from: the parts are read side by side, and what could not be read is told by its name
 * and not as if it were empty.
 */
#include <stdlib.h>

#include "base/untrusted.h"
#include "ops/firewall_part.h"
#include "ops/rule_rows.h"
#include "ops/sight.h"

struct asked_part {
	const struct firewall_part *part;
	bool read; /* it was; false: it is not the caller's */
	size_t at;
};

struct reading {
	struct firewall *x;
	const struct firewall_part *part;
	const struct firewall_rule_list_args *args;
};

struct firewall {
	char zone_id[CF_ID_SIZE];
	char *zone;
	bool narrowed; /* the caller is */
	struct asked_part asked[FIREWALL_PARTS];
	size_t n;
	struct reading in; /* which of them is read now */
	size_t at;         /* the one behind it */
	size_t unreadable;
	struct list_answer l;
};

static void firewall_drop(void *own)
{
	struct firewall *x = own;

	free(x->zone);
	free(x);
}

/* ---- which parts ---- */

/* What was called so before there were rulesets. */
static const char *wanted_action(const struct firewall_rule_list_args *a)
{
	return str_equal(a->action, "whitelist") ? "allow" : a->action;
}

/* A part none of whose rules can fit is not read. */
static bool can_fit(const struct firewall_part *p, const struct firewall_rule_list_args *a)
{
	const char *action = wanted_action(a);

	if (a->source && !str_equal(a->source, p->name))
		return false;
	if (p->source == CF_SOURCE_ZONE_ACCESS_RULES)
		return !a->paused && (!action || cf_access_mode(action));
	if (p->source == CF_SOURCE_AGENT_RULES)
		return !action || (cf_access_mode(action) && !str_equal(action, "allow"));
	return p->source != CF_SOURCE_LOCKDOWNS || !action || str_equal(action, "block");
}

/* Which rules of a part fit is asked of Cloudflare where it can be: by action, by state. */
static char *part_query(const struct firewall_part *p, const struct firewall_rule_list_args *a)
{
	if (p->source == CF_SOURCE_ZONE_ACCESS_RULES && a->action)
		return str_format("mode=%s", cf_access_mode(a->action));
	if (p->source == CF_SOURCE_AGENT_RULES && (a->paused || a->active))
		return str_format("paused=%s", a->paused ? "true" : "false");
	return NULL;
}

static void part_ask(struct gather *g, struct firewall *x, const struct firewall_part *p,
		     const struct firewall_rule_list_args *a)
{
	AUTO(str_t) query = part_query(p, a);
	const struct cf_target t = {
		.zone = p->account ? NULL : x->zone_id,
		.id = p->phase,
		.query = query,
	};
	struct asked_part *asked = &x->asked[x->n++];

	*asked = (struct asked_part){.part = p, .read = !p->account || !x->narrowed};
	if (asked->read)
		asked->at = gather_read(g, p->source, &t);
}

/* ---- rows ---- */

struct row {
	const struct firewall_part *part;
	const struct cf_ruleset_rule *rule; /* or */
	const struct cf_firewall_rule *other;
	const char *ruleset;
	const struct firewall_rule_list_args *args;
};

static void put_other(struct json_writer *w, const struct cf_firewall_rule *r)
{
	json_put_untrusted(w, "untrusted_expression", r->expression);
	json_put_untrusted(w, "untrusted_description", r->description);
	if (r->updated_ms)
		json_put_time(w, "last_updated", r->updated_ms);
	if (r->priority >= 0)
		json_put_int(w, "priority", r->priority);
}

static void row_firewall(const void *data, struct json_writer *w, const void *owner)
{
	const struct row *row = data;
	const char *action = row->rule ? row->rule->action : row->other->action;
	bool wider = row->part->account || (row->other && row->other->scope != CF_FIREWALL_ZONE);

	(void)owner;
	json_object_begin(w);
	json_put_string(w, "id", row->rule ? row->rule->id : row->other->id);
	json_put_bool(w, "paused", row->rule ? !row->rule->enabled : row->other->paused);
	put_word(w, "action", action);
	if (row->rule)
		put_rule(w, row->rule, row->args->details);
	else
		put_other(w, row->other);
	json_put_string(w, "source", row->part->name);
	json_put_string(w, "source_api", row->part->api);
	put_word(w, "ruleset", row->ruleset);
	if (wider)
		json_put_bool(w, "wider", true);
	json_object_end(w);
}

static bool rule_fits(const struct firewall_rule_list_args *a, const char *action, bool paused,
		      const char *const texts[3])
{
	const char *wanted = wanted_action(a);

	return (!a->paused || paused) && (!a->active || !paused) &&
	       (!wanted || str_equal(wanted, action)) && rule_contains(a->text, texts, 3);
}

static int listed_other(const struct json *v, void *owner)
{
	const struct reading *in = owner;
	AUTO(cf_firewall_rule_t) r = {0};

	if (in->part->read(v, &r) < 0) {
		in->x->unreadable++;
		return 0;
	}
	const struct row row = {.part = in->part, .other = &r, .args = in->args};
	const char *const texts[] = {r.id, r.expression, r.description};
	/* What is the account's is not a narrowed grant's. */
	if (in->x->narrowed && r.scope != CF_FIREWALL_ZONE)
		return 0;
	if (rule_fits(in->args, r.action, r.paused, texts))
		list_row(&in->x->l, row_firewall, &row, NULL);
	return 0;
}

static void list_rule(const struct cf_ruleset_rule *r, const char *ruleset, void *owner)
{
	const struct reading *in = owner;
	const struct row row = {in->part, r, NULL, ruleset, in->args};
	const char *const texts[] = {r->id, r->expression, r->description};
	if (rule_fits(in->args, r->action, !r->enabled, texts))
		list_row(&in->x->l, row_firewall, &row, NULL);
}

static int listed_ruleset(const struct json *v, void *owner)
{
	const struct reading *in = owner;
	in->x->unreadable += firewall_part_rules(in->part, v, in->x->zone, list_rule, owner);
	return 0;
}

/* ---- the answer ---- */

static void put_unknown_parts(struct json_writer *w, const struct firewall *x,
			      const struct gather *g)
{
	json_write_key(w, "unknown");
	json_array_begin(w);
	for (size_t i = 0; i < x->n; i++) {
		const struct asked_part *a = &x->asked[i];
		const struct err *why = a->read ? gather_error(g, a->at) : NULL;
		if (why || !a->read)
			put_unknown(w, a->part->name, why);
		/* Those of the account come among the zone's, and are left out. */
		if (x->narrowed && a->part->source == CF_SOURCE_ZONE_ACCESS_RULES)
			put_unknown(w, "account_access_rule", NULL);
	}
	json_array_end(w);
}

static void answer(struct gather *g, struct firewall *x)
{
	list_rows_end(&x->l);
	json_put_string(&x->l.w, "zone", x->zone);
	put_unknown_parts(&x->l.w, x, g);
	json_put_int(&x->l.w, "unreadable", (int64_t)x->unreadable);
	gather_list_end(g, &x->l);
}

static void list_parts(struct call *c, struct gather *g)
{
	struct firewall *x = gather_own(g);

	while (x->at < x->n) {
		const struct asked_part *a = &x->asked[x->at++];
		if (!a->read)
			continue;
		x->in = (struct reading){x, a->part, c->args};
		gather_each(g, a->at, a->part->phase ? listed_ruleset : listed_other, &x->in,
			    list_parts);
		return;
	}
	answer(g, x);
}

static void parts_came(struct call *c, struct gather *g)
{
	struct firewall_rule_list_args *a = c->args;
	struct firewall *x = gather_own(g);

	if (gather_all_failed(g)) {
		gather_fail(c, g, 0);
		return;
	}
	a->details = list_takes_details((struct list_args *)a, a->details);
	if (list_begin(c, (const struct list_args *)a, &x->l) < 0) {
		call_fail(c);
		return;
	}
	list_parts(c, g);
}

void run_firewall_rule_list(struct call *c)
{
	const struct firewall_rule_list_args *a = c->args;
	const struct zone *z;

	if (a->paused && a->active) {
		(void)err_set(&c->task.err, ERR_INVALID,
			      "active: no rule is both paused and active");
		call_fail(c);
		return;
	}
	z = gather_zone(c, a->zone);
	if (!z)
		return;
	struct firewall *x = mem_alloc(sizeof(*x));
	(void)str_copy(x->zone_id, sizeof(x->zone_id), z->id);
	x->zone = str_dup(z->name);
	x->narrowed = sight_is_limited(&c->who);
	struct gather *g = gather_begin(c, a->fresh, parts_came);
	gather_set_own(g, x, firewall_drop);
	for (size_t i = 0; i < FIREWALL_PARTS; i++)
		if (can_fit(firewall_part(i), a))
			part_ask(g, x, firewall_part(i), a);
	if (gather_count(g) == 0)
		parts_came(c, g);
}
