/*
 * Pure: how a connector gets another process without losing a request. The other one comes up
 * beside the one that serves; when all its edge connections have stood a moment it is the
 * connector's, and the old one drains. One that does not come up is taken away again, and the old
 * one goes on. As in step.h nothing is remembered: after a crash of ours anywhere the same table
 * goes on from what runs.
 */
#ifndef SUPERVISE_REPLACE_H
#define SUPERVISE_REPLACE_H

#include "supervise/edge_probe.h"
#include "supervise/reason.h"

/* The other process of a connector, beside its own. */
struct replace_other {
	bool there; /* a process, or what it left behind */
	bool running;
	bool replaced;        /* it was the connector's own before: it is to drain */
	int64_t started_ms;   /* monotonic: known of since */
	int64_t term_sent_ms; /* 0 = not asked to stop */
	bool term_noted;      /* an earlier life of ours noted that, and perhaps did not do it */
	bool kill_sent;
	int edge;               /* as in struct facts */
	int64_t last_answer_ms; /* as there */
	int failures;
	int64_t full_ms;          /* monotonic: all edge connections stand since; 0 = they do not */
	enum edge_gate edge_gate; /* asked when all its connections stand */
	bool outdated;            /* its token or a setting changed since it was started */
	bool config_behind;       /* it runs an older configuration than the one that serves */
	enum reason log_class;    /* Cloudflare refuses it, by its log */
	bool quic_useless;        /* as in struct facts */
	int64_t quic_until_ms;    /* as there */
};

struct replace_facts {
	int64_t now_ms;        /* monotonic */
	bool unwanted;         /* absent, or stopped by a user */
	bool running;          /* its own process, and it was not asked to stop */
	bool serves;           /* that one is connected and answers */
	bool unheard;          /* it was not heard yet: whether it serves is not known */
	int edge;              /* its connections */
	enum reason cause;     /* why it is to have another process, its turn come; REASON_NONE */
	int64_t not_before_ms; /* after a try in vain; 0 = at once */
	struct replace_other other;
	int failure_limit;
	int64_t grace_ms, window_ms, settle_ms;
};

enum replace_action {
	REPLACE_NOTHING,
	REPLACE_START,   /* the other one */
	REPLACE_SWAP,    /* the other one is the connector's own from now on */
	REPLACE_TERM,    /* the old one may go: ask it to stop */
	REPLACE_ABANDON, /* the other one did not come up: ask it to stop, keep the old one */
	REPLACE_KILL,    /* grace is over */
	REPLACE_TIDY     /* nothing runs there any more: remove what is left */
};

struct replace_verdict {
	enum replace_action action;
	enum reason reason; /* of REPLACE_START and REPLACE_ABANDON */
	int64_t wake_ms;    /* monotonic; 0 = when a fact changes */
};

struct replace_verdict replace_step(const struct replace_facts *f);
/* The table as rows of text, for docs and tests: NULL past the last. */
const char *replace_describe(size_t row);

#define REPLACE_SETTLE_MS 2000 /* all connections stand so long before it counts */

#endif
