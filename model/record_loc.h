/* LOC records: a place on Earth (RFC 1876), as zone files write it and as Cloudflare's object. Kept
 * in one form that has all fields, so that defaults that somebody leaves out are no difference. For
 * record_data.c only. */
#ifndef MODEL_RECORD_LOC_H
#define MODEL_RECORD_LOC_H

#include "base/json.h"

/* strict: as a person wrote it; else as somebody else did, whose precisions may be any. The caller
 * frees *form. */
MUST_USE int loc_read(const char *content, bool strict, char **form, struct err *e);
/* The member data of a request; the form is one that loc_read made. */
void loc_put(const char *form, struct json_writer *w);
/* Are the members of the JSON types that they have to be? */
bool loc_valid(const struct json *data);
/* NULL when a member lacks or is out of range. The caller frees it. */
char *loc_form(const struct json *data);

#endif
