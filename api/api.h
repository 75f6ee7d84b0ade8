/*
 * The two doors: the Unix socket (role from peer credentials; /v1, /mcp, /healthz, /metrics) and
 * loopback TCP (Host and Origin checked always; /mcp with a grant's token, never /v1). One HTTP
 * server serves both. Requests become calls of ops/, or are handed to the guest; nothing here knows
 * what an operation does.
 */
#ifndef API_API_H
#define API_API_H

#include "loop/server.h"
#include "ops/ops.h"

struct api;

enum door { DOOR_UNIX = 1, DOOR_TCP = 2 };

/* MCP, which this room does not know: who answers POST /mcp and the connections of lines. A caller
 * is judged before the guest hears of him: peer or token, Host, Origin, content type, size, limits.
 * The context of the request, and of the lines, is the guest's. */
struct api_guest {
	/* Answers r, now or later, whole or as a stream. who is copied by whoever keeps it. */
	void (*request)(struct server_req *r, const struct principal *who, void *owner);
	/* As server_handler.gone, for each request that the guest was called with. */
	void (*gone)(struct server_req *r, void *owner);
	/* A connection of lines began; the others as in server_lines_handler. input_ended and
	 * too_long may be NULL. */
	void (*lines)(struct server_lines *l, const struct principal *who, void *owner);
	void (*line)(struct server_lines *l, const char *text, size_t len, void *owner);
	void (*too_long)(struct server_lines *l, void *owner);
	void (*input_ended)(struct server_lines *l, void *owner);
	void (*lines_gone)(struct server_lines *l, void *owner);
	void *owner;
};

/* Borrowed. */
struct api *api_new(struct loop *l, struct ops *o);
void api_free(struct api *a);
/* Takes the listening descriptor. */
MUST_USE int api_listen(struct api *a, int fd, enum door door, struct err *e);
/* Leave a door; what is under way there is answered. */
void api_unlisten(struct api *a, enum door door);
/* Settings were read anew: who may no longer come in is put out. */
void api_settings_changed(struct api *a);
/* Before the loop runs; without it there is nothing at /mcp. */
void api_set_mcp(struct api *a, const struct api_guest *guest);

#endif
