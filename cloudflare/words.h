/* Members of Cloudflare's rows, as they are believed: of the form that they should have, or none.
 * Pure. */
#ifndef CLOUDFLARE_WORDS_H
#define CLOUDFLARE_WORDS_H

#include "base/json.h"

/* What a policy is for: an id, or *, stands behind it. */
#define RESOURCE_ACCOUNT "com.cloudflare.api.account."
#define RESOURCE_ZONE    RESOURCE_ACCOUNT "zone."

/* A word of Cloudflare's (an action, a kind, a phase) or an id: letters, digits, _ and -, 64 at
 * most. NULL: it is none. */
const char *cf_word_of(const struct json *v);
const char *cf_word(const struct json *object, const char *key);
/* Text from outside; NULL: none, or "". */
const char *cf_text(const struct json *object, const char *key);
/* RFC 3339, wall; 0: none. */
int64_t cf_time(const struct json *object, const char *key);

#endif
