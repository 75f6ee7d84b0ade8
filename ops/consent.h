/*
 * A person's word, for what takes one: root is one, anybody else is asked to authenticate by polkit
 * (action adit.approve), as the process at the other end of the socket, each time anew. A uid that
 * a model may share is never a person by itself, and a grant never is.
 */
#ifndef OPS_CONSENT_H
#define OPS_CONSENT_H

#include "ops/ops.h"

/* what: "Approving a plan", a literal. The task's err: ERR_DENIED, why there is no such word, or
 * ERR_BUSY. */
void consent_start(struct ops *o, struct consent *x, const struct principal *who, const char *what,
		   task_done_fn *done, void *owner);
/* The dialogue ends with it. Idempotent; fine on a zeroed one. */
void consent_cancel(struct consent *x);
/* All of them: nobody waits any more. */
void consents_forget(struct ops *o);
/* How long it may take. */
#define CONSENT_MS 60000

#endif
