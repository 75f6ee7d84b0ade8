/*
 * Pure: where what stands at Cloudflare differs from what is wanted, field by field, on objects
 * that are ours and that nobody is changing here; and what may be done about it unasked. A deletion
 * and what would make something reachable that is not, or protect it less, is only told.
 */
#ifndef RECONCILE_DRIFT_H
#define RECONCILE_DRIFT_H

#include "model/world.h"

enum drift_kind {
	DRIFT_CHANGED,  /* a field has another value */
	DRIFT_GONE,     /* it was deleted */
	DRIFT_UNMARKED, /* our mark was taken away from a record */
	DRIFT_REMOVED,  /* a route's rule stands in the configuration no more */
	DRIFT_EDITED,   /* a route's rule has another service or other options */
	DRIFT_KINDS
};
const char *drift_kind_name(enum drift_kind k);

struct drift {
	enum object_type type;
	char id[ID_SIZE];
	enum drift_kind kind;
	const char *field;   /* a literal */
	char *name;          /* of the object, as people know it */
	char *wanted, *seen; /* as text; seen is from outside, NULL = nothing is there */
	int64_t since_ms;    /* wall: first seen; 0 = just now */
	enum drift_policy policy;
	char *actor;           /* who changed it, as the audit log says; from outside; NULL */
	const char *hindrance; /* a literal: why it is not repaired unasked; NULL = it is */
};

struct drift_list {
	struct drift *items;
	size_t n;
};
typedef struct drift_list drift_list_t;
void drift_list_t_cleanup(drift_list_t *l); /* leaves an empty one */

/* All differences but those that are to be ignored, in the order of the world's tables. */
void drift_find(const struct world *w, struct drift_list *out);
/* Those too that are to be ignored. */
void drift_find_all(const struct world *w, struct drift_list *out);
/* The one at that place goes over to the end of another list; what is left there holds nothing. */
void drift_move(struct drift_list *to, struct drift_list *from, size_t at);
/* Those of one object, ignored or not. */
void drift_find_object(const struct world *w, enum object_type type, const char *id,
		       struct drift_list *out);
/* Of a record that was seen: does a field of ours differ? */
bool drift_record_differs(const struct world *w, const struct record *r);
/* Why the record would not be put back unasked, whatever the policy; NULL = it would. */
const char *drift_record_hindrance(const struct record *r);
/* What is known of the object's drift over time; NULL when it is gone. */
struct drift_facts *drift_facts_of(struct world *w, const struct drift *d);
/* Note on the objects since when they differ. The number of objects that now differ and did not
 * before; how many differ in all is put into *all. */
size_t drift_note(struct world *w, int64_t wall_ms, size_t *all);

#endif
