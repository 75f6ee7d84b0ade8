#include "cloudflare/rulesets.h"

#include "base/text.h"
#include "cloudflare/paths.h"
#include "cloudflare/words.h"

static const struct json *of_type(const struct json *v, enum json_type type)
{
	return json_type(v) == type ? v : NULL;
}

static const struct json *object_of(const struct json *object, const char *key)
{
	return of_type(json_get(object, key), JSON_OBJECT);
}

/* As the dashboard calls them, and the API where it has another name. */
#define ZONE_WAF       PERMISSION_ZONE_WAF_READ
#define ACCT_WAF       PERMISSION_ACCOUNT_WAF_READ
#define TRANSFORM      "Transform Rules: Read (API: Zone Transform Rules Read)"
#define ACCT_TRANSFORM "Transform Rules: Read"
#define MAGIC          "Magic Firewall: Read"

static const struct {
	const char *phase, *words;
	const char *zone, *account; /* permissions */
} phases[] = {
	{CF_PHASE_CUSTOM, "custom firewall rules", ZONE_WAF, ACCT_WAF},
	{CF_PHASE_MANAGED, "managed firewall rules (WAF), as they are deployed", ZONE_WAF,
	 ACCT_WAF},
	{CF_PHASE_RATELIMIT, "rate limiting rules", ZONE_WAF, ACCT_WAF},
	{"http_request_sbfm", "bots (Super Bot Fight Mode)", "Bot Management: Read", NULL},
	{"ddos_l7", "protection from DDoS by HTTP", "HTTP DDoS Managed Ruleset: Read", NULL},
	{"ddos_l4", "protection from DDoS below HTTP", NULL, "L4 DDoS Managed Ruleset: Read"},
	{"http_response_firewall_managed", "managed rules on answers (sensitive data)", ZONE_WAF,
	 ACCT_WAF},
	{"http_request_dynamic_redirect", "redirects by rule",
	 "Single Redirect: Read (API: Dynamic URL Redirects Read)", NULL},
	{"http_request_redirect", "redirects by list", NULL,
	 "Bulk URL Redirects: Read (API: Mass URL Redirects Read)"},
	{"http_request_origin", "origin rules: host, port, SNI",
	 "Origin Rules: Read (API: Origin Read)", NULL},
	{"http_request_transform", "rewritten URLs", TRANSFORM, ACCT_TRANSFORM},
	{"http_request_late_transform", "changed request headers", TRANSFORM, ACCT_TRANSFORM},
	{"http_response_headers_transform", "changed response headers", TRANSFORM, ACCT_TRANSFORM},
	{"http_request_sanitize", "normalised URLs", "Sanitize: Read", NULL},
	{"http_config_settings", "settings by rule",
	 "Config Rules: Read (API: Config Settings Read)", NULL},
	{"http_request_cache_settings", "cache rules",
	 "Cache Rules: Read (API: Cache Settings Read)", NULL},
	{"http_response_cache_settings", "cache rules on answers", NULL, NULL},
	{"http_response_compression", "compression", "Response Compression: Read", NULL},
	{"http_custom_errors", "error pages", "Custom Error Rules: Read (API: Custom Errors Read)",
	 NULL},
	{"http_log_custom_fields", "further fields of logs", "Logs: Read", NULL},
	{"magic_transit", "network firewall", NULL, MAGIC},
	{"magic_transit_ids_managed", "intrusion detection of networks", NULL, MAGIC},
	{"magic_transit_managed", "managed network firewall", NULL, MAGIC},
	{"magic_transit_ratelimit", "network rate limits", NULL, MAGIC},
};
_Static_assert(ARRAY_LEN(phases) < CF_PHASES_MOST, "and NULL behind the last");

const char *cf_phase_words(const char *phase)
{
	for (size_t i = 0; i < ARRAY_LEN(phases); i++)
		if (str_equal(phases[i].phase, phase))
			return phases[i].words;
	return NULL;
}

const char *cf_phase_permission(const char *phase, bool account)
{
	for (size_t i = 0; i < ARRAY_LEN(phases); i++)
		if (str_equal(phases[i].phase, phase))
			return account ? phases[i].account : phases[i].zone;
	return NULL;
}

void cf_phase_names(const char *names[CF_PHASES_MOST])
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(phases); i++)
		names[i] = phases[i].phase;
	names[i] = NULL;
}

bool cf_phase_is_firewall(const char *phase)
{
	return str_equal(phase, CF_PHASE_CUSTOM) || str_equal(phase, CF_PHASE_MANAGED) ||
	       str_equal(phase, CF_PHASE_RATELIMIT);
}

