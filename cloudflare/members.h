/*
 * Who has access to an account: members, and the roles or policies by which they have it. Pure, and
 * trusting nothing: what is not told stays unknown, and is never read as no. All text is from
 * outside and borrows from the row.
 */
#ifndef CLOUDFLARE_MEMBERS_H
#define CLOUDFLARE_MEMBERS_H

#include "base/json.h"

enum cf_told { CF_NOT_TOLD, CF_TOLD_YES, CF_TOLD_NO };

enum cf_member_status {
	CF_MEMBER_ACCEPTED,
	CF_MEMBER_PENDING, /* invited */
	CF_MEMBER_REJECTED,
	CF_MEMBER_OTHER, /* a word that is not known */
	CF_MEMBER_STATUSES
};
const char *cf_member_status_name(enum cf_member_status s); /* "accepted", ..., "unknown" */

struct cf_member {
	const char *id;
	const char *email, *first, *last; /* NULL = not told */
	enum cf_member_status status;
	enum cf_told two_factor;
	const struct json *roles, *policies; /* NULL = not told */
};
/* ERR_UPSTREAM: none that can be told from another. */
MUST_USE int cf_member_read(const struct json *row, struct cf_member *out, struct err *e);

struct cf_role {
	const char *id, *name;          /* never NULL */
	const char *description;        /* NULL = not told */
	const struct json *permissions; /* {area: {read, write}}; NULL = not told */
};
MUST_USE int cf_role_read(const struct json *row, struct cf_role *out, struct err *e);

struct cf_group {
	const char *id;
	const char *name; /* NULL = not told */
};
/* A permission group, as policies name them. */
MUST_USE int cf_group_read(const struct json *row, struct cf_group *out, struct err *e);

/* ---- what a member holds ---- */

/* A role, or one permission group of one policy. */
struct cf_right {
	const char *id, *name;          /* NULL = not told; not both */
	const struct json *permissions; /* of a role that tells them */
	const struct json *resources; /* of a policy: resource groups; NULL = all of the account */
	bool denies;
};
/* Of all roles and policies, in their order. Groups that are told by their id alone get their names
 * by name_of, which may be NULL, or know none. */
void cf_member_rights(const struct cf_member *m,
		      const char *(*name_of)(const char *id, void *owner),
		      void (*right)(const struct cf_right *r, void *owner), void *owner);

/* What somebody may change. */
enum cf_power { CF_POWER_DNS, CF_POWER_FIREWALL, CF_POWER_MEMBERS, CF_POWER_TOKENS, CF_POWERS };
const char *cf_power_name(enum cf_power p); /* "dns", ... */
/* By what a role tells of itself; by its name where it tells nothing. A right that denies gives
 * nothing. */
bool cf_right_gives(const struct cf_right *r, enum cf_power p);
/* All there is. */
bool cf_right_is_super(const struct cf_right *r);

enum cf_reach {
	CF_REACH_ACCOUNT,
	CF_REACH_ZONE,
	CF_REACH_OTHER, /* other than that, or not told */
};
/* What it is for. zone: 32 hex digits, NULL for what is none. */
void cf_right_reach(const struct cf_right *r,
		    void (*reach)(enum cf_reach what, const char *zone, void *owner), void *owner);

/* "edit dns_records, waf; read logs": words of ours, and those names of areas that are words; "" =
 * none. */
void cf_permission_words(const struct json *permissions, struct buf *out);

#endif
