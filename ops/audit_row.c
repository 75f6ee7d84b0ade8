#include "ops/audit_row.h"

#include <string.h>

#include "base/log.h"
#include "base/untrusted.h"
#include "reconcile/misuse.h"

#define WORD_MAX 64

bool audit_is_word(const char *s)
{
	size_t len = s ? strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789._-")
		       : 0;

	return len > 0 && len <= WORD_MAX && !s[len];
}

void audit_put_word(struct json_writer *w, const char *key, const char *text)
{
	if (audit_is_word(text))
		json_put_string(w, key, text);
}

/* "" = the path names none. */
static void rule_of(const struct cf_audit_entry *x, char rule[WORD_MAX + 1])
{
	cf_audit_uri_id(x, "rules", rule, WORD_MAX + 1);
	if (!audit_is_word(rule))
		rule[0] = '\0';
}

char *audit_what(const struct cf_audit_entry *x)
{
	const char *of = audit_is_word(x->resource_type)      ? x->resource_type
			 : audit_is_word(x->resource_product) ? x->resource_product
							      : "something";
	char rule[WORD_MAX + 1];

	rule_of(x, rule);
	return str_format("%s %s%s%s%s%s", cf_audit_action_name(x->action), of,
			  audit_is_word(x->resource_id) ? " " : "",
			  audit_is_word(x->resource_id) ? x->resource_id : "",
			  rule[0] ? ", rule " : "", rule);
}

void audit_put_actor(const struct cf_audit_entry *x, struct json_writer *w)
{
	AUTO(str_t) actor = cf_audit_actor(x);

	json_put_untrusted(w, "untrusted_actor", actor ? actor : x->actor_type);
}

/* ---- is it ours? ---- */

void audit_put_ours(const struct ops *o, const struct cf_audit_entry *x, struct json_writer *w)
{
	AUTO(str_t) plan = NULL;
	bool ours = o->cf && cf_audit_ours(o->cf, x), kept = false;
	int64_t seq = 0;
	struct err e;

	if (o->store && x->ray && cf_ray_valid(x->ray) &&
	    store_ledger_ray(o->store, x->ray, &kept, &seq, &plan, &e) < 0)
		log_debug("the ledger was not asked for a ray: %s", e.message);
	/* Rays of what only reads are not kept: of that it is not known. */
	if (ours || kept || x->action != CF_AUDIT_VIEW)
		json_put_bool(w, "ours", ours || kept);
	if (misuse_is_ours(o->store, x->token_id))
		json_put_bool(w, "our_token", true);
	if (kept)
		json_put_int(w, "ledger", seq);
	if (plan)
		json_put_string(w, "plan", plan);
}

/* ---- members ---- */

static void put_zone(const struct world *world, const struct cf_audit_entry *x,
		     struct json_writer *w)
{
	const struct zone *z = x->zone_id ? world_zone(world, x->zone_id) : NULL;

	if (z)
		json_put_string(w, "zone", z->name);
	else
		audit_put_word(w, "zone", x->zone_name ? x->zone_name : x->zone_id);
}

static void put_full(const struct cf_audit_entry *x, struct json_writer *w)
{
	audit_put_word(w, "id", x->id);
	audit_put_word(w, "method", x->method);
	if (x->status)
		json_put_int(w, "status", x->status);
	audit_put_word(w, "scope", x->scope);
	audit_put_word(w, "actor_type", x->actor_type);
	audit_put_word(w, "token_id", x->token_id);
	json_put_untrusted(w, "untrusted_uri", x->uri);
	json_put_untrusted(w, "untrusted_agent", x->agent);
}

void audit_row_write(const void *row, struct json_writer *w, const void *owner)
{
	const struct audit_row *r = row;
	const struct cf_audit_entry *x = &r->x;
	const struct ops *o = owner;
	char rule[WORD_MAX + 1];

	json_object_begin(w);
	json_put_time(w, "time", x->time_ms);
	json_put_string(w, "action", cf_audit_action_name(x->action));
	json_put_untrusted(w, "untrusted_what", x->word);
	json_put_string(w, "result", x->failed ? "failure" : "success");
	audit_put_actor(x, w);
	json_put_untrusted(w, "untrusted_address", x->address);
	audit_put_word(w, "product", x->resource_product);
	audit_put_word(w, "type", x->resource_type);
	audit_put_word(w, "resource", x->resource_id);
	rule_of(x, rule);
	audit_put_word(w, "rule", rule);
	put_zone(o->world, x, w);
	if (x->ray && cf_ray_valid(x->ray))
		json_put_string(w, "ray", x->ray);
	audit_put_ours(o, x, w);
	json_put_string(w, "source_api", x->old ? AUDIT_API_OLD : AUDIT_API);
	if (r->full)
		put_full(x, w);
	json_object_end(w);
}
