/* What the files of this room share. */
#ifndef API_PRIVATE_H
#define API_PRIVATE_H

#include "api/api.h"

/* One request on its way to an answer; the server request's context. */
struct visit {
	struct api *api;
	struct server_req *req;
	struct call call;
	bool running; /* not answered yet */
};

struct api {
	struct loop *loop;
	struct ops *ops;
	struct server *server;
	int64_t requests, refusals; /* for /metrics */
};

/* doors.c: a connection of one of our connectors is closed before its request is read. */
bool door_accepts(const struct peer *peer, int door, int peer_port, void *owner);
/* May this peer come in at all? -1 with the sentence. */
MUST_USE int door_admit(const struct api *a, const struct server_req *r, struct principal *who,
			struct err *e);

/* routes.c */
int route_head(struct server_req *r, void *owner);
void route_request(struct server_req *r, void *owner);
void route_gone(struct server_req *r, void *owner);
const char *route_refusal(int status, const char *what, struct buf *body, void *owner);

/* metrics.c */
void metrics_write(const struct api *a, struct buf *out);

#endif
