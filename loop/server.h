/*
 * HTTP/1.1 server: libmicrohttpd with its epoll descriptor in our loop; no threads. One server has
 * several listeners (doors); a request tells by which one it came. Bodies are collected up to a
 * limit; answers are sent whole or as a stream. Header, body and idle deadlines are ours, since
 * the library's time-out counts inactivity only; a peer that leaves is noticed while a request
 * waits (the library does not see it: a side watch on the connection's descriptor does). A request
 * may turn its connection into one of lines (Upgrade), which then is ours alone.
 */
#ifndef LOOP_SERVER_H
#define LOOP_SERVER_H

#include <sys/types.h>

#include "base/buf.h"
#include "loop/loop.h"

struct server;
struct server_req;

struct server_limits {
	size_t max_header;   /* bytes; 0 = 16 KiB; more is 431 */
	size_t max_body;     /* bytes; 0 = 1 MiB; more is 413 */
	int max_connections; /* per listener; 0 = 512 */
	int64_t header_ms;   /* from accept or the last answer's end to a complete header once its
				first byte came; 0 = 10 s */
	int64_t body_ms;     /* from header to complete body; 0 = 30 s */
	int64_t idle_ms;     /* keep-alive without a request; 0 = 60 s */
	size_t max_stream;   /* bytes a slow reader may have waiting; 0 = 1 MiB */
};

/* Who is at the other end of a Unix socket (SO_PEERCRED, SO_PEERGROUPS); valid = false on TCP or
 * where the kernel did not tell. */
struct peer {
	bool valid;
	pid_t pid;
	int64_t start_ticks; /* of that process when it was accepted; 0 = not to be seen */
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* supplementary; valid as long as the request */
	size_t n_groups;
	uint64_t socket; /* TCP: the peer's own, for process_holds_socket; 0 = not known */
};

/* Is that socket one of the process's descriptors? false where that is not to be seen. */
bool process_holds_socket(pid_t pid, uint64_t socket);

struct server_handler {
	/* The header is complete, the body not read, its announced size not judged yet. 0 = go on;
	 * anything else = the handler has answered by server_reply (a refusal), the body is not
	 * read. May be NULL. */
	int (*head)(struct server_req *r, void *owner);
	/* Header and body are complete. The handler answers now or later, once. */
	void (*request)(struct server_req *r, void *owner);
	/* The request is over: answered, or its peer has gone. The request's memory ends after this
	 * call; whoever kept the pointer forgets it here. Called once for every request that head
	 * or request was called with. Gone means closed in both directions; the end of the peer's
	 * sending alone ends a stream, while a plain request is still answered. */
	void (*gone)(struct server_req *r, void *owner);
	/* The text of an error that the server itself must send (400, 408, 413, 431, 503): writes a
	 * body for it and returns its content type. May be NULL: plain text. */
	const char *(*refusal)(int status, const char *what, struct buf *body, void *owner);
	void *owner;
	/* A connection came, nothing of it was read: false closes it. peer_port is 0 on a Unix
	 * socket. May be NULL. */
	bool (*accepted)(const struct peer *peer, int door, int peer_port, void *owner);
};

struct server *server_new(struct loop *l, const struct server_limits *limits,
			  const struct server_handler *handler);
/* Closes all; gone is called for what is open. Not from inside a handler. */
void server_free(struct server *s);
/* Listen on a descriptor that is bound and listening already (a Unix socket, a TCP socket, one from
 * systemd). Takes it, on failure too. door is kept for the caller and told by server_req_door. */
MUST_USE int server_listen(struct server *s, int fd, int door, struct err *e);
/* Make listening sockets for server_listen. The Unix socket is made with mode and, where gid is not
 * -1, that group, in one step that leaves no window; a stale one is replaced, a live one refused
 * (ERR_BUSY). address is "127.0.0.1:7437" or "[::1]:0". */
MUST_USE int server_socket_unix(const char *path, mode_t mode, gid_t gid, int *fd, struct err *e);
MUST_USE int server_socket_tcp(const char *address, int *fd, struct err *e);
/* Stop accepting; what is open goes on. */
void server_stop_accepting(struct server *s);
/* The same of one door, which may be listened on again: idle connections of it are closed, others
 * when their request is answered. */
void server_unlisten(struct server *s, int door);
int server_connections(const struct server *s);

