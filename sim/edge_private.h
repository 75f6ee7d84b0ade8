/*
 * Inside the simulated edge: what its files share. A link is one connection of a connector,
 * a visitor one connection of a browser; both are freed by the sweep only, never from inside a
 * callback, so that nobody holds a pointer to what has gone. Only the edge's files include this.
 */
#ifndef SIM_EDGE_PRIVATE_H
#define SIM_EDGE_PRIVATE_H

#include "base/map.h"
#include "base/text.h"
#include "loop/loop.h"
#include "sim/cloud.h"
#include "sim/edge.h"
#include "sim/stub/http1.h"
#include "sim/stub/wire.h"

/* Bytes on their way out; taken off the front without moving the rest. */
struct outq {
	struct buf bytes;
	size_t done;
};
size_t outq_len(const struct outq *q);
/* Write what the socket takes; -1 when it is broken. */
int outq_flush(struct outq *q, int fd);
/* Read once. 1 = some, 0 = end, -1 = nothing now, -2 = broken. */
int socket_fill(struct buf *in, int fd);

struct refusal {
	char *words;  /* NULL = none; "" = never answer */
	char *tunnel; /* NULL = all */
	bool permanent;
	int64_t times; /* still to refuse; -1 = for ever */
};

struct edge {
	struct loop *loop;
	struct cloud *cloud;
	struct io connectors, visitors; /* listening */
	struct list links, guests;
	struct deferred sweep;
	uint32_t next_id;
	size_t turn; /* of the balancing */
	int64_t requests, failures, refused, registered;

	/* faults */
	struct strlist frozen; /* tunnel ids; "*" = all */
	struct refusal refusal;
	int64_t delay_ms, record_lag_ms, register_delay_ms, timeout_ms;
	struct map names; /* name -> struct edge_name: where the edge last knew it to lead */
	bool close_connectors;
};

struct link {
	struct list node;
	struct edge *edge;
	struct io io;
	struct buf in;
	struct outq out;
	struct timer answer; /* to a registration that is delayed */
	char *hello;
	const char *account, *secret, *version_text; /* inside hello */
	char tunnel[UUID_SIZE], connector[UUID_SIZE];
	int index;
	int64_t version; /* that it says it runs */
	bool greeted, registered, draining, doomed;
	bool lost;   /* the other end was not told: the socket stays, nothing crosses it */
	size_t open; /* requests */
};

enum guest_state {
	GUEST_HEAD,
	GUEST_DELAYED,
	GUEST_BODY,
	GUEST_ANSWER,
	GUEST_CLOSING,
	GUEST_LINGER
};

struct guest {
	struct list node;
	struct edge *edge;
	struct io io;
	struct buf in, head;
	struct outq out;
	struct timer timer;
	enum guest_state state;
	struct link *link; /* NULL = no request under way there */
	uint32_t id;
	struct http1_body body;
	bool keep, old, head_only; /* keep-alive; HTTP/1.0; HEAD */
	bool answering, chunked, doomed;
};

void edge_sweep_soon(struct edge *e);
bool edge_frozen(const struct edge *e, const char *tunnel);

/* ---- edge_link.c ---- */
void link_accept(struct edge *e, int fd);
void link_free(struct link *l);
void link_doom(struct link *l);
void link_watch(struct link *l);
/* The path is gone, and the connector does not hear of it. */
void link_half_open(struct link *l);
/* After a freeze: what came in before it is read now. */
void link_thaw(struct link *l);
void link_send(struct link *l, enum wire_type type, uint32_t id, const void *data, size_t len);
void link_push_config(struct link *l);
/* One request less; a draining link closes with its last. */
void link_request_over(struct link *l);
/* The next of a tunnel's links in turn, NULL when it has none. */
struct link *link_pick(struct edge *e, const char *tunnel);
/* tunnel, connector, index of a control command; an absent member matches all. */
bool link_matches(const struct link *l, const struct json *which);

/* ---- edge_names.c ---- */
/* As the edge knows it, which may be late. The tunnel lasts until the next question. */
const char *edge_tunnel_of(struct edge *e, const char *host, bool *known);
void edge_names_free(struct edge *e);

/* ---- edge_visitor.c ---- */
void guest_accept(struct edge *e, int fd);
void guest_free(struct guest *g);
/* What a link says about a request. */
void guest_frame(struct link *l, const struct wire_frame *f);
/* The link goes: its requests fail. */
void guest_link_gone(struct link *l);
/* The link has room again. */
void guest_link_drained(struct link *l);

#endif
