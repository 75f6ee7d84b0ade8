/*
 * Pure: whose is a record that Cloudflare shows, and what people are told of it. The same judgement
 * before a plan is stored and right before anything is written.
 */
#ifndef RECONCILE_FOREIGN_H
#define RECONCILE_FOREIGN_H

#include "cloudflare/records.h"
#include "model/world.h"

enum foreign {
	FOREIGN_PLAIN,  /* nobody says whose it is */
	FOREIGN_TUNNEL, /* it leads to a tunnel that is not ours */
	FOREIGN_MARKED, /* it bears our own mark, but no row of ours knows it */
	FOREIGN_ADIT,   /* it bears the mark of another adit */
	FOREIGN_LOCKED, /* Cloudflare keeps it for itself */
};

enum foreign foreign_kind(const struct world *w, const struct cf_record *found);
/* "A 192.0.2.1", and what there is to know beside it. The caller frees it. */
char *foreign_words(const struct world *w, const struct cf_record *found);
/* May a person name it to be overwritten? */
bool foreign_takeable(enum foreign kind);
void foreign_seen_hash(const struct cf_record *found, char out[SHA256_HEX_SIZE]);
/* Our row that has this record; NULL when none has. */
const struct record *foreign_row(const struct world *w, const struct cf_record *found);

#endif
