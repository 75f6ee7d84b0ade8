/* Accounts, as whoever looks at them wants to know them. Pure: a row is decoded, its texts are
 * borrowed from it. */
#ifndef CLOUDFLARE_ACCOUNTS_H
#define CLOUDFLARE_ACCOUNTS_H

#include "base/json.h"

struct cf_account_row {
	const char *id;
	const char *name; /* from outside; NULL = none */
	const char *type; /* "standard", "enterprise"; from outside; NULL = none */
	enum {
		CF_SECOND_FACTOR_UNKNOWN,
		CF_SECOND_FACTOR_ASKED,
		CF_SECOND_FACTOR_NOT_ASKED
	} second_factor; /* of its members */
};
/* -1: it has no id, which all else hangs on. */
MUST_USE int cf_account_read(const struct json *v, struct cf_account_row *out);

#endif
