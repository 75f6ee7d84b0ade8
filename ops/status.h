/* What status_get answers, for whoever shows it otherwise. */
#ifndef OPS_STATUS_H
#define OPS_STATUS_H

#include "ops/ops.h"

/* One JSON object. */
void status_write(const struct ops *o, struct buf *out);

#endif
