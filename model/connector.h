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

#define CONNECTOR_ID_SIZE (ID_SIZE + 4)

/* What most connectors never have: made when it is first written. Strings are owned. */
struct connector_past {
	/* Cloudflare's id, as its folder has it; "" = not known, or its tunnel's row tells it. */
	char remote_tunnel[UUID_SIZE];
	char other_id[UUID_SIZE]; /* of the process that comes up or drains beside it, else of the
				     one before: Cloudflare lists that for a while */
	char *stopped_by, *stopped_why; /* who, and what he said; NULL = not known, nothing */
	char *replacing_why;            /* one sentence; NULL = nothing comes up beside it */
	char *protocol_why;             /* why it is not the one of the settings; NULL = it is */
	char *disk_version; /* of the binary on the disk, where that is another; NULL = it is not,
			       or does not say */
	char *last_exit;    /* "signal 9 after 41 s", NULL = none */
	int64_t replaced;   /* counts those that took its place, */
	int64_t replaced_in_vain; /* and those that did not come up */
};

/* There are a thousand of them: in the order of size, so that there are no holes. */
struct connector {
	char id[CONNECTOR_ID_SIZE]; /* "<tunnel id>-<slot>", slots from 1 */
	char tunnel_id[ID_SIZE];
	int slot;
	pid_t pid;            /* 0 = no process */
	int restart_asked;    /* counts requests to restart; supervise compares with what it did */
	int upgrade_asked;    /* the same, for the cloudflared that lies on the disk */
	int edge_connections; /* by /ready; -1 = not known */
	int edge_listed;      /* connections by Cloudflare's list; -1 = not known */
	int open_fds;         /* -1 = not known */
	enum want want : 8;   /* absent: stop it, then forget it */
	enum connector_state state : 8;
	bool stopped_by_user;     /* connector_stop: stays stopped until started */
	bool replacing;           /* another process comes up to take its place */
	bool update_available;    /* the binary on the disk is another one than it runs */
	char protocol[8];         /* that it speaks with the edge: quic, http2; "" = not known */
	struct uuid connector_id; /* cloudflared's own, new at each start */
	uint16_t metrics_port;

	int64_t stopped_until_ms; /* wall: it ends by itself then; 0 = it does not */
	int64_t token_generation; /* of the token that its folder holds */
	int64_t since_ms;         /* wall: in this state */
	int64_t started_ms;       /* wall */
	int64_t restarts;         /* unwanted exits and restarts by us since it was made */
	int64_t next_try_ms;      /* monotonic, while restarting or blocked */
	int64_t rss_bytes;        /* -1 = not known */
	int64_t config_version;   /* by /config; -1 = none received yet */
	char *reason;             /* why it is in this state, one sentence */
	char *version;            /* of the binary, NULL = not known */
	char *last_line;          /* last line of its log, secrets struck out; from outside */
	struct problem *problem;
	struct connector_past *past; /* see connector_past */
};

/* A wish to stop one: strings may be NULL. */
struct connector_stop {
	const char *by, *why;
	int64_t until_ms; /* wall; 0 = until it is started again */
};

struct connector *connector_new(const char *tunnel_id, int slot);
void connector_free(struct connector *c);
/* Zeroes while it has none. */
const struct connector_past *connector_past(const struct connector *c);
struct connector_past *connector_past_make(struct connector *c);
void connector_past_free(struct connector_past *p); /* NULL is fine */
/* The id of the connector in that slot, of 1 to TUNNEL_SLOTS_MAX. */
void connector_slot_id(const char *tunnel_id, int slot, char out[CONNECTOR_ID_SIZE]);
const char *connector_state_name(enum connector_state s);
const char *connector_state_doc(enum connector_state s);
/* NULL: it is to run. */
void connector_set_stopped(struct connector *c, const struct connector_stop *stop);
/* Is it that one which Cloudflare lists by this id? */
bool connector_is_client(const struct connector *c, const char *client_id);
bool connector_serving(const struct connector *c); /* ready or degraded */

#endif
