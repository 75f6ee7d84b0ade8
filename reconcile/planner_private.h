/* One round of planning, shared by the kinds of objects. */
#ifndef RECONCILE_PLANNER_PRIVATE_H
#define RECONCILE_PLANNER_PRIVATE_H

#include "model/groups.h"
#include "reconcile/planner.h"

struct planning {
	const struct world *w;
	int64_t now; /* wall */
	struct work *out;
	bool zones_asked;
	bool waiting; /* is there any route whose rule is not confirmed? */
	bool stuck;   /* is there any connector that serves and has a problem? */
	struct serving serving;
	struct groups groups; /* once they are needed; mostly nothing is to be done */
};

/* The action is due. reason is a literal. */
void plan_act(struct planning *p, enum action_kind kind, const char *id, const char *reason);
/* Nothing is done about it, for the reason that the caller writes into what is returned. */
struct err *plan_refuse(struct planning *p, enum object_type type, const char *id);
/* Plan again then, at the latest. */
void plan_wake(struct planning *p, int64_t wall_ms);

/* What to do about a thing that a look-up did not find: look, create, look again after a lost
 * answer. */
enum creating { CREATE_LOOK, CREATE_WAIT, CREATE_NOW };
enum creating plan_creating(struct planning *p, int64_t looked_ms, int64_t sent_ms);
/* What stood in the way may have gone: time to look again? */
bool plan_looks_again(struct planning *p, int64_t looked_ms);

struct groups *plan_groups(struct planning *p);

/* To be called before the first tunnel. */
void plan_find_waiting(struct planning *p);
void plan_find_stuck(struct planning *p);
void plan_tunnel(struct planning *p, const struct tunnel *t);
/* Its new secret, where one is on its way or connectors did not take it. */
void plan_secret(struct planning *p, const struct tunnel *t);
void plan_route(struct planning *p, const struct route *r);
void plan_record(struct planning *p, const struct record *r);

#endif
