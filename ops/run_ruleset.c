/* Handlers: rulesets, and the rules of one. */
#include <stdlib.h>

#include "ops/rule_rows.h"
#include "ops/sight.h"

#define ACTIONS_SEEN 30

/* Zone NULL: of the account. */
struct rulesets {
	struct call *call;
	char zone_id[CF_ID_SIZE];
	char *zone;
	bool narrowed;       /* the caller is: of a zone's rulesets he sees those of no account */
	const char *account; /* as gather_account has it */
	bool asked;
	size_t at;                            /* of what was asked for, among what is read */
	bool looked, sees_phase, sees_others; /* of what came; of all phases but the firewall's */
	size_t unreadable;
	struct list_answer l;
};

static void rulesets_drop(void *own)
{
	struct rulesets *x = own;

	free(x->zone);
	free(x);
}

static struct cf_target target_of(const struct rulesets *x, const char *id)
{
	return (struct cf_target){
		.zone = x->zone ? x->zone_id : NULL,
		.account = x->account,
		.id = id,
	};
}

/* NULL: it has not been read yet, or the call has failed. */
static struct rulesets *read_of(struct call *c, struct gather *g, const char *account,
				enum cf_source s, const char *id)
{
	struct rulesets *x = gather_own(g);

	if (!x->zone && !gather_account(c, g, account, &x->account))
		return NULL;
	if (x->asked)
		return x;
	const struct cf_target t = target_of(x, id);
	x->asked = true;
	x->at = gather_read(g, s, &t);
	return NULL;
}

static void begin(struct call *c, const char *zone, const char *account, bool fresh,
		  gathered_fn *then)
{
	const struct zone *z = NULL;

	if (zone && account) {
		(void)err_set(&c->task.err, ERR_INVALID,
			      "account: a zone is named already; name one of them");
		call_fail(c);
		return;
	}
	if (zone ? !(z = gather_zone(c, zone)) : !gather_whole_account(c))
		return;
	struct rulesets *x = mem_alloc(sizeof(*x));
	struct gather *g = gather_begin(c, fresh, then);
	gather_set_own(g, x, rulesets_drop);
	x->call = c;
	x->narrowed = sight_is_limited(&c->who);
	if (z) {
		(void)str_copy(x->zone_id, sizeof(x->zone_id), z->id);
		x->zone = str_dup(z->name);
	}
	then(c, g);
}

static bool may_see(const struct rulesets *x, const struct cf_ruleset *r)
{
	return !x->narrowed || str_equal(r->kind, "zone") || str_equal(r->kind, "managed");
}

static void put_frame(struct rulesets *x)
{
	put_word(&x->l.w, "zone", x->zone);
	json_put_int(&x->l.w, "unreadable", (int64_t)x->unreadable);
}

/* ---- all of them ---- */

static void row_ruleset(const void *row, struct json_writer *w, const void *owner)
{
	(void)owner;
	json_object_begin(w);
	put_ruleset(w, row);
	json_object_end(w);
}

static bool ruleset_fits(const struct ruleset_list_args *a, const struct cf_ruleset *r)
{
	const char *const texts[] = {r->id, r->name, r->description};

	return (!a->phase || str_equal(a->phase, r->phase)) &&
	       (!a->kind || str_equal(a->kind, r->kind)) &&
	       rule_contains(a->text, texts, ARRAY_LEN(texts));
}

static int listed_ruleset(const struct json *row, void *owner)
{
	struct rulesets *x = owner;
	struct cf_ruleset r;

	if (cf_ruleset_read(row, &r) < 0)
		x->unreadable++;
	else if (may_see(x, &r) && ruleset_fits(x->l.call->args, &r))
		list_row(&x->l, row_ruleset, &r, NULL);
	return 0;
}

/* What is Cloudflare's own says nothing of what the token may read of others. */
static int ruleset_looked(const struct json *row, void *owner)
{
	struct rulesets *x = owner;
	const struct ruleset_list_args *a = x->call->args;
	struct cf_ruleset r;

	if (cf_ruleset_read(row, &r) < 0 || !r.phase)
		return 0;
	bool firewall = cf_phase_is_firewall(r.phase);
	x->sees_phase |= a->phase ? str_equal(r.phase, a->phase) : firewall;
	x->sees_others |= !firewall && !str_equal(r.kind, "managed");
	return 0;
}

