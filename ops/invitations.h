/*
 * When members were invited: their rows do not tell it, the audit log may. What it does not hold
 * has no date.
 */
#ifndef OPS_INVITATIONS_H
#define OPS_INVITATIONS_H

#include "base/map.h"
#include "ops/members.h"

#define INVITATIONS_OLD_DAYS 14

struct invitations {
	bool asked;              /* else no date is known */
	const struct err *error; /* the log could not be read */

	/* private */
	bool looked;            /* for those who are invited */
	struct strlist pending; /* their ids */
	struct map dates;       /* id -> int64_t *, owned */
	size_t first, reads;    /* of gather */
	size_t dated;           /* of the reads */
};

/* As members_gather, once the members are there: asks of all who are invited and have not accepted.
 */
bool invitations_gather(struct gather *g, struct invitations *x, const struct members *m,
			const char *account);
void invitations_free(struct invitations *x);
/* Wall; 0 = not known. */
int64_t invitation_date(const struct invitations *x, const char *member);

#endif
