/*
 * What the files of the server share: listeners, connections, requests. The library
 * (libmicrohttpd) owns parsing and sending; deadlines, limits, refusals, streams and the notice of
 * a peer that left are ours. A connection outlives its requests; a request lives from its complete
 * header until the library says that it is over, and only then its memory goes.
 */
#ifndef LOOP_SERVER_PRIVATE_H
#define LOOP_SERVER_PRIVATE_H

#include <microhttpd.h>

#include "loop/server.h"

/* Connections that a full listener takes beyond its limit, only to answer 503. */
#define LISTENER_SPARE 8
/* What is read and thrown away after a refusal, so that the client gets to read the answer. */
#define LINGER_BYTES ((size_t)8 << 20)
#define LINGER_MS    2000

struct listener {
	struct list node; /* in server.listeners */
	struct server *server;
	struct io io;
	int fd; /* -1 = closed */
	int door;
	bool paused; /* full, or no descriptors left: the sweep tries again */
	int connections;
	char local[64];
};

struct server {
	struct loop *loop;
	struct server_limits limits;
	struct server_handler handler;
	struct MHD_Daemon *mhd;
	struct io io;         /* the library's epoll descriptor */
	struct timer pending; /* the library wants to be run again */
	struct deferred kick; /* something was resumed */
	int watch_fd;         /* our own epoll set: bytes that arrive, peers that leave */
	struct io watch;
	int sluice[2];      /* for pipes that were handed over (duct.h) */
	struct timer sweep; /* deadlines; runs only while there is something to look at */
	int64_t sweep_ms;
	int64_t complained_ms; /* when the lack of descriptors was last logged */
	struct list listeners, conns;
	int connections;
	struct conn *arriving; /* handed to the library, not yet taken */
	bool closing;
};

/* What a connection waits for; each has its own deadline, counted from conn.since_ms. */
enum conn_phase {
	CONN_IDLE,    /* the first byte of a request */
	CONN_HEADER,  /* the rest of its header */
	CONN_BODY,    /* the rest of its body */
	CONN_WAITING, /* the handler's answer: no deadline of ours */
	CONN_ANSWER,  /* the client to take the answer */
	CONN_STREAM,
	CONN_LINES,   /* upgraded: the library only keeps its records of it */
	CONN_LINGER,  /* refused; what still comes is thrown away */
	CONN_CLOSING, /* shut down; the library will notice */
};

struct conn {
	struct list node; /* in server.conns, oldest first */
	struct server *server;
	struct listener *listener;
	struct MHD_Connection *mhd;
	int fd; /* the library's; valid as long as we are */
	struct peer peer;
	int peer_port;
	int64_t whose; /* as claimed by its last request; 0 = nobody's */
	enum conn_phase phase;
	int64_t since_ms;
	bool input_waits; /* bytes came while a request was being answered */
	bool half_closed; /* the peer sends no more; it may still read */
	bool hung_up;     /* the peer is gone in both directions */
	bool bad_uri;
	bool over_limit;
	struct server_req *req; /* NULL between requests */
};

struct server_req {
	struct conn *conn;
	char *method, *path;
	struct buf body;
	char id[13];
	void *context, *guard;
	bool seen;      /* the handler knows of it: gone is due */
	bool in_head;   /* inside handler.head */
	bool requested; /* handler.request was called */
	bool answered;
	bool suspended;
	bool aborted;
	bool is_1_1; /* the version of HTTP */
	bool has_body, chunked, expects_continue;
	uint64_t body_length; /* as announced; 0 when chunked */
	size_t discarded;

	/* An answer that waits for the end of a body that nobody wants. */
	struct MHD_Response *held;
	int held_status;
	enum conn_phase held_phase;

	/* Stream: out[out_sent..] waits for the client. */
	bool streaming, ended, undrained;
	struct buf out;
	size_t out_sent;
	int64_t moved_ms; /* when the client last took something, or began to owe it */
	void (*drained)(struct server_req *, void *);
	void *drained_owner;
	struct deferred drained_call;

	struct server_lines *lines; /* it is upgraded, or about to be */
};

/* peer.c */
void peer_read(int fd, struct peer *p);
void peer_free(struct peer *p);

/* peer_tcp.c: the number of the socket at the other end of a loopback connection; 0 = not known. */
uint64_t peer_socket(int fd);

/* server_conn.c */
void listener_accept(struct listener *l);
void listener_close(struct listener *l);
/* Free it when it is closed and its last connection has ended. */
void listener_let_go(struct listener *l);
/* Whatever is answered now is the connection's last answer. */
bool conn_is_last(const struct conn *c);
void conn_enter(struct conn *c, enum conn_phase phase);
/* Answer an error without the library, at a point where nothing else is being sent, and end the
 * sending direction. */
void conn_refuse(struct conn *c, int status, const char *what);
/* Make the library see that the peer sends no more. */
void conn_nudge(struct conn *c);
/* Shut down in both directions; the library notices and ends request and connection. */
void conn_kill(struct conn *c);
void conn_notified(void *cls, struct MHD_Connection *mhd, void **socket_context,
		   enum MHD_ConnectionNotificationCode code);
/* See who sent and who left since the last call. */
void watch_drain(struct server *s);
/* From now on only the peer's leaving is of interest, no longer its bytes. */
void watch_leaving(struct conn *c);
void sweep_arm(struct server *s);
void sweep_fired(struct timer *t, void *owner);

/* server_req.c */
enum MHD_Result req_came(void *cls, struct MHD_Connection *mhd, const char *url, const char *method,
			 const char *version, const char *data, size_t *size, void **slot);
void req_completed(void *cls, struct MHD_Connection *mhd, void **slot,
		   enum MHD_RequestTerminationCode code);
size_t req_unescape(void *cls, struct MHD_Connection *mhd, char *s);
struct conn *conn_of(struct MHD_Connection *mhd);
/* The peer has gone: no answer will be sent. */
void req_abort(struct server_req *r);
/* Let the library go on with a request that waited. */
void req_resume(struct server_req *r);

/* server_head.c: 0, or the status to refuse with and why. */
int head_check(struct server_req *r, const char *version, const char **what);
int body_check(const struct server_req *r, const char **what);

/* server_reply.c */
enum MHD_Result reply_held(struct server_req *r);
/* Answer by 101; began is called when that has been sent. */
MUST_USE int reply_upgrade(struct server_req *r, const char *protocol, MHD_UpgradeHandler began,
			   void *cls);
bool stream_stuck(const struct server_req *r, int64_t now);

/* server_lines.c */
/* Something was noticed on its connection: see to it from the loop. */
void lines_noticed(struct server_lines *l);
/* Cut off: nothing more is sent or taken. */
void lines_abort(struct server_lines *l);
/* It took nothing of what waits for too long. */
bool lines_stuck(const struct server_lines *l, int64_t now);
/* Tell the handler that it is over and give the connection back to the library. */
void lines_close(struct server_lines *l);
/* With the request; tells the handler where that was not done. */
void lines_free(struct server_lines *l);

#endif
