/* Problems on objects: the one place that decides what counts as "still the same trouble". */
#include "model/problem.h"

#include <stdlib.h>

void problem_set(struct problem **slot, const struct err *e, int64_t wall_ms)
{
	struct err err = *e; /* e may be the old problem's own error */
	bool same = *slot && (*slot)->err.kind == err.kind;

	if (!*slot)
		*slot = mem_alloc(sizeof(**slot));
	if (!same) {
		(*slot)->since_ms = wall_ms;
		(*slot)->attempts = 0;
	}
	(*slot)->err = err;
	(*slot)->next_try_ms = 0;
	if ((*slot)->attempts < INT32_MAX)
		(*slot)->attempts++;
}

void problem_clear(struct problem **slot)
{
	free(*slot);
	*slot = NULL;
}
