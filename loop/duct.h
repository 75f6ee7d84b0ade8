/*
 * Ducts: two descriptors that a process hands to another one over a Unix socket (SCM_RIGHTS), which
 * reads and writes them in its stead. Their descriptions stay shared with whoever handed them over,
 * so what their flags say may change at any time: no call here waits for data or room, whatever
 * they say, and none changes them. A socket or a pipe it must be; of nothing else can that be said.
 * What cannot be helped: the kernel's own lock of what is shared, which a peer can hold for long by
 * a copy from or to memory that does not come.
 */
#ifndef LOOP_DUCT_H
#define LOOP_DUCT_H

#include <sys/types.h>

#include "base/mem.h"

struct duct {
	int fd;
	bool is_pipe;
	const int *sluice; /* where it is a pipe that is written; whoever takes it keeps that one */
};

/* What the taking side says about them on the connection over which they came, a byte each. */
enum duct_word {
	DUCTS_TAKEN = 't',      /* the first: they are served from now on */
	DUCTS_REFUSED = 'r',    /* or that: the connection itself carries all */
	DUCT_INPUT_ENDED = 'e', /* all was read up to the end */
	DUCT_OUTPUT_GONE = 'g', /* nobody takes what is written; the connection ends */
};

/* Whether the other end of this connection, or of those that come to this listener, can send
 * descriptors at all: the kernel closes what nobody receives as if we had, and to close can take
 * long (a TCP socket that lingers, a file of another machine). Nothing on a kernel older than 6.16,
 * which always lets them come. */
void ducts_allow(int fd, bool may_come);
/* Sends the byte with which they come, and the two; without them where the kernel refuses, which
 * the other side refuses then. */
MUST_USE int ducts_hand(int conn, int in, int out);
/* A pipe of the taking side's own, by way of which all others are written; empty between two calls.
 */
MUST_USE int sluice_open(int sluice[2]);
/* Reads that byte: 1 = taken; 0 = refused, all that came is closed; -1 with errno = nothing was
 * read (EAGAIN), or the connection has failed; ENODATA = it has ended. A socket must be a
 * connection of owner's: what is written to it carries our credentials. */
MUST_USE int ducts_take(int conn, uid_t owner, const int sluice[2], struct duct *in,
			struct duct *out);
/* The connection itself as one: nothing is closed with it. */
struct duct duct_of_socket(int fd);
/* As recv() and send() that never wait; a pipe without readers raises SIGPIPE. */
ssize_t duct_read(const struct duct *d, void *to, size_t max);
ssize_t duct_write(const struct duct *d, const void *data, size_t len);
void duct_close(struct duct *d);

#endif
