/* Paths to what answers them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/private.h"
#include "base/log.h"

enum { HEADERS_MAX = 100 };

static const char json_type_header[] = "application/json";

/* Which methods a path that is an operation's takes. */
static const char *allow_header(const char *path)
{
	if (str_equal(path, MCP_PATH))
		return "Allow: POST";
	if (str_equal(path, "/v1/watch"))
		return "Allow: GET";
	const struct op *op = str_starts(path, "/v1/") ? op_find(path + 4) : NULL;
	return op && op->effects == OP_READS ? "Allow: GET, HEAD, POST" : "Allow: POST";
}

static void put_error(const struct err *e, struct buf *body)
{
	struct json_writer w;
	json_write_init(&w, body);
	json_object_begin(&w);
	json_write_key(&w, "error");
	json_write_err(&w, e);
	json_object_end(&w);
	(void)buf_char(body, '\n');
}

void reply_error(struct server_req *r, int status, const struct err *e)
{
	AUTO(buf_t) body = {0};
	char retry[48];
	const char *headers[] = {"Cache-Control: no-store", NULL, NULL};
	if (status == 405)
		headers[1] = allow_header(server_req_path(r));
	put_error(e, &body);
	if (e->retry_after_ms > 0) {
		(void)snprintf(retry, sizeof(retry), "Retry-After: %lld",
			       (long long)((e->retry_after_ms + 999) / 1000));
		headers[1] = retry;
	}
	server_reply(r, status, json_type_header, body.data, body.len, headers);
}

void reply_err(struct server_req *r, const struct err *e)
{
	reply_error(r, err_kind_http(e->kind), e);
}

const char *route_refusal(int status, const char *what, struct buf *body, void *owner)
{
	struct api *a = owner;
	struct err e;
	a->refusals++;
	(void)err_set(&e,
		      status == 503   ? ERR_BUSY
		      : status == 408 ? ERR_TIMEOUT
				      : ERR_INVALID,
		      "%s", what);
	put_error(&e, body);
	return json_type_header;
}

static bool is_read(const char *method)
{
	return str_equal(method, "GET") || str_equal(method, "HEAD");
}

/* The operation that a path names; NULL with the sentence and HTTP status. */
static const struct op *op_of(const struct server_req *r, int *status, struct err *e)
{
	const char *path = server_req_path(r);
	*status = 404;
	if (server_req_door(r) != DOOR_UNIX || !str_starts(path, "/v1/")) {
		(void)err_set(e, ERR_NOT_FOUND, "There is nothing at %.100s",
			      server_req_door(r) == DOOR_UNIX ? path : "this path");
		(void)err_hint(e,
			       server_req_door(r) == DOOR_UNIX
				       ? "Operations are at /v1/<operation>, as in /v1/status_get."
				       : "Operations are on the Unix socket alone.");
		return NULL;
	}
	const struct op *op = op_find(path + 4);
	if (str_equal(path + 4, op_watch()->name)) {
		*status = 405;
		(void)err_set(e, ERR_INVALID, "watch is a stream that is asked for by GET");
		return NULL;
	}
	if (!op) {
		const char *near = fields_nearest(op_names(), path + 4);
		(void)err_set(e, ERR_NOT_FOUND, "There is no operation \"%.60s\"", path + 4);
		(void)err_hint(e, near ? "Did you mean %s?" : "%s",
			       near ? near : "See adit --help for all of them.");
		return NULL;
	}
	const char *method = server_req_method(r);
	if (str_equal(method, "POST") || (is_read(method) && op->effects == OP_READS))
		return op;
	*status = 405;
	(void)err_set(e, ERR_INVALID, "%s is called by POST%s, not by %.16s", op->name,
		      op->effects == OP_READS ? " or GET" : "", method);
	return NULL;
}

static bool is_plain(const struct server_req *r, const char *path)
{
	return str_equal(server_req_path(r), path) && is_read(server_req_method(r));
}

static bool is_metrics(const struct api *a, const struct server_req *r)
{
	return is_plain(r, "/metrics") &&
	       (server_req_door(r) == DOOR_UNIX || a->ops->settings->mcp.metrics);
}

static int head_counted(struct api *a, int judged)
{
	a->refusals += judged < 0;
	return judged;
}

int route_head(struct server_req *r, void *owner)
{
	struct api *a = owner;
	struct principal who;
	struct err e;
	int status;
	a->requests++;
	if (server_req_header_count(r) > HEADERS_MAX) {
		(void)err_set(&e, ERR_INVALID, "More than %d headers are not read", HEADERS_MAX);
		reply_error(r, 431, &e);
		return -1;
	}
	bool guests = a->guest.request && str_equal(server_req_path(r), MCP_PATH);
	/* On the socket the guard asks who it is. */
	if (!(guests && server_req_door(r) == DOOR_UNIX) && door_admit(a, r, &who, &e) < 0) {
		a->refusals++;
		reply_err(r, &e);
		return -1;
	}
	if (guests)
		return head_counted(a, guard_head(a, r));
	if (is_plain(r, "/healthz") || is_metrics(a, r) || is_watch(r))
		return 0;
	if (server_req_door(r) == DOOR_TCP && is_oauth_path(server_req_path(r))) {
		reply_no_oauth(r);
		return -1;
	}
	if (op_of(r, &status, &e))
		return 0;
	reply_error(r, status, &e);
	return -1;
}

