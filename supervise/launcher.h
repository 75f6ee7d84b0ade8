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
	const char *id;          /* connector id: names the folder */
	const char *tunnel_id;   /* Cloudflare's */
	const char *label, *protocol, *cloudflared;
	int64_t grace_ms;
	int metrics_port;
};

struct launcher_events {
	/* A process ended: code -1 and signal 0 when not known. */
	void (*ended)(const char *id, int code, int signal, void *owner);
	void *owner;
};

struct launcher_ops {
	/* Make the folder and its files; token NULL keeps the one that is there. Does not start. */
	int (*prepare)(struct launcher *x, const struct launch_spec *spec,
		       const struct secret *token, struct err *e);
	int (*start)(struct launcher *x, const struct launch_spec *spec, struct err *e);
	/* Find a running process of this id again: its pid and port, ERR_NOT_FOUND when none runs. */
	int (*find)(struct launcher *x, const char *id, pid_t *pid, int *metrics_port,
		    int64_t *started_wall_ms, struct err *e);
	int (*stop)(struct launcher *x, const char *id, bool kill);
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
