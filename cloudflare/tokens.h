/*
 * API tokens: what they say of themselves, and what their policies allow. Pure, and trusting
 * nothing: what cannot be read of a policy allows nothing, and what it denies is denied. All text
 * is from outside and borrows from the row.
 */
#ifndef CLOUDFLARE_TOKENS_H
#define CLOUDFLARE_TOKENS_H

#include "base/json.h"

enum cf_token_status {
	CF_TOKEN_ACTIVE,
	CF_TOKEN_DISABLED,
	CF_TOKEN_EXPIRED,
	CF_TOKEN_OTHER, /* a word that is not known */
	CF_TOKEN_STATUSES
};
const char *cf_token_status_name(enum cf_token_status s); /* "active", ..., "unknown" */

struct cf_token_row {
	const char *id;
	const char *name; /* NULL = not told */
	enum cf_token_status status;
	int64_t expires_ms, not_before_ms; /* wall; 0 = not told, as of a token that never ends */
	const struct json *policies;       /* NULL = not told */
};
/* Of a listing of tokens, or of their verification, which tells no name and no policies. */
MUST_USE int cf_token_row_read(const struct json *row, struct cf_token_row *out, struct err *e);

enum cf_allowed {
	CF_ALLOWED_NOT,
	CF_ALLOWED_PARTLY, /* for some zones only */
	CF_ALLOWED
};
/* permission: as the dashboard calls it, "DNS: Edit"; who may edit may read. For that account and
 * its zones. */
enum cf_allowed cf_token_allows(const struct json *policies, const char *permission,
				const char *account_id);

#endif
