/*
 * What a client's token is, and what it may do: verified as a user's token and then as an
 * account's, its own row read where it may read that, and else found out by one cheap read for each
 * permission. What nobody tells stays unknown. Nothing that comes of it changes the world's state
 * of access.
 */
#ifndef CLOUDFLARE_TOKEN_LOOK_H
#define CLOUDFLARE_TOKEN_LOOK_H

#include "cloudflare/client.h"
#include "cloudflare/permissions.h"
#include "cloudflare/tokens.h"

enum cf_may { CF_MAY_UNKNOWN, CF_MAY_NOT, CF_MAY_PARTLY, CF_MAY };

struct cf_token_look {
	struct task task; /* first. err: why the token could not be verified */
	/* out, until cf_token_look_reset */
	enum { CF_OWNER_UNKNOWN, CF_OWNER_USER, CF_OWNER_ACCOUNT } owner;
	const struct cf_token_row *token; /* NULL = it was not verified */
	const char *name;                 /* NULL = not told */
	bool by_policies;                 /* permissions are what its own row says */
	enum cf_may may[CF_PERMISSIONS];

	/* private */
	struct cf *cf;
	char account[33], zone[33];
	bool own_zone; /* the token lists that zone itself */
	struct cf_token_row row, own;
	struct cf_call verify, self;
	struct cf_call probes[CF_PERMISSIONS];
	size_t waiting;
};

/* zone: one of the account's, for what is allowed by zones where the token lists none of its own:
 * that it may not read there tells nothing then; "" = none is known. The account is the client's.
 * Zero x before its first use. */
void cf_token_look_start(struct cf *cf, struct cf_token_look *x, const char *zone,
			 task_done_fn *done, void *owner);
/* Not when it is missing, refused, disabled or over; nothing is known of what it may, then. */
bool cf_token_look_usable(const struct cf_token_look *x);
/* Idempotent; fine on a zeroed one. */
void cf_token_look_cancel(struct cf_token_look *x);
void cf_token_look_reset(struct cf_token_look *x);

#endif
