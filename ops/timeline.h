/*
 * What happened, from many sources, in one order of time and below a size: rows that only repeat
 * are one with a count, and what does not fit is the oldest. Each row has an id and says which
 * operation, with which arguments, tells more of it. Pure.
 */
#ifndef OPS_TIMELINE_H
#define OPS_TIMELINE_H

#include "base/json.h"

struct moment {
	int64_t at_ms;                     /* wall */
	const char *kind;                  /* "connector_exited", "drift", ... */
	const char *name;                  /* of the object; NULL = none */
	const char *id;                    /* as the operation that tells more has it */
	const char *what;                  /* one sentence of ours */
	const char *theirs;                /* from outside; NULL = none */
	const char *operation, *arguments; /* arguments: a JSON object */
};

struct timeline {
	struct timeline_row {
		struct moment m;  /* its texts are owned */
		int64_t first_ms; /* of several: the oldest */
		int64_t times;
	} * rows;
	size_t n;
};

void timeline_add(struct timeline *t, const struct moment *m);
void timeline_fini(struct timeline *t);
/* The newest first; what repeats becomes one row. */
void timeline_order(struct timeline *t);
/* The newest n rows as an array. */
void timeline_write(const struct timeline *t, size_t n, struct json_writer *w);

#endif
