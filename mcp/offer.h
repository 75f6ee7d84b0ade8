/*
 * Values that are offered while an argument is typed: names of what the caller may see, and of
 * nothing else.
 */
#ifndef MCP_OFFER_H
#define MCP_OFFER_H

#include "base/text.h"
#include "ops/ops.h"

enum offer {
	OFFER_NONE, /* nothing can be offered */
	OFFER_HOST,
	OFFER_TUNNEL,
	OFFER_ZONE,
	OFFER_PLAN,
	OFFER_OPERATION,
	OFFER_UNKNOWN, /* no such prompt or template */
	OFFER_UNKNOWN_ARGUMENT
};

#define OFFERED_MAX 100

/* Adds those that begin with it, regardless of case, OFFERED_MAX at the most, in order; returns
 * how many there are. */
size_t offer_values(struct ops *o, const struct principal *who, enum offer what, const char *begun,
		    struct strlist *out);

#endif
