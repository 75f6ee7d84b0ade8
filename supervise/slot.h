/*
 * The supervisor's inside: one slot per connector, with what is known of its process. Objects of
 * the world are looked up by id each time. Slots are freed in the deferred pass alone, so every
 * other function may keep its slot until it returns.
 */
#ifndef SUPERVISE_SLOT_H
#define SUPERVISE_SLOT_H

#include "loop/tail.h"
#include "supervise/launcher.h"
#include "supervise/outlog.h"
#include "supervise/probe.h"
#include "supervise/step.h"
#include "supervise/supervisor.h"

#define EDGE_WANTED 4 /* cloudflared's own default */

struct supervisor {
	struct loop *loop;
	struct world *world;
	struct store *store; /* NULL: the folders alone say what is wanted */
	struct http *probes;
	struct supervisor_options options; /* strings are owned */
	struct launcher *launcher;
	struct map slots;   /* connector id -> struct slot */
	struct map rowless; /* ids of connectors that folders alone tell of */
	struct watcher watcher;
	struct deferred pass;
	int batch;                 /* depth of supervisor_batch_begin */
	bool batch_open;           /* and its transaction stands */
	int muted;                 /* we change the world ourselves */
	char rolling[ID_SIZE + 4]; /* the serving connector that is replaced now; "" = none */
};

struct slot {
	struct supervisor *s;
	char id[ID_SIZE + 4];
	char tunnel_id[ID_SIZE];
	int number;
	bool tunnel_known; /* its tunnel was seen in the world: when that is gone, so is its cause
			    */
	bool forget;       /* the pass is to drop it */

	/* the process */
	bool running;
	bool found;  /* it was running before us */
	bool unsure; /* whether it runs could not be found out: nothing is started */
	pid_t pid;
	int64_t watched_ms; /* monotonic: since we know of it */
	int64_t began_ms;   /* monotonic: its start, maybe before ours */
	int64_t term_sent_ms;
	bool kill_sent;
	enum reason stop_reason;
	struct probe probe;
	struct outlog log;
	struct tail tail;
	struct timer wake;

	/* what its folder holds */
	struct launch_memory memory;

	/* how it went */
	int exits, blocks; /* ends in a row: unstable runs; reasons that a restart does not heal */
	enum reason last_exit;
	int64_t next_start_ms;
	struct err start_err;       /* why the last start failed; ERR_NONE = it did not */
	enum reason problem_reason; /* what the connector's problem was last told of */

	/* what was asked */
	int64_t restart_seen; /* of the connector's restart_asked */
	bool roll;            /* runs with old options or an old token */
	bool roll_now;        /* its turn */
	int64_t token_seen;   /* generation when it was last looked at */
	char remote_seen[UUID_SIZE];
	bool serving_told;
};

/* ---- supervisor_facts.c ---- */
struct connector *slot_connector(const struct slot *x); /* never NULL inside a slot's function */
void slot_facts(const struct slot *x, const struct connector *c, struct facts *f);
/* The only place that changes a connector's state. */
void slot_enter(struct slot *x, struct connector *c, const struct verdict *v);
/* Copy what is known of the process into the connector; tells the world when that is news. */
void slot_show(struct slot *x, struct connector *c);
void slot_problem(struct slot *x, struct connector *c, enum reason r);
PRINTF(5, 6)
void slot_event(const struct slot *x, const struct connector *c, const char *kind,
		const char *detail, const char *fmt, ...);
/* What is written between the two is one transaction: a restart waits for no disk. They nest. */
void supervisor_batch_begin(struct supervisor *s);
void supervisor_batch_end(struct supervisor *s);
void slot_save(const struct slot *x, const struct connector *c);
void slot_changed(const struct slot *x);

/* ---- supervisor_act.c ---- */
struct slot *slot_new(struct supervisor *s, const struct connector *c);
void slot_free(struct slot *x);
/* Take over a process that runs already. */
void slot_find(struct slot *x);
/* Facts, step, action: until nothing is left to do now. */
void slot_look(struct slot *x);
void slot_ended(struct slot *x, int code, int signo);
/* Nothing of it is left but the object: folder, row and slot go. false: try again later. */
bool slot_forget(struct slot *x);
/* It would be started with something else now. */
bool slot_outdated(const struct slot *x);

#endif
