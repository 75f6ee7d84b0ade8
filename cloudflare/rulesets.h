/*
 * Rulesets and their rules, as whoever looks at an account's firewall wants to know them. Pure: a
 * row is decoded, its texts are borrowed from it and are from outside, but for what is called a
 * word here, which has the form of one (cloudflare/words.h). What is not known to us is no mistake;
 * a row that might be read in two ways is none that can be read.
 */
#ifndef CLOUDFLARE_RULESETS_H
#define CLOUDFLARE_RULESETS_H

#include "base/json.h"

#define CF_PHASE_CUSTOM    "http_request_firewall_custom"
#define CF_PHASE_MANAGED   "http_request_firewall_managed"
#define CF_PHASE_RATELIMIT "http_ratelimit"

struct cf_ruleset {
	const char *id;    /* 32 hex digits */
	const char *kind;  /* word: managed, custom, root, zone; NULL = not told */
	const char *phase; /* word; NULL = not told */
	const char *version;
	const char *name, *description; /* NULL = none */
	int64_t updated_ms;             /* wall; 0 = not told */
	const struct json *rules;       /* NULL in listings, which come without, and of none */
};
/* What rulesets of a phase do, in words; NULL = not known here. */
const char *cf_phase_words(const char *phase);
/* Which permission reads the rulesets of a phase, a zone's or the account's; NULL = not known here:
 * better no name than one that does not help. */
const char *cf_phase_permission(const char *phase, bool account);
#define CF_PHASES_MOST 32
/* The names of the phases that are known here, and NULL behind the last. */
void cf_phase_names(const char *names[CF_PHASES_MOST]);
/* Is it one of those that make up the firewall? */
bool cf_phase_is_firewall(const char *phase);
/* -1: it has no id, which all else hangs on, or its rules are no list. */
MUST_USE int cf_ruleset_read(const struct json *v, struct cf_ruleset *out);

struct cf_ruleset_rule {
	const char *id;     /* word */
	const char *action; /* word; NULL = not told */
	const char *version;
	const char *ref, *expression, *description; /* NULL = none */
	bool enabled;
	int64_t updated_ms; /* wall; 0 = not told */
	/* Whatever the action needs, as it came; NULL = none. */
	const struct json *parameters, *ratelimit, *logging, *categories, *credentials;
};
/* -1: it has no id, or does not tell whether it is enabled. */
MUST_USE int cf_ruleset_rule_read(const struct json *v, struct cf_ruleset_rule *out);

/* Of a rule that executes: the id of the ruleset that it runs; NULL = it runs none. */
const char *cf_rule_executes(const struct cf_ruleset_rule *r);

/* What a rule that executes says otherwise than the ruleset which it runs. */
struct cf_override {
	enum cf_override_of { CF_OVERRIDE_RULESET, CF_OVERRIDE_CATEGORY, CF_OVERRIDE_RULE } of;
	const char *target;               /* word: the category or the rule; NULL: all of it */
	const char *action, *sensitivity; /* words; NULL = left as it is */
	int enabled;                      /* -1 = left as it is */
	int64_t score;                    /* -1 = left as it is */
};
const char *cf_override_word(enum cf_override_of of); /* "ruleset", ... */
/* Each of them in order; stops when one() returns non-zero and returns that. What cannot be read is
 * counted in *unreadable. */
int cf_rule_overrides(const struct cf_ruleset_rule *r,
		      int (*one)(const struct cf_override *x, void *owner), void *owner,
		      size_t *unreadable);

/* What a rule that skips leaves out. */
struct cf_skip {
	enum cf_skip_of {
		CF_SKIP_REST, /* of the ruleset that it stands in, or of its phase */
		CF_SKIP_RULESET,
		CF_SKIP_RULE,
		CF_SKIP_PHASE,
		CF_SKIP_PRODUCT
	} of;
	const char *target;  /* word; NULL of CF_SKIP_REST */
	const char *ruleset; /* word, of CF_SKIP_RULE */
};
const char *cf_skip_word(enum cf_skip_of of);
int cf_rule_skips(const struct cf_ruleset_rule *r, int (*one)(const struct cf_skip *x, void *owner),
		  void *owner, size_t *unreadable);

/* "100 requests in 10 s, then 600 s": of a rule that limits rates; NULL = it does not say. The
 * caller frees it. */
char *cf_rule_rate(const struct cf_ruleset_rule *r);

#endif
