/*
 * HTTP client: libcurl's multi interface on our loop. A request is a task. No redirects, no proxy,
 * no netrc, no key log; TLS verified; http or https only; size and time limits; HTTP/2 over TLS
 * with one connection per host. Cloudflare and probes have pools (multi handles) of their own, so
 * that they do not throw each other's connections away.
 */
#ifndef LOOP_HTTP_H
#define LOOP_HTTP_H

#include "base/buf.h"
#include "base/secret.h"
#include "loop/task.h"

struct http; /* one pool */

struct http_options {
	int max_connections; /* kept alive; 0 = 4 */
	int max_in_flight;   /* requests beyond it wait; 0 = 8 */
	const char *ca_file; /* trust these certificates alone; NULL = the system's; copied */
};

struct http *http_new(struct loop *l, const struct http_options *options);
/* Cancels what is in flight, without done(). Fine in done(), not in piece(). */
void http_free(struct http *h);

#define HTTP_MAX_HEADERS 32

struct http_header {
	char *name; /* lower case */
	char *value;
};

struct http_req {
	struct task task; /* first member */

	/* Set before http_start; borrowed until done, except where it says copied. Zero the struct
	 * first; http_req_reset makes a finished one ready for the next use. */
	const char *method;          /* "GET" */
	const char *url;             /* copied */
	const char *unix_socket;     /* path, NULL = TCP; copied */
	const char *const *headers;  /* "Name: value", NULL-terminated; copied */
	const struct secret *bearer; /* Authorization: Bearer; wiped from our memory after use */
	const char *body;            /* sent with Content-Length, never chunked; copied */
	size_t body_len;
	int64_t timeout_ms;         /* whole exchange, waiting for a turn excepted; 0 = 30 s; below
				       0 = none, for streams */
	int64_t connect_timeout_ms; /* 0 = 5 s */
	/* Nothing is sent, a connection is all: to host and port of an http:// URL. Never to an
	 * address that is link-local or a metadata service's, whatever the name stands for. */
	bool connect_only;
	/* A connection of its own that is not kept, to a name that is looked up anew, and as with
	 * connect_only never to a link-local address. */
	bool alone;
	size_t max_body; /* bytes of the (decoded) answer; 0 = 16 MiB, or no limit with
			    piece; more is ERR_UPSTREAM */
	/* Streaming: called with each piece of the body; the body is then not kept. May start and
	 * cancel requests, this one too. */
	void (*piece)(struct http_req *r, const char *data, size_t len);

	/* Valid in done(). task.err: ERR_TIMEOUT, ERR_UPSTREAM (could not connect, cut, too large),
	 * ERR_INVALID (URL, method, header). Any HTTP status is success here; after a failure
	 * status is 0 and there is neither answer nor header. */
	int status;
	struct buf answer;
	struct http_header answer_headers[HTTP_MAX_HEADERS];
	size_t n_answer_headers;
	/* The request's bytes may have reached the peer: after a failure its effect is unknown.
	 * False only when it is certain that no byte of the request was sent. Only GET and HEAD are
	 * ever sent again by the library (on a kept connection that turned out dead). */
	bool sent;
	int64_t took_ms; /* of the exchange, waiting for a turn excepted */

	/* Private from here on. */
	struct http *pool;              /* NULL = not started, or done */
	struct http_transfer *transfer; /* NULL = over, done() is to be called */
	struct list node;               /* among those whose done() is to be called */
	task_done_fn *done;
	void *owner;
};

/* Never fails at once: what goes wrong is told in done(). */
void http_start(struct http *h, struct http_req *r, task_done_fn *done, void *owner);
void http_cancel(struct http_req *r);
/* Free answer and headers; the input fields are zeroed as well. */
void http_req_reset(struct http_req *r);
/* The first header of that (lower-case) name, or NULL. */
const char *http_answer_header(const struct http_req *r, const char *name);

#endif
