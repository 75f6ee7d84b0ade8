/*
 * One exchange as libcurl sees it: an easy handle, copies of all that the request said, and what
 * came back so far. On the heap and apart from the request, since a cancel inside one of curl's
 * callbacks must let go of the request at once but of the handle only later.
 * Private to loop/http.c and loop/http_transfer.c.
 */
#ifndef LOOP_HTTP_TRANSFER_H
#define LOOP_HTTP_TRANSFER_H

#include <curl/curl.h>

#include "loop/http.h"

struct http_transfer {
	struct list node;     /* among the pool's waiting or flying ones */
	struct http_req *req; /* NULL = cancelled: to be dropped */
	CURL *easy;
	bool flying; /* handed to the multi handle */
	bool plain;  /* a GET of which nothing but the URL and times stays in its handle */

	char *method, *url, *socket, *body; /* owned */
	size_t body_len;
	struct strlist header_lines;
	struct curl_slist *headers; /* with the token: exists only while flying */
	char *peer;                 /* for sentences: host:port, or the socket's path */

	int attempts; /* how often a connection was ready for the request */
	size_t header_bytes, body_bytes, max_body;
	bool header_ended;
	bool header_too_large, body_too_large;
	int64_t started_ms;
	char reason[CURL_ERROR_SIZE];
};

/* Copy what the request says. */
struct http_transfer *transfer_new(struct http_req *r);
/* The handle must have left the multi handle. */
void transfer_free(struct http_transfer *t);
/* Make the easy handle, or take the spare one, which may be NULL, as ca_file. */
MUST_USE int transfer_prepare(struct http_transfer *t, CURL *spare, const char *ca_file,
			      struct err *e);
/* The handle of one that went well, for the next plain one of the pool; NULL: it is of no use. It
 * must have left the multi handle. */
CURL *transfer_take_handle(struct http_transfer *t);
/* Put result, status and times into the request, which is still there. */
void transfer_outcome(struct http_transfer *t, CURLcode result);
/* Forget what a request holds of an answer. */
void answer_clear(struct http_req *r);

#endif
