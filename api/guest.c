/*
 * Requests and connections of lines that are handed to the guest (MCP). What was let in is asked
 * again when the body is there, when settings change, and ends when its grant does.
 */
#include <stdlib.h>

#include "api/private.h"

/* One message, of MCP's lines and of its requests alike. */
#define LINE_MAX_BYTES ((size_t)1 << 20)

void hosted_new(struct api *a, struct server_req *r, const struct principal *who, int64_t whose)
{
	struct hosted *h = mem_alloc(sizeof(*h));

	h->api = a;
	h->req = r;
	h->who = *who;
	h->whose = whose;
	list_init(&h->node);
	list_append(&a->hosted, &h->node);
	server_req_set_guard(r, h);
}

/* ---- lines ---- */

static void lines_line(struct server_lines *l, const char *text, size_t len, void *owner)
{
	const struct api_guest *g = &((const struct hosted *)owner)->api->guest;

	g->line(l, text, len, g->owner);
}

static void lines_too_long(struct server_lines *l, void *owner)
{
	const struct api_guest *g = &((const struct hosted *)owner)->api->guest;

	if (g->too_long)
		g->too_long(l, g->owner);
	else
		server_lines_end(l);
}

static void lines_input_ended(struct server_lines *l, void *owner)
{
	const struct api_guest *g = &((const struct hosted *)owner)->api->guest;

	if (g->input_ended)
		g->input_ended(l, g->owner);
	else
		server_lines_end(l);
}

/* The request's own end follows and frees it. */
static void lines_gone(struct server_lines *l, void *owner)
{
	struct hosted *h = owner;
	const struct api_guest *g = &h->api->guest;

	h->lines = NULL;
	g->lines_gone(l, g->owner);
}

static void hand_lines(struct hosted *h)
{
	const struct api_guest *g = &h->api->guest;
	struct server_lines_handler handler = {.line = lines_line,
					       .too_long = lines_too_long,
					       .input_ended = lines_input_ended,
					       .gone = lines_gone,
					       .owner = h};
	struct err e;

	h->lines = guard_takes_streams(h->api, h->req)
			   ? server_upgrade_ducts(h->req, MCP_STREAMS, LINE_MAX_BYTES, &handler)
			   : server_upgrade_lines(h->req, MCP_LINES, LINE_MAX_BYTES, &handler);
	if (h->lines) {
		g->lines(h->lines, &h->who, g->owner);
		return;
	}
	(void)err_set(&e, ERR_BUSY, "The daemon is stopping, or this is no HTTP/1.1");
	reply_err(h->req, &e);
}

/* ---- requests ---- */

/* Asked again, since rights may have changed while the body came in. A token was right a moment
 * ago, so that its grant lives is enough. */
static int still_admitted(struct hosted *h, struct err *e)
{
	if (server_req_door(h->req) == DOOR_UNIX)
		return guard_admit(h->api, h->req, &h->who, e);
	return grants_find(h->api->ops->grants, h->who.grant)
		       ? 0
		       : err_set(e, ERR_DENIED, "The grant has ended");
}

void hosted_request(struct hosted *h)
{
	struct api *a = h->api;
	struct err e;

	if (still_admitted(h, &e) < 0) {
		guard_refuse(h->req, &e);
		return;
	}
	if (guard_wants_lines(h->req)) {
		hand_lines(h);
		return;
	}
	h->handed = true;
	a->guest.request(h->req, &h->who, a->guest.owner);
}

void hosted_gone(struct hosted *h)
{
	const struct api_guest *g = &h->api->guest;

	if (h->handed)
		g->gone(h->req, g->owner);
	list_remove(&h->node);
	free(h);
}

/* ---- the end of rights ---- */

/* Not another byte, but what was said already gets out of a stream. */
static void hosted_end(struct hosted *h)
{
	if (h->lines)
		server_lines_end(h->lines);
	else if (h->handed && server_req_streams(h->req))
		server_stream_end(h->req);
	else if (h->handed)
		server_req_cut(h->req);
}

void hosted_grant_ended(int64_t id, void *owner)
{
	struct api *a = owner;

	LIST_EACH (it, &a->hosted) {
		struct hosted *h = LIST_OF(it, struct hosted, node);
		if (h->who.grant == id)
			hosted_end(h);
	}
}

void hosted_judge(struct api *a)
{
	struct principal who;
	struct err e;

	LIST_EACH (it, &a->hosted) {
		struct hosted *h = LIST_OF(it, struct hosted, node);
		if (guard_admit(a, h->req, &who, &e) < 0)
			hosted_end(h);
	}
}
