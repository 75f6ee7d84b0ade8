/* The table, and its paths. */
#include "cloudflare/source.h"

#include <string.h>

#include "cloudflare/paths.h"
#include "cloudflare/rulesets.h"

#define NUMBERS   CF_PAGED_NUMBERS, "per_page"
#define CURSORS   CF_PAGED_CURSORS, "per_page"
#define OBJECT    CF_PAGED_NOT, NULL, 0, 0
#define MANY      50000
#define ACCOUNT_P PERMISSION_ACCOUNT_READ
#define ZONE_WAF  PERMISSION_ZONE_WAF_READ
#define ACCT_WAF  PERMISSION_ACCOUNT_WAF_READ
#define ACCT_SETS "Account Rulesets: Read"
#define FIREWALL  "Firewall Services: Read"

static const struct cf_source_row rows[CF_SOURCES] = {
	[CF_SOURCE_ACCOUNTS] = {"/accounts", NUMBERS, 50, 5000, ACCOUNT_P},
	[CF_SOURCE_ACCOUNT] = {"/accounts/{account}", OBJECT, ACCOUNT_P},
	[CF_SOURCE_MEMBERS] = {"/accounts/{account}/members", NUMBERS, 50, 20000, ACCOUNT_P},
	[CF_SOURCE_ROLES] = {"/accounts/{account}/roles", NUMBERS, 50, 2000, ACCOUNT_P},
	[CF_SOURCE_GROUPS] = {"/accounts/{account}/iam/permission_groups", NUMBERS, 50, 5000,
			      ACCOUNT_P},
	[CF_SOURCE_USER_TOKENS] = {"/user/tokens", NUMBERS, 50, 1000, "API Tokens: Read"},
	[CF_SOURCE_ACCOUNT_TOKENS] = {"/accounts/{account}/tokens", NUMBERS, 50, 1000,
				      "Account API Tokens: Read"},
	[CF_SOURCE_AUDIT] = {"/accounts/{account}/logs/audit", CF_PAGED_CURSORS, "limit", 1000,
			     MANY, ACCOUNT_P},
	[CF_SOURCE_AUDIT_OLD] = {"/accounts/{account}/audit_logs", NUMBERS, 1000, MANY, ACCOUNT_P},
	[CF_SOURCE_ACCOUNT_RULESETS] = {"/accounts/{account}/rulesets", CURSORS, 50, 5000,
					ACCT_SETS},
	[CF_SOURCE_ZONE_RULESETS] = {"/zones/{zone}/rulesets", CURSORS, 50, 5000, ZONE_WAF},
	[CF_SOURCE_ACCOUNT_RULESET] = {"/accounts/{account}/rulesets/{id}", OBJECT, ACCT_SETS},
	[CF_SOURCE_ZONE_RULESET] = {"/zones/{zone}/rulesets/{id}", OBJECT, ZONE_WAF},
	[CF_SOURCE_ACCOUNT_ENTRY] = {"/accounts/{account}/rulesets/phases/{id}/entrypoint", OBJECT,
				     ACCT_WAF},
	[CF_SOURCE_ZONE_ENTRY] = {"/zones/{zone}/rulesets/phases/{id}/entrypoint", OBJECT,
				  ZONE_WAF},
	[CF_SOURCE_ACCOUNT_ACCESS_RULES] = {"/accounts/{account}/firewall/access_rules/rules",
					    NUMBERS, 1000, MANY,
					    "Account Firewall Access Rules: Read"},
	[CF_SOURCE_ZONE_ACCESS_RULES] = {"/zones/{zone}/firewall/access_rules/rules", NUMBERS, 1000,
					 MANY, FIREWALL},
	[CF_SOURCE_LOCKDOWNS] = {"/zones/{zone}/firewall/lockdowns", NUMBERS, 1000, MANY, FIREWALL},
	[CF_SOURCE_AGENT_RULES] = {"/zones/{zone}/firewall/ua_rules", NUMBERS, 1000, MANY,
				   FIREWALL},
};

const struct cf_source_row *cf_source_row(enum cf_source s)
{
	return &rows[s];
}

const char *cf_source_permission(enum cf_source s, const char *id)
{
	if (s == CF_SOURCE_ZONE_ENTRY || s == CF_SOURCE_ACCOUNT_ENTRY)
		return cf_phase_permission(id, s == CF_SOURCE_ACCOUNT_ENTRY);
	/* What phase a ruleset is of, its id does not tell. */
	if (s == CF_SOURCE_ZONE_RULESET || s == CF_SOURCE_ACCOUNT_RULESET)
		return NULL;
	return rows[s].permission;
}

/* Ids of Cloudflare's, and phases. */
static bool word_fits(const char *place, const char *word)
{
	if (!word)
		return false;
	if (!str_equal(place, "id") || hex_valid(word, CF_ID_SIZE - 1))
		return hex_valid(word, CF_ID_SIZE - 1);
	size_t len = strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789_");
	return len > 0 && len < 64 && !word[len];
}

static int add_word(struct buf *path, const char *place, const char *word, struct err *e)
{
	if (!word_fits(place, word))
		return err_set(e, ERR_INVALID, "the %s is malformed; nothing was sent",
			       str_equal(place, "id") ? "id or phase" : place);
	return buf_str(path, word);
}

int cf_source_path(enum cf_source s, const struct cf_target *t, char **path, struct err *e)
{
	const struct {
		const char *place, *word;
	} places[] = {{"account", t->account}, {"zone", t->zone}, {"id", t->id}};
	AUTO(buf_t) out = {0};
	const char *at = rows[s].path;

	while (*at) {
		size_t plain = strcspn(at, "{");
		(void)buf_add(&out, at, plain);
		at += plain;
		for (size_t i = 0; *at && i < ARRAY_LEN(places); i++) {
			size_t len = strlen(places[i].place);
			if (strncmp(at + 1, places[i].place, len) != 0)
				continue;
			if (add_word(&out, places[i].place, places[i].word, e) < 0)
				return -1;
			at += len + 2;
			break;
		}
	}
	if (t->query && *t->query)
		(void)buf_printf(&out, "?%s", t->query);
	*path = str_dup(buf_text(&out));
	return 0;
}
