/*
 * The configurations that a plan would change, read and merged beforehand. Foreign rules that its
 * routes would replace or stand before go into the edits' takes, so that a person is asked; what
 * nobody can let refuses the plan; what stands in the way of other routes is a warning.
 */
#ifndef OPS_PREFLIGHT_CONFIG_H
#define OPS_PREFLIGHT_CONFIG_H

#include "ops/ops.h"

struct config_check;
/* task.err: ERR_CONFLICT when the plan cannot be carried out. What cannot be asked is a warning. */
struct config_check *config_check_start(struct ops *o, struct plan *plan, task_done_fn *done,
					void *owner);
/* Of one that is over, or to be cancelled. NULL is fine. */
void config_check_free(struct config_check *k);

#endif
