/* The way back past an adoption: what somebody else made is given back, never deleted. */
#ifndef OPS_REVISION_ADOPTED_H
#define OPS_REVISION_ADOPTED_H

#include "ops/ops.h"

/* Of the drops in p (made by snapshot_diff alone, so that changes stand beside their edits), those
 * of what was adopted after the revision become releases, and the words and a warning say so. */
MUST_USE int revision_release_adopted(const struct ops *o, int64_t revision, struct plan *p,
				      struct err *e);

#endif
