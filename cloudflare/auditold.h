/*
 * The audit log of before (v1): what is older than the other one goes back. Its rows become entries
 * of the same shape; the words for what was done and to what are its own, and who called by which
 * token it does not tell. All its text is from outside.
 */
#ifndef CLOUDFLARE_AUDITOLD_H
#define CLOUDFLARE_AUDITOLD_H

#include "cloudflare/auditlog.h"

/* Text borrows from the row. -1: it is none that can be used. */
MUST_USE int cf_audit_old_read(const struct json *row, struct cf_audit_entry *out, struct err *e);

#endif
