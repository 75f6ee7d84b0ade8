#include "ops/audit_kept.h"

#include <stdlib.h>
#include <string.h>

/* Between the change and what the log says of it. */
#define SAME_TIME_MS 10000

#define TEXTS 15

/* Every text of an entry, so that none is copied here and forgotten there. */
static void texts_of(struct cf_audit_entry *x, const char **texts[TEXTS])
{
	const char **all[TEXTS] = {&x->id,
				   &x->word,
				   &x->resource_id,
				   &x->resource_type,
				   &x->resource_product,
				   &x->zone_id,
				   &x->zone_name,
				   &x->email,
				   &x->context,
				   &x->token_id,
				   &x->token_name,
				   &x->address,
				   &x->ray,
				   &x->uri,
				   &x->actor_type};

	memcpy(texts, all, sizeof(all));
}

void audit_keep(struct audit_kept *k, const struct cf_audit_entry *x)
{
	struct cf_audit_entry copy = *x;
	const char **texts[TEXTS];

	if (k->n == k->most) {
		k->more++;
		return;
	}
	copy.scope = copy.actor_id = copy.method = copy.agent = NULL;
	texts_of(&copy, texts);
	for (size_t i = 0; i < TEXTS; i++)
		*texts[i] = str_dup(*texts[i]);
	k->items = mem_grow(k->items, k->n + 1, sizeof(*k->items));
	k->items[k->n++] = copy;
}

void audit_kept_fini(struct audit_kept *k)
{
	const char **texts[TEXTS];

	for (size_t i = 0; i < k->n; i++) {
		texts_of(&k->items[i], texts);
		for (size_t t = 0; t < TEXTS; t++)
			free((void *)(uintptr_t)*texts[t]);
	}
	free(k->items);
	*k = (struct audit_kept){.most = k->most};
}

static int newer_first(const void *a, const void *b)
{
	const struct cf_audit_entry *x = a, *y = b;

	return x->time_ms < y->time_ms ? 1 : x->time_ms > y->time_ms ? -1 : 0;
}

void audit_kept_sort(struct audit_kept *k)
{
	if (k->n > 1)
		qsort(k->items, k->n, sizeof(*k->items), newer_first);
}

/* ---- what they are about ---- */

static bool has(const char *text, const char *word)
{
	return text && word && strcasestr(text, word);
}

bool audit_of_firewall(const struct cf_audit_entry *x)
{
	static const char *const words[] = {
		"firewall",    "waf",     "ruleset",    "rate_limit", "ratelimit", "access_rule",
		"lockdown",    "ua_rule", "user_agent", "ddos",       "bot_",      "security_level",
		"page_shield", "/filters"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (has(x->resource_product, words[i]) || has(x->resource_type, words[i]) ||
		    has(x->uri, words[i]) || (!x->uri && has(x->word, words[i])))
			return true;
	return false;
}

static bool of_ruleset(const struct cf_audit_entry *x, const char *ruleset, const char *phase)
{
	return (ruleset && str_equal(x->resource_id, ruleset)) || has(x->uri, ruleset) ||
	       (phase && has(x->uri, phase));
}

static bool at_time(const struct cf_audit_entry *x, int64_t ms)
{
	return ms && x->time_ms >= ms - SAME_TIME_MS && x->time_ms <= ms + SAME_TIME_MS;
}

const struct cf_audit_entry *audit_of_rule(const struct audit_kept *k, const char *rule,
					   const char *ruleset, const char *phase,
					   int64_t updated_ms)
{
	const struct cf_audit_entry *by_time = NULL;

	for (size_t i = 0; i < k->n; i++) {
		const struct cf_audit_entry *x = &k->items[i];
		if (x->failed || x->action == CF_AUDIT_VIEW)
			continue;
		/* The whole ruleset may have been written after that. */
		if (str_equal(x->resource_id, rule) || has(x->uri, rule))
			return by_time && !at_time(x, updated_ms) ? by_time : x;
		if (!by_time && of_ruleset(x, ruleset, phase) && at_time(x, updated_ms))
			by_time = x;
	}
	return by_time;
}
