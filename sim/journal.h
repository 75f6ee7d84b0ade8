/*
 * What came in: one row a request, and counters. A test reads here what adit really did. Tokens
 * never get here; bodies do, so a row may hold a tunnel's secret: this is a simulator.
 */
#ifndef SIM_JOURNAL_H
#define SIM_JOURNAL_H

#include "base/map.h"
#include "sim/cloud.h"

#define JOURNAL_ROWS 50000

struct journal {
	char **rows; /* rendered; rows[0] has the sequence number first */
	size_t n;
	int64_t first;
	struct map counters; /* "METHOD pattern" -> int64_t */
	int64_t requests, foreign_writes, writes;
};

/* status 0 = there was no answer; fault NULL = none struck. */
void journal_add(struct journal *j, const struct cloud_request *q, const struct cloud_response *r,
		 const char *fault);
/* A late effect: its row was written when it came in. */
void journal_effect(struct journal *j, const struct cloud_request *q,
		    const struct cloud_response *r);
void journal_clear(struct journal *j);
/* {"rows": [...], "next": seq}: rows from that sequence number on. */
void journal_write(const struct journal *j, int64_t from, struct buf *out);
void journal_write_counters(const struct journal *j, struct buf *out);

#endif
