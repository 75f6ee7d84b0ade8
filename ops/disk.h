/*
 * When the store's disk takes no writes: what changes anything is refused, reads go on, and what
 * revokes still works: with the room of the reserve, else in memory until the disk takes it.
 */
#ifndef OPS_DISK_H
#define OPS_DISK_H

#include "ops/ops.h"

/* Why there is no store. */
const char *disk_no_store(const struct ops *o);
/* A write of a call has just failed: is there room by now, so that it may be tried once more? Never
 * for calls that revoke nothing. */
bool disk_makes_room(const struct call *c);
/* The plan is rejected although nothing could be written. */
void disk_reject(struct ops *o, const struct plan *p);
bool disk_rejected(const struct ops *o, int64_t plan);
/* Status shows what the last write met. */
void disk_note(const struct ops *o);
void disk_fini(struct ops *o);

#endif
