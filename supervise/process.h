/*
 * One cloudflared of a connector: a launch id, and what is known of the process behind it. Two of
 * them stand behind a connector while one replaces the other.
 */
#ifndef SUPERVISE_PROCESS_H
#define SUPERVISE_PROCESS_H

#include "base/mem.h"
#include "loop/tail.h"
#include "supervise/disk.h"
#include "supervise/launcher.h"
#include "supervise/outlog.h"
#include "supervise/probe.h"
#include "supervise/signs.h"

struct slot;

struct process {
	struct slot *x; /* its connector */
	char *id;       /* launch id: the connector's own; or "<connector id>.b", owned */
	bool running;
	bool found;      /* it was running before us */
	bool unsure;     /* whether it runs could not be found out: nothing is started */
	bool replaced;   /* it was the connector's own, another one is now */
	bool served;     /* by its folder, when that was read: it was the connector's own once */
	bool term_noted; /* by an earlier life, which perhaps did not do it */
	bool kill_sent;
	pid_t pid;
	fd_t port_fd;         /* holds its port until it listens there itself; -1 = none */
	int64_t watched_ms;   /* monotonic: since we know of it */
	int64_t began_ms;     /* monotonic: its start, maybe before ours */
	int64_t started_ms;   /* wall */
	int64_t term_sent_ms; /* monotonic */
	int64_t full_ms;      /* monotonic: all edge connections stand since; 0 = they do not */
	enum reason stop_reason;
	enum reason outdated; /* it would be started with something else now; REASON_NONE */
	int restart_seen;     /* of the connector's restart_asked, at its start */
	int upgrade_seen;     /* of its upgrade_asked */
	/* That it was started from: the launcher's. NULL while it does not run. */
	const struct binary_id *binary;
	struct launch_memory memory; /* what its folder holds */
	struct probe probe;
	struct signs signs;
	struct outlog *log; /* NULL: it has said nothing yet; see process_log */
	struct tail tail;
};

/* Of a connector, not running; its folder is read. side_b: with the second launch id. kept: what of
 * it was to outlast us. */
struct process *process_new(struct slot *x, bool side_b, struct launch_kept *kept);
void process_free(struct process *p); /* the process itself goes on */
bool process_is_b(const struct process *p);
/* "<connector id>" of a launch id; false when it does not fit. */
bool process_connector_id(const char *launch_id, char out[ID_SIZE + 4]);

/* Take over the process if it runs. unsure is set when that cannot be found out. */
void process_find(struct process *p);
/* Make its files and start it. REASON_NONE, or what is in the way, with a sentence. */
enum reason process_start(struct process *p, struct err *e);
void process_terminate(struct process *p, enum reason r);
void process_kill(struct process *p);
/* Its end: flushes its log and forgets the pid; why it ended. */
enum reason process_ended(struct process *p, int code, int signo, int64_t *ran_ms);
/* What it would be started with now, against what it runs with. */
enum reason process_outdated(const struct process *p);
void process_judge_outdated(struct process *p); /* NULL, or not running: nothing is judged */
/* Of struct probe_terms: its owner is a process. */
probe_told_fn process_probed;
probe_expected_fn process_expected;
/* Of struct tail_terms, the same. */
tail_line_fn process_said;
/* It is connected and answers. */
bool process_serves(const struct process *p);
/* What it has said; never NULL. */
const struct outlog *process_log(const struct process *p);
/* The version of cloudflared by its log; NULL = not said yet. */
const char *process_version(const struct process *p);

#endif
