/*
 * The listener of probes through the edge, and the nonces that it knows. A nonce is taken once;
 * what is not taken gets 404 without a body, whatever was asked for.
 */
#ifndef SUPERVISE_EDGE_LISTENER_H
#define SUPERVISE_EDGE_LISTENER_H

#include "base/list.h"
#include "loop/server.h"
#include "model/edge_probe.h"

/* One request on its way; embedded by who sends it. */
struct edge_nonce {
	struct list node; /* among those that are valid; out of it = it is not */
	char nonce[EDGE_NONCE_DIGITS + 1], answer[EDGE_NONCE_DIGITS + 1];
	const char *hostname; /* under which it must come; borrowed */
	/* It came, from that process: may it? */
	bool (*came)(struct edge_nonce *n, pid_t pid);
};

struct edge_listener {
	struct server *server; /* NULL = it does not listen */
	struct list valid;
};

void edge_listener_init(struct edge_listener *l);
/* Idempotent. */
MUST_USE int edge_listener_open(struct edge_listener *l, struct loop *loop, const char *path,
				struct err *e);
void edge_listener_close(struct edge_listener *l, const char *path);
/* A fresh nonce and its answer, valid from now on. */
void edge_nonce_begin(struct edge_listener *l, struct edge_nonce *n);
void edge_nonce_end(struct edge_nonce *n); /* idempotent; wiped */

#endif
