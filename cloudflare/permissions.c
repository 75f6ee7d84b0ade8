/* The table of permissions. */
#include "cloudflare/permissions.h"

#include <string.h>

#include "cloudflare/paths.h"
#include "cloudflare/source.h"

#define CUSTOM "/rulesets/phases/http_request_firewall_custom/entrypoint"

/* What stands in the table of sources is named there; the others here. */
static const struct {
	const char *name;
	enum cf_source source;      /* where name is NULL */
	const char *account, *zone; /* a path below one of them */
} rows[CF_PERMISSIONS] = {
	[CF_TUNNEL_READ] = {.name = PERMISSION_TUNNEL_READ,
			    .account = "/cfd_tunnel?is_deleted=false&per_page=5"},
	[CF_TUNNEL_EDIT] = {.name = PERMISSION_TUNNEL_EDIT},
	[CF_ZONE_READ] = {.name = PERMISSION_ZONE_READ},
	[CF_DNS_READ] = {.name = PERMISSION_DNS_READ, .zone = "/dns_records?per_page=5"},
	[CF_DNS_EDIT] = {.name = PERMISSION_DNS_EDIT},
	[CF_ACCOUNT_READ] = {.source = CF_SOURCE_ROLES, .account = "/roles?per_page=5"},
	[CF_ZONE_WAF_READ] = {.source = CF_SOURCE_ZONE_ENTRY, .zone = CUSTOM},
	[CF_ACCOUNT_WAF_READ] = {.source = CF_SOURCE_ACCOUNT_ENTRY, .account = CUSTOM},
	[CF_RULESETS_READ] = {.source = CF_SOURCE_ACCOUNT_RULESETS,
			      .account = "/rulesets?per_page=5"},
	[CF_FIREWALL_READ] = {.source = CF_SOURCE_LOCKDOWNS,
			      .zone = "/firewall/lockdowns?per_page=5"},
	[CF_ACCESS_RULES_READ] = {.source = CF_SOURCE_ACCOUNT_ACCESS_RULES,
				  .account = "/firewall/access_rules/rules?per_page=5"},
	[CF_USER_TOKENS_READ] = {.source = CF_SOURCE_USER_TOKENS},
	[CF_ACCOUNT_TOKENS_READ] = {.source = CF_SOURCE_ACCOUNT_TOKENS},
};

const char *cf_permission_name(enum cf_permission p)
{
	return rows[p].name ? rows[p].name : cf_source_row(rows[p].source)->permission;
}

bool cf_permission_includes(enum cf_permission has, enum cf_permission wanted)
{
	return has == wanted || (has == CF_TUNNEL_EDIT && wanted == CF_TUNNEL_READ) ||
	       (has == CF_DNS_EDIT && wanted == CF_DNS_READ);
}

bool cf_permission_is_zones(enum cf_permission p)
{
	return rows[p].zone || p == CF_DNS_EDIT;
}

char *cf_permission_probe(enum cf_permission p, const char *account, const char *zone)
{
	if (p == CF_ZONE_READ && *account)
		return str_format("/zones?account.id=%s&per_page=5", account);
	if (rows[p].account && *account)
		return str_format("/accounts/%s%s", account, rows[p].account);
	return rows[p].zone && *zone ? str_format("/zones/%s%s", zone, rows[p].zone) : NULL;
}
