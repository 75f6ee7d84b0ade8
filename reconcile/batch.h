/*
 * Actions on records of one zone that are due together go together: writes in one batch, which is
 * all or nothing, and many looks in one listing. Each action keeps its own intent, result and
 * problem, as if it had gone alone; what a batch refuses is cut in halves until the one that is
 * wrong stands alone.
 */
#ifndef RECONCILE_BATCH_H
#define RECONCILE_BATCH_H

#include "reconcile/act.h"

enum batch_kind { BATCH_NONE, BATCH_WRITES, BATCH_LOOKS };

/* As many looks as these in one zone are one listing. */
#define LOOKS_TOGETHER 3
/* A zone known to have more records than this is not listed for a few of them. */
#define LISTED_MOST 20000

struct batch_group {
	enum batch_kind kind; /* BATCH_NONE: one action by itself */
	char zone_id[CF_ID_SIZE];
	size_t *members; /* of the actions, in their order */
	size_t n, steps;
};

struct batch_groups {
	struct batch_group *items;
	size_t n;
};
typedef struct batch_groups batch_groups_t;
void batch_groups_t_cleanup(batch_groups_t *g);

/* Pure: which of the actions go together. Each is in just one group. */
void batch_group(const struct world *w, const struct action *actions, size_t n,
		 struct batch_groups *out);

struct batch {
	struct task task; /* first. It ends when all members have their fate or go alone */
	const struct act_context *x;
	struct list node; /* of the owner */
	enum batch_kind kind;
	char zone_id[CF_ID_SIZE];
	struct act **members; /* borrowed; NULL once they are told */
	size_t n;
	struct cf_call call;
	struct cf_page page;
	bool calling, paging;
	struct {
		size_t from, to;
	} * ranges; /* still to be sent; the last is next */
	size_t n_ranges;
	int64_t since_ms; /* wall: when the listing began */
};

/* members were begun by act_join; they end like any other. */
void batch_start(const struct act_context *x, struct batch *b, const struct batch_group *group,
		 struct act **members, task_done_fn *done, void *owner);
/* One that is over, or is to be cancelled, off its owner's list. Its members are the owner's. */
void batch_free(struct batch *b);

#endif
