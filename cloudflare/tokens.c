/* Tokens, and what their policies allow. */
#include "cloudflare/tokens.h"

#include <string.h>

#include "base/text.h"
#include "cloudflare/words.h"
#include "model/tunnel.h"

#define USER_KEY "com.cloudflare.api.user."

static const char *const status_names[CF_TOKEN_STATUSES] = {
	[CF_TOKEN_ACTIVE] = "active",
	[CF_TOKEN_DISABLED] = "disabled",
	[CF_TOKEN_EXPIRED] = "expired",
	[CF_TOKEN_OTHER] = "unknown",
};

const char *cf_token_status_name(enum cf_token_status s)
{
	return status_names[s];
}

/* ---- a row ---- */

static enum cf_token_status status_of(const char *name)
{
	for (int i = 0; i < CF_TOKEN_OTHER; i++)
		if (str_equal(status_names[i], name))
			return (enum cf_token_status)i;
	return CF_TOKEN_OTHER;
}

int cf_token_row_read(const struct json *row, struct cf_token_row *out, struct err *e)
{
	const struct json *policies = json_get(row, "policies");
	struct cf_token_row t = {
		.id = json_get_string(row, "id"),
		.name = cf_text(row, "name"),
		.status = status_of(json_get_string(row, "status")),
		.expires_ms = cf_time(row, "expires_on"),
		.not_before_ms = cf_time(row, "not_before"),
		.policies = json_type(policies) == JSON_ARRAY ? policies : NULL,
	};

	if (!t.id || !hex_valid(t.id, CF_ID_SIZE - 1))
		return err_set(e, ERR_UPSTREAM, "a token has no id");
	*out = t;
	return 0;
}

/* ---- which permission a group is ---- */

/* What the dashboard calls one thing goes by several names in the API. */
static const struct {
	const char *dashboard, *names[3];
} aliases[] = {
	{"Cloudflare Tunnel",
	 {"Argo Tunnel", "Cloudflare One Connectors", "Cloudflare One Connector: cloudflared"}},
};

/* "DNS Write", "DNS: Edit": the subject and how much of it. */
static bool group_fits(const char *name, const char *subject, size_t len, bool edit)
{
	static const char *const writes[] = {" Write", " Edit", ": Write", ": Edit"};
	static const char *const reads[] = {" Read", ": Read"};

	if (strncasecmp(name, subject, len) != 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(writes); i++)
		if (strcasecmp(name + len, writes[i]) == 0)
			return true;
	for (size_t i = 0; i < ARRAY_LEN(reads); i++)
		if (strcasecmp(name + len, reads[i]) == 0)
			return !edit;
	return false;
}

static bool group_is(const char *name, const char *permission)
{
	const char *colon = strrchr(permission, ':');
	size_t len = colon ? (size_t)(colon - permission) : strlen(permission);
	bool edit = !str_ends(permission, ": Read");

	if (group_fits(name, permission, len, edit))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(aliases); i++) {
		if (strlen(aliases[i].dashboard) != len ||
		    strncmp(aliases[i].dashboard, permission, len) != 0)
			continue;
		for (size_t k = 0; k < ARRAY_LEN(aliases[i].names); k++)
			if (group_fits(name, aliases[i].names[k], strlen(aliases[i].names[k]),
				       edit))
				return true;
	}
	return false;
}

static bool policy_holds(const struct json *policy, const char *permission)
{
	const struct json *groups = json_get(policy, "permission_groups");

	if (json_type(groups) != JSON_ARRAY)
		return false;
	JSON_EACH (group, groups) {
		const char *name = json_get_string(group, "name");
		if (name && group_is(name, permission))
			return true;
	}
	return false;
}

/* ---- for what ---- */

static enum cf_allowed more_of(enum cf_allowed a, enum cf_allowed b)
{
	return a > b ? a : b;
}

static enum cf_allowed zone_key(const char *rest)
{
	if (str_equal(rest, "*"))
		return CF_ALLOWED;
	return hex_valid(rest, CF_ID_SIZE - 1) ? CF_ALLOWED_PARTLY : CF_ALLOWED_NOT;
}

/* {"com.cloudflare.api.account.zone.*": "*"} below an account. */
static enum cf_allowed zones_below(const struct json *value)
{
	enum cf_allowed found = CF_ALLOWED_NOT;

	if (str_equal(json_string(value), "*"))
		return CF_ALLOWED;
	if (json_type(value) != JSON_OBJECT)
		return CF_ALLOWED_NOT;
	JSON_EACH (member, value)
		if (str_starts(json_key(member), RESOURCE_ZONE))
			found = more_of(found, zone_key(json_key(member) + strlen(RESOURCE_ZONE)));
	return found;
}

static enum cf_allowed resource_covers(const struct json *member, const char *account_id)
{
	const char *key = json_key(member);

	if (str_starts(key, USER_KEY))
		return CF_ALLOWED;
	if (str_starts(key, RESOURCE_ZONE))
		return zone_key(key + strlen(RESOURCE_ZONE));
	if (!str_starts(key, RESOURCE_ACCOUNT))
		return CF_ALLOWED_NOT;
	key += strlen(RESOURCE_ACCOUNT);
	return str_equal(key, "*") || str_equal(key, account_id) ? zones_below(member)
								 : CF_ALLOWED_NOT;
}

static enum cf_allowed policy_covers(const struct json *policy, const char *account_id)
{
	const struct json *resources = json_get(policy, "resources");
	enum cf_allowed found = CF_ALLOWED_NOT;

	if (json_type(resources) != JSON_OBJECT)
		return CF_ALLOWED_NOT;
	JSON_EACH (member, resources)
		found = more_of(found, resource_covers(member, account_id));
	return found;
}

enum cf_allowed cf_token_allows(const struct json *policies, const char *permission,
				const char *account_id)
{
	enum cf_allowed allowed = CF_ALLOWED_NOT, denied = CF_ALLOWED_NOT;

	JSON_EACH (policy, policies) {
		if (!policy_holds(policy, permission))
			continue;
		enum cf_allowed covers = policy_covers(policy, account_id);
		if (str_equal(json_get_string(policy, "effect"), "allow"))
			allowed = more_of(allowed, covers);
		else
			denied = more_of(denied, covers);
	}
	if (denied == CF_ALLOWED)
		return CF_ALLOWED_NOT;
	return denied == CF_ALLOWED_PARTLY && allowed == CF_ALLOWED ? CF_ALLOWED_PARTLY : allowed;
}
