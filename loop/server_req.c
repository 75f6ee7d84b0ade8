/*
 * One request, from its complete header to the library's word that it is over. The library calls
 * req_came for the header, for each piece of the body, and once more when all is there; a request
 * whose answer is not ready then is suspended and resumed by the answer, or by its peer's leaving.
 */
#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "loop/server_private.h"

/* The library reads before it asks us on the way back from suspension, and takes the end of a half
 * closed client's input for a failure; for a connection with a time-out of its own it asks first.
 * The value itself never matters: our own deadline for the answer is shorter. */
#define ASK_FIRST_S 36000U

struct conn *conn_of(struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

/* ---- life ---- */

static struct server_req *req_new(struct conn *c, const char *method, const char *url)
{
	struct server_req *r = mem_alloc(sizeof(*r));

	r->conn = c;
	r->method = str_dup(method);
	r->path = str_dup(url);
	r->body.limit = c->server->limits.max_body;
	unique_hex(r->id);
	c->req = r;
	return r;
}

static void req_free(struct server_req *r)
{
	deferred_stop(&r->drained_call);
	if (r->held)
		MHD_destroy_response(r->held);
	buf_free(&r->body);
	buf_free(&r->out);
	free(r->method);
	free(r->path);
	free(r);
}

void req_completed(void *cls, struct MHD_Connection *mhd, void **slot,
		   enum MHD_RequestTerminationCode code)
{
	struct server_req *r = *slot;

	(void)cls;
	(void)code;
	if (!r)
		return;
	*slot = NULL;

	struct conn *c = r->conn;
	const struct server_handler *h = &c->server->handler;

	if (r->lines)
		lines_free(steal(&r->lines));
	if (r->seen && h->gone)
		h->gone(r, h->owner);
	c->req = NULL;
	req_free(r);
	if (c->phase == CONN_CLOSING || c->phase == CONN_LINGER)
		return;
	MHD_set_connection_option(mhd, MHD_CONNECTION_OPTION_TIMEOUT, 0U);
	conn_enter(c, c->input_waits ? CONN_HEADER : CONN_IDLE);
	c->input_waits = false;
	conn_nudge(c);
}

void req_resume(struct server_req *r)
{
	struct conn *c = r->conn;

	if (!r->suspended)
		return;
	r->suspended = false;
	if (!r->streaming)
		MHD_set_connection_option(c->mhd, MHD_CONNECTION_OPTION_TIMEOUT, ASK_FIRST_S);
	MHD_resume_connection(c->mhd);
	if (!c->server->closing)
		deferred_start(&c->server->kick);
}

void req_abort(struct server_req *r)
{
	r->aborted = true;
	req_resume(r);
}

/* ---- what the library tells ---- */

/* 0 = go on with the body or the request. */
static int head_asked(struct server_req *r)
{
	const struct server_handler *h = &r->conn->server->handler;
	int refused = 0;

	if (!h->head)
		return 0;
	r->seen = true;
	r->in_head = true;
	refused = h->head(r, h->owner);
	r->in_head = false;
	if (refused && !r->held) {
		log_error("A request was refused without an answer.");
		server_reply(r, 500, "text/plain", NULL, 0, NULL);
	}
	return refused;
}

static enum MHD_Result head_came(struct server_req *r, const char *version)
{
	struct conn *c = r->conn;
	const char *what = NULL;
	int status = head_check(r, version, &what);

	r->is_1_1 = str_equal(version, "HTTP/1.1");
	conn_enter(c, CONN_BODY);
	c->bad_uri = false;
	c->input_waits = false;
	if (status) {
		conn_refuse(c, status, what);
		return r->has_body && !r->expects_continue ? MHD_YES : MHD_NO;
	}
	if (head_asked(r))
		return r->expects_continue ? reply_held(r) : MHD_YES;
	status = body_check(r, &what);
	if (status) {
		conn_refuse(c, status, what);
		return r->expects_continue ? MHD_NO : MHD_YES;
	}
	return MHD_YES;
}

static enum MHD_Result body_discard(struct server_req *r, size_t len)
{
	r->discarded += len;
	return r->discarded <= LINGER_BYTES ? MHD_YES : MHD_NO;
}

static enum MHD_Result body_came(struct server_req *r, const char *data, size_t len)
{
	struct conn *c = r->conn;

	if (c->phase == CONN_CLOSING)
		return MHD_NO;
	if (c->phase == CONN_LINGER || r->held)
		return body_discard(r, len);
	if (buf_add(&r->body, data, len) < 0)
		conn_refuse(c, 413, "The request's body is too large.");
	return MHD_YES;
}

static enum MHD_Result request_came(struct server_req *r)
{
	struct conn *c = r->conn;
	const struct server_handler *h = &c->server->handler;

	if (c->phase == CONN_LINGER || c->phase == CONN_CLOSING || r->aborted || r->requested)
		return MHD_NO;
	if (r->held)
		return reply_held(r);
	r->requested = true;
	r->seen = true;
	conn_enter(c, CONN_WAITING);
	h->request(r, h->owner);
	if (r->answered)
		return r->aborted && !r->streaming ? MHD_NO : MHD_YES;
	MHD_suspend_connection(c->mhd);
	r->suspended = true;
	/* It may have been noticed before, and is not told twice. */
	if (c->hung_up)
		req_abort(r);
	return MHD_YES;
}

enum MHD_Result req_came(void *cls, struct MHD_Connection *mhd, const char *url, const char *method,
			 const char *version, const char *data, size_t *size, void **slot)
{
	struct server_req *r = *slot;
	size_t len = *size;

	(void)cls;
	if (!r) {
		struct conn *c = conn_of(mhd);

		if (!c)
			return MHD_NO;
		*slot = req_new(c, method, url);
		return head_came(*slot, version);
	}
	if (!len)
		return request_came(r);
	*size = 0;
	return body_came(r, data, len);
}

/* %-escapes only, in place. A NUL would end the string early for whoever compares it, and a broken
 * escape has no one meaning: both make the whole target invalid. */
size_t req_unescape(void *cls, struct MHD_Connection *mhd, char *s)
{
	struct conn *c = conn_of(mhd);
	char *out = s;

	(void)cls;
	for (const char *p = s; *p; p++) {
		char digits[3] = {0};

		if (*p != '%') {
			*out++ = *p;
			continue;
		}
		digits[0] = p[1];
		digits[1] = p[1] ? p[2] : '\0';
		if (!isxdigit((unsigned char)digits[0]) || !isxdigit((unsigned char)digits[1]) ||
		    !strtol(digits, NULL, 16)) {
			if (c)
				c->bad_uri = true;
			*out++ = *p;
			continue;
		}
		*out++ = (char)strtol(digits, NULL, 16);
		p += 2;
	}
	*out = '\0';
	return (size_t)(out - s);
}

/* ---- what the handler asks ---- */

const char *server_req_method(const struct server_req *r)
{
	return r->method;
}

const char *server_req_path(const struct server_req *r)
{
	return r->path;
}

int server_req_door(const struct server_req *r)
{
	return r->conn->listener->door;
}

const struct peer *server_req_peer(const struct server_req *r)
{
	return &r->conn->peer;
}

int server_req_peer_port(const struct server_req *r)
{
	return r->conn->peer_port;
}

const char *server_req_local(const struct server_req *r)
{
	return r->conn->listener->local;
}

const char *server_req_header(const struct server_req *r, const char *name)
{
	return MHD_lookup_connection_value(r->conn->mhd, MHD_HEADER_KIND, name);
}

size_t server_req_header_count(const struct server_req *r)
{
	int n = MHD_get_connection_values(r->conn->mhd, MHD_HEADER_KIND, NULL, NULL);

	return n > 0 ? (size_t)n : 0;
}

struct header_search {
	const char *name;
	size_t n;
};

static enum MHD_Result header_matches(void *cls, enum MHD_ValueKind kind, const char *name,
				      const char *value)
{
	struct header_search *h = cls;

	(void)kind;
	(void)value;
	h->n += !strcasecmp(name, h->name);
	return MHD_YES;
}

size_t server_req_header_repeats(const struct server_req *r, const char *name)
{
	struct header_search h = {.name = name};

	MHD_get_connection_values(r->conn->mhd, MHD_HEADER_KIND, header_matches, &h);
	return h.n;
}

struct query_search {
	size_t left;
	bool found;
	const char *name, *value;
};

static enum MHD_Result query_seen(void *cls, enum MHD_ValueKind kind, const char *name,
				  const char *value)
{
	struct query_search *q = cls;

	(void)kind;
	if (q->left--)
		return MHD_YES;
	q->found = true;
	q->name = name;
	q->value = value ? value : "";
	return MHD_NO;
}

bool server_req_query(const struct server_req *r, size_t n, const char **name, const char **value)
{
	struct query_search q = {.left = n};

	MHD_get_connection_values(r->conn->mhd, MHD_GET_ARGUMENT_KIND, query_seen, &q);
	if (!q.found)
		return false;
	*name = q.name;
	*value = q.value;
	return true;
}

const struct buf *server_req_body(const struct server_req *r)
{
	return &r->body;
}

void server_req_set_context(struct server_req *r, void *context)
{
	r->context = context;
}

void *server_req_context(const struct server_req *r)
{
	return r->context;
}

void server_req_set_guard(struct server_req *r, void *guard)
{
	r->guard = guard;
}

void *server_req_guard(const struct server_req *r)
{
	return r->guard;
}

bool server_req_streams(const struct server_req *r)
{
	return r->streaming || r->lines;
}

int server_req_claim(struct server_req *r, int64_t whose)
{
	int n = 0;

	r->conn->whose = whose;
	LIST_EACH (it, &r->conn->server->conns)
		n += LIST_OF(it, struct conn, node)->whose == whose;
	return n;
}

const char *server_req_id(const struct server_req *r)
{
	return r->id;
}