/* The same of all other phases: to ask for each of them would be a call each. */
static void put_unknown_others(const char *zone, struct json_writer *w)
{
	struct err why;

	(void)err_set(&why, ERR_DENIED,
		      "The list has none of them: there are none, or the API token may not read "
		      "them, which a list does not tell");
	(void)err_hint(&why,
		       "Ask for the phase that matters, as in adit ruleset list%s%s --phase "
		       "http_request_transform: what it lacks is told then.",
		       zone ? " " : "", zone ? zone : "");
	put_unknown(w, "rulesets of other phases", &why);
}

static void put_unknown_phases(struct rulesets *x, const struct ruleset_list_args *a,
			       const struct err *why)
{
	static const char *const firewall[] = {CF_PHASE_CUSTOM, CF_PHASE_MANAGED,
					       CF_PHASE_RATELIMIT};
	struct json_writer *w = &x->l.w;

	json_write_key(w, "unknown");
	json_array_begin(w);
	if (why && a->phase)
		put_unknown(w, a->phase, why);
	for (size_t i = 0; why && !a->phase && i < ARRAY_LEN(firewall); i++)
		put_unknown(w, firewall[i], why);
	if (!a->phase && !x->sees_others)
		put_unknown_others(x->zone, w);
	json_array_end(w);
}

static void rulesets_listed(struct call *c, struct gather *g)
{
	struct rulesets *x = gather_own(g);
	size_t beside = x->at + 1; /* the phase that was asked for, if one was */

	list_rows_end(&x->l);
	put_unknown_phases(x, c->args, gather_count(g) > beside ? gather_error(g, beside) : NULL);
	put_frame(x);
	gather_list_end(g, &x->l);
}

static void rulesets_came(struct call *c, struct gather *g)
{
	struct ruleset_list_args *a = c->args;
	struct rulesets *x =
		read_of(c, g, a->account,
			a->zone ? CF_SOURCE_ZONE_RULESETS : CF_SOURCE_ACCOUNT_RULESETS, NULL);

	if (!x)
		return;
	if (gather_error(g, x->at)) {
		gather_fail(c, g, x->at);
		return;
	}
	if (!x->looked) {
		x->looked = true;
		gather_each(g, x->at, ruleset_looked, x, NULL);
		return;
	}
	/* A token that may read some rulesets is given a list that lacks the others, without a
	 * word: where it has none of a phase, whether the phase may be read at all is asked. */
	if (!x->sees_phase && gather_count(g) == x->at + 1) {
		const struct cf_target t = target_of(x, a->phase ? a->phase : CF_PHASE_CUSTOM);
		(void)gather_read(g, x->zone ? CF_SOURCE_ZONE_ENTRY : CF_SOURCE_ACCOUNT_ENTRY, &t);
		return;
	}
	(void)list_takes_details((struct list_args *)a, false);
	if (list_begin(c, (const struct list_args *)a, &x->l) < 0)
		call_fail(c);
	else
		gather_each(g, x->at, listed_ruleset, x, rulesets_listed);
}

static int check_phase(const char *phase, struct err *e)
{
	const char *names[CF_PHASES_MOST];

	if (!phase || cf_phase_words(phase))
		return 0;
	cf_phase_names(names);
	const char *near = fields_nearest(names, phase);
	(void)err_set(e, ERR_INVALID, "phase: \"%.63s\" is none that adit knows", phase);
	return err_hint(e,
			"%s%s%sadit ruleset list without a phase shows those in use; adit ruleset "
			"get shows any ruleset by its id.",
			near ? "Did you mean " : "", near ? near : "", near ? "? " : "");
}

void run_ruleset_list(struct call *c)
{
	const struct ruleset_list_args *a = c->args;

	if (check_phase(a->phase, &c->task.err) < 0)
		call_fail(c);
	else
		begin(c, a->zone, a->account, a->fresh, rulesets_came);
}

/* ---- one ---- */

static void row_rule(const void *row, struct json_writer *w, const void *owner)
{
	const struct cf_ruleset_rule *r = row;
	const struct ruleset_get_args *a = owner;

	json_object_begin(w);
	json_put_string(w, "id", r->id);
	put_word(w, "action", r->action);
	json_put_bool(w, "enabled", r->enabled);
	put_rule(w, r, a->details);
	json_object_end(w);
}

