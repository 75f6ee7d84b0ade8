/* From an answer to the exit code (design 3.5). Pure. */
#ifndef CLI_OUTCOME_H
#define CLI_OUTCOME_H

#include "ops/decl/decl.h"

enum {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,      /* or degraded, for status and why */
	EXIT_DOWN = 2,        /* status, why */
	EXIT_UNREACHABLE = 3, /* the daemon */
	EXIT_USAGE = 64,
	EXIT_TRY_AGAIN = 75,
	EXIT_REFUSED = 77, /* denied, or waits for approval */
	EXIT_CONFIG = 78
};

/* waited: the caller asked to wait for the effect. */
int outcome_exit(const struct op *op, const struct json *result, bool waited);
/* A plan was stored and waits for somebody's approval. */
bool outcome_waits_for_approval(const struct op *op, const struct json *result);

#endif
