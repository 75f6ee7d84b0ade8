/*
 * Addresses of what can be read: which there are, what completes them, and which of them changes
 * with an object of the world.
 */
#ifndef MCP_RESOURCE_H
#define MCP_RESOURCE_H

#include "mcp/offer.h"

/* What completes that argument of a template. */
enum offer resource_offer(const char *template, const char *argument);
/* May the caller read it, as far as its kind goes? */
bool resource_may(const char *uri, const struct principal *who);
/* Does what is read there change when that object does? tunnel: which the object belongs to, or
 * NULL when that is not known. */
bool resource_shows(const char *uri, enum object_type type, const char *id,
		    const struct tunnel *tunnel);

#endif
