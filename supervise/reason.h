/*
 * Why a connector is where it is: one table maps exit codes, signals and classes of log lines to a
 * reason, its cure and how eagerly to retry. Everything that names a reason derives from it.
 */
#ifndef SUPERVISE_REASON_H
#define SUPERVISE_REASON_H

#include "base/err.h"

enum reason {
	REASON_NONE,
	REASON_ASKED,         /* a person or a changed setting asked for it */
	REASON_NEW,           /* first start */
	REASON_EXITED,        /* left by itself, nothing more is known */
	REASON_KILLED,        /* by a signal that was not ours */
	REASON_BAD_OPTIONS,   /* exit 0 unasked: a flag or value it does not know */
	REASON_BAD_CONFIG,    /* exit 1 with a configuration message */
	REASON_BAD_TOKEN,     /* exit 255, or "Unauthorized:" again and again */
	REASON_TUNNEL_GONE,   /* "Failed to get tunnel": deleted at Cloudflare */
	REASON_PORT_BUSY,     /* its metrics port was taken */
	REASON_NO_NETWORK,    /* names cannot be resolved, edge cannot be reached */
	REASON_NO_BINARY,     /* the program is missing or may not be executed */
	REASON_NO_TOKEN,      /* no connector token yet */
	REASON_NO_START,      /* files or process could not be made: disk, descriptors */
	REASON_UPDATED,       /* exit 11: it replaced itself */
	REASON_HUNG,          /* its /ready does not answer */
	REASON_UNREADY,       /* no edge connection for too long */
	REASON_OUTPUT_CLOSED, /* SIGPIPE: nobody read its log */
	REASON_UNKNOWN,       /* found again without an exit status */
	REASON_OPTIONS,       /* it runs with other options than it would be started with now */
	REASON_NEW_TOKEN,     /* it runs with an older token */
	REASON_UPGRADE,       /* another cloudflared lies on the disk */
	REASON_NOT_UP,        /* the process that was to replace it did not come up */
	REASON_HALF_OPEN,     /* it says it is connected, Cloudflare lists no connection of it */
	REASON_STALE,         /* it runs an older configuration than Cloudflare gave out */
	REASON_RESOURCES,     /* its memory or its open files are above the ceiling */
	REASON_NO_QUIC,       /* quic does not come up: http2 stands in */
	REASON_LOSSES,        /* quic lost too many connections: http2 stands in */
	REASON_QUIC_AGAIN,    /* quic is tried again beside http2 */
	REASON_EDGE,          /* requests through the public edge fail since it is connected */
	REASON_REFUSED,      /* the edge does not register it; not told why, or not for its token */
	REASON_NO_ADDRESSES, /* none of the edge's addresses can be reached, of all that it got */
	REASONS
};

enum retry {
	RETRY_SOON,  /* at once after a stable run, else with backoff */
	RETRY_SLOWLY /* blocked: once a minute up to every ten, cure shown */
};

struct reason_info {
	const char *name;     /* "bad_token" */
	const char *sentence; /* "the connector's token was refused" */
	const char *cure;     /* what to do; NULL = nothing to do */
	enum retry retry;
	enum err_kind kind; /* of the problem on the connector; ERR_NONE = no problem */
};
const struct reason_info *reason_info(enum reason r);
enum reason reason_by_name(const char *name); /* REASON_NONE when there is none of that name */

/* An exit as facts: code (-1 unknown or signal), signal, how long it ran, whether we asked, and the
 * class of its last telling log line. */
struct exit_facts {
	int code, signal;
	int64_t ran_ms;
	bool asked;
	enum reason log_class; /* of outlog_classify; REASON_NONE = nothing telling */
};
enum reason reason_of_exit(const struct exit_facts *x);

#endif
