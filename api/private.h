/* What the files of this room share. */
#ifndef API_PRIVATE_H
#define API_PRIVATE_H

#include "api/api.h"
#include "api/watch.h"

/* One request on its way to an answer; the server request's context. */
struct visit {
	struct api *api;
	struct server_req *req;
	struct call call;
	bool running;                /* not answered yet */
	struct watch_stream *stream; /* it is one, and no call */
};

struct api {
	struct loop *loop;
	struct ops *ops;
	struct server *server;
	struct watch *watch;
	struct api_guest guest;     /* all NULL = none */
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

/* route_watch.c */
bool is_watch(const struct server_req *r);
/* Who may follow changes; as watch_judge_fn. */
int watch_admits(const struct server_req *r, struct principal *who, void *owner, struct err *e);
/* true: the stream has begun. false: the sentence is for whoever asked. */
bool route_watch(struct api *a, struct server_req *r, struct err *e);
/* GET: the query's arguments as the JSON object that POST would send. */
MUST_USE int query_body(const struct server_req *r, const struct op *op, struct buf *body,
			struct err *e);

/* metrics.c */
void metrics_write(const struct api *a, struct buf *out);

#endif
