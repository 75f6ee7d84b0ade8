/*
 * A connector: one cloudflared of ours, identified by tunnel and slot for ever; the process behind
 * it comes and goes. Its state is changed by supervise/ alone, in one function.
 */
#ifndef MODEL_CONNECTOR_H
#define MODEL_CONNECTOR_H

#include <sys/types.h>

#include "model/tunnel.h"

/* One table in connector.c: name and what it means (docs and status derive from it). */
enum connector_state {
	CONNECTOR_STOPPED,
	CONNECTOR_STARTING,   /* process runs, never ready yet, within the start window */
	CONNECTOR_READY,      /* as many edge connections as wanted */
	CONNECTOR_DEGRADED,   /* some edge connections, fewer than wanted */
	CONNECTOR_UNREADY,    /* process answers, no edge connection */
	CONNECTOR_RESTARTING, /* waiting for its next start */
	CONNECTOR_BLOCKED,    /* configuration or credentials: retried slowly, cure shown */
	CONNECTOR_DRAINING,   /* asked to stop, finishing its requests */
	CONNECTOR_STATES
};

struct connector {
	char id[ID_SIZE + 4]; /* "<tunnel id>-<slot>", slots from 1 */
	char tunnel_id[ID_SIZE];
	int slot;
	char remote_tunnel[UUID_SIZE]; /* Cloudflare's id, as its folder has it; "" = not known */
	enum want want;                /* absent: stop it, then forget it */
	bool stopped_by_user;          /* connector_stop: stays stopped until started */
	int64_t restart_asked; /* counts requests to restart; supervise compares with what it did */
	int64_t token_generation; /* of the token that its folder holds */

	enum connector_state state;
	char *reason;        /* why it is in this state, one sentence */
	int64_t since_ms;    /* wall: in this state */
	pid_t pid;           /* 0 = no process */
	int64_t started_ms;  /* wall */
	int64_t restarts;    /* unwanted exits and restarts by us since it was made */
	int64_t next_try_ms; /* monotonic, while restarting or blocked */
	int metrics_port;
	int64_t edge_connections;     /* by /ready; -1 = not known */
	char connector_id[UUID_SIZE]; /* cloudflared's own, new at each start */
	int64_t config_version;       /* by /config; -1 = none received yet */
	char *version;                /* of the binary, NULL = not known */
	char *last_exit;              /* "signal 9 after 41 s", NULL = none */
	char *last_line;              /* last line of its log, secrets struck out; from outside */
	struct problem *problem;
};

struct connector *connector_new(const char *tunnel_id, int slot);
void connector_free(struct connector *c);
const char *connector_state_name(enum connector_state s);
const char *connector_state_doc(enum connector_state s);
bool connector_serving(const struct connector *c); /* ready or degraded */

#endif
