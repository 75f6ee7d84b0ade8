/*
 * The kinds of lists: how each is paged, filtered and ordered, and what its rows have unless they
 * say otherwise. Endpoints that are nothing but such a list need no more than a row of the table.
 */
#ifndef SIM_KINDS_H
#define SIM_KINDS_H

#include "sim/shelf.h"

enum filter_how {
	FILTER_IS,  /* the whole value, capitals or not */
	FILTER_HAS, /* a part of it */
	FILTER_BOOL
};

struct shelf_filter {
	const char *arg;
	const char *path; /* "configuration.target"; of an array, any element */
	enum filter_how how;
	const char *const *words; /* what may be asked for; NULL = anything */
};

struct shelf_kind {
	const char *name;
	const char *path;                   /* how it stands in a route's pattern */
	int64_t least, most, otherwise;     /* rows of a page */
	const char *defaults;               /* a JSON object */
	const char *made;                   /* what POST starts from instead; NULL = the same */
	const char *const *needs;           /* members without which POST is refused */
	const struct shelf_filter *filters; /* ends with arg NULL; NULL = none */
	const char *const *orders;          /* paths by which it may be ordered; NULL = none */
	bool timed;                         /* created_on, modified_on */
};

const struct shelf_kind *kind_named(const char *name);
const struct shelf_kind *kind_of_pattern(const char *pattern);
/* -1 = refused: a value that the filters or the order do not know. */
MUST_USE int kind_check(struct call *k, const struct shelf_kind *kind);
bool kind_passes(const struct call *k, const struct shelf_kind *kind, const struct json *row);
void kind_sort(const struct call *k, const struct shelf_kind *kind, struct page *p);
/* The text of a whole row: given, what it lacks, the id, and the times where the kind has them. */
void kind_fill(const struct shelf_kind *kind, const char *id, const struct json *given,
	       const struct json *before, int64_t now_ms, struct buf *out);

#endif
