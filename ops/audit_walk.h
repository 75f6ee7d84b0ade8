/*
 * A walk through the audit log from now back: page after page, and the log of before for what the
 * other one does not go back to. It stops when whoever takes the entries has enough, at a place
 * that it can be gone on from, or after so many pages.
 */
#ifndef OPS_AUDIT_WALK_H
#define OPS_AUDIT_WALK_H

#include "ops/audit_ask.h"
#include "ops/gather.h"

#define AUDIT_CURSOR_MAX 4096

struct audit_walk {
	struct audit_ask ask;
	const char *account; /* borrowed; NULL = the configured one */
	bool (*take)(const struct cf_audit_entry *x, void *owner); /* false = enough */
	void *owner;
	int64_t pages_most;

	/* out */
	bool more;            /* it was not gone to the end */
	int64_t looked_ms;    /* wall: of the last entry that was looked at; 0 = none was */
	int64_t unreadable;   /* entries that could not be read, or may not be his */
	struct err old_error; /* why the log of before was not read; ERR_NONE = it was not needed,
				 or read */

	/* private */
	bool old;
	size_t read;
	int64_t pages, skip, at, horizon_ms;
	char *cursor; /* of Cloudflare's: where the walk is */
};

/* cursor: of a walk before, whose window it has; NULL = from the beginning. */
MUST_USE int audit_walk_begin(struct audit_walk *k, const char *cursor, struct err *e);
void audit_walk_fini(struct audit_walk *k);
/* The part of the window that the log is asked for which is read now. Pure. */
struct audit_ask audit_walk_part(const struct audit_walk *k);
void audit_walk_ask(struct gather *g, struct audit_walk *k);
/* A page came: 1 = another was asked for, 0 = over, -1 = it failed, as *why has it. */
MUST_USE int audit_walk_came(struct gather *g, struct audit_walk *k, struct err *why);
/* Of what is more, in digits, small letters and dots alone; the caller frees it. */
char *audit_walk_cursor(const struct audit_walk *k);

#endif
