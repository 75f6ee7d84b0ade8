/*
 * Members of an account, gathered, and how they are shown. Permission groups that policies name by
 * their id alone are looked up in the list of groups, which is read where that is needed.
 */
#ifndef OPS_MEMBERS_H
#define OPS_MEMBERS_H

#include "base/map.h"
#include "cloudflare/members.h"
#include "ops/gather.h"

struct members {
	struct map groups;              /* id -> name, owned */
	const struct err *groups_error; /* they were needed and did not come */
	const struct world *world;      /* names zones */

	/* private */
	size_t read, groups_read; /* + 1 */
	bool looked, nameless;    /* for rights without a name; there is one */
	bool named;               /* groups is filled */
};

/* Once more each time that what it asks for has come, until it is true. false: it waits, or the
 * call has failed. query: of the listing, NULL = none. m: zeroed before. */
bool members_gather(struct call *c, struct gather *g, struct members *m, const char *account,
		    const char *query);
/* Each of them, when they have come; as gather_each. */
void members_each(struct gather *g, const struct members *m,
		  int (*row)(const struct json *row, void *owner), void *owner, gathered_fn *then);
size_t members_count(const struct gather *g, const struct members *m);
void members_free(struct members *m);

/* Each right of a member, with the names that are known. */
typedef void right_fn(const struct members *m, const struct cf_right *r, void *owner);
void members_rights(const struct members *m, const struct cf_member *x, right_fn *right,
		    void *owner);
/* What they are called and for which zones, in words, each once (a role may be told as a policy,
 * too): for members untrusted_* alone. */
void members_words(const struct members *m, const struct cf_member *x, struct strlist *out);

/* What all of somebody's rights come to. */
struct powers {
	bool super, gives[CF_POWERS];
};
void powers_add(struct powers *p, const struct cf_right *r);
void members_powers(const struct members *m, const struct cf_member *x, struct powers *out);
/* "super_administrator" and "can" */
void put_powers(struct json_writer *w, const struct powers *p);

/* A member's own name, as it is told; the caller frees it. NULL = it is not. */
char *member_name(const struct cf_member *x);
/* id, address, name, status, second factor, powers and roles, into the object that is open. */
void put_member(const struct members *m, const struct cf_member *x, struct json_writer *w);
/* "rights" */
void put_rights(const struct members *m, const struct cf_member *x, struct json_writer *w);
const char *second_factor_word(enum cf_told t); /* on, off, unknown */

#endif
