/*
 * What can be read of an account's security: one line for each listing or object of the API, with
 * its path, how it is paged, how much of it is taken and what the permission is called. Pure. An id
 * goes into a path only when it has the form of an id.
 */
#ifndef CLOUDFLARE_SOURCE_H
#define CLOUDFLARE_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

enum cf_source {
	CF_SOURCE_ACCOUNTS, /* refused to a token that an account owns */
	CF_SOURCE_ACCOUNT,  /* the one */
	CF_SOURCE_MEMBERS,
	CF_SOURCE_ROLES,
	CF_SOURCE_GROUPS, /* permission groups */
	CF_SOURCE_USER_TOKENS,
	CF_SOURCE_ACCOUNT_TOKENS,
	CF_SOURCE_AUDIT,     /* v2; since and before are required */
	CF_SOURCE_AUDIT_OLD, /* v1 */
	CF_SOURCE_ACCOUNT_RULESETS,
	CF_SOURCE_ZONE_RULESETS,
	CF_SOURCE_ACCOUNT_RULESET, /* id: of the ruleset */
	CF_SOURCE_ZONE_RULESET,
	CF_SOURCE_ACCOUNT_ENTRY, /* id: the phase; that there is none is no error */
	CF_SOURCE_ZONE_ENTRY,
	CF_SOURCE_ACCOUNT_ACCESS_RULES,
	CF_SOURCE_ZONE_ACCESS_RULES,
	CF_SOURCE_LOCKDOWNS,
	CF_SOURCE_AGENT_RULES, /* by user agent */
	CF_SOURCES
};

enum cf_paging { CF_PAGED_NUMBERS, CF_PAGED_CURSORS, CF_PAGED_NOT /* one object */ };

struct cf_source_row {
	const char *path; /* {account}, {zone}, {id} */
	enum cf_paging paging;
	const char *size_key; /* the argument that says how many rows a page has */
	int64_t per_page;     /* the most that the API gives */
	size_t max_rows;      /* a listing of more is refused as a whole */
	/* Of phases and rulesets that of the firewall's. */
	const char *permission;
};
const struct cf_source_row *cf_source_row(enum cf_source s);
/* Which permission reads it; id as in cf_target. NULL: it is one for the phase, and not known. */
const char *cf_source_permission(enum cf_source s, const char *id);

/* Which of them. NULL where the path has no place for it. */
struct cf_target {
	const char *account, *zone, *id;
	const char *query; /* "name=x&status=active", encoded; NULL = none */
	/* Of a listing that may be too long to be read whole: one page of at most so many rows, and
	 * where it begins, as the page before it said (NULL = at the beginning). 0 = all of it. */
	int64_t rows;
	const char *cursor;
};
/* The caller frees *path. ERR_INVALID: an id that is none; nothing is sent. */
MUST_USE int cf_source_path(enum cf_source s, const struct cf_target *t, char **path,
			    struct err *e);

#endif
