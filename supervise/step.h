/*
 * Pure: the facts of one connector to its state, reason and the one next action. No sequence is
 * kept: whatever happened, the facts say what is to be done. The table in step.c is the whole
 * behaviour; the drawing in docs/DESIGN.md is printed from it.
 */
#ifndef SUPERVISE_STEP_H
#define SUPERVISE_STEP_H

#include "model/connector.h"
#include "supervise/reason.h"

struct facts {
	int64_t now_ms;           /* monotonic */
	bool absent;              /* its tunnel or its slot is no longer wanted here */
	bool stopped;             /* by a user */
	int64_t stopped_until_ms; /* monotonic: a stop ends by itself then; 0 = it does not */
	bool other_runs;          /* another process of this connector: it comes up, or drains */
	bool has_token;           /* in the store or in its folder */
	bool restart_asked;       /* another process is wanted, and this one serves nobody */
	bool running;             /* a process exists */
	int64_t started_ms;       /* monotonic, of this process; 0 = none */
	int64_t term_sent_ms;     /* 0 = not asked to stop */
	bool term_noted; /* an earlier life of ours noted that, and perhaps did not do it */
	bool kill_sent;
	enum reason stop_reason; /* why it was asked to stop */
	int64_t grace_ms;
	bool ever_ready;        /* this process */
	int64_t last_answer_ms; /* /ready answered (any status); 0 = never */
	int failures;           /* probes in a row without an answer */
	int edge;               /* connections by the last answer, -1 = none yet */
	int edge_wanted;
	int64_t unready_since_ms; /* edge is 0 since; 0 = it is not */
	enum reason last_exit;    /* why the last process ended; REASON_NONE = none did */
	enum reason log_class;    /* what the running one's log says (bad token, gone) */
	int64_t next_start_ms;    /* not before; 0 = at once */
	bool quic_useless;        /* the running one is on quic, which does not come up */
	int64_t quic_until_ms;    /* it is given that long; 0 = that is not judged by time */
	enum retry retry;
	int failure_limit;        /* health.failures */
	int64_t unready_limit_ms; /* health.unready */
	int64_t window_ms;        /* to become ready for the first time: 90 s */
};

enum step_action {
	STEP_NOTHING,
	STEP_START,
	STEP_TERM,  /* ask to stop (SIGTERM) */
	STEP_KILL,  /* grace is over */
	STEP_FORGET /* absent and gone: drop the connector */
};

struct verdict {
	enum connector_state state;
	enum reason reason;
	enum step_action action;
	int64_t wake_ms; /* monotonic: look again then at the latest; 0 = when a fact changes */
};

struct verdict step(const struct facts *f);
/* The table as rows of text, for docs and tests: NULL past the last. */
const char *step_describe(size_t row);

#define HUNG_GRACE_MS   1000 /* what hangs gets this long after SIGTERM */
#define IDLE_GRACE_MS   5000 /* and what had no connection, hence no request */
#define TERM_MARGIN_MS  5000 /* added to the grace period before SIGKILL */
#define START_WINDOW_MS (90 * 1000)

#endif
