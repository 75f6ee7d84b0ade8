/*
 * What people ask to read of an account's security: complete or nothing, kept for a while, and
 * asked once however many want it at the same time. What is kept was read with one token and holds
 * all that this token may see: whoever shows a part of it to somebody chooses that part. Its texts
 * are from outside.
 */
#ifndef CLOUDFLARE_READS_H
#define CLOUDFLARE_READS_H

#include "cloudflare/page.h"
#include "cloudflare/source.h"

struct cf_reads;

/* What is older than this goes when something is asked or kept. */
#define CF_READS_KEPT_MS 600000

/* cf: borrowed, outlives it. */
struct cf_reads *cf_reads_new(struct cf *cf);
/* Cancels what runs, without done(). */
void cf_reads_free(struct cf_reads *x);
/* From now on another client asks (a token of its own for reading); what was kept is forgotten. */
void cf_reads_use(struct cf_reads *x, struct cf *cf);
struct cf *cf_reads_client(const struct cf_reads *x);

/* Counted, shared, not changed any more. */
struct cf_listing;
/* Every row in order, or the one object; stops when row() returns non-zero and returns that. A
 * row's JSON is there while row() runs. */
int cf_listing_each(const struct cf_listing *l, int (*row)(const struct json *row, void *owner),
		    void *owner);
/* The same from row *at on, so many of them at the most; *at is where it goes on. */
int cf_listing_some(const struct cf_listing *l, size_t *at, size_t most,
		    int (*row)(const struct json *row, void *owner), void *owner);
size_t cf_listing_count(const struct cf_listing *l);
/* Of CF_PAGED_NOT; NULL where Cloudflare says that there is none. */
const struct json *cf_listing_object(const struct cf_listing *l);
int64_t cf_listing_as_of(const struct cf_listing *l); /* wall */
/* Of one page (cf_target.rows): the cursor of what follows; NULL = nothing does. */
const char *cf_listing_next(const struct cf_listing *l);

struct cf_read {
	struct task task; /* first. err as of a cf_call */
	/* out, until cf_read_reset */
	struct cf_listing *listing; /* NULL after a failure */

	/* private */
	struct list node;
	struct cf_listing *waits; /* for it */
};

/* max_age_ms: what is kept and not older will do; 0 = asked now. t->account NULL = the configured
 * one. Zero r before its first use. */
void cf_read_start(struct cf_reads *x, struct cf_read *r, enum cf_source s,
		   const struct cf_target *t, int64_t max_age_ms, task_done_fn *done, void *owner);
/* Idempotent; fine on a zeroed one. */
void cf_read_cancel(struct cf_read *r);
void cf_read_reset(struct cf_read *r);

#endif
