/* One adoption being planned, shared by its parts: the tunnel (adopt.c), its rules and its records.
 */
#ifndef OPS_ADOPT_PRIVATE_H
#define OPS_ADOPT_PRIVATE_H

#include "ops/adopt.h"
#include "reconcile/rules.h"

/* What becomes of a rule. */
enum fate { LEFT, TAKEN, OURS };

struct candidate {
	const struct rule *rule;
	enum fate fate;
	const struct route *row; /* our route of its key through this tunnel; NULL = none */
	char *why;               /* LEFT: "not chosen" */
};

struct adopting {
	const struct adopt_input *in;
	const struct tunnel *row;
	struct plan *p;
	char tunnel_id[ID_SIZE];
	struct rules rules, base;
	struct candidate *items; /* one a rule, in their order */
};

/* The edit that takes the tunnel, or puts ours again because its routes change. */
void adopt_edit_tunnel(struct adopting *x, bool takes);
void adopt_warn(struct plan *p, const char *fmt, ...) PRINTF(2, 3);
/* "edge2/0a1b2c3d" of another adit; NULL when the record bears no mark, or ours. */
char *adopt_other_owner(const struct adopting *x, const struct adopt_record *r);
/* Is it taken from that owner, as the person said? */
bool adopt_takes_over(const struct adopting *x, const struct adopt_record *r, const char *owner);

/* ---- adopt_rules.c ---- */
void adopt_judge_rules(struct adopting *x);
/* The merge of what is taken must find nothing to do. */
MUST_USE int adopt_check_merge(struct adopting *x, struct err *e);
/* Edits and words; how many rules it takes. */
size_t adopt_take_routes(struct adopting *x);

/* ---- adopt_records.c ---- */
void adopt_take_records(struct adopting *x);

#endif
