/*
 * What a token can be allowed that adit has a use for, by the names that Cloudflare's dashboard
 * gives it, and for each the cheapest read that tells whether it is. Pure.
 */
#ifndef CLOUDFLARE_PERMISSIONS_H
#define CLOUDFLARE_PERMISSIONS_H

#include "base/err.h"

enum cf_permission {
	CF_TUNNEL_READ,
	CF_TUNNEL_EDIT,
	CF_ZONE_READ,
	CF_DNS_READ,
	CF_DNS_EDIT,
	CF_ACCOUNT_READ,
	CF_ZONE_WAF_READ,
	CF_ACCOUNT_WAF_READ,
	CF_RULESETS_READ, /* of the account */
	CF_FIREWALL_READ,
	CF_ACCESS_RULES_READ, /* of the account */
	CF_USER_TOKENS_READ,
	CF_ACCOUNT_TOKENS_READ,
	CF_PERMISSIONS
};

const char *cf_permission_name(enum cf_permission p); /* "DNS: Edit" */
/* Who may edit may read. */
bool cf_permission_includes(enum cf_permission has, enum cf_permission wanted);
/* Is it given zone by zone? */
bool cf_permission_is_zones(enum cf_permission p);
/* The path of that read; the caller frees it. NULL: there is none, or it takes a zone and there is
 * none. Ids are well formed, or "". */
char *cf_permission_probe(enum cf_permission p, const char *account, const char *zone);

#endif
