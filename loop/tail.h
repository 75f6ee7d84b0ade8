/*
 * Follow a file that another process appends to (O_APPEND), in whole lines, with a ceiling: when
 * the file passes it, what was read is taken out of its beginning but for half a ceiling (or, where
 * the file system cannot do that, all of it at once), which an O_APPEND writer survives. Of a flood
 * that cannot be read as fast as it is written most is skipped. Lines longer than the limit are
 * given cut. Waits on inotify, not on a timer; all
 * tails of a loop share one instance.
 */
#ifndef LOOP_TAIL_H
#define LOOP_TAIL_H

#include "loop/loop.h"

struct tail;
typedef void tail_line_fn(struct tail *t, const char *line, size_t len, void *owner);

/* What tails of one kind share; it outlives them. */
struct tail_terms {
	struct loop *loop;
	tail_line_fn *line;
	int64_t ceiling; /* bytes; 0 = none */
	size_t max_line; /* 0 = 16 KiB */
};

/* Zero it before the first start. */
struct tail {
	const struct tail_terms *terms;
	struct list watched; /* among the tails of the loop */
	struct list due;     /* among those that are to be read */
	void *owner;
	bool *stopped;  /* set by tail_stop while line() is called */
	char *part;     /* a line whose end has not come yet; NULL = none */
	int64_t offset; /* of the next byte to read */
	uint32_t part_len;
	int watch;    /* the file's descriptor in the loop's inotify instance */
	int fd;       /* of the file */
	bool cutting; /* inside a line that was given cut: skip to its end */
	bool running;
};

/* Opens (creates 0600) name below dirfd and starts at offset, or at its end when offset is -1. A
 * file shorter than offset is read from its beginning. line() gets the text without its newline
 * and with a NUL behind it; it may stop the tail, or free its owner after that. */
MUST_USE int tail_start(struct tail *t, const struct tail_terms *terms, int dirfd, const char *name,
			int64_t offset, void *owner, struct err *e);
/* Read what is there now, up to the end (at the exit of the writer); a last line without newline
 * is given as well. Not from line(). */
void tail_flush(struct tail *t);
void tail_stop(struct tail *t); /* idempotent; fine on a zeroed tail */

#endif
