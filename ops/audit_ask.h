/*
 * What is asked of Cloudflare's audit log for people: a window of time and filters in their words.
 * What the log's API filters by is asked of it; all of it is held against each entry besides. Pure.
 */
#ifndef OPS_AUDIT_ASK_H
#define OPS_AUDIT_ASK_H

#include "cloudflare/auditlog.h"
#include "model/zone.h"

struct audit_ask {
	int64_t since_ms, before_ms; /* wall */
	const struct zone *zone;     /* NULL = of all */
	bool narrowed;               /* who asks may see nothing of other zones */
	const char *actor;           /* e-mail address, IP address, name or id of a token */
	const char *action;          /* create, update, delete, view; "change" = not view */
	const char *result;          /* success, failure */
	const char *resource;        /* an id, or a word within product, type and path */
	const char *product, *type;  /* as Cloudflare calls them */
	const char *scope;           /* "accounts": what is of no zone */
};

/* The query of a listing, the newest first, by the log (old: of before); the caller frees it. */
char *audit_ask_query(const struct audit_ask *a, bool old);
/* NULL, or why the log of before cannot be asked for that: a literal. */
const char *audit_ask_not_old(const struct audit_ask *a);
bool audit_ask_fits(const struct audit_ask *a, const struct cf_audit_entry *x);
/* It would fit, but may be of another zone, and is not for who asks then. */
bool audit_ask_unknown(const struct audit_ask *a, const struct cf_audit_entry *x);
MUST_USE int audit_ask_check(int64_t since_ms, int64_t until_ms, struct err *e);
/* Is the entry about that zone or something in it? */
bool audit_of_zone(const struct cf_audit_entry *x, const struct zone *z);

#endif
