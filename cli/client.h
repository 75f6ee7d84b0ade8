/* One call over the Unix socket. The daemon's answer is kept as it came: --json prints it. */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include "base/buf.h"
#include "base/err.h"

struct client_call {
	const char *socket;    /* path */
	const char *operation; /* borrowed, as body; NULL = path is what is asked */
	const char *path;      /* borrowed, as "/mcp" */
	const char *header;    /* one more header, or NULL */
	const struct buf *body;
	int64_t timeout_ms;   /* until the answer must be here */
	const char *progress; /* shown with the seconds on standard error while it takes time, or
				 NULL */
	/* set by client_run */
	bool reached; /* an answer came; else why not is in the error */
	int status;   /* HTTP */
	struct buf answer;
};

/* 0 when the daemon answered, whatever it said; else ERR_TIMEOUT, or why it is not reached. */
MUST_USE int client_run(struct client_call *c, struct err *e);
/* A connection of its own, for what is no call. */
MUST_USE int client_connect(const char *path, int *fd, struct err *e);
/* Why nobody answers at this socket; always -1. */
int client_unreachable(const char *path, struct err *e);
void client_free(struct client_call *c);

#endif
