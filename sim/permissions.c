/*
 * Scopes: what a token of the simulator's may do, in the simulator's short words, and what
 * Cloudflare calls each. "*" is all of them; waf:read, from before the finer ones, is all that
 * reads rules.
 */
#include <string.h>

#include "sim/people.h"

enum span { OF_USER, OF_ACCOUNT, OF_ZONE };

static const struct {
	const char *scope, *name;
	enum span span;
} permissions[] = {
	{"tokens:read", "API Tokens Read", OF_USER},
	{"account:read", "Account Settings Read", OF_ACCOUNT},
	{"account:write", "Account Settings Write", OF_ACCOUNT},
	{"tokens:write", "API Tokens Write", OF_USER},
	{"account-tokens:write", "Account API Tokens Write", OF_ACCOUNT},
	{"account-tokens:read", "Account API Tokens Read", OF_ACCOUNT},
	{"tunnel:read", "Cloudflare Tunnel Read", OF_ACCOUNT},
	{"tunnel:write", "Cloudflare Tunnel Write", OF_ACCOUNT},
	{"account-waf:read", "Account WAF Read", OF_ACCOUNT},
	{"account-waf:write", "Account WAF Write", OF_ACCOUNT},
	{"account-firewall:write", "Account Firewall Access Rules Write", OF_ACCOUNT},
	{"account-rulesets:read", "Account Rulesets Read", OF_ACCOUNT},
	{"account-firewall:read", "Account Firewall Access Rules Read", OF_ACCOUNT},
	{"zone:read", "Zone Read", OF_ZONE},
	{"dns:read", "DNS Read", OF_ZONE},
	{"dns:write", "DNS Write", OF_ZONE},
	{"zone-waf:read", "Zone WAF Read", OF_ZONE},
	{"waf:write", "Zone WAF Write", OF_ZONE},
	{"transform:read", "Zone Transform Rules Read", OF_ZONE},
	{"firewall:read", "Firewall Services Read", OF_ZONE},
	{"firewall:write", "Firewall Services Write", OF_ZONE},
};

/* Those that waf:read stands for. */
static const char *const rule_readers[] = {
	"account-waf:read", "account-rulesets:read", "account-firewall:read",
	"zone-waf:read",    "transform:read",        "firewall:read",
};

static bool among_readers(const char *scope)
{
	for (size_t i = 0; i < ARRAY_LEN(rule_readers); i++)
		if (str_equal(rule_readers[i], scope))
			return true;
	return false;
}

static bool allows_one(const struct strlist *scopes, const char *scope)
{
	return strlist_has(scopes, SIM_EVERY_SCOPE) || strlist_has(scopes, scope) ||
	       (strlist_has(scopes, "waf:read") && among_readers(scope));
}

bool scopes_allow(const struct strlist *scopes, const char *scope)
{
	while (*scope) {
		size_t len = strcspn(scope, "|");
		AUTO(str_t) one = str_ndup(scope, len);
		if (allows_one(scopes, one))
			return true;
		scope += len + (scope[len] == '|');
	}
	return false;
}

/* ---- a token's policies ---- */

static void put_resources(struct json_writer *w, enum span span, const struct strlist *ids)
{
	static const char *const roots[] = {[OF_USER] = "com.cloudflare.api.user",
					    [OF_ACCOUNT] = "com.cloudflare.api.account",
					    [OF_ZONE] = "com.cloudflare.api.account.zone"};

	json_write_key(w, "resources");
	json_object_begin(w);
	for (size_t i = 0; ids && i < ids->n; i++) {
		AUTO(str_t) key = str_format("%s.%s", roots[span], ids->items[i]);
		json_put_string(w, key, "*");
	}
	if (!ids || ids->n == 0) {
		AUTO(str_t)
		key = str_format("%s.%s", roots[span], span == OF_USER ? SIM_USER : "*");
		json_put_string(w, key, "*");
	}
	json_object_end(w);
}

static void put_group(struct json_writer *w, const char *name)
{
	char id[SIM_ID_SIZE];

	shelf_id("permission group", name, id);
	json_object_begin(w);
	json_put_string(w, "id", id);
	json_put_string(w, "name", name);
	json_object_end(w);
}

static bool grants_any(const struct sim_token *t, enum span span)
{
	for (size_t i = 0; i < ARRAY_LEN(permissions); i++)
		if (permissions[i].span == span && allows_one(&t->scopes, permissions[i].scope))
			return true;
	return false;
}

static void write_policy(struct json_writer *w, const struct sim_token *t, enum span span,
			 const struct strlist *ids)
{
	AUTO(str_t) name = str_format("policy %d", (int)span);
	char id[SIM_ID_SIZE];

	shelf_id(t->id, name, id);
	json_object_begin(w);
	json_put_string(w, "id", id);
	json_put_string(w, "effect", "allow");
	put_resources(w, span, ids);
	json_write_key(w, "permission_groups");
	json_array_begin(w);
	for (size_t i = 0; i < ARRAY_LEN(permissions); i++)
		if (permissions[i].span == span && allows_one(&t->scopes, permissions[i].scope))
			put_group(w, permissions[i].name);
	json_array_end(w);
	json_object_end(w);
}

void write_token_policies(struct json_writer *w, const struct sim_token *t)
{
	struct strlist own = {0};

	if (t->account[0])
		strlist_add(&own, t->account);
	json_array_begin(w);
	if (!t->account[0] && grants_any(t, OF_USER))
		write_policy(w, t, OF_USER, NULL);
	if (grants_any(t, OF_ACCOUNT))
		write_policy(w, t, OF_ACCOUNT, own.n ? &own : &t->accounts);
	if (grants_any(t, OF_ZONE))
		write_policy(w, t, OF_ZONE, &t->zones);
	json_array_end(w);
	strlist_free(&own);
}