/* ---- /v1 ---- */

static void call_answered(struct task *t, void *owner)
{
	struct visit *v = owner;
	(void)t;
	v->running = false;
	if (v->call.task.err.kind != ERR_NONE) {
		reply_err(v->req, &v->call.task.err);
		return;
	}
	static const char *const headers[] = {"Cache-Control: no-store", NULL};
	static const char before[] = "{\"result\":";
	struct buf *body = &v->call.result;
	(void)buf_insert(body, 0, before, sizeof(before) - 1);
	(void)buf_str(body, "}\n");
	server_reply_taken(v->req, 200, json_type_header, body, headers);
}

static void start_call(struct api *a, struct server_req *r, const struct op *op,
		       const struct principal *who)
{
	const struct buf *sent = server_req_body(r);
	AUTO(buf_t) query = {0};
	struct err e;
	if (is_read(server_req_method(r)) && query_body(r, op, &query, &e) < 0) {
		reply_err(r, &e);
		return;
	}
	struct visit *v = mem_alloc(sizeof(*v));
	v->api = a;
	v->req = r;
	v->running = true;
	server_req_set_context(r, v);
	const struct buf *body = query.len ? &query : sent;
	call_start(a->ops, &v->call, op, who, server_req_id(r), buf_text(body), body->len,
		   call_answered, v);
	task_settle(&v->call.task);
}

static void reply_text(struct server_req *r, const char *type, const struct buf *text)
{
	server_reply(r, 200, type, text->data, text->len, NULL);
}

void route_request(struct server_req *r, void *owner)
{
	struct api *a = owner;
	struct principal who;
	struct err e;
	int status;
	AUTO(buf_t) text = {0};
	if (server_req_guard(r)) {
		hosted_request(server_req_guard(r));
		return;
	}
	if (is_plain(r, "/healthz")) {
		(void)buf_str(&text, "{\"status\":\"alive\"}\n");
		reply_text(r, json_type_header, &text);
		return;
	}
	if (is_metrics(a, r)) {
		metrics_write(a, &text);
		reply_text(r, "text/plain; version=0.0.4; charset=utf-8", &text);
		return;
	}
	if (is_watch(r)) {
		if (!route_watch(a, r, &e))
			reply_err(r, &e);
		return;
	}
	const struct op *op = op_of(r, &status, &e);
	if (!op) {
		reply_error(r, status, &e);
		return;
	}
	/* Asked again: the peer's rights may have changed while the body came in. */
	if (door_admit(a, r, &who, &e) < 0) {
		reply_err(r, &e);
		return;
	}
	start_call(a, r, op, &who);
}

void route_gone(struct server_req *r, void *owner)
{
	(void)owner;
	if (server_req_guard(r)) {
		hosted_gone(server_req_guard(r));
		return;
	}
	struct visit *v = server_req_context(r);
	if (!v)
		return;
	server_req_set_context(r, NULL);
	if (v->stream)
		watch_close(v->stream);
	if (v->running)
		call_cancel(&v->call);
	call_fini(&v->call);
	free(v);
}

/* ---- the server ---- */

struct api *api_new(struct loop *l, struct ops *o)
{
	struct api *a = mem_alloc(sizeof(*a));
	a->loop = l;
	a->ops = o;
	list_init(&a->hosted);
	struct server_handler handler = {
		.head = route_head,
		.request = route_request,
		.gone = route_gone,
		.refusal = route_refusal,
		.accepted = door_accepts,
		.owner = a,
	};
	a->server = server_new(l, NULL, &handler);
	a->watch = watch_new(o, watch_admits, a);
	a->grant_watch = (struct grant_watch){.ended = hosted_grant_ended, .owner = a};
	grants_watch(o->grants, &a->grant_watch);
	return a;
}

void api_free(struct api *a)
{
	if (!a)
		return;
	grants_unwatch(&a->grant_watch);
	watch_end(a->watch, "The daemon stops");
	server_free(a->server);
	watch_free(a->watch);
	free(a);
}

int api_listen(struct api *a, int fd, enum door door, struct err *e)
{
	return server_listen(a->server, fd, (int)door, e);
}

void api_unlisten(struct api *a, enum door door)
{
	server_unlisten(a->server, (int)door);
}

void api_settings_changed(struct api *a)
{
	hosted_judge(a);
}

void api_set_mcp(struct api *a, const struct api_guest *guest)
{
	a->guest = *guest;
}