int cf_ruleset_read(const struct json *v, struct cf_ruleset *out)
{
	const char *id = json_get_string(v, "id");
	const struct json *rules = json_get(v, "rules");

	if (!id || !hex_valid(id, CF_ID_SIZE - 1))
		return -1;
	if (!json_is_null(rules) && json_type(rules) != JSON_ARRAY)
		return -1;
	*out = (struct cf_ruleset){
		.id = id,
		.kind = cf_word(v, "kind"),
		.phase = cf_word(v, "phase"),
		.version = cf_word(v, "version"),
		.name = cf_text(v, "name"),
		.description = cf_text(v, "description"),
		.updated_ms = cf_time(v, "last_updated"),
		.rules = of_type(rules, JSON_ARRAY),
	};
	return 0;
}

int cf_ruleset_rule_read(const struct json *v, struct cf_ruleset_rule *out)
{
	const struct json *enabled = json_get(v, "enabled");
	const char *id = cf_word(v, "id");

	/* Absent stands for the API's default; a word that may mean anything does not. */
	if (!id || (!json_is_null(enabled) && json_type(enabled) != JSON_BOOL))
		return -1;
	*out = (struct cf_ruleset_rule){
		.id = id,
		.action = cf_word(v, "action"),
		.version = cf_word(v, "version"),
		.ref = cf_text(v, "ref"),
		.expression = cf_text(v, "expression"),
		.description = cf_text(v, "description"),
		.enabled = json_bool(enabled, true),
		.updated_ms = cf_time(v, "last_updated"),
		.parameters = object_of(v, "action_parameters"),
		.ratelimit = object_of(v, "ratelimit"),
		.logging = object_of(v, "logging"),
		.categories = of_type(json_get(v, "categories"), JSON_ARRAY),
		.credentials = object_of(v, "exposed_credential_check"),
	};
	return 0;
}

/* ---- overrides ---- */

const char *cf_rule_executes(const struct cf_ruleset_rule *r)
{
	return str_equal(r->action, "execute") ? cf_word(r->parameters, "id") : NULL;
}

const char *cf_override_word(enum cf_override_of of)
{
	static const char *const words[] = {
		[CF_OVERRIDE_RULESET] = "ruleset",
		[CF_OVERRIDE_CATEGORY] = "category",
		[CF_OVERRIDE_RULE] = "rule",
	};

	return words[of];
}

/* A member of another type, or with no word in it, would be told as if it were not there. */
static bool word_is_sound(const struct json *v, const char *key)
{
	return json_is_null(json_get(v, key)) || cf_word(v, key);
}

static int override_read(const struct json *v, enum cf_override_of of, struct cf_override *out)
{
	static const char *const names[] = {
		[CF_OVERRIDE_CATEGORY] = "category",
		[CF_OVERRIDE_RULE] = "id",
	};
	const struct json *enabled = json_get(v, "enabled");
	bool known = json_type(enabled) == JSON_BOOL;
	const char *target = of == CF_OVERRIDE_RULESET ? NULL : cf_word(v, names[of]);

	if (of != CF_OVERRIDE_RULESET && !target)
		return -1;
	if ((!known && !json_is_null(enabled)) || !word_is_sound(v, "action") ||
	    !word_is_sound(v, "sensitivity_level"))
		return -1;
	*out = (struct cf_override){
		.of = of,
		.target = target,
		.action = cf_word(v, "action"),
		.sensitivity = cf_word(v, "sensitivity_level"),
		.enabled = known ? json_bool(enabled, false) : -1,
		.score = json_get_int(v, "score_threshold", -1),
	};
	return 0;
}

struct overrides {
	int (*one)(const struct cf_override *x, void *owner);
	void *owner;
	size_t *unreadable;
};

static int override_tell(const struct overrides *o, const struct json *v, enum cf_override_of of)
{
	struct cf_override x;

	if (override_read(v, of, &x) < 0) {
		++*o->unreadable;
		return 0;
	}
	/* Of the ruleset as a whole there is one only if it says anything. */
	if (of == CF_OVERRIDE_RULESET && !x.action && !x.sensitivity && x.enabled < 0)
		return 0;
	return o->one(&x, o->owner);
}

static int overrides_tell(const struct overrides *o, const struct json *list,
			  enum cf_override_of of)
{
	if (!json_is_null(list) && json_type(list) != JSON_ARRAY) {
		++*o->unreadable;
		return 0;
	}
	JSON_EACH (v, list) {
		int rc = override_tell(o, v, of);
		if (rc)
			return rc;
	}
	return 0;
}

