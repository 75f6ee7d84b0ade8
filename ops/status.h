/* What status_get answers, for whoever shows it otherwise. */
#ifndef OPS_STATUS_H
#define OPS_STATUS_H

#include "ops/ops.h"

/* One JSON object, of what who sees (NULL: of everything). Its sentences are looked through when a
 * call is answered (ops/screen.h), not here. */
void status_write(struct ops *o, const struct principal *who, struct buf *out);

#endif
