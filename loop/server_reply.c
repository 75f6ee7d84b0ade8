/*
 * Answers: whole ones, and streams. A stream's bytes wait in the request until the library asks for
 * them; when it asks and none wait, the connection is suspended until the next push.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "loop/server_private.h"

/* What the library asks for at once where it keeps a buffer for it (HTTP/1.0). */
#define STREAM_BLOCK 16384

static void header_put(struct MHD_Response *resp, const char *name, const char *value)
{
	/* Fails for line breaks, which would let a value become a header. */
	if (MHD_add_response_header(resp, name, value) != MHD_YES)
		log_error("A header of an answer (%s) is not valid and was left out.", name);
}

static void header_put_line(struct MHD_Response *resp, const char *line)
{
	const char *colon = strchr(line, ':');
	const char *value = colon ? colon + 1 + strspn(colon + 1, " ") : "";
	AUTO(str_t) name = str_ndup(line, colon ? (size_t)(colon - line) : strlen(line));

	header_put(resp, name, value);
}

static void headers_put(const struct server_req *r, struct MHD_Response *resp,
			const char *content_type, const char *const *headers)
{
	if (content_type)
		header_put(resp, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
	for (; headers && *headers; headers++)
		header_put_line(resp, *headers);
	if (conn_is_last(r->conn))
		header_put(resp, MHD_HTTP_HEADER_CONNECTION, "close");
}

/* Takes resp. */
static int answer_queue(struct server_req *r, int status, struct MHD_Response *resp,
			enum conn_phase phase)
{
	enum MHD_Result queued = MHD_queue_response(r->conn->mhd, (unsigned)status, resp);

	MHD_destroy_response(resp);
	if (r->conn->phase != CONN_CLOSING)
		conn_enter(r->conn, phase);
	return queued == MHD_YES ? 0 : -1;
}

static void answer_send(struct server_req *r, int status, struct MHD_Response *resp,
			enum conn_phase phase)
{
	r->answered = true;
	if (r->in_head) {
		r->held = resp;
		r->held_status = status;
		r->held_phase = phase;
		return;
	}
	if (answer_queue(r, status, resp, phase) < 0) {
		log_error("An answer with status %d could not be sent.", status);
		r->streaming = false;
		r->aborted = true;
	}
	req_resume(r);
}

enum MHD_Result reply_held(struct server_req *r)
{
	struct MHD_Response *resp = steal(&r->held);

	return answer_queue(r, r->held_status, resp, r->held_phase) < 0 ? MHD_NO : MHD_YES;
}

static bool answer_allowed(const struct server_req *r)
{
	if (r->conn->server->closing)
		return false;
	if (r->answered)
		log_error("A request was answered twice; the second answer was dropped.");
	return !r->answered;
}

/* resp: NULL = there is no memory for it. */
static void reply_with(struct server_req *r, int status, const char *content_type,
		       struct MHD_Response *resp, const char *const *headers)
{
	if (!resp) {
		log_error("An answer could not be made.");
		r->answered = true;
		req_abort(r);
		return;
	}
	headers_put(r, resp, content_type, headers);
	answer_send(r, status, resp, CONN_ANSWER);
}

void server_reply(struct server_req *r, int status, const char *content_type, const void *body,
		  size_t len, const char *const *headers)
{
	/* The library copies, but wants to be able to write. */
	union {
		const void *given;
		void *wanted;
	} data = {.given = body};

	if (answer_allowed(r))
		reply_with(r, status, content_type,
			   MHD_create_response_from_buffer(len, data.wanted, MHD_RESPMEM_MUST_COPY),
			   headers);
}

void server_reply_taken(struct server_req *r, int status, const char *content_type,
			struct buf *body, const char *const *headers)
{
	AUTO(buf_t) taken = *body;

	*body = (struct buf){0};
	/* The library frees nothing where there are no bytes, and wipes nothing. */
	if (!taken.len || taken.secret) {
		server_reply(r, status, content_type, taken.data, taken.len, headers);
		return;
	}
	if (!answer_allowed(r))
		return;

	struct MHD_Response *resp =
		MHD_create_response_from_buffer(taken.len, taken.data, MHD_RESPMEM_MUST_FREE);

	if (resp)
		taken = (struct buf){0};
	reply_with(r, status, content_type, resp, headers);
}

int reply_upgrade(struct server_req *r, const char *protocol, MHD_UpgradeHandler began, void *cls)
{
	struct MHD_Response *resp = MHD_create_response_for_upgrade(began, cls);

	if (!resp)
		return -1;
	header_put(resp, MHD_HTTP_HEADER_UPGRADE, protocol);
	if (answer_queue(r, MHD_HTTP_SWITCHING_PROTOCOLS, resp, CONN_ANSWER) < 0)
		return -1;
	r->answered = true;
	req_resume(r);
	return 0;
}

/* ---- streams ---- */

static void stream_drained(struct deferred *d, void *owner)
{
	struct server_req *r = owner;

	(void)d;
	if (!r->aborted && !r->ended)
		r->drained(r, r->drained_owner);
}

static size_t stream_waiting(const struct server_req *r)
{
	return r->out.len - r->out_sent;
}

static size_t stream_take(struct server_req *r, char *to, size_t max)
{
	size_t n = stream_waiting(r) < max ? stream_waiting(r) : max;

	memcpy(to, r->out.data + r->out_sent, n);
	r->out_sent += n;
	r->moved_ms = clock_mono_ms();
	r->undrained = true;
	/* Moving the rest down only when it is the smaller part keeps the copying linear. */
	if (r->out_sent >= r->out.len - r->out_sent) {
		buf_consume(&r->out, r->out_sent);
		r->out_sent = 0;
	}
	return n;
}

/* The library asks again only when all it took before has been handed to the kernel. */
static ssize_t stream_asked(void *cls, uint64_t pos, char *to, size_t max)
{
	struct server_req *r = cls;

	(void)pos;
	if (r->aborted)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (stream_waiting(r))
		return (ssize_t)stream_take(r, to, max);
	if (r->ended)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (r->undrained && r->drained)
		deferred_start(&r->drained_call);
	r->undrained = false;
	MHD_suspend_connection(r->conn->mhd);
	r->suspended = true;
	return 0;
}

void server_stream_begin(struct server_req *r, int status, const char *content_type,
			 const char *const *headers, void (*drained)(struct server_req *, void *),
			 void *owner)
{
	if (!answer_allowed(r))
		return;

	struct MHD_Response *resp = MHD_create_response_from_callback(
		MHD_SIZE_UNKNOWN, STREAM_BLOCK, stream_asked, r, NULL);

	if (!resp) {
		log_error("A stream could not be made.");
		r->answered = true;
		req_abort(r);
		return;
	}
	headers_put(r, resp, content_type, headers);
	r->streaming = true;
	r->moved_ms = clock_mono_ms();
	r->drained = drained;
	r->drained_owner = owner;
	deferred_init(&r->drained_call, r->conn->server->loop, stream_drained, r);
	answer_send(r, status, resp, CONN_STREAM);
	if (r->conn->half_closed || r->conn->hung_up)
		req_abort(r);
}

int server_stream_push(struct server_req *r, const void *data, size_t len)
{
	size_t waiting = stream_waiting(r);

	if (!r->streaming || r->ended || r->aborted)
		return 0;
	if (len > r->conn->server->limits.max_stream ||
	    waiting > r->conn->server->limits.max_stream - len)
		return -1;
	if (!waiting)
		r->moved_ms = clock_mono_ms();
	buf_add(&r->out, data, len);
	req_resume(r);
	return 0;
}

void server_stream_end(struct server_req *r)
{
	if (!r->streaming || r->ended)
		return;
	r->ended = true;
	r->moved_ms = clock_mono_ms();
	req_resume(r);
}

bool stream_stuck(const struct server_req *r, int64_t now)
{
	if (!stream_waiting(r) && !r->ended)
		return false;
	return now - r->moved_ms >= r->conn->server->limits.idle_ms;
}
