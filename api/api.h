/*
 * The two doors: the Unix socket (role from peer credentials; /v1, /healthz, /metrics) and loopback
 * TCP (Host and Origin checked always; never /v1). One HTTP server serves both. Requests become
 * calls of ops/; nothing here knows what an operation does.
 */
#ifndef API_API_H
#define API_API_H

#include "loop/server.h"
#include "ops/ops.h"

struct api;

enum door { DOOR_UNIX = 1, DOOR_TCP = 2 };

/* Borrowed. */
struct api *api_new(struct loop *l, struct ops *o);
void api_free(struct api *a);
/* Takes the listening descriptor. */
MUST_USE int api_listen(struct api *a, int fd, enum door door, struct err *e);
void api_stop_accepting(struct api *a);

#endif
