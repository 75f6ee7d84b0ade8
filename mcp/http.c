/*
 * Streamable HTTP: one request, answered as JSON, or as server-sent events where something has to
 * be said ahead of the answer. A peer that leaves cancels what it asked for in the modern era; in
 * the legacy one it does not, so that what was asked for runs on and its answer is thrown away.
 */
#include "mcp/private.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct visit {
	struct server_req *req; /* NULL = the peer has left */
	bool stuck;             /* it does not read */
	char *session_header;   /* owned; NULL = no session begins */
};

static void visit_free(struct parcel *p)
{
	struct visit *v = p->owner;
	parcel_free(p);
	free(v->session_header);
	free(v);
}

static void http_answer(struct parcel *p, int status, struct buf *text)
{
	const struct visit *v = p->owner;
	const char *headers[] = {"Cache-Control: no-store", v->session_header, NULL};
	if (!v->req)
		visit_free(p);
	else
		server_reply_taken(v->req, status, text->len ? "application/json" : NULL, text,
				   headers);
}

static void http_push(struct visit *v, const struct buf *text)
{
	AUTO(buf_t) event = {0};
	(void)buf_str(&event, "event: message\ndata: ");
	(void)buf_add(&event, text->data, text->len);
	(void)buf_str(&event, "\n\n");
	if (server_stream_push(v->req, event.data, event.len) == 0)
		return;
	v->stuck = true;
	server_stream_end(v->req);
}

static void http_message(struct parcel *p, const struct buf *text)
{
	struct visit *v = p->owner;
	const char *headers[] = {"Cache-Control: no-store", "X-Accel-Buffering: no",
				 v->session_header, NULL};
	if (!v->req || v->stuck)
		return;
	if (!p->streaming)
		server_stream_begin(v->req, 200, "text/event-stream", headers, NULL, NULL);
	p->streaming = true;
	http_push(v, text);
}

static void http_finish(struct parcel *p)
{
	const struct visit *v = p->owner;
	if (!v->req)
		visit_free(p);
	else if (!v->stuck)
		server_stream_end(v->req);
}

static void http_agreed(struct parcel *p, const struct session *s)
{
	struct visit *v = p->owner;
	char id[SESSION_ID_SIZE];
	session_write(p->mcp->key, s, p->who.name, clock_wall_ms(), id);
	free(v->session_header);
	v->session_header = str_format("Mcp-Session-Id: %s", id);
}

static const char *http_header(const struct parcel *p, const char *name)
{
	const struct visit *v = p->owner;
	return v->req ? server_req_header(v->req, name) : NULL;
}

static bool http_streams(const struct parcel *p)
{
	const char *accept = http_header(p, "accept");
	return !accept || strstr(accept, "text/event-stream") || strstr(accept, "*/*") ||
	       strstr(accept, "text/*");
}

static void http_alive(struct parcel *p)
{
	static const char comment[] = ": keepalive\n\n";
	struct visit *v = p->owner;
	if (v->req && p->streaming && !v->stuck)
		(void)server_stream_push(v->req, comment, sizeof(comment) - 1);
}

static const struct carrier http_carrier = {
	.answer = http_answer,
	.message = http_message,
	.finish = http_finish,
	.agreed = http_agreed,
	.header = http_header,
	.streams = http_streams,
	.alive = http_alive,
};

/* A session that is told must be one. */
static bool session_taken(struct parcel *p)
{
	const char *id = http_header(p, "mcp-session-id");
	if (!id)
		return true;
	p->session_id = str_dup(id);
	if (session_read(p->mcp->key, id, p->who.name, clock_wall_ms(), &p->session))
		return true;
	parcel_refuse(p, 404, RPC_NO_REQUEST,
		      "There is no such session (any more): begin with initialize again");
	return false;
}

static void refuse_method(struct server_req *r)
{
	static const char *const headers[] = {"Allow: POST", NULL};
	AUTO(buf_t) text = {0};
	struct json_writer w;
	json_write_init(&w, &text);
	rpc_put_error(NULL, RPC_NO_REQUEST, "Messages come by POST; there is no stream to GET",
		      NULL, &w);
	server_reply(r, 405, "application/json", text.data, text.len, headers);
}

void mcp_request(struct mcp *m, struct server_req *r, const struct principal *who)
{
	const struct buf *body = server_req_body(r);
	if (!str_equal(server_req_method(r), "POST")) {
		refuse_method(r);
		return;
	}
	struct visit *v = mem_alloc(sizeof(*v));
	v->req = r;
	struct parcel *p = parcel_new(m, &http_carrier, v, who);
	server_req_set_context(r, p);
	if (session_taken(p))
		parcel_take(p, buf_text(body), body->len);
}

static bool runs_on(const struct parcel *p)
{
	LIST_EACH (it, &p->exchanges)
		if (LIST_OF(it, struct exchange, node)->era == ERA_LEGACY)
			return true;
	return false;
}

void mcp_gone(struct mcp *m, struct server_req *r)
{
	struct parcel *p = server_req_context(r);
	(void)m;
	if (!p)
		return;
	server_req_set_context(r, NULL);
	((struct visit *)p->owner)->req = NULL;
	if (!runs_on(p))
		visit_free(p);
}

/* What runs on for nobody ends with the daemon. */
void visits_free(struct mcp *m)
{
	LIST_EACH (it, &m->parcels) {
		struct parcel *p = LIST_OF(it, struct parcel, node);
		if (p->carrier == &http_carrier)
			visit_free(p);
	}
}
