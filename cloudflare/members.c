/* Members, roles and permission groups, and what they give. */
#include "cloudflare/members.h"

#include <string.h>

#include "base/text.h"
#include "cloudflare/words.h"
#include "model/tunnel.h"

#define AREA_MAX 40

static const char *const status_names[CF_MEMBER_STATUSES] = {
	[CF_MEMBER_ACCEPTED] = "accepted",
	[CF_MEMBER_PENDING] = "pending",
	[CF_MEMBER_REJECTED] = "rejected",
	[CF_MEMBER_OTHER] = "unknown",
};

const char *cf_member_status_name(enum cf_member_status s)
{
	return status_names[s];
}

/* ---- rows ---- */

static const struct json *array_of(const struct json *v, const char *key)
{
	const struct json *array = json_get(v, key);

	return json_type(array) == JSON_ARRAY ? array : NULL;
}

static enum cf_member_status status_of(const char *name)
{
	for (int i = 0; i < CF_MEMBER_OTHER; i++)
		if (str_equal(status_names[i], name))
			return (enum cf_member_status)i;
	return CF_MEMBER_OTHER;
}

static enum cf_told told(const struct json *v)
{
	if (json_type(v) != JSON_BOOL)
		return CF_NOT_TOLD;
	return json_bool(v, false) ? CF_TOLD_YES : CF_TOLD_NO;
}

int cf_member_read(const struct json *row, struct cf_member *out, struct err *e)
{
	const struct json *user = json_get(row, "user");
	struct cf_member m = {
		.id = cf_word(row, "id"),
		.email = cf_text(row, "email"),
		.first = cf_text(user, "first_name"),
		.last = cf_text(user, "last_name"),
		.status = status_of(cf_text(row, "status")),
		.two_factor = told(json_get(user, "two_factor_authentication_enabled")),
		.roles = array_of(row, "roles"),
		.policies = array_of(row, "policies"),
	};

	if (!m.id)
		return err_set(e, ERR_UPSTREAM, "a member has no id");
	if (!m.email)
		m.email = cf_text(user, "email");
	*out = m;
	return 0;
}

int cf_role_read(const struct json *row, struct cf_role *out, struct err *e)
{
	const struct json *permissions = json_get(row, "permissions");
	struct cf_role r = {
		.id = cf_word(row, "id"),
		.name = cf_text(row, "name"),
		.description = cf_text(row, "description"),
		.permissions = json_type(permissions) == JSON_OBJECT ? permissions : NULL,
	};

	if (!r.id || !r.name)
		return err_set(e, ERR_UPSTREAM, "a role has no id or name");
	*out = r;
	return 0;
}

int cf_group_read(const struct json *row, struct cf_group *out, struct err *e)
{
	struct cf_group g = {.id = cf_word(row, "id"), .name = cf_text(row, "name")};

	if (!g.id)
		return err_set(e, ERR_UPSTREAM, "a permission group has no id");
	*out = g;
	return 0;
}

/* ---- what a member holds ---- */

struct walk {
	const char *(*name_of)(const char *id, void *owner);
	void (*right)(const struct cf_right *r, void *owner);
	void *owner;
};

static void walk_right(const struct walk *w, struct cf_right r)
{
	if (!r.name && r.id && w->name_of)
		r.name = w->name_of(r.id, w->owner);
	if (r.id || r.name)
		w->right(&r, w->owner);
}

static void walk_policy(const struct walk *w, const struct json *policy)
{
	const struct json *resources = array_of(policy, "resource_groups");

	/* One that names no resources is not thereby for all of them. One that does not say what it
	 * does allows: who reviews access must not overlook it. */
	JSON_EACH (group, array_of(policy, "permission_groups"))
		walk_right(w, (struct cf_right){
				      .id = cf_word(group, "id"),
				      .name = cf_text(group, "name"),
				      .resources = resources ? resources : policy,
				      .denies = str_equal(cf_text(policy, "access"), "deny"),
			      });
}

void cf_member_rights(const struct cf_member *m,
		      const char *(*name_of)(const char *id, void *owner),
		      void (*right)(const struct cf_right *r, void *owner), void *owner)
{
	const struct walk w = {name_of, right, owner};

	JSON_EACH (role, m->roles) {
		const struct json *permissions = json_get(role, "permissions");
		walk_right(&w, (struct cf_right){
				       .id = cf_word(role, "id"),
				       .name = cf_text(role, "name"),
				       .permissions = json_type(permissions) == JSON_OBJECT
							      ? permissions
							      : NULL,
			       });
	}
	JSON_EACH (policy, m->policies)
		walk_policy(&w, policy);
}

/* ---- what a right gives ---- */

/* areas: of a role's permissions. words: in the name of a role or permission group, unless but
 * stands there. An administrator who is not super does not manage who else has access. */
static const struct {
	const char *name, *areas[4], *words[4], *but;
	bool administrators;
} powers[CF_POWERS] = {
	[CF_POWER_DNS] = {"dns", {"dns_records", "dns"}, {"dns"}, "dns firewall", true},
	[CF_POWER_FIREWALL] = {"firewall",
			       {"waf", "firewall"},
			       {"firewall", "waf", "ruleset"},
			       "dns firewall",
			       true},
	[CF_POWER_MEMBERS] = {"members",
			      {"member", "members", "organization"},
			      {"member", "account settings", "scim"},
			      NULL,
			      false},
	[CF_POWER_TOKENS] = {"tokens", {"api_tokens", "tokens"}, {"api token"}, NULL, false},
};

