#include "ops/rule_rows.h"

#include <string.h>

#include "base/untrusted.h"

#define SKIPS_TOLD 20

void put_word(struct json_writer *w, const char *key, const char *word)
{
	if (word)
		json_put_string(w, key, word);
}

static void put_when(struct json_writer *w, int64_t ms)
{
	if (ms)
		json_put_time(w, "last_updated", ms);
}

void put_ruleset(struct json_writer *w, const struct cf_ruleset *r)
{
	json_put_string(w, "id", r->id);
	put_word(w, "phase", r->phase);
	put_word(w, "about", cf_phase_words(r->phase));
	put_word(w, "kind", r->kind);
	json_put_untrusted(w, "untrusted_name", r->name);
	json_put_untrusted(w, "untrusted_description", r->description);
	put_word(w, "version", r->version);
	put_when(w, r->updated_ms);
}

/* ---- what a rule does ---- */

static int count_override(const struct cf_override *x, void *owner)
{
	(void)x;
	++*(int64_t *)owner;
	return 0;
}

static void put_executed(struct json_writer *w, const struct cf_ruleset_rule *r)
{
	size_t unreadable = 0;
	int64_t n = 0;

	if (!cf_rule_executes(r))
		return;
	json_put_string(w, "executes", cf_rule_executes(r));
	(void)cf_rule_overrides(r, count_override, &n, &unreadable);
	if (n + (int64_t)unreadable)
		json_put_int(w, "overrides", n + (int64_t)unreadable);
}

struct skips {
	struct json_writer *w;
	size_t n;
};

static int put_skip(const struct cf_skip *x, void *owner)
{
	struct skips *s = owner;
	AUTO(buf_t) text = {0};

	if (s->n++ >= SKIPS_TOLD)
		return 0;
	(void)buf_printf(&text, "%s%s%s", cf_skip_word(x->of), x->target ? " " : "",
			 x->target ? x->target : "");
	if (x->ruleset)
		(void)buf_printf(&text, " of ruleset %s", x->ruleset);
	json_write_string(s->w, buf_text(&text));
	return 0;
}

static void put_skips(struct json_writer *w, const struct cf_ruleset_rule *r)
{
	struct skips s = {.w = w};
	size_t unreadable = 0;

	if (!str_equal(r->action, "skip"))
		return;
	json_write_key(w, "skips");
	json_array_begin(w);
	(void)cf_rule_skips(r, put_skip, &s, &unreadable);
	if (s.n > SKIPS_TOLD || unreadable) {
		size_t left = (s.n > SKIPS_TOLD ? s.n - SKIPS_TOLD : 0) + unreadable;
		AUTO(str_t) more = str_format("and %zu more", left);
		json_write_string(w, more);
	}
	json_array_end(w);
}

/* ---- all of a rule ---- */

static void put_json(struct json_writer *w, const char *key, const struct json *v)
{
	AUTO(buf_t) text = {0};

	if (!v)
		return;
	json_print(v, &text);
	json_put_untrusted_document(w, key, buf_text(&text));
}

static void put_details(struct json_writer *w, const struct cf_ruleset_rule *r)
{
	put_word(w, "version", r->version);
	json_put_untrusted(w, "untrusted_ref", r->ref);
	put_json(w, "untrusted_parameters", r->parameters);
	put_json(w, "untrusted_ratelimit", r->ratelimit);
	put_json(w, "untrusted_logging", r->logging);
	put_json(w, "untrusted_categories", r->categories);
	put_json(w, "untrusted_credential_check", r->credentials);
}

void put_rule(struct json_writer *w, const struct cf_ruleset_rule *r, bool details)
{
	AUTO(str_t) rate = cf_rule_rate(r);

	if (details)
		json_put_untrusted_document(w, "untrusted_expression", r->expression);
	else
		json_put_untrusted(w, "untrusted_expression", r->expression);
	json_put_untrusted(w, "untrusted_description", r->description);
	put_word(w, "rate_limit", rate);
	put_executed(w, r);
	put_skips(w, r);
	put_when(w, r->updated_ms);
	if (details)
		put_details(w, r);
}

bool rule_contains(const char *text, const char *const *of, size_t n)
{
	for (size_t i = 0; text && i < n; i++)
		if (of[i] && strcasestr(of[i], text))
			return true;
	return !text;
}

void put_unknown(struct json_writer *w, const char *part, const struct err *why)
{
	json_object_begin(w);
	json_put_string(w, "part", part);
	json_put_string(
		w, "message",
		why ? why->message
		    : "It is the account's as a whole, and the grant has a part of it only");
	put_word(w, "hint", why && why->hint[0] ? why->hint : NULL);
	put_word(w, "missing_permission",
		 why && why->missing_permission[0] ? why->missing_permission : NULL);
	json_object_end(w);
}

bool gather_all_failed(const struct gather *g)
{
	for (size_t i = 0; i < gather_count(g); i++)
		if (gather_listing(g, i))
			return false;
	return gather_count(g) > 0;
}

bool list_takes_details(struct list_args *args, bool details)
{
	if (args->fields.n != 1 || !str_equal(args->fields.items[0], "full"))
		return details;
	strlist_free(&args->fields);
	return true;
}
