/* The options towards an origin (originRequest) as people write them, put into the API's form. The
 * API counts times in whole seconds; cloudflared's own file writes "30s". */
#ifndef MODEL_ORIGIN_FORM_H
#define MODEL_ORIGIN_FORM_H

#include "base/fields.h"

enum origin_source {
	ORIGIN_OF_FILE, /* cloudflared's config.yml: times are texts, all options are known */
	ORIGIN_OF_API   /* a document of ours: seconds or texts; what is not known passes */
};

/* Is it an option of cloudflared's? If not, *near = the one that may be meant; NULL = none. */
bool origin_form_knows(const char *name, const char **near);

/* Appends the options as compact JSON, nothing when there are none; members that are null are left
 * out. ERR_INVALID with "option: what is wrong, what is accepted", and path gets the option. */
MUST_USE int origin_form(const struct json *origin, enum origin_source from, struct buf *out,
			 char path[FIELD_PATH_SIZE], struct err *e);

#endif