const char *cf_power_name(enum cf_power p)
{
	return powers[p].name;
}

static bool name_says(const char *name, const char *word)
{
	return word && strcasestr(name, word);
}

/* Names of Cloudflare's for what only reads. */
static bool name_reads(const char *name)
{
	size_t len = strlen(name);

	return name_says(name, "read only") || name_says(name, "read-only") ||
	       name_says(name, "reporting") || name_says(name, "view") ||
	       (len >= 5 && strcasecmp(name + len - 5, " read") == 0);
}

bool cf_right_is_super(const struct cf_right *r)
{
	return !r->denies && r->name && strncasecmp(r->name, "super administrator", 19) == 0;
}

/* Of the account, or of all that a domain has. */
static bool name_administers(const char *name)
{
	return strncasecmp(name, "administrator", 13) == 0 ||
	       strncasecmp(name, "domain administrator", 20) == 0 ||
	       strncasecmp(name, "zone administrator", 18) == 0;
}

static bool name_gives(const char *name, enum cf_power p)
{
	if (name_reads(name) || name_says(name, powers[p].but))
		return false;
	if (powers[p].administrators && name_administers(name))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(powers[p].words); i++)
		if (name_says(name, powers[p].words[i]))
			return true;
	return false;
}

static bool permissions_give(const struct json *permissions, enum cf_power p)
{
	for (size_t i = 0; i < ARRAY_LEN(powers[p].areas) && powers[p].areas[i]; i++)
		if (json_get_bool(json_get(permissions, powers[p].areas[i]), "write", false))
			return true;
	return false;
}

bool cf_right_gives(const struct cf_right *r, enum cf_power p)
{
	if (r->denies)
		return false;
	if (cf_right_is_super(r))
		return true;
	if (r->permissions)
		return permissions_give(r->permissions, p);
	return r->name && name_gives(r->name, p);
}

/* ---- what it is for ---- */

typedef void reach_fn(enum cf_reach what, const char *zone, void *owner);

static void reach_key(const char *key, reach_fn *reach, void *owner)
{
	const char *zone =
		key && str_starts(key, RESOURCE_ZONE) ? key + strlen(RESOURCE_ZONE) : NULL;

	if (str_equal(key, "*") || str_equal(zone, "*"))
		reach(CF_REACH_ACCOUNT, NULL, owner);
	else if (zone && hex_valid(zone, CF_ID_SIZE - 1))
		reach(CF_REACH_ZONE, zone, owner);
	else
		reach(CF_REACH_OTHER, NULL, owner);
}

/* Told as one scope or as a list of them. */
static bool reach_scope(const struct json *scope, reach_fn *reach, void *owner)
{
	const struct json *objects = array_of(scope, "objects");

	JSON_EACH (object, objects)
		reach_key(cf_text(object, "key"), reach, owner);
	return json_count(objects) > 0;
}

static void reach_group(const struct json *group, reach_fn *reach, void *owner)
{
	const struct json *scope = json_get(group, "scope");
	const char *name = cf_text(group, "name");
	bool any = false;

	if (json_type(scope) == JSON_ARRAY) {
		JSON_EACH (one, scope)
			any |= reach_scope(one, reach, owner);
	} else {
		any = reach_scope(scope, reach, owner);
	}
	if (any)
		return;
	/* The group of all that an account has is named after it. */
	if (name && str_starts(name, RESOURCE_ACCOUNT) &&
	    hex_valid(name + strlen(RESOURCE_ACCOUNT), CF_ID_SIZE - 1))
		reach(CF_REACH_ACCOUNT, NULL, owner);
	else
		reach_key(name, reach, owner);
}

void cf_right_reach(const struct cf_right *r,
		    void (*reach)(enum cf_reach what, const char *zone, void *owner), void *owner)
{
	if (!r->resources) {
		reach(CF_REACH_ACCOUNT, NULL, owner);
		return;
	}
	if (json_type(r->resources) != JSON_ARRAY || !json_count(r->resources)) {
		reach(CF_REACH_OTHER, NULL, owner);
		return;
	}
	JSON_EACH (group, r->resources)
		reach_group(group, reach, owner);
}

/* ---- in words ---- */

static bool area_is_word(const char *area)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
	size_t len = strlen(area);

	return len > 0 && len <= AREA_MAX && strspn(area, allowed) == len;
}

static void words_of(const struct json *permissions, const char *verb, bool write, struct buf *out)
{
	bool begun = false;

	JSON_EACH (area, permissions) {
		bool writes = json_get_bool(area, "write", false);
		bool has = write ? writes : !writes && json_get_bool(area, "read", false);
		if (!has || !area_is_word(json_key(area)))
			continue;
		if (!begun)
			(void)buf_printf(out, "%s%s ", out->len ? "; " : "", verb);
		(void)buf_printf(out, "%s%s", begun ? ", " : "", json_key(area));
		begun = true;
	}
}

void cf_permission_words(const struct json *permissions, struct buf *out)
{
	if (json_type(permissions) != JSON_OBJECT)
		return;
	words_of(permissions, "edit", true, out);
	words_of(permissions, "read", false, out);
}
