/*
 * Paths below the base URL, for the families: an id goes into a path only when it has the form of
 * an id, so that nothing from a database or an answer can reach another object.
 */
#ifndef CLOUDFLARE_PATHS_H
#define CLOUDFLARE_PATHS_H

#include "cloudflare/client.h"

/* What the dashboard calls the permissions. */
#define PERMISSION_TUNNEL_READ      "Cloudflare Tunnel: Read"
#define PERMISSION_TUNNEL_EDIT      "Cloudflare Tunnel: Edit"
#define PERMISSION_DNS_READ         "DNS: Read"
#define PERMISSION_DNS_EDIT         "DNS: Edit"
#define PERMISSION_ZONE_READ        "Zone: Read"
#define PERMISSION_ACCOUNT_READ     "Account Settings: Read"
#define PERMISSION_ZONE_WAF_READ    "Zone WAF: Read"
#define PERMISSION_ACCOUNT_WAF_READ "Account WAF: Read"

/* "/accounts/<account><rest>"; the caller frees *path. */
MUST_USE int path_account(const struct cf *cf, const char *rest, char **path, struct err *e);
/* "/accounts/<account>/cfd_tunnel/<id><rest>" */
MUST_USE int path_tunnel(const struct cf *cf, const char *id, const char *rest, char **path,
			 struct err *e);
/* "/zones/<zone>/dns_records<rest>" */
MUST_USE int path_records(const char *zone, const char *rest, char **path, struct err *e);
/* "/zones/<zone>/dns_records/<id>" */
MUST_USE int path_record(const char *zone, const char *id, char **path, struct err *e);

#endif
