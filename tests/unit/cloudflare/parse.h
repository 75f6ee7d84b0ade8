/* A text of the test's own as JSON, for readers that take it parsed. */
#ifndef UNIT_CLOUDFLARE_PARSE_H
#define UNIT_CLOUDFLARE_PARSE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"

static inline struct json_doc *parse(const char *text)
{
	struct json_doc *doc = NULL;
	struct err e;

	if (json_parse(text, strlen(text), NULL, &doc, &e) < 0)
		fail_msg("%s: %s", text, e.message);
	return doc;
}

#endif
