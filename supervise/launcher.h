/*
 * How a connector's process comes and goes. launch_child spawns it as a child that outlives us;
 * systemd units are to be a second implementation of the same interface. Each connector has a
 * folder from which it can start without store or API: cloudflared's configuration, the token
 * (0600), the log, and the facts that find the process again.
 */
#ifndef SUPERVISE_LAUNCHER_H
#define SUPERVISE_LAUNCHER_H

#include "base/secret.h"
#include "loop/child.h"
#include "model/connector.h"

struct launcher;
struct launched; /* one running process */

struct launch_spec {
	const char *id;        /* connector id: names the folder */
	const char *tunnel_id; /* Cloudflare's */
	const char *label, *protocol, *cloudflared;
	int64_t grace_ms;
	int metrics_port;
	int64_t token_generation; /* of the token in the folder, or given to prepare */
};

/* What a connector's folder remembers: enough to start it with neither store nor API. */
struct launch_memory {
	char tunnel_id[UUID_SIZE]; /* Cloudflare's */
	int metrics_port;          /* 0 = none yet */
	int64_t token_generation;
	bool has_token;
	bool stopped; /* by a user */
};

struct launcher_events {
	/* A process ended: code -1 and signal 0 when not known. */
	void (*ended)(const char *id, int code, int signal, void *owner);
	void *owner;
};

struct launcher_ops {
	/* Make the folder and its files; token NULL keeps the one that is there. Does not start.
	 * What is there already and is right is not written again. */
	int (*prepare)(struct launcher *x, const struct launch_spec *spec,
		       const struct secret *token, struct err *e);
	int (*start)(struct launcher *x, const struct launch_spec *spec, struct err *e);
	/* Find a running process of this id again and watch it: its pid and port. ERR_NOT_FOUND
	 * when it is certain that none runs; after any other error nothing may be started. */
	int (*find)(struct launcher *x, const char *id, pid_t *pid, int *metrics_port,
		    int64_t *started_wall_ms, struct err *e);
	int (*stop)(struct launcher *x, const char *id, bool kill);
	/* What the folder remembers; ERR_NOT_FOUND when there is none. */
	int (*recall)(struct launcher *x, const char *id, struct launch_memory *m, struct err *e);
	/* Keep a user's wish in the folder; no folder is no error. */
	int (*keep_stopped)(struct launcher *x, const char *id, bool stopped, struct err *e);
	/* The folder holds what prepare would write: a running process needs no restart. */
	bool (*current)(struct launcher *x, const struct launch_spec *spec);
	/* Descriptor of the folder, for following "log"; the caller closes it. -1: none. */
	int (*folder)(struct launcher *x, const char *id);
	/* Remove the folder of a connector that does not run. */
	int (*remove)(struct launcher *x, const char *id, struct err *e);
	/* Ids that have a folder. */
	int (*list)(struct launcher *x, struct strlist *ids, struct err *e);
	void (*free)(struct launcher *x);
};

struct launcher {
	const struct launcher_ops *ops;
};

/* The child launcher. state_dirfd is borrowed. */
struct launcher *launch_child_new(struct loop *l, int state_dirfd, const char *state_dir,
				  const struct launcher_events *events);

#endif
