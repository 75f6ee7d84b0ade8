/* A DNS record that leads to no tunnel, as people ask for it (dns_set, manifests), checked and put
 * into Cloudflare's form. Pure: the world is only read. */
#ifndef OPS_RECORD_WISH_H
#define OPS_RECORD_WISH_H

#include "model/plan.h"
#include "model/world.h"

/* As it was asked for; all borrowed. */
struct record_ask {
	const char *name, *type, *content, *zone, *comment; /* zone, comment may be NULL */
	bool proxied;
	int64_t ttl, priority;
};

/* In Cloudflare's form. */
struct record_wish {
	char *name, *content; /* owned */
	const char *type, *comment;
	bool proxied;
	int64_t ttl, priority;
};
typedef struct record_wish record_wish_t;
void record_wish_t_cleanup(record_wish_t *x);

/* Fill *x, zeroed by the caller and cleaned up either way. A sentence begins with the member that
 * is wrong: "content: ...". */
MUST_USE int record_wish_read(const struct world *w, const struct record_ask *a,
			      struct record_wish *x, struct err *e);
/* A record's name alone, which zone (NULL = any) must hold. The caller frees it. */
MUST_USE int record_name_read(const struct world *w, const char *name, const char *zone, char **out,
			      struct err *e);
/* Does a comment fit behind the mark? NULL does. The sentence begins with "comment: ". */
MUST_USE int record_comment_check(const struct world *w, const char *comment, struct err *e);
/* Is that how it is wanted already? */
bool record_wish_same(const struct record *r, const struct record_wish *x);

/* The words for it: "MX mx.example.com, priority 10, ttl 300". */
void record_wish_tell(const struct record_wish *x, struct buf *out);
/* The same of a record as it is wanted now. */
void record_tell(const struct record *r, struct buf *out);
/* Puts it into the edit of r, NULL = a new one. Content that means the same stays as it was
 * written. */
void record_wish_put(struct edit *d, const struct record *r, const struct record_wish *x);

/* Did somebody take our mark off it? */
bool record_is_unmarked(const struct record *r);
/* Is it at Cloudflare, and does it bear our mark, as far as anybody knows? */
bool record_is_ours(const struct record *r);
/* The records of that name that a person lets adit overwrite, still to be looked at. */
void record_name_takes(struct edit *d, const struct strlist *ids);
/* Ids that are named, but nothing is looked at: the record of that name and type is r, our own. */
void record_warn_takes(struct plan *p, const struct record *r, const struct strlist *ids);

#endif
