/*
 * One small question over and over to a port of this machine: GET by HTTP/1.1, on a connection that
 * is kept where the other end keeps it. For probes, which ask thousands of times what fits one
 * packet: no name, no TLS, no redirect, no chunks, and no memory while nothing is asked. What is
 * larger or comes from elsewhere is loop/http's.
 */
#ifndef LOOP_ASK_H
#define LOOP_ASK_H

#include "base/buf.h"
#include "loop/task.h"

#define ASK_ANSWER_MAX ((size_t)16 << 10)

/* Zero it before the first start. */
struct ask {
	struct task task; /* first member */

	/* Valid in done(), until ask_forget or the next start. task.err: ERR_TIMEOUT, ERR_UPSTREAM
	 * (refused, cut, not understood, too large); any status is success. */
	int status;
	const char *body;
	size_t len;

	/* Private from here on. */
	struct loop *loop;
	struct io io;
	struct timer limit;
	bool open, kept; /* a connection is there; it was there before this question */
	bool sent;
	int port; /* of the connection, and of the question */
	const char *path;
	struct buf in;
};

/* path is borrowed until done(). */
void ask_start(struct ask *a, struct loop *l, int port, const char *path, int64_t timeout_ms,
	       task_done_fn *done, void *owner);
/* Give back what the answer takes; the connection stays. */
void ask_forget(struct ask *a);
/* Cancel, and close the connection; idempotent, and fine on a zeroed one. */
void ask_stop(struct ask *a);

#endif
