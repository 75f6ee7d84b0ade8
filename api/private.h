/* What the files of this room share. */
#ifndef API_PRIVATE_H
#define API_PRIVATE_H

#include "api/api.h"
#include "api/watch.h"
#include "ops/grant.h"

#define MCP_PATH  "/mcp"
#define MCP_LINES "adit-mcp-lines"
/* Asked for beside it: the lines come and go by descriptors that the peer hands over. */
#define MCP_STREAMS "adit-mcp-streams"

/* One request on its way to an answer; the server request's context. */
struct visit {
	struct api *api;
	struct server_req *req;
	struct call call;
	bool running;                /* not answered yet */
	struct watch_stream *stream; /* it is one, and no call */
};

/* A request of the guest's, from its judged header to its end; the server request's guard. */
struct hosted {
	struct list node; /* in api.hosted */
	struct api *api;
	struct server_req *req;
	struct server_lines *lines; /* it has become a connection of lines */
	struct principal who;
	int64_t whose; /* grant or user, for limits */
	bool handed;   /* the guest knows of it as a request */
};

struct api {
	struct loop *loop;
	struct ops *ops;
	struct server *server;
	struct watch *watch;
	struct api_guest guest; /* all NULL = none */
	struct list hosted;
	struct grant_watch grant_watch;
	int64_t requests, refusals; /* for /metrics */
};

/* doors.c: a connection of one of our connectors is closed before its request is read. */
bool door_accepts(const struct peer *peer, int door, int peer_port, void *owner);
/* May this peer come in at all? -1 with the sentence. */
MUST_USE int door_admit(const struct api *a, const struct server_req *r, struct principal *who,
			struct err *e);

/* guard.c: may this be spoken to the guest? 0, or it has been answered. */
int guard_head(struct api *a, struct server_req *r);
/* Who is it? -1: nobody that is let in; on TCP the error holds no reason. */
MUST_USE int guard_admit(const struct api *a, const struct server_req *r, struct principal *who,
			 struct err *e);
void guard_refuse(struct server_req *r, const struct err *e);
bool guard_wants_lines(const struct server_req *r);
/* Of one that wants lines: are its descriptors to be taken? Whoever hands one over can make us wait
 * (docs/DESIGN.md), so only of an admin, whatever grant he names. */
bool guard_takes_streams(const struct api *a, const struct server_req *r);
bool is_oauth_path(const char *path);
void reply_no_oauth(struct server_req *r);

/* guest.c */
void hosted_new(struct api *a, struct server_req *r, const struct principal *who, int64_t whose);
void hosted_request(struct hosted *h);
void hosted_gone(struct hosted *h);
void hosted_grant_ended(int64_t id, void *owner);
/* Settings changed: whoever may no longer come in is put out. */
void hosted_judge(struct api *a);

/* routes.c */
void reply_error(struct server_req *r, int status, const struct err *e);
void reply_err(struct server_req *r, const struct err *e);
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
