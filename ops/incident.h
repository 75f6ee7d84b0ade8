/*
 * What happened around a host name or a zone, as an incident is looked at: which objects that is,
 * and what the store and the world tell of them. The audit log's part is run_incident.c's.
 */
#ifndef OPS_INCIDENT_H
#define OPS_INCIDENT_H

#include "ops/audit_kept.h"
#include "ops/ops.h"
#include "ops/timeline.h"

struct incident {
	char *host; /* NULL = all of the zone */
	char *zone; /* NULL = none is known for it */
	char zone_id[CF_ID_SIZE];
	int64_t since_ms, until_ms; /* wall */
	struct strlist tunnels;     /* local ids of those that its names lead through */
	struct strlist records;     /* remote ids of its records */
	struct timeline line;
	struct err store_error; /* why the store's part is missing */
};

/* Which objects? As the caller sees them. -1 with the call's error: there is nothing of that name
 * for him. */
MUST_USE int incident_begin(struct call *c, const char *name, struct incident *x);
void incident_fini(struct incident *x);
/* Events, plans, drift, probes, problems, configurations and writes that failed. */
void incident_tell(struct call *c, struct incident *x);
/* An entry of the audit log: is it about this? And its row. */
bool incident_takes(const struct incident *x, const struct cf_audit_entry *e);
void incident_tell_entry(struct call *c, struct incident *x, const struct cf_audit_entry *e);

#endif
