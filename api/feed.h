/*
 * What one watcher is still to be told: a snapshot in the making, then ids of what changed, never
 * the changes themselves. However slowly he reads, no more is kept than FEED_PENDING ids and one
 * page that others share; beyond that everything is dropped and he gets a fresh snapshot. Text is
 * made when it can be sent, from the world as it is then. Pure: no server, no clock.
 */
#ifndef API_FEED_H
#define API_FEED_H

#include "model/groups.h"

#define FEED_PENDING 1000
#define FEED_ID_SIZE 40
#define BOOT_SIZE    9 /* 8 hex digits */

/* What status_get answers, once for all who are told of it. */
struct page {
	int refs;
	uint64_t digest; /* of what is news when it differs: not of ages and counts of calls */
	struct buf text;
};
/* Takes the text, with one reference. */
struct page *page_new(struct buf *text);
struct page *page_take(struct page *p);
void page_drop(struct page *p); /* NULL is fine */
/* Pure: of a status as JSON text. */
uint64_t page_digest(const char *text, size_t len);

enum feed_phase { FEED_BEGIN, FEED_PAGE, FEED_WALK, FEED_LIVE };

struct feed {
	const struct world *world;
	const char *boot;         /* borrowed: of this run of the daemon */
	struct page *const *page; /* *it: the newest one */
	bool sees[OBJECT_TYPES];  /* what the reader may be told of */
	bool status_only;

	/* private */
	enum feed_phase phase;
	bool in_snapshot;  /* of the page that is sent now */
	struct page *sent; /* that page; NULL = none */
	size_t sent_at;
	uint64_t shown; /* digest of the last page that was sent; 0 = none */
	int64_t base;   /* the snapshot's place among the changes */
	int walk_type;
	size_t walk_at;
	bool walk_first;
	bool overflow; /* too much has changed: a fresh snapshot is due */
	struct list pending;
	struct map by_key; /* of the pending ones */
	/* Tunnels of which something changed: what is said of their routes may be other now. */
	struct map touched;
	int64_t touched_seq;  /* the last of those changes */
	struct groups groups; /* while it is filled, once they are needed */
};

/* At first a snapshot is due. */
void feed_init(struct feed *f, const struct world *w, const char *boot, struct page *const *page,
	       const bool sees[OBJECT_TYPES], bool status_only);
void feed_free(struct feed *f);
/* Go on behind a place: no snapshot, only what feed_changed is called with from now on. */
void feed_resume(struct feed *f);
/* Drop everything and begin with a snapshot. */
void feed_renew(struct feed *f);
/* Something changed, or is gone, with its place among the changes. */
void feed_changed(struct feed *f, enum object_type type, const char *id, int64_t seq);
/* Add events to out until it holds about room bytes, or there is nothing to tell. */
void feed_fill(struct feed *f, size_t room, struct buf *out);
/* The last event. */
void feed_end(struct feed *f, const char *why, struct buf *out);
size_t feed_pending(const struct feed *f);

#endif
