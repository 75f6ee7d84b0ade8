/*
 * Who calls: a Unix user on the socket, or a grant. May this call be made? A grant is looked up
 * each time, so that what was revoked or frozen holds for whoever came in before.
 */
#ifndef OPS_PRINCIPAL_H
#define OPS_PRINCIPAL_H

#include <sys/types.h>

#include "model/settings.h"
#include "ops/decl/decl.h"

/* What the names of grants begin with, as principals. No user's name reads so: theirs end with
 * "(uid N)", which no grant's can. */
#define GRANT_PRINCIPAL "grant "

struct grant;
struct grants;

/* What a person said who was asked about the very thing that is called for: lets a grant that asks
 * carry a plan out, or reject it. */
enum asked { ASKED_NOTHING, ASKED_YES, ASKED_NO };

struct principal {
	enum role role;
	enum op_doors door;
	bool person; /* may approve: root on the socket (a uid that a model may share is not);
			others by polkit's word for the process below */
	uid_t uid;
	pid_t pid;         /* at the other end of the socket; 0 = not known, as of a grant */
	int64_t pid_start; /* its start time, which tells it from a later one; 0 = not known */
	char name[96];     /* "alice (uid 1000)", "grant claude": for plans and the ledger */

	int64_t grant;         /* id; 0 = no grant */
	struct grants *grants; /* where it stands; NULL = no grant */

	/* Set by whoever asked (mcp/ask.h) for one call, never by a client. */
	enum asked asked;

	/* For the ledger: claims of the other side, stripped and cut (principal_claim). */
	char peer[64];   /* where it comes from, as the door knows it; "" = the process above */
	char client[64]; /* name and version that the client says of itself */
	char tool_use[64];
};

/* Copies what the other side says of itself: printable, and cut to what fits. */
void principal_claim(char *slot, size_t size, const char *text);

/* The role of a Unix user: root and our own user are admin, the others by access.* (users first,
 * then groups, the highest that fits). ERR_DENIED with a sentence for unknown ones: uid -1, the
 * overflow uid, and who is in none of the groups. */
MUST_USE int principal_of_user(const struct settings *s, uid_t uid, gid_t gid, const gid_t *groups,
			       size_t n_groups, struct principal *out, struct err *e);
/* A living grant on MCP's doors; -1 for NULL. */
MUST_USE int principal_of_grant(const struct grant *g, struct principal *out);
/* MCP without a grant: reads, whatever the user may besides. ERR_DENIED when he may not even
 * that. */
MUST_USE int principal_without_grant(const struct principal *user, struct principal *out,
				     struct err *e);
/* The grant behind it, while that lives; NULL = none. */
const struct grant *principal_grant(const struct principal *p);
/* The same of a name as it is kept with plans, with the groups that the user has now. */
MUST_USE int principal_of_name(const struct settings *s, const char *name, struct principal *out,
			       struct err *e);
/* What decides on a call: what says no to it, or POLICY_NONE. */
enum policy {
	POLICY_NONE,
	POLICY_DOOR,
	POLICY_ROLE,
	POLICY_ENDED,  /* the grant was revoked or has expired */
	POLICY_FROZEN, /* all grants are read-only */
	POLICY_METHOD,
	POLICY_TAG,
	POLICY_BUDGET,
	POLICY_SCOPE, /* what a plan of a grant would do or touch: methods, zones, hosts, tunnels */
	POLICY_APPROVAL, /* what the plan does takes a person's word */
	POLICY_PERSON,   /* a person said so */
	POLICIES
};
const char *policy_name(enum policy p);
/* The door and role of an operation against the caller's; of a grant also that it lives, its
 * methods, its tags and the read-only switch. Asking spends nothing: it decides what is listed too.
 */
enum policy principal_policy(const struct principal *p, const struct op *op);
/* The same with a sentence: ERR_DENIED. */
MUST_USE int principal_may(const struct principal *p, const struct op *op, struct err *e);
/* Does he change nothing before a person was asked, and was nobody? */
bool principal_must_ask(const struct principal *p);
/* One call of a grant's budget. ERR_RATE_LIMITED with when to come again. */
MUST_USE int principal_spend(const struct principal *p, struct err *e);
/* The sentence for what takes a method (GRANT_*) that the grant does not hold; -1. */
int policy_deny_method(const struct principal *p, const char *what, unsigned methods,
		       struct err *e);

#endif
