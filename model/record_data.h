/* Record types whose content has fields, as zone files write them ("10 5 443 sip.example.com"), and
 * which Cloudflare takes as an object `data`. The content that is kept is the fields in one form;
 * what comes from Cloudflare is brought into the same form before anything compares it. */
#ifndef MODEL_RECORD_DATA_H
#define MODEL_RECORD_DATA_H

#include "base/json.h"

/* Is its content made of fields? OPENPGPKEY has one, and no data. */
bool record_type_has_fields(const char *type);
/* Does Cloudflare take it as data? */
bool record_type_has_data(const char *type);

/* What a person wrote, checked and in one form; the caller frees *form. A sentence begins with
 * "content: ", the hint tells all fields and an example. */
MUST_USE int record_data_read(const char *type, const char *content, char **form, struct err *e);
/* Are two contents of a type with fields the same? */
bool record_data_same(const char *type, const char *a, const char *b);

/* The members of a request that say it: data, and priority where Cloudflare has it beside. */
void record_data_put(const char *type, const char *form, struct json_writer *w);
/* Are the members of data (NULL = absent) of the JSON types that they have to be? */
bool record_data_valid(const char *type, const struct json *data);
/* Of what Cloudflare shows, valid: from data, else content (with priority in front when it lacks
 * one), else content as it is. The caller frees it. */
char *record_data_form(const char *type, const struct json *data, int64_t priority,
		       const char *content);

#endif