static void action_seen(struct strlist *actions, const char *action)
{
	if (action && actions->n < ACTIONS_SEEN && !strlist_has(actions, action))
		strlist_add(actions, action);
}

static void list_rules(struct rulesets *x, const struct json *rules,
		       const struct ruleset_get_args *a, struct strlist *actions)
{
	JSON_EACH (row, rules) {
		struct cf_ruleset_rule r;
		if (cf_ruleset_rule_read(row, &r) < 0) {
			x->unreadable++;
			continue;
		}
		action_seen(actions, r.action);
		const char *const texts[] = {r.id, r.expression, r.description};
		if ((!a->action || str_equal(a->action, r.action)) &&
		    rule_contains(a->text, texts, ARRAY_LEN(texts)))
			list_row(&x->l, row_rule, &r, a);
	}
}

static void no_ruleset(struct call *c, const struct rulesets *x)
{
	const struct ruleset_get_args *a = c->args;

	(void)err_set(&c->task.err, ERR_NOT_FOUND, "There is no ruleset %s in %s%s", a->ruleset,
		      x->zone ? "zone " : "the account", x->zone ? x->zone : "");
	(void)err_hint(&c->task.err,
		       "See adit ruleset list; those of a zone are asked for with zone.");
	call_fail(c);
}

static void ruleset_came(struct call *c, struct gather *g)
{
	static const enum cf_source sources[2][2] = {
		{CF_SOURCE_ACCOUNT_RULESET, CF_SOURCE_ACCOUNT_ENTRY},
		{CF_SOURCE_ZONE_RULESET, CF_SOURCE_ZONE_ENTRY},
	};
	struct ruleset_get_args *a = c->args;
	struct rulesets *x = read_of(c, g, a->account, sources[a->zone != NULL][a->phase != NULL],
				     a->ruleset ? a->ruleset : a->phase);
	AUTO(strlist_t) actions = {0};
	struct cf_ruleset r;

	if (!x)
		return;
	if (gather_error(g, x->at)) {
		gather_fail(c, g, x->at);
		return;
	}
	const struct json *object = cf_listing_object(gather_listing(g, x->at));
	if (object && cf_ruleset_read(object, &r) < 0) {
		(void)err_set(&c->task.err, ERR_UPSTREAM, "the ruleset makes no sense");
		call_fail(c);
		return;
	}
	/* What runs in a zone is the zone's, whatever it says of itself. */
	bool there = object && (a->phase || may_see(x, &r));
	if (!there && a->ruleset) {
		no_ruleset(c, x);
		return;
	}
	a->details = list_takes_details((struct list_args *)a, a->details);
	if (list_begin(c, (const struct list_args *)a, &x->l) < 0) {
		call_fail(c);
		return;
	}
	if (there)
		list_rules(x, r.rules, a, &actions);
	list_rows_end(&x->l);
	/* A word that no rule has may be no action at all: which ones there are is told. */
	if (a->action && !x->l.seen && !strlist_has(&actions, a->action))
		json_put_strlist(&x->l.w, "actions_seen", &actions);
	if (there) {
		json_write_key(&x->l.w, "ruleset");
		row_ruleset(&r, &x->l.w, NULL);
	}
	put_frame(x);
	gather_list_end(g, &x->l);
}

static int check_which(const struct ruleset_get_args *a, struct err *e)
{
	if (a->ruleset && !a->phase && hex_valid(a->ruleset, CF_ID_SIZE - 1))
		return 0;
	if (!a->ruleset && a->phase)
		return check_phase(a->phase, e);
	if (!a->ruleset == !a->phase)
		(void)err_set(e, ERR_INVALID,
			      "ruleset: name one by its id, or a phase instead of it");
	else
		(void)err_set(e, ERR_INVALID,
			      "ruleset: \"%.40s\" is no id of 32 hexadecimal digits", a->ruleset);
	return err_hint(e, "adit ruleset list has the ids of the account's, adit ruleset list ZONE "
			   "those of a zone; or adit ruleset get --zone ZONE --phase PHASE.");
}

void run_ruleset_get(struct call *c)
{
	const struct ruleset_get_args *a = c->args;

	if (check_which(a, &c->task.err) < 0)
		call_fail(c);
	else
		begin(c, a->zone, a->account, a->fresh, ruleset_came);
}