int cf_rule_overrides(const struct cf_ruleset_rule *r,
		      int (*one)(const struct cf_override *x, void *owner), void *owner,
		      size_t *unreadable)
{
	const struct overrides o = {one, owner, unreadable};
	const struct json *all = json_get(r->parameters, "overrides");

	if (!str_equal(r->action, "execute") || json_is_null(all))
		return 0;
	if (json_type(all) != JSON_OBJECT) {
		++*unreadable;
		return 0;
	}
	int rc = override_tell(&o, all, CF_OVERRIDE_RULESET);
	if (!rc)
		rc = overrides_tell(&o, json_get(all, "categories"), CF_OVERRIDE_CATEGORY);
	return rc ? rc : overrides_tell(&o, json_get(all, "rules"), CF_OVERRIDE_RULE);
}

/* ---- skips ---- */

const char *cf_skip_word(enum cf_skip_of of)
{
	static const char *const words[] = {
		[CF_SKIP_REST] = "rest",   [CF_SKIP_RULESET] = "ruleset", [CF_SKIP_RULE] = "rule",
		[CF_SKIP_PHASE] = "phase", [CF_SKIP_PRODUCT] = "product",
	};

	return words[of];
}

struct skips {
	int (*one)(const struct cf_skip *x, void *owner);
	void *owner;
	size_t *unreadable;
};

static int skips_tell(const struct skips *s, const struct json *list, enum cf_skip_of of,
		      const char *ruleset)
{
	if (!json_is_null(list) && json_type(list) != JSON_ARRAY) {
		++*s->unreadable;
		return 0;
	}
	JSON_EACH (v, list) {
		struct cf_skip x = {of, cf_word_of(v), ruleset};
		if (!x.target) {
			++*s->unreadable;
			continue;
		}
		int rc = s->one(&x, s->owner);
		if (rc)
			return rc;
	}
	return 0;
}

/* {"<ruleset>": ["<rule>", ..]} */
static int skipped_rules(const struct skips *s, const struct json *map)
{
	if (!json_is_null(map) && json_type(map) != JSON_OBJECT) {
		++*s->unreadable;
		return 0;
	}
	JSON_EACH (list, map) {
		const char *ruleset = json_key(list);
		if (!hex_valid(ruleset, CF_ID_SIZE - 1)) {
			++*s->unreadable;
			continue;
		}
		int rc = skips_tell(s, list, CF_SKIP_RULE, ruleset);
		if (rc)
			return rc;
	}
	return 0;
}

static bool skips_rest(const struct json *parameters)
{
	return str_equal(json_get_string(parameters, "ruleset"), "current") ||
	       str_equal(json_get_string(parameters, "phase"), "current");
}

int cf_rule_skips(const struct cf_ruleset_rule *r, int (*one)(const struct cf_skip *x, void *owner),
		  void *owner, size_t *unreadable)
{
	static const struct {
		const char *key;
		enum cf_skip_of of;
	} lists[] = {
		{"rulesets", CF_SKIP_RULESET},
		{"phases", CF_SKIP_PHASE},
		{"products", CF_SKIP_PRODUCT},
	};
	const struct skips s = {one, owner, unreadable};
	int rc = 0;

	if (!str_equal(r->action, "skip"))
		return 0;
	if (skips_rest(r->parameters))
		rc = one(&(struct cf_skip){.of = CF_SKIP_REST}, owner);
	for (size_t i = 0; !rc && i < ARRAY_LEN(lists); i++)
		rc = skips_tell(&s, json_get(r->parameters, lists[i].key), lists[i].of, NULL);
	return rc ? rc : skipped_rules(&s, json_get(r->parameters, "rules"));
}

/* ---- rates ---- */

char *cf_rule_rate(const struct cf_ruleset_rule *r)
{
	int64_t requests = json_get_int(r->ratelimit, "requests_per_period", -1);
	int64_t score = json_get_int(r->ratelimit, "score_per_period", -1);
	int64_t period = json_get_int(r->ratelimit, "period", -1);
	int64_t after = json_get_int(r->ratelimit, "mitigation_timeout", -1);
	AUTO(buf_t) text = {0};

	if (period < 0 || (requests < 0 && score < 0))
		return NULL;
	if (requests >= 0)
		(void)buf_printf(&text, "%lld requests", (long long)requests);
	else
		(void)buf_printf(&text, "a score of %lld", (long long)score);
	(void)buf_printf(&text, " in %lld s", (long long)period);
	if (after > 0)
		(void)buf_printf(&text, ", then %lld s", (long long)after);
	return buf_steal(&text);
}
