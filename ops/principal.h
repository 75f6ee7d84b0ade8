/* Who calls: a Unix user on the socket, later a grant. May this call be made? */
#ifndef OPS_PRINCIPAL_H
#define OPS_PRINCIPAL_H

#include <sys/types.h>

#include "model/settings.h"
#include "ops/decl/decl.h"

struct principal {
	enum role role;
	enum op_doors door;
	bool person; /* may approve: root on the socket (a uid that a model may share is not);
			others by polkit's word for the process below */
	uid_t uid;
	pid_t pid;         /* at the other end of the socket; 0 = not known, as of a grant */
	int64_t pid_start; /* its start time, which tells it from a later one; 0 = not known */
	char name[96];     /* "alice (uid 1000)", for plans and the ledger */
};

/* The role of a Unix user: root and our own user are admin, the others by access.* (users first,
 * then groups, the highest that fits). ERR_DENIED with a sentence for unknown ones: uid -1, the
 * overflow uid, and who is in none of the groups. */
MUST_USE int principal_of_user(const struct settings *s, uid_t uid, gid_t gid, const gid_t *groups,
			       size_t n_groups, struct principal *out, struct err *e);
/* The same of a name as it is kept with plans, with the groups that the user has now. */
MUST_USE int principal_of_name(const struct settings *s, const char *name, struct principal *out,
			       struct err *e);
/* Role and door of an operation against the caller's. */
MUST_USE int principal_may(const struct principal *p, const struct op *op, struct err *e);

#endif
