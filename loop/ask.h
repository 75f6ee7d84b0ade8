/*
 * Questions to programs of this machine: GET over HTTP/1.1 to a port of 127.0.0.1 and to nowhere
 * else, on a connection that is kept for the next question. For what is asked every few seconds of
 * a thousand processes: between two questions a peer is a descriptor and the struct below, nothing
 * on the heap. A question keeps the contract of loop/task.h, but tells why it failed in a few fixed
 * words: hundreds are under way at once, and a struct err would be most of each. HTTP is read by
 * http-parser; sizes, time and the connection are ours. A kept connection that its peer closes
 * before it answers is no failure: the question is put once more on a new one.
 */
#ifndef LOOP_ASK_H
#define LOOP_ASK_H

#include "base/buf.h"
#include "loop/loop.h"

struct asker; /* what the questions of a loop share: the buffer that is read into, one timer */
struct ask;

struct asker *asker_new(struct loop *l);
void asker_free(struct asker *k); /* no question is under way */

/* Embedded by its owner, zeroed at first, closed before it is freed. Its connection is watched
 * while a question is under way: what became of it in between is seen with the next one. */
struct ask_peer {
	struct ask *ask; /* under way; NULL = idle */
	int fd;          /* while it is open */
	uint16_t port;
	bool open;
	bool connecting;
};
/* Cancels what is under way; idempotent. */
void ask_peer_close(struct ask_peer *p);

typedef void ask_done_fn(struct ask *a, void *owner);

struct ask {
	/* Set before ask_start. Zero the struct first; ask_reset makes it ready for the next use.
	 */
	const char *path;   /* "/ready"; borrowed until done */
	int64_t timeout_ms; /* from the start to the last byte */
	size_t max_body;    /* more is ERR_UPSTREAM */

	/* Valid in done(). failed: ERR_NONE, ERR_TIMEOUT, ERR_UPSTREAM (not reached, cut, no HTTP,
	 * too large), ERR_INTERNAL (it is our own machine that gave no socket), ERR_INVALID (port
	 * or path). Any status is success; after a failure it is 0 and there is no answer. */
	enum err_kind failed;
	int status;
	const char *why; /* it failed, a static text; NULL = it did not */
	struct buf answer;

	/* Private from here on. */
	ask_done_fn *done;
	void *owner;
	struct deferred finish; /* how done() is reached */
	struct asker *all;
	struct ask_peer *peer;                     /* NULL = not started, or over */
	struct io io;                              /* on its connection */
	struct list node;                          /* among those under way */
	_Alignas(8) unsigned char parser[32];      /* the library's own struct */
	int64_t deadline_ms;                       /* monotonic */
	size_t bytes;                              /* of the answer, as they came */
	bool busy;                                 /* as in struct task */
	bool kept;                                 /* on a connection that was there before */
	bool head_over, complete, more, too_large; /* what the parser told */
};

/* On that peer, where none is under way. Never fails at once: what goes wrong is told in done(). */
void ask_start(struct asker *k, struct ask_peer *p, int port, struct ask *a, ask_done_fn *done,
	       void *owner);
/* Its connection is closed: the answer may still come there. Idempotent. */
void ask_cancel(struct ask *a);
/* Free the answer; the input fields are zeroed as well. */
void ask_reset(struct ask *a);

#endif
