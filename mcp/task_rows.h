/*
 * Tasks as the store knows them, among its small facts: whose each is, which call it goes for and
 * where the ledger has that. What became of the call is no fact of its own: the ledger and the plan
 * say it, after a new start as before.
 */
#ifndef MCP_TASK_ROWS_H
#define MCP_TASK_ROWS_H

#include "ops/ops.h"

#define TASK_ID_HEX 32

struct task_row {
	char id[TASK_ID_HEX + 1];
	char principal[96], call[13];
	const struct op *op;
	int64_t grant; /* 0 = none */
	int64_t asked; /* the call's first row in the ledger; 0 = it only reads */
	int64_t created_ms;
	bool cancelled; /* by its client */
};

MUST_USE int task_row_put(struct store *s, const struct task_row *row, struct err *e);
/* In one transaction. Those that cannot be dropped stay for the next start. */
void task_rows_drop(struct store *s, const struct strlist *ids);
/* All that are good; the caller frees the array. What cannot be read goes into bad, by its id. */
size_t task_rows_load(struct store *s, struct task_row **rows, struct strlist *bad);

/* What became of its call, which no run of aditd goes on with. 0: that plan tells, and the call had
 * ended (or was cut off). 1: nothing but e can be told. -1 with e: the store cannot be read. */
int task_row_became(struct store *s, const struct task_row *row, char **plan, bool *ended,
		    struct err *e);

#endif
