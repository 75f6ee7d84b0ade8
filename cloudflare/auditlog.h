/*
 * Cloudflare's audit log (v2): who changed what, in order of time. It is filled through a pipeline,
 * late and not always in order, and 95 % of the products write it: what it holds is a hint, and
 * what it lacks tells nothing. All its text is from outside.
 */
#ifndef CLOUDFLARE_AUDITLOG_H
#define CLOUDFLARE_AUDITLOG_H

#include "cloudflare/page.h"

/* Rows of a listing; what holds more is refused as a whole. */
#define CF_AUDIT_ROWS 5000

/* Before that nothing is in it, nor what is older than a year and a half: the log of before it
 * (auditold.h) may hold that. */
int64_t cf_audit_horizon(int64_t now_ms);

/* One value of a filter: "resource_product", "zone_id", "action_type.not", ... A name may be
 * repeated: any of its values fits. */
struct cf_audit_filter {
	const char *name, *value;
};

enum cf_audit_action {
	CF_AUDIT_CREATE,
	CF_AUDIT_UPDATE,
	CF_AUDIT_DELETE,
	CF_AUDIT_VIEW,
	CF_AUDIT_OTHER, /* a word that is not known */
	CF_AUDIT_ACTIONS
};

/* Text borrows from the listing; NULL = not told. */
struct cf_audit_entry {
	const char *id;
	int64_t time_ms; /* wall */
	enum cf_audit_action action;
	bool failed;
	bool old;         /* of the log of before */
	const char *word; /* what was done, as it is called there */
	const char *resource_id, *resource_type, *resource_product, *scope;
	const char *zone_id, *zone_name;
	const char *email, *context, *token_id, *token_name, *address; /* of the actor */
	const char *actor_type, *actor_id;
	const char *ray, *method, *uri, *agent;
	int64_t status; /* 0 = not told */
};
const char *cf_audit_action_name(enum cf_audit_action a);

/* What a listing of that time is asked for, as in cf_target.query; the caller frees it. */
char *cf_audit_query(bool newest_first, int64_t since_ms, int64_t before_ms,
		     const struct cf_audit_filter *filters, size_t n);

/* The entries of that time, oldest first: complete or nothing, page after page. */
void cf_audit_list(struct cf *cf, struct cf_page *p, enum cf_share share, int64_t since_ms,
		   int64_t before_ms, const struct cf_audit_filter *filters, size_t n,
		   task_done_fn *done, void *owner);
/* -1: the row is none that can be used. */
MUST_USE int cf_audit_read(const struct json *row, struct cf_audit_entry *out, struct err *e);
/* Was it one of our own latest writes? */
bool cf_audit_ours(const struct cf *cf, const struct cf_audit_entry *x);
/* The text between "/<what>/" and the next slash of the path that was called; "" = it has none that
 * fits. */
void cf_audit_uri_id(const struct cf_audit_entry *x, const char *what, char *out, size_t size);
/* Who it was, as one line for people that holds no control characters; NULL = not told. The caller
 * frees it. */
char *cf_audit_actor(const struct cf_audit_entry *x);

#endif
