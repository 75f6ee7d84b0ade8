/*
 * GET /v1/watch: all open streams, told together. The world's changes are collected for a moment;
 * each stream takes what its reader has room for. With nobody watching, a change costs one entry in
 * a ring, and nothing wakes up.
 */
#ifndef API_WATCH_H
#define API_WATCH_H

#include "loop/server.h"
#include "ops/ops.h"

#define WATCH_MOST    64 /* streams in all */
#define WATCH_OF_ONE  8  /* of one user */
#define WATCH_BEAT_MS 15000
#define WATCH_SOON_MS 100                /* what changes within it is told together */
#define WATCH_IN_HAND ((size_t)64 << 10) /* bytes of a stream that are on their way */

struct watch;
struct watch_stream;

/* Is the peer still allowed in, and as whom? */
typedef int watch_judge_fn(const struct server_req *r, struct principal *who, void *owner,
			   struct err *e);

/* Borrowed. */
struct watch *watch_new(struct ops *o, watch_judge_fn *judge, void *owner);
/* No stream is open any more. */
void watch_free(struct watch *x);
/* Begins the stream; NULL with the sentence when it cannot be. The arguments are decoded. */
struct watch_stream *watch_open(struct watch *x, struct server_req *r, const struct principal *who,
				const struct watch_args *a, struct err *e);
/* Its request is over. */
void watch_close(struct watch_stream *s);
/* Tell all and end them. */
void watch_end(struct watch *x, const char *why);
int watch_count(const struct watch *x);

#endif
