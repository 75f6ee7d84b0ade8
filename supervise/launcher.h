/*
 * How a connector's processes come and go. launch_child spawns them as children that outlive us;
 * systemd units are to be a second implementation of the same interface. It knows launch ids only,
 * not connectors: a connector has two of them, "<id>" and "<id>.b", for the two processes that it
 * may have for a moment. Each has a folder from which it can start without store or API:
 * cloudflared's configuration, the token (0600), the log, what is to outlast us, and the facts that
 * find the process again.
 */
#ifndef SUPERVISE_LAUNCHER_H
#define SUPERVISE_LAUNCHER_H

#include "base/secret.h"
#include "loop/child.h"
#include "model/connector.h"
#include "supervise/binary.h"
#include "supervise/heal.h"
#include "supervise/protocol.h"
#include "supervise/reason.h"

#define LAUNCH_ID_SIZE (ID_SIZE + 8)

struct launcher;
struct launched; /* one running process */

struct launch_spec {
	const char *id;            /* launch id: names the folder */
	char tunnel_id[UUID_SIZE]; /* Cloudflare's */
	const char *label, *protocol, *cloudflared;
	int64_t grace_ms;
	int metrics_port;
	bool ip4_only;            /* of the edge's addresses */
	int64_t token_generation; /* of the token in the folder, or given to prepare */
	const char *token_from;   /* launch id whose token is taken when none is given; NULL = none:
				     the one that is there stays */
};

/* What is to outlast us; it stands with the process that serves. */
struct launch_kept {
	int64_t turn; /* of two processes that with the higher one serves; 0 = it never did */
	bool stopped; /* by a user */
	int64_t stopped_until_ms; /* wall; 0 = until it is started again */
	bool restart, upgrade;    /* asked for and not done yet */
	bool restart_again;       /* asked for when another process came up already: not */
	bool upgrade_again;       /* done by that one */
	int exits, blocks;        /* as in struct budget */
	enum reason last;
	int64_t next_start_ms; /* wall; 0 = at once */
	struct protocol_state protocol;
	struct heal_kept heal;
};

/* What a folder remembers: enough to start it with neither store nor API. */
struct launch_memory {
	int64_t token_generation;
	struct uuid tunnel_id; /* Cloudflare's */
	bool has_token;
	uint16_t metrics_port;        /* 0 = none yet */
	char protocol[PROTOCOL_SIZE]; /* that it was last to speak; "" = not known */
	bool ip4_only;
};

/* A process that runs. */
struct launch_found {
	pid_t pid;
	int metrics_port;
	int64_t started_ms;  /* wall */
	int64_t stopping_ms; /* wall: it was to be asked to stop then; 0 = it was not */
	/* That it was started from; zeroes = not known. The launcher's, until ended() is called. */
	const struct binary_id *binary;
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
	/* Find a running process of this id again and watch it. ERR_NOT_FOUND when it is certain
	 * that none runs; after any other error nothing may be started. */
	int (*find)(struct launcher *x, const char *id, struct launch_found *f, struct err *e);
	/* SIGTERM or what stands for it, noted before it is done: a second one would cut requests
	 * off. Or SIGKILL. */
	int (*stop)(struct launcher *x, const char *id, bool kill);
	/* What the folder remembers; ERR_NOT_FOUND when there is none. */
	int (*recall)(struct launcher *x, const char *id, struct launch_memory *m,
		      struct launch_kept *kept, struct err *e);
	/* Keep that in the folder; no folder is no error. lasting: over a power cut, too. */
	int (*keep)(struct launcher *x, const char *id, const struct launch_kept *k, bool lasting,
		    struct err *e);
	/* The folder holds what prepare would write: a running process needs no restart. */
	bool (*current)(struct launcher *x, const struct launch_spec *spec);
	/* Descriptor of the folder, for following "log"; the caller closes it. -1: none. */
	int (*folder)(struct launcher *x, const char *id);
	/* Remove the folder of a process that does not run. */
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
