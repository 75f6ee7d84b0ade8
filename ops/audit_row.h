/*
 * An entry of the audit log as an answer has it, and whether the write was ours: known by its ray,
 * in the ledger or in this process. Words of Cloudflare's stand as they are only where they have
 * the form of a word; what people wrote stands in untrusted_* members.
 */
#ifndef OPS_AUDIT_ROW_H
#define OPS_AUDIT_ROW_H

#include "cloudflare/auditlog.h"
#include "ops/ops.h"

#define AUDIT_API     "logs/audit" /* source_api of a row */
#define AUDIT_API_OLD "audit_logs"

struct audit_row {
	struct cf_audit_entry x; /* borrows from the listing */
	bool full;
};

/* The members, as AUDIT_ROWS declares them. owner: the struct ops. */
void audit_row_write(const void *row, struct json_writer *w, const void *owner);
/* Who it was, in short, for lines of other answers: "a@example.com, token ci" */
void audit_put_actor(const struct cf_audit_entry *x, struct json_writer *w);
/* ours, our_token, ledger, plan. */
void audit_put_ours(const struct ops *o, const struct cf_audit_entry *x, struct json_writer *w);
/* A word of Cloudflare's, an id: nothing that says anything else. */
bool audit_is_word(const char *text);
/* "update ruleset <id>, rule <id>", of words alone; the caller frees it. */
char *audit_what(const struct cf_audit_entry *x);
/* The member is left out where the text is no word. */
void audit_put_word(struct json_writer *w, const char *key, const char *text);

#endif