/* ---- one request ---- */
const char *server_req_method(const struct server_req *r);
const char *server_req_path(const struct server_req *r); /* decoded, without the query */
int server_req_door(const struct server_req *r);
const struct peer *server_req_peer(const struct server_req *r);
const char *server_req_header(const struct server_req *r, const char *name); /* NULL = absent */
/* The n-th query argument in the order of the URL, decoded; false past the last. */
bool server_req_query(const struct server_req *r, size_t n, const char **name, const char **value);
const struct buf *server_req_body(const struct server_req *r);
/* A slot for the handler's own state; NULL at first. */
void server_req_set_context(struct server_req *r, void *context);
void *server_req_context(const struct server_req *r);
/* A second slot, for whoever stands before the handler and judges who may reach it. */
void server_req_set_guard(struct server_req *r, void *guard);
void *server_req_guard(const struct server_req *r);
bool server_req_streams(const struct server_req *r); /* its answer is a stream, or lines */
/* Notes whose connection this is (any number but 0), and how many open ones that one has now on
 * this server, this one among them. */
int server_req_claim(struct server_req *r, int64_t whose);
/* A unique id of the request, for the log: 12 hex digits. */
const char *server_req_id(const struct server_req *r);
/* The listener's own address as "127.0.0.1:7437" ("" on Unix). */
const char *server_req_local(const struct server_req *r);
int server_req_peer_port(const struct server_req *r); /* 0 on Unix */
size_t server_req_header_count(const struct server_req *r);
/* How often a header of that name came. */
size_t server_req_header_repeats(const struct server_req *r, const char *name);

/* Answer. headers: "Name: value", NULL-terminated, may be NULL. The body is copied. */
void server_reply(struct server_req *r, int status, const char *content_type, const void *body,
		  size_t len, const char *const *headers);
/* The same, and the body's memory is taken over instead. */
void server_reply_taken(struct server_req *r, int status, const char *content_type,
			struct buf *body, const char *const *headers);

/* Cut its connection now: gone follows from the loop. For who must not get another byte. */
void server_req_cut(struct server_req *r);

/* Streams (server-sent events): begin answers the header; push adds bytes, -1 when more than
 * max_stream would wait (nothing is added; the caller drops or closes); end closes when all of it
 * has been sent. After the peer has gone (handler.gone), the request must not be used. drained, if
 * set, is called when all that was pushed has been handed to the kernel. */
void server_stream_begin(struct server_req *r, int status, const char *content_type,
			 const char *const *headers, void (*drained)(struct server_req *, void *),
			 void *owner);
int server_stream_push(struct server_req *r, const void *data, size_t len);
void server_stream_end(struct server_req *r);

/* ---- lines: a connection that has left HTTP (101), one text a line in both directions ---- */
struct server_lines;

struct server_lines_handler {
	/* One line without its end (LF or CR LF), followed by a NUL that is not counted; never an
	 * empty one. What the peer sends without a line's end before it stops sending is one too.
	 */
	void (*line)(struct server_lines *l, const char *text, size_t len, void *owner);
	/* A line was longer than max_line: it is skipped up to its end. NULL: the connection ends.
	 */
	void (*too_long)(struct server_lines *l, void *owner);
	/* The peer sends no more, and may still read: called once, after the last line; whoever has
	 * nothing more to say answers by server_lines_end. NULL: that is done for him. */
	void (*input_ended)(struct server_lines *l, void *owner);
	/* It is over: ended from here, or its peer has gone. l ends after this call, which comes
	 * from the loop, never from inside one of the functions below, and once for each upgrade.
	 * The request's own gone follows. */
	void (*gone)(struct server_lines *l, void *owner);
	void *owner;
};

/* Answers r by 101 with this protocol's name. Only from or after server_handler.request. The
 * handler's first call comes later, from the loop; pushing may begin at once. NULL where r cannot
 * be upgraded (HTTP/1.0, or the server is stopping): it still wants its answer then. */
struct server_lines *server_upgrade_lines(struct server_req *r, const char *protocol,
					  size_t max_line, const struct server_lines_handler *h);
/* The same, and its peer first hands over two descriptors (loop/duct.h): the lines come from one
 * and go to the other, while the connection stays what the rest is bound to: who it is, limits, and
 * that all ends when it is closed. Descriptors that do not fit are refused, and the connection is
 * one of lines itself. */
struct server_lines *server_upgrade_ducts(struct server_req *r, const char *protocol,
					  size_t max_line, const struct server_lines_handler *h);
/* Adds bytes (whole lines with their ends); -1 when more than max_stream would wait: nothing is
 * added, and whoever cannot do without ends the connection. While half of that waits, no line is
 * taken from the peer; a peer that takes nothing for idle_ms is closed. */
int server_lines_push(struct server_lines *l, const void *data, size_t len);
/* No more lines are taken; closes when all that was pushed has been sent. Idempotent. */
void server_lines_end(struct server_lines *l);
/* While held, no line is taken from the peer: for whoever has enough to do. */
void server_lines_hold(struct server_lines *l, bool held);
void server_lines_set_context(struct server_lines *l, void *context);
void *server_lines_context(const struct server_lines *l);
/* The request that was upgraded: its peer, id, door and context; its answer is given. */
struct server_req *server_lines_req(const struct server_lines *l);

#endif
