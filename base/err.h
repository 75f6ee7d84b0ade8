/*
 * The error value: a kind from a closed list, one sentence, what to do about it, and what
 * Cloudflare said. It lives on the caller's stack; functions return 0 or -1 and touch neither the
 * error nor their out parameters on success resp. failure. A function logs or returns, never both.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/mem.h"

enum err_kind {
	ERR_NONE,
	ERR_INVALID,
	ERR_NOT_FOUND,
	ERR_DENIED,
	ERR_CONFLICT,
	ERR_NEEDS_APPROVAL,
	ERR_BUSY,
	ERR_RATE_LIMITED,
	ERR_UPSTREAM,
	ERR_TIMEOUT,
	ERR_CANCELLED,
	ERR_INTERNAL,
	ERR_KINDS /* number of kinds */
};

#define ERR_RAY_SIZE  64
#define ERR_SAID_SIZE 161

struct err {
	enum err_kind kind;
	char message[480]; /* one sentence, no newline, never a secret */
	char hint[240];    /* what to do next; may be empty */
	bool retryable;
	int64_t retry_after_ms; /* 0 = not said */
	char missing_permission[80];
	struct {
		int status;   /* HTTP status, 0 = Cloudflare was not asked or did not answer */
		int64_t code; /* errors[0].code, 0 = none */
		char ray[ERR_RAY_SIZE];
		char said[ERR_SAID_SIZE]; /* its own words: never part of message or hint */
	} cloudflare;
};

/* Set kind and sentence, clear the rest; always -1, so that it can end a function. Retryable is
 * set from the kind's table. Control characters in the text become '?'. */
int err_set(struct err *e, enum err_kind kind, const char *fmt, ...) PRINTF(3, 4);
/* Put "what: " before the sentence; always -1. */
int err_wrap(struct err *e, const char *fmt, ...) PRINTF(2, 3);
/* Say what to do next; always -1. */
int err_hint(struct err *e, const char *fmt, ...) PRINTF(2, 3);
/* From errno: "what: strerror". ENOENT is not_found, EACCES/EPERM denied, else internal. */
int err_errno(struct err *e, const char *fmt, ...) PRINTF(2, 3);
void err_clear(struct err *e);

/* One table: name, HTTP status of the doors, exit code of adit, retryable. */
const char *err_kind_name(enum err_kind kind);
enum err_kind err_kind_by_name(const char *name); /* unknown: ERR_INTERNAL */
int err_kind_http(enum err_kind kind);
int err_kind_exit(enum err_kind kind);

#endif
