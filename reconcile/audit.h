/*
 * What the audit log says between two looks: which of our tunnels' configurations somebody else may
 * have written, whether a listing is older than a change, and who changed what. It is a hint and no
 * more: what it tells is looked at, what it does not tell is seen by looks and the sweep, and a
 * token that may not read it is no problem. It is asked last in a look, so that it holds up
 * nothing.
 */
#ifndef RECONCILE_AUDIT_H
#define RECONCILE_AUDIT_H

#include "cloudflare/auditlog.h"
#include "model/world.h"
#include "reconcile/misuse.h"
#include "store/store.h"

/* Entries come late: this far back is asked for again. */
#define AUDIT_OVERLAP_MS (15 * 60 * 1000LL)
/* After a refusal. */
#define AUDIT_SELDOM_MS (3600 * 1000LL)

struct audit {
	struct world *world;
	struct store *store;
	struct cf *cf;
	struct misuse misuse;
	int64_t since_ms;         /* wall: from when on the next listing asks */
	int64_t refused_until_ms; /* mono; 0 = not refused */
	int64_t look_began_ms;    /* wall */
	bool look_due;            /* something of ours was changed since */
	struct map seen;          /* ids of the last listing */
	struct strlist due;       /* local ids of tunnels whose configuration is to be read */
};

void audit_init(struct audit *a, struct world *w, struct store *s, struct cf *cf);
void audit_fini(struct audit *a);

/* A look begins. */
void audit_begin(struct audit *a);
/* Is there anything that it could tell, and may it be asked now? */
bool audit_wanted(const struct audit *a);
void audit_list(struct audit *a, struct cf_page *p, task_done_fn *done, void *owner);
/* The listing ended. why: ERR_NONE, or why nothing came. */
void audit_listed(struct audit *a, const struct cf_page *p, const struct err *why);
/* One entry that was not known (pure but for the world). */
void audit_take(struct audit *a, const struct cf_audit_entry *x);
/* Is the tunnel's configuration one that is read when it may have changed, and by the sweep? */
bool audit_reads(const struct tunnel *t);
/* So many of the configurations that were named are due now, the others another time. How many
 * there were. */
size_t audit_release(struct audit *a, size_t n);

#endif
