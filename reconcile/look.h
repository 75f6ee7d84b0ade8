/*
 * What a complete look at a record showed, by its name or by its id, written into the world: one
 * judgement for single answers and for whole listings. No I/O: what is to be stored of it is handed
 * back.
 */
#ifndef RECONCILE_LOOK_H
#define RECONCILE_LOOK_H

#include "cloudflare/records.h"
#include "model/world.h"

/* All records that its name has. row becomes what is to be stored; the result is the operation that
 * this settles, for the ledger, and NULL when there is nothing to store. */
const char *look_by_name(struct world *w, struct record *r, const struct cf_record *found, size_t n,
			 int64_t looked_ms, struct record *row);
/* The record with its id; NULL = it is absent. */
const char *look_by_id(struct world *w, struct record *r, const struct cf_record *found,
		       int64_t looked_ms, struct record *row);
/* The disk has it: the world follows. */
void look_stored(struct record *r, const struct record *row);

#endif
