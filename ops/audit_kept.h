/*
 * Entries of the audit log that are kept for an answer which is made of several parts: their texts
 * are copies. The newest come first, and no more than so many are kept: the others are counted.
 */
#ifndef OPS_AUDIT_KEPT_H
#define OPS_AUDIT_KEPT_H

#include "cloudflare/auditlog.h"
#include "model/zone.h"

struct audit_kept {
	struct cf_audit_entry *items; /* their texts are owned */
	size_t n, most;
	int64_t more; /* that fitted, and are not kept */
};

void audit_keep(struct audit_kept *k, const struct cf_audit_entry *x);
void audit_kept_fini(struct audit_kept *k);
/* By time, the newest first: walks that ran side by side. */
void audit_kept_sort(struct audit_kept *k);

/* Is it about the firewall: its rules, rulesets, rate limits, access rules, lockdowns, ...? */
bool audit_of_firewall(const struct cf_audit_entry *x);
/* Who wrote that rule last: by its id, or, where the log names its ruleset alone, by the time of
 * its last change. NULL = the entries do not tell. */
const struct cf_audit_entry *audit_of_rule(const struct audit_kept *k, const char *rule,
					   const char *ruleset, const char *phase,
					   int64_t updated_ms);

#endif
